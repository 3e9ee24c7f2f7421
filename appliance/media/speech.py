"""Drives the helper process that makes sound files (`speech_worker`): started on demand, ended when idle.

Lives in the event loop and never blocks it. A job that hangs or crashes the helper fails alone; the next one gets a new
helper.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from appliance.media.spoken import SpeechError

_JAPANESE = ("pyopenjtalk", "numpy", "pydantic", "sudachipy")
"""Packages that Japanese speech imports."""
WORKER = (sys.executable, "-m", "appliance.media.speech_worker")


class Off(NamedTuple):
    """Something the box cannot do for want of a program or package, in words by language."""

    id: str
    text: Mapping[str, str]
    remedy: Mapping[str, str]


OFF = {
    "ja": Off(
        "speech-ja",
        {
            "ja": "日本語の音声合成が使えないため、日本語の案内は信号音になります。",
            "en": "Japanese speech is off: Japanese prompts are a beep.",
        },
        {
            "ja": "make setup を実行してください（pyopenjtalk-plus が入ります）。",
            "en": "Run `make setup`; it installs pyopenjtalk-plus.",
        },
    ),
    "en": Off(
        "speech-en",
        {
            "ja": "英語の音声合成が使えないため、英語の案内は信号音になります。",
            "en": "English speech is off: English prompts are a beep.",
        },
        {
            "ja": "apt-get install espeak-ng を実行してください。",
            "en": "Run `apt-get install espeak-ng`.",
        },
    ),
}
"""What is off when the voice of a language is missing."""


def voices_off() -> tuple[Off, ...]:
    """What is off on this machine as far as one can tell without speaking: packages and programs that are missing."""
    missing = []
    if any(importlib.util.find_spec(package) is None for package in _JAPANESE):
        missing.append(OFF["ja"])
    if shutil.which("espeak-ng") is None:
        missing.append(OFF["en"])
    return tuple(missing)


class SpeechHelper:
    """Hands jobs to the helper process, one at a time."""

    def __init__(self, idle_seconds: float = 20.0, job_seconds: float = 120.0, command: Sequence[str] = WORKER) -> None:
        """The helper is ended after `idle_seconds` without a job; a job that takes `job_seconds` is given up."""
        self._idle_seconds, self._job_seconds, self._command = idle_seconds, job_seconds, tuple(command)
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._ids = itertools.count(1)
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Process id of the helper while it runs."""
        return self._process.pid if self._process else None

    async def make(self, job: Mapping[str, Any]) -> float:
        """Has one file made; returns its length in seconds. Raises SpeechError."""
        async with self._lock:
            if self._idle:
                self._idle.cancel()
                self._idle = None
            try:
                answer = await asyncio.wait_for(self._ask({**job, "id": next(self._ids)}), self._job_seconds)
            except TimeoutError:
                await self._kill()
                raise SpeechError("failed", f"gave up after {self._job_seconds:.0f} s") from None
            except (OSError, ValueError) as error:
                await self._kill()
                raise SpeechError("failed", f"the speech helper failed: {error}") from None
            except asyncio.CancelledError:
                # Its answer would be taken for that of the next job.
                await self._kill()
                raise
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_soon)
        if "error" in answer:
            raise SpeechError(str(answer["error"]), str(answer["text"]))
        return float(answer["seconds"])

    async def close(self) -> None:
        """Ends the helper."""
        if self._idle:
            self._idle.cancel()
        async with self._lock:
            await self._end()

    async def _ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await self._start()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise ValueError(f"it ended with status {await process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            # Ctrl-C on the box's terminal is for the box, which then ends its helper in order.
            start_new_session=True,
        )

    def _end_soon(self) -> None:
        if not self._lock.locked():
            task = asyncio.get_running_loop().create_task(self.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(_gone(process), 5)
        except TimeoutError:
            await self._kill()
        self._process = None

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await _gone(process)


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Waits until the process has ended and its pipes are closed; a pipe must not outlive the event loop."""
    while process.stdout is not None and await process.stdout.read(65536):
        pass
    await process.wait()
