"""SIP over TCP: a listener, connections that peers open and those that we open."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Iterable
from typing import cast

from appliance.net.listening import listening
from appliance.net.marking import mark
from appliance.sip.flow import Flow

MAX_CONNECTIONS = 1024
MAX_UNUSED_OF_SOURCE = 128
"""Connections of one address that carry neither a registration nor a call. Beyond, its quietest one is closed for the
newcomer: a whole office may connect at once after a power cut."""
IDLE_SECONDS = 64.0
"""How long such a connection may be silent; RFC 3261 18 asks for 64*T1 = 32 s after the last message."""
UNUSED_SECONDS = 600.0
"""How long such a connection may last, whatever comes on it."""
LOOK_SECONDS = 0.5
"""How old the answer to "which connections are in use" may be."""
MAX_UNSENT = 1024 * 1024
"""Bytes a slow peer may leave unread before its connection is closed."""
CONNECT_SECONDS = 5.0


class Connection(asyncio.Protocol):
    """One connection; its bytes go to the core as they come."""

    def __init__(self, driver: TcpDriver) -> None:
        self.driver = driver
        self.transport: asyncio.Transport | None = None
        self.flow: Flow | None = None
        self.made = self.heard = driver.time()
        """Loop times of its beginning and of the last bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast(asyncio.Transport, transport)
        local, remote = self.transport.get_extra_info("sockname"), self.transport.get_extra_info("peername")
        if local is None or remote is None or not self.driver.admit(remote[0]):
            self.transport.abort()
            return
        self.flow = Flow("tcp", local[:2], remote[:2], self.driver.number())
        self.driver.connections[self.flow.connection] = self

    def data_received(self, data: bytes) -> None:
        if self.flow is not None:
            self.heard = self.driver.time()
            self.driver.receive(self.flow, data)
            self.driver.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        flow, self.flow = self.flow, None
        if flow is not None and self.driver.connections.pop(flow.connection, None) is not None:
            self.driver.failed(flow, str(exc) if exc else "the connection was closed")
            self.driver.drain()


class TcpDriver:
    """All TCP connections of the box."""

    def __init__(
        self,
        receive: Callable[[Flow, bytes], None],
        failed: Callable[[Flow, str], None],
        drain: Callable[[], None],
        in_use: Callable[[], Iterable[Flow]],
    ) -> None:
        """`in_use`: the flows that registrations and calls need; they are never closed for want of room or traffic."""
        self.receive, self.failed, self.drain = receive, failed, drain
        self._in_use = in_use
        self._used: frozenset[int] = frozenset()
        self._looked = float("-inf")
        self.time = asyncio.get_running_loop().time
        self.closed = 0
        """Connections that were closed because nobody needed them."""
        self.connections: dict[int, Connection] = {}
        self._numbers = itertools.count(1)
        self._servers: dict[str, asyncio.Server] = {}
        """By the host they listen on."""
        self._sockets: list[socket.socket] = []
        self._dscp = 0
        self.address: tuple[str, int] | None = None

    def number(self) -> int:
        """A connection number that was never used."""
        return next(self._numbers)

    def admit(self, host: str) -> bool:
        """Whether one more connection from this address is allowed, made room for if need be."""
        every = self.connections.values()
        of_source = [one for one in every if one.flow is not None and one.flow.remote[0] == host]
        if len(of_source) >= MAX_UNUSED_OF_SOURCE:
            unused = self._unused(of_source)
            if len(unused) >= MAX_UNUSED_OF_SOURCE and not self._close_quietest(unused):
                return False
        return len(self.connections) < MAX_CONNECTIONS or self._close_quietest(self._unused(every))

    def sweep(self) -> None:
        """Closes what nobody has needed for long; to be called every few seconds."""
        now = self.time()
        for one in self._unused(self.connections.values()):
            if now - one.heard > IDLE_SECONDS or now - one.made > UNUSED_SECONDS:
                self._close(one)

    def _unused(self, connections: Iterable[Connection]) -> list[Connection]:
        now = self.time()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._used = frozenset(flow.connection for flow in self._in_use() if flow.connection)
        return [one for one in connections if one.flow is not None and one.flow.connection not in self._used]

    def _close_quietest(self, unused: list[Connection]) -> bool:
        if not unused:
            return False
        self._close(min(unused, key=lambda one: one.heard))
        return True

    def _close(self, connection: Connection) -> None:
        self.closed += 1
        flow, connection.flow = connection.flow, None
        if connection.transport is not None:
            connection.transport.abort()
        if flow is not None and self.connections.pop(flow.connection, None) is not None:
            asyncio.get_running_loop().call_soon(self._gone, flow)

    async def start(self, *hosts: str, port: int) -> dict[str, OSError]:
        """Takes the port on these literal addresses; those where it cannot be had, each with the reason."""
        loop, refused = asyncio.get_running_loop(), {}
        for host in hosts:
            try:
                one = listening(host, port)
            except OSError as error:
                refused[host] = error
                continue
            self._sockets.append(one)
            self._servers[host] = await loop.create_server(lambda: Connection(self), sock=one, start_serving=False)
            self.address = self.address or one.getsockname()[:2]
        self.mark(self._dscp)
        return refused

    async def serve(self) -> dict[str, OSError]:
        """Listens from now on, where the port could be had. Another program may have been quicker: where, and why."""
        refused = {}
        for host, server in self._servers.items():
            try:
                await server.start_serving()
            except OSError as error:
                refused[host] = error
        return refused

    def mark(self, dscp: int) -> None:
        """Sets the priority mark of connections that are made from now on: they have that of what they came by."""
        self._dscp = dscp
        for one in self._sockets:
            mark(one, dscp)

    async def connect(self, host: str, port: int) -> Flow | None:
        """Opens a connection to a literal address; None when that fails."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                own = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
                try:
                    own.setblocking(False)
                    mark(own, self._dscp)
                    await loop.sock_connect(own, (host, port))
                except BaseException:
                    own.close()
                    raise
                _, connection = await loop.create_connection(lambda: Connection(self), sock=own)
        except (OSError, TimeoutError):
            return None
        return connection.flow

    def send(self, flow: Flow, data: bytes) -> None:
        """Sends on the flow's connection; a connection that is gone is told as failed, later."""
        connection = self.connections.get(flow.connection)
        if connection is None or connection.transport is None:
            asyncio.get_running_loop().call_soon(self._gone, flow)
            return
        if connection.transport.get_write_buffer_size() > MAX_UNSENT:
            connection.transport.abort()
            return
        connection.transport.write(data)

    def _gone(self, flow: Flow) -> None:
        self.failed(flow, "the connection is closed")
        self.drain()

    def close_flow(self, flow: Flow) -> None:
        """Closes one connection after what was sent on it."""
        connection = self.connections.get(flow.connection)
        if connection is not None and connection.transport is not None:
            connection.transport.close()

    async def close(self) -> None:
        """Closes the listener and every connection."""
        for server in self._servers.values():
            server.close()
        for connection in list(self.connections.values()):
            if connection.transport is not None:
                connection.transport.abort()
        self.connections.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                for server in self._servers.values():
                    await server.wait_closed()
