"""The chime before a page: two struck notes, a major third down (E5, C5), rendered in code.

Each note is a few partials that die away, the higher ones sooner, as of a bar that is struck (their ratios, 1 : 2.76 :
5.40, are those of a free bar: Fletcher and Rossing, "The Physics of Musical Instruments", section 2.15).
"""

from __future__ import annotations

import math
from array import array

from appliance.media.wav import RATE

NOTES = ((0.0, 659.26), (0.6, 523.25))
"""(seconds from the beginning, Hz)"""
SECONDS = 2.0
PEAK = 0.5
"""Of full scale."""
_PARTIALS = ((1.0, 1.0, 0.45), (2.76, 0.28, 0.16), (5.40, 0.10, 0.06))
"""(multiple of the pitch, amplitude, seconds until it has fallen to 37 %)"""
_ATTACK = 0.003


def render() -> array[float]:
    """The whole chime at 8 kHz."""
    samples = array("d", bytes(8 * round(SECONDS * RATE)))
    for begins, pitch in NOTES:
        first = round(begins * RATE)
        for index in range(len(samples) - first):
            samples[first + index] += _note(pitch, index / RATE)
    fade = round(0.1 * RATE)
    for index in range(fade):
        samples[-1 - index] *= index / fade
    gain = PEAK / max(max(samples), -min(samples))
    return array("d", (value * gain for value in samples))


def _note(pitch: float, seconds: float) -> float:
    value = sum(
        amplitude * math.exp(-seconds / decay) * math.sin(2 * math.pi * pitch * multiple * seconds)
        for multiple, amplitude, decay in _PARTIALS
        if pitch * multiple < RATE / 2
    )
    return value * min(1.0, seconds / _ATTACK)
