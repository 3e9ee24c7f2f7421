"""Sessions: the INVITE usage of a dialog as its user sees it, and what happens within the dialog.

`InboundSession` (session_uas) and `OutboundSession` (session_uac) add how it begins. A command that comes after the end
is passed over, because the end may wait in the event queue; one that makes no sense in a state is an
UndefinedTransition.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from appliance.clock import Instant
from appliance.errors import UndefinedTransition
from appliance.sip.client_transaction import ClientTransaction
from appliance.sip.dialog import Dialog, DialogSnapshot
from appliance.sip.events import SessionConfirmed, SessionInfo, SessionOfferAnswered, SessionRecordAsked
from appliance.sip.flow import Flow
from appliance.sip.message import Request, Response
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.session_base import HeaderList, RestoredAnswer, reason_headers
from appliance.sip.session_layer import ALLOW, FAREWELL, SDP, SUPPORTED, cause_of
from appliance.sip.session_offers import OfferingSession

INFO_TYPES = ("application/dtmf-relay", "application/dtmf")
"""Bodies of INFO that are passed up."""


class Unacknowledged(msgspec.Struct, frozen=True, gc=False):
    """Our 2xx to the INVITE, when its ACK has not come: it must be repeated (RFC 3261 13.3.1.4)."""

    response: bytes
    flow: Flow
    cseq: int
    offered: bool
    """Whether the 2xx carries our offer, and the ACK its answer."""


class SessionSnapshot(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An answered session as it is kept in a database: all that goes on with it needs. Made and read by one machine
    between two of its starts: times are of its monotonic clock. One that rings can be ended by it."""

    dialog: DialogSnapshot
    direction: Literal["in", "out"]
    remote_party: str
    contact_user: str
    advertise: str
    local_sdp: bytes | None
    remote_sdp: bytes | None
    interval: int
    refresher: Literal["us", "them"]
    peer_allows: tuple[str, ...]
    timer_set: float = 0.0
    """When the session timer was agreed on last (monotonic seconds)."""
    learned: str = ""
    """Our address as the peer sees it (RFC 3581), where that is another than the flow's."""
    unacknowledged: Unacknowledged | None = None
    invite: bytes = b""
    """The INVITE as it went over the wire, while nobody has answered it."""


class Session(OfferingSession):
    """One party's INVITE session with all its early dialogs."""

    __slots__ = ()

    # -- before the final response; each direction has its own half

    def ring(self, now: Instant, status: int = 180, sdp: bytes | None = None, headers: HeaderList = ()) -> None:
        """Incoming: a provisional response; reliable (RFC 3262) with SDP when the caller supports that."""
        if self._may("ring"):
            raise UndefinedTransition(f"session ({self.direction})", self.state, "ring")

    def answer(self, sdp: bytes | None, now: Instant, headers: HeaderList = ()) -> None:
        """Incoming: 200, repeated until ACK. `sdp` is our answer, or our offer when the INVITE had none."""
        if self._may("answer"):
            raise UndefinedTransition(f"session ({self.direction})", self.state, "answer")

    def reject(self, status: int, now: Instant, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Incoming: a final response of 300 or more. SessionEnded follows at once."""
        if self._may("reject"):
            raise UndefinedTransition(f"session ({self.direction})", self.state, "reject")

    def cancel(self, now: Instant, headers: HeaderList = ()) -> None:
        """Outgoing: gives the call up. SessionEnded follows at once, CANCEL when RFC 3261 9.1 allows it."""
        if self._may("cancel"):
            raise UndefinedTransition(f"session ({self.direction})", self.state, "cancel")

    def acknowledge(self, sdp: bytes | None, now: Instant) -> None:
        """Outgoing without SDP in the INVITE: our answer to the callee's offer, sent in ACK (or PRACK)."""
        if self._may("acknowledge"):
            raise UndefinedTransition(f"session ({self.direction})", self.state, "acknowledge")

    # -- confirmed

    def bye(self, now: Instant, headers: HeaderList = ()) -> None:
        """Hangs up. SessionEnded follows at once; the BYE is sent, repeated and authenticated without further ado."""
        if not self._may("bye"):
            return
        self.hang_up(now, headers)
        self._end(200, "BYE", reason_headers(headers), "us", now)

    def terminate(self, now: Instant, status: int = 480, headers: HeaderList = ()) -> None:
        """Ends the session whatever its state: refuses (with `status`), cancels or hangs up."""
        if self.state in ("answered", "confirmed"):
            self.bye(now, headers)
        elif self.direction == "in":
            self.reject(status, now, headers=headers)
        else:
            self.cancel(now, headers)

    def hang_up(self, now: Instant, headers: HeaderList = ()) -> None:
        """Sends BYE, not before the caller's ACK or its time-out (RFC 3261 15)."""
        if self._ack_transaction is not None and self.state in ("answered", "ended"):
            self._bye_wanted, self._bye_headers = True, headers
            return
        if self.dialog is None:
            self._release()
            return
        self._ask("bye", "BYE", now, headers=headers)

    def info(self, content_type: str, body: bytes, now: Instant) -> None:
        """Sends INFO, for instance DTMF as application/dtmf-relay."""
        if self._may("info"):
            self._ask("info", "INFO", now, body=body, content_type=content_type)

    def probe(self, now: Instant) -> None:
        """Asks the peer (OPTIONS within the dialog) whether it still has this call: 408 or 481 ends the session."""
        if self._may("probe"):
            self._ask("probe", "OPTIONS", now)

    def dialog_of(self, remote_tag: str) -> Dialog:
        """The dialog with this remote tag: the only one, or one branch of a forked call that is not answered yet."""
        assert self.dialog is not None
        return self.dialog

    def resume_answer(self, kept: Unacknowledged, now: Instant) -> None:
        """Goes on repeating a 2xx that has no ACK yet, unless its connection is gone: then it has arrived."""
        if kept.flow.reliable:
            return
        timers, values = self.layer.timers, self.layer.transactions.values
        self.state = "answered"
        self._ack_transaction = RestoredAnswer(self.layer.out, kept.flow, kept.response)
        self._ack_cseq, self._ack_offered, self._ack_interval = kept.cseq, kept.offered, values.t1
        self._ack_alarm = timers.set(now.mono, "repeat_ok", self)
        self._ack_limit = timers.set(now.mono + values.transaction, "no_ack", self)
        self.layer.resumed[self.call_id] = self

    def end_for_fault(self, now: Instant) -> None:
        """Ends the session because of an error of ours, as cleanly as it still can."""
        confirmed = self.state in ("answered", "confirmed")
        self._end(500, "Internal error", 41, "us", now)
        dialog = self.dialog
        self._release()
        if confirmed and dialog is not None:
            self.layer.transactions.send(dialog.request("BYE"), dialog.hop, FAREWELL, "bye", now)

    def end_for_transport(self, now: Instant) -> None:
        """Ends the session because the way to the peer is gone."""
        self._end(503, "Transport error", 38, "them", now)
        self._release()

    def lose_flow(self, flow: object) -> None:
        """A connection closed: the next request within the dialog opens another."""
        if self.flow == flow:
            self.flow = None
        if self.dialog is not None and self.dialog.flow is not None and self.dialog.flow == flow:
            self.dialog.lose_flow(self.dialog.flow)

    @property
    def reachable(self) -> bool:
        """Whether a request to the peer goes over a path that is there; else a connection must be made for it."""
        return self.dialog is None or isinstance(self.dialog.hop, Flow)

    def found_again(self, flow: Flow) -> None:
        """The peer, whose connection was gone, has made another one: requests within the dialog go over that."""
        if self.dialog is not None and not self.reachable:
            self.flow = flow
            self.dialog.find_flow(flow)

    # -- requests within the dialog

    def on_request(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: Instant) -> None:
        """A request of the peer within one of our dialogs (never ACK or CANCEL)."""
        number = request.cseq.number
        if dialog.remote_seq is not None and number <= dialog.remote_seq:
            # RFC 3261 12.2.2: out of order. A retransmission was answered by its transaction.
            transaction.respond(self._reply(request, 500, "CSeq out of order"), now)
            return
        dialog.remote_seq = number
        method = request.method
        if method == "BYE":
            self._bye_came(transaction, request, now)
        elif self.state == "ended":
            transaction.respond(self._reply(request, 481), now)
        elif method in ("INVITE", "UPDATE"):
            self._change_asked(transaction, request, dialog, now)
        elif method == "INFO":
            self._info_came(transaction, request, now)
        elif method == "PRACK":
            self._prack_came(transaction, request, now)
        elif method == "OPTIONS":
            response = self._reply(request, 200)
            values = response.headers.values
            values["Allow"], values["Accept"], values["Supported"] = [ALLOW], [SDP], [SUPPORTED]
            transaction.respond(response, now)
        else:
            self._refuse_method(transaction, request, now)

    def _bye_came(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        transaction.respond(self._reply(request, 200), now)
        ended = self.state == "ended"
        self._end(200, "BYE", cause_of(request), "them", now)
        # Our own BYE may be on its way: its response ends the session then.
        if not ended or self._bye_wanted:
            self._release()

    def _info_came(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        kind = request.content_type
        if "Info-Package" in request.headers.values:
            transaction.respond(self._reply(request, 469), now)
        elif not request.body:
            record = (request.headers.get("Record") or "").strip().lower()
            if record in ("on", "off"):
                self._emit(SessionRecordAsked(self, record == "on", transaction))
            else:
                transaction.respond(self._reply(request, 200), now)
        elif kind is None or kind.name not in INFO_TYPES:
            response = self._reply(request, 415)
            response.headers.values["Accept"] = [", ".join(INFO_TYPES)]
            transaction.respond(response, now)
        else:
            transaction.respond(self._reply(request, 200), now)
            self._emit(SessionInfo(self, kind.name, request.body))

    def answer_record(self, transaction: ServerTransaction, now: Instant, refusal: str = "") -> None:
        """Answers SessionRecordAsked: 200, or 403 with the reason in a Warning (RFC 3261 20.43), as phones expect where
        recording is not allowed."""
        if transaction.request is None:
            return
        response = self._reply(transaction.request, 403 if refusal else 200)
        if refusal:
            text = refusal.replace("\\", "").replace('"', "'")
            response.headers.values["Warning"] = [f'399 hako "{text}"']
        transaction.respond(response, now)

    def _refuse_method(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        """REFER, SUBSCRIBE, NOTIFY, MESSAGE and the like; the call goes on."""
        if request.method == "SUBSCRIBE":
            response = self._reply(request, 489)
        else:
            response = self._reply(request, 405)
            response.headers.values["Allow"] = [ALLOW]
        transaction.respond(response, now)

    def _prack_came(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        transaction.respond(self._reply(request, 481), now)

    def acknowledged(self, request: Request, now: Instant) -> None:
        """An ACK within the dialog."""
        offered = self._ack_offered
        if not self._take_ack(request):
            return
        body = request.body or None
        if self._bye_wanted:
            self._bye_wanted = False
            self._ask("bye", "BYE", now, headers=self._bye_headers)
            return
        if offered and body is not None:
            self.remote_sdp = body
        if self.state == "answered":
            self.state = "confirmed"
            self._emit(SessionConfirmed(self, body))
        elif offered and self.state == "confirmed":
            self._emit(SessionOfferAnswered(self, body))
        self._offer_idle(now)

    def cancelled(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        """CANCEL of an INVITE of this session that has no final response."""
        self.offer_cancelled(transaction, now)

    # -- responses to our requests

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """A response to a request within the dialog."""
        kind = transaction.kind
        if kind in ("offer", "refresh"):
            if self.state != "ended":
                self._offer_response(transaction, response, now)
            return
        if response.status < 200:
            return
        if response.status in (401, 407) and self._again(transaction, response, now) is not None:
            return
        if kind == "bye":
            self._release()
        elif kind in ("probe", "info") and response.status in (408, 481) and self.state != "ended":
            self._end(response.status, response.reason, None, "them", now)
            self._release()

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """A request within the dialog got no final response."""
        kind = transaction.kind
        if kind == "bye":
            self._release()
        elif self.state == "ended":
            return
        elif kind in ("offer", "refresh"):
            self._offer_failure(transaction, status, now)
        elif kind in ("probe", "info"):
            self.hang_up(now)
            self._end(status, "No answer within the dialog", None, "them", now)

    def on_unacknowledged(self, transaction: ServerTransaction, status: int, now: Instant) -> None:
        """A transport error before our final response to an INVITE or UPDATE."""
        if transaction is self._remote_offer:
            self._take_offer()

    # -- storage

    def snapshot(self) -> SessionSnapshot:
        """The session for a database, so that a restarted box can go on with it or end it."""
        dialog, waiting = self.dialog, self._ack_transaction
        if dialog is None or not self._may("snapshot"):
            raise UndefinedTransition(f"session ({self.direction})", self.state, "snapshot")
        unacknowledged = None
        if self.state == "answered" and waiting is not None and waiting.last:
            unacknowledged = Unacknowledged(waiting.last, waiting.flow, self._ack_cseq, self._ack_offered)
        learned = self.layer.transactions.learned
        return SessionSnapshot(
            dialog.snapshot(),
            self.direction,
            str(self.remote_party),
            self.contact_user,
            self.advertise,
            self.local_sdp,
            self.remote_sdp,
            self.interval,
            self.refresher,
            tuple(sorted(self.peer_allows)),
            self.timer_set,
            learned.get(dialog.flow, "") if learned and dialog.flow is not None else "",
            unacknowledged,
            self._unanswered() if self.state == "early" else b"",
        )

    def _unanswered(self) -> bytes:
        """The INVITE that has no final response, with our Via or the Via that its responses need."""
        return b""
