"""The sound process: `python -m appliance.sound.process output|input|list [--device NAME]`.

One direction of one card. It lives as long as the device works and somebody holds its standard input; whoever started
it starts it again, so that nothing of a sound system that broke is kept.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import time
from array import array
from typing import Any, NoReturn

from appliance.errors import UNREADABLE
from appliance.sound import rtp
from appliance.sound.devices import Device, choose
from appliance.sound.playout import PlayBuffer
from appliance.sound.protocol import PAYLOAD_TYPE, Alive, Devices, Failed, Message, Ready, line, read_box

LOOPBACK = "127.0.0.1"
LOOK_SECONDS = 0.1
"""How often it is looked whether the card still works."""
STILL_SECONDS = 2.0
"""A card that has asked for nothing for so long is gone, whatever PortAudio says."""


class Output:
    """Engine to loudspeaker."""

    def __init__(self, udp: socket.socket) -> None:
        self._udp = udp
        self._buffer: PlayBuffer | None = None

    def take(self, clock: int, count: int) -> array[int]:
        """In PortAudio's thread."""
        if self._buffer is None:
            self._buffer = PlayBuffer(clock)
        return self._buffer.take(count)

    def receive(self) -> None:
        """Whatever waits in the socket; what no card has asked for yet is dropped."""
        while True:
            try:
                packet = self._udp.recv(4096)
            except OSError:
                return
            samples = rtp.unpack(packet, PAYLOAD_TYPE)
            if samples is not None and self._buffer is not None:
                self._buffer.push(samples)

    @property
    def delay(self) -> float:
        return self._buffer.delay if self._buffer is not None else 0.0


class Input:
    """Line-in to engine. The packets carry the card's clock, and the engine's playout follows it."""

    delay = 0.0

    def __init__(self, udp: socket.socket) -> None:
        self._udp = udp
        self._ssrc = int.from_bytes(os.urandom(4), "big")
        self._sequence = self._timestamp = 0
        self.linked = False

    def give(self, _clock: int, samples: array[int]) -> None:
        """In PortAudio's thread."""
        if self.linked:
            packet = rtp.pack(PAYLOAD_TYPE, self._sequence, self._timestamp, self._ssrc, samples, self._sequence == 0)
            try:
                self._udp.send(packet)
            except OSError:
                pass  # the engine is away for a moment
            self._sequence += 1
        self._timestamp += len(samples)

    def receive(self) -> None:
        """RTP of the engine is not for a line-in, and an ICMP error must be taken from the socket."""
        try:
            self._udp.recv(4096)
        except OSError:
            return


def say(message: Message) -> None:
    """A line for the box; without the box there is no reason to be."""
    try:
        os.write(1, line(message))
    except OSError:
        os._exit(0)


def fail(why: str, detail: str = "") -> NoReturn:
    """Ends at once: PortAudio may hang when a broken stream is closed."""
    say(Failed(why=why, detail=detail[:300]))
    os._exit(1)


def serve(direction: str, wanted: str) -> NoReturn:
    """Bridges one direction until the card, or the box, is gone."""
    try:
        from appliance.sound.card import Card, CardError
    except (ImportError, OSError) as error:
        fail("no-pyaudio", str(error))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((LOOPBACK, 0))
    udp.setblocking(False)
    bridge: Output | Input
    try:
        card = Card()
        device = _device(card.devices(direction), wanted)
        if direction == "output":
            output = bridge = Output(udp)
            stream = card.play(device, output.take)
        else:
            source = bridge = Input(udp)
            stream = card.listen(device, source.give)
    except (CardError, OSError) as error:
        fail("refused", str(error))
    say(Ready(port=udp.getsockname()[1], clock=stream.clock, device=device.name))
    told = seen = time.monotonic()
    calls, text = 0, b""
    watched: list[Any] = [0, udp]
    while True:
        ready, _, _ = select.select(watched, [], [], LOOK_SECONDS)
        if udp in ready:
            bridge.receive()
        if 0 in ready:
            piece = os.read(0, 4096)
            if not piece:
                os._exit(0)
            *lines, text = (text + piece).split(b"\n")
            for one in lines:
                _told(one, udp, bridge)
        now = time.monotonic()
        if stream.calls != calls:
            calls, seen = stream.calls, now
        if not stream.running or now - seen > STILL_SECONDS:
            fail("lost", device.name)
        if now - told >= 1.0:
            told = now
            say(Alive(delay=round(bridge.delay, 3)))


def _device(devices: list[Device], wanted: str) -> Device:
    device = choose(devices, wanted)
    if device is None:
        fail("not-found" if devices else "no-card", ", ".join(one.name for one in devices))
    return device


def _told(text: bytes, udp: socket.socket, bridge: Output | Input) -> None:
    try:
        engine = read_box(text)
    except UNREADABLE:
        return
    # From here on the kernel drops what comes from anywhere else.
    udp.connect((LOOPBACK, engine.port))
    if isinstance(bridge, Input):
        bridge.linked = True


def show_devices() -> int:
    """Says what there is, once."""
    try:
        from appliance.sound.card import Card

        card = Card()
        outputs, inputs = ([one.name for one in card.devices(way)] for way in ("output", "input"))
    except (ImportError, OSError) as error:
        say(Devices(why="no-card" if isinstance(error, OSError) else "no-pyaudio"))
        return 1
    say(Devices(outputs=tuple(outputs), inputs=tuple(inputs), why="" if outputs or inputs else "no-card"))
    return 0


def main() -> int:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="hako-sound", description="the sound process of Hako")
    parser.add_argument("what", choices=("output", "input", "list"))
    parser.add_argument("--device", default="auto", help="a part of its name, or auto")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    if options.what == "list":
        return show_devices()
    serve(options.what, options.device)


if __name__ == "__main__":
    sys.exit(main())
