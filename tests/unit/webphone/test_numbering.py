"""One stream of ours made of a browser's streams and of keys: numbers that a jitter buffer can live with."""

from __future__ import annotations

import pytest

from appliance.net.rtp import KEYS, Packet, key_payload, parse
from appliance.webphone.numbering import Numbering

FRAME = 960


def test_gaps_and_late_packets_stay_what_they_are() -> None:
    numbers = Numbering(100, 5000)
    taken = [numbers.take(1, seq, seq * FRAME, seq * 0.02) for seq in (10, 11, 14, 13, 15)]
    assert [one[0] for one in taken] == [100, 101, 104, 103, 105]
    assert [(one[1] - 5000) // FRAME for one in taken] == [0, 1, 4, 3, 5]


def test_a_new_stream_goes_on_where_the_old_one_ended_with_the_time_that_passed() -> None:
    numbers = Numbering(0, 0)
    numbers.take(1, 65535, 2**32 - FRAME, 10.0)
    assert numbers.take(1, 0, 0, 10.02) == (1, FRAME)
    assert numbers.take(2, 777, 123456, 13.02) == (2, FRAME + 3 * 48000)
    assert numbers.take(2, 778, 123456 + FRAME, 13.04) == (3, 2 * FRAME + 3 * 48000)


def test_sequence_numbers_that_jump_are_a_new_stream() -> None:
    numbers = Numbering(0, 0)
    numbers.take(1, 5, 0, 1.0)
    assert numbers.take(1, 20000, 9999, 1.02) == (1, FRAME)


def test_a_key_in_between_leaves_no_gap_in_the_numbers() -> None:
    numbers = Numbering(0, 0)
    numbers.take(1, 10, 0, 1.0)
    keys = []
    for step in range(1, 9):
        numbers.skip(1, 10 + step, step * FRAME, 1.0 + step * 0.02)
        keys.append(numbers.own())
    assert keys == list(range(1, 9))
    assert numbers.take(1, 19, 9 * FRAME, 1.18) == (9, 9 * FRAME)


def test_a_packet_is_read_as_it_was_written() -> None:
    packet = Packet(111, True, 65535, 2**32 - 1, 7, b"opus")
    assert parse(bytes(packet)) == packet


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x00" * 12, b"\x90" + b"\x00" * 11, b"\xa0" + b"\x00" * 10 + b"\xff"])
def test_what_is_no_rtp_is_passed_over(data: bytes) -> None:
    assert parse(data) is None


def test_header_extension_sources_and_padding_are_no_payload() -> None:
    head = bytes([0xB1, 111]) + b"\x00\x01" + b"\x00" * 8 + b"\x00" * 4
    assert parse(head + b"\xbe\xde\x00\x01abcd" + b"voice" + b"\x00\x00\x03") == Packet(111, False, 1, 0, 0, b"voice")


def test_a_key_ends_three_times_with_its_whole_length() -> None:
    steps = [key_payload("#", step, FRAME) for step in range(8)]
    assert {one[0] for one in steps} == {KEYS.index("#")}
    assert [one[1] >> 7 for one in steps] == [0] * 5 + [1] * 3
    assert [int.from_bytes(one[2:], "big") for one in steps] == [960, 1920, 2880, 3840, 4800, 4800, 4800, 4800]
