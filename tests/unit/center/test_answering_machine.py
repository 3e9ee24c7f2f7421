"""Who answered: people who say hello in two languages, machines with and without a beep, and what leaves it open."""

from __future__ import annotations

import random

import pytest

from appliance.center.answering_machine import (
    BY_LANGUAGE,
    AnsweringMachineRun,
    GreetingOver,
    Tuning,
    Verdict,
    tuned,
)
from appliance.clock import Instant
from appliance.site.model import AnsweringMachine

T = Instant(500.0, 1000.0)
Said = list[Verdict | GreetingOver]


def judge(edges: list[float], *, language: str = "ja", beep: float | None = None, tuning: Tuning | None = None) -> Said:
    """What is found of speech that begins, ends, begins … at `edges`, with a beep, and then a minute of silence."""
    run = AnsweringMachineRun(tuning or BY_LANGUAGE[language], T)
    found: Said = []
    happens = [(at, number % 2 == 0) for number, at in enumerate(edges)]
    happens += [(beep, None)] if beep is not None else []  # type: ignore[list-item]
    for at, speaking in [*sorted(happens, key=lambda one: one[0]), (60.0, None)]:
        while (due := run.deadline()) is not None and due < T.mono + at:
            run.timeout(Instant(due, T.wall))
        if speaking is not None:
            run.speech(speaking, at, T.later(at + 0.08))
        elif at < 60.0:
            run.tone("beep", T.later(at))
        while (one := run.poll()) is not None:
            found.append(one)
    assert run.over and run.deadline() is None
    return found


def result(found: Said) -> tuple[str, str]:
    verdicts = [one for one in found if isinstance(one, Verdict)]
    assert len(verdicts) == 1, "told once"
    return verdicts[0].result, verdicts[0].cause


# What the engine finds in synthesised speech of these words.
MOSHI_MOSHI = [0.5, 1.06]
TWO_BURSTS = [0.5, 0.72, 0.9, 1.15]
YAMADA = [0.51, 0.77, 1.28, 2.28]
RUSU = [0.5, 1.09, 1.18, 1.39, 1.49, 1.91, 2.61, 2.88, 2.94, 3.84, 4.32, 5.08, 5.14, 6.92, 7.22, 7.69]
HELLO = [0.5, 1.01]
HELLO_JOHN = [0.5, 1.01, 1.21, 2.33]
VOICEMAIL = [0.5, 2.04, 2.15, 2.45, 2.54, 2.81, 3.35, 4.93, 5.03, 5.44]


@pytest.mark.parametrize(
    ("language", "said"),
    [("ja", MOSHI_MOSHI), ("ja", TWO_BURSTS), ("ja", YAMADA), ("en", HELLO), ("en", HELLO_JOHN)],
)
def test_who_says_a_word_or_two_and_waits_is_a_person(language: str, said: list[float]) -> None:
    found = judge(said, language=language)
    assert result(found) == ("human", "after-greeting-silence")
    assert isinstance(found[0], Verdict)
    assert found[0].seconds == pytest.approx(said[-1] + BY_LANGUAGE[language].after_greeting_silence, abs=0.001)
    assert found[0].words == len(said) // 2


@pytest.mark.parametrize(("language", "said"), [("ja", RUSU), ("en", VOICEMAIL)])
def test_who_talks_on_is_a_machine_and_its_beep_ends_the_greeting(language: str, said: list[float]) -> None:
    found = judge(said, language=language, beep=said[-1] + 0.8)
    assert result(found) == ("machine", "greeting")
    assert found[-1] == GreetingOver("beep")


def test_a_greeting_without_a_beep_ends_in_silence() -> None:
    assert judge(VOICEMAIL, language="en")[-1] == GreetingOver("quiet")


def test_a_greeting_that_never_ends_is_taken_for_over() -> None:
    talk = [edge for second in range(1, 59) for edge in (second, second + 0.7)]
    assert judge([float(one) for one in talk])[-1] == GreetingOver("total")


def test_many_short_words_are_a_machine() -> None:
    words = [edge for number in range(6) for edge in (0.4 + 0.3 * number, 0.55 + 0.3 * number)]
    assert result(judge(words)) == ("machine", "words")


def test_a_beep_alone_is_a_machine() -> None:
    found = judge([], beep=1.0)
    assert result(found) == ("machine", "beep")
    assert found[-1] == GreetingOver("beep")


def test_a_fax_is_a_machine() -> None:
    run = AnsweringMachineRun(BY_LANGUAGE["ja"], T)
    run.tone("ced", T.later(1))
    assert run.poll() == Verdict("machine", "fax", 1.0, 0)
    assert run.over


def test_silence_is_not_judged() -> None:
    assert result(judge([])) == ("unknown", "initial-silence")


def test_a_click_is_no_word() -> None:
    assert result(judge([0.3, 0.35])) == ("unknown", "initial-silence")
    assert result(judge([0.3, 0.35, *(one + 1 for one in MOSHI_MOSHI)])) == ("human", "after-greeting-silence")


def test_who_does_not_come_to_an_end_in_time_is_not_judged() -> None:
    # Words with pauses too short for a person who waits, too few for a machine.
    late = Tuning(10.0, 9.0, 2.0, 6.0, 0.1, 0.06, 9)
    assert result(judge([0.5, 1.0, 2.5, 3.0, 4.5, 5.0], tuning=late)) == ("unknown", "total")


def test_settings_of_the_site_go_before_those_of_the_language() -> None:
    plain = tuned(AnsweringMachine(), "ja")
    assert plain == BY_LANGUAGE["ja"]
    assert tuned(AnsweringMachine(), "fr") == BY_LANGUAGE["en"]
    changed = tuned(AnsweringMachine(greeting_seconds=9.0, maximum_words=50, total_seconds=12.0), "ja")
    assert (changed.greeting, changed.maximum_words, changed.between_words) == (9.0, 50, plain.between_words)
    assert result(judge(RUSU, tuning=changed))[0] != "machine"


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_heard_there_is_one_verdict_in_time(seed: int) -> None:
    dice = random.Random(seed)
    edges = sorted(dice.uniform(0, 20) for _ in range(2 * dice.randrange(12)))
    beep = dice.choice([None, dice.uniform(0, 20)])
    language = dice.choice(["ja", "en"])
    found = judge(edges, language=language, beep=beep)
    assert result(found)[0] in ("human", "machine", "unknown")
    assert isinstance(found[0], Verdict)
    assert found[0].seconds <= BY_LANGUAGE[language].total + 0.001
    overs = [one for one in found if isinstance(one, GreetingOver)]
    assert len(overs) == int(found[0].result == "machine")


def test_nothing_is_said_after_the_end() -> None:
    run = AnsweringMachineRun(BY_LANGUAGE["ja"], T)
    run.hangup()
    run.speech(True, 0.1, T.later(1))
    run.tone("beep", T.later(1))
    run.timeout(T.later(100))
    assert run.poll() is None and run.over
