"""Client transactions (RFC 3261 17.1, RFC 6026 8.4), driven by the tables of `tables`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from appliance.clock import Instant
from appliance.errors import UndefinedTransition
from appliance.sip.events import Send
from appliance.sip.flow import Flow
from appliance.sip.message import Headers, Request, Response
from appliance.sip.tables import INVITE_CLIENT, NON_INVITE_CLIENT, bind
from appliance.sip.timers import Alarm

if TYPE_CHECKING:
    from appliance.sip.transaction import TransactionLayer

LONGEST_DATAGRAM = 1_300
"""Bytes of a request that may go over UDP where the path's MTU is not known (RFC 3261 18.1.1)."""
MAGIC = "z9hG4bK"
"""What every branch made after RFC 2543 begins with (RFC 3261 8.1.1.7)."""


class Hop(NamedTuple):
    """Where a request goes when no flow is known: to be resolved (RFC 3263)."""

    host: str
    port: int | None
    transport: str | None


class ClientUser(Protocol):
    """Who sent the request of a client transaction. Users live in this package; others read the endpoint's events."""

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """A response that is no repetition (but each 2xx to INVITE, RFC 6026 8.4)."""

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """No final response will come: 408 after a timeout, 503 after a transport error."""


def contact_value(user: str, address: str, transport: str) -> str:
    """Our Contact: where in-dialog requests of the peer reach us."""
    name = f"{user}@" if user else ""
    parameter = "" if transport == "udp" else f";transport={transport}"
    return f"<sip:{name}{address}{parameter}>"


class ClientTransaction:
    """One request of ours and its responses (RFC 3261 17.1)."""

    __slots__ = (
        "_ack",
        "_candidates",
        "_datagram",
        "_interval",
        "_limit",
        "_repeat",
        "_rows",
        "advertise",
        "branch",
        "contact",
        "context",
        "data",
        "flow",
        "key",
        "kind",
        "layer",
        "method",
        "request",
        "state",
        "tries",
        "user",
    )

    def __init__(self, layer: TransactionLayer, request: Request, user: ClientUser, kind: str) -> None:
        self.layer = layer
        self.request: Request | None = request
        self.method = request.method
        self.user: ClientUser | None = user
        self.kind = kind
        """What the request is to its user; the user's own word."""
        self.context: object = None
        """Whatever the user wants to find again with the response."""
        self.tries = 0
        """How often the user sent this request before, with other credentials or numbers."""
        self.state = "new"
        self.contact: str | None = None
        """User part of the Contact to add once our address towards the peer is known."""
        self.advertise = ""
        self.flow: Flow | None = None
        self.branch = ""
        self.key: tuple[str, str] = ("", "")
        self.data = b""
        self._rows = _CLIENT_INVITE if request.method == "INVITE" else _CLIENT_OTHER
        self._candidates: tuple[Flow, ...] = ()
        self._datagram: Flow | None = None
        """The flow that the request was for, where it is too long for a datagram and goes by TCP."""
        self._ack = b""
        self._interval = 0.0
        self._repeat: Alarm | None = None
        self._limit: Alarm | None = None

    def start(self, target: Flow | Hop, now: Instant) -> None:
        """Sends the request, after a look-up when no flow is given."""
        self.layer.open.add(self)
        if isinstance(target, Flow):
            self._bind(target)
            if target.transport != "udp" or len(self.data) <= LONGEST_DATAGRAM or not self._by_stream(target, now):
                self._step("send", now)
        else:
            self._step("resolve", now)
            self.layer.resolve(target, self)

    def _by_stream(self, flow: Flow, now: Instant) -> bool:
        """Sends a request that is too long for this datagram flow by TCP, where the peer is known to have it."""
        stream = self.layer.streams.to(flow.remote, now)
        if stream is None:
            return False
        self._datagram, self._candidates = flow, (flow,)
        self._unbind()
        if isinstance(stream, Flow):
            self._bind(stream)
            self._step("send", now)
        else:
            self._step("resolve", now)
            self.layer.resolve(stream, self)
        return True

    def start_cancel(self, flow: Flow, branch: str, now: Instant) -> None:
        """Sends a CANCEL, whose Via is that of its INVITE already."""
        assert self.request is not None
        self.layer.open.add(self)
        self.flow, self.branch, self.key = flow, branch, (branch, self.method)
        self.data = self.request.encode()
        self.layer.clients[self.key] = self
        self._step("send", now)

    def resume(self, flow: Flow) -> None:
        """Goes on with an INVITE of before a restart, which carries its Via and was answered provisionally."""
        assert self.request is not None
        self.flow, self.branch = flow, self.request.via.branch
        self.key = (self.branch, self.method)
        self.state = "proceeding"
        self.layer.open.add(self)
        self.layer.clients[self.key] = self

    def on_resolved(self, flows: list[Flow], now: Instant) -> None:
        """The answer to our look-up."""
        if self._datagram is not None:
            self.layer.streams.found(self._datagram.remote, flows, now)
        if self.state != "resolving":
            return
        flows = [*flows, *self._candidates]
        if not flows:
            self._step("transport error", now)
            return
        self._candidates = tuple(flows[1:])
        self._bind(flows[0])
        self._step("send", now)

    def receive(self, response: Response, now: Instant) -> None:
        """A response that matches."""
        status = response.status
        if status < 200:
            self._step("1xx", now, response)
        elif self.method != "INVITE":
            self._step("final", now, response)
        else:
            self._step("2xx" if status < 300 else "3xx+", now, response)

    def transport_failed(self, now: Instant) -> None:
        """The flow reports an error: the next address is tried while nobody has answered (RFC 3263 4.3)."""
        if self._candidates and self.state in ("calling", "trying"):
            self._unbind()
            following, self._candidates = self._candidates[0], self._candidates[1:]
            self._bind(following)
            self._send(now, None)
            if self._repeat is None:
                # From a stream to datagrams: now it is ours to repeat.
                (self._start_a if self.method == "INVITE" else self._start_e)(now, None)
            return
        self._step("transport error", now)

    def abandon(self, now: Instant) -> None:
        """Stops waiting for the final response of a cancelled INVITE (RFC 3261 9.1)."""
        if (self.state, "abandon") in self._rows:
            self._step("abandon", now)

    def orphan(self, now: Instant) -> None:
        """The session of this request has ended: nobody hears its responses, and the wait for them is bounded."""
        self.user = None
        if self.state == "proceeding":
            self._limit_orphan(now, None)

    def fire(self, name: str, now: Instant) -> None:
        """A timer is due."""
        self._step(name, now)

    def _unbind(self) -> None:
        self.layer.clients.pop(self.key, None)
        if self.request is not None:
            self.request.headers.remove("Via")

    def _bind(self, flow: Flow) -> None:
        layer, request = self.layer, self.request
        assert request is not None
        self.flow = flow
        # Where the peer finds us stays where it was when only this message is too long.
        home = self._datagram or flow
        address = layer.address(home, self.advertise)
        self.branch = branch = MAGIC + layer.entropy(8).hex()
        self.key = (branch, self.method)
        headers = request.headers
        headers.prepend("Via", f"SIP/2.0/{flow.transport.upper()} {address};rport;branch={branch}")
        if self.contact is not None:
            headers.set("Contact", contact_value(self.contact, address, home.transport))
        self.data = request.encode()
        layer.clients[self.key] = self

    def _step(self, event: str, now: Instant, message: Response | None = None) -> None:
        row = self._rows.get((self.state, event))
        if row is None:
            raise UndefinedTransition("client transaction", self.state, event)
        self.state = row[0]
        for action in row[1]:
            action(self, now, message)

    def _send(self, now: Instant, message: Response | None) -> None:
        assert self.flow is not None
        self.layer.out.append(Send(self.flow, self.data))

    def _send_ack(self, now: Instant, response: Response) -> None:
        """The ACK of a non-2xx, hop by hop (RFC 3261 17.1.1.3)."""
        request = self.request
        assert request is not None
        old = request.headers
        headers = Headers()
        headers.add("Via", old.get("Via") or "")
        for route in old.get_all("Route"):
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        headers.add("From", old.get("From") or "")
        headers.add("To", response.headers.get("To") or old.get("To") or "")
        headers.add("Call-ID", old.get("Call-ID") or "")
        headers.add("CSeq", f"{request.cseq.number} ACK")
        self._ack = Request("ACK", request.uri, headers).encode()
        self._repeat_ack(now, response)

    def _repeat_ack(self, now: Instant, response: Response) -> None:
        assert self.flow is not None
        self.layer.out.append(Send(self.flow, self._ack))

    def _start_a(self, now: Instant, message: Response | None) -> None:
        self._interval = self.layer.values.t1
        if not self._reliable():
            self._repeat = self.layer.timers.set(now.mono + self._interval, "timer A", self)

    def _restart_a(self, now: Instant, message: Response | None) -> None:
        self._interval *= 2
        self._repeat = self.layer.timers.set(now.mono + self._interval, "timer A", self)

    def _start_e(self, now: Instant, message: Response | None) -> None:
        self._interval = self.layer.values.t1
        if not self._reliable():
            self._repeat = self.layer.timers.set(now.mono + self._interval, "timer E", self)

    def _restart_e(self, now: Instant, message: Response | None) -> None:
        self._interval = min(self._interval * 2, self.layer.values.t2)
        self._repeat = self.layer.timers.set(now.mono + self._interval, "timer E", self)

    def _restart_e_slow(self, now: Instant, message: Response | None) -> None:
        self._repeat = self.layer.timers.set(now.mono + self.layer.values.t2, "timer E", self)

    def _start_b(self, now: Instant, message: Response | None) -> None:
        self._limit = self.layer.timers.set(now.mono + self.layer.values.transaction, "timer B", self)

    def _start_f(self, now: Instant, message: Response | None) -> None:
        self._limit = self.layer.timers.set(now.mono + self.layer.values.transaction, "timer F", self)

    def _start_d(self, now: Instant, message: Response | None) -> None:
        self._wait(0.0 if self._reliable() else self.layer.values.completed_invite, "timer D", now)

    def _start_k(self, now: Instant, message: Response | None) -> None:
        self._wait(0.0 if self._reliable() else self.layer.values.t4, "timer K", now)

    def _start_m(self, now: Instant, message: Response | None) -> None:
        # M runs over reliable transports too: the branches of a fork answer when they like (RFC 6026 8.4).
        self._wait(self.layer.values.transaction, "timer M", now)

    def _wait(self, seconds: float, name: str, now: Instant) -> None:
        self.layer.open.discard(self)
        self._limit = self.layer.timers.set(now.mono + seconds, name, self)

    def _reliable(self) -> bool:
        return self.flow is not None and self.flow.transport != "udp"

    def _stop_timers(self, now: Instant, message: Response | None) -> None:
        self.layer.timers.cancel(self._repeat)
        self.layer.timers.cancel(self._limit)
        self._repeat = self._limit = None

    def _limit_orphan(self, now: Instant, message: Response | None) -> None:
        # Proceeding of INVITE has no timer (RFC 3261 17.1.1.2): its user gives up. Without user we do.
        if self.user is None and self.method == "INVITE" and self._limit is None:
            self._limit = self.layer.timers.set(now.mono + self.layer.values.transaction, "abandon", self)

    def _pass_response(self, now: Instant, response: Response) -> None:
        if self.user is not None:
            self.user.on_response(self, response, now)

    def _pass_final(self, now: Instant, response: Response) -> None:
        if self.user is not None:
            self.user.on_response(self, response, now)
        if self.state != "accepted":
            self.user = self.context = None
        self.request, self.data = None, b""

    def _tell_timeout(self, now: Instant, message: Response | None) -> None:
        user, self.user = self.user, None
        if user is not None:
            user.on_failure(self, 408, now)

    def _tell_transport_error(self, now: Instant, message: Response | None) -> None:
        user, self.user = self.user, None
        if user is not None:
            user.on_failure(self, 503, now)

    def _terminate(self, now: Instant, message: Response | None) -> None:
        self._stop_timers(now, message)
        self.layer.open.discard(self)
        self.layer.clients.pop(self.key, None)
        self.user = self.request = None
        self.data = self._ack = b""


_CLIENT_INVITE = bind(INVITE_CLIENT, ClientTransaction)
_CLIENT_OTHER = bind(NON_INVITE_CLIENT, ClientTransaction)
