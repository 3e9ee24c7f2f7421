"""The transaction layer: makes, matches and counts the four transactions of RFC 3261 17 and RFC 6026.

A transaction knows no dialog: it repeats, absorbs, acknowledges non-2xx and gives up. The machines are in
`client_transaction` and `server_transaction`, their tables in `tables`.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from appliance.clock import Entropy, Instant
from appliance.sip.client_transaction import MAGIC, ClientTransaction, ClientUser, Hop
from appliance.sip.events import Event, Resolve
from appliance.sip.flow import Flow
from appliance.sip.limits import Limits
from appliance.sip.message import Request, Response
from appliance.sip.server_transaction import MergeKey, ServerKey, ServerTransaction
from appliance.sip.streams import Streams
from appliance.sip.timers import TimerHeap, Timers

__all__ = ["ClientTransaction", "Hop", "ServerTransaction", "TransactionLayer", "host_port", "mark_source"]


class Resolving(Protocol):
    """Who waits for a look-up."""

    def on_resolved(self, flows: list[Flow], now: Instant) -> None:
        """The flows that reach the hop, best first; none when it cannot be reached."""


def host_port(host: str, port: int) -> str:
    """`host:port` as SIP writes it, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def advertised(address: str, port: int) -> str:
    """`host:port` of an address to advertise, which may have its own port (`203.0.113.5`, `203.0.113.5:5070`)."""
    if address.count(":") == 1 or "]:" in address:
        return address
    return host_port(address.strip("[]"), port)


def fits(address: str, local: str) -> bool:
    """Whether an address to advertise can stand for this local one: a literal one of the other IP version cannot."""
    host = address.rpartition(":")[0] if address.count(":") == 1 or "]:" in address else address
    literal = ":" in host or host.replace(".", "").isdigit()
    return not literal or (":" in host) == (":" in local)


class TransactionLayer:
    """All transactions of an endpoint, and the output they share with its sessions."""

    __slots__ = (
        "_queries",
        "_query_serial",
        "absorbing",
        "clients",
        "entropy",
        "learned",
        "limits",
        "merges",
        "open",
        "out",
        "servers",
        "streams",
        "timers",
        "values",
    )

    def __init__(self, entropy: Entropy, values: Timers, limits: Limits, out: deque[Event]) -> None:
        self.entropy = entropy
        self.values = values
        self.limits = limits
        self.out = out
        self.timers = TimerHeap()
        self.clients: dict[tuple[str, str], ClientTransaction] = {}
        self.servers: dict[ServerKey, ServerTransaction] = {}
        self.merges: dict[MergeKey, ServerKey] = {}
        self.open: set[ClientTransaction | ServerTransaction] = set()
        """Those without a final response: a transport error concerns no other."""
        self.learned: dict[Flow, str] = {}
        """Our address as peers behind a flow see it, where it differs from the local one (RFC 3581)."""
        self.absorbing: deque[ServerTransaction] = deque()
        """Answered non-INVITE requests over UDP, the oldest first: timer J is the same for all."""
        self.streams = Streams(self)
        self._queries: dict[int, Resolving] = {}
        self._query_serial = 0

    def __len__(self) -> int:
        return len(self.clients) + len(self.servers)

    def address(self, flow: Flow, advertise: str = "") -> str:
        """`host:port` under which a peer reaches us over this flow."""
        if advertise and fits(advertise, flow.local[0]):
            return advertised(advertise, flow.local[1])
        if self.learned:
            learned = self.learned.get(flow)
            if learned is not None:
                return learned
        host, port = flow.local
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(
        self,
        request: Request,
        target: Flow | Hop,
        user: ClientUser,
        kind: str,
        now: Instant,
        contact: str | None = None,
        advertise: str = "",
    ) -> ClientTransaction:
        """Starts a client transaction. `contact` is the user part of the Contact to add, None for none."""
        transaction = ClientTransaction(self, request, user, kind)
        transaction.contact = contact
        transaction.advertise = advertise
        transaction.start(target, now)
        return transaction

    def resume(self, request: Request, flow: Flow, user: ClientUser, kind: str) -> ClientTransaction:
        """The transaction of an INVITE of before a restart, which the peer has answered provisionally."""
        transaction = ClientTransaction(self, request, user, kind)
        transaction.resume(flow)
        return transaction

    def send_cancel(self, request: Request, invite: ClientTransaction, user: ClientUser, now: Instant) -> None:
        """Starts the transaction of a CANCEL: one of its own, with the branch of its INVITE (RFC 3261 9.1)."""
        transaction = ClientTransaction(self, request, user, "cancel")
        assert invite.flow is not None
        transaction.start_cancel(invite.flow, invite.branch, now)

    def resolve(self, hop: Hop, waiter: Resolving) -> None:
        """Asks for the flows to a hop."""
        self._query_serial += 1
        self._queries[self._query_serial] = waiter
        self.out.append(Resolve(self._query_serial, hop.host, hop.port, hop.transport))

    def resolved(self, query: int, flows: list[Flow], now: Instant) -> None:
        """Hands over the answer; one to an unknown query is passed over."""
        waiter = self._queries.pop(query, None)
        if waiter is not None:
            waiter.on_resolved(flows, now)

    def receive_response(self, response: Response, flow: Flow, now: Instant) -> bool:
        """Gives a response to its transaction; False when there is none (then it is dropped, RFC 6026 7.2)."""
        via = response.via
        transaction = self.clients.get((via.branch, response.cseq.method))
        if transaction is None:
            return False
        if flow.transport == "udp" and via.received is not None:
            self._learn(flow, via.received, via.rport or flow.local[1])
        transaction.receive(response, now)
        return True

    def _learn(self, flow: Flow, received: str, rport: int) -> None:
        if received == flow.local[0] and rport == flow.local[1]:
            return
        learned = self.learned
        if flow not in learned and len(learned) >= self.limits.learned_addresses:
            del learned[next(iter(learned))]
        learned[flow] = host_port(received, rport)

    def server_key(self, request: Request) -> ServerKey:
        """What a request and its retransmissions share; an ACK has that of its INVITE (RFC 3261 17.2.3)."""
        via = request.via
        method = "INVITE" if request.method == "ACK" else request.method
        branch = via.branch
        if branch.startswith(MAGIC) and len(branch) > len(MAGIC):
            return (branch, via.host, str(via.port), method)
        return ("", request.call_id, request.from_.tag or "", str(request.cseq.number), request.uri, str(via), method)

    def serve(self, request: Request, key: ServerKey, flow: Flow) -> ServerTransaction:
        """Starts a server transaction; responses go to `flow`."""
        merge: MergeKey | None = None
        if request.to.tag is None:
            merge = (request.from_.tag or "", request.call_id, request.headers.get("CSeq") or "")
        transaction = ServerTransaction(self, request, key, merge, flow)
        self.servers[key] = transaction
        if merge is not None:
            self.merges.setdefault(merge, key)
        self.open.add(transaction)
        return transaction

    def merged(self, request: Request) -> bool:
        """Whether a request outside a dialog is here already by another path (RFC 3261 8.2.2.2)."""
        return (request.from_.tag or "", request.call_id, request.headers.get("CSeq") or "") in self.merges

    def absorb(self, transaction: ServerTransaction, now: Instant) -> None:
        """Keeps an answered request for its repetitions, in place of the oldest when there are too many."""
        absorbing = self.absorbing
        absorbing.append(transaction)
        if len(absorbing) > self.limits.absorbing:
            absorbing.popleft().forget(now)

    def waiting_on(self, flow: Flow) -> list[ClientTransaction | ServerTransaction]:
        """What a transport error of this flow concerns: all that has no final response."""
        return [each for each in self.open if each.flow == flow]


def mark_source(request: Request, flow: Flow) -> Flow:
    """Writes `received` and `rport` into the top Via; the flow that the response goes to (RFC 3261 18.2, RFC 3581 4).

    Without rport a datagram is answered at the port of the Via, which need not be the one it came from.
    """
    via = request.via
    host, port = flow.remote
    seen = via.seen_from(host, port)
    if seen is not via:
        headers = request.headers
        values = headers.get_all("Via")
        values[0] = str(seen)
        headers.values["Via"] = values
        headers.typed["Via"] = seen
    if flow.transport != "udp" or via.wants_rport or (via.port or 5060) == port:
        return flow
    return Flow("udp", flow.local, (host, via.port or 5060), flow.connection)
