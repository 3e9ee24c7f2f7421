"""Packets of the length that each party asked for, whatever the other one sends: cut anew, not coded anew."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from tests.unit.media.rtp import Packet, header
from tests.unit.media.still import (
    CLOCK,
    EVENTS,
    G722,
    L16,
    MS,
    OPUS,
    PCMA,
    PCMU,
    RATE,
    Sent,
    Still,
    amplitude,
    sine,
    stream,
)

ONE, MIX = 1, 2
PTIMES = (10, 20, 30, 40, 60)
L8 = 99
UNEVEN = [(a, b) for a, b in itertools.product(PTIMES, PTIMES) if a != b]


def payloads(packets: list[Packet]) -> bytes:
    return b"".join(packet.payload for packet in packets)


def steps(packets: list[Packet], kind: int) -> set[int]:
    """Milliseconds from one packet to the next as the timestamps say."""
    return {(y.timestamp - x.timestamp) * 1000 // CLOCK[kind] for x, y in itertools.pairwise(packets)}


def numbers(packets: list[Packet]) -> set[int]:
    return {(y.sequence - x.sequence) & 0xFFFF for x, y in itertools.pairwise(packets)}


@pytest.mark.parametrize(("comes", "goes"), UNEVEN)
@pytest.mark.parametrize("kind", [PCMU, G722, L16])
def test_what_is_forwarded_comes_in_the_listeners_length(still: Still, kind: int, comes: int, goes: int) -> None:
    if kind == L16 and 60 in (comes, goes):
        return  # more than a datagram carries
    a, b = still.port(kind, ptime=comes), still.port(kind, ptime=goes)
    still.bridge(a, b)
    dice = np.random.default_rng(comes)
    said = dice.integers(-8000, 8000, RATE[kind] * 2).astype(np.int16)
    sent = stream(still, a, kind, said, ptime=comes)
    still.run(2100 * MS, sent)
    assert still.playout(b)["hearing"] == ONE
    heard = still.heard[b]
    later = [packet for packet in heard if packet.at > 0.3]
    assert steps(later[:-1], kind) == {goes}
    assert numbers(heard) == {1} and len({packet.ssrc for packet in heard}) == 1
    assert [packet.marker for packet in heard].count(True) == 1
    whole = b"".join(one.data[12:] for one in sent)
    assert whole.startswith(payloads(heard)), "bit for bit, in order"
    assert len(whole) - len(payloads(heard)) < goes * RATE[kind] // 500, "less than a packet waits at the end"
    last = sent[-1].at / 1e9
    assert heard[-1].at <= last + 0.001, "and nothing waits longer than it has to"


def test_both_directions_at_once_and_between_the_laws(still: Still) -> None:
    a, b = still.port(PCMU, ptime=60), still.port(PCMA, ptime=10)
    still.bridge(a, b)
    packets = stream(still, a, PCMU, sine(440, 2.0, 8000), ptime=30) + stream(
        still, b, PCMA, sine(850, 2.0, 8000), ptime=20, ssrc=9
    )
    still.run(2100 * MS, packets)
    assert steps(still.heard[a][5:], PCMU) == {60} and steps(still.heard[b][5:], PCMA) == {10}
    assert amplitude(still.audio(a, PCMU), 850, 8000) == pytest.approx(8000, rel=0.05)
    assert amplitude(still.audio(b, PCMA), 440, 8000) == pytest.approx(8000, rel=0.05)


def test_a_listener_sees_what_was_lost_and_hears_the_rest_in_place(still: Still) -> None:
    a, b = still.port(PCMU), still.port(PCMU, ptime=40)
    still.bridge(a, b)
    sent = stream(still, a, PCMU, sine(440, 2.0, 8000))
    gone = [one for number, one in enumerate(sent) if number not in (40, 41, 61)]
    still.run(2100 * MS, gone)
    heard = still.heard[b]
    jumps = [(y.sequence - x.sequence) & 0xFFFF for x, y in itertools.pairwise(heard)]
    assert sorted(set(jumps)) == [1, 2] and jumps.count(2) == 2, "two holes"
    base = heard[0].timestamp
    for packet in heard:
        number, within = divmod(packet.timestamp - base, 160)
        assert sent[number].data[12 + within : 172] == packet.payload[: 160 - within], "each at its time"


def test_a_pause_and_a_key_between(still: Still) -> None:
    a, b = still.port(PCMU), still.port(PCMU, ptime=60, events=EVENTS)
    still.bridge(a, b)
    sent = stream(still, a, PCMU, sine(440, 1.0, 8000))
    first, last = sent[:19], sent[31:]
    key = [
        Sent((380 + 20 * number) * MS, a, header(EVENTS, 119 + number, 7000 + 19 * 160, 77) + payload)
        for number, payload in enumerate(
            struct.pack("!BBH", 5, 0x80 if number > 8 else 0, 160 * min(number + 1, 9)) for number in range(12)
        )
    ]
    still.run(1100 * MS, [*first, *key, *last])
    heard = still.heard[b]
    assert numbers(heard) == {1}
    assert [packet.payload[0] for packet in heard if packet.type == EVENTS] == [5] * 12
    before = [packet for packet in heard if packet.type == PCMU and packet.at < 0.5]
    after = [packet for packet in heard if packet.type == PCMU and packet.at > 0.5]
    assert payloads(before) == b"".join(one.data[12:] for one in first), "the rest goes before the key"
    assert after[0].marker and after[0].timestamp - before[0].timestamp == 31 * 160


def test_one_packet_of_another_length_changes_nothing(still: Still) -> None:
    a, b = still.port(PCMU), still.port(PCMU)
    still.bridge(a, b)
    sent = stream(still, a, PCMU, sine(440, 1.0, 8000))
    short = sent[20].data[: 12 + 80]
    sent[20] = Sent(sent[20].at, a, short)
    still.run(1100 * MS, sent)
    assert [packet.payload for packet in still.heard[b]] == [one.data[12:] for one in sent]


def test_the_source_takes_up_the_listeners_length(still: Still) -> None:
    a, b = still.port(PCMU, ptime=60), still.port(PCMU, ptime=20)
    still.bridge(a, b)
    sound = sine(440, 0.6, 8000)
    longer = stream(still, a, PCMU, sound, ptime=60)
    same = stream(still, a, PCMU, sound, start=600 * MS, sequence=110, timestamp=7000 + 4800)
    still.run(1300 * MS, longer + same)
    heard = still.heard[b]
    assert numbers(heard) == {1} and steps(heard[2:], PCMU) == {20}
    assert payloads(heard) == b"".join(one.data[12:] for one in longer + same)
    assert [packet.marker for packet in heard].count(True) == 2, "where the source itself marks a beginning"


def test_a_late_packet_of_the_listeners_length_does_not_end_the_cutting(still: Still) -> None:
    """After minutes the source's numbers and the listener's are thousands apart: none may go out under the old ones."""
    a, b = still.port(PCMU, ptime=40), still.port(PCMU, ptime=20)
    still.bridge(a, b)
    sent, at = [], 0
    for number in range(2050):
        ms, delay = (20, 45) if number == 2000 else (40, 0)
        head = header(PCMU, 100 + number, 7000 + 8 * at, 77)
        sent.append(Sent((at + delay) * MS, a, head + bytes([number % 256]) * (8 * ms)))
        at += ms
    still.run((at + 100) * MS, sent)
    heard = still.heard[b]
    jumps = [(y.sequence - x.sequence) & 0xFFFF for x, y in itertools.pairwise(heard)]
    assert set(jumps) == {1, 2} and jumps.count(2) == 1, "the hole of the one that was late"
    assert {(y.timestamp - x.timestamp) // 160 for x, y in itertools.pairwise(heard[3:])} == {1, 2}


def test_the_listener_asks_for_another_length_or_codec_in_the_middle(still: Still) -> None:
    a, b = still.port(PCMU), still.port(PCMU)
    still.bridge(a, b)
    sent = stream(still, a, PCMU, sine(440, 5.0, 8000))
    for until, send, ptime in (
        (1000, PCMU, 60),
        (2000, PCMU, 10),
        (3000, PCMA, 40),
        (4000, OPUS, 20),
        (5000, PCMU, 30),
    ):
        still.change(b, send, ptime=ptime)
        still.run(until * MS, [one for one in sent if (until - 1000) * MS <= one.at < until * MS])
        lately = [packet for packet in still.heard[b] if packet.at > (until - 500) / 1000]
        assert {packet.type for packet in lately} == {send} and steps(lately, send) == {ptime}
    assert numbers(still.heard[b]) == {1} and len({packet.ssrc for packet in still.heard[b]}) == 1


def test_a_day_of_packets_of_another_length(still: Still) -> None:
    a, b = still.port(PCMU), still.port(PCMU, ptime=30)
    still.bridge(a, b)
    count = 70_000
    data = b"".join(header(PCMU, number & 0xFFFF, number * 160, 5) + bytes(160) for number in range(count))
    at = np.arange(count) * 20 * MS
    still.play(at, np.full(count, a), np.arange(count) * 172, np.full(count, 172), data)
    assert still.figures()["forwarded"] == pytest.approx(count * 2 / 3, abs=4), "none is taken for an old one"


@pytest.mark.parametrize("comes", PTIMES)
@pytest.mark.parametrize("kind", [PCMU, G722, OPUS, L16])
def test_any_length_is_heard_in_a_mix(still: Still, kind: int, comes: int) -> None:
    if (kind, comes) in ((OPUS, 30), (L16, 60)):
        return  # no length of Opus; more than a datagram carries
    a, b, c = still.port(kind), still.port(L8), still.port(PCMU)
    still.bridge(a, b, c)
    still.run(2100 * MS, stream(still, a, kind, sine(400, 2.0, RATE[kind]), ptime=comes))
    heard = still.audio(b, L8)[4000:15000]
    for part in np.array_split(heard, 55):
        assert amplitude(part, 400, 8000) == pytest.approx(8000, rel=0.25)
    playout = still.playout(a)
    assert playout["late"] == 0 and playout["target"] <= 14 + comes
