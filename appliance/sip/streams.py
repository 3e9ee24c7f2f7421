"""Long requests over UDP: a peer's TCP, where it has one (RFC 3261 18.1.1).

A request above 1,300 bytes is to go over TCP, since a datagram of that size is cut into fragments, which many routers
drop. But many phones that speak UDP have no TCP, and behind a router nobody answers at all: a caller would wait seconds
for every ring. So TCP is looked for beside the first long request, which still goes as a datagram, and used from the
next one on; should the connection fail, the datagram is sent after all.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from appliance.clock import Instant
from appliance.sip.client_transaction import Hop
from appliance.sip.flow import Flow

if TYPE_CHECKING:
    from appliance.sip.transaction import TransactionLayer

NONE_SECONDS = 3_600.0
"""How long a peer that had no TCP is taken to have none."""
KEPT = 1_024
"""Peers that are remembered."""

Peer = tuple[str, int]


class _Search:
    """Waits for the connection to one peer."""

    __slots__ = ("_peer", "_streams")

    def __init__(self, streams: Streams, peer: Peer) -> None:
        self._streams, self._peer = streams, peer

    def on_resolved(self, flows: list[Flow], now: Instant) -> None:
        self._streams.found(self._peer, flows, now)


class Streams:
    """What is known of the peers' TCP."""

    def __init__(self, layer: TransactionLayer) -> None:
        self._layer = layer
        self._known: OrderedDict[Peer, Flow | float | None] = OrderedDict()
        """The open connection; None: it has TCP, and no connection is open; a time until which it is taken to have none
        (infinity: being looked for)."""

    def to(self, peer: Peer, now: Instant) -> Flow | Hop | None:
        """How to reach the peer by TCP: a connection, or one to be made; None: not that anybody knew."""
        known = self._known.get(peer, 0.0)
        if isinstance(known, Flow):
            return known
        if known is None:
            return Hop(*peer, "tcp")
        if now.mono >= known:
            self._note(peer, float("inf"))
            self._layer.resolve(Hop(*peer, "tcp"), _Search(self, peer))
        return None

    def found(self, peer: Peer, flows: list[Flow], now: Instant) -> None:
        """A connection was made, or could not be."""
        self._note(peer, flows[0] if flows else now.mono + NONE_SECONDS)

    def lost(self, flow: Flow) -> None:
        """A connection is gone; the peer is taken to take another."""
        if self._known.get(flow.remote) == flow:
            self._known[flow.remote] = None

    def _note(self, peer: Peer, known: Flow | float) -> None:
        self._known[peer] = known
        self._known.move_to_end(peer)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
