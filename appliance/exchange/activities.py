"""What a single leg can be doing with the box alone: hearing an announcement, music, itself, why its call failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.exchange.causes import ANNOUNCED, NO_CHANNEL, NO_CODEC, Ending
from appliance.exchange.codecs import caller_codecs
from appliance.exchange.listening import listen

if TYPE_CHECKING:
    from appliance.exchange.context import Deferred
    from appliance.exchange.leg import Leg

TONE_SECONDS = 6.0
"""How long a caller hears busy or congestion before the box ends the call."""


class LegActivity:
    """Base: an activity of one leg, plain enough to be started again from its arguments."""

    name = "idle"
    left: Ending | None = None
    """What it means when the party leaves during this activity; None: as the leg's own ending says."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.call = leg.call
        self.context = leg.context

    def begin(self) -> None:
        """Takes the leg over from what it did before."""
        before, self.leg.activity = self.leg.activity, self
        if before is not None:
            before.stop()
        self.start()
        if self.leg.activity is self:
            listen(self.leg)

    def start(self) -> None:
        """The first step; `begin` calls it."""

    def digit(self, digit: str) -> None:
        """A key was pressed; most activities do not care."""

    def played(self) -> None:
        """The player is through."""

    def stop(self) -> None:
        """Leaves nothing behind."""

    def answer(self) -> bool:
        """Answers the leg if it is not answered yet; else ends the call: no port is free, or no audio can be agreed."""
        if self.leg.answer(caller_codecs(self.leg)):
            return True
        self.call.end(NO_CODEC if self.leg.port else NO_CHANNEL)
        return False


class Announce(LegActivity):
    """Answers, plays files once, ends the call."""

    name = "announcement"

    def __init__(self, leg: Leg, files: tuple[str, ...], ending: Ending = ANNOUNCED) -> None:
        super().__init__(leg)
        self.files = files
        self.ending = ending

    def start(self) -> None:
        if self.answer():
            self.leg.play(self.files)

    def played(self) -> None:
        self.call.end(self.ending)


class Music(LegActivity):
    """Answers and plays hold music for as long as the caller likes."""

    name = "music"

    def start(self) -> None:
        if self.answer():
            self.leg.music()


class Echo(LegActivity):
    """Answers and lets the caller hear himself."""

    name = "echo"

    def start(self) -> None:
        if self.answer():
            self.leg.hear(self.leg.port_row)


class Farewell(LegActivity):
    """Lets a caller whose call failed hear why, then ends the call.

    A caller of the house, or one who is connected already, hears the ending's prompt or tone, where not yet answered as
    early media, for which nobody is charged. A caller from outside who is not connected gets the SIP status at once:
    his own exchange says it in his own language.
    """

    name = "announcement"

    def __init__(self, leg: Leg, ending: Ending) -> None:
        super().__init__(leg)
        self.ending = self.left = ending
        self._alarm: Deferred | None = None

    def start(self) -> None:
        leg, ending, context = self.leg, self.ending, self.context
        audible = bool(ending.prompt or ending.tone) and (leg.state == "answered" or bool(leg.extension))
        if not audible or not leg.early(caller_codecs(leg)):
            self.call.end(ending)
            return
        if ending.prompt:
            leg.play(self.call.phrase(ending.prompt))
            # A phone that takes no early media must still be told.
            self._alarm = context.after(20.0, self.call, lambda: self.call.end(ending))
        else:
            leg.play(context.tone(ending.tone), loop=True)
            self._alarm = context.after(TONE_SECONDS, self.call, lambda: self.call.end(ending))

    def played(self) -> None:
        self.call.end(self.ending)

    def stop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
