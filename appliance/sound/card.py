"""PyAudio as far as it is needed here: lists of devices, and one stream in one direction.

Only the sound process imports this: PortAudio's libraries talk on standard error and may crash.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pyaudio

from appliance.sound.devices import Device
from appliance.sound.protocol import PACKET_SECONDS

CLOCKS = (16000, 48000)
"""Tried in this order. Cards that have only 48 kHz are opened so; the engine has both."""
OUTPUT_SECONDS = 0.04
"""The card asks for so much at a time; twice a packet halves what the silence of an idle box costs."""


class CardError(Exception):
    """The device cannot be used, in PortAudio's words."""


class Card:
    """PortAudio, initialised. It sees the devices that were there then; a new one is seen by a new process."""

    def __init__(self) -> None:
        self._audio = pyaudio.PyAudio()

    def devices(self, direction: str) -> list[Device]:
        """Those with channels in this direction ("output", "input")."""
        key = "maxOutputChannels" if direction == "output" else "maxInputChannels"
        try:
            default = self._default(direction)
        except OSError:
            default = -1
        found = []
        for index in range(self._audio.get_device_count()):
            info = self._audio.get_device_info_by_index(index)
            if int(info[key]) > 0:
                found.append(Device(index, str(info["name"]), int(info[key]), index == default))
        return found

    def _default(self, direction: str) -> int:
        audio = self._audio
        info = (
            audio.get_default_output_device_info() if direction == "output" else audio.get_default_input_device_info()
        )
        return int(info["index"])

    def play(self, device: Device, take: Callable[[int, int], array[int]]) -> Stream:
        """Opens a loudspeaker; `take(clock, count)` gives mono samples, in PortAudio's thread. Raises CardError."""
        return self._open(device, "output", OUTPUT_SECONDS, lambda stream, _data, count: take(stream.clock, count))

    def listen(self, device: Device, give: Callable[[int, array[int]], None]) -> Stream:
        """Opens a line-in; `give(clock, samples)` gets mono packets, in PortAudio's thread. Raises CardError."""

        def called(stream: Stream, data: bytes, _count: int) -> array[int]:
            give(stream.clock, mono(array("h", data), stream.channels))
            return array("h")

        return self._open(device, "input", PACKET_SECONDS, called)

    def _open(
        self, device: Device, direction: str, seconds: float, called: Callable[[Stream, bytes, int], array[int]]
    ) -> Stream:
        problem = ""
        for clock in CLOCKS:
            for channels in (1, 2):
                if channels <= device.channels:
                    try:
                        return Stream(self._audio, device, direction, clock, channels, round(clock * seconds), called)
                    except (OSError, ValueError) as error:
                        problem = str(error)
        raise CardError(problem)


class Stream:
    """A running stream. PortAudio stops calling when the device is gone."""

    def __init__(
        self,
        audio: Any,
        device: Device,
        direction: str,
        clock: int,
        channels: int,
        frames: int,
        called: Callable[[Stream, bytes, int], array[int]],
    ) -> None:
        self.clock, self.channels = clock, channels
        self.calls = 0
        """How often PortAudio asked; whoever watches sees it stand still."""
        self._called = called
        self._stream = audio.open(
            rate=clock,
            channels=channels,
            format=pyaudio.paInt16,
            frames_per_buffer=frames,
            stream_callback=self._callback,
            **{direction: True, f"{direction}_device_index": device.number},
        )

    def _callback(self, data: bytes | None, count: int, _times: object, _flags: int) -> tuple[bytes, int]:
        self.calls += 1
        samples = self._called(self, data or b"", count)
        return spread(samples, self.channels).tobytes(), pyaudio.paContinue

    @property
    def running(self) -> bool:
        """False once the device is gone."""
        try:
            return bool(self._stream.is_active())
        except OSError:
            return False


def mono(samples: array[int], channels: int) -> array[int]:
    """The mean of two interleaved channels."""
    if channels == 1:
        return samples
    return array("h", ((left + right) // 2 for left, right in zip(samples[::2], samples[1::2], strict=True)))


def spread(samples: array[int], channels: int) -> array[int]:
    """Mono on each of the channels."""
    if channels == 1:
        return samples
    both = array("h", bytes(4 * len(samples)))
    both[::2] = both[1::2] = samples
    return both
