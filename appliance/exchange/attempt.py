"""An attempt to reach somebody: legs that ring at once, the first to answer wins.

Covers an extension with several contacts (one leg, several branches), a ring group (several legs), a trunk with its
fail-over (legs one after the other) and the offer of a queue (one leg).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from appliance.exchange.causes import (
    BUSY,
    CANCELLED,
    FAILED,
    LOOP,
    NO_ANSWER,
    NO_CHANNEL,
    NO_ENCRYPTION,
    NOT_REGISTERED,
    TRUNK_DOWN,
    UNREACHABLE,
    Ending,
    ending_of,
)
from appliance.exchange.encryption import possible
from appliance.exchange.leg import Leg
from appliance.exchange.parties import hop_of, party
from appliance.exchange.phones import in_browser
from appliance.sip.offer_answer import make_offer
from appliance.sip.sdp import Payload

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context, Deferred
    from appliance.sip.header import NameAddr
    from appliance.sip.session import Session

TRUNK_SILENCE_SECONDS = 5.0
"""Without any answer from a trunk for this long the next one is tried, where there is one."""

_RANK = {
    BUSY.reason: 5,
    "rejected": 4,
    "no-codec": 3,
    NO_ENCRYPTION.reason: 3,
    NO_ANSWER.reason: 2,
    NOT_REGISTERED.reason: 0,
    TRUNK_DOWN.reason: 0,
}


class Target(msgspec.Struct, frozen=True):
    """Somebody to ring: an extension, or a number through trunks in order of preference."""

    extension: str = ""
    number: str = ""
    trunks: tuple[str, ...] = ()
    emergency: bool = False
    plain_on: str = ""
    """A trunk that refused an emergency call whose audio was to be encrypted: it is asked again for a plain one."""
    queue_offer: bool = False


class Ringer(Protocol):
    """Who started an attempt."""

    def attempt_ringing(self, leg: Leg) -> None:
        """A phone rings (told for each leg)."""

    def attempt_early(self, leg: Leg) -> None:
        """The leg sends early media that can be heard."""

    def attempt_lost(self, leg: Leg) -> None:
        """One of the legs failed (it is not ended yet); others ring on, or are about to."""

    def attempt_answered(self, leg: Leg) -> None:
        """The leg answered; all others are ended."""

    def attempt_failed(self, ending: Ending) -> None:
        """Nobody can be reached any more; every leg is gone."""

    def attempt_redirected(self, leg: Leg, contacts: list[NameAddr]) -> bool:
        """The phone sends its callers elsewhere (3xx); True when somebody else takes over."""


def hops_left(call: Call) -> int:
    """Max-Forwards for calls made on behalf of this one: one less than it came with."""
    session = call.origin.session if call.origin is not None else None
    if session is None or session.direction != "in" or session.request is None:
        return 70
    came_with = session.request.max_forwards
    return 70 if came_with is None else min(came_with - 1, 70)


class Attempt:
    """Rings its targets until one answers, all have failed, time is up or it is cancelled."""

    def __init__(
        self,
        context: Context,
        call: Call,
        ringer: Ringer,
        targets: tuple[Target, ...],
        codecs: tuple[Payload, ...],
        seconds: float,
    ) -> None:
        self.context = context
        self.call = call
        self.ringer: Ringer | None = ringer
        self.codecs = codecs
        self.legs: list[Leg] = []
        self._trunks_left: dict[Leg, tuple[Target, tuple[str, ...]]] = {}
        self._silence: dict[Leg, Deferred] = {}
        self._worst: Ending | None = None
        self._hops_left = hops_left(call)
        if self._hops_left <= 0:
            self._note(LOOP)
            targets = ()
        for target in targets:
            self._ring(target)
        self._alarm = context.after(seconds, call, self._time_up)
        if not self.legs:
            # Told in the drain, after whoever makes the attempt holds it.
            self._alarm.cancel()
            self._alarm = context.after(0, call, lambda: self._fail())

    def add(self, target: Target) -> bool:
        """Rings somebody in the place of a phone that forwards; False: it rings already, or cannot be rung."""
        before = len(self.legs)
        if self.ringer is not None and not any(
            target.extension and leg.extension == target.extension for leg in self.legs
        ):
            self._ring(target)
        return len(self.legs) > before

    # --- starting legs -----------------------------------------------------------------------------------------------
    def _ring(self, target: Target) -> None:
        if target.extension:
            self._ring_extension(target)
        else:
            self._ring_trunk(target, self.context.trunks.in_order(target.trunks, emergency=target.emergency))

    def _ring_extension(self, target: Target) -> None:
        extension = target.extension
        bindings = self.context.phones.bindings(extension)
        if not bindings:
            self._note(NOT_REGISTERED)
            return
        if not possible(self.context, extension, "", self.call.emergency):
            self._note(NO_ENCRYPTION)
            return
        leg = Leg(
            self.context,
            self.call,
            "out",
            extension=extension,
            number=extension,
            name=self.context.phones.name(extension),
            queue_offer=target.queue_offer,
        )
        self._start_leg(leg)
        caller = self.call.caller
        for binding in bindings:
            host = binding.flow.local[0] if binding.flow is not None else self.context.own_address
            browser = in_browser(binding.user_agent, binding.flow)
            if not leg.open(host, self.codecs, browser=browser) or leg.local is None:
                leg.ended(NO_CHANNEL, "us")
                self._forget(leg)
                self._note(NO_CHANNEL)
                return
            leg.body = make_offer(leg.local)
            branch = self.context.endpoint.invite(
                binding.flow or hop_of(binding.uri),
                uri=binding.uri,
                from_=party(caller, host, self.call.caller_name),
                to=party(extension, host),
                body=leg.body,
                now=self.context.now,
                headers=[("Route", path) for path in binding.path],
                contact_user=extension,
                advertise=self.context.advertise,
                max_forwards=self._hops_left,
                owner=leg,
            )
            leg.branches.append(branch)
            leg.branch_locals[branch] = leg.local

    def _ring_trunk(self, target: Target, trunks: tuple[str, ...]) -> None:
        """Calls the number over the first of these trunks that can be used now."""
        context = self.context
        for index, trunk_id in enumerate(trunks):
            trunk = context.trunks.usable(trunk_id, emergency=target.emergency)
            if trunk is None:
                self._note(NO_CHANNEL if context.trunks.there(trunk_id) else TRUNK_DOWN)
                continue
            if not possible(context, "", trunk_id, self.call.emergency):
                self._note(NO_ENCRYPTION)
                continue
            leg = Leg(context, self.call, "out", trunk=trunk_id, number=target.number)
            plain = trunk_id == target.plain_on
            if not leg.open(trunk.flow.local[0], self.codecs, plain=plain) or leg.local is None:
                leg.ended(NO_CHANNEL, "us")
                self._note(NO_CHANNEL)
                continue
            self._start_leg(leg)
            self._trunks_left[leg] = (target, trunks[index + 1 :])
            leg.body = make_offer(leg.local)
            host = trunk.config.host
            leg.branches.append(
                context.endpoint.invite(
                    trunk.flow,
                    uri=trunk.uri(target.number),
                    from_=party(trunk.caller_number(self.call), trunk.domain, self.call.caller_name),
                    to=party(target.number, host),
                    body=leg.body,
                    now=context.now,
                    contact_user=trunk.config.username or trunk.config.id,
                    credentials=trunk.credentials,
                    advertise=context.trunks.advertised(trunk_id),
                    max_forwards=self._hops_left,
                    owner=leg,
                )
            )
            if trunks[index + 1 :]:
                self._silence[leg] = context.after(TRUNK_SILENCE_SECONDS, self.call, partial(self._silent, leg))
            return

    def _start_leg(self, leg: Leg) -> None:
        leg.offer = self
        self.legs.append(leg)

    def _forget(self, leg: Leg) -> None:
        leg.offer = None
        if leg in self.legs:
            self.legs.remove(leg)
        alarm = self._silence.pop(leg, None)
        if alarm is not None:
            alarm.cancel()

    def _note(self, ending: Ending) -> None:
        if self._worst is None or _RANK.get(ending.reason, 1) >= _RANK.get(self._worst.reason, 1):
            self._worst = ending

    # --- what the branches report ------------------------------------------------------------------------------------
    def branch_progress(self, leg: Leg, session: Session, status: int, body: bytes | None) -> None:
        """A provisional response above 100."""
        alarm = self._silence.pop(leg, None)
        if alarm is not None:
            alarm.cancel()
        if leg.trunk:
            self.context.trunks.seen(leg.trunk)
        ringer = self.ringer
        if ringer is None:
            return
        if status in (180, 181, 182) or not body:
            leg.mark_ringing()
            ringer.attempt_ringing(leg)
        if body and leg.trunk and leg.progress(session, body):
            ringer.attempt_early(leg)

    def branch_answered(self, leg: Leg, session: Session, body: bytes | None) -> None:
        """A 2xx: the leg wins, everybody else stops ringing."""
        if leg.trunk:
            self.context.trunks.seen(leg.trunk)
        ringer = self.ringer
        if ringer is None or leg not in self.legs:
            session.owner = None
            session.bye(self.context.now)
            return
        if not leg.answered(session, body):
            session.owner = None
            session.bye(self.context.now)
            self._leg_failed(leg, ending_of(488), 488)
            return
        self._forget(leg)
        self.cancel(CANCELLED)
        ringer.attempt_answered(leg)

    def branch_ended(self, leg: Leg, session: Session, ending: Ending, status: int) -> None:
        """A branch is over without an answer."""
        if session in leg.branches:
            leg.branches.remove(session)
        if leg.session is session:
            leg.session = None
        if leg.trunk and not leg.ringing and (ending is UNREACHABLE or ending.cause == TRUNK_DOWN.cause):
            # Nobody at the other end of the trunk has said anything, or the network says that nobody is there.
            if ending is not UNREACHABLE:
                self.context.trunks.missing(leg.trunk)
            ending = TRUNK_DOWN
        elif status == 488 and leg.local is not None and leg.local.offers:
            # Nothing but encryption was offered.
            ending = NO_ENCRYPTION
        self._note(ending)
        if leg.branches or leg not in self.legs:
            return
        self._leg_failed(leg, ending, status)

    def branch_redirected(self, leg: Leg, session: Session, contacts: list[NameAddr]) -> bool:
        """A 3xx. True when the call goes elsewhere now; the branch ends in any case."""
        ringer = self.ringer
        return ringer is not None and leg in self.legs and ringer.attempt_redirected(leg, contacts)

    def _leg_failed(self, leg: Leg, ending: Ending, status: int) -> None:
        self._forget(leg)
        self._note(ending)
        if self.ringer is not None:
            self.ringer.attempt_lost(leg)
        leg.ended(ending, "them", status)
        target, trunks = self._trunks_left.pop(leg, (None, ()))
        # Some carriers refuse emergency numbers, with a status of their choice: such a call tries all.
        if target is not None and (target.emergency or status in (0, 403, 408) or 500 <= status < 600):
            if target.emergency and leg.local is not None and leg.local.offers and status not in (0, 408):
                target, trunks = msgspec.structs.replace(target, plain_on=leg.trunk), (leg.trunk, *trunks)
            self._ring_trunk(target, trunks)
        if not self.legs:
            self._fail()

    def _silent(self, leg: Leg) -> None:
        self._silence.pop(leg, None)
        if leg in self.legs:
            leg.cancel_branches()
            self._leg_failed(leg, TRUNK_DOWN, 408)

    # --- the end -----------------------------------------------------------------------------------------------------
    def _time_up(self) -> None:
        self._note(NO_ANSWER)
        self._worst = NO_ANSWER
        self._fail()

    def _fail(self) -> None:
        ringer, worst = self.ringer, self._worst or FAILED
        self.cancel(worst)
        if ringer is not None:
            ringer.attempt_failed(worst)

    def cancel(self, ending: Ending = CANCELLED) -> None:
        """Stops ringing everybody; the ringer hears no more of this attempt."""
        self.ringer = None
        self._alarm.cancel()
        for leg in list(self.legs):
            self._forget(leg)
            leg.hang_up(ending)

    def release(self, leg: Leg) -> None:
        """Takes one leg out without ending it (a redirected phone keeps its own branch's end)."""
        self._forget(leg)
