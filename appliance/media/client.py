"""Starts, adopts, watches and ends the media process, and keeps it at the desired table.

Belongs to one asyncio loop (uvloop or plain). `flush()` after each drain; events come back by a callback in that loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

from appliance.exchange.audio import AnyMediaEvent, AnyRow, EngineRestarted
from appliance.media.protocol import (
    Figures,
    Held,
    ProtocolError,
    Reports,
    Shutdown,
    Unpacker,
    decode_engine,
    encode,
    packed,
)
from appliance.media.table import DesiredTable

log = logging.getLogger(__name__)

MAX_UNSENT = 4 * 1024 * 1024
"""Bytes that wait for a media process which does not read; beyond, only the full table is sent once it reads again."""
START_SECONDS = 10.0
"""How long a new process may take until it listens."""
POLL_SECONDS = 0.01
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Between two attempts to start a process that dies at once, or soon after each start."""
PATIENCE = 5
"""Connections in a row that a living process may end soon after each was made; then another one takes its place."""
SHORT_LIFE = 20.0
"""Seconds that a process lives which is not started again without a pause, when two before it lived no longer."""


class EngineUnavailable(OSError):
    """The media process could not be started."""


class MediaClient:
    """The controller's end of the socket."""

    def __init__(
        self,
        table: DesiredTable,
        data: Path,
        on_events: Callable[[list[AnyMediaEvent]], None],
        socket_path: Path | None = None,
    ) -> None:
        """`data` is the data folder; the socket is `media.sock` in it unless named. Nothing happens before `start`."""
        self.table = table
        self.pid = 0
        """Process id of the media process; 0: none."""
        self.adopted = False
        """Whether `start` found a media process that outlived its controller."""
        self.restarts = 0
        """How often it had to be started again."""
        self.figures = Figures()
        """The newest that the engine told of itself; counts start anew with each process."""
        self._data = data.absolute()
        self._path = (socket_path or data / "media.sock").absolute()
        self._on_events = on_events
        self._child: subprocess.Popen[bytes] | None = None
        self._link: _Link | None = None
        self._needs_full = True
        self._stopping = False
        self._keeper: asyncio.Task[None] | None = None
        self._since = 0.0
        """When the present process was connected to, by the loop's clock."""
        self._short_lives = 0
        """How many processes in a row lived for moments only."""

    # --- life -----------------------------------------------------------------------------------------------------
    async def start(self, adopt: bool = True) -> tuple[AnyRow, ...]:
        """Takes over a media process that runs on this folder, or starts one; with `adopt` False a running one is ended
        first. Gives the rows it holds: they live on until the first `flush`, which makes it match the table (so state
        again before that what shall stay, just as it is). Raises EngineUnavailable."""
        held = await self._connect_running()
        if held is not None and not adopt:
            await self._end_running()
            held = None
        self.adopted = held is not None
        if held is None:
            await self._end_stray()
            held = await self._start_new()
        return held.rows

    def flush(self) -> None:
        """Sends what changed in the table. Never waits; called after each drain."""
        link = self._link
        if link is None or not (self._needs_full or self.table.changed):
            return
        if link.unsent() > MAX_UNSENT:
            self._needs_full = True
        if self._needs_full:
            if link.unsent() <= MAX_UNSENT:
                self._needs_full = False
                link.send(self.table.full())
            return
        frame = self.table.frame()
        if frame is not None:
            link.send(frame)

    async def stop(self, shutdown: bool = True) -> None:
        """Ends the media process, its recordings complete; with `shutdown` False leaves it to the next controller."""
        self._stopping = True
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._link and shutdown:
            await self._end_running()
        if self._link:
            self._link.close()
            self._link = None
        if self._child and not shutdown:
            self._child.returncode = 0  # it lives on, as somebody else's process

    # --- finding and ending what runs ---------------------------------------------------------------------------------
    async def _connect_running(self) -> Held | None:
        try:
            return await self._connect()
        except (OSError, TimeoutError):
            return None

    async def _end_running(self) -> None:
        """Asks the process to end and waits; kills it when it does not."""
        link, pid = self._link, self.pid
        if link is None:
            return
        link.on_lost = lambda _: None  # expected, so nothing is to be restored
        link.send(encode(Shutdown()))
        try:
            await asyncio.wait_for(link.lost.wait(), 5.0)
        except TimeoutError:
            await self._kill(pid)
        self._link = None
        await self._reap()
        await self._wait_unlocked()

    async def _end_stray(self) -> None:
        """Kills a process that holds the folder's lock but does not answer."""
        if await self._wait_unlocked(0.2):
            return
        pid = _media_process(self._data / "media.lock")
        if pid:
            log.warning("the media process %d does not answer: ending it", pid)
            await self._kill(pid)

    async def _kill(self, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await self._wait_unlocked()

    async def _wait_unlocked(self, seconds: float = 3.0) -> bool:
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            if not self._locked():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _locked(self) -> bool:
        try:
            fd = os.open(self._data / "media.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(fd)
        return False

    async def _reap(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await asyncio.to_thread(_wait, child)

    # --- starting -------------------------------------------------------------------------------------------------
    async def _start_new(self) -> Held:
        await self._reap()
        if importlib.util.find_spec("appliance.media.engine._engine") is None:
            raise EngineUnavailable("the media engine is not built")
        command = [sys.executable, "-m", "appliance.media.engine.process"]
        command += ["--socket", str(self._path), "--data", str(self._data)]
        self._child = child = await asyncio.to_thread(_spawn, command)
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            if child.poll() is not None:
                raise EngineUnavailable(f"the media process ended with {child.returncode} at its start")
            try:
                return await self._connect()
            except (OSError, TimeoutError):
                await asyncio.sleep(POLL_SECONDS)
        child.kill()
        raise EngineUnavailable("the media process does not listen")

    async def _connect(self) -> Held:
        loop = asyncio.get_running_loop()
        connection = connect(self._path)
        link: _Link
        _, link = await loop.create_unix_connection(lambda: _Link(self._told, self._lost), sock=connection)
        try:
            held = await asyncio.wait_for(link.held, 2.0)
        except (TimeoutError, ConnectionError):
            link.on_lost = lambda _: None
            link.close()
            raise
        self._link, self.pid, self._needs_full, self._since = link, held.pid, True, loop.time()
        self.table.abilities = held.abilities
        return held

    # --- what comes back ------------------------------------------------------------------------------------------
    def _told(self, message: Reports | Figures) -> None:
        if isinstance(message, Figures):
            self.figures = message
        else:
            self._events(list(message.events))

    def _events(self, events: list[AnyMediaEvent]) -> None:
        try:
            self._on_events(events)
        except Exception:
            log.exception("while handling media events")

    def _lost(self, link: _Link) -> None:
        if link is not self._link:
            return
        self._link = None
        if not self._stopping:
            self._keeper = asyncio.get_running_loop().create_task(self._restore())

    async def _restore(self) -> None:
        """Brings the media process back with the whole table."""
        old, pause = self.pid, FIRST_PAUSE
        lived = asyncio.get_running_loop().time() - self._since
        self._short_lives = self._short_lives + 1 if lived < SHORT_LIFE else 0
        log.warning("the media process %d hung up", old)
        self.pid = 0
        if self._short_lives > 2:
            await asyncio.sleep(min(FIRST_PAUSE * 2 ** (self._short_lives - 2), LONGEST_PAUSE))
        if await self._connect_running() is not None:
            if self._short_lives <= PATIENCE:
                self.flush()  # only the connection was lost
                return
            # It lives, but not with what we tell it: one of an earlier version, say.
            log.error("the media process %d hangs up again and again: ending it", self.pid)
            await self._end_running()
        while True:
            try:
                await self._end_stray()
                await self._start_new()
                break
            except (OSError, TimeoutError) as error:
                log.error("the media process cannot be started: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self.restarts += 1
        self.flush()
        self._events([EngineRestarted(id=0, reason=f"process {old} ended")])


class _Link(asyncio.Protocol):
    """One connection to a media process."""

    def __init__(self, on_told: Callable[[Reports | Figures], None], on_lost: Callable[[_Link], None]) -> None:
        self.held: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self.lost = asyncio.Event()
        self.on_lost = on_lost
        self._on_told = on_told
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None

    def send(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packed(message))

    def unsent(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport else 0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for item in self._unpacker.feed(data):
                message = decode_engine(item)
                if not isinstance(message, Held):
                    self._on_told(message)
                elif not self.held.done():
                    self.held.set_result(message)
        except ProtocolError as error:
            log.error("the media process was not understood: %s", error)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.lost.set()
        if not self.held.done():
            self.held.set_exception(ConnectionResetError("the media process hung up"))
            self.held.exception()
        self.on_lost(self)


def connect(path: Path) -> socket.socket:
    """Connects to the control socket, however long its path is."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.settimeout(1.0)
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    connection.setblocking(False)
    return connection


def _media_process(lock: Path) -> int:
    """The process that wrote its id into the lock file, when it is a media process indeed; else 0."""
    try:
        pid = int(lock.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return 0
    return pid if b"appliance.media.engine.process" in command else 0


def _spawn(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(5.0)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
