"""How the parts of the web server hand blocking work (files, SQLite) to its threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class InThread(Protocol):
    """Runs `work` in a thread and gives its result, or raises its exception, in the loop."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...
