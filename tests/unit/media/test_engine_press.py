"""Telephone-events that the engine sends: keys of a row, and keys of a party that reach those who hear it mixed."""

from __future__ import annotations

import itertools
import struct

import pytest

from tests.unit.media.rtp import Packet, header
from tests.unit.media.still import (
    CLOCK,
    EVENTS,
    EVENTS_16,
    EVENTS_48,
    G722,
    L16,
    L16_48,
    MS,
    OPUS,
    PCMU,
    RATE,
    Sent,
    Still,
    sine,
    stream,
)

STEP = {EVENTS: 160, EVENTS_16: 320, EVENTS_48: 960}
"""20 ms on each clock."""


def presses(packets: list[Packet], kind: int = EVENTS) -> list[tuple[int, list[Packet]]]:
    """(event, its packets) by timestamp."""
    found: dict[int, list[Packet]] = {}
    for packet in packets:
        if packet.type == kind:
            found.setdefault(packet.timestamp, []).append(packet)
    return [(group[0].payload[0], group) for group in found.values()]


def numbered(packets: list[Packet]) -> None:
    """One SSRC, every sequence number once, in order. (The packets of a key share their timestamp.)"""
    assert len({packet.ssrc for packet in packets}) == 1
    assert {(y.sequence - x.sequence) & 0xFFFF for x, y in itertools.pairwise(packets)} == {1}


def durations(group: list[Packet]) -> list[tuple[bool, int]]:
    return [(bool(p.payload[1] & 0x80), struct.unpack("!H", p.payload[2:4])[0]) for p in group]


@pytest.mark.parametrize(
    ("send", "events", "step"),
    [
        (PCMU, EVENTS, 160),
        (G722, EVENTS, 160),
        (OPUS, EVENTS_48, 960),
        (OPUS, EVENTS, 160),
        (L16, EVENTS_16, 320),
        (L16_48, EVENTS_48, 960),
    ],
)
@pytest.mark.parametrize("mixed", [False, True])
def test_keys_of_a_row_between_what_is_heard(still: Still, send: int, events: int, step: int, mixed: bool) -> None:
    a, b = still.port(send), still.port(send, events=events)
    still.mix([(b, a, 0.5 if mixed else 1.0)])
    frame = CLOCK[send] // 50
    packets = stream(still, a, send, sine(440, 2.0, RATE[send]), ptime=10 if send == L16_48 else 20)
    still.run(300 * MS, [p for p in packets if p.at < 300 * MS])
    still.change(b, send, events=events, press="4#", generation=2)
    still.run(2000 * MS, [p for p in packets if p.at >= 300 * MS])
    told = presses(still.heard[b], events)
    assert [event for event, _ in told] == [4, 11]
    for _, group in told:
        assert durations(group) == [(False, step * n) for n in range(1, 5)] + [(True, step * 5)] * 3
        assert [p.marker for p in group] == [True] + [False] * 6
    gap = told[1][1][0].at - told[0][1][-1].at
    assert gap >= 0.04, "two keys are told apart"
    numbered(still.heard[b])
    times = [p.timestamp for p in still.heard[b] if p.type == send]
    assert all(0 < (y - x) & 0xFFFFFFFF <= frame * 25 for x, y in itertools.pairwise(times))
    after = still.heard[b][still.heard[b].index(told[1][1][-1]) + 1 :]
    assert len(after) > 40 and after[0].marker, "the voice goes on"
    assert (after[0].timestamp - told[0][1][0].timestamp) / frame == pytest.approx(
        (after[0].at - told[0][1][0].at) / 0.02, abs=2
    ), "on the same timeline"


def test_nothing_is_pressed_twice_or_by_a_new_port(still: Still) -> None:
    b = still.port(PCMU, events=EVENTS, press="1")
    still.run(300 * MS)
    assert presses(still.heard[b]) == []
    still.change(b, PCMU, events=EVENTS, press="12", generation=7)
    still.change(b, PCMU, events=EVENTS, press="12", generation=7)
    still.run(1500 * MS)
    assert [event for event, _ in presses(still.heard[b])] == [1, 2]
    still.change(b, PCMU, events=EVENTS, press="123", generation=8)
    still.change(b, PCMU, events=EVENTS, press="12345", generation=10)
    still.run(2500 * MS)
    assert [event for event, _ in presses(still.heard[b])] == [1, 2, 3, 4, 5], "only what is new"
    still.change(b, PCMU, press="123456", generation=11)
    still.run(2800 * MS)
    assert len(presses(still.heard[b])) == 5, "a party that takes no telephone-events gets none"


def key(
    still: Still, port: int, event: int, at: int, milliseconds: int, kind: int = EVENTS, timestamp: int = 90000
) -> list[Sent]:
    step = STEP[kind]
    count = milliseconds // 20
    out = []
    for number in range(count + 3):
        end = number >= count
        duration = min(number + 1, count) * step
        payload = struct.pack("!BBH", event, (0x80 if end else 0) | 10, duration)
        data = header(kind, 3000 + number, timestamp, 77, marker=number == 0) + payload
        out.append(Sent(at + number * 20 * MS, port, data))
    return out


def test_a_key_reaches_those_who_hear_another_codec_or_a_sum(still: Still) -> None:
    a, b, c, d = (
        still.port(PCMU, events=EVENTS),
        still.port(OPUS, events=EVENTS_48),
        still.port(PCMU, events=EVENTS),
        still.port(PCMU),
    )
    still.bridge(a, b, c, d)
    still.run(1000 * MS, key(still, a, 9, 100 * MS, 200))
    for party, kind, step in ((b, EVENTS_48, 960), (c, EVENTS, 160)):
        ((event, group),) = presses(still.heard[party], kind)
        said = durations(group)
        assert event == 9 and said[-3:] == [(True, said[-1][1])] * 3
        assert said[-1][1] / step * 20 == pytest.approx(200, abs=60)
        numbered(still.heard[party])
    assert presses(still.heard[a]) == [] and presses(still.heard[d]) == []


@pytest.mark.parametrize("comes", [EVENTS, EVENTS_16, EVENTS_48])
@pytest.mark.parametrize("goes", [EVENTS, EVENTS_16, EVENTS_48])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_key_on_any_clock_is_told_and_passed_on_on_any_other(
    still: Still, comes: int, goes: int, mixed: bool
) -> None:
    kind = {EVENTS: PCMU, EVENTS_16: L16, EVENTS_48: OPUS}
    a, b = still.port(kind[comes], events=comes), still.port(kind[goes], events=goes)
    still.mix([(b, a, 0.5 if mixed else 1.0)])
    voice = stream(still, a, kind[comes], sine(440, 2.0, RATE[kind[comes]]))
    pressed = key(still, a, 7, 400 * MS, 160, comes, timestamp=7000 + 20 * CLOCK[kind[comes]] // 50)
    for number, packet in enumerate(pressed):
        packet.data = packet.data[:2] + (120 + number).to_bytes(2, "big") + packet.data[4:]
    for number, packet in enumerate(voice[31:]):
        packet.data = packet.data[:2] + (131 + number).to_bytes(2, "big") + packet.data[4:]
    still.run(2000 * MS, [*voice[:20], *pressed, *voice[31:]])
    assert [(found.kind, found.port, found.what) for found in still.found()] == [("key", a, "7")]
    ((event, group),) = presses(still.heard[b], goes)
    said = durations(group)
    assert event == 7 and said[-3:] == [(True, said[-1][1])] * 3 and not said[-4][0]
    assert said[-1][1] / STEP[goes] * 20 == pytest.approx(160, abs=60)
    assert group[0].marker and not any(packet.marker for packet in group[1:])
    numbered(still.heard[b])
    audio = [packet for packet in still.heard[b] if packet.type == kind[goes]]
    before, after = audio[0], audio[-1]
    clock = CLOCK[kind[goes]]
    for packet in (group[0], after):
        passed = (packet.timestamp - before.timestamp) / clock
        assert passed == pytest.approx(packet.at - before.at, abs=0.045), "one timeline for both"


def test_a_long_press_goes_on_in_segments(still: Still) -> None:
    a, b = still.port(PCMU, events=EVENTS), still.port(OPUS, events=EVENTS_48)
    still.bridge(a, b)
    still.run(4000 * MS, key(still, a, 0, 100 * MS, 3000))
    told = presses(still.heard[b], EVENTS_48)
    assert {event for event, _ in told} == {0} and len(told) == 3
    for (_, one), (_, other) in itertools.pairwise(told):
        assert one[-1].timestamp + durations(one)[-1][1] == other[0].timestamp
        assert not other[0].marker
    total = sum(durations(group)[-1][1] for _, group in told)
    assert total / 48 == pytest.approx(3000, abs=60)


def test_a_party_that_vanishes_lets_go_of_its_key(still: Still) -> None:
    a, b = still.port(PCMU, events=EVENTS), still.port(G722, events=EVENTS)
    still.bridge(a, b)
    still.run(500 * MS, key(still, a, 5, 100 * MS, 2000)[:10])
    still.run(1500 * MS)
    ((event, group),) = presses(still.heard[b])
    assert event == 5 and durations(group)[-1][0], "200 ms after its last packet"
    assert group[-1].at < 0.8
