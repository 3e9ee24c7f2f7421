"""What a phone does with the loudspeaker by dial code: page, and have a call heard on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import CommandError
from appliance.exchange.activities import Announce, Farewell, LegActivity
from appliance.exchange.causes import ANNOUNCED, BUSY, CLOSED, NOT_ALLOWED

if TYPE_CHECKING:
    from appliance.exchange.context import Deferred
    from appliance.exchange.leg import Leg


def page(leg: Leg) -> LegActivity:
    """What the page code does for this caller: the page, or why there is none."""
    sound, allowed = leg.context.sound, leg.context.site.sound.page_extensions
    if not leg.extension or (allowed and leg.extension not in allowed):
        return Farewell(leg, NOT_ALLOWED)
    if not sound.speaker:
        return Announce(leg, leg.call.phrase("no-loudspeaker"), CLOSED)
    return Farewell(leg, BUSY) if sound.page is not None else Page(leg)


class Page(LegActivity):
    """Caller and room hear the chime; then the caller is heard in the room until he hangs up or time is up."""

    name = "page"

    def __init__(self, leg: Leg) -> None:
        super().__init__(leg)
        self.chiming = True
        self._alarm: Deferred | None = None

    def start(self) -> None:
        if not self.answer():
            return
        context = self.context
        # The caller's own player tells when the chime is through, so it must be one that ends.
        self.leg.play(context.voice.chime() or context.tone("beep"))
        context.sound.begin_page(self)
        self._alarm = context.after(context.site.sound.page_seconds, self.call, lambda: self.call.end(ANNOUNCED))

    def played(self) -> None:
        """The chime is through."""
        self.chiming = False
        self.leg.hear()
        self.context.sound.settle()

    def stop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self.context.sound.end_page(self, "hung-up")


class ListenCode(LegActivity):
    """The listen code with an extension: its call is heard on the loudspeaker. Without one: nobody's any more."""

    name = "code"

    def __init__(self, leg: Leg, extension: str) -> None:
        super().__init__(leg)
        self.extension = extension

    def start(self) -> None:
        context, by = self.context, f"phone:{self.leg.extension}"
        if not self.leg.extension or self.leg.extension not in context.site.sound.listen_extensions:
            Farewell(self.leg, NOT_ALLOWED).begin()
            return
        phrase = "listening" if self.extension else "listening-ended"
        try:
            if self.extension:
                context.sound.listen(self._call_there(), by)
            else:
                context.sound.stop_listening(by, "stopped")
        except CommandError as error:
            phrase = "no-loudspeaker" if error.code == "no_loudspeaker" else "no-conversation"
        Announce(self.leg, self.call.phrase(phrase)).begin()

    def _call_there(self) -> str:
        """The conversation at that phone; one of its calls where it is in none."""
        legs = self.context.phones.legs.get(self.extension, ())
        calls = [leg.call for leg in legs if leg in leg.call.bridge] or [leg.call for leg in legs]
        return calls[0].id if calls else ""
