"""The process of the telephones in browsers: `python -m appliance.webphone.process --data DIR`.

Listens on DIR/webphone.sock. A connection whose first line is `watch` is the box's: its end says that this process is
gone. Any other is a browser's, through the box's web server (`messages`). The process outlives a crash of the box, so
that conversations go on, and ends on SIGTERM, or when there was neither box nor telephone for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import secrets
import signal
import sys
import time
from pathlib import Path

import msgspec

from appliance.webphone.line import Line
from appliance.webphone.messages import (
    LOCK,
    MAX_LINE,
    SOCKET,
    WATCH,
    Closed,
    Open,
    Refused,
    Told,
    decode_open,
    decode_said,
    line,
)

MAX_LINES, MAX_OF_EXTENSION = 60, 8
ALONE_SECONDS = 120.0
"""Without the box."""
IDLE_SECONDS = 600.0
"""With the box, without telephones: its memory is given back."""
MAX_UNSENT = 256 * 1024

log = logging.getLogger("hako.webphone")


class WebPhones:
    """All telephones."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._boxes = 0
        self._quiet_since = time.monotonic()
        self.stop = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            first = await reader.readline()
            if first == WATCH:
                await self._watched(reader, writer)
            elif first:
                await self._browser(decode_open(first), reader, writer)
        except asyncio.CancelledError:
            pass  # the process ends
        except (ConnectionError, ValueError, msgspec.MsgspecError) as error:
            log.warning("a connection is closed: %s", error)
        finally:
            writer.close()

    async def _watched(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._boxes += 1
        try:
            writer.write(WATCH)
            await reader.read()
        finally:
            self._boxes -= 1
            self._quiet_since = time.monotonic()

    async def _browser(self, opened: Open, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(message: Told) -> None:
            if writer.transport.get_write_buffer_size() > MAX_UNSENT:
                writer.transport.abort()
            elif not writer.is_closing():
                writer.write(line(message))
                if isinstance(message, Closed):
                    writer.close()

        phone = self._line(opened)
        if phone is None:
            tell(Refused(code="busy", text="Too many browsers are telephones already."))
            tell(Closed(reason="expired"))
            return
        try:
            phone.attach(opened, tell)
            while data := await reader.readline():
                phone.said(decode_said(data))
        finally:
            phone.detach(tell)

    def _line(self, opened: Open) -> Line | None:
        """The telephone to go on with, or a new one; None: there are too many."""
        known = self._lines.get(opened.resume) if opened.resume else None
        if known is not None and not known.over and known.extension == opened.extension:
            return known
        of_extension = sum(one.extension == opened.extension for one in self._lines.values())
        if len(self._lines) >= MAX_LINES or of_extension >= MAX_OF_EXTENSION:
            return None
        token = secrets.token_urlsafe(18)
        try:
            phone = self._lines[token] = Line(opened, token, self._ended)
        except OSError as error:
            log.error("no telephone can be made: %s", error)
            return None
        return phone

    def _ended(self, phone: Line) -> None:
        self._lines.pop(phone.token, None)
        self._quiet_since = time.monotonic()

    async def watch_idle(self) -> None:
        """Ends the process when nobody needs it."""
        while True:
            await asyncio.sleep(5.0)
            quiet = 0.0 if self._lines else time.monotonic() - self._quiet_since
            if quiet > (IDLE_SECONDS if self._boxes else ALONE_SECONDS):
                self.stop.set()

    async def end(self) -> None:
        """Ends every telephone in order."""
        for phone in list(self._lines.values()):
            phone.end("expired")
        for _ in range(20):
            if not self._lines:
                return
            await asyncio.sleep(0.1)


async def run() -> None:
    """Serves in the present folder until told to stop."""
    phones = WebPhones()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, phones.stop.set)
    server = await asyncio.start_unix_server(phones.serve, SOCKET, limit=MAX_LINE)
    os.chmod(SOCKET, 0o600)
    idle = loop.create_task(phones.watch_idle())
    await phones.stop.wait()
    idle.cancel()
    server.close()
    await phones.end()


def main() -> int:
    """0 when ended as told, 3 when another process serves the folder."""
    parser = argparse.ArgumentParser(prog="hako-webphone")
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Short names for the socket, however long the folder's is (sun_path has 108 bytes).
    os.chdir(options.data)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 3
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    socket = Path(SOCKET)
    socket.unlink(missing_ok=True)
    asyncio.run(run())
    socket.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
