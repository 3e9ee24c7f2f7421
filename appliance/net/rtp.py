"""RTP packets as the box's own telephones write and read them (RFC 3550 5.1, RFC 4733). The engine has its own in C."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_VOLUME = 10
"""-10 dBm0."""
KEYS = "0123456789*#ABCD"
KEY_PACKETS, KEY_ENDS, KEY_PAUSE = 5, 3, 4
"""Packets of 20 ms of a key, repetitions of its end, and packets of silence before the next key."""


class Packet(NamedTuple):
    """One RTP packet."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    def __bytes__(self) -> bytes:
        kind = self.payload_type | (0x80 if self.marker else 0)
        return HEADER.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse(data: bytes) -> Packet | None:
    """Reads a packet; None when it is none (RFC 3550 A.1)."""
    if len(data) < HEADER.size:
        return None
    first, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        return None
    start = HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return Packet(kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc, data[start:end])


def key_payload(key: str, step: int, samples: int) -> bytes:
    """The telephone-event of a key's packet number `step` (from 0; the last three are its end), where a packet is so
    many samples of the clock. The timestamp of all of them is that of the first."""
    ends = step >= KEY_PACKETS
    duration = min(step + 1, KEY_PACKETS) * samples
    return _EVENT.pack(KEYS.index(key), (0x80 if ends else 0) | _VOLUME, duration)
