"""RTCP as a telephone of these tests reads and writes it (RFC 3550 section 6, RFC 3611)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tests.unit.media.rtp import Party

SR, RR, SDES, BYE, XR = 200, 201, 202, 203, 207


@dataclass
class Block:
    """A report block."""

    source: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_sr: int
    delay: int

    def encode(self) -> bytes:
        lost = self.lost & 0xFFFFFF
        return struct.pack(
            "!IIIIII",
            self.source,
            self.fraction << 24 | lost,
            self.highest,
            self.jitter,
            self.last_sr,
            self.delay,
        )


@dataclass
class Compound:
    """One compound packet, taken apart."""

    kinds: list[int]
    ssrc: int
    ntp: int
    """64 bits; 0 in a receiver report."""
    packets: int
    octets: int
    blocks: list[Block]
    cname: bytes
    metrics: bytes
    """The VoIP metrics block, whole; empty: none."""


def parse(data: bytes) -> Compound:
    found = Compound([], 0, 0, 0, 0, [], b"", b"")
    at = 0
    while at < len(data):
        first, kind, length = struct.unpack_from("!BBH", data, at)
        body = data[at : at + 4 * (length + 1)]
        assert first >> 6 == 2 and len(body) == 4 * (length + 1), "lengths"
        found.kinds.append(kind)
        if kind in (SR, RR):
            found.ssrc = struct.unpack_from("!I", body, 4)[0]
            start = 28 if kind == SR else 8
            if kind == SR:
                found.ntp, _, found.packets, found.octets = struct.unpack_from("!QIII", body, 8)
            for place in range(start, start + 24 * (first & 31), 24):
                source, lost, highest, jitter, last, delay = struct.unpack_from("!IIIIII", body, place)
                number = lost & 0xFFFFFF
                signed = number - (1 << 24) if number >> 23 else number
                found.blocks.append(Block(source, lost >> 24, signed, highest, jitter, last, delay))
        elif kind == SDES:
            assert body[8] == 1, "CNAME"
            found.cname = body[10 : 10 + body[9]]
        elif kind == XR:
            found.metrics = body[8:]
        at += len(body)
    return found


def reports_of(party: Party) -> list[Compound]:
    """What the party was told on its RTCP port."""
    return [parse(data) for data in party.others]


def sender_report(ssrc: int, ntp: int, *blocks: Block) -> bytes:
    body = b"".join(block.encode() for block in blocks)
    return struct.pack("!BBHIQIII", 0x80 | len(blocks), SR, 6 + 6 * len(blocks), ssrc, ntp, 0, 10, 1600) + body


def receiver_report(ssrc: int, *blocks: Block) -> bytes:
    body = b"".join(block.encode() for block in blocks)
    return struct.pack("!BBHI", 0x80 | len(blocks), RR, 1 + 6 * len(blocks), ssrc) + body


def voip_metrics(ssrc: int, about: int, *, discarded: int = 0, nominal: int = 0, mos_cq: int = 127) -> bytes:
    block = struct.pack("!BBHI", 7, 0, 8, about)
    block += struct.pack("!BBBBHHHH", 0, discarded, 0, 0, 0, 0, 0, 0)
    block += struct.pack("!bbBBBBBBBBHHH", 127, 127, 127, 16, 127, 127, 127, mos_cq, 0, 0, nominal, nominal, nominal)
    return struct.pack("!BBHI", 0x80, XR, (8 + len(block)) // 4 - 1, ssrc) + block
