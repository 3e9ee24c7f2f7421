"""Keeps connections in bounds: how many there are, how many of one address, and how long a first request may take.

aiohttp bounds what a request may contain and how long a connection may idle after one; who connects and sends a header
byte by byte, or nothing at all, is bounded here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from ipaddress import ip_address
from typing import Protocol, cast

HEAD_SECONDS = 15.0
"""Within this time of connecting the head of a first request is there."""
MAX_CONNECTIONS = 400
MAX_OF_ADDRESS = 64
"""A browser opens some six and a WebSocket. Programs on the box itself (a proxy) are not limited."""


class Connection(Protocol):
    """What can be ended: a transport, or a connection that has not come so far."""

    def abort(self) -> None: ...


class Guard:
    """Admits connections. `begun` is told of each request."""

    def __init__(self, head_seconds: float = HEAD_SECONDS, most: int = MAX_CONNECTIONS) -> None:
        self._head_seconds, self._most = head_seconds, most
        self._open = 0
        self._of_address: Counter[str] = Counter()
        self._silent: dict[object, asyncio.TimerHandle] = {}
        """Connections without a request so far, with what ends them."""
        self.refused = 0
        """Connections closed because there were too many, or because no request came."""

    def admit(self, address: str, connection: Connection) -> bool:
        """Whether one more connection of this address may be; if so `left` tells of its end."""
        if self._open >= self._most or (self._of_address[address] >= MAX_OF_ADDRESS and not _is_own(address)):
            self.refused += 1
            return False
        self._open += 1
        self._of_address[address] += 1
        loop = asyncio.get_running_loop()
        self._silent[connection] = loop.call_later(self._head_seconds, self._give_up, connection)
        return True

    def goes_on_as(self, connection: Connection, transport: asyncio.Transport) -> None:
        """An admitted connection is known by its transport from now on; the time for its first request runs on."""
        timer = self._silent.pop(connection, None)
        if timer is not None:
            loop = asyncio.get_running_loop()
            self._silent[transport] = loop.call_at(timer.when(), self._give_up, transport)
            timer.cancel()

    def begun(self, connection: object) -> None:
        """A whole request head arrived on this connection."""
        if (timer := self._silent.pop(connection, None)) is not None:
            timer.cancel()

    def left(self, address: str, connection: object) -> None:
        """An admitted connection is gone."""
        self._open -= 1
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
        self.begun(connection)

    def _give_up(self, connection: Connection) -> None:
        self._silent.pop(connection, None)
        self.refused += 1
        connection.abort()


class Guarded(asyncio.Protocol):
    """A connection of the web server behind the guard."""

    def __init__(self, guard: Guard, inner: asyncio.Protocol) -> None:
        self._guard, self._inner = guard, inner
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self.data_received = inner.data_received  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        if self._guard.admit(self._address, stream):
            self._transport = stream
            self._inner.connection_made(transport)
        else:
            stream.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is not None:
            self._guard.left(self._address, self._transport)
            self._inner.connection_lost(error)


def _is_own(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
