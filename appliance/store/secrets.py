"""Passwords and PINs: hashed with Argon2id, checked in time that tells nothing. Slow by intent: call it in a thread."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MEMORY_KIB: Final = 19 * 1024
"""19 MiB, two passes, one lane: OWASP's smallest recommended setting; about 50 ms, a Pi can bear it."""
PASSES: Final = 2

_UNKNOWN: Final = "$argon2id$v=19$m=19456,t=2,p=1$aGFrby11bmtub3duLXVzZXI$qT6Ugpm9vRPnOz9lX3nJmQq2kq6v0pXzZ4F5wXo6pJk"
"""Checked for a name nobody has, so that the answer takes as long."""


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, Type

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1, type=Type.ID)


def hash_secret(plain: str) -> str:
    """The hash to keep of a password or PIN, in PHC form."""
    return _hasher().hash(plain)


def verify(kept: str, plain: str) -> bool:
    """Whether the plain secret fits the kept hash. Never raises; an empty or foreign hash fits nothing."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return _hasher().verify(kept or _UNKNOWN, plain) and bool(kept)
    except (Argon2Error, InvalidHashError, ValueError):
        return False


def keep_or_hash(plain: str, present: str) -> str:
    """The present hash where it fits, else a new one: an unchanged password in a site file changes nothing."""
    return present if present and verify(present, plain) else hash_secret(plain)
