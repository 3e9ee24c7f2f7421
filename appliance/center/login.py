"""The log-in dialogue at a phone: agent number, then PIN, each ended by # or by a pause.

A phone where somebody is logged in logs that agent out at once. A number that no other number continues is complete
without #. An unknown number is asked for a PIN all the same and fails like a wrong PIN. Three tries. The PIN is
checked outside (hashing takes long): the action `VerifyPin` is answered by `pin_verified`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from appliance.center.dialogue import LONGEST_PROMPT_SECONDS, Action, StopPrompt
from appliance.center.table import Table
from appliance.clock import Instant
from appliance.site import model

TRIES = 3
LISTEN_SECONDS = 10.0
"""Silence after a question for this long is a failed try."""
END_OF_ENTRY_SECONDS = 4.0
"""No key for this long ends what was keyed."""
MOST_DIGITS = 32

LOGIN = Table(
    "Log-in",
    "An agent logs in by keypad; a phone where somebody is logged in logs out at once.",
    "new",
    {
        ("new", "start"): "number",
        ("new", "start-logged-in"): "done",
        ("number", "number"): "pin",
        ("number", "number-without-pin"): "done",
        ("number", "wrong"): "number",
        ("number", "give-up"): "done",
        ("number", "hangup"): "done",
        ("pin", "pin"): "checking",
        ("pin", "wrong"): "number",
        ("pin", "give-up"): "done",
        ("pin", "hangup"): "done",
        ("checking", "accepted"): "done",
        ("checking", "wrong"): "number",
        ("checking", "give-up"): "done",
        ("checking", "hangup"): "done",
    },
)


class Say(Action, frozen=True, gc=False):
    """Play these fixed prompts one after the other, then say `prompt_finished`."""

    prompts: tuple[str, ...]


class VerifyPin(Action, frozen=True, gc=False):
    """Check the PIN against the agent's hash outside the core, then say `pin_verified`."""

    agent: str
    pin: str


class LoginDone(Action, frozen=True, gc=False):
    """The dialogue is over; the exchange changes the status, says what became of it, and ends the call."""

    outcome: str
    """login, logout, or failed (three tries)"""
    agent: str = ""


class LoginRun:
    """One log-in dialogue. Inputs after the end do nothing."""

    __slots__ = (
        "_agent",
        "_agents",
        "_buffer",
        "_deadline",
        "_longer",
        "_out",
        "_playing",
        "_present",
        "_tries",
        "state",
    )

    def __init__(self, agents: Iterable[model.Agent], present: str = "") -> None:
        """`present`: id of the agent who is logged in at the phone, "" when nobody is."""
        self._agents = {agent.number: agent for agent in agents}
        self._longer = frozenset(number[:length] for number in self._agents for length in range(1, len(number)))
        self._present = present
        self._out: deque[Action] = deque()
        self._deadline: float | None = None
        self._buffer = ""
        self._agent: model.Agent | None = None
        self._tries = 0
        self._playing = False
        self.state = LOGIN.initial

    def poll(self) -> Action | None:
        """The next action; None when everything has been read."""
        return self._out.popleft() if self._out else None

    def deadline(self) -> float | None:
        """Monotonic time of the next `timeout`; None when nothing is awaited."""
        return self._deadline

    def start(self, now: Instant) -> None:
        """The agent dialled the code."""
        if self._present:
            self._finish("start-logged-in", "logout", self._present)
        else:
            self._move("start")
            self._ask(("enter-agent",), now)

    def digit(self, digit: str, now: Instant) -> None:
        """A key: digits collect, # ends the entry, * begins it anew."""
        if self.state not in ("number", "pin"):
            return
        if self._playing:
            self._playing = False
            self._out.append(StopPrompt())
        if digit == "#":
            # After a number that was complete without #, the # that people press all the same is no empty PIN.
            if self._buffer:
                self._entered(now)
            else:
                self._deadline = now.mono + LISTEN_SECONDS
            return
        self._buffer = "" if digit == "*" else (self._buffer + digit)[:MOST_DIGITS]
        self._deadline = now.mono + (END_OF_ENTRY_SECONDS if self._buffer else LISTEN_SECONDS)
        if self.state == "number" and self._buffer in self._agents and self._buffer not in self._longer:
            self._entered(now)

    def prompt_finished(self, now: Instant) -> None:
        """The prompts have played to their end."""
        if self._playing:
            self._playing = False
            self._deadline = now.mono + LISTEN_SECONDS

    def pin_verified(self, ok: bool, now: Instant) -> None:
        """The answer to `VerifyPin`."""
        if self.state != "checking":
            return
        if ok and self._agent is not None:
            self._finish("accepted", "login", self._agent.id)
        else:
            self._wrong(now)

    def timeout(self, now: Instant) -> None:
        """Does what is due at `now`."""
        if self._deadline is None or now.mono < self._deadline:
            return
        if self._playing:
            self.prompt_finished(now)
        elif self._buffer:
            self._entered(now)
        else:
            self._wrong(now)

    def hangup(self, now: Instant) -> None:
        """The agent is gone; nothing is changed."""
        if self.state != "done":
            self._move("hangup")
            self._deadline = None

    def _move(self, event: str) -> None:
        self.state = LOGIN.after(self.state, event)

    def _ask(self, prompts: tuple[str, ...], now: Instant) -> None:
        self._buffer = ""
        self._playing = True
        self._out.append(Say(prompts=prompts))
        self._deadline = now.mono + LONGEST_PROMPT_SECONDS

    def _entered(self, now: Instant) -> None:
        entry, self._buffer = self._buffer, ""
        if self.state == "number":
            self._agent = self._agents.get(entry)
            if self._agent is not None and not self._agent.pin_hash:
                self._finish("number-without-pin", "login", self._agent.id)
            else:
                self._move("number")
                self._ask(("enter-pin",), now)
        elif self._agent is None:
            self._wrong(now)
        else:
            self._move("pin")
            self._deadline = None
            self._out.append(VerifyPin(agent=self._agent.id, pin=entry))

    def _wrong(self, now: Instant) -> None:
        self._tries += 1
        if self._tries >= TRIES:
            self._finish("give-up", "failed", "")
        else:
            self._move("wrong")
            self._ask(("wrong-pin", "enter-agent"), now)

    def _finish(self, event: str, outcome: str, agent: str) -> None:
        self._move(event)
        self._deadline = None
        self._out.append(LoginDone(outcome=outcome, agent=agent))
