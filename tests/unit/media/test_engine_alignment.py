"""Both sides of a recording on one time line: an hour of loss, jitter and clocks that run off, by its own clock."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, header
from tests.unit.media.still import G722, L16, MS, OPUS, PCMU, Still, library, sine, stream

LOUD_MULAW, QUIET_MULAW = 0x00, 0xFF
CLICK = 8
"""Samples at 8 kHz: a millisecond."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return library(tmp_path_factory.mktemp("still"))


@pytest.fixture
def still(loaded: ctypes.CDLL) -> Iterator[Still]:
    made = Still(loaded)
    yield made
    made.close()


class Talker:
    """One side that is silent but for clicks at given moments, its packets late and lost as on a bad line."""

    def __init__(self, kind: int, ptime: int, ppm: float, seed: int) -> None:
        self.kind, self.ptime, self.ppm = kind, ptime, ppm
        self.wide = 2 if kind == L16 else 1
        self.dice = np.random.default_rng(seed)

    def packets(self, seconds: float, moments: Samples) -> tuple[Samples, list[bytes], set[int]]:
        """Arrival times (ns), datagrams, and which of the moments were lost."""
        frame, real = 8 * self.ptime * self.wide, 1 + self.ppm / 1e6
        count = int(seconds * 1000 / self.ptime / real)
        number = np.arange(count)
        spoken = (number + 1) * self.ptime * MS * real
        # Queues hold up, they do not turn round.
        arrival = np.maximum.accumulate(spoken + 30 * MS + self.dice.uniform(0, 40, count) * MS)
        kept = self.dice.random(count) >= 0.01
        sample = np.floor(moments * 8000 * self.wide / real).astype(int)
        clicks: dict[int, list[int]] = {}
        lost = set()
        for index, at in enumerate(sample):
            place = int(at % frame)
            # The whole click in one packet, so that it is there or not.
            place = min(place, frame - CLICK * self.wide)
            clicks.setdefault(int(at // frame), []).append(place)
            if not kept[at // frame]:
                lost.add(index)
        step = 8 * self.ptime * self.wide
        data = []
        for each in number[kept]:
            samples = np.zeros(frame, dtype=bool)
            for place in clicks.get(int(each), ()):
                samples[place : place + CLICK * self.wide] = True
            if self.kind == L16:
                body = np.where(samples, 20000, 0).astype(">i2").tobytes()
            else:
                body = np.where(samples, LOUD_MULAW, QUIET_MULAW).astype(np.uint8).tobytes()
            data.append(header(self.kind, (int(each) + 9) % 65536, (int(each) * step + 77) % 2**32, 5) + body)
        return arrival[kept], data, lost


def recorded(
    still: Still, talkers: tuple[Talker, Talker], seconds: float, moments: Samples, rate: int
) -> list[Samples]:
    """Where the clicks are in the file, in seconds; NaN where the packet was lost."""
    ports = [still.port(talker.kind, ptime=talker.ptime) for talker in talkers]
    still.recorder(*ports, rate=rate)
    file = np.zeros((int((seconds + 2) * rate), 2), dtype=np.int16)
    sides = [talker.packets(seconds, moments) for talker in talkers]
    most = max(len(one) for side in sides for one in side[1])
    blob = b"".join(one for side in sides for one in side[1])
    sizes = [len(side[1][0]) for side in sides]
    assert most < 2000
    times = np.concatenate([side[0] for side in sides])
    whose = np.concatenate([np.full(len(side[0]), port) for side, port in zip(sides, ports, strict=True)])
    first = len(sides[0][1]) * sizes[0]
    starts = np.concatenate([np.arange(len(sides[0][1])) * sizes[0], first + np.arange(len(sides[1][1])) * sizes[1]])
    order = np.argsort(times, kind="stable")
    for part in np.array_split(order, max(1, len(order) // 500)):
        if sizes[0] == sizes[1]:
            still.play(times[part], whose[part], starts[part], sizes[0], blob)
        else:
            for one in part:
                side = 0 if whose[one] == ports[0] else 1
                still.play(times[[one]], whose[[one]], starts[[one]], sizes[side], blob)
        still.recorded(file)
    length = still.end_recorder(file)
    assert length / rate == pytest.approx(seconds, abs=0.2)
    found = []
    for side in (0, 1):
        loud = np.flatnonzero(np.abs(file[:length, side].astype(np.int32)) > 6000)
        begins = loud[np.flatnonzero(np.diff(loud, prepend=-(10**9)) > rate // 100)] / rate
        places = np.full(len(moments), np.nan)
        there = [index for index in range(len(moments)) if index not in sides[side][2]]
        assert len(begins) == len(there), "every click that came is there once"
        places[there] = begins
        found.append(places)
    return found


@pytest.mark.parametrize("ppm", [(200.0, -200.0), (-200.0, 0.0)])
def test_a_click_on_both_sides_is_within_20_ms_all_through_an_hour(still: Still, ppm: tuple[float, float]) -> None:
    moments = np.arange(5.0, 3595.0, 7.3)
    talkers = (Talker(PCMU, 20, ppm[0], 1), Talker(PCMU, 20, ppm[1], 2))
    left, right = recorded(still, talkers, 3600, moments, 8000)
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
    ],
    ids=["ptime 20 and 60", "narrow and wide at 16 kHz", "wide and narrow at 8 kHz"],
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
