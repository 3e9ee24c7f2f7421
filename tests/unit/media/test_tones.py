"""Call-progress tones as ITU-T E.180 Supplement 2 lists them."""

import math
from array import array
from itertools import pairwise

import pytest

from appliance.media import levels, tones
from tests.unit.media.sound import power_at

EXPECTED = [
    # country, tone, frequencies, seconds on, seconds off
    ("JP", "dial", (400,), 1.0, 0.0),
    ("JP", "ringback", (400,), 1.0, 2.0),
    ("JP", "busy", (400,), 0.5, 0.5),
    ("JP", "congestion", (400,), 0.5, 0.5),
    ("US", "dial", (350, 440), 1.0, 0.0),
    ("US", "ringback", (440, 480), 2.0, 4.0),
    ("US", "busy", (480, 620), 0.5, 0.5),
    ("US", "congestion", (480, 620), 0.25, 0.25),
]


@pytest.mark.parametrize(("country", "name", "frequencies", "on", "off"), EXPECTED)
def test_frequencies_cadence_and_level(country: str, name: str, frequencies: tuple, on: float, off: float) -> None:
    period = tones.render(name, country)
    assert len(period) == round((on + off) * 8000)
    sounding = period[: round(on * 8000)]
    assert not any(period[len(sounding) :])
    assert any(sounding[-20:])
    # -15 dBm0 is -21.15 dBov (G.711); the ramps take a little of a short burst.
    assert levels.level(sounding) == pytest.approx(-21.15, abs=0.15)
    powers = {frequency: power_at(sounding, frequency) for frequency in range(300, 700, 10)}
    strongest = sorted(powers, key=powers.__getitem__)[-len(frequencies) :]
    assert sorted(strongest) == sorted(frequencies)


@pytest.mark.parametrize("country", ["JP", "US"])
@pytest.mark.parametrize("name", ["dial", "ringback", "busy", "congestion", "beep"])
def test_loops_without_a_click(country: str, name: str) -> None:
    period = tones.render(name, country)
    highest = max(period)
    steepest = highest * 2 * math.sin(math.pi * 1000 / 8000) if name == "beep" else max_step(period)
    assert abs(period[0] - period[-1]) <= steepest * 1.001
    # Across the seam the curve also goes on in the same direction: the second difference stays that of the tone.
    wrapped = period[-40:] + period[:40]
    assert max_bend(wrapped) <= max_bend(period) * 1.001


def max_step(samples: array) -> float:
    return max(abs(b - a) for a, b in pairwise(samples))


def max_bend(samples: array) -> float:
    triples = zip(samples, samples[1:], samples[2:], strict=False)
    return max(abs(a - 2 * b + c) for a, b, c in triples)


def test_japanese_ringback_is_modulated_at_sixteen_hertz() -> None:
    sounding = tones.render("ringback", "JP")[:8000]
    assert power_at(sounding, 384) == pytest.approx(power_at(sounding, 400) + 20 * math.log10(0.85 / 2), abs=0.5)
    assert power_at(sounding, 416) == pytest.approx(power_at(sounding, 384), abs=0.5)


def test_other_countries_hear_the_tones_of_the_us() -> None:
    assert tones.render("busy", "DE") == tones.render("busy", "US")


def test_an_unknown_tone_is_an_error() -> None:
    with pytest.raises(KeyError):
        tones.render("whistle", "JP")
