"""Checks passwords against Argon2 hashes in a thread of its own, one at a time: each takes about 50 ms and 19 MiB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from appliance.store.secrets import verify
from appliance.web.problem import Problem

MAX_WAITING = 16


class Passwords:
    def __init__(self, other: Callable[[str, str], Awaitable[bool]] | None = None) -> None:
        """`other(password_hash, password)` takes the place of Argon2 when given."""
        self._verify = other or self._in_thread
        self._thread: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def check(self, password_hash: str, password: str) -> bool:
        """Whether the password fits; an empty hash fits nothing and takes as long. Problem 429: too many wait."""
        if self._waiting >= MAX_WAITING:
            raise Problem(429, "busy", "Too many log-ins at once. Try again.", headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            fits = await self._verify(password_hash, password)
        finally:
            self._waiting -= 1
        return fits and bool(password_hash)

    async def _in_thread(self, password_hash: str, password: str) -> bool:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "web-password")
        return await asyncio.get_running_loop().run_in_executor(self._thread, verify, password_hash, password)

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
