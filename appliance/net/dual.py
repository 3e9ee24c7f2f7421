"""SIP over UDP on every address of the machine, IPv4 and IPv6: a socket for each, so that an IPv4 peer is never met as
an IPv6 address that stands for it."""

from __future__ import annotations

from collections.abc import Callable

from appliance.net.addresses import LocalAddresses
from appliance.net.listening import ATTEMPTS, NO_IPV6
from appliance.net.udp import UdpDriver
from appliance.sip.flow import Flow


class DualUdp:
    """Two `UdpDriver`s on one port, with what one of them has. Without IPv6 on the machine: one."""

    def __init__(
        self,
        port: int,
        addresses: LocalAddresses,
        receive: Callable[[Flow, bytes], None],
        failed: Callable[[Flow, str], None],
        drain: Callable[[], None],
    ) -> None:
        """Binds at once; OSError when the port cannot be had. Port 0: one that is free in both families."""
        for attempt in range(ATTEMPTS):
            self.ipv4 = UdpDriver("0.0.0.0", port, addresses, receive, failed, drain)
            try:
                self.ipv6: UdpDriver | None = UdpDriver("::", self.ipv4.address[1], addresses, receive, failed, drain)
                break
            except OSError as error:
                if error.errno in NO_IPV6:
                    self.ipv6 = None
                    break
                self.ipv4.close()
                if port or attempt + 1 == ATTEMPTS:
                    raise
        self.address = self.ipv4.address

    @property
    def _both(self) -> tuple[UdpDriver, ...]:
        return (self.ipv4, self.ipv6) if self.ipv6 is not None else (self.ipv4,)

    def start(self) -> None:
        """Begins to read; call it in the running loop."""
        for one in self._both:
            one.start()

    def _of(self, host: str) -> UdpDriver:
        return self.ipv6 if ":" in host and self.ipv6 is not None else self.ipv4

    def flow_to(self, remote: tuple[str, int]) -> Flow:
        """The flow between us and a peer's address."""
        return self._of(remote[0]).flow_to(remote)

    def send(self, flow: Flow, data: bytes) -> None:
        """Sends one datagram; what the kernel refuses for good is told as failed, later."""
        self._of(flow.remote[0]).send(flow, data)

    def forget_routes(self) -> None:
        """Our addresses changed: look every route up again."""
        for one in self._both:
            one.forget_routes()

    def mark(self, dscp: int) -> None:
        """Sets the priority mark of what is sent from now on."""
        for one in self._both:
            one.mark(dscp)

    @property
    def dropped(self) -> int:
        """Datagrams the kernel did not take."""
        return sum(one.dropped for one in self._both)

    def close(self) -> None:
        """Stops reading and closes the sockets."""
        for one in self._both:
            one.close()
