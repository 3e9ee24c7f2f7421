"""SIP over TCP: a listener, connections that peers open and those that we open."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import cast

from appliance.sip.flow import Flow

MAX_CONNECTIONS = 1024
MAX_UNSENT = 1024 * 1024
"""Bytes a slow peer may leave unread before its connection is closed."""
CONNECT_SECONDS = 5.0


class Connection(asyncio.Protocol):
    """One connection; its bytes go to the core as they come."""

    def __init__(self, driver: TcpDriver) -> None:
        self.driver = driver
        self.transport: asyncio.Transport | None = None
        self.flow: Flow | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast(asyncio.Transport, transport)
        local, remote = self.transport.get_extra_info("sockname"), self.transport.get_extra_info("peername")
        if local is None or remote is None or not self.driver.admit():
            self.transport.abort()
            return
        self.flow = Flow("tcp", local[:2], remote[:2], self.driver.number())
        self.driver.connections[self.flow.connection] = self

    def data_received(self, data: bytes) -> None:
        if self.flow is not None:
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
    ) -> None:
        self.receive, self.failed, self.drain = receive, failed, drain
        self.connections: dict[int, Connection] = {}
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self.address: tuple[str, int] | None = None

    def number(self) -> int:
        """A connection number that was never used."""
        return next(self._numbers)

    def admit(self) -> bool:
        """Whether one more connection is allowed."""
        return len(self.connections) < MAX_CONNECTIONS

    async def start(self, host: str, port: int) -> None:
        """Takes the port; OSError when it cannot."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, start_serving=False)
        self.address = self._server.sockets[0].getsockname()[:2]

    async def serve(self) -> None:
        """Listens from now on, where the port could be had."""
        if self._server is not None:
            await self._server.start_serving()

    async def connect(self, host: str, port: int) -> Flow | None:
        """Opens a connection to a literal address; None when that fails."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(lambda: Connection(self), host, port)
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
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections.values()):
            if connection.transport is not None:
                connection.transport.abort()
        self.connections.clear()
        if self._server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._server.wait_closed()
