"""Judges who answered: feeds `center.answering_machine` with what is heard of a leg, and tells what it finds.

Goes on beside whatever the leg does, bridged or not, and adds no delay: for a click-to-call it says on the page who
answered; whoever must not connect an agent before it is known waits for `decided`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.center.answering_machine import AnsweringMachineRun, Verdict, tuned
from appliance.events import AnsweredBy, GreetingEnded
from appliance.exchange.listening import listen

if TYPE_CHECKING:
    from appliance.exchange.context import Deferred
    from appliance.exchange.leg import Leg


class Judging:
    """One leg's. It begins when the leg was answered and ends by itself."""

    def __init__(self, leg: Leg, decided: Callable[[Verdict], None] | None = None) -> None:
        """`decided` gets the verdict, once, unless the leg ends before."""
        context = leg.context
        self.leg = leg
        self._decided = decided
        self._run = AnsweringMachineRun(tuned(context.site.answering_machine, leg.call.language), context.now)
        self._alarm: Deferred | None = None

    @property
    def hangover(self) -> int:
        """Milliseconds of silence that part two words."""
        return round(self._run.tuning.between_words * 1000)

    def begin(self) -> None:
        """Listens from now on."""
        self.leg.machine = self
        listen(self.leg)
        self._follow()

    def speech(self, speaking: bool, at: float) -> None:
        """A burst began or ended, `at` seconds after the detector began."""
        self._run.speech(speaking, at, self.leg.context.now)
        self._follow()

    def tone(self, tone: str) -> None:
        """A single tone: beep, ced, cng."""
        self._run.tone(tone, self.leg.context.now)
        self._follow()

    def stop(self) -> None:
        """The leg is gone."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._run.hangup()
        self._decided = None

    def _due(self) -> None:
        self._run.timeout(self.leg.context.now)
        self._follow()

    def _follow(self) -> None:
        leg, context, call = self.leg, self.leg.context, self.leg.call
        while (found := self._run.poll()) is not None:
            if isinstance(found, Verdict):
                call.answered_by, call.answered_cause = found.result, found.cause
                context.emit(
                    AnsweredBy(
                        call=call.id,
                        leg=leg.id,
                        result=found.result,
                        cause=found.cause,
                        seconds=found.seconds,
                        words=found.words,
                    )
                )
                decided, self._decided = self._decided, None
                if decided is not None:
                    decided(found)
            else:
                context.emit(GreetingEnded(call=call.id, leg=leg.id, cause=found.cause))
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        deadline = self._run.deadline()
        if deadline is not None:
            self._alarm = context.after(deadline - context.now.mono, call, self._due)
        elif leg.machine is self:
            leg.machine = None
            listen(leg)
