"""Who answered a call that we made: a person, or a machine? Judged by how it speaks, not by what it says.

A person says a word or two and waits; a machine talks on. Fed with the edges of bursts of speech as the media engine
finds them, with single tones, and with time; says its verdict once, and after a machine's greeting that it is over, so
that a message can be left.
"""

from __future__ import annotations

from collections import deque

import msgspec

from appliance.center.table import Table
from appliance.clock import Instant
from appliance.site.model import AnsweringMachine

GREETING_MOST_SECONDS = 45.0
"""A greeting that is not over by then is taken for one without a beep."""
GREETING_QUIET_SECONDS = 2.0
"""Silence after which a greeting is over without a beep."""

_OVER = ("done", "greeted")
_LIVE = ("waiting", "first", "pausing", "next")
_ENDS = {"beep": "greeted", "fax": "done", "time-over": "done", "hangup": "done"}

ANSWERING_MACHINE = Table(
    "Answering machine",
    "How a call that was answered is judged by what is heard.",
    "waiting",
    {
        ("waiting", "voice"): "first",
        ("waiting", "too-quiet"): "done",
        ("first", "noise"): "waiting",
        ("first", "word"): "pausing",
        ("first", "too-long"): "greeting",
        ("pausing", "voice"): "next",
        ("pausing", "answered"): "done",
        ("pausing", "too-many"): "greeting",
        ("next", "noise"): "pausing",
        ("next", "word"): "pausing",
        ("next", "too-long"): "greeting",
        ("greeting", "voice"): "greeting",
        ("greeting", "silence"): "greeting",
        ("greeting", "beep"): "greeted",
        ("greeting", "quiet"): "greeted",
        ("greeting", "time-over"): "greeted",
        ("greeting", "fax"): "done",
        ("greeting", "hangup"): "done",
        **{(state, event): after for state in _LIVE for event, after in _ENDS.items()},
    },
)
"""`done` and `greeted` are ends: inputs after them do nothing, as sound may cross the verdict."""

VERDICTS = {
    "too-quiet": ("unknown", "initial-silence"),
    "too-long": ("machine", "greeting"),
    "too-many": ("machine", "words"),
    "answered": ("human", "after-greeting-silence"),
    "beep": ("machine", "beep"),
    "fax": ("machine", "fax"),
    "time-over": ("unknown", "total"),
}
"""Input that decides -> (result, cause)."""


class Tuning(msgspec.Struct, frozen=True, gc=False):
    """The settings with every value filled in. Seconds."""

    initial_silence: float
    greeting: float
    after_greeting_silence: float
    total: float
    minimum_word: float
    between_words: float
    maximum_words: int


BY_LANGUAGE = {
    # "もしもし" is one or two bursts of 0.2 to 0.5 s; "はい、山田でございます" 1.6 s in two to four. Machines begin
    # with "ただいま留守にしております" and go on for 5 s and more; people at home wait a moment before they speak.
    "ja": Tuning(3.5, 2.5, 0.9, 6.0, 0.1, 0.1, 5),
    # "Hello?" 0.5 s, "Hello, this is John Smith" 1.8 s in one to three; machines begin with "You have reached …".
    "en": Tuning(2.5, 2.0, 0.8, 5.0, 0.1, 0.06, 3),
}
"""What a setting of 0 means where the site speaks this language."""


def tuned(settings: AnsweringMachine, language: str) -> Tuning:
    """The settings of a site file, with what they leave open filled in for the language."""
    plain = BY_LANGUAGE.get(language, BY_LANGUAGE["en"])
    return Tuning(
        settings.initial_silence_seconds or plain.initial_silence,
        settings.greeting_seconds or plain.greeting,
        settings.after_greeting_silence_seconds or plain.after_greeting_silence,
        settings.total_seconds or plain.total,
        settings.minimum_word_seconds or plain.minimum_word,
        settings.between_words_seconds or plain.between_words,
        settings.maximum_words or plain.maximum_words,
    )


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Told once."""

    result: str
    """human, machine or unknown (not sure)"""
    cause: str
    """after-greeting-silence, greeting, words, beep, fax, initial-silence, total"""
    seconds: float
    """After the beginning of listening."""
    words: int


class GreetingOver(msgspec.Struct, frozen=True, gc=False):
    """The machine's greeting is over: it records now. Told at most once, after a verdict of machine."""

    cause: str
    """beep, quiet, total"""


class AnsweringMachineRun:
    """One call. `poll` after each input; `timeout` at `deadline`. Times of speech are seconds since the beginning."""

    __slots__ = ("_began", "_out", "_quiet_since", "_voice_since", "_words", "_words_since", "state", "tuning")

    def __init__(self, tuning: Tuning, now: Instant) -> None:
        self.tuning = tuning
        self.state = ANSWERING_MACHINE.initial
        self._began = now.mono
        self._out: deque[Verdict | GreetingOver] = deque()
        self._voice_since = 0.0
        self._words_since: float | None = None
        """When the greeting began."""
        self._quiet_since: float | None = 0.0
        """Since when nobody speaks; None: somebody does."""
        self._words = 0

    @property
    def over(self) -> bool:
        """Nothing more will be said."""
        return self.state in _OVER

    def poll(self) -> Verdict | GreetingOver | None:
        """The next thing that was found; None when everything has been read."""
        return self._out.popleft() if self._out else None

    # --- inputs ------------------------------------------------------------------------------------------------------
    def speech(self, speaking: bool, at: float, now: Instant) -> None:
        """A burst of speech began or ended `at` seconds after the beginning."""
        if self.over or speaking == (self._quiet_since is None):
            return
        self._overdue(at)
        if self.state in _OVER:
            return
        self._quiet_since = None if speaking else at
        if self.state == "greeting":
            self._move("voice" if speaking else "silence", at)
        elif speaking:
            self._voice_since = at
            if self._words_since is None:
                self._words_since = at
            self._move("voice", at)
        else:
            self._word_ended(at)

    def tone(self, tone: str, now: Instant) -> None:
        """A single tone: beep, ced or cng."""
        if not self.over:
            self._move("beep" if tone == "beep" else "fax", now.mono - self._began)

    def timeout(self, now: Instant) -> None:
        """Time has passed."""
        self._overdue(now.mono - self._began)

    def hangup(self) -> None:
        """The call is over; nothing is said about it any more."""
        if not self.over:
            self._move("hangup", 0.0)

    def deadline(self) -> float | None:
        """Monotonic time of the next `timeout`; None: nothing is awaited."""
        due = self._due()
        return None if due is None else self._began + due[0]

    # --- the course --------------------------------------------------------------------------------------------------
    def _word_ended(self, at: float) -> None:
        if at - self._voice_since < self.tuning.minimum_word:
            if self._words == 0:
                self._words_since = None
            self._move("noise", at)
            return
        self._words += 1
        self._move("word", at)
        if self._words > self.tuning.maximum_words:
            self._move("too-many", at)

    def _due(self) -> tuple[float, str] | None:
        """What happens next if nothing is heard: (seconds after the beginning, input)."""
        tuning = self.tuning
        if self.over:
            return None
        quiet = self._quiet_since
        if self.state == "greeting":
            most = (GREETING_MOST_SECONDS, "time-over")
            return most if quiet is None else min(most, (quiet + GREETING_QUIET_SECONDS, "quiet"))
        due = (tuning.total, "time-over")
        if self.state == "waiting":
            return min(due, (tuning.initial_silence, "too-quiet"))
        if self.state == "pausing":
            return min(due, ((quiet or 0.0) + tuning.after_greeting_silence, "answered"))
        return min(due, ((self._words_since or 0.0) + tuning.greeting, "too-long"))

    def _overdue(self, at: float) -> None:
        while (due := self._due()) is not None and due[0] <= at + 0.0005:
            self._move(due[1], due[0])

    def _move(self, event: str, at: float) -> None:
        before = self.state
        self.state = ANSWERING_MACHINE.after(before, event)
        if before == "greeting":
            if self.state == "greeted":
                self._out.append(GreetingOver("total" if event == "time-over" else event))
        elif event in VERDICTS:
            result, cause = VERDICTS[event]
            self._out.append(Verdict(result, cause, round(max(at, 0.0), 3), self._words))
            if event == "beep":
                self._out.append(GreetingOver("beep"))
