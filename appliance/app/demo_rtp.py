"""Synthetic parties' audio for the demo: one ticker sends 20 ms packets for every stream that talks."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import struct
import wave
from collections import deque

from appliance.net.rtp import KEY_ENDS, KEY_PACKETS, KEY_PAUSE, Packet, key_payload

FRAME_SECONDS = 0.02
FRAME_SAMPLES = 160
_BIAS, _CLIP = 0x84, 32635


def mulaw(sample: int) -> int:
    """One 16-bit sample as G.711 µ-law (ITU-T G.711 table 2a)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


_TABLE = bytes(mulaw(value - 32768) for value in range(65536))


def frames_of(samples: list[int]) -> list[bytes]:
    """The samples as µ-law packets' payloads; the last one is filled up with silence."""
    data = bytes(_TABLE[sample + 32768] for sample in samples)
    data += b"\xff" * (-len(data) % FRAME_SAMPLES)
    return [data[start : start + FRAME_SAMPLES] for start in range(0, len(data), FRAME_SAMPLES)]


def tone(hertz: float, seconds: float = 1.0, level: float = 0.12) -> list[bytes]:
    """A pure tone to loop."""
    count = int(seconds * 8000)
    return frames_of([int(32767 * level * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(count)])


def speech(path: str, pause: float = 1.2) -> list[bytes]:
    """An 8 kHz mono WAV followed by a pause, to loop. Raises OSError, EOFError, wave.Error."""
    with wave.open(path) as sound:
        data = sound.readframes(sound.getnframes())
    samples = list(struct.unpack(f"<{len(data) // 2}h", data))
    return frames_of(samples + [0] * int(8000 * pause))


class Stream:
    """One party's RTP socket. `remote` None: silent."""

    def __init__(self, host: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.port: int = self.socket.getsockname()[1]
        self.remote: tuple[str, int] | None = None
        self.frames: list[bytes] = []
        self.event_payload = 101
        self.received = 0
        self._keys: deque[tuple[str, int]] = deque()
        """(key, packet of the key); no key: a pause between two."""
        self._key_start = 0
        self._at = 0
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._timestamp = int.from_bytes(os.urandom(4), "big")
        self._ssrc = int.from_bytes(os.urandom(4), "big")
        self._first = True

    def press(self, digit: str) -> None:
        """Sends a key as telephone-event (RFC 4733): 100 ms, its end three times, then a pause."""
        self._keys.extend((digit, step) for step in range(KEY_PACKETS + KEY_ENDS))
        self._keys.extend([("", 0)] * KEY_PAUSE)

    def tick(self) -> None:
        """Sends what is due for these 20 ms and reads what has come."""
        for _ in range(8):
            try:
                self.socket.recv(2048)
            except (BlockingIOError, OSError):
                break
            self.received += 1
        if self.remote is None or not self.frames:
            return
        key = self._keys.popleft() if self._keys else ("", 0)
        if key[0]:
            payload, kind, marker, timestamp = self._key_packet(*key)
        else:
            payload, kind, marker, timestamp = self.frames[self._at % len(self.frames)], 0, self._first, self._timestamp
            self._at += 1
        self._first = False
        packet = Packet(kind, marker, self._sequence, timestamp, self._ssrc, payload)
        with contextlib.suppress(OSError):
            self.socket.sendto(bytes(packet), self.remote)
        self._sequence = self._sequence + 1 & 0xFFFF
        self._timestamp = self._timestamp + FRAME_SAMPLES & 0xFFFFFFFF

    def _key_packet(self, key: str, step: int) -> tuple[bytes, int, bool, int]:
        if step == 0:
            self._key_start = self._timestamp
        return key_payload(key, step, FRAME_SAMPLES), self.event_payload, step == 0, self._key_start

    def close(self) -> None:
        """Gives the port back."""
        self.remote = None
        self.socket.close()


class Ticker:
    """Ticks every stream each 20 ms, on one anchor."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for stream in tuple(self.streams):
                stream.tick()
            due = max(due + FRAME_SECONDS, loop.time() - 0.1)
            await asyncio.sleep(max(0.0, due - loop.time()))
