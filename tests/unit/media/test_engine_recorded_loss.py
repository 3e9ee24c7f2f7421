"""Recordings of a line that loses packets: holes are filled as they are for a listener, and only holes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.unit.media.rtp import Samples
from tests.unit.media.still import G722, L16, MS, OPUS, PCMU, RATE, Sent, Still, amplitude, sine, stream


def recorded(still: Still, kind: int, packets: list[Sent], seconds: int) -> tuple[Samples, int]:
    """The left side of the file, and its rate."""
    rate = 8000 if kind == PCMU else 16000
    file = np.zeros((rate * (seconds + 1), 2), dtype=np.int16)
    still.recorder(packets[0].port, still.port(PCMU), rate=rate)
    for second in range(1, seconds + 1):
        still.run(second * 1000 * MS, [p for p in packets if (second - 1) * 1000 * MS <= p.at < second * 1000 * MS])
        still.recorded(file)
    length = still.end_recorder(file)
    return file[:length, 0], rate


def holes(sound: Samples, rate: int, least: float) -> int:
    parts = np.array_split(sound, len(sound) * 50 // rate)
    return sum(amplitude(part, 400, rate) < least for part in parts)


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS, L16])
def test_what_was_lost_is_made_up(still: Still, kind: int) -> None:
    dice = random.Random(2)
    packets = stream(still, still.port(kind), kind, sine(400, 10.0, RATE[kind]), fec=20)
    kept = [p for number, p in enumerate(packets) if number < 10 or dice.random() > 0.03]
    assert len(packets) - len(kept) > 8
    sound, rate = recorded(still, kind, kept, 10)
    assert holes(sound[rate : 9 * rate], rate, 300 if kind == OPUS else 3500) <= 1, "Opus makes it up softly"


@pytest.mark.parametrize("kind", [PCMU, G722, L16])
def test_what_was_late_is_heard_as_it_was_said(still: Still, kind: int) -> None:
    """Overtaken by up to three packets, and nothing is made up for one that comes."""
    dice = random.Random(2)
    source = still.port(kind)
    packets = stream(still, source, kind, sine(400, 5.0, RATE[kind]))
    smooth, _ = recorded(still, kind, packets, 5)
    again = Still(still.c)
    late = [
        Sent(p.at + dice.choice((0, 0, 0, 45, 65)) * MS, again.port(kind) if not n else 1, p.data)
        for n, p in enumerate(packets)
    ]
    rough, rate = recorded(again, kind, late, 5)
    again.close()
    best = min(
        float(np.abs(smooth[rate : 4 * rate].astype(float) - rough[rate + shift : 4 * rate + shift]).max())
        for shift in range(-rate // 50, rate // 50)
    )
    assert best <= 600, "but for where the clocks are brought together"


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_a_pause_of_the_party_is_silence(still: Still, kind: int) -> None:
    """DTX: the sequence goes on, the time leaps."""
    packets = stream(still, still.port(kind), kind, sine(400, 4.0, RATE[kind]))
    spoken = [p for p in packets if p.at // (1000 * MS) != 2]
    for number, packet in enumerate(spoken):
        packet.data = packet.data[:2] + (100 + number).to_bytes(2, "big") + packet.data[4:]
    sound, rate = recorded(still, kind, spoken, 4)
    assert np.abs(sound[int(2.15 * rate) : int(2.95 * rate)]).max() < 200
    assert holes(sound[int(0.2 * rate) : int(1.9 * rate)], rate, 6000) == 0
    assert holes(sound[int(3.2 * rate) : int(3.8 * rate)], rate, 6000) == 0


def test_more_than_is_worth_making_up_is_silence(still: Still) -> None:
    packets = stream(still, still.port(PCMU), PCMU, sine(400, 3.0, 8000))
    gone = [p for p in packets if not 1000 * MS <= p.at < 1500 * MS]
    sound, _ = recorded(still, PCMU, gone, 3)
    assert np.abs(sound[8500:11800]).max() == 0
