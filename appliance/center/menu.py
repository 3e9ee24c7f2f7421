"""A caller in a menu: hears a prompt, presses keys, goes on to a destination.

Keys may be pressed while the prompt plays and may have several digits: with the keys "1" and "10" a "1" waits a
moment for what may follow. What is no key, and silence, start the prompt again, `retries` times; then the default is
taken.
"""

from __future__ import annotations

from collections import deque

from appliance.center.dialogue import BETWEEN_KEYS_SECONDS, LONGEST_PROMPT_SECONDS, Action, StopPrompt
from appliance.center.table import Table
from appliance.clock import Instant
from appliance.events import Event, MenuEntered, MenuKey, MenuLeft
from appliance.site import model
from appliance.site.model import Destination

MENU = Table(
    "Menu",
    "A caller's way through one menu.",
    "new",
    {
        ("new", "start"): "prompting",
        ("prompting", "prompt-finished"): "listening",
        ("prompting", "digit"): "keying",
        ("prompting", "hangup"): "left",
        ("listening", "digit"): "keying",
        ("listening", "again"): "prompting",
        ("listening", "default"): "left",
        ("listening", "hangup"): "left",
        ("keying", "digit"): "keying",
        ("keying", "key"): "left",
        ("keying", "again"): "prompting",
        ("keying", "default"): "left",
        ("keying", "hangup"): "left",
    },
)


class Play(Action, frozen=True, gc=False):
    """Play the menu's prompt from its beginning, then say `prompt_finished`; at once when there is nothing to play."""

    text: str
    file: str
    """Goes before `text` when it is not empty."""


class Go(Action, frozen=True, gc=False):
    """The caller leaves the menu for this destination."""

    destination: Destination
    outcome: str
    """key or default"""


class MenuRun:
    """One caller's run through one menu. Inputs after the end do nothing, as keys and sound may cross it."""

    __slots__ = ("_buffer", "_call", "_deadline", "_longer", "_menu", "_out", "_tries", "state")

    def __init__(self, menu: model.Menu, call: str = "") -> None:
        self._menu, self._call = menu, call
        self._out: deque[Action | Event] = deque()
        self._deadline: float | None = None
        self._buffer = ""
        self._tries = 0
        self._longer = frozenset(key[:length] for key in menu.keys for length in range(1, len(key)))
        self.state = MENU.initial

    def poll(self) -> Action | Event | None:
        """The next action or event; None when everything has been read."""
        return self._out.popleft() if self._out else None

    def deadline(self) -> float | None:
        """Monotonic time of the next `timeout`; None when nothing is awaited."""
        return self._deadline

    def start(self, now: Instant) -> None:
        """The caller has arrived."""
        self._out.append(MenuEntered(call=self._call, menu=self._menu.id))
        self._move("start")
        self._prompt(now)

    def digit(self, digit: str, now: Instant) -> None:
        """The caller pressed a key (0-9, *, #, A-D)."""
        if self.state == "left":
            return
        if digit == "#" and self._buffer and not self._known(self._buffer + digit):
            self._entered(now)
            return
        prompting = self.state == "prompting"
        self._buffer += digit
        self._move("digit")
        if prompting:
            self._out.append(StopPrompt())
        if self._buffer in self._longer:
            self._deadline = now.mono + BETWEEN_KEYS_SECONDS
        else:
            self._entered(now)

    def prompt_finished(self, now: Instant) -> None:
        """The prompt has played to its end; one that was stopped may still say so, which does nothing."""
        if self.state == "prompting":
            self._move("prompt-finished")
            self._deadline = now.mono + self._menu.timeout_seconds

    def timeout(self, now: Instant) -> None:
        """Does what is due at `now`."""
        if self._deadline is None or now.mono < self._deadline:
            return
        if self.state == "prompting":
            self.prompt_finished(now)
        elif self.state == "keying":
            self._entered(now)
        else:
            self._again(now)

    def hangup(self, now: Instant) -> None:
        """The caller is gone."""
        if self.state != "left":
            self._leave("hangup", None)

    def _known(self, keys: str) -> bool:
        return keys in self._menu.keys or keys in self._longer

    def _move(self, event: str) -> None:
        self.state = MENU.after(self.state, event)

    def _prompt(self, now: Instant) -> None:
        self._buffer = ""
        self._out.append(Play(text=self._menu.prompt, file=self._menu.prompt_file))
        self._deadline = now.mono + LONGEST_PROMPT_SECONDS

    def _entered(self, now: Instant) -> None:
        """What was keyed is complete, valid or not."""
        self._out.append(MenuKey(call=self._call, menu=self._menu.id, key=self._buffer))
        destination = self._menu.keys.get(self._buffer)
        if destination is None:
            self._again(now)
        else:
            self._leave("key", destination)

    def _again(self, now: Instant) -> None:
        self._tries += 1
        if self._tries > self._menu.retries:
            self._leave("default", self._menu.default)
        else:
            self._move("again")
            self._prompt(now)

    def _leave(self, outcome: str, destination: Destination | None) -> None:
        self._move(outcome)
        self._deadline = None
        shown = str(destination) if destination is not None else ""
        self._out.append(MenuLeft(call=self._call, menu=self._menu.id, outcome=outcome, destination=shown))
        if destination is not None:
            self._out.append(Go(destination=destination, outcome=outcome))
