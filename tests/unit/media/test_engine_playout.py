"""The receive side with the test's own clock: jitter, loss, doubles, reordering, clock skew, restarts, pauses."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, continuous
from tests.unit.media.still import G722, MS, OPUS, PCMU, RATE, Sent, Still, amplitude, sine, stream

L8 = 99
"""Heard as L16 at 8 kHz: nothing is lost by the listener's codec."""


def holes(samples: Samples, hertz: float, rate: int = 8000, least: float = 5000) -> int:
    """Parts of 20 ms in which a tone of amplitude 8000 is not heard as it should be."""
    parts = np.array_split(samples, max(1, len(samples) * 50 // rate))
    return sum(amplitude(part, hertz, rate) < least for part in parts)


def clicks(samples: Samples, hertz: float, rate: int = 8000) -> int:
    """Samples that no tone of this frequency and amplitude 8000 could bring: x[n] + x[n-2] - 2 cos(w) x[n-1] is 0."""
    wave = samples.astype(float)
    rest = wave[2:] + wave[:-2] - 2 * np.cos(2 * np.pi * hertz / rate) * wave[1:-1]
    return int((np.abs(rest) > 2500).sum())


def said(
    still: Still, kind: int = PCMU, seconds: float = 4.0, hertz: float = 400, **rest: float
) -> tuple[int, int, list[Sent]]:
    """A party with a tone, a listener that hears it through the playout, and the packets on time."""
    a, b = still.port(kind), still.port(L8)
    still.mix([(b, a, 1.0)])
    return a, b, stream(still, a, kind, sine(hertz, seconds, RATE[kind]), **rest)  # type: ignore[arg-type]


def heard(still: Still, b: int, seconds: float = 4.0, skip: float = 1.0) -> Samples:
    return still.audio(b, L8)[int(skip * 8000) : int((seconds - 0.1) * 8000)]


Change = Callable[[list[Sent]], list[Sent]]


def jittered(milliseconds: float) -> Change:
    seed = random.Random(3)
    return lambda packets: [Sent(p.at + int(seed.uniform(0, milliseconds) * MS), p.port, p.data) for p in packets]


def lossy(percent: float) -> Change:
    seed = random.Random(5)
    return lambda packets: [p for p in packets if seed.random() * 100 >= percent]


def doubled(packets: list[Sent]) -> list[Sent]:
    return [copy for p in packets for copy in (p, Sent(p.at + 3 * MS, p.port, p.data))]


def swapped(packets: list[Sent]) -> list[Sent]:
    return [Sent(p.at + (21 * MS if at % 5 == 4 else 0), p.port, p.data) for at, p in enumerate(packets)]


def stalled(packets: list[Sent]) -> list[Sent]:
    """Nothing for 80 ms each second, then all at once."""
    return [
        Sent(p.at - p.at % (1000 * MS) + 80 * MS if p.at % (1000 * MS) < 80 * MS else p.at, *_rest(p)) for p in packets
    ]


def _rest(packet: Sent) -> tuple[int, bytes]:
    return packet.port, packet.data


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
@pytest.mark.parametrize(
    ("name", "change", "most_holes", "most_clicks", "most_target"),
    [
        ("on time", lambda packets: packets, 0, 0, 14),
        ("20 ms of jitter", jittered(20), 0, 0, 32),
        ("50 ms of jitter", jittered(50), 2, 4, 62),
        ("each one twice", doubled, 0, 0, 14),
        ("every fifth overtaken", swapped, 0, 0, 32),
        ("3 % lost", lossy(3), 4, 8, 14),
        ("stalls of 80 ms", stalled, 1, 12, 100),
    ],
)
def test_what_the_network_does_is_not_heard(
    still: Still, kind: int, name: str, change: Change, most_holes: int, most_clicks: int, most_target: int
) -> None:
    a, b, packets = said(still, kind, seconds=6)
    still.run(6000 * MS, change(packets))
    sound, playout = heard(still, b, 6, 2.0), still.playout(a)
    # Opus makes its own concealment softer than ours.
    assert holes(sound, 400, least=2500 if kind == OPUS else 5000) <= most_holes, (name, playout)
    assert clicks(sound, 400) <= most_clicks, (name, playout)
    copies = 20 if kind == OPUS and "lost" in name else 0
    assert playout["target"] <= most_target + copies, "Opus waits for the copy of what is lost"
    continuous(still.heard[b])


@pytest.mark.parametrize("ppm", [-300, -100, 100, 300])
@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_a_clock_that_runs_off_is_followed_without_a_click(still: Still, kind: int, ppm: int) -> None:
    """Four minutes of 300 ppm are 72 ms: six times what the playout would hold at the start."""
    seconds = 240 if kind == PCMU else 120
    a, b, packets = said(still, kind, seconds=seconds, ppm=ppm)
    still.run(int(seconds * (1 + ppm / 1e6)) * 1000 * MS, packets)
    sound, playout = heard(still, b, seconds, 1.0), still.playout(a)
    assert playout["late"] == 0 and playout["concealed"] <= 4
    assert abs(ppm) * seconds < 25000 or playout["cut" if ppm < 0 else "stretched"] >= 1
    assert holes(sound, 400, least=6000) == 0 and clicks(sound, 400) == 0


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_a_new_timeline_is_heard_at_once(still: Still, kind: int) -> None:
    a, b, packets = said(still, kind, seconds=1.0)
    other = stream(still, a, kind, sine(700, 1.0, RATE[kind]), start=1000 * MS, ssrc=99, sequence=9, timestamp=1 << 31)
    jump = stream(still, a, kind, sine(400, 1.0, RATE[kind]), start=2000 * MS, ssrc=99, sequence=30000, timestamp=5)
    still.run(3000 * MS, packets + other + jump)
    sound = still.audio(b, L8)
    assert amplitude(sound[1200:8000], 400, 8000) > 7000
    assert amplitude(sound[9600:16000], 700, 8000) > 7000
    assert amplitude(sound[17600:23500], 400, 8000) > 7000


@pytest.mark.parametrize("jitter", [0, 30])
@pytest.mark.parametrize("change", ["ssrc", "sequence", "both"])
@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_no_audio_is_lost_where_a_stream_begins_anew(still: Still, kind: int, change: str, jitter: int) -> None:
    """A tone that goes on while the numbers begin anew each second."""
    _, b, packets = said(still, kind, seconds=6.0)
    dice = random.Random(4)
    for number, packet in enumerate(packets):
        second = number // 50
        head = bytearray(packet.data)
        if change != "ssrc":
            head[2:4] = ((100 + number + 20000 * second) & 0xFFFF).to_bytes(2, "big")
        if change != "sequence":
            head[8:12] = (1000 + second).to_bytes(4, "big")
        if change == "both":
            stamp = int.from_bytes(head[4:8], "big") + 1_000_000_007 * second
            head[4:8] = (stamp & 0xFFFFFFFF).to_bytes(4, "big")
        packet.data = bytes(head)
        packet.at += dice.randrange(jitter + 1) * MS if number % 50 else 0
    still.run(6000 * MS, packets)
    sound = heard(still, b, 6.0)
    # A packet with another number waits for the next one, which says whether the sequence began anew: at first
    # that is 20 ms more than the playout was prepared for, and Opus makes its own concealment soft.
    assert holes(sound, 400, least=6000) <= (2 if kind == OPUS and change == "sequence" else 0)
    assert clicks(sound, 400) <= (0 if kind == PCMU else 10)
    continuous(still.heard[b])


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_every_packet_is_forwarded_where_a_stream_begins_anew(still: Still, kind: int) -> None:
    a, b = still.port(kind), still.port(kind)
    still.bridge(a, b)
    packets = stream(still, a, kind, sine(400, 3.0, RATE[kind]))
    for number, packet in enumerate(packets):
        head = bytearray(packet.data)
        head[2:4] = ((100 + number + 20000 * (number // 25)) & 0xFFFF).to_bytes(2, "big")
        head[8:12] = (1000 + number // 50).to_bytes(4, "big")
        packet.data = bytes(head)
    still.run(3000 * MS, packets)
    assert [packet.payload for packet in still.heard[b]] == [packet.data[12:] for packet in packets]
    continuous(still.heard[b])


@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_pauses_without_packets_end_on_time(still: Still, kind: int) -> None:
    """DTX: sequence numbers go on, timestamps jump."""
    a, b, packets = said(still, kind, seconds=6.0)
    spoken = []
    for number, packet in enumerate(p for p in packets if p.at // (500 * MS) % 2 == 0):
        head = bytearray(packet.data)
        head[2:4] = (100 + number).to_bytes(2, "big")
        spoken.append(Sent(packet.at, a, bytes(head)))
    still.run(6000 * MS, spoken)
    sound = still.audio(b, L8)
    for start in range(8000, 40000, 8000):
        assert amplitude(sound[start + 800 : start + 3900], 400, 8000) > 6500, "speech"
        if kind != OPUS:  # Opus' own concealment goes on longer
            assert amplitude(sound[start + 5400 : start + 7800], 400, 8000) < 100, "silence"
    assert still.playout(a)["late"] == 0


def test_memory_of_the_past_is_bounded(still: Still) -> None:
    """A party that sends ten times too fast, then stops, then is heard again in time."""
    a, b, packets = said(still, PCMU, seconds=6.0)
    flood = [Sent(p.at // 10, p.port, p.data) for p in packets]
    again = stream(still, a, PCMU, sine(700, 2.0, 8000), start=1500 * MS, sequence=400, timestamp=7000 + 6 * 8000)
    still.run(3500 * MS, flood + again)
    assert amplitude(still.audio(b, L8)[16000:26000], 700, 8000) > 7000
    continuous(still.heard[b])
