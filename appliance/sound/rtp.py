"""RTP packets (RFC 3550 section 5.1) with L16 (RFC 3551 section 4.5.11), as far as a bridge on loopback needs them."""

from __future__ import annotations

import struct
import sys
from array import array

_HEADER = struct.Struct("!BBHII")


def pack(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, samples: array[int], first: bool = False
) -> bytes:
    """One packet; `first` sets the marker bit."""
    head = _HEADER.pack(
        0x80, payload_type | (0x80 if first else 0), sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF
    )
    return head + _network(samples).tobytes()


def unpack(packet: bytes, payload_type: int) -> array[int] | None:
    """The samples; None for what is no packet of this payload type. Never raises."""
    if len(packet) < 12 or packet[0] >> 6 != 2 or packet[1] & 0x7F != payload_type:
        return None
    begin, end = 12 + 4 * (packet[0] & 0x0F), len(packet)
    if packet[0] & 0x10:  # header extension
        if begin + 4 > end:
            return None
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    if packet[0] & 0x20:  # padding
        end -= packet[-1]
    if begin >= end or (end - begin) % 2:
        return None
    samples = array("h", packet[begin:end])
    return _network(samples)


def _network(samples: array[int]) -> array[int]:
    """Between the machine's byte order and the network's, a copy."""
    turned = samples[:]
    if sys.byteorder == "little":
        turned.byteswap()
    return turned
