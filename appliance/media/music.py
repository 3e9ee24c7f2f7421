"""Music on hold, composed for Hako and rendered in code: "Engawa", 32 bars in F major at 100 beats a minute, 76.8 s.

Four soft voices that a telephone carries: a pad, a plucked figure, a bass heard through its overtones, and a mallet
melody in four eight-bar phrases that answer each other (A A' B A''). Notes wrap around the end and the filters hear the
end before the beginning, so the loop has no seam. No chance is involved: every box plays the same samples.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from appliance.media import levels
from appliance.media.wav import RATE

LEVEL = -20.0
"""RMS of the whole piece, dBov."""
BEAT = 0.6
"""Seconds a quarter note."""
BARS = 32
LENGTH = round(BARS * 4 * BEAT * RATE)
"""Samples of one turn."""


class Timbre(NamedTuple):
    """A voice: overtones with their own decay."""

    partials: tuple[tuple[float, float, float], ...]
    """(multiple of the pitch, amplitude, seconds until it has fallen to 37 %)"""
    attack: float
    release: float


_MALLET = Timbre(((1.0, 1.0, 0.75), (2.0, 0.10, 0.4), (3.93, 0.16, 0.09)), 0.004, 0.12)
_PLUCK = Timbre(((1.0, 1.0, 0.38), (2.0, 0.42, 0.24), (3.0, 0.16, 0.14)), 0.004, 0.08)
_BASS = Timbre(((1.0, 0.5, 0.9), (2.0, 0.9, 0.7), (3.0, 0.45, 0.45), (4.0, 0.2, 0.3)), 0.012, 0.10)
_PAD = Timbre(((1.0, 1.0, 9.0), (1.004, 0.8, 9.0), (2.0, 0.16, 6.0)), 0.35, 0.55)


class Note(NamedTuple):
    """A note of one voice. `start` and `length` in beats, `pitch` as MIDI number, `gain` linear."""

    timbre: Timbre
    start: float
    length: float
    pitch: int
    gain: float


_CHORDS: dict[str, tuple[int, tuple[int, ...]]] = {
    # name: bass (MIDI), pad and plucked voices from below
    "Fmaj9": (41, (65, 69, 72, 76, 79)),
    "Dm9": (50, (65, 69, 72, 76, 81)),
    "Bbmaj7": (46, (65, 70, 74, 77, 81)),
    "C9sus": (48, (65, 67, 70, 74, 77)),
    "Am7": (45, (64, 67, 69, 72, 76)),
    "Gm9": (43, (65, 67, 70, 74, 77)),
    "C7": (48, (64, 67, 70, 72, 76)),
    "Bbm6": (46, (65, 67, 70, 73, 77)),
    "Ebmaj7": (51, (67, 70, 75, 79, 74)),
    "D7sus": (50, (67, 69, 72, 74, 76)),
}
_PROGRESSION = (
    "Fmaj9", "Dm9", "Bbmaj7", "C9sus", "Am7", "Dm9", "Gm9", "C9sus",
    "Fmaj9", "Dm9", "Bbmaj7", "C9sus", "Am7", "Dm9", "Gm9", "C7",
    "Bbmaj7", "C9sus", "Am7", "Dm9", "Gm9", "Bbm6", "Fmaj9", "D7sus",
    "Gm9", "C9sus", "Am7", "Dm9", "Bbmaj7", "Ebmaj7", "C9sus", "C7",
)  # fmt: skip
_PICKING = ((0, 2, 1, 3, 2, 4, 1, 3), (1, 3, 2, 4, 0, 2, 3, 1), (0, 1, 2, 3, 4, 3, 2, 1), (2, 0, 3, 1, 4, 2, 3, 1))
"""Order in which the plucked voice takes the chord's notes; another one each bar."""

_MELODY = (
    # Eight-bar phrases of (bar, beat, length in beats, pitch); rests are where nothing is written.
    ((0, 0, 1.5, 72), (0, 1.5, .5, 74), (0, 2, 2, 76), (1, 1, 1, 77), (1, 2, 1, 76), (1, 3, 1, 72), (2, 0, 3, 74),
     (3, 2, 1, 70), (3, 3, 1, 72), (4, 0, 2, 76), (4, 2, 1.5, 79), (5, 0, 1, 77), (5, 1, 2.5, 72), (6, 1, 1, 74),
     (6, 2, .5, 72), (6, 2.5, 1.5, 70), (7, 0, 3, 67)),
    ((0, 1, 1, 72), (0, 2, .5, 74), (0, 2.5, 1.5, 76), (1, 0, 1.5, 81), (1, 1.5, 2, 77), (2, 1, 1, 79), (2, 2, 2, 77),
     (3, 1, 1, 74), (3, 2, 2, 72), (4, 1.5, .5, 76), (4, 2, 2, 79), (5, 0, 1, 81), (5, 1, 1, 77), (5, 2, 2, 76),
     (6, 0, 1.5, 74), (6, 1.5, .5, 70), (6, 2, 2, 74), (7, 0, 1.5, 72), (7, 2, 2, 76)),
    ((0, 0, 2, 77), (0, 2, 2, 82), (1, 0, 1, 81), (1, 1, 1, 79), (1, 2, 2, 74), (2, 0, 1.5, 76), (2, 1.5, .5, 77),
     (2, 2, 2, 79), (3, 1, 3, 77), (4, 0, 1, 74), (4, 1, 1, 77), (4, 2, 2, 82), (5, 0, 3, 79), (5, 3, 1, 77),
     (6, 0, 2, 76), (6, 2.5, .5, 72), (6, 3, 1, 74), (7, 0, 3, 69)),
    ((0, 1, 1, 70), (0, 2, 2, 74), (1, 0, 1.5, 77), (1, 1.5, .5, 76), (1, 2, 2, 74), (2, 1, 1, 72), (2, 2, 1, 76),
     (2, 3, 1, 79), (3, 0, 3, 77), (4, 0, 1.5, 74), (4, 1.5, .5, 72), (4, 2, 2, 70), (5, 1, 1, 74), (5, 2, 1.5, 75),
     (6, 0, 2.5, 74), (6, 3, 1, 72), (7, 0, 1.5, 70), (7, 2, 2, 67)),
)  # fmt: skip


def render() -> array[float]:
    """The whole piece at 8 kHz, level `LEVEL`. Takes a few seconds; for the helper process."""
    total = array("d", bytes(8 * LENGTH))
    rendered: dict[tuple[Timbre, int, float], array[float]] = {}
    for note in score():
        key = (note.timbre, note.pitch, note.length)
        if key not in rendered:
            rendered[key] = _sound(*key)
        _add(total, rendered[key], round(note.start * BEAT * RATE) % LENGTH, note.gain)
    total = _room(total)
    total = levels.high_pass(levels.high_pass(total, 260, run_up=RATE), 260, run_up=RATE)
    total = levels.low_pass(levels.low_pass(total, 3300, run_up=RATE), 3300, run_up=RATE)
    gain = 10 ** ((LEVEL - levels.level(total)) / 20)
    return array("d", (value * gain for value in total))


def score() -> Iterator[Note]:
    """All notes of one turn, voice by voice."""
    for bar, name in enumerate(_PROGRESSION):
        bass, chord = _CHORDS[name]
        start = bar * 4.0
        yield from _bass_bar(bar, start, bass)
        for pitch in chord[:4]:
            yield Note(_PAD, start, 4.0, pitch, 0.050)
        # The plucked figure rests in the last bar of each phrase's first half, and thins out in the third phrase.
        picking = _PICKING[(bar + bar // 8) % len(_PICKING)]
        for step, index in enumerate(picking):
            if (bar % 8 == 3 and step >= 4) or (bar // 8 == 2 and step % 2):
                continue
            swell = 0.085 + 0.02 * math.sin(math.pi * step / 7)
            yield Note(_PLUCK, start + step * 0.5, 1.0, chord[index], swell * (1.0 if step % 2 == 0 else 0.8))
    for phrase, notes in enumerate(_MELODY):
        for place, (bar, beat, length, pitch) in enumerate(notes):
            loudness = 0.21 + 0.03 * math.sin(math.pi * place / len(notes))
            yield Note(_MALLET, (phrase * 8 + bar) * 4 + beat, length + 0.5, pitch, loudness)


def _bass_bar(bar: int, start: float, bass: int) -> Iterator[Note]:
    yield Note(_BASS, start, 2.0, bass, 0.17)
    fifth = bass + 7 if bass < 48 else bass - 5
    yield Note(_BASS, start + (2.5 if bar % 2 else 2.0), 1.5, fifth, 0.13)


def _sound(timbre: Timbre, pitch: int, beats: float) -> array[float]:
    """One note: decaying sines, a soft attack, a release after its length."""
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    held = int(beats * BEAT * RATE)
    released = int(timbre.release * RATE)
    count = held + released
    samples = array("d", bytes(8 * count))
    for multiple, amplitude, decay in timbre.partials:
        if frequency * multiple < 3400:
            _add_partial(samples, frequency * multiple, amplitude, decay)
    attack = int(timbre.attack * RATE)
    for index in range(attack):
        samples[index] *= 0.5 - 0.5 * math.cos(math.pi * index / attack)
    for index in range(released):
        samples[held + index] *= 0.5 + 0.5 * math.cos(math.pi * (index + 1) / released)
    return samples


def _add_partial(samples: array[float], frequency: float, amplitude: float, decay: float) -> None:
    """A decaying sine by recursion, y[n] = 2 r cos(w) y[n-1] - r² y[n-2]: two products a sample instead of a sine."""
    turn = 2 * math.pi * frequency / RATE
    shrink = math.exp(-1 / (decay * RATE))
    first, second = 2 * shrink * math.cos(turn), -shrink * shrink
    before, present = -amplitude * math.sin(turn) / shrink, 0.0
    for index in range(len(samples)):
        samples[index] += present
        before, present = present, first * present + second * before


def _add(total: array[float], sound: array[float], start: int, gain: float) -> None:
    """Adds a note; what goes beyond the end belongs to the beginning."""
    fits = min(len(sound), LENGTH - start)
    for begin, part in ((start, sound[:fits]), (0, sound[fits:])):
        if part:
            present = total[begin : begin + len(part)]
            mixed = [old + gain * new for old, new in zip(present, part, strict=True)]
            total[begin : begin + len(part)] = array("d", mixed)


def _room(dry: array[float]) -> array[float]:
    """Four soft echoes, around the loop, so that the notes do not stand in a dead room."""
    delays = [int(seconds * RATE) for seconds in (0.053, 0.097, 0.163, 0.241)]
    lanes = [dry[-delay:] + dry[:-delay] for delay in delays]
    return array(
        "d",
        (a + 0.24 * b + 0.19 * c + 0.14 * d + 0.10 * e for a, b, c, d, e in zip(dry, *lanes, strict=True)),
    )
