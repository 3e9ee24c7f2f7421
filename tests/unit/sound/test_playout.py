"""The buffer between two clocks: an hour of skew without a tear and without a delay that grows, in simulated time."""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections.abc import Iterator

import numpy as np
import pytest

from appliance.sound.playout import PlayBuffer, stretch

CLOCK = 16000
PACKET = CLOCK // 50


def tone(start: int, count: int, hertz: float = 500.0) -> array[int]:
    return array(
        "h", (round(8000 * math.sin(2 * math.pi * hertz * place / CLOCK)) for place in range(start, start + count))
    )


def play(
    buffer: PlayBuffer, seconds: float, ppm: float, take: int = 2 * PACKET, jitter: float = 0.0, sounding: bool = False
) -> Iterator[tuple[float, float, array[int]]]:
    """Packets each 20 ms of the engine's time, `take` samples at a time in the card's; gives (time, delay, block)."""
    dice = random.Random(7)
    packets = (0.02 * number + dice.random() * jitter for number in itertools.count())
    arrivals = sorted(itertools.takewhile(lambda at: at < seconds, packets))
    period = take / CLOCK / (1 + ppm * 1e-6)
    silence, sent, card, here = tone(0, 1) * PACKET, 0, 0.0, 0
    while card < seconds - jitter - 0.1:
        while here < len(arrivals) and arrivals[here] <= card:
            buffer.push(tone(sent, PACKET) if sounding else silence)
            sent += PACKET
            here += 1
        yield card, buffer.delay, buffer.take(take)
        card += period


@pytest.mark.parametrize("ppm", [-300.0, -50.0, 0.0, 100.0, 300.0])
@pytest.mark.parametrize("take", [PACKET, 2 * PACKET, 441])
def test_skew_neither_tears_nor_delays(ppm: float, take: int) -> None:
    buffer = PlayBuffer(CLOCK)
    delays = [delay for at, delay, _ in play(buffer, 600.0, ppm, take) if at > 5.0]
    assert buffer.torn == buffer.thrown == 0
    # Unheeded, 300 ppm would have added (or taken) 180 ms by now.
    assert max(delays) < 0.13
    assert np.mean(delays[-500:]) == pytest.approx(np.mean(delays[:500]), abs=0.03)


def test_a_tone_stays_whole_while_its_length_is_mended() -> None:
    buffer = PlayBuffer(CLOCK)
    blocks = [block for at, _, block in play(buffer, 60.0, 300.0, sounding=True) if at > 1.0]
    played = np.concatenate([np.array(block, dtype=np.float64) for block in blocks])
    steps = np.abs(np.diff(played))
    # A sample left out or doubled would be a step beyond the tone's own steepest.
    assert steps.max() < 8000 * 2 * math.pi * 500 / CLOCK * 1.1
    windows = played[: len(played) // 1600 * 1600].reshape(-1, 1600)
    assert np.sqrt((windows**2).mean(axis=1)).min() > 5400


def test_late_packets_make_it_hold_more_until_they_tear_no_longer() -> None:
    buffer = PlayBuffer(CLOCK)
    torn = [(at, buffer.torn) for at, _, _ in play(buffer, 300.0, 20.0, jitter=0.09)]
    assert buffer.torn <= 8
    at_half = next(count for at, count in torn if at > 150.0)
    assert buffer.torn - at_half <= 2


def test_the_end_of_a_stream_is_no_tear_and_the_next_one_begins_soon() -> None:
    buffer = PlayBuffer(CLOCK)
    for _ in range(10):
        for number in range(50):
            buffer.push(tone(number * PACKET, PACKET))
            if number >= 4:
                buffer.take(PACKET)
        for _ in range(100):
            buffer.take(PACKET)
        assert buffer.delay == 0.0
    assert buffer.torn == 0


def test_a_short_burst_is_played_and_not_kept_for_the_next_one() -> None:
    buffer = PlayBuffer(CLOCK)
    for _ in range(60):
        buffer.take(PACKET)
    buffer.push(tone(0, PACKET))
    played = [any(buffer.take(PACKET)) for _ in range(60)]
    assert any(played)
    assert buffer.delay == 0.0


def test_a_card_that_stood_still_leaves_no_delay_behind() -> None:
    buffer = PlayBuffer(CLOCK)
    for number in range(500):
        buffer.push(tone(number * PACKET, PACKET))
        assert buffer.delay <= 0.5
    assert buffer.thrown > 0


@pytest.mark.parametrize("count", [1, 2, 319, 320, 321, 640])
def test_stretching_keeps_the_ends(count: int) -> None:
    block = tone(3, 320)
    stretched = stretch(block, count)
    assert len(stretched) == count
    if count > 1:
        assert (stretched[0], stretched[-1]) == (block[0], block[-1])
    assert stretch(array("h"), 3) == array("h", [0, 0, 0])
