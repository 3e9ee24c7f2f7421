"""`hako`'s side of the web phone process: starts it when a browser wants a telephone, notices its end, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.errors import HakoError
from appliance.media.client import connect
from appliance.webphone.messages import LOCK, MAX_LINE, SOCKET, WATCH, Open, line

log = logging.getLogger("hako.webphone")

START_SECONDS = 15.0
"""How long a new process may take until it listens; its libraries are large."""
POLL_SECONDS = 0.05
SHORT_LIFE_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Between two starts of a process that dies young."""
_MODULES = ("aiortc", "av")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WebPhonesUnavailable(HakoError):
    """No telephone can be had now; the message says why."""


def installed() -> bool:
    """Whether the libraries are there. Imports nothing of them."""
    return all(importlib.util.find_spec(name) is not None for name in _MODULES)


class Keeper:
    """The process of one data folder."""

    def __init__(self, data: Path, lost: Callable[[], None]) -> None:
        """`lost`: the process is gone, and with it every telephone that it was."""
        self.pid = 0
        """Of the process; 0: none, or one of an earlier run whose number nobody needs."""
        self.restarts = 0
        """How often it died."""
        self._data, self._lost = data.absolute(), lost
        self._path = self._data / SOCKET
        self._child: subprocess.Popen[bytes] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._stopping = False
        self._pause, self._not_before = FIRST_PAUSE, 0.0

    @property
    def running(self) -> bool:
        """Whether a process is there."""
        return self._watching is not None and not self._watching.done()

    async def adopt(self) -> bool:
        """Takes over a process that an earlier run has left; False: there is none."""
        with contextlib.suppress(OSError, TimeoutError):
            await self._watch()
            return True
        return False

    async def open(self, opened: Open) -> Streams:
        """The connection of one browser's telephone. Raises WebPhonesUnavailable."""
        await self._ensure()
        try:
            reader, writer = await self._connect()
        except OSError as error:
            raise WebPhonesUnavailable(f"its process does not answer: {error}") from None
        writer.write(line(opened))
        return reader, writer

    async def stop(self) -> None:
        """Ends the process in order, calls included."""
        self._stopping = True
        watching = self._watching
        if watching is None or watching.done():
            return
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.kill(self.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(watching), 4.0)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await self._reap(kill=True)

    async def leave(self) -> None:
        """Lets go of the process, which waits with its calls for the next run to adopt it."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._child is not None:
            self._child.returncode = 0  # it lives on, as somebody else's process

    # --- inside ------------------------------------------------------------------------------------------------------
    async def _ensure(self) -> None:
        async with self._starting:
            if self.running:
                return
            if not installed():
                raise WebPhonesUnavailable("its libraries are not installed")
            wait = self._not_before - asyncio.get_running_loop().time()
            if wait > 0:
                raise WebPhonesUnavailable(f"its process has just ended; it starts again in {wait:.0f} s")
            if not await self.adopt():
                await self._start()

    async def _start(self) -> None:
        command = [sys.executable, "-m", "appliance.webphone.process", "--data", str(self._data)]
        self._child = child = await asyncio.to_thread(_spawn, command)
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            await asyncio.sleep(POLL_SECONDS)
            if child.poll() is not None:
                self._wait_longer()
                raise WebPhonesUnavailable(f"its process ended with {child.returncode} at its start")
            with contextlib.suppress(OSError, TimeoutError):
                await self._watch()
                return
        child.kill()
        self._wait_longer()
        raise WebPhonesUnavailable("its process does not listen")

    def _wait_longer(self) -> None:
        self._not_before = asyncio.get_running_loop().time() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _connect(self) -> Streams:
        connection = connect(self._path)
        return await asyncio.open_unix_connection(sock=connection, limit=MAX_LINE)

    async def _watch(self) -> None:
        """Opens the connection whose end is the process's. Raises OSError, TimeoutError."""
        reader, writer = await self._connect()
        writer.write(WATCH)
        try:
            if await asyncio.wait_for(reader.readline(), 3.0) != WATCH:
                raise ConnectionError("it is no web phone process")
            self.pid = int((self._data / LOCK).read_bytes())
        except (OSError, ValueError, TimeoutError):
            writer.close()
            raise ConnectionError("it does not answer") from None
        self._watching = asyncio.get_running_loop().create_task(self._watched(reader, writer))

    async def _watched(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            with contextlib.suppress(OSError):
                await reader.read()
        finally:
            writer.close()
        status = await self._reap(kill=False)
        self.pid = 0
        if self._stopping:
            return
        if status != 0:
            self.restarts += 1
            log.warning("the web phone process has ended (%s)", "its status is unknown" if status is None else status)
            if loop.time() - began > SHORT_LIFE_SECONDS:
                self._pause = FIRST_PAUSE
            self._wait_longer()
        self._lost()

    async def _reap(self, kill: bool) -> int | None:
        """Its exit status; None where it was another run's child."""
        child, self._child = self._child, None
        if child is None:
            return None
        if kill and child.poll() is None:
            child.kill()
        return await asyncio.to_thread(_wait, child)


def _spawn(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


def _wait(child: subprocess.Popen[bytes]) -> int:
    try:
        return child.wait(5.0)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
