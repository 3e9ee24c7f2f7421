"""What the SIP endpoint reports, handed to the leg it is about; new calls begin here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from appliance.errors import CommandError
from appliance.exchange import keys
from appliance.exchange.activities import LegActivity
from appliance.exchange.attempt import Attempt
from appliance.exchange.call import Call
from appliance.exchange.causes import CANCELLED, HUNG_UP, INTERNAL, VANISHED, Ending, ending_of
from appliance.exchange.encryption import refusal
from appliance.exchange.identify import Caller, identify
from appliance.exchange.leg import Leg
from appliance.sip import events as sip
from appliance.site.dialplan import Emergency

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.context import Context
    from appliance.sip.session import Session


def info_digit(content_type: str, body: bytes) -> str:
    """The key of a DTMF INFO (application/dtmf-relay `Signal=5`, application/dtmf `5`); empty: none."""
    kind = content_type.split(";")[0].strip().lower()
    text = body.decode("ascii", "replace").strip()
    if kind == "application/dtmf-relay":
        for line in text.splitlines():
            name, _, value = line.partition("=")
            if name.strip().lower() == "signal":
                text = value.strip()
                break
        else:
            return ""
    elif kind != "application/dtmf":
        return ""
    digit = {"10": "*", "11": "#"}.get(text, text).upper()
    return digit if digit in keys.KEYS else ""


class SipEvents:
    """Reads the endpoint's events for the exchange."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._handlers: dict[type, Callable[..., None]] = {
            sip.IncomingSession: self._incoming,
            sip.IncomingRequest: self._request,
            sip.SessionProgress: self._progress,
            sip.SessionAnswered: self._answered,
            sip.SessionConfirmed: self._confirmed,
            sip.SessionOffer: self._offer,
            sip.SessionOfferAnswered: self._offer_answered,
            sip.SessionRefreshed: self._refreshed,
            sip.SessionInfo: self._info,
            sip.SessionRecordAsked: self._record_asked,
            sip.SessionRedirected: self._redirected,
            sip.SessionEnded: self._ended,
            sip.RegistrationChanged: self._registration,
            sip.RequestDone: self._request_done,
        }

    def call_of(self, event: object) -> Call | None:
        """The call an event is about, if it has one yet."""
        owner = getattr(getattr(event, "session", None), "owner", None)
        return owner.call if isinstance(owner, Leg) else None

    def handle(self, event: object) -> None:
        """Carries out one event. Those without a handler need none: the endpoint has done what is due."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    # --- beginnings --------------------------------------------------------------------------------------------------
    def _incoming(self, event: sip.IncomingSession) -> None:
        session, context = event.session, self.context
        try:
            caller = identify(context, session)
        except Exception:
            # There is no call yet that this could end: the INVITE must be answered here.
            session.terminate(context.now, INTERNAL.status)
            raise
        if caller is None:
            return
        # The call exists from here on: what its first step raises must end it, not leave it.
        if caller.trunk:
            call = self._begin(session, caller, "inbound")
            destination = context.plan.inbound(caller.trunk, caller.called)
            context.contain(call, lambda: self._enter(call, lambda: context.router.send(call.legs[0], destination)))
            return
        meaning = context.plan.lookup(caller.called)
        call = self._begin(session, caller, context.router.kind_of(meaning))
        call.emergency = isinstance(meaning, Emergency)
        follow = partial(context.router.follow, call.legs[0], meaning, caller.called)
        context.contain(call, lambda: self._enter(call, follow))

    def _enter(self, call: Call, go_on: Callable[[], None]) -> None:
        """The call goes its way, unless its caller's audio is encrypted, or is not, against the rule."""
        refused = refusal(call.legs[0])
        if refused is not None:
            call.end(refused)
        else:
            go_on()

    def _begin(self, session: Session, caller: Caller, kind: str) -> Call:
        call = Call(
            self.context,
            kind,
            caller.number,
            caller.called,
            caller_name=caller.name,
            trunk=caller.trunk,
            extension=caller.extension,
        )
        leg = Leg(
            self.context,
            call,
            "in",
            extension=caller.extension,
            trunk=caller.trunk,
            number=caller.number,
            name=caller.name,
            session=session,
        )
        call.origin = leg
        session.owner = leg
        session.advertise = self.context.trunks.advertised(caller.trunk)
        return call

    def _request(self, event: sip.IncomingRequest) -> None:
        if event.request.method == "REGISTER":
            self.context.phones.register(event.transaction, event.request, event.flow)
        else:
            self.context.endpoint.respond(event.transaction, event.request.reply(405), self.context.now)

    # --- a leg's course ----------------------------------------------------------------------------------------------
    def _progress(self, event: sip.SessionProgress) -> None:
        leg = event.session.owner
        if isinstance(leg, Leg) and isinstance(leg.offer, Attempt):
            leg.offer.branch_progress(leg, event.session, event.status, event.body)
            self.context.keeping.ringing(event.session)

    def _answered(self, event: sip.SessionAnswered) -> None:
        session, leg = event.session, event.session.owner
        if isinstance(leg, Leg) and isinstance(leg.offer, Attempt):
            leg.offer.branch_answered(leg, session, event.body)
        else:
            session.bye(self.context.now)
            return
        if session.owner is leg and leg.state == "answered":
            self.context.keeping.session(session)

    def _confirmed(self, event: sip.SessionConfirmed) -> None:
        leg = event.session.owner
        if isinstance(leg, Leg):
            if event.body and not leg.session_offered():
                leg.offer_answered(event.body)
            self.context.keeping.session(event.session)

    def _refreshed(self, event: sip.SessionRefreshed) -> None:
        if isinstance(event.session.owner, Leg):
            self.context.keeping.session(event.session)

    def _offer(self, event: sip.SessionOffer) -> None:
        leg = event.session.owner
        if isinstance(leg, Leg):
            leg.offered(event.body)
            self.context.keeping.session(event.session)
        else:
            event.session.refuse_offer(488, self.context.now)

    def _offer_answered(self, event: sip.SessionOfferAnswered) -> None:
        leg = event.session.owner
        if isinstance(leg, Leg) and event.body:
            leg.offer_answered(event.body)
            self.context.keeping.session(event.session)

    def _info(self, event: sip.SessionInfo) -> None:
        leg = event.session.owner
        digit = info_digit(event.content_type, event.body)
        if isinstance(leg, Leg) and digit:
            keys.heard(leg, digit, keys.INFO)

    def _record_asked(self, event: sip.SessionRecordAsked) -> None:
        leg, refusal = event.session.owner, "Only telephones of the house start and stop a recording."
        if isinstance(leg, Leg) and leg.extension:
            try:
                leg.call.recorder.from_phone(event.on, f"phone:{leg.extension}")
                refusal = ""
            except CommandError as error:
                refusal = str(error)
        event.session.answer_record(event.transaction, self.context.now, refusal)

    def _redirected(self, event: sip.SessionRedirected) -> None:
        leg = event.session.owner
        if isinstance(leg, Leg) and isinstance(leg.offer, Attempt):
            leg.offer.branch_redirected(leg, event.session, event.contacts)

    # --- ends --------------------------------------------------------------------------------------------------------
    def _ended(self, event: sip.SessionEnded) -> None:
        session = event.session
        self.context.keeping.session_gone(session)
        leg = session.owner
        session.owner = None
        if not isinstance(leg, Leg):
            return
        if isinstance(leg.offer, Attempt):
            leg.offer.branch_ended(leg, session, ending_of(event.status, event.cause), event.status)
            return
        call = leg.call
        ending = self._ending(leg, event)
        leg.ended(ending, event.by, 0 if leg.answered_at else event.status)
        call.leg_gone(leg, ending)

    def _ending(self, leg: Leg, event: sip.SessionEnded) -> Ending:
        """What the end of a party's session means for its call."""
        activity = leg.activity
        if event.status in (408, 481, 503, 504):
            return VANISHED
        if isinstance(activity, LegActivity) and activity.left is not None:
            return activity.left
        return HUNG_UP if leg.answered_at else CANCELLED

    # --- trunks ------------------------------------------------------------------------------------------------------
    def _registration(self, event: sip.RegistrationChanged) -> None:
        self.context.trunks.registration_changed(event.registration, event.state, event.status, event.reason)

    def _request_done(self, event: sip.RequestDone) -> None:
        self.context.trunks.request_done(event.id, event.status)
