"""An INVITE that we send: forked early dialogs, PRACK, the answer and its ACK, CANCEL, redirection, log-in."""

from __future__ import annotations

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.client_transaction import ClientTransaction, Hop
from appliance.sip.dialog import Dialog
from appliance.sip.events import SessionAnswered, SessionProgress, SessionRedirected
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.invite import by_preference, make_cancel, make_invite, safe_cause
from appliance.sip.message import Request, Response
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.session import Session
from appliance.sip.session_base import MAX_TRIES, HeaderList, reason_headers
from appliance.sip.session_layer import FAREWELL, SessionLayer, add_headers, cause_of, set_body
from appliance.sip.timers import Alarm

MOST_BRANCHES = 32
"""Branches of one forked call that we follow; a callee that makes up more is not answered."""
LONGEST_RINGING = 900.0
"""Seconds after which an INVITE without final response is given up, should our user forget it."""


class OutboundSession(Session):
    """A session that we begin."""

    __slots__ = (
        "_cancel_alarm",
        "_cancel_headers",
        "_cancel_sent",
        "_early",
        "_early_bodies",
        "_forget_alarm",
        "_given_up",
        "_invite",
        "_offerless",
        "_proceeding",
        "_rseqs",
        "_settled_tags",
        "_via",
        "_waiting_prack",
    )

    def __init__(
        self,
        layer: SessionLayer,
        *,
        uri: str,
        from_: NameAddr,
        to: NameAddr,
        body: bytes | None,
        call_id: str,
        headers: HeaderList,
        contact_user: str,
        advertise: str,
        max_forwards: int = 70,
    ) -> None:
        super().__init__(layer, "out", call_id, None)
        self.remote_party = to
        self.contact_user = contact_user
        self.advertise = advertise
        self.local_sdp = body
        self._early: dict[str, Dialog] = {}
        self._early_bodies: dict[str, bytes] = {}
        self._rseqs: dict[str, int] = {}
        self._settled_tags: tuple[str, ...] = ()
        self._waiting_prack: tuple[Dialog, str] | None = None
        self._invite: ClientTransaction | None = None
        self._offerless = body is None
        self._proceeding = False
        self._via: list[str] = []
        self._given_up = False
        self._cancel_sent = False
        self._cancel_headers: HeaderList = ()
        self._cancel_alarm: Alarm | None = None
        self._forget_alarm: Alarm | None = None
        self.request = make_invite(layer, uri, from_, to, call_id, max_forwards)
        self._ask_for_timer(self.request)
        add_headers(self.request.headers, list(headers))
        set_body(self.request, body)

    def start(self, target: Flow | Hop, now: Instant) -> None:
        """Sends the INVITE."""
        assert self.request is not None
        self.flow = target if isinstance(target, Flow) else None
        self._invite = self.layer.transactions.send(
            self.request, target, self, "invite", now, self.contact_user, self.advertise
        )
        self._forget_alarm = self.layer.timers.set(now.mono + LONGEST_RINGING, "forgotten", self)

    def forgotten(self, now: Instant) -> None:
        """Nobody answered and nobody gave up."""
        self._forget_alarm = None
        self._give_up(now)
        self._end(408, "No final response", 102, "them", now)

    # -- what our user says

    def cancel(self, now: Instant, headers: HeaderList = ()) -> None:
        """Gives the call up. A 2xx that comes nevertheless gets ACK and BYE."""
        if not self._may("cancel"):
            return
        self._cancel_headers = headers
        self._give_up(now)
        self._end(487, "Cancelled", reason_headers(headers), "us", now)

    def acknowledge(self, sdp: bytes | None, now: Instant) -> None:
        """Our answer to the callee's offer."""
        if not self._may("acknowledge"):
            return
        if self._waiting_prack is not None:
            dialog, rack = self._waiting_prack
            self._waiting_prack = None
            self.local_sdp = sdp
            self._offerless = False
            self._prack(dialog, rack, sdp, now)
        elif self.state == "answered" and self.dialog is not None and self.request is not None:
            self.local_sdp = sdp
            self.state = "confirmed"
            self._send_ack(self.dialog, self.request, self.request.cseq.number, sdp, now)
            self._offer_idle(now)

    def hang_up(self, now: Instant, headers: HeaderList = ()) -> None:
        """BYE; CANCEL before the answer; a 2xx that waits for our answer gets its ACK first."""
        if self.state in ("calling", "early"):
            self._give_up(now)
            return
        if self.state == "answered" and self.dialog is not None and self.request is not None:
            self._send_ack(self.dialog, self.request, self.request.cseq.number, None, now)
        super().hang_up(now, headers)

    # -- responses

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """A response to the INVITE, or to a request within the dialog."""
        if transaction.kind == "cancel":
            return
        if transaction.kind == "prack":
            self._pracked(transaction, response, now)
            return
        if transaction.kind != "invite":
            super().on_response(transaction, response, now)
            return
        if self.flow is None:
            self.flow = transaction.flow
        status = response.status
        if status < 200:
            self._provisional(transaction, response, now)
        elif status < 300:
            self._answered(transaction, response, now)
        elif transaction is self._invite:
            self._refused(transaction, response, now)

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """The INVITE, or a request within the dialog, got no final response."""
        if transaction.kind == "invite":
            if transaction is self._invite:
                text, cause = ("No answer", None) if status == 408 else ("Transport error", 38)
                self._end(status, text, cause, "them", now)
                self._release()
        elif transaction.kind == "prack":
            if self.state == "early" and transaction.context is self.dialog:
                self._give_up(now)
                self._end(status, "PRACK not answered", None, "them", now)
        else:
            super().on_failure(transaction, status, now)

    def _provisional(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        if not self._proceeding:
            self._proceeding = True
            if self.state == "ended":
                self._send_cancel(now)
        tag = response.to.tag
        if response.status == 100 or self.state not in ("calling", "early") or tag is None:
            if response.status > 100 and self.state == "calling":
                # A ringing without tag is of RFC 2543: there is no dialog, but it rings.
                self._emit(SessionProgress(self, response.status, response.body or None, "", False))
            return
        if tag not in self._early and len(self._early) >= MOST_BRANCHES:
            return
        dialog = self._early_dialog(tag, transaction, response)
        self.state = "early"
        reliable = response.rseq is not None and "100rel" in response.require
        if reliable and not self._take_reliable(dialog, tag, response, now):
            return
        body = response.body or None
        if body is not None:
            self._early_bodies[tag] = body
            self.remote_sdp = body
        self._emit(SessionProgress(self, response.status, body, tag, reliable))

    def _early_dialog(self, tag: str, transaction: ClientTransaction, response: Response) -> Dialog:
        dialog = self._early.get(tag)
        if dialog is None:
            assert transaction.flow is not None and self.request is not None
            dialog = Dialog.of_response(response, transaction.flow, self.request.uri)
            self._early[tag] = dialog
            self.layer.dialogs[dialog.key] = self
            self.dialog = dialog
        elif response.contacts:
            dialog.refresh(response)
        self._learn_allow(response)
        return dialog

    def _take_reliable(self, dialog: Dialog, tag: str, response: Response, now: Instant) -> bool:
        """PRACK for a reliable provisional response; False for a repetition or one out of order (RFC 3262 4)."""
        number = response.rseq or 0
        last = self._rseqs.get(tag)
        if last is not None and number != last + 1:
            return False
        self._rseqs[tag] = number
        rack = f"{number} {response.cseq}"
        if self._offerless and response.body:
            self._waiting_prack = (dialog, rack)
            self._settled_tags += (tag,)
            return True
        if response.body:
            self._settled_tags += (tag,)
        self._prack(dialog, rack, None, now)
        return True

    def _prack(self, dialog: Dialog, rack: str, sdp: bytes | None, now: Instant) -> None:
        self._ask("prack", "PRACK", now, body=sdp, headers=(("RAck", rack),), dialog=dialog)

    def _pracked(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        if response.status in (401, 407):
            self._again(transaction, response, now)
        elif response.status >= 200:
            self._offer_idle(now)

    def _early_media_settled(self) -> bool:
        return self.dialog is not None and self.dialog.remote_tag in self._settled_tags and self._waiting_prack is None

    def _answered(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        tag = response.to.tag or ""
        sent = self._acks.get(tag)
        if sent is not None:
            self.layer.out.append(sent)
            return
        if self.dialog is not None and self.state in ("answered", "confirmed") and tag == self.dialog.remote_tag:
            return
        if len(self._acks) >= MOST_BRANCHES:
            return
        if transaction is not self._invite or self.state not in ("calling", "early"):
            self._surplus(transaction, response, tag, now)
            return
        try:
            dialog = self._confirmed_dialog(tag, transaction, response)
        except RemoteProtocolError:
            self._end(502, "The answer cannot be used", None, "them", now)
            self._release()
            return
        self._leave_fork(dialog, tag)
        self._early_done()
        self.request = transaction.request
        body = response.body or self._early_bodies.get(tag)
        self._early_bodies.clear()
        self.remote_sdp = body
        if self._offerless and response.body:
            self.state = "answered"
        else:
            self.state = "confirmed"
            self._send_ack(dialog, transaction.request, response.cseq.number, None, now)
        self._safely_learn_timer(response, now)
        self._emit(SessionAnswered(self, body))
        self._offer_idle(now)

    def _confirmed_dialog(self, tag: str, transaction: ClientTransaction, response: Response) -> Dialog:
        dialog = self._early.get(tag)
        if dialog is not None:
            dialog.confirm(response)
        else:
            assert transaction.flow is not None and self.request is not None
            dialog = Dialog.of_response(response, transaction.flow, self.request.uri)
            self.layer.dialogs[dialog.key] = self
        self._learn_allow(response)
        return dialog

    def _leave_fork(self, dialog: Dialog, tag: str) -> None:
        """The other branches of a fork are no dialogs any more: their 2xx, should one come, is surplus."""
        self.dialog = dialog
        for other, early in self._early.items():
            if other != tag:
                self.layer.dialogs.pop(early.key, None)
        self._early.clear()
        self._rseqs.clear()

    def _safely_learn_timer(self, response: Response, now: Instant) -> None:
        try:
            self._learn_timer(response, now)
        except RemoteProtocolError:
            self._stop_timer()

    def _surplus(self, transaction: ClientTransaction, response: Response, tag: str, now: Instant) -> None:
        """A 2xx that nobody wants: ACK, then BYE (RFC 3261 13.2.2.4). After CANCEL it is the only answer there is."""
        flow = transaction.flow
        assert flow is not None
        try:
            dialog = Dialog.of_response(response, flow, str(response.to.uri))
        except RemoteProtocolError:
            return
        self._send_ack(dialog, transaction.request or self.request, response.cseq.number, None, now)
        bye = dialog.request("BYE")
        bye.headers.values["User-Agent"] = [self.layer.user_agent]
        self._authorize(bye)
        self.layer.transactions.send(bye, dialog.hop, FAREWELL, "bye", now, None, self.advertise)
        if self._given_up:
            self._release()

    def _refused(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        status = response.status
        if self.state != "ended" and self._try_again(transaction, response, now):
            return
        if 300 <= status < 400 and self.state != "ended":
            self._emit(SessionRedirected(self, by_preference(response)))
        self._end(status, response.reason, safe_cause(response), "them", now)
        self._release()

    def _try_again(self, transaction: ClientTransaction, response: Response, now: Instant) -> bool:
        """Whether the INVITE goes out once more: with credentials, or with the session interval that is asked for."""
        status, request = response.status, transaction.request
        again: ClientTransaction | None = None
        if status in (401, 407):
            again = self._again(transaction, response, now)
        elif status == 422 and request is not None and transaction.tries < MAX_TRIES:
            try:
                self._min_se = min(max(self._min_se, response.min_se or 0), 86_400)
            except RemoteProtocolError:
                return False
            self._ask_for_timer(request)
            again = self._repeat(transaction, request, now)
        if again is None:
            return False
        self._forget_dialogs()
        self._early.clear()
        self.dialog = None
        self.state = "calling"
        self._proceeding = False
        self._invite = again
        self.request = again.request
        return True

    # -- a restart

    def _unanswered(self) -> bytes:
        invite = self._invite
        return invite.request.encode() if invite is not None and invite.request is not None else b""

    def resume_ringing(self, invite: Request, flow: Flow) -> None:
        """Takes up an INVITE of before a restart that the peer has begun to ring for: it can be cancelled."""
        self.request, self.flow = invite, flow
        self._invite = self.layer.transactions.resume(invite, flow, self, "invite")
        self._proceeding = True
        self.state = "early"

    # -- the ways it ends

    def _bye_came(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        if self.state not in ("calling", "early"):
            super()._bye_came(transaction, request, now)
            return
        # The callee answered, no copy of its 2xx came, and it hangs up for want of an ACK: nothing ends the INVITE now
        # but we.
        transaction.respond(self._reply(request, 200), now)
        self._give_up(now)
        self._end(200, "BYE", cause_of(request), "them", now)

    def _give_up(self, now: Instant) -> None:
        self._given_up = True
        if self._invite is None:
            self._release()
        elif self._proceeding:
            self._send_cancel(now)
        elif self._invite.state == "resolving":
            self._invite.abandon(now)
            self._release()

    def _send_cancel(self, now: Instant) -> None:
        invite = self._invite
        if self._cancel_sent or invite is None or invite.request is None or invite.flow is None:
            return
        self._cancel_sent = True
        cancel = make_cancel(self.layer, invite.request)
        add_headers(cancel.headers, list(self._cancel_headers))
        self.layer.transactions.send_cancel(cancel, invite, self, now)
        wait = self.layer.transactions.values.transaction
        self._cancel_alarm = self.layer.timers.set(now.mono + wait, "cancel_unanswered", self)

    def cancel_unanswered(self, now: Instant) -> None:
        """64*T1 after CANCEL without a final response: the INVITE counts as cancelled (RFC 3261 9.1)."""
        self._cancel_alarm = None
        if self._invite is not None:
            self._invite.abandon(now)
        self._release()

    def end_for_fault(self, now: Instant) -> None:
        """Cancels the call when it is not answered yet."""
        if self.state in ("calling", "early"):
            self._end(500, "Internal error", 41, "us", now)
            self._give_up(now)
        else:
            super().end_for_fault(now)

    def _early_done(self) -> None:
        self.layer.timers.cancel(self._forget_alarm)
        self._forget_alarm = None

    def _release(self) -> None:
        super()._release()
        self._early_done()
        self.layer.timers.cancel(self._cancel_alarm)
        self._cancel_alarm = None
        self._waiting_prack = None

    def dialog_of(self, remote_tag: str) -> Dialog:
        """The dialog of that branch."""
        return self._early.get(remote_tag) or super().dialog_of(remote_tag)

    def _forget_dialogs(self) -> None:
        super()._forget_dialogs()
        for dialog in self._early.values():
            self.layer.dialogs.pop(dialog.key, None)
