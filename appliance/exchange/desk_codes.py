"""What an agent does at a phone by dial code: log in and out, take a break, come back, end wrap-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.center import login
from appliance.center.login import LoginRun
from appliance.errors import CommandError
from appliance.exchange.activities import Announce, LegActivity
from appliance.exchange.menus import Dialogue
from appliance.exchange.outputs import VerifyPin

if TYPE_CHECKING:
    from appliance.center.dialogue import Action
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg


FREE_PINS = 6
"""Wrong PINs from one phone, in however many calls, that are told at once."""
LONGEST_PAUSE_SECONDS = 30.0
FORGET_SECONDS = 900.0
"""A phone without a wrong PIN for so long starts afresh."""


class Pins:
    """PINs that are being checked outside the loop.

    Whoever tries one after the other at a phone has to wait for each verdict, right or wrong, twice as long each time:
    hanging up and dialling again gains nothing. Other phones notice nothing.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._waiting: dict[int, LogInDialogue] = {}
        self._token = 0
        self._wrong: dict[str, tuple[int, float]] = {}
        """Extension -> wrong PINs in a row, and when the last of them was."""

    def ask(self, dialogue: LogInDialogue, pin_hash: str, pin: str) -> None:
        """Has a PIN checked; `answer` follows."""
        self._token += 1
        self._waiting[self._token] = dialogue
        self.context.outputs.append(VerifyPin(self._token, pin_hash, pin))

    def answer(self, token: int, ok: bool) -> None:
        """The PIN was right or wrong; the dialogue may be over meanwhile."""
        dialogue = self._waiting.pop(token, None)
        if dialogue is None:
            return
        context, phone = self.context, dialogue.leg.extension
        wrong, last = self._wrong.pop(phone, (0, 0.0))
        if context.now.mono - last > FORGET_SECONDS:
            wrong = 0
        if not ok:
            self._wrong[phone] = wrong + 1, context.now.mono
        if wrong < FREE_PINS:
            context.contain(dialogue.call, lambda: dialogue.verified(ok))
        else:
            pause = min(2.0 ** min(wrong - FREE_PINS, 10), LONGEST_PAUSE_SECONDS)
            context.after(pause, dialogue.call, lambda: dialogue.verified(ok))


class LogInDialogue(Dialogue[LoginRun]):
    """The agent code: asks for number and PIN, or logs out who is logged in here."""

    name = "code"

    def __init__(self, leg: Leg) -> None:
        center = leg.context.center
        agents = (agent.config for agent in center.agents())
        super().__init__(leg, LoginRun(agents, center.agent_at(leg.extension)))

    def perform(self, action: Action) -> None:
        context = self.context
        if isinstance(action, login.Say):
            self.leg.play(tuple(path for name in action.prompts for path in self.call.phrase(name)))
        elif isinstance(action, login.VerifyPin):
            agent = context.center.agent(action.agent)
            self.leg.hear()
            context.pins.ask(self, agent.config.pin_hash if agent is not None else "", action.pin)
        elif isinstance(action, login.LoginDone):
            self._done(action)

    def verified(self, ok: bool) -> None:
        """The PIN was checked."""
        self.run.pin_verified(ok, self.context.now)
        self.drain()

    def _done(self, done: login.LoginDone) -> None:
        if done.outcome == "failed":
            _say(self.leg, "wrong-pin")
            return
        status, phrase = ("available", "logged-in") if done.outcome == "login" else ("logged-out", "logged-out")
        _set_status(self.leg, done.agent, status, "", phrase)


class BreakCode(LegActivity):
    """The break code, with or without a reason digit."""

    name = "code"

    def __init__(self, leg: Leg, key: str) -> None:
        super().__init__(leg)
        self.key = key

    def start(self) -> None:
        agent = self.context.center.agent_at(self.leg.extension)
        reason = next((one.name for one in self.context.site.breaks if one.key == self.key), "")
        if not agent:
            _say(self.leg, "not-agent")
        elif self.key and not reason:
            _say(self.leg, "unknown-break")
        else:
            _set_status(self.leg, agent, "break", reason, "on-break")


class AgentCode(LegActivity):
    """The codes for "available again" and "wrap-up done"."""

    name = "code"

    def __init__(self, leg: Leg, code: str) -> None:
        super().__init__(leg)
        self.code = code

    def start(self) -> None:
        context = self.context
        agent = context.center.agent_at(self.leg.extension)
        if not agent:
            _say(self.leg, "not-agent")
        elif self.code == "available":
            _set_status(self.leg, agent, "available", "", "available")
        else:
            context.center.wrap_up_done(agent, "phone", context.now)
            _say(self.leg, "wrap-up-done")


def _say(leg: Leg, phrase: str) -> None:
    Announce(leg, leg.call.phrase(phrase)).begin()


def _set_status(leg: Leg, agent: str, status: str, reason: str, phrase: str) -> None:
    """Sets the status and says so, or says that it could not be."""
    try:
        leg.context.center.set_status(agent, status, reason, leg.extension, "phone", leg.context.now)
    except CommandError:
        phrase = "not-agent"
    _say(leg, phrase)
