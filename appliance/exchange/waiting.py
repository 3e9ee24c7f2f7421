"""A caller in a queue: hears music and positions; carries out what the call centre decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.center.decisions import AnnouncePosition, Decision, Offer, Redirect, WithdrawOffer
from appliance.exchange.activities import LegActivity
from appliance.exchange.attempt import Attempt, Target
from appliance.exchange.causes import ABANDONED
from appliance.exchange.codecs import codecs_for_peer
from appliance.exchange.leg import Leg

if TYPE_CHECKING:
    from appliance.exchange.causes import Ending
    from appliance.exchange.context import Deferred
    from appliance.sip.header import NameAddr
    from appliance.site.model import Queue

_OUTCOMES = {"busy": "busy", "rejected": "rejected", "no-answer": "no-answer"}


class Waiting(LegActivity):
    """The caller's side of a queue. `center` holds the place in the queue; this leg hears what it is like."""

    name = "queue"
    left = ABANDONED

    def __init__(self, leg: Leg, queue: Queue) -> None:
        super().__init__(leg)
        self.queue = queue
        self.offers: dict[str, Attempt] = {}
        """Agent -> the attempt to reach him."""
        self._in_queue = False
        self._too_long: Deferred | None = None

    def start(self) -> None:
        if not self.answer():
            return
        call = self.call
        call.queue, call.agent = self.queue.id, ""
        call.rule = self.queue.record
        call.queued = self.context.now.wall
        self._in_queue = True
        self.leg.music()
        if self.queue.loudspeaker_seconds:
            self._too_long = self.context.after(
                self.queue.loudspeaker_seconds, call, lambda: self.context.sound.waits_too_long(call, self.queue)
            )
        self.context.center.enter(call.id, self.queue.id, 0, self.context.now, self.leg.extension)

    def played(self) -> None:
        """The announcement is through."""
        self.leg.music()

    def stop(self) -> None:
        """The caller hung up or goes elsewhere."""
        for attempt in self.offers.values():
            attempt.cancel()
        self.offers.clear()
        self._wait_over()
        if self._in_queue:
            self._in_queue = False
            self.context.center.leave(self.call.id, self.context.now, abandoned=not self.call.ended)

    def _wait_over(self) -> None:
        if self._too_long is not None:
            self._too_long.cancel()
            self._too_long = None
            self.context.sound.waits_no_more(self.call)

    # --- decisions ---------------------------------------------------------------------------------------------------
    def decided(self, decision: Decision) -> None:
        """Carries out one decision of the call centre about this caller."""
        if isinstance(decision, Offer):
            self._offer(decision)
        elif isinstance(decision, WithdrawOffer):
            attempt = self.offers.pop(decision.agent, None)
            if attempt is not None:
                attempt.cancel()
        elif isinstance(decision, AnnouncePosition):
            files = self.context.voice.position(decision.position, self.call.language)
            if files:
                self.leg.play(files)
        elif isinstance(decision, Redirect):
            self._in_queue = False
            self.context.router.send(self.leg, decision.destination)

    def _offer(self, offer: Offer) -> None:
        target = Target(extension=offer.extension, queue_offer=True)
        ringing = OfferRinging(self, offer)
        # The centre withdraws the offer when its time is up; the attempt's own limit is only a net below it.
        ringing.attempt = Attempt(
            self.context, self.call, ringing, (target,), codecs_for_peer(self.leg), offer.ring_seconds + 5.0
        )
        self.offers[offer.agent] = ringing.attempt

    def offer_answered(self, offer: Offer, leg: Leg) -> None:
        """The agent took the call, unless it was no longer his to take."""
        self.offers.pop(offer.agent, None)
        if not self.context.center.offer_answered(self.call.id, offer.agent, self.context.now):
            self.call.discard(leg)
            return
        self._in_queue = False
        leg.queue_offer = False
        leg.serving = True
        leg.agent = offer.agent
        self.call.agent = offer.agent
        for attempt in self.offers.values():
            attempt.cancel()
        self.offers.clear()
        self._wait_over()
        self.call.connect(self.leg, leg)
        leg.phone_changed()

    def offer_failed(self, offer: Offer, ending: Ending) -> None:
        """The agent cannot or does not want to take it."""
        if self.offers.pop(offer.agent, None) is not None:
            outcome = _OUTCOMES.get(ending.reason, "unreachable")
            self.context.center.offer_failed(self.call.id, offer.agent, outcome, self.context.now)


class OfferRinging:
    """One agent's phone rings for one waiting caller (a `Ringer`)."""

    def __init__(self, waiting: Waiting, offer: Offer) -> None:
        self.waiting = waiting
        self.offer = offer
        self.attempt: Attempt | None = None

    def attempt_ringing(self, leg: Leg) -> None:
        """The caller goes on hearing music."""

    def attempt_early(self, leg: Leg) -> None:
        """A phone's early media is not for the caller."""

    def attempt_lost(self, leg: Leg) -> None:
        """There is one leg only: the attempt fails next."""

    def attempt_answered(self, leg: Leg) -> None:
        self.waiting.offer_answered(self.offer, leg)

    def attempt_failed(self, ending: Ending) -> None:
        self.waiting.offer_failed(self.offer, ending)

    def attempt_redirected(self, leg: Leg, contacts: list[NameAddr]) -> bool:
        """A queue's caller does not follow an agent's forwarding: it counts as a refusal, the next agent is asked."""
        return False
