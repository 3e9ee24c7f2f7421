"""Packets, devices and messages of the sound process."""

from __future__ import annotations

from array import array

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.events.base import Words
from appliance.sound import rtp
from appliance.sound.client import Trouble
from appliance.sound.devices import Device, choose
from appliance.sound.protocol import Alive, Engine, Ready, line, read_box, read_process
from appliance.sound.words import explain

DEVICES = (
    Device(0, "bcm2835 Headphones: - (hw:0,0)", 8),
    Device(1, "USB Audio Device: - (hw:1,0)", 2),
    Device(2, "USB", 2),
    Device(3, "default", 32, default=True),
)


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("auto", 3), ("usb audio", 1), ("USB", 2), ("headphones", 0), ("hw:1,0", 1), ("default", 3), ("HDMI", None)],
)
def test_which_device_is_meant(wanted: str, number: int | None) -> None:
    found = choose(DEVICES, wanted)
    assert (found.number if found else None) == number


def test_without_a_choice_of_the_machine_it_is_the_first() -> None:
    assert choose(DEVICES[:2], "auto") == DEVICES[0]
    assert choose((), "auto") is None


def test_a_packet_is_what_rfc_3550_and_3551_say() -> None:
    packet = rtp.pack(96, 0x12345, 0x1_0000_0002, 7, array("h", [1, -2]), first=True)
    assert packet.hex() == "80e0234500000002000000070001fffe"
    assert rtp.unpack(packet, 96) == array("h", [1, -2])
    assert rtp.unpack(packet, 97) is None


def test_extension_sources_and_padding_are_passed_over() -> None:
    body = bytes.fromhex("b1602345000000020000000700000009") + bytes.fromhex("bede0001aabbccdd")
    assert rtp.unpack(body + b"\x00\x05" + b"\x00\x00\x00\x04", 96) == array("h", [5])


@given(st.binary(max_size=80))
def test_nothing_from_the_network_raises(packet: bytes) -> None:
    found = rtp.unpack(packet, packet[1] & 0x7F if len(packet) > 1 else 0)
    assert found is None or len(found)


def test_messages_are_lines() -> None:
    for message in (Ready(port=4000, clock=48000, device="日本 USB"), Alive(delay=0.04)):
        assert line(message).count(b"\n") == 1
        assert read_process(line(message)) == message
    assert read_box(line(Engine(port=10000))).port == 10000
    for rubbish in (b"", b"{}", b"[]", b'{"type":"engine","port":"x"}', b"\xff"):
        with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
            read_box(rubbish)


@pytest.mark.parametrize("way", ["output", "input"])
@pytest.mark.parametrize(
    "why", ["no-pyaudio", "no-card", "not-found", "refused", "lost", "no-port", "crashed", "hangs"]
)
def test_every_trouble_is_said_with_its_remedy(way: str, why: str) -> None:
    said: tuple[Words, Words] = explain(way, Trouble(why, "x"))
    assert all(words["ja"] and words["en"] for words in said)
