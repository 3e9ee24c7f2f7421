"""Legs in a dialogue by keypad: what `center.menu` and `center.login` ask for is played; keys and silence go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from appliance.center import menu as menus
from appliance.center.dialogue import Action, StopPrompt
from appliance.center.menu import MenuRun
from appliance.clock import Instant
from appliance.events import Event
from appliance.exchange.activities import LegActivity

if TYPE_CHECKING:
    from appliance.exchange.context import Deferred
    from appliance.exchange.leg import Leg
    from appliance.site.model import Menu


class Run(Protocol):
    """A dialogue core (`MenuRun`, `LoginRun`)."""

    def start(self, now: Instant) -> None: ...
    def digit(self, digit: str, now: Instant) -> None: ...
    def prompt_finished(self, now: Instant) -> None: ...
    def timeout(self, now: Instant) -> None: ...
    def hangup(self, now: Instant) -> None: ...
    def deadline(self) -> float | None: ...
    def poll(self) -> Action | Event | None: ...


R = TypeVar("R", bound=Run)


class Dialogue(LegActivity, Generic[R]):
    """Runs one dialogue core on a leg: feeds it, drains it, keeps its alarm."""

    def __init__(self, leg: Leg, run: R) -> None:
        super().__init__(leg)
        self.run = run
        self._alarm: Deferred | None = None
        self._begun = False
        self._over = False

    def start(self) -> None:
        if self.answer():
            self._begun = True
            self.run.start(self.context.now)
            self.drain()

    def digit(self, digit: str) -> None:
        self.run.digit(digit, self.context.now)
        self.drain()

    def played(self) -> None:
        self.run.prompt_finished(self.context.now)
        self.drain()

    def stop(self) -> None:
        self._over = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._begun:
            self.run.hangup(self.context.now)
            self.drain()

    def _due(self) -> None:
        self.run.timeout(self.context.now)
        self.drain()

    def drain(self) -> None:
        """Carries out everything the core asks for, then sets the alarm anew."""
        while (action := self.run.poll()) is not None:
            if isinstance(action, Event):
                self.context.emit(action)
            elif self._over:
                continue
            elif isinstance(action, StopPrompt):
                self.leg.hear()
            else:
                self.perform(action)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        deadline = self.run.deadline()
        if deadline is not None and not self._over:
            self._alarm = self.context.after(deadline - self.context.now.mono, self.call, self._due)

    def perform(self, action: Action) -> None:
        """Carries out what only this dialogue asks for."""
        raise TypeError(f"{type(self).__name__} does not know {action!r}")


class InMenu(Dialogue[MenuRun]):
    """A caller in a menu."""

    name = "menu"

    def __init__(self, leg: Leg, menu: Menu) -> None:
        super().__init__(leg, MenuRun(menu, leg.call.id))

    def perform(self, action: Action) -> None:
        context = self.context
        if isinstance(action, menus.Play):
            self.leg.play(context.voice.file(action.file) if action.file else self.call.text(action.text))
        elif isinstance(action, menus.Go):
            context.router.send(self.leg, action.destination)
