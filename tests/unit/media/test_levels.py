"""Levels, filters and sampling rates, measured."""

import math
import sys
from array import array

import pytest

from appliance.media import levels
from tests.unit.media.sound import peak_db, power_at, sine


@pytest.mark.parametrize("rate", [6000, 8000, 11025, 16000, 22050, 44100, 48000, 96000])
def test_resampling_keeps_a_voice_as_it_is(rate: int) -> None:
    out = levels.resample(sine(1000, 0.3, rate=rate), rate)
    assert len(out) == pytest.approx(2400, abs=1)
    middle = out[400:2000]
    assert power_at(middle, 1000) == pytest.approx(-6.02, abs=0.05)
    assert levels.level(middle) == pytest.approx(-9.03, abs=0.05)


@pytest.mark.parametrize("rate", [11025, 22050, 48000])
@pytest.mark.parametrize("frequency", [4100, 4600, 5200])
def test_resampling_lets_no_alias_through(rate: int, frequency: int) -> None:
    out = levels.resample(sine(frequency, 0.3, rate=rate), rate)
    assert levels.level(out[400:2000]) < -60


def test_numpy_and_plain_python_resample_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sine(440, 1.0, rate=22050)
    fast = levels.resample(sound, 22050)
    monkeypatch.setitem(sys.modules, "numpy", None)
    slow = levels.resample(sound, 22050)
    assert max(abs(a - b) for a, b in zip(fast, slow, strict=True)) < 1e-9


def test_the_active_level_leaves_pauses_out() -> None:
    speech = sine(500, 1.0, 0.2)
    with_pauses = speech + array("d", bytes(8 * 16000)) + speech
    assert levels.active_level(with_pauses) == pytest.approx(levels.level(speech), abs=0.1)
    assert levels.level(with_pauses) < levels.level(speech) - 2.9


@pytest.mark.parametrize("amplitude", [0.001, 0.05, 0.9, 3.0])
def test_any_loudness_becomes_telephone_level(amplitude: float) -> None:
    out = levels.to_speech_level(sine(700, 1.0, amplitude))
    assert levels.active_level(out) == pytest.approx(levels.SPEECH_LEVEL, abs=0.3)


def test_peaks_are_turned_down_and_not_cut_off() -> None:
    spiky = sine(300, 1.0, 0.1)
    for start in range(0, 8000, 1000):
        spiky[start : start + 27] = sine(300, 27 / 8000, 2.0)
    out = levels.to_speech_level(spiky)
    assert peak_db(out) <= -3.49
    assert levels.active_level(out) == pytest.approx(-20, abs=1.5)
    ceiling = max(out)
    assert sum(1 for value in out if value > ceiling * 0.9999) <= 8  # a peak each, no plateau


def test_silence_stays_silence() -> None:
    silence = array("d", bytes(8 * 4000))
    assert levels.to_speech_level(silence) == silence
    assert len(levels.trim(silence)) == 0


def test_trim_leaves_a_tenth_of_a_second() -> None:
    quiet, sound = array("d", bytes(8 * 8000)), sine(800, 0.5, 0.3)
    assert len(levels.trim(quiet + sound + quiet)) == pytest.approx(4000 + 1600, abs=20)
    assert len(levels.trim(sound)) == pytest.approx(4000 + 1600, abs=20)


def test_filters_pass_and_stop() -> None:
    assert levels.level(levels.high_pass(sine(1000, 0.5), 150)) == pytest.approx(-9.03, abs=0.1)
    assert levels.level(levels.high_pass(sine(30, 0.5), 150)[800:]) < -9.03 - 25
    assert levels.level(levels.low_pass(sine(300, 0.5), 1000)) == pytest.approx(-9.03, abs=0.2)
    assert levels.level(levels.low_pass(sine(3800, 0.5), 1000)) < -9.03 - 25


def test_a_full_scale_sine_is_three_decibel_under_full_scale() -> None:
    assert levels.level(sine(1000, 1.0, 1.0)) == pytest.approx(-3.01, abs=0.01)
    assert levels.decibel(0) == -200
    assert math.isclose(levels.active_level(array("d")), -200)
