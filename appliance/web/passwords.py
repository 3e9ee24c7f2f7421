"""Checks passwords against Argon2 hashes in a thread of its own, one at a time: each takes about 50 ms and 19 MiB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from appliance.web.problem import Problem

MAX_WAITING = 16
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$aGFrby1ub2JvZHktaGFrbw$lHFrJl5lQz5HhBiNoXI4FOYkf9xZP/VzE+bFZ4h1dXs"
"""A hash that no password fits, so that an unknown name costs what a known one does."""


class Passwords:
    def __init__(self, verify: Callable[[str, str], Awaitable[bool]] | None = None) -> None:
        """`verify(password_hash, password)` takes the place of Argon2 when given."""
        self._verify = verify or self._in_thread
        self._thread: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def check(self, password_hash: str, password: str) -> bool:
        """Whether the password fits; an empty hash fits nothing and takes as long. Problem 429: too many wait."""
        if self._waiting >= MAX_WAITING:
            raise Problem(429, "busy", "Too many log-ins at once. Try again.", headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            fits = await self._verify(password_hash or NOBODY, password)
        finally:
            self._waiting -= 1
        return fits and bool(password_hash)

    async def _in_thread(self, password_hash: str, password: str) -> bool:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "web-password")
        return await asyncio.get_running_loop().run_in_executor(self._thread, _fits, password_hash, password)

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)


def _fits(password_hash: str, password: str) -> bool:
    import argon2

    try:
        return bool(argon2.PasswordHasher().verify(password_hash, password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
