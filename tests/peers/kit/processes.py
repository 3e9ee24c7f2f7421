"""Programs that a test starts: output into a file, ended by their own id, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Program:
    """One process of ours, in a session of its own; its output is in `log`."""

    def __init__(self, command: Sequence[str], log: Path, cwd: Path | None = None, netns: str = "") -> None:
        inside = ["ip", "netns", "exec", netns] if netns else []
        self.log = log
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                [*inside, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def ended(self) -> bool:
        return self.child.poll() is not None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: int) -> None:
        if not self.ended:
            os.kill(self.child.pid, number)

    async def end(self, number: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Asks the process to end, waits, kills it if it does not; its exit status."""
        self.send(number)
        return await self.wait(seconds)

    async def wait(self, seconds: float) -> int:
        """Its exit status once it has ended by itself; killed after `seconds`."""
        with contextlib.suppress(AssertionError):
            await until(lambda: self.ended, seconds)
        return self.kill()

    def kill(self) -> int:
        """Ends it at once if it still runs; its exit status."""
        if not self.ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child.pid, signal.SIGKILL)
        return self.child.wait()


async def until(condition: Callable[[], T], seconds: float, what: str | Callable[[], str] = "it") -> T:
    """What `condition` gives as soon as it is true. Raises AssertionError that names `what` after `seconds`."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > limit:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {seconds} s: {text}")
        await asyncio.sleep(0.02)
