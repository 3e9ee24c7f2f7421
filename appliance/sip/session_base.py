"""The state that every session has, how it ends, and how it sends requests within its dialog."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError, UndefinedTransition
from appliance.sip.client_transaction import ClientTransaction, Hop
from appliance.sip.dialog import Dialog
from appliance.sip.digest import DigestClient
from appliance.sip.events import Event, Send, SessionEnded
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr, Reason
from appliance.sip.message import Request, Response
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.session_layer import ALLOW, SUPPORTED, SessionLayer, add_headers, set_body
from appliance.sip.timers import Alarm

if TYPE_CHECKING:
    from appliance.sip.session import Session

HeaderList = Sequence[tuple[str, str]]
By = Literal["us", "them"]
State = Literal["incoming", "calling", "early", "answered", "confirmed", "ended"]

COMMANDS: dict[str, frozenset[str]] = {
    "ring": frozenset(("incoming", "early")),
    "answer": frozenset(("incoming", "early")),
    "reject": frozenset(("incoming", "early")),
    "cancel": frozenset(("calling", "early")),
    "acknowledge": frozenset(("early", "answered")),
    "offer": frozenset(("early", "answered", "confirmed")),
    "accept_offer": frozenset(("early", "answered", "confirmed")),
    "refuse_offer": frozenset(("early", "answered", "confirmed")),
    "info": frozenset(("answered", "confirmed")),
    "probe": frozenset(("confirmed",)),
    "bye": frozenset(("answered", "confirmed")),
    "snapshot": frozenset(("early", "answered", "confirmed")),
}
"""In which states a session takes which command. In "ended" each is passed over: the end may have come first."""

MAX_TRIES = 3


class SessionBase(ABC):
    """Fields and ends of a session. Use `Session`."""

    __slots__ = (
        "_ack_alarm",
        "_ack_cseq",
        "_ack_interval",
        "_ack_limit",
        "_ack_offered",
        "_ack_transaction",
        "_acks",
        "_bye_headers",
        "_bye_wanted",
        "_expires_alarm",
        "_idle_offer",
        "_min_se",
        "_offer_alarm",
        "_offer_sent",
        "_refresh_alarm",
        "_remote_offer",
        "_trying_alarm",
        "advertise",
        "call_id",
        "contact_user",
        "dialog",
        "digest",
        "direction",
        "flow",
        "id",
        "interval",
        "layer",
        "local_sdp",
        "owner",
        "peer_allows",
        "refresher",
        "remote_party",
        "remote_sdp",
        "request",
        "state",
        "timer_set",
    )

    def __init__(self, layer: SessionLayer, direction: Literal["in", "out"], call_id: str, flow: Flow | None) -> None:
        self.layer = layer
        self.id = layer.next_id()
        self.direction: Literal["in", "out"] = direction
        self.state: State = "incoming" if direction == "in" else "calling"
        self.call_id = call_id
        self.request: Request | None = None
        """The INVITE that began it; None after the end."""
        self.flow = flow
        """The way to the peer; None while it is being looked up."""
        self.owner: object = None
        """Free for the endpoint's user."""
        self.remote_party: NameAddr = _NOBODY
        """Who the other side says it is (From of an incoming call, To of an outgoing one)."""
        self.dialog: Dialog | None = None
        self.contact_user = ""
        self.advertise = ""
        """Our address as the peer must see it (`host` or `host:port`); "" = learned, else local."""
        self.digest: DigestClient | None = None
        self.peer_allows: frozenset[str] = frozenset()
        """Methods of the peer's Allow."""
        self.local_sdp: bytes | None = None
        """Our last session description that was part of a completed or pending exchange."""
        self.remote_sdp: bytes | None = None
        self.interval = 0
        """Session timer in seconds (RFC 4028); 0: none agreed."""
        self.refresher: By = "us"
        self.timer_set = 0.0
        """When the session timer was agreed on last (monotonic seconds)."""
        self._min_se = 0
        self._refresh_alarm: Alarm | None = None
        self._expires_alarm: Alarm | None = None
        self._offer_sent: ClientTransaction | None = None
        self._idle_offer: bytes | None = None
        self._offer_alarm: Alarm | None = None
        self._remote_offer: ServerTransaction | None = None
        self._trying_alarm: Alarm | None = None
        self._ack_transaction: ServerTransaction | RestoredAnswer | None = None
        self._ack_cseq = 0
        self._ack_alarm: Alarm | None = None
        self._ack_limit: Alarm | None = None
        self._ack_interval = 0.0
        self._ack_offered = False
        self._acks: dict[str, Send] = {}
        self._bye_wanted = False
        self._bye_headers: HeaderList = ()
        layer.sessions[self.id] = cast("Session", self)

    def __repr__(self) -> str:
        return f"<Session {self.id} {self.direction} {self.state}>"

    @property
    def ended(self) -> bool:
        """Whether SessionEnded was given."""
        return self.state == "ended"

    def fire(self, name: str, now: Instant) -> None:
        """A timer of this session is due: the method of that name runs."""
        getattr(self, name)(now)

    def on_ack(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        """An ACK that carries the branch of its INVITE."""
        self.acknowledged(request, now)

    @abstractmethod
    def acknowledged(self, request: Request, now: Instant) -> None:
        """The ACK of a 2xx of ours came."""

    @abstractmethod
    def hang_up(self, now: Instant, headers: HeaderList = ()) -> None:
        """Sends BYE as soon as that is allowed."""

    # -- state

    def _may(self, command: str) -> bool:
        """Whether the command has something to do; UndefinedTransition when it makes no sense in this state."""
        if self.state in COMMANDS[command]:
            return True
        if self.state == "ended":
            return False
        raise UndefinedTransition(f"session ({self.direction})", self.state, command)

    def _emit(self, event: Event) -> None:
        self.layer.out.append(event)

    def _end(self, status: int, reason: str, cause: int | None, by: By, now: Instant) -> None:
        """Tells the user that it is over. What the network still needs goes on until `_release`."""
        if self.state == "ended":
            return
        self.state = "ended"
        self._cancel_alarms()
        if self._offer_sent is not None:
            self._offer_sent.orphan(now)
        offer, self._remote_offer = self._remote_offer, None
        if offer is not None and offer.request is not None:
            offer.respond(self._reply(offer.request, 487), now)
        self.layer.out.append(SessionEnded(cast("Session", self), status, reason, cause, by))

    def _release(self) -> None:
        """Leaves every directory: nothing of the session is expected any more."""
        self.layer.sessions.pop(self.id, None)
        self._cancel_alarms()
        self._cancel_ack_alarms()
        self._forget_dialogs()
        transaction, self._ack_transaction = self._ack_transaction, None
        if transaction is not None and transaction.user is self:
            transaction.user = None
        self._offer_sent = None
        # An INVITE transaction may hold the session for another 64*T1: let that be little.
        self.request = self.dialog = self.local_sdp = self.remote_sdp = None

    def _forget_dialogs(self) -> None:
        if self.dialog is not None:
            self.layer.dialogs.pop(self.dialog.key, None)

    def _cancel_alarms(self) -> None:
        timers = self.layer.timers
        timers.cancel(self._refresh_alarm)
        timers.cancel(self._expires_alarm)
        timers.cancel(self._offer_alarm)
        timers.cancel(self._trying_alarm)
        self._refresh_alarm = self._expires_alarm = self._offer_alarm = self._trying_alarm = None

    def _cancel_ack_alarms(self) -> None:
        timers = self.layer.timers
        timers.cancel(self._ack_alarm)
        timers.cancel(self._ack_limit)
        self._ack_alarm = self._ack_limit = None
        if self.layer.resumed:
            self.layer.resumed.pop(self.call_id, None)

    # -- messages

    def _reply(self, request: Request, status: int, reason: str | None = None) -> Response:
        """A response within this session, To tag included."""
        tag = self.dialog.local_tag if self.dialog is not None else None
        response = request.reply(status, reason, tag)
        if status != 100:
            response.headers.values["Server"] = [self.layer.user_agent]
        return response

    def _contact(self, flow: Flow) -> str:
        address = self.layer.transactions.address(flow, self.advertise)
        parameter = "" if flow.transport == "udp" else f";transport={flow.transport}"
        return f"<sip:{self.contact_user}@{address}{parameter}>" if self.contact_user else f"<sip:{address}{parameter}>"

    def _ask(
        self,
        kind: str,
        method: str,
        now: Instant,
        *,
        body: bytes | None = None,
        content_type: str = "application/sdp",
        headers: HeaderList = (),
        refresh: bool = False,
        dialog: Dialog | None = None,
        tries: int = 0,
    ) -> ClientTransaction:
        """Sends a request within the dialog; the response comes to `on_response` with this `kind`.

        `refresh`: it carries Contact, Allow and Supported (a target refresh request, RFC 3261 12.2.1.1).
        """
        dialog = dialog or self.dialog
        assert dialog is not None
        request = dialog.request(method)
        values = request.headers.values
        if refresh:
            values["Allow"] = [ALLOW]
            values["Supported"] = ["timer"] if method == "INVITE" else [SUPPORTED]
        values["User-Agent"] = [self.layer.user_agent]
        add_headers(request.headers, list(headers))
        set_body(request, body, content_type)
        self._authorize(request)
        transaction = self.layer.transactions.send(
            request, dialog.hop, self, kind, now, self.contact_user if refresh else None, self.advertise
        )
        transaction.context = dialog
        transaction.tries = tries
        return transaction

    def _authorize(self, request: Request) -> None:
        """Adds our credentials when the peer has challenged us before (RFC 3261 22.3)."""
        if self.digest is None:
            return
        request.headers.remove("Authorization")
        request.headers.remove("Proxy-Authorization")
        header = self.digest.authorize(request.method, request.uri, self.layer.transactions.entropy)
        if header is not None:
            request.headers.set(*header)

    def _again(self, transaction: ClientTransaction, response: Response, now: Instant) -> ClientTransaction | None:
        """Repeats a request that was challenged (401, 407), with credentials and the next CSeq; None: we cannot."""
        request = transaction.request
        if self.digest is None or request is None or transaction.tries >= MAX_TRIES:
            return None
        if transaction.tries and not self._stale(response):
            return None
        try:
            self.digest.challenged(response.headers)
        except RemoteProtocolError:
            return None
        return self._repeat(transaction, request, now)

    def _repeat(self, transaction: ClientTransaction, request: Request, now: Instant) -> ClientTransaction:
        """Sends a changed request as a new transaction of the same kind."""
        headers = request.headers.copy()
        headers.remove("Via")
        dialog = cast("Dialog | None", transaction.context)
        number = request.cseq.number + 1
        if dialog is not None:
            number = dialog.local_seq = max(dialog.local_seq + 1, number)
        headers.set("CSeq", f"{number} {request.method}")
        again = Request(request.method, request.uri, headers, request.body)
        self._authorize(again)
        target: Flow | Hop | None = transaction.flow
        if target is None:
            assert dialog is not None
            target = dialog.hop
        successor = self.layer.transactions.send(
            again, target, self, transaction.kind, now, transaction.contact, self.advertise
        )
        successor.context = dialog
        successor.tries = transaction.tries + 1
        return successor

    @staticmethod
    def _stale(response: Response) -> bool:
        for name in ("WWW-Authenticate", "Proxy-Authenticate"):
            for value in response.headers.values.get(name, ()):
                if "stale=true" in value.lower().replace(" ", "").replace('"', ""):
                    return True
        return False

    def _send_ack(
        self, dialog: Dialog, invite: Request | None, cseq: int, body: bytes | None, now: Instant, name: str = ""
    ) -> None:
        """The ACK of a 2xx: a request of its own, repeated for each repetition of the 2xx (RFC 3261 13.2.2.4).

        It cannot be challenged, so it carries the credentials of its INVITE (22.1).
        """
        request = dialog.request("ACK", cseq)
        if self.digest is not None and invite is not None:
            for name in ("Authorization", "Proxy-Authorization"):
                if name in invite.headers.values:
                    request.headers.values[name] = list(invite.headers.values[name])
        set_body(request, body)
        AckSender(self, name or dialog.remote_tag, request).start(dialog.hop, now)

    # -- to be told

    @abstractmethod
    def on_unacknowledged(self, transaction: ServerTransaction, status: int, now: Instant) -> None:
        """A request of the peer cannot be answered, or our refusal of its INVITE got no ACK."""

    @abstractmethod
    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """A response to one of our requests."""

    @abstractmethod
    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """One of our requests got no final response."""


class RestoredAnswer:
    """Stands for the transaction of a 2xx that the process before this one sent and nobody has acknowledged."""

    __slots__ = ("_out", "flow", "last", "user")

    def __init__(self, out: deque[Event], flow: Flow, last: bytes) -> None:
        self._out, self.flow, self.last = out, flow, last
        self.user: object = None

    def repeat(self) -> None:
        """Sends the 2xx once more."""
        if self.last:
            self._out.append(Send(self.flow, self.last))


class AckSender:
    """Sends an ACK as soon as its next hop is known, and keeps it for the repetitions of the 2xx."""

    __slots__ = ("request", "session", "tag")

    def __init__(self, session: SessionBase, tag: str, request: Request) -> None:
        self.session, self.tag, self.request = session, tag, request

    def start(self, hop: Flow | Hop, now: Instant) -> None:
        """Sends at once over a flow, or after the look-up."""
        if isinstance(hop, Flow):
            self.on_resolved([hop], now)
        else:
            self.session.layer.transactions.resolve(hop, self)

    def on_resolved(self, flows: list[Flow], now: Instant) -> None:
        """The way is known; without one the peer will give up on its own."""
        if not flows:
            return
        flow, session = flows[0], self.session
        layer = session.layer.transactions
        address = layer.address(flow, session.advertise)
        branch = f"z9hG4bK{layer.entropy(8).hex()}"
        self.request.headers.values["Via"] = [f"SIP/2.0/{flow.transport.upper()} {address};rport;branch={branch}"]
        send = Send(flow, self.request.encode())
        session._acks[self.tag] = send
        layer.out.append(send)


def reason_headers(headers: HeaderList) -> int | None:
    """The Q.850 cause among header fields that our user gives to BYE, CANCEL or a refusal."""
    for name, value in headers:
        if name.lower() == "reason":
            reason = Reason.parse(value)
            if reason.protocol == "Q.850":
                return reason.cause
    return None


_NOBODY = NameAddr.parse("<sip:anonymous.invalid>")
