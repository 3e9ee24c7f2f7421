"""A caller waits while one or more parties are rung; then they talk, or the caller hears why not."""

from __future__ import annotations

from appliance.exchange.activities import Farewell, LegActivity
from appliance.exchange.attempt import Attempt, Target
from appliance.exchange.call import MAX_HOPS
from appliance.exchange.causes import Ending
from appliance.exchange.codecs import codecs_for_peer, following
from appliance.exchange.leg import Leg
from appliance.exchange.parties import number_of
from appliance.sip.header import NameAddr
from appliance.site.model import Destination

NO_ANSWER_SECONDS = 60.0
"""How long an extension rings."""
TRUNK_ANSWER_SECONDS = 180.0
"""How long a number outside rings: the carrier's own limit comes first."""


class Dialling(LegActivity):
    """Rings the targets for the caller `leg`."""

    name = "dialling"

    def __init__(self, leg: Leg, targets: tuple[Target, ...], seconds: float = 0.0) -> None:
        super().__init__(leg)
        self.targets = targets
        self.seconds = seconds or (TRUNK_ANSWER_SECONDS if any(one.trunks for one in targets) else NO_ANSWER_SECONDS)
        self.attempt: Attempt | None = None
        self._early: Leg | None = None

    def start(self) -> None:
        if self.leg.state == "answered":
            # Who is connected already must not sit in silence until a phone says that it rings; some never do.
            self._ringback()
        codecs = codecs_for_peer(self.leg)
        self.attempt = Attempt(self.context, self.call, self, self.targets, codecs, self.seconds)

    def _ringback(self) -> None:
        self.leg.play(self.context.tone("ringback"), loop=True)

    def stop(self) -> None:
        if self.attempt is not None:
            self.attempt.cancel()

    # --- Ringer ------------------------------------------------------------------------------------------------------
    def attempt_ringing(self, leg: Leg) -> None:
        """A caller who is not connected hears ringback from his own phone or exchange."""
        if self.leg.state != "answered":
            self.leg.ring()

    def attempt_lost(self, leg: Leg) -> None:
        """The early media that the caller heard are over, others still ring: ringback again."""
        if leg is self._early:
            self._early = None
            self._ringback()

    def attempt_early(self, leg: Leg) -> None:
        """The first trunk that sends early media is heard (its announcements may matter)."""
        if self._early is not None:
            return
        self._early = leg
        if self.leg.early(following(self.leg, leg.codec)):
            self.call.early_media(self.leg, leg)

    def attempt_answered(self, leg: Leg) -> None:
        """Connects the two."""
        self.attempt = None
        if not self.leg.answer(following(self.leg, leg.codec)):
            self.answer()
            return
        self.call.connect(self.leg, leg)

    def attempt_failed(self, ending: Ending) -> None:
        """Says why."""
        self.attempt = None
        Farewell(self.leg, ending).begin()

    def attempt_redirected(self, leg: Leg, contacts: list[NameAddr]) -> bool:
        """The phone forwards its calls: the number goes through the dial plan as if that phone had dialled it.

        Dial codes do not: nobody acts at the box in that phone's name. In a group only that phone's place is taken, by
        another phone or a number outside; the others ring on.
        """
        number = next((number for contact in contacts if (number := number_of(contact.uri))), "")
        if not number:
            return False
        if len(self.targets) == 1:
            self.context.router.send(self.leg, Destination(kind="number", target=number))
            return True
        self.call.hops += 1
        target = self.context.router.target_of(number)
        if target is None or self.attempt is None or self.call.hops > MAX_HOPS:
            return False
        return self.attempt.add(target)
