"""Hours of talk with a telephone whose clock runs off: everything that is heard is looked at for clicks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, header
from tests.unit.media.still import L16_8, MS, PCMU, Still

HOURS = 2
STANDS_OUT = 10
"""dB that a jump of a thirtieth of the voice's amplitude stands out by."""


def voiced(seconds: int) -> Samples:
    """As a voice is for a receiver: harmonics of a pitch that wanders, words of changing loudness, pauses between
    and at both ends. Nothing above 1.5 kHz, so that whatever is there afterwards was made on the way."""
    at = np.arange(seconds * 8000) / 8000
    pitch = 140 + 25 * np.sin(2 * np.pi * 0.31 * at) + 12 * np.sin(2 * np.pi * 1.7 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    wave = sum(np.sin(n * phase + n * n) / n for n in range(1, 9))
    word = np.clip(3 * np.sin(2 * np.pi * 0.45 * at + 1), 0, 1) * (0.6 + 0.4 * np.sin(2 * np.pi * 3.1 * at))
    ends = np.clip(np.minimum(at, seconds - at) * 10 - 3, 0, 1)
    return (3000 * wave * word * ends).astype(np.int16)


def sharp(sound: Samples) -> Samples:
    """Energy above 2.5 kHz in each 4 ms, in dB: a jump within the sound has it, the sound itself has none."""
    taps = np.arange(-32, 33)
    low = np.sinc(taps * 5000 / 8000) * 5000 / 8000 * np.hamming(65)
    high = -low
    high[32] += 1
    rest = np.convolve(sound.astype(np.float32), high.astype(np.float32), mode="same")
    parts = rest[: len(rest) // 32 * 32].reshape(-1, 32)
    return 10 * np.log10((parts**2).mean(axis=1) + 1)


def packets(payloads: Samples, first: int) -> bytes:
    """One after the other, of a party that began with number 0."""
    count = len(payloads)
    numbers = (np.arange(count) + first) & 0xFFFF
    stamps = (np.arange(count) + first) * 160 & 0xFFFFFFFF
    heads = np.frombuffer(header(L16_8, 0, 0, 5) * count, dtype=np.uint8).reshape(count, 12).copy()
    heads[:, 2:4] = numbers.astype(">u2").view(np.uint8).reshape(count, 2)
    heads[:, 4:8] = stamps.astype(">u4").view(np.uint8).reshape(count, 4)
    return np.concatenate([heads, payloads], axis=1).tobytes()


def test_the_detector_of_clicks_finds_one() -> None:
    clean = voiced(60)
    loud = int(np.argmax(np.abs(clean[8000:16000].astype(int)))) + 8000
    for click in (200, -200):
        broken = clean.copy()
        broken[loud:] = np.clip(clean[loud:].astype(int) + click, -32768, 32767)
        assert sharp(broken).max() > sharp(clean).max() + STANDS_OUT


@pytest.mark.parametrize("ppm", [-200.0, 200.0])
def test_hours_of_talk_without_a_click(still: Still, ppm: float) -> None:
    minute = voiced(60)
    payloads = np.frombuffer(minute.astype(">i2").tobytes(), dtype=np.uint8).reshape(-1, 320)
    a, b = still.port(L16_8), still.port(L16_8)
    still.mix([(b, a, 1.0), (b, still.port(PCMU), 1.0)])
    real, loudest, heard = 1 + ppm / 1e6, [], 0
    for part in range(HOURS * 60):
        still.listen((np.arange(3000) + 3000 * part) * 20 * MS * real, a, 332, packets(payloads, 3000 * part))
        sound = np.frombuffer(b"".join(packet.payload for packet in still.heard[b]), dtype=">i2")
        still.heard[b].clear()
        heard += len(sound)
        loudest.append(sharp(sound).max())
    playout = still.playout(a)
    off = HOURS * 3600 * 200e-6
    assert playout["late"] == 0 and playout["concealed"] <= 4, playout
    assert heard / 8000 == pytest.approx(HOURS * 3600 * real, abs=0.3), "no less is heard, and no more"
    moved = playout["cut"] if ppm < 0 else playout["stretched"]
    assert moved >= off / 0.015, "all of it was made up, by periods of at most 15 ms"
    clean = sharp(minute.astype(float)).max()
    assert max(loudest) <= clean + STANDS_OUT, f"{max(loudest):.0f} dB beside {clean:.0f}"
