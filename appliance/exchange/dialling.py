"""A caller waits while one or more parties are rung; then they talk, or the caller hears why not."""

from __future__ import annotations

from appliance.exchange.activities import Farewell, LegActivity
from appliance.exchange.attempt import Attempt, Target
from appliance.exchange.causes import LOOP, Ending
from appliance.exchange.codecs import codecs_for_peer, preferring
from appliance.exchange.leg import Leg
from appliance.exchange.parties import number_of
from appliance.sip.header import NameAddr

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
        codecs = codecs_for_peer(self.leg)
        self.attempt = Attempt(self.context, self.call, self, self.targets, codecs, self.seconds)

    def stop(self) -> None:
        if self.attempt is not None:
            self.attempt.cancel()

    # --- Ringer ------------------------------------------------------------------------------------------------------
    def attempt_ringing(self, leg: Leg) -> None:
        """The caller hears ringback: from his own phone or exchange, or from us when he is connected already."""
        caller = self.leg
        if caller.state == "answered":
            if self._early is None and caller.player == 0:
                caller.play(self.context.tone("ringback"), loop=True)
        else:
            caller.ring()

    def attempt_early(self, leg: Leg) -> None:
        """The first trunk that sends early media is heard (its announcements may matter)."""
        if self._early is not None:
            return
        self._early = leg
        if self.leg.early(preferring(leg.codec)):
            self.call.early_media(self.leg, leg)

    def attempt_answered(self, leg: Leg) -> None:
        """Connects the two."""
        self.attempt = None
        if not self.leg.answer(preferring(leg.codec)):
            self.answer()
            return
        self.call.connect(self.leg, leg)

    def attempt_failed(self, ending: Ending) -> None:
        """Says why."""
        self.attempt = None
        Farewell(self.leg, ending).begin()

    def attempt_redirected(self, leg: Leg, contacts: list[NameAddr]) -> bool:
        """The phone forwards its calls: the new number goes through the dial plan with that phone's rights."""
        number = next((number for contact in contacts if (number := number_of(contact.uri))), "")
        if not number or len(self.targets) > 1:
            return False
        if not self.call.routed(f"number:{number}"):
            Farewell(self.leg, LOOP).begin()
            return True
        self.context.router.dial(self.leg, number, rights=leg.extension)
        return True
