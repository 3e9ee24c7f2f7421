"""Both sides of a recording on one time line: an hour of loss, jitter and clocks that run off, by its own clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, header
from tests.unit.media.still import CLOCK, G722, L16, MS, OPUS, PCMU, RATE, Coder, Still, sine, stream

CLICK = 0.004
"""Seconds of a loud tone."""
SETTLED = 12
"""Packets of silence after which a coder says the same again and again."""
RINGS = 4
"""Packets after a click that are not yet silence to a coder with a memory."""


class Talker:
    """One side that is silent but for clicks at given moments, its packets late and lost as on a bad line."""

    def __init__(self, kind: int, ptime: int, ppm: float, seed: int) -> None:
        self.kind, self.ptime, self.ppm = kind, ptime, ppm
        self.seed = seed

    def packets(self, still: Still, seconds: float, moments: Samples) -> tuple[Samples, list[bytes], set[int]]:
        """Arrival times (ns), datagrams, and which of the moments were lost."""
        dice = np.random.default_rng(self.seed)
        rate, real = RATE[self.kind], 1 + self.ppm / 1e6
        frame, click = rate * self.ptime // 1000, int(CLICK * rate)
        count = int(seconds * 1000 / self.ptime / real)
        number = np.arange(count)
        spoken = (number + 1) * self.ptime * MS * real
        # Queues hold up, they do not turn round.
        arrival = np.maximum.accumulate(spoken + 30 * MS + dice.uniform(0, 40, count) * MS)
        kept = dice.random(count) >= 0.01
        sample = np.floor(moments * rate / real).astype(int)
        coder = Coder(still.c, self.kind)
        silence = np.zeros(frame, dtype=np.int16)
        quiet = [coder.encode(silence) for _ in range(SETTLED)][-1]
        payloads: dict[int, bytes] = {}
        lost = set()
        for index, at in enumerate(sample):
            # The whole click in one packet, so that it is there or not.
            first, place = int(at // frame), min(int(at % frame), frame - click)
            loud = silence.copy()
            loud[place : place + click] = sine(1000, CLICK, rate, 24000)
            for after in range(RINGS):
                payloads[first + after] = coder.encode(silence if after else loud)
            for _ in range(SETTLED if self.kind in (G722, OPUS) else 0):
                coder.encode(silence)
            # What an Opus coder is given comes out 6.5 ms later, so that the next packet may have it.
            if not kept[first : first + 1 + (self.kind == OPUS)].all():
                lost.add(index)
        coder.close()
        step = CLOCK[self.kind] * self.ptime // 1000
        data = [
            header(self.kind, (each + 9) % 65536, (each * step + 77) % 2**32, 5) + payloads.get(each, quiet)
            for each in number[kept].tolist()
        ]
        return arrival[kept], data, lost


def recorded(
    still: Still, talkers: tuple[Talker, Talker], seconds: float, moments: Samples, rate: int
) -> list[Samples]:
    """Where the clicks are in the file, in seconds; NaN where the packet was lost."""
    ports = [still.port(talker.kind, ptime=talker.ptime) for talker in talkers]
    still.recorder(*ports, rate=rate)
    file = np.zeros((int((seconds + 2) * rate), 2), dtype=np.int16)
    sides = [talker.packets(still, seconds, moments) for talker in talkers]
    data = [one for side in sides for one in side[1]]
    sizes = np.array([len(one) for one in data])
    starts = np.cumsum(sizes) - sizes
    times = np.concatenate([side[0] for side in sides])
    whose = np.concatenate([np.full(len(side[0]), port) for side, port in zip(sides, ports, strict=True)])
    order, blob = np.argsort(times, kind="stable"), b"".join(data)
    for part in np.array_split(order, max(1, len(order) // 500)):
        still.play(times[part], whose[part], starts[part], sizes[part], blob)
        still.recorded(file)
    length = still.end_recorder(file)
    assert length / rate == pytest.approx(seconds, abs=0.2)
    found = []
    for side in (0, 1):
        loud = np.flatnonzero(np.abs(file[:length, side].astype(np.int32)) > 6000)
        begins = loud[np.flatnonzero(np.diff(loud, prepend=-(10**9)) > rate // 100)] / rate
        places = np.full(len(moments), np.nan)
        there = [index for index in range(len(moments)) if index not in sides[side][2]]
        # What is lost beside a click is heard twice or by half: the first sound within a second counts.
        begins = begins[[int(np.flatnonzero(begins > moments[index] - 0.5)[0]) for index in there]]
        assert len(begins) == len(there), "every click that came is there once"
        assert np.all(np.abs(begins - moments[there]) < 0.5)
        places[there] = begins
        found.append(places)
    return found


HOURS: list[Any] = [
    (Talker(PCMU, 20, 200, 1), Talker(PCMU, 20, -200, 2), 8000),
    (Talker(PCMU, 20, -200, 1), Talker(PCMU, 20, 0, 2), 8000),
    (Talker(G722, 20, 200, 3), Talker(OPUS, 20, -200, 4), 16000),
]


@pytest.mark.parametrize(
    ("one", "other", "rate"), HOURS, ids=["PCMU 400 ppm apart", "PCMU 200 ppm apart", "G722 and opus"]
)
def test_a_click_on_both_sides_is_within_20_ms_all_through_an_hour(
    still: Still, one: Talker, other: Talker, rate: int
) -> None:
    moments = np.arange(5.0, 3595.0, 7.3)
    left, right = recorded(still, (one, other), 3600, moments, rate)
    apart = np.abs(left - right)
    assert np.count_nonzero(~np.isnan(apart)) > 400
    assert np.nanmax(apart) <= 0.020
    drift = (left - moments)[~np.isnan(left)]
    assert np.ptp(drift) <= 0.020, "the file's time is the box's time"


@pytest.mark.parametrize(
    ("left", "right", "rate"),
    [
        (Talker(PCMU, 20, 200, 3), Talker(PCMU, 60, -200, 4), 8000),
        (Talker(PCMU, 20, -200, 5), Talker(L16, 20, 200, 6), 16000),
        (Talker(L16, 20, -200, 7), Talker(PCMU, 10, 0, 8), 8000),
        (Talker(OPUS, 20, -200, 9), Talker(PCMU, 20, 200, 10), 16000),
        (Talker(G722, 20, -200, 11), Talker(OPUS, 40, 200, 12), 8000),
    ],
    ids=["ptime 20 and 60", "narrow and wide at 16 kHz", "wide and narrow at 8 kHz", "opus and PCMU", "wide at 8 kHz"],
)
def test_neither_packet_length_nor_codec_moves_a_side(still: Still, left: Talker, right: Talker, rate: int) -> None:
    one, other = recorded(still, (left, right), 120, np.arange(5.0, 118.0, 1.7), rate)
    assert np.nanmax(np.abs(one - other)) <= 0.020


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
@pytest.mark.parametrize("silent", [False, True], ids=["cut", "silence"])
def test_start_pause_and_end_are_within_one_packet(still: Still, kind: int, silent: bool) -> None:
    rate = 8000 if kind == PCMU else 16000
    one, other = still.port(kind), still.port(kind)
    source = {PCMU: 8000, G722: 16000, OPUS: 48000}[kind]
    tone = sine(1000, 3.0, source)
    file = np.zeros((4 * rate, 2), dtype=np.int16)
    talk = sorted(
        stream(still, one, kind, tone, ssrc=1) + stream(still, other, kind, tone, ssrc=2), key=lambda sent: sent.at
    )

    def until(moment: float) -> None:
        now = [sent for sent in talk if sent.at <= moment * 1e9]
        del talk[: len(now)]
        still.run(int(moment * 1e9), now)

    until(0.505)
    still.recorder(one, other, rate=rate)
    until(1.003)
    still.recorder(one, other, running=False, silent=silent, rate=rate)
    until(1.551)
    still.recorder(one, other, rate=rate)
    until(2.107)
    length = still.end_recorder(file)
    parts = [0.498, 0.548 if silent else 0.0, 0.556]
    assert length / rate == pytest.approx(sum(parts), abs=0.001)
    loud = np.abs(file[:length].astype(int)).max(axis=1) > 2000
    # An envelope of a tone of 1 kHz: loud within each millisecond of it.
    envelope = loud[: length // (rate // 1000) * (rate // 1000)].reshape(-1, rate // 1000).any(axis=1)
    packet, delay = 0.021, 0.012
    begin, pause = int(packet * 1000 + delay * 1000), int(parts[0] * 1000)
    assert envelope[begin : pause - int(packet * 1000)].all(), "from within a packet of the start to that of the pause"
    if silent:
        gone = int((parts[0] + parts[1]) * 1000)
        assert not envelope[pause + 1 : gone - 1].any(), "not one packet of what was said in the pause"
        assert envelope[gone + begin : -int(packet * 1000)].all()
    else:
        assert envelope[pause + begin : -int(packet * 1000)].all()


@pytest.mark.parametrize("running", [True, False], ids=["nobody sends", "paused with silence"])
def test_the_file_says_how_far_it_is_while_nothing_is_heard(still: Still, running: bool) -> None:
    """After a crash the silence is as long as it was: what the header says is never older than a few seconds."""
    one, other, rate = still.port(), still.port(), 8000
    file = np.zeros((700 * rate, 2), dtype=np.int16)
    still.recorder(one, other)
    still.run(1000 * MS, stream(still, one, PCMU, sine(1000, 1.0, 8000)))
    still.recorder(one, other, running=running, silent=True)
    told = set()
    for second in range(2, 600):
        still.run(second * 1000 * MS)
        still.recorded(file)
        frames, at = still.moment()
        assert still.now - at < 10_000 * MS
        assert frames / rate == pytest.approx(at / 1e9, abs=0.05)
        told.add(at)
    assert len(told) < 200, "and not all the time"
    still.recorder(one, other, running=False)
    still.recorded(file)
    told = {still.moment()[1]}
    still.run(660_000 * MS)
    still.recorded(file)
    assert told == {still.moment()[1]}, "no time passes"
    assert still.end_recorder(file) / rate == pytest.approx(599, abs=0.05)


def test_a_codec_that_changes_during_the_call_changes_no_length(still: Still) -> None:
    one, other = still.port(G722), still.port(PCMU)
    still.recorder(one, other, rate=16000)
    file = np.zeros((4 * 16000, 2), dtype=np.int16)
    first = stream(still, one, G722, sine(3000, 1.0, 16000))
    second = stream(still, one, PCMU, sine(1000, 1.0, 8000), start=1000 * MS, sequence=200, timestamp=90000)
    still.run(2 * 10**9, first + second)
    length = still.end_recorder(file)
    assert length == pytest.approx(32000, abs=32)
    left = file[:length, 0].astype(float)

    def strongest(part: Samples) -> float:
        return float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * 16000 / len(part))

    assert strongest(left[2000:14000]) == pytest.approx(3000, abs=10)
    assert strongest(left[18000:30000]) == pytest.approx(1000, abs=10)
