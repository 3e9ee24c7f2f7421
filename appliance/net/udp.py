"""SIP over UDP: one non-blocking socket, read in batches from the event loop.

A socket of our own rather than a datagram transport of the loop, because undeliverable datagrams must be told apart by
destination: IP_RECVERR queues the ICMP error together with the address it is about (ip(7)). The loop watches the socket
through an epoll of our own: libuv stops watching a descriptor for good once it reports an error (uv__poll_io), so one
ICMP message would end SIP on UDP.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import sys
from collections.abc import Callable

from appliance.net.addresses import LocalAddresses
from appliance.net.marking import mark
from appliance.sip.flow import Flow

BATCH = 64
"""Datagrams read before the loop gets to do something else."""
IP_RECVERR, IPV6_RECVERR = 11, 25
RECEIVE_BUFFER = 4 * 1024 * 1024
KEEP_FLOWS = 8192
ATTEMPTS = 3
"""To send one datagram, where the kernel tells of an error each time."""
_Ancillary = list[tuple[int, int, bytes]]


def _code(ancillary: _Ancillary) -> int:
    """errno of an error from the queue (struct sock_extended_err, ip(7)); 0 when it is not said."""
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)) and len(data) >= 4:
            return int.from_bytes(data[:4], sys.byteorder)
    return 0


class UdpDriver:
    """Hands datagrams over as (flow, data); sends what it is given."""

    def __init__(
        self,
        host: str,
        port: int,
        addresses: LocalAddresses,
        receive: Callable[[Flow, bytes], None],
        failed: Callable[[Flow, str], None],
        drain: Callable[[], None],
    ) -> None:
        """Binds at once (OSError when it cannot). `drain` is called after each datagram was received."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            with contextlib.suppress(OSError):
                if family == socket.AF_INET:
                    self._socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
                else:
                    self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self._watch = select.epoll()
        self._watch.register(self._socket, select.EPOLLIN)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._any = self.address[0] in ("0.0.0.0", "::")
        self._addresses = addresses
        self._receive, self._failed, self._drain = receive, failed, drain
        self._flows: dict[tuple[str, int], Flow] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.dropped = 0
        """Datagrams the kernel did not take."""

    def start(self) -> None:
        """Begins to read; call it in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._watch.fileno(), self._readable)

    def mark(self, dscp: int) -> None:
        """Sets the priority mark of what is sent from now on."""
        mark(self._socket, dscp)

    def flow_to(self, remote: tuple[str, int]) -> Flow:
        """The flow between us and a peer's address."""
        flow = self._flows.get(remote)
        if flow is None:
            if len(self._flows) >= KEEP_FLOWS:
                self._flows.clear()
            host = self._addresses.towards(remote[0]) if self._any else self.address[0]
            flow = self._flows[remote] = Flow("udp", (host, self.address[1]), remote)
        return flow

    def forget_routes(self) -> None:
        """Our addresses changed: look every route up again."""
        self._flows.clear()
        self._addresses.forget()

    def _readable(self) -> None:
        receive_from = self._socket.recvfrom
        for number in range(BATCH):
            try:
                data, remote = receive_from(65535)
            except (BlockingIOError, InterruptedError):
                if not number:
                    # Woken by no datagram: by an error, then.
                    self._read_errors()
                return
            except OSError:
                # The error of an earlier datagram of ours; its address is in the error queue.
                self._read_errors()
                continue
            self._receive(self.flow_to(remote[:2]), data)
            self._drain()

    def _read_errors(self) -> None:
        for _ in range(BATCH):
            try:
                _, ancillary, _, remote = self._socket.recvmsg(512, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            # "Fragmentation needed" is about the way there, not about who is there: the kernel cuts what goes again.
            if remote and _code(ancillary) != errno.EMSGSIZE:
                self._failed(self.flow_to(remote[:2]), "the address does not take SIP (ICMP)")
                self._drain()

    def send(self, flow: Flow, data: bytes) -> None:
        """Sends one datagram; what the kernel refuses for good is told as failed, later."""
        refused = ""
        for _ in range(ATTEMPTS):
            try:
                self._socket.sendto(data, flow.remote)
                break
            except (BlockingIOError, InterruptedError):
                self.dropped += 1
                break
            except OSError as error:
                # Most likely the pending ICMP error of another destination, which is taken off by being told.
                refused = str(error)
        else:
            self.dropped += 1
            if self._loop is not None:
                self._loop.call_soon(self._send_failed, flow, refused)
        if refused and self._loop is not None:
            self._loop.call_soon(self._read_errors)

    def _send_failed(self, flow: Flow, reason: str) -> None:
        self._failed(flow, reason)
        self._drain()

    def close(self) -> None:
        """Stops reading and closes the socket."""
        if self._loop is not None:
            self._loop.remove_reader(self._watch.fileno())
        self._watch.close()
        self._socket.close()
