"""Who answered, from synthesised voices to the verdict: the engine's detector and the judge together."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest

from appliance.center.answering_machine import BY_LANGUAGE, AnsweringMachineRun, GreetingOver, Tuning, Verdict
from appliance.clock import Instant
from appliance.media import speech_worker
from tests.unit.media import tones
from tests.unit.media.rtp import RATE, Samples
from tests.unit.media.still import MS, NEITHER, PCMU, Still, library, stream

STEP = 20


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return library(tmp_path_factory.mktemp("still"))


@pytest.fixture
def still(loaded: ctypes.CDLL) -> Iterator[Still]:
    made = Still(loaded)
    yield made
    made.close()


@lru_cache(maxsize=64)
def spoken(language: str, text: str) -> Samples:
    return (np.array(speech_worker.speak([(language, text)], 0.0)) * 32767).astype(np.int16)


def voice(language: str, text: str, pitch: float = 1.0, dbm0: float = -9.0) -> Samples:
    """The box's own voice, higher and faster or lower and slower, at this peak level."""
    said = spoken(language, text).astype(np.float64)
    said = np.interp(np.arange(0, len(said) - 1, pitch), np.arange(len(said)), said)
    return (said * tones.amplitude(dbm0) / np.abs(said).max()).astype(np.int16)


def judged(still: Still, said: Samples, language: str, tuning: Tuning | None = None) -> list[Verdict | GreetingOver]:
    """What is told of a party that says this from the moment of its answer."""
    party = still.port(events=NEITHER)
    run = AnsweringMachineRun(tuning or BY_LANGUAGE[language], Instant(100.0, 100.0))
    still.detector(party, tones=True, speech=True, hangover=round(run.tuning.between_words * 1000))
    begin, sent = still.now, stream(still, party, PCMU, said, start=still.now // MS * MS)
    found: list[Verdict | GreetingOver] = []
    for at in range(0, len(said) * 1000 // RATE + 12_000, STEP):
        until = begin + (at + STEP) * MS
        still.run(until, [one for one in sent if begin + at * MS <= one.at < until])
        now = Instant(100.0 + (at + STEP) / 1000, 100.0)
        for heard in still.found():
            if heard.kind == "speech":
                run.speech(heard.what == "began", heard.at, now)
            else:
                run.tone(heard.what, now)
        if (due := run.deadline()) is not None and due <= now.mono:
            run.timeout(now)
        while (one := run.poll()) is not None:
            found.append(one)
        if run.over:
            break
    return found


def answer(*parts: Samples, wait: float = 0.6) -> Samples:
    return np.concatenate([tones.silence(wait), *parts, tones.silence(0.5)])


PEOPLE = [
    ("ja", "もしもし"),
    ("ja", "もしもし、もしもし"),
    ("ja", "はい"),
    ("ja", "はい、もしもし"),
    ("ja", "はい、山田です"),
    ("ja", "はい、佐藤でございます"),
    ("en", "Hello?"),
    ("en", "Yes, hello?"),
    ("en", "John Smith."),
]
MACHINES = [
    ("ja", "ただいま、電話に出ることができません。ピーという発信音の後に、お名前とご用件をお話しください。"),
    ("ja", "はい、山田です。ただいま留守にしております。発信音の後に、メッセージをどうぞ。"),
    ("ja", "おかけになった電話は、電波の届かない場所にあるか、電源が入っていないため、かかりません。"),
    ("en", "You have reached the voicemail of John Smith. Please leave a message after the tone."),
    ("en", "Hi, this is Anna. I can't come to the phone right now, so please leave a message."),
]
MANNERS = [(1.0, -9.0), (0.85, -20.0), (1.2, -14.0)]


@pytest.mark.parametrize(("language", "text"), PEOPLE)
def test_a_person_says_a_word_or_two_and_waits(still: Still, language: str, text: str) -> None:
    for pitch, dbm0 in MANNERS:
        (verdict,) = judged(still, answer(voice(language, text, pitch, dbm0)), language)
        assert isinstance(verdict, Verdict)
        assert (verdict.result, verdict.cause) == ("human", "after-greeting-silence"), (pitch, dbm0, verdict)
        assert verdict.seconds < 4.2


@pytest.mark.parametrize(("language", "text"), MACHINES)
def test_a_machine_talks_on_and_its_beep_is_told(still: Still, language: str, text: str) -> None:
    for pitch, dbm0 in MANNERS:
        beep = tones.sine(1000, 0.6, dbm0 - 2)
        said = answer(voice(language, text, pitch, dbm0), tones.silence(0.7), beep)
        verdict, over = judged(still, said, language)
        assert isinstance(verdict, Verdict)
        assert verdict.result == "machine", (pitch, dbm0, verdict)
        assert over == GreetingOver("beep")


def test_a_noisy_line_changes_nothing(still: Still) -> None:
    for (language, text), result in ((PEOPLE[0], "human"), (MACHINES[0], "machine")):
        said = tones.noisy(answer(voice(language, text), wait=1.0), -48.0)
        found = judged(still, said, language)
        assert isinstance(found[0], Verdict) and found[0].result == result
