"""Changing the media of a session: re-INVITE (RFC 3261 14) and UPDATE (RFC 3311), both ways, one exchange at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.client_transaction import ClientTransaction
from appliance.sip.dialog import Dialog
from appliance.sip.events import (
    SessionOffer,
    SessionOfferAnswered,
    SessionOfferRefused,
    SessionOfferWithdrawn,
    SessionRefreshed,
)
from appliance.sip.header import parse_tokens
from appliance.sip.message import Request, Response
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.session_base import HeaderList
from appliance.sip.session_layer import ALLOW, SDP, SUPPORTED, set_body
from appliance.sip.session_refresh import RefreshedSession

if TYPE_CHECKING:
    from appliance.sip.session import Session


class OfferingSession(RefreshedSession):
    """A session whose media may change."""

    __slots__ = ()

    # -- our offers

    def offer(self, sdp: bytes, now: Instant) -> None:
        """Offers other media: re-INVITE, or UPDATE while the call is early.

        While another exchange is under way the newest offer waits for its end. The outcome is SessionOfferAnswered or
        SessionOfferRefused; a glare (491) is tried again by itself.
        """
        if not self._may("offer"):
            return
        if self._offer_busy():
            self._idle_offer = sdp
            return
        self._send_offer(sdp, now)

    def _offer_busy(self) -> bool:
        """Whether an offer/answer exchange is open in either direction, or our 2xx is not acknowledged."""
        if self._offer_sent is not None or self._remote_offer is not None or self._ack_transaction is not None:
            return True
        if self._offer_alarm is not None or self.state == "answered":
            return True
        return self.state == "early" and not self._early_media_settled()

    def _early_media_settled(self) -> bool:
        """Whether the first offer was answered reliably before the call was: then UPDATE may offer (RFC 3311 5.1)."""
        return False

    def _offer_idle(self, now: Instant) -> None:
        """An exchange is over: the one that waits may begin."""
        if self._idle_offer is None or self.state == "ended" or self._offer_busy():
            return
        sdp, self._idle_offer = self._idle_offer, None
        self._send_offer(sdp, now)

    def _send_offer(self, sdp: bytes, now: Instant, kind: str = "offer") -> None:
        method = "INVITE" if self.state == "confirmed" else "UPDATE"
        if method == "UPDATE" and "UPDATE" not in self.peer_allows:
            self._idle_offer = sdp
            return
        self._send_change(method, kind, sdp, now)

    def _send_change(self, method: str, kind: str, sdp: bytes | None, now: Instant) -> None:
        dialog = self.dialog
        assert dialog is not None
        request = dialog.request(method)
        values = request.headers.values
        values["Allow"] = [ALLOW]
        values["Supported"] = ["timer"]
        values["User-Agent"] = [self.layer.user_agent]
        self._ask_for_timer(request)
        set_body(request, sdp)
        self._authorize(request)
        self._offer_sent = transaction = self.layer.transactions.send(
            request, dialog.hop, self, kind, now, self.contact_user, self.advertise
        )
        transaction.context = dialog

    def _refresh(self, now: Instant) -> bool:
        if self._offer_busy():
            return False
        if "UPDATE" in self.peer_allows:
            self._send_change("UPDATE", "refresh", None, now)
        else:
            self._send_change("INVITE", "refresh", self.local_sdp, now)
        return True

    def _offer_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """A response to our re-INVITE or UPDATE."""
        status = response.status
        request = transaction.request
        if status < 200:
            return
        if transaction is not self._offer_sent:
            if transaction.method == "INVITE" and status < 300:
                self._acknowledge_change(transaction, response, now)
            return
        if status in (401, 407):
            self._offer_sent = self._again(transaction, response, now)
            if self._offer_sent is not None:
                return
        elif status == 422 and request is not None and transaction.tries < 3:
            self._min_se = max(self._min_se, response.min_se or 0)
            request.headers.set("Min-SE", str(self._min_se))
            request.headers.set("Session-Expires", f"{max(self._min_se, self.interval)};refresher=uac")
            self._offer_sent = self._repeat(transaction, request, now)
            return
        self._offer_sent = None
        if status < 300:
            self._offer_accepted(transaction, response, now)
        elif status == 491 or (
            status == 500 and (response.retry_after or 0) <= 10 and response.retry_after is not None
        ):
            self._offer_later(transaction, response, now)
        elif status in (408, 481):
            # RFC 3261 12.2.1.2: the dialog does not exist any more, or its peer does not.
            self.hang_up(now)
            self._end(status, response.reason, None, "them", now)
        else:
            if transaction.kind == "offer":
                self._emit(SessionOfferRefused(cast("Session", self), status))
            self._offer_idle(now)

    def _offer_accepted(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        request, dialog = transaction.request, cast(Dialog, transaction.context)
        if request is not None and request.body:
            self.local_sdp = request.body
        body = response.body or None
        if body is not None:
            self.remote_sdp = body
        if transaction.method == "INVITE":
            self._acknowledge_change(transaction, response, now)
        try:
            dialog.refresh(response)
            self._learn_timer(response, now)
        except RemoteProtocolError:
            # An answer with a header that cannot be read still is an answer: target and timer stay as they were.
            pass
        if transaction.kind == "offer":
            self._emit(SessionOfferAnswered(cast("Session", self), body))
        else:
            self._emit(SessionRefreshed(cast("Session", self)))
        self._offer_idle(now)

    def _acknowledge_change(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """ACK for a 2xx to re-INVITE, the same again for its repetition."""
        dialog = cast(Dialog, transaction.context)
        name = f"re {transaction.branch}"
        sent = self._acks.get(name)
        if sent is not None:
            self._emit(sent)
            return
        for old in [key for key in self._acks if key.startswith("re ")]:
            del self._acks[old]
        self._send_ack(dialog, transaction.request, response.cseq.number, None, now, name)

    def acknowledge_stray(self, response: Response, now: Instant) -> bool:
        """A 2xx to an INVITE of which nothing is known here any more: the process before this one sent it, and its ACK
        was lost or never sent. Without one the peer would end the call after 32 s. False: it is none of ours."""
        dialog = self.dialog
        if dialog is None or response.cseq.number > dialog.local_seq:
            return False
        self._send_ack(dialog, None, response.cseq.number, None, now, "stray")
        return True

    def _offer_later(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """Glare: the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s (RFC 3261 14.1)."""
        low, high = (2.1, 4.0) if self.direction == "out" else (0.0, 2.0)
        wait = round(self.layer.dice(low, high), 2)
        if response.status == 500:
            wait = float(response.retry_after or 0)
        if transaction.kind == "refresh":
            self.layer.timers.cancel(self._refresh_alarm)
            self._refresh_alarm = self.layer.timers.set(now.mono + wait, "session_refresh", self)
            self._offer_idle(now)
            return
        request = transaction.request
        if self._idle_offer is None and request is not None:
            self._idle_offer = request.body
        self._offer_alarm = self.layer.timers.set(now.mono + wait, "offer_again", self)

    def offer_again(self, now: Instant) -> None:
        """The wait after a glare is over."""
        self._offer_alarm = None
        self._offer_idle(now)

    def _offer_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """Our re-INVITE or UPDATE got no answer."""
        if transaction is not self._offer_sent:
            return
        self._offer_sent = None
        self.hang_up(now)
        self._end(status, "No answer within the dialog", None, "them", now)

    # -- their offers

    def _change_asked(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: Instant) -> None:
        """A re-INVITE or UPDATE came."""
        kind = request.content_type
        if request.body and kind is not None and kind.name != SDP:
            response = self._reply(request, 415)
            response.headers.values["Accept"] = [SDP]
            transaction.respond(response, now)
            return
        if self._refuse_overlap(transaction, request, now):
            return
        if self._too_brief(request):
            response = self._reply(request, 422)
            response.headers.values["Min-SE"] = [str(self.layer.policy.minimum)]
            transaction.respond(response, now)
            return
        dialog.refresh(request, transaction.flow)
        self._learn_allow(request)
        body = request.body or None
        self._remote_offer = transaction
        transaction.user = self
        if body is None and request.method == "UPDATE":
            self._accept(None, now)
            self._emit(SessionRefreshed(cast("Session", self)))
        elif body is not None and body == self.remote_sdp and self.local_sdp is not None:
            # Word for word what we agreed on (a refresh by re-INVITE): the answer cannot differ either.
            self._accept(self.local_sdp, now)
            self._emit(SessionRefreshed(cast("Session", self)))
        else:
            if request.method == "INVITE":
                self._trying_alarm = self.layer.timers.set(now.mono + 0.2, "still_trying", self)
            self._emit(SessionOffer(cast("Session", self), body))

    def _refuse_overlap(self, transaction: ServerTransaction, request: Request, now: Instant) -> bool:
        """One exchange at a time (RFC 3261 14.2, RFC 3311 5.2, RFC 5407 3.1.4)."""
        early = self.state in ("incoming", "early", "calling") and not self._early_media_settled()
        if request.method == "UPDATE" and not request.body:
            return False
        if self._remote_offer is not None or (early and self.direction == "in"):
            response = self._reply(request, 500)
            response.headers.values["Retry-After"] = [str(int(self.layer.dice(0, 10)))]
        elif self._offer_sent is not None or self._ack_transaction is not None or early or self.state == "answered":
            response = self._reply(request, 491)
        else:
            return False
        transaction.respond(response, now)
        return True

    def still_trying(self, now: Instant) -> None:
        """A re-INVITE waits for its answer: 100 stops its repetition (RFC 3261 17.2.1)."""
        self._trying_alarm = None
        offer = self._remote_offer
        if offer is not None and offer.request is not None:
            offer.respond(offer.request.reply(100), now)

    def accept_offer(self, sdp: bytes, now: Instant) -> None:
        """Answers SessionOffer: with our answer, or with our offer when theirs had no body."""
        if self._may("accept_offer"):
            self._accept(sdp, now)

    def refuse_offer(self, status: int, now: Instant, headers: HeaderList = ()) -> None:
        """Refuses SessionOffer (488 as a rule): the media stay as they were."""
        if not self._may("refuse_offer"):
            return
        transaction = self._take_offer()
        if transaction is not None and transaction.request is not None:
            response = self._reply(transaction.request, status)
            for name, value in headers:
                response.headers.add(name, value)
            transaction.respond(response, now)
        self._offer_idle(now)

    def _take_offer(self) -> ServerTransaction | None:
        transaction, self._remote_offer = self._remote_offer, None
        self.layer.timers.cancel(self._trying_alarm)
        self._trying_alarm = None
        return transaction

    def _accept(self, sdp: bytes | None, now: Instant) -> None:
        transaction = self._take_offer()
        if transaction is None or transaction.request is None:
            return
        request = transaction.request
        response = self._reply(request, 200)
        values = response.headers.values
        values["Contact"] = [self._contact(transaction.flow)]
        values["Allow"] = [ALLOW]
        values["Supported"] = [SUPPORTED]
        if request.body:
            self.remote_sdp = request.body
        if sdp:
            self.local_sdp = sdp
        set_body(response, sdp)
        if self.state in ("answered", "confirmed"):
            self._agree_timer(request, response, now)
        if request.method == "INVITE":
            self._send_ok(transaction, response, request.cseq.number, not request.body, now)
        else:
            transaction.respond(response, now)
            self._offer_idle(now)

    def offer_cancelled(self, transaction: ServerTransaction, now: Instant) -> None:
        """CANCEL of a re-INVITE that is not answered yet."""
        if transaction is self._remote_offer and transaction.request is not None:
            self._take_offer()
            transaction.respond(self._reply(transaction.request, 487), now)
            self._emit(SessionOfferWithdrawn(cast("Session", self)))
            self._offer_idle(now)

    # -- our 2xx to an INVITE, and its ACK

    def _send_ok(
        self, transaction: ServerTransaction, response: Response, cseq: int, offered: bool, now: Instant
    ) -> None:
        """Sends a 2xx to INVITE and repeats it until its ACK comes, over any transport (RFC 3261 13.3.1.4)."""
        timers, values = self.layer.timers, self.layer.transactions.values
        transaction.user = self
        self._ack_transaction = transaction
        self._ack_cseq = cseq
        self._ack_offered = offered
        self._ack_interval = values.t1
        self._ack_alarm = timers.set(now.mono + values.t1, "repeat_ok", self)
        self._ack_limit = timers.set(now.mono + values.transaction, "no_ack", self)
        transaction.respond(response, now)

    def repeat_ok(self, now: Instant) -> None:
        """No ACK yet: the 2xx once more."""
        if self._ack_transaction is None:
            return
        self.layer.timers.cancel(self._ack_alarm)
        values = self.layer.transactions.values
        self._ack_interval = min(self._ack_interval * 2, values.t2)
        self._ack_alarm = self.layer.timers.set(now.mono + self._ack_interval, "repeat_ok", self)
        self._ack_transaction.repeat()

    def no_ack(self, now: Instant) -> None:
        """64*T1 without ACK: the dialog counts as confirmed, but the session ends with BYE (RFC 3261 13.3.1.4)."""
        self._cancel_ack_alarms()
        self._ack_transaction = None
        self.hang_up(now)
        self._end(408, "No ACK", 102, "them", now)

    def _take_ack(self, request: Request) -> bool:
        """Whether this is the ACK that we wait for; then the repetition ends."""
        if self._ack_transaction is None or request.cseq.number != self._ack_cseq:
            return False
        self._cancel_ack_alarms()
        self._ack_transaction.user = None
        self._ack_transaction.last = b""
        self._ack_transaction = None
        return True

    def _learn_allow(self, message: Request | Response) -> None:
        values = message.headers.values.get("Allow")
        if values is not None:
            text = values[0] if len(values) == 1 else ",".join(values)
            self.peer_allows = _methods(text) if len(text) < 400 else frozenset(message.allow)


@lru_cache(maxsize=128)
def _methods(allow: str) -> frozenset[str]:
    """The methods of an Allow header: phones of one make all say the same."""
    return frozenset(parse_tokens(allow))
