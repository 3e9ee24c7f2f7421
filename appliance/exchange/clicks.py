"""Click-to-call: the box rings an extension and then dials a number for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.attempt import Attempt, Target
from appliance.exchange.call import Call
from appliance.exchange.codecs import ALL

if TYPE_CHECKING:
    from appliance.exchange.causes import Ending
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg
    from appliance.sip.header import NameAddr

RING_SECONDS = 30.0


class ClickToCall:
    """Rings the extension (a `Ringer`); the leg that answers becomes the one the call began with."""

    def __init__(self, context: Context, extension: str, number: str, *, judged: bool = False) -> None:
        """`judged`: find out whether a person or a machine answers the number."""
        self.context = context
        self.number = number
        meaning = context.plan.lookup(number)
        self.call = Call(
            context,
            context.router.kind_of(meaning),
            extension,
            number,
            caller_name=context.phones.name(extension),
            extension=extension,
        )
        self.call.judged = judged
        self.attempt: Attempt | None = None

    def begin(self) -> None:
        """Rings the extension."""
        target = Target(extension=self.call.extension)
        self.attempt = Attempt(self.context, self.call, self, (target,), ALL, RING_SECONDS)

    def attempt_ringing(self, leg: Leg) -> None:
        """The extension's own phone rings: nobody to tell."""

    def attempt_early(self, leg: Leg) -> None:
        """Nobody listens yet."""

    def attempt_lost(self, leg: Leg) -> None:
        """There is one leg only: the attempt fails next."""

    def attempt_answered(self, leg: Leg) -> None:
        self.call.origin = leg
        self.context.router.follow(leg, self.context.plan.lookup(self.number), self.number)

    def attempt_failed(self, ending: Ending) -> None:
        self.call.end(ending)

    def attempt_redirected(self, leg: Leg, contacts: list[NameAddr]) -> bool:
        """The person is not at this phone: the click is in vain."""
        return False
