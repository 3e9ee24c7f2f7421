"""A flow: the path a SIP message came by and its answer goes back on."""

from __future__ import annotations

import msgspec


class Flow(msgspec.Struct, frozen=True, gc=False):
    """Transport, both addresses and, for streams, the connection."""

    transport: str
    """udp, tcp, tls, ws"""
    local: tuple[str, int]
    """Our address as it routes to that peer (never 0.0.0.0)."""
    remote: tuple[str, int]
    connection: int = 0
    """Number of the stream connection; 0 for datagrams."""

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.transport != "udp"
