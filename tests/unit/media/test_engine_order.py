"""Packets that overtake each other on the way: a recording has them in the order they were spoken."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, header
from tests.unit.media.still import EVENTS, G722, L16, MS, OPUS, PCMU, RATE, Sent, Still, sine, stream

KINDS = [PCMU, G722, OPUS, L16]
NAMES = {PCMU: "PCMU", G722: "G722", OPUS: "opus", L16: "L16"}


def speech(rate: int, seconds: float) -> Samples:
    """A tone that glides, so that no part of it is like another."""
    at = np.arange(int(seconds * rate)) / rate
    return (8000 * np.sin(2 * np.pi * (300 * at + 200 * at**2))).astype(np.int16)


def recorded(still: Still, talk: list[Sent], *, rate: int = 16000, until: float = 2.4) -> Samples:
    """The left side of a recording of these packets."""
    port, other = 1, 2
    file = np.zeros((4 * rate, 2), dtype=np.int16)
    still.recorder(port, other, rate=rate)
    still.run(int(until * 1e9), talk)
    return file[: still.end_recorder(file), 0]


def plain(still: Still, kind: int, **options: int) -> list[Sent]:
    one, _ = still.port(kind), still.port(kind)
    return stream(still, one, kind, speech(RATE[kind], 2.0), start=100 * MS, **options)


def moved(talk: list[Sent], late: dict[int, int]) -> list[Sent]:
    """Packets by their number, as many ms late; the others as they are."""
    return [Sent(sent.at + late.get(number, 0) * MS, sent.port, sent.data) for number, sent in enumerate(talk)]


def gone(samples: Samples, rate: int) -> int:
    """How many milliseconds within the sound are silent."""
    parts = np.abs(samples[: len(samples) // (rate // 1000) * (rate // 1000)].astype(int)).reshape(-1, rate // 1000)
    loud = np.flatnonzero(parts.max(axis=1) > 500)
    # The tone crosses zero: five silent milliseconds in a row are none of its own.
    return int(sum(gap - 1 for gap in np.diff(loud) if gap > 5))


@pytest.mark.parametrize("kind", KINDS, ids=NAMES.values())
@pytest.mark.parametrize("late", [25, 45, 85], ids="by {} ms".format)
def test_what_was_overtaken_is_where_it_belongs(loaded: ctypes.CDLL, kind: int, late: int) -> None:
    files, rate = [], 8000 if kind == PCMU else 16000
    for delays in ({}, dict.fromkeys(range(10, 95, 7), late)):
        still = Still(loaded)
        files.append(recorded(still, moved(plain(still, kind), delays), rate=rate))
        still.close()
    assert len(files[0]) == len(files[1])
    assert np.array_equal(*files), "as if nobody had overtaken anybody"
    assert gone(files[1], rate) == 0


@pytest.mark.parametrize("kind", [G722, OPUS], ids=["G722", "opus"])
def test_what_is_lost_is_waited_for_no_longer_than_the_file_can_wait(still: Still, kind: int) -> None:
    talk = plain(still, kind)
    lost = {20, 41, 42, 60, 61, 62}
    left = recorded(still, [sent for number, sent in enumerate(talk) if number not in lost])
    assert gone(left, 16000) <= 60, "made up, the longer the softer"


@pytest.mark.parametrize("kind", [G722, OPUS], ids=["G722", "opus"])
def test_what_comes_too_late_disturbs_nothing(loaded: ctypes.CDLL, kind: int) -> None:
    files = []
    for late in (False, True):
        still = Still(loaded)
        talk = plain(still, kind)
        straggler = talk.pop(30)
        files.append(recorded(still, talk + [Sent(straggler.at + 500 * MS, 1, straggler.data)] * late))
        still.close()
    assert np.array_equal(*files)


@pytest.mark.parametrize("kind", [G722, OPUS], ids=["G722", "opus"])
def test_a_pause_in_the_middle_of_waiting_keeps_what_was_said_before_and_nothing_after(still: Still, kind: int) -> None:
    """The packet before the pause never comes: those after it, which wait, were said before the pause all the same."""
    talk = plain(still, kind)
    del talk[43]
    file = np.zeros((4 * 16000, 2), dtype=np.int16)
    still.recorder(1, 2, rate=16000)
    still.run(1001 * MS, [sent for sent in talk if sent.at <= 1001 * MS])
    still.recorder(1, 2, rate=16000, running=False)
    still.run(2500 * MS, [sent for sent in talk if sent.at > 1001 * MS])
    left = file[: still.end_recorder(file), 0]
    assert len(left) == pytest.approx(16016, abs=16)
    # Packet 45 came at 1.0 s; its sound is at the end.
    assert np.abs(left[-400:-100].astype(int)).max() > 4000
    assert gone(left, 16000) <= 8, "it is made up"


def test_keys_and_comfort_noise_leave_no_hole_to_wait_for(still: Still) -> None:
    """They have numbers of the same row, and no sound: what follows is recorded when it comes."""
    talk = plain(still, G722)
    for number in (30, 31, 32):
        head = header(EVENTS, 100 + number, 7000 + 30 * 160, 77)
        talk[number] = Sent(talk[number].at, 1, head + bytes((5, 10, 0, 160)))
    file = np.zeros((4 * 16000, 2), dtype=np.int16)
    still.recorder(1, 2, rate=16000)
    still.run(int(2.4e9), talk)
    left = file[: still.end_recorder(file), 0]
    assert gone(left, 16000) == pytest.approx(60, abs=8)


def test_a_leap_of_the_numbers_begins_anew(still: Still) -> None:
    """Another SSRC, or numbers that leap, while packets wait."""
    one = still.port(G722)
    still.port(G722)
    tone = sine(1000, 0.6, 16000)
    first = stream(still, one, G722, tone, start=100 * MS, ssrc=5)
    del first[27]
    second = stream(still, one, G722, tone, start=700 * MS, ssrc=6, sequence=40000)
    third = stream(still, one, G722, tone, start=1300 * MS, ssrc=6, sequence=41000, timestamp=7000 + 4800)
    left = recorded(still, first + second + third)
    assert gone(left, 16000) <= 20 + 2 * 8


def test_a_large_packet_waits_for_nobody(still: Still) -> None:
    """More than a slot holds: its sound is in the file, whatever was overtaken."""
    one = still.port(G722, ptime=200)
    still.port(G722)
    talk = stream(still, one, G722, sine(1000, 2.0, 16000), start=100 * MS, ptime=200)
    del talk[4]
    left = recorded(still, talk)
    assert gone(left, 16000) == pytest.approx(200, abs=8)
