"""Call-progress tones of a country, each rendered as exactly one period that loops without a click.

Source: ITU-T E.180 Supplement 2, "Various tones used in national networks" (Japan, United States), and for the level
ITU-T E.180/Q.35: between -15 and -5 dBm0 for a continuous tone. We take -15 dBm0, the quiet end, since people listen to
a tone at the volume they set for speech. 0 dBm0 lies 3.14 dB under a full-scale sine (ITU-T G.711), so the whole tone
has -18.14 dB against a full-scale sine, -21.15 dBov.
"""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

from appliance.media.wav import RATE

LEVEL = -15.0
"""dBm0 of the tone while it sounds, all its frequencies together."""
_RAMP = 0.005


class Tone(NamedTuple):
    """One period: `on` seconds of sound, then `off` seconds of silence."""

    frequencies: tuple[float, ...]
    on: float
    off: float = 0.0
    modulation: float = 0.0
    """Hz of an amplitude modulation; 0: none."""


_BEEP = Tone((1000.0,), 0.3, 0.2)
_BELL = (660.0, 880.0)

TONES: dict[str, dict[str, Tone]] = {
    "JP": {
        "dial": Tone((400.0,), 1.0),
        # 400 Hz modulated by 15-20 Hz; 16 Hz has a whole number of periods in a second.
        "ringback": Tone((400.0,), 1.0, 2.0, modulation=16.0),
        "busy": Tone((400.0,), 0.5, 0.5),
        "congestion": Tone((400.0,), 0.5, 0.5),
        "beep": _BEEP,
        "ring": Tone(_BELL, 1.0, 2.0, modulation=16.0),
    },
    "US": {
        "dial": Tone((350.0, 440.0), 1.0),
        "ringback": Tone((440.0, 480.0), 2.0, 4.0),
        "busy": Tone((480.0, 620.0), 0.5, 0.5),
        "congestion": Tone((480.0, 620.0), 0.25, 0.25),
        "beep": _BEEP,
        "ring": Tone(_BELL, 2.0, 4.0, modulation=16.0),
    },
}
"""By ISO 3166 country, then by name. "ring" is what the loudspeaker does: a bell in the cadence of ringback."""


def country_of(country: str) -> str:
    """The country whose tones are used for `country`: its own where we know them, else those of the US."""
    return country if country in TONES else "US"


def render(name: str, country: str) -> array[float]:
    """One period at 8 kHz. Raises KeyError for a tone that does not exist."""
    tone = TONES[country_of(country)][name]
    count = round(tone.on * RATE)
    samples = array("d", (_value(tone, index / RATE) for index in range(count)))
    power = sum(value * value for value in samples) / count
    wanted = 10 ** ((LEVEL - 3.14) / 10) / 2
    gain = math.sqrt(wanted / power)
    for index in range(count):
        samples[index] *= gain
    if tone.off:
        _soften(samples)
        samples.extend(array("d", bytes(8 * round(tone.off * RATE))))
    return samples


def _value(tone: Tone, seconds: float) -> float:
    turn = 2 * math.pi * seconds
    value = sum(math.sin(turn * frequency) for frequency in tone.frequencies)
    if tone.modulation:
        value *= 1 - 0.85 * math.cos(turn * tone.modulation)
    return value


def _soften(samples: array[float]) -> None:
    """Raised-cosine ramps at both ends: a tone that is switched hard clicks."""
    ramp = int(_RAMP * RATE)
    for index in range(ramp):
        gain = 0.5 - 0.5 * math.cos(math.pi * index / ramp)
        samples[index] *= gain
        samples[-1 - index] *= gain
