"""Tones of the parties, and what recorded audio tells: which tones are in it, whether a prompt was spoken."""

from __future__ import annotations

import io
import subprocess
import tempfile
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.unit.media.rtp import RATE, Samples, level, tone

TONES = ONE, TWO, THREE, FOUR, FIVE = (905, 1017, 1141, 1281, 1438)
"""One a party: halfway between the notes of music (A = 440 Hz), so that hold music is never taken for a party."""
LEAST = 1200.0
"""Amplitude from which a tone counts as heard; parties send 8000."""


SLEW = 1 + 1 / 160
"""A recorder that brings a late sender back in step lays one sample more, or less, a packet of 20 ms."""


def heard(samples: Samples, tones: Iterable[int] = TONES) -> set[int]:
    """Which of the parties' tones are in the samples for most of the time (not only for a moment)."""
    if len(samples) < RATE // 10:
        return set()
    parts = np.array_split(samples, max(1, len(samples) // 1600))

    def strength(part: Samples, hertz: int) -> float:
        return max(level(part, hertz), level(part, hertz / SLEW), level(part, hertz * SLEW))

    return {hertz for hertz in tones if np.median([strength(part, hertz) for part in parts]) >= LEAST}


def loudness(samples: Samples) -> float:
    """Root mean square; a party's tone has about 5600, silence under 20."""
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0


def sounds(samples: Samples) -> bool:
    """Whether something can be heard: speech, music, a tone."""
    return loudness(samples) > 100


def write_tone(path: Path, hertz: int, seconds: float) -> Path:
    """An 8 kHz mono WAV of one tone."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(tone(hertz, seconds).astype("<i2").tobytes())
    return path


def stereo(data: bytes) -> tuple[Samples, Samples]:
    """Left and right of a 16-bit stereo WAV at 8 kHz, as an ordinary reader sees it. Raises wave.Error.

    A recording that the box has made Opus of in the meantime (it does so as soon as it has time) is decoded first.
    """
    if data.startswith(b"OggS"):
        data = _decoded(data)
    with wave.open(io.BytesIO(data)) as source:
        assert (source.getnchannels(), source.getsampwidth(), source.getframerate()) == (2, 2, RATE)
        samples = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2")
    return samples[0::2], samples[1::2]


def _decoded(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        opus, played = Path(folder, "recording.opus"), Path(folder, "recording.wav")
        opus.write_bytes(data)
        command = ["opusdec", "--quiet", "--rate", str(RATE), "--force-wav", str(opus), str(played)]
        subprocess.run(command, check=True, capture_output=True)
        return played.read_bytes()


def mono(path: Path) -> Samples:
    """A 16-bit mono WAV at 8 kHz."""
    with wave.open(str(path)) as source:
        assert (source.getnchannels(), source.getsampwidth(), source.getframerate()) == (1, 2, RATE)
        return np.frombuffer(source.readframes(source.getnframes()), dtype="<i2")


def growing(path: Path, last: float) -> Samples:
    """The last seconds of a mono WAV that somebody is still writing."""
    size = max(0, path.stat().st_size - 44) // 2
    count = min(size, int(last * RATE))
    with path.open("rb") as source:
        source.seek(44 + (size - count) * 2)
        return np.frombuffer(source.read(count * 2), dtype="<i2")


def spoken(samples: Samples, prompt: Samples) -> float:
    """How surely the prompt is somewhere in the samples, whole: the peak of the normalised correlation, 0 to 1."""
    if len(samples) < len(prompt) or not len(prompt):
        return 0.0
    heard_, said = samples.astype(np.float64), prompt.astype(np.float64)
    size = 1 << (len(heard_) + len(said)).bit_length()
    product = np.fft.rfft(heard_, size) * np.conj(np.fft.rfft(said, size))
    matches = np.fft.irfft(product, size)[: len(heard_) - len(said) + 1]
    energy = np.cumsum(np.concatenate(([0.0], heard_**2)))
    windows = energy[len(said) :] - energy[: -len(said)]
    return float(np.max(matches / np.sqrt(np.maximum(windows, 1.0) * np.sum(said**2))))
