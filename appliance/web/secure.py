"""HTTPS: accepts TLS connections at a pace that leaves the loop free, with a certificate that can be replaced.

The handshake's costly part (a signature, a key agreement) is one uninterrupted piece of the loop's time for each
connection that says hello. So connections are accepted one by one with a pause in between, and those that have said
nothing wait in the kernel (TCP_DEFER_ACCEPT): a storm of them is a queue there, not a gap in the calls here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from pathlib import Path
from typing import cast

from aiohttp import web

from appliance.net.listening import EVERYWHERE, everywhere, listening
from appliance.web.guard import Guard
from appliance.web.server import SERVER
from appliance.web.unreadable import connections

PACE_SECONDS = 0.004
"""From one handshake to the next; one takes some 0.3 ms on a desktop, 1 ms on a Pi."""
HANDSHAKE_SECONDS = 10.0
BACKLOG = 128
_OUT_OF_FILES_SECONDS = 0.5

_log = logging.getLogger("hako.web")


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer with this certificate (blocks a little). Raises OSError (ssl.SSLError is one)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # A key with a pass phrase must be an error, not a question on the terminal.
    context.load_cert_chain(certificate, key, password="")
    return context


class SecureListener:
    """The HTTPS port. `context` may be replaced at any time: connections that are open keep the one they began with."""

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        """Takes the port at once ("" is every address, port 0 any free one), serves from `start` on. Raises OSError."""
        self.context: ssl.SSLContext | None = None
        self.failed = 0
        """Handshakes that came to nothing."""
        self._guard: Guard = runner.app[SERVER].guard
        self._serve = connections(runner)
        self._sockets = everywhere(port) if host in EVERYWHERE else (listening(host, port),)
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, int(HANDSHAKE_SECONDS))
        self._accepting: list[asyncio.Task[None]] = []
        self._pace = asyncio.Lock()
        self._arrivals: set[_Arrival] = set()

    @property
    def port(self) -> int:
        port: int = self._sockets[0].getsockname()[1]
        return port

    def start(self, context: ssl.SSLContext) -> None:
        """Begins to accept connections."""
        self.context = context
        if not self._accepting:
            for one in self._sockets:
                one.listen(BACKLOG)
                self._accepting.append(asyncio.get_running_loop().create_task(self._accept(one)))

    async def close(self) -> None:
        """Accepts no more; open connections are the runner's to end."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for one in self._sockets:
            one.close()
        for arrival in tuple(self._arrivals):
            arrival.abort()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listening)
            except OSError as error:
                _log.warning("HTTPS cannot accept a connection: %s", error)
                await asyncio.sleep(_OUT_OF_FILES_SECONDS)
                continue
            async with self._pace:
                self._arrived(connection, str(peer[0]))
                await asyncio.sleep(PACE_SECONDS)

    def _arrived(self, connection: socket.socket, address: str) -> None:
        arrival = _Arrival(self._guard, address)
        if not self._guard.admit(arrival.address, arrival):
            connection.close()
            return
        self._arrivals.add(arrival)
        arrival.task = asyncio.get_running_loop().create_task(self._greet(arrival, connection))

    async def _greet(self, arrival: _Arrival, connection: socket.socket) -> None:
        """The handshake; afterwards the connection is one like any other."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Secured(arrival, self._serve()),
                connection,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except (OSError, TimeoutError, asyncio.CancelledError):
            self.failed += 1
        finally:
            self._arrivals.discard(arrival)
            if arrival.transport is None:
                connection.close()
                self._guard.left(arrival.address, arrival)


class _Arrival:
    """A connection from its first packet on, as the guard counts it."""

    def __init__(self, guard: Guard, address: str) -> None:
        self.guard, self.address = guard, address
        self.task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None
        """Known once the handshake is done."""

    def abort(self) -> None:
        """Ends it, whatever it has come to."""
        if self.transport is not None:
            self.transport.abort()
        elif self.task is not None:
            self.task.cancel()


class _Secured(asyncio.Protocol):
    """The web server's protocol on a connection that the guard has admitted before its handshake."""

    def __init__(self, arrival: _Arrival, inner: asyncio.Protocol) -> None:
        self._arrival, self._inner = arrival, inner
        self.data_received = inner.data_received  # type: ignore[method-assign]
        self.eof_received = inner.eof_received  # type: ignore[method-assign]
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        arrival = self._arrival
        arrival.transport = cast(asyncio.Transport, transport)
        arrival.guard.goes_on_as(arrival, arrival.transport)
        self._inner.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        transport = self._arrival.transport
        if transport is not None:
            self._arrival.guard.left(self._arrival.address, transport)
            self._inner.connection_lost(error)
