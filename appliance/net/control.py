"""The control socket: how `hako` commands reach the box that runs on a data folder.

A Unix stream socket in the data folder. One JSON object a line: `{"command": …, "arguments": {…}}`, answered by
`{"result": …}` or `{"error": {"code", "message", "problems"?}}`. Only root and the box's own user are heard.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.errors import UNREADABLE, CommandError, ConfigError, HakoError

LONGEST: Final = 8 * 1024 * 1024
"""Bytes of one request: a site file fits many times."""
IDLE_SECONDS: Final = 60.0

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Takes the arguments, returns what JSON can say; raises HakoError for what the person should read."""

_log = logging.getLogger(__name__)


def reachable(path: Path) -> str:
    """The path, or a short name for the same socket where it exceeds the 107 bytes that an address can hold."""
    name = os.fspath(path)
    if len(os.fsencode(name)) <= 107:
        return name
    descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    _open_folders.append(descriptor)
    return f"/proc/self/fd/{descriptor}/{path.name}"


_open_folders: list[int] = []
"""Folders that short names go through; open until the process ends."""


class ControlServer:
    """Serves the control socket of one data folder."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        """`handlers` by command: apply, export, status, token-create, doctor, …"""
        self.path = path
        self._handlers = dict(handlers)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens. The caller holds the folder's lock, so what is left there is from a run that is gone."""
        if self.path.exists() and stat.S_ISSOCK(self.path.lstat().st_mode):
            self.path.unlink()
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, reachable(self.path), limit=LONGEST)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Stops listening and ends what is open."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
        try:
            if _trusted(writer):
                await self._converse(reader, writer)
            else:
                # The request is read first: an answer to a peer that still writes would be lost.
                await asyncio.wait_for(reader.readline(), 5.0)
                await _send(writer, {"error": {"code": "forbidden", "message": "only root and the box's user may"}})
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # the other side went away or sent no line, or the box stops
        finally:
            if task is not None:
                self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await asyncio.wait_for(reader.readline(), IDLE_SECONDS)
            except (TimeoutError, ValueError):
                return
            if not line:
                return
            await _send(writer, await self._answer(line))

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line)
            handler = self._handlers.get(request["command"])
            arguments = request.get("arguments", {})
        except (*UNREADABLE, KeyError, TypeError, AttributeError):
            return {"error": {"code": "bad-request", "message": "not a request"}}
        if handler is None:
            return {"error": {"code": "unknown-command", "message": f"this box knows no command {request['command']}"}}
        try:
            return {"result": await handler(arguments)}
        except ConfigError as error:
            return {"error": {"code": "bad-configuration", "message": str(error), "problems": error.problems}}
        except CommandError as error:
            return {"error": {"code": error.code, "message": str(error), "ja": error.ja}}
        except HakoError as error:
            return {"error": {"code": "failed", "message": str(error), "ja": error.ja}}
        except Exception:
            _log.exception("command %s failed", request["command"])
            return {"error": {"code": "internal", "message": "the box could not do it; its log says why"}}


def _trusted(writer: asyncio.StreamWriter) -> bool:
    connection = writer.get_extra_info("socket")
    if connection is None:
        return False
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", packed)
    return uid in (0, os.getuid())


async def _send(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")
    await writer.drain()
