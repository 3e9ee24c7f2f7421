"""Server transactions (RFC 3261 17.2, RFC 6026 8.1), driven by the tables of `tables`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from appliance.clock import Instant
from appliance.errors import UndefinedTransition
from appliance.sip.events import Send
from appliance.sip.flow import Flow
from appliance.sip.message import Request, Response
from appliance.sip.tables import INVITE_SERVER, NON_INVITE_SERVER, bind
from appliance.sip.timers import Alarm

if TYPE_CHECKING:
    from appliance.sip.transaction import TransactionLayer

ServerKey = tuple[str, ...]
"""What a retransmission and its transaction share (RFC 3261 17.2.3)."""
MergeKey = tuple[str, str, str]
"""What a request that came twice by different paths shares (RFC 3261 8.2.2.2): From tag, Call-ID, CSeq."""


class ServerUser(Protocol):
    """Who answers the request of a server transaction."""

    def on_ack(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        """An ACK came for a 2xx with the branch of the INVITE (only an RFC 2543 peer does so)."""

    def on_unacknowledged(self, transaction: ServerTransaction, status: int, now: Instant) -> None:
        """The peer is gone: 408 when it never sent ACK, 503 after a transport error before our final response."""


class ServerTransaction:
    """One request of a peer and our responses (RFC 3261 17.2)."""

    __slots__ = (
        "_interval",
        "_limit",
        "_merge_key",
        "_repeat",
        "_rows",
        "flow",
        "key",
        "last",
        "layer",
        "method",
        "request",
        "state",
        "tag",
        "user",
    )

    def __init__(
        self, layer: TransactionLayer, request: Request, key: ServerKey, merge_key: MergeKey | None, flow: Flow
    ) -> None:
        self.layer = layer
        self.request: Request | None = request
        self.method = request.method
        self.key = key
        self.flow = flow
        """Where responses go (RFC 3261 18.2.2, RFC 3581)."""
        self.user: ServerUser | None = None
        self.tag = ""
        """The To tag of our responses when the request had none."""
        self.last = b""
        self.state = "proceeding" if request.method == "INVITE" else "trying"
        self._rows = _SERVER_INVITE if request.method == "INVITE" else _SERVER_OTHER
        self._merge_key = merge_key
        self._interval = 0.0
        self._repeat: Alarm | None = None
        self._limit: Alarm | None = None

    @property
    def answered(self) -> bool:
        """Whether a final response was given."""
        return self.state not in ("trying", "proceeding")

    def repeated(self, now: Instant) -> None:
        """The request came again."""
        self._step("request", now)

    def acknowledged(self, request: Request, now: Instant) -> None:
        """An ACK with our branch came."""
        self._step("ACK", now, request)

    def respond(self, response: Response, now: Instant) -> None:
        """Sends a response. After the final one nothing but a repeated 2xx may follow."""
        status = response.status
        if status < 200:
            self._step("send 1xx", now, response)
        elif self.method != "INVITE":
            self._step("send final", now, response)
        else:
            self._step("send 2xx" if status < 300 else "send 3xx+", now, response)

    def repeat(self) -> None:
        """Sends the last response once more: the UA core repeats its 2xx by itself (RFC 3261 13.3.1.4)."""
        if self.last:
            self.layer.out.append(Send(self.flow, self.last))

    def guard(self, now: Instant) -> None:
        """Forgets a non-INVITE request that its user never answers: nobody waits for it any more then."""
        self._limit = self.layer.timers.set(now.mono + self.layer.values.transaction, "unanswered", self)

    def transport_failed(self, now: Instant) -> None:
        """The flow reports an error."""
        self._step("transport error", now)

    def forget(self, now: Instant) -> None:
        """Makes room: ends before timer J."""
        if self.state == "completed":
            self._step("timer J", now)

    def fire(self, name: str, now: Instant) -> None:
        """A timer is due."""
        self._step(name, now)

    def _step(self, event: str, now: Instant, message: Request | Response | None = None) -> None:
        row = self._rows.get((self.state, event))
        if row is None:
            raise UndefinedTransition("server transaction", self.state, event)
        self.state = row[0]
        for action in row[1]:
            action(self, now, message)

    def _keep(self, now: Instant, response: Response) -> None:
        self.last = response.encode()
        if response.status >= 200:
            self.request = None
            self.layer.open.discard(self)

    def _send(self, now: Instant, message: Request | Response | None) -> None:
        if self.last:
            self.layer.out.append(Send(self.flow, self.last))

    def _start_g(self, now: Instant, message: Response) -> None:
        self._interval = self.layer.values.t1
        if not self.flow.reliable:
            self._repeat = self.layer.timers.set(now.mono + self._interval, "timer G", self)

    def _restart_g(self, now: Instant, message: Response) -> None:
        self._interval = min(self._interval * 2, self.layer.values.t2)
        self._repeat = self.layer.timers.set(now.mono + self._interval, "timer G", self)

    def _start_h(self, now: Instant, message: Response) -> None:
        self._limit = self.layer.timers.set(now.mono + self.layer.values.transaction, "timer H", self)

    def _start_i(self, now: Instant, message: Request) -> None:
        wait = 0.0 if self.flow.reliable else self.layer.values.t4
        self.last = b""
        self._limit = self.layer.timers.set(now.mono + wait, "timer I", self)

    def _start_j(self, now: Instant, message: Response) -> None:
        self.user = None
        wait = 0.0
        if not self.flow.reliable:
            wait = self.layer.values.transaction
            self.layer.absorb(self, now)
        self._limit = self.layer.timers.set(now.mono + wait, "timer J", self)

    def _start_l(self, now: Instant, message: Response) -> None:
        self._limit = self.layer.timers.set(now.mono + self.layer.values.transaction, "timer L", self)

    def _stop_timers(self, now: Instant, message: Any) -> None:
        self.layer.timers.cancel(self._repeat)
        self.layer.timers.cancel(self._limit)
        self._repeat = self._limit = None

    def _pass_ack(self, now: Instant, request: Request) -> None:
        if self.user is not None:
            self.user.on_ack(self, request, now)

    def _tell_timeout(self, now: Instant, message: Any) -> None:
        user, self.user = self.user, None
        if user is not None:
            user.on_unacknowledged(self, 408, now)

    def _tell_transport_error(self, now: Instant, message: Any) -> None:
        user, self.user = self.user, None
        if user is not None:
            user.on_unacknowledged(self, 503, now)

    def _terminate(self, now: Instant, message: Any) -> None:
        self._stop_timers(now, message)
        layer = self.layer
        layer.open.discard(self)
        layer.servers.pop(self.key, None)
        if layer.absorbing and layer.absorbing[0] is self:
            layer.absorbing.popleft()
        if self._merge_key is not None and layer.merges.get(self._merge_key) == self.key:
            del layer.merges[self._merge_key]
        self.user = self.request = None
        self.last = b""


_SERVER_INVITE = bind(INVITE_SERVER, ServerTransaction)
_SERVER_OTHER = bind(NON_INVITE_SERVER, ServerTransaction)
