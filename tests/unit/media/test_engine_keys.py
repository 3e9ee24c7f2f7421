"""Key presses as telephone-events (RFC 4733): told once each, passed on under the listener's own number."""

from __future__ import annotations

import struct

import pytest

from appliance.exchange.audio import Digit, Link, Mix, Payload
from tests.unit.media.engine_box import EVENTS, EngineBox
from tests.unit.media.rtp import FRAME, Party, continuous, run


def digits(box: EngineBox) -> list[tuple[int, str, int]]:
    box.settle()
    return [(event.id, event.digit, event.milliseconds) for event in box.of(Digit)]


def test_each_press_is_told_once(box: EngineBox) -> None:
    a = box.party()
    for event in (1, 1, 11, 15):
        a.send_event(event, 101)
    assert digits(box) == [(box.id(a), key, 120) for key in "11#D"]


def test_other_events_are_no_keys(box: EngineBox) -> None:
    a = box.party()
    a.send_event(16, 101)
    a.send_event(255, 101)
    assert digits(box) == []


def test_a_lost_end_is_noticed_by_silence_and_by_the_next_press(box: EngineBox) -> None:
    a = box.party()
    a.send_event(4, 101, ends=0)
    a.send_event(5, 101, ends=0)
    assert [d for _, d, _ in digits(box)] == ["4"]
    run(0.3, [a])
    assert digits(box) == [(box.id(a), "4", 100), (box.id(a), "5", 100)]


def test_only_the_last_packet_of_the_end_arrives(box: EngineBox) -> None:
    a = box.party()
    a.send_packet(struct.pack("!BBH", 7, 0x8A, 800), 101, step=1600)
    assert digits(box) == [(box.id(a), "7", 100)]


def test_stragglers_of_an_earlier_press_say_nothing(box: EngineBox) -> None:
    a = box.party()
    a.send_event(1, 101)
    start = a.timestamp
    a.send_event(2, 101)
    later, a.timestamp = a.timestamp, start - 6 * FRAME
    a.sequence -= 12  # older than what was received: the copy of the first press' end that went the long way
    a.send_packet(struct.pack("!BBH", 1, 0x8A, 960), 101, step=0)
    a.timestamp = later
    assert [d for _, d, _ in digits(box)] == ["1", "2"]


def test_a_press_of_nine_seconds_is_one(box: EngineBox) -> None:
    """Durations above 0xFFFF go on in another segment (section 2.5.1.3)."""
    a = box.party()
    a.send_packet(struct.pack("!BBH", 9, 10, 0x8000), 101, marker=True, step=0)
    a.send_packet(struct.pack("!BBH", 9, 10, 0xFFFF), 101, step=0xFFFF)
    a.send_packet(struct.pack("!BBH", 9, 10, 160), 101, step=0)
    a.send_packet(struct.pack("!BBH", 9, 0x8A, 8000), 101, step=0)
    assert digits(box) == [(box.id(a), "9", (0xFFFF + 8000) // 8)]


@pytest.mark.parametrize("clock", [8000, 16000, 48000])
def test_an_event_clock_of_any_rate(box: EngineBox, clock: int) -> None:
    a = box.party(events=Payload(110, "telephone-event", clock))
    a.send_packet(struct.pack("!BBH", 3, 0x8A, clock // 10), 110)
    assert digits(box) == [(box.id(a), "3", 100)]


@pytest.mark.parametrize("theirs", [96, 101])
def test_events_are_passed_on_under_the_listeners_number(box: EngineBox, theirs: int) -> None:
    a, b = box.party(440), box.party(events=Payload(theirs, "telephone-event"))
    box.bridge(a, b)
    run(0.1, [a, b])
    audio = b.received[-1]
    a.send_event(8, 101)
    run(0.1, [a, b])
    continuous_sequence = [p.sequence for p in b.received]
    assert continuous_sequence == list(range(continuous_sequence[0], continuous_sequence[0] + len(b.received)))
    events = [p for p in b.received if p.type == theirs]
    assert len(events) == 8 and len({p.timestamp for p in events}) == 1 and events[0].marker
    assert events[0].timestamp - audio.timestamp == 160, "on the same timeline as the audio"
    assert [struct.unpack("!BBH", p.payload) for p in events][-1] == (8, 0x8A, 960)
    assert [d for _, d, _ in digits(box)] == ["8"]


def test_a_listener_without_telephone_event_gets_none_and_misses_nothing(box: EngineBox) -> None:
    a, b = box.party(440), box.party(events=None)
    box.bridge(a, b)
    run(0.1, [a, b])
    a.send_event(8, 101)
    run(0.1, [a, b])
    assert {p.type for p in b.received} == {0}
    continuous(b.received)
    assert [d for _, d, _ in digits(box)] == ["8"]


def test_keys_are_told_while_a_prompt_plays_and_when_nobody_listens(box: EngineBox) -> None:
    a = box.party(440)
    box.put(Mix(id=box.new_id(), links=(Link(box.id(a), 4711),)))
    run(0.05, [a])
    a.send_event(0, 101)
    assert [d for _, d, _ in digits(box)] == ["0"]


def test_a_port_that_does_not_receive_tells_no_keys(box: EngineBox) -> None:
    a = box.party(receiving=False)
    a.send_event(0, 101)
    assert digits(box) == [] and isinstance(a, Party)


def test_keys_of_a_row_go_out_once(box: EngineBox) -> None:
    a, b = box.party(440), box.party()
    box.bridge(a, b)
    run(0.2, [a, b])
    box.change(b, press="5#", press_generation=2)
    run(0.6, [a, b])
    codes = [packet.payload[0] for packet in b.received if packet.type == EVENTS.number]
    assert codes == [5] * 7 + [11] * 7
