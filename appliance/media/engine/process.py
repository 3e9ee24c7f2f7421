"""The media process: brings the engine to the desired table, whatever happens to `hako`.

`python -m appliance.media.engine.process --socket PATH --data DIR`. It runs in its own session, ignores SIGINT, holds
DIR/media.lock, and ends on `Shutdown`, on SIGTERM, or after 120 s without a controller. One controller at a time; a
newer one replaces the older. Kept small: no asyncio, nothing that is not needed.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import resource
import select
import signal
import socket
import sys
import time

from appliance.exchange.audio import AnyMediaEvent, PortStats
from appliance.media.engine.rows import EngineRows, abilities
from appliance.media.protocol import (
    LINGER,
    Dump,
    Frame,
    Held,
    Message,
    ProtocolError,
    Reports,
    Shutdown,
    Unpacker,
    decode_control,
    encode,
    packed,
)

MAX_UNSENT = 4 * 1024 * 1024
"""Bytes that wait for a controller which does not read; beyond it is let go, and gets everything when it comes back."""
FIGURES_SECONDS = 5.0
"""How often the engine's own figures are told, with what else there is to tell."""
MAX_KEPT = 4096
"""Events kept while there is no controller, without statistics."""


def short_path(path: str) -> str:
    """The same place under a name that fits into a socket address (108 bytes)."""
    if len(os.fsencode(path)) < 100:
        return path
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{os.path.basename(path)}"


class Controller:
    """The connection to `hako`."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.unpacker = Unpacker()
        self.unsent = bytearray()

    def send(self, message: Message) -> bool:
        """Sends what fits and keeps the rest. False: it has not read for too long."""
        self.unsent += packed(encode(message))
        return self.flush() and len(self.unsent) <= MAX_UNSENT

    def flush(self) -> bool:
        """Goes on sending. False: the connection is gone."""
        try:
            while self.unsent:
                sent = self.socket.send(self.unsent)
                del self.unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


class MediaProcess:
    """The loop between controller and engine."""

    def __init__(self, listener: socket.socket) -> None:
        self.rows = EngineRows(say)
        self.rev = 0
        self._listener = listener
        self._controller: Controller | None = None
        self._alone_since = time.monotonic()
        self._kept: list[AnyMediaEvent] = []
        self._ends = False
        self._figured = 0.0
        """When figures were told last."""
        self._buffer = memoryview(bytearray(1 << 18))
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        self._poll.register(self.rows.event_fd, select.POLLIN)

    def run(self) -> None:
        """Until told to end."""
        while not self._ends:
            left = None if self._controller else self._alone_since + LINGER - time.monotonic()
            if left is not None and left <= 0:
                break
            for fd, ready in self._poll.poll(None if left is None else left * 1000):
                self._ready(fd, ready)
        self.rows.stop()
        self._report()
        if self._controller:
            self._controller.socket.setblocking(True)
            self._controller.socket.settimeout(1.0)
            self._controller.flush()

    def end(self, *_: object) -> None:
        """SIGTERM."""
        self._ends = True

    def _ready(self, fd: int, ready: int) -> None:
        if fd == self.rows.event_fd:
            self._report()
        elif fd == self._listener.fileno():
            self._accept()
        elif self._controller and fd == self._controller.socket.fileno():
            if ready & select.POLLOUT and not self._controller.flush():
                self._lose_controller()
            elif ready & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self._receive(self._controller)
            self._watch()

    # --- controller -----------------------------------------------------------------------------------------------
    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        while self._controller and self._receive(self._controller):
            pass  # what it said before the new one came counts
        self._lose_controller()
        connection.setblocking(False)
        self._controller = Controller(connection)
        self._poll.register(connection, select.POLLIN)
        self._say_held()
        self._report()

    def _lose_controller(self) -> None:
        if self._controller:
            self._poll.unregister(self._controller.socket)
            self._controller.socket.close()
            self._controller = None
            self._alone_since = time.monotonic()

    def _watch(self) -> None:
        if self._controller:
            wanted = select.POLLIN | (select.POLLOUT if self._controller.unsent else 0)
            self._poll.modify(self._controller.socket, wanted)

    def _send(self, message: Message) -> None:
        if self._controller and not self._controller.send(message):
            self._lose_controller()
        self._watch()

    def _receive(self, controller: Controller) -> bool:
        """Reads and obeys. False: there was nothing, or the connection is gone."""
        try:
            size = controller.socket.recv_into(self._buffer)
        except BlockingIOError:
            return False
        except OSError:
            size = 0
        if not size:
            self._lose_controller()
            return False
        try:
            for message in controller.unpacker.feed(bytes(self._buffer[:size])):
                self._obey(decode_control(message))
        except ProtocolError as error:
            say(f"the controller was not understood: {error}")
            self._lose_controller()
            return False
        return True

    def _obey(self, message: Frame | Dump | Shutdown) -> None:
        if isinstance(message, Frame):
            self.rev = message.rev
            failures = self.rows.apply(message)
            if failures:
                self._tell(list(failures))
        elif isinstance(message, Dump):
            self._say_held()
        else:
            self._ends = True

    def _say_held(self) -> None:
        self._send(Held(pid=os.getpid(), rev=self.rev, rows=self.rows.held(), abilities=abilities()))

    # --- events ---------------------------------------------------------------------------------------------------
    def _report(self) -> None:
        self._tell(self.rows.take_events())

    def _tell(self, events: list[AnyMediaEvent]) -> None:
        if self._controller is None:
            self._kept += [event for event in events if not isinstance(event, PortStats)]
            del self._kept[:-MAX_KEPT]
            return
        if self._kept:
            events = self._kept + events
            self._kept = []
        if not events:
            return
        self._send(Reports(events=tuple(events)))
        if time.monotonic() - self._figured >= FIGURES_SECONDS:
            self._figured = time.monotonic()
            self._send(self.rows.figures())


def say(text: str) -> None:
    """A line for the log; whoever read it may be gone."""
    try:
        sys.stderr.write(f"hako-media: {text}\n")
        sys.stderr.flush()
    except OSError:
        pass


def lock(folder: str) -> int:
    """Holds the folder's lock for the life of this process; ends it when another one has it."""
    fd = os.open(os.path.join(folder, "media.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"hako-media: another media process serves {folder}")
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def listen(path: str) -> socket.socket:
    """The control socket; a file left by a dead process is replaced."""
    place = short_path(path)
    try:
        os.unlink(place)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    listener.bind(place)
    os.umask(before)
    listener.listen(4)
    listener.setblocking(False)
    return listener


def main() -> None:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="hako-media", description="the media process of Hako")
    parser.add_argument("--socket", required=True, help="path of the control socket")
    parser.add_argument("--data", required=True, help="data folder")
    options = parser.parse_args()
    if os.getpid() != os.getsid(0):
        try:
            os.setsid()
        except OSError:
            pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # three sockets a leg, one file a recording
    held = lock(options.data)
    process = MediaProcess(listen(options.socket))
    signal.signal(signal.SIGTERM, process.end)
    process.run()
    try:
        os.unlink(short_path(options.socket))
    except OSError:
        pass
    os.close(held)


if __name__ == "__main__":
    main()
