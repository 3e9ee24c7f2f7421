"""An INVITE that came: ringing, reliable provisional responses (RFC 3262), the answer, CANCEL."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from appliance.clock import Instant
from appliance.sip.dialog import Dialog
from appliance.sip.events import SessionOffer, SessionOfferAnswered
from appliance.sip.flow import Flow
from appliance.sip.message import Request, Response
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.session import Session
from appliance.sip.session_base import By, HeaderList, reason_headers
from appliance.sip.session_layer import ALLOW, SUPPORTED, SessionLayer, add_headers, cause_of, set_body
from appliance.sip.timers import Alarm

LONGEST_WAIT = 1_800.0
"""Seconds after which an INVITE without our final response is refused, should our user forget it."""


class _Reliable(NamedTuple):
    """A reliable provisional response that is not acknowledged yet."""

    number: int
    data: Response


class InboundSession(Session):
    """A session that a peer began."""

    __slots__ = (
        "_caller_takes_reliable",
        "_early_answer",
        "_forget_alarm",
        "_minute_alarm",
        "_on_gone",
        "_prack_alarm",
        "_prack_interval",
        "_prack_limit",
        "_queue",
        "_rseq",
        "_source",
        "_transaction",
        "_unacknowledged",
    )

    def __init__(
        self,
        layer: SessionLayer,
        transaction: ServerTransaction,
        request: Request,
        flow: Flow,
        now: Instant,
        gone: Callable[[Flow], None],
    ) -> None:
        """`gone` is called once when the INVITE has its final response. Raises RemoteProtocolError."""
        dialog = Dialog.of_request(request, layer.token(), transaction.flow)
        required = "100rel" in request.require
        takes_reliable = required or "100rel" in request.supported
        super().__init__(layer, "in", request.call_id, flow)
        self.request = request
        self.dialog = dialog
        self.remote_party = request.from_
        self._transaction: ServerTransaction | None = transaction
        self._on_gone: Callable[[Flow], None] | None = gone
        self._caller_takes_reliable = takes_reliable
        self._source = flow
        self._rseq = 0
        self._unacknowledged: _Reliable | None = None
        self._queue: list[Callable[[Instant], None]] = []
        self._prack_alarm: Alarm | None = None
        self._prack_limit: Alarm | None = None
        self._prack_interval = 0.0
        self._early_answer = False
        self._minute_alarm: Alarm | None = None
        self._learn_allow(request)
        self.remote_sdp = request.body or None
        transaction.user = self
        transaction.tag = dialog.local_tag
        layer.dialogs[dialog.key] = self
        self._forget_alarm: Alarm | None = layer.timers.set(now.mono + LONGEST_WAIT, "forgotten", self)

    @property
    def requires_reliable(self) -> bool:
        """Whether the caller insists on reliable provisional responses."""
        return self.request is not None and "100rel" in self.request.require

    # -- what our user says

    def ring(self, now: Instant, status: int = 180, sdp: bytes | None = None, headers: HeaderList = ()) -> None:
        """Sends a provisional response above 100."""
        if not self._may("ring"):
            return
        self.state = "early"
        self._in_turn(lambda later: self._ring(later, status, sdp, headers), now)

    def _in_turn(self, say: Callable[[Instant], None], now: Instant) -> None:
        """Nothing is said to the INVITE while a reliable response waits for its PRACK, nor a 2xx while an early offer
        waits for its answer (RFC 3262 3 and 5): then it is kept, in order."""
        if self._unacknowledged is not None or self._remote_offer is not None:
            self._queue.append(say)
        else:
            say(now)

    def _ring(self, now: Instant, status: int, sdp: bytes | None, headers: HeaderList) -> None:
        transaction, request = self._transaction, self.request
        assert transaction is not None and request is not None
        response = self._reply(request, status)
        self._fill(response, headers, transaction.flow)
        set_body(response, sdp)
        if sdp:
            self.local_sdp = sdp
        if (sdp and self._caller_takes_reliable) or self.requires_reliable:
            self._send_reliably(transaction, response, now)
        else:
            transaction.respond(response, now)
        if self._minute_alarm is None:
            self._minute_alarm = self.layer.timers.set(now.mono + 60.0, "another_minute", self)

    def answer(self, sdp: bytes | None, now: Instant, headers: HeaderList = ()) -> None:
        """Sends 200, after the PRACK of an earlier reliable response if there is one."""
        if not self._may("answer"):
            return
        self.state = "answered"
        self._in_turn(lambda later: self._answer(later, sdp, headers), now)

    def _answer(self, now: Instant, sdp: bytes | None, headers: HeaderList) -> None:
        transaction, request = self._transaction, self.request
        assert transaction is not None and request is not None
        response = self._reply(request, 200)
        self._fill(response, headers, transaction.flow)
        offered = not request.body and not self._early_answer
        if not self._early_answer:
            # The exchange was completed by a reliable response otherwise, and a 2xx must not repeat it.
            set_body(response, sdp)
            self.local_sdp = sdp or self.local_sdp
        self._agree_timer(request, response, now)
        self._settled()
        self._send_ok(transaction, response, request.cseq.number, offered, now)

    def reject(self, status: int, now: Instant, reason: str | None = None, headers: HeaderList = ()) -> None:
        """Sends a final response of 300 or more and ends the session."""
        if not self._may("reject"):
            return
        self._refuse(status, now, reason, headers)
        self._end(status, reason or "", reason_headers(headers), "us", now)
        self._release()

    def hang_up(self, now: Instant, headers: HeaderList = ()) -> None:
        """BYE, or a refusal while our answer still waits for a PRACK."""
        if self._transaction is not None:
            self._refuse(480, now, headers=headers)
            self._release()
        else:
            super().hang_up(now, headers)

    # -- what the caller does

    def cancelled(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        """CANCEL: 487 for the INVITE, unless it has its final response."""
        if transaction is not self._transaction:
            super().cancelled(transaction, request, now)
        else:
            self._refuse(487, now)
            self._end(487, "Cancelled", cause_of(request), "them", now)
            self._release()

    def _bye_came(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        if self._transaction is not None:
            # RFC 3261 15.1.2: BYE for an early dialog ends its INVITE.
            self._refuse(487, now)
            transaction.respond(self._reply(request, 200), now)
            self._end(487, "BYE", cause_of(request), "them", now)
            self._release()
        else:
            super()._bye_came(transaction, request, now)

    def end_for_fault(self, now: Instant) -> None:
        """Refuses the call with 500 when it is not answered yet."""
        if self._transaction is not None:
            self._refuse(500, now)
            self._end(500, "Internal error", 41, "us", now)
            self._release()
        else:
            super().end_for_fault(now)

    def on_unacknowledged(self, transaction: ServerTransaction, status: int, now: Instant) -> None:
        """A transport error before the final response: the caller is gone."""
        if transaction is self._transaction:
            self._settled()
            self.end_for_transport(now)
        else:
            super().on_unacknowledged(transaction, status, now)

    # -- reliable provisional responses

    def _early_media_settled(self) -> bool:
        return self._early_answer and self._unacknowledged is None

    def _send_reliably(self, transaction: ServerTransaction, response: Response, now: Instant) -> None:
        timers, values = self.layer.timers, self.layer.transactions.values
        if not self._rseq:
            # RFC 3262 3: starts anywhere below 2**31.
            self._rseq = int(self.layer.dice(1, 65_535))
        self._rseq += 1
        fields = response.headers.values
        fields["Require"] = ["100rel"]
        fields["RSeq"] = [str(self._rseq)]
        self._unacknowledged = _Reliable(self._rseq, response)
        self._prack_interval = values.t1
        self._prack_alarm = timers.set(now.mono + values.t1, "repeat_reliable", self)
        self._prack_limit = timers.set(now.mono + values.transaction, "no_prack", self)
        transaction.respond(response, now)

    def repeat_reliable(self, now: Instant) -> None:
        """No PRACK yet: once more, at doubling intervals without T2's bound (RFC 3262 3)."""
        if self._unacknowledged is None or self._transaction is None:
            return
        self._prack_interval *= 2
        self._prack_alarm = self.layer.timers.set(now.mono + self._prack_interval, "repeat_reliable", self)
        self._transaction.repeat()

    def no_prack(self, now: Instant) -> None:
        """64*T1 without PRACK: the INVITE is refused with a 5xx (RFC 3262 3)."""
        self._refuse(504, now)
        self._end(504, "No PRACK", 102, "them", now)
        self._release()

    def _prack_came(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        rack, pending, invite = request.rack, self._unacknowledged, self.request
        if (
            rack is None
            or pending is None
            or invite is None
            or (rack.rseq, rack.cseq, rack.method) != (pending.number, invite.cseq.number, "INVITE")
        ):
            transaction.respond(self._reply(request, 481), now)
            return
        self._unacknowledged = None
        self._cancel_prack_alarms()
        if pending.data.body:
            self._early_answer = True
        if request.body and invite.body and self._early_answer:
            # The first exchange is complete, so this SDP is an offer, answered in the 200 (RFC 3262 5).
            self._remote_offer = transaction
            self._emit(SessionOffer(self, request.body))
            return
        transaction.respond(self._reply(request, 200), now)
        if pending.data.body and not invite.body:
            self.remote_sdp = request.body or None
            self._emit(SessionOfferAnswered(self, self.remote_sdp))
        self._offer_idle(now)

    def _offer_idle(self, now: Instant) -> None:
        """What waited for a PRACK goes before an offer of ours that waits for the end of an exchange."""
        while self._queue and self._unacknowledged is None and self._remote_offer is None:
            self._queue.pop(0)(now)
        super()._offer_idle(now)

    # -- inside

    def _unanswered(self) -> bytes:
        waits = self._transaction is not None and not self._transaction.answered
        return self.request.encode() if waits and self.request is not None else b""

    def forgotten(self, now: Instant) -> None:
        """Nobody answered, refused or cancelled it."""
        self._refuse(480, now)
        self._end(480, "Never answered", 19, "us", now)
        self._release()

    def another_minute(self, now: Instant) -> None:
        """Proxies drop an INVITE that rings for three minutes without a word (RFC 3261 13.3.1.1)."""
        self._minute_alarm = None
        if self._transaction is not None:
            self._transaction.repeat()
            self._minute_alarm = self.layer.timers.set(now.mono + 60.0, "another_minute", self)

    def _fill(self, response: Response, headers: HeaderList, flow: Flow) -> None:
        """What a response that opens a dialog carries (RFC 3261 12.1.1)."""
        assert self.request is not None
        values = response.headers.values
        routes = self.request.headers.values.get("Record-Route")
        if routes:
            values["Record-Route"] = list(routes)
        values["Contact"] = [self._contact(flow)]
        values["Allow"] = [ALLOW]
        values["Supported"] = [SUPPORTED]
        add_headers(response.headers, list(headers))

    def _end(self, status: int, reason: str, cause: int | None, by: By, now: Instant) -> None:
        # However it ends: the INVITE gets its final response.
        self._refuse(status if status >= 300 else 480, now)
        super()._end(status, reason, cause, by, now)

    def _refuse(self, status: int, now: Instant, reason: str | None = None, headers: HeaderList = ()) -> None:
        transaction, request = self._transaction, self.request
        if transaction is None or request is None:
            return
        self._settled()
        if transaction.answered:
            return
        transaction.user = None
        response = self._reply(request, status, reason)
        add_headers(response.headers, list(headers))
        transaction.respond(response, now)

    def _settled(self) -> None:
        """The INVITE has its final response, or never will."""
        self._transaction = None
        self._queue.clear()
        self._unacknowledged = None
        self._cancel_prack_alarms()
        self.layer.timers.cancel(self._minute_alarm)
        self.layer.timers.cancel(self._forget_alarm)
        self._minute_alarm = self._forget_alarm = None
        gone, self._on_gone = self._on_gone, None
        if gone is not None:
            gone(self._source)

    def _cancel_prack_alarms(self) -> None:
        self.layer.timers.cancel(self._prack_alarm)
        self.layer.timers.cancel(self._prack_limit)
        self._prack_alarm = self._prack_limit = None
