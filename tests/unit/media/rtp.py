"""RTP parties for tests: each sends its own tone in real time, and is asked afterwards which tones it heard.

Everything runs in one loop of the calling thread (`run`), so a test is bounded by the seconds it asks for.
"""

from __future__ import annotations

import itertools
import math
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

RATE, FRAME = 8000, 160
TONES = (440, 620, 850, 1100, 1400, 1750)
"""Far enough from each other and from each other's harmonics to be told apart."""

Samples = npt.NDArray[np.int16]


def _ulaw_table() -> Samples:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((codes & 0x0F) << 3) + 0x84) << ((codes & 0x70) >> 4)) - 0x84
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> Samples:
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    segment, mantissa = (codes & 0x70) >> 4, (codes & 0x0F) << 4
    magnitude = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


TABLES = {0: _ulaw_table(), 8: _alaw_table()}
"""Linear values of the codes, by static payload type."""


def encode(payload_type: int, samples: Samples) -> bytes:
    """G.711 by nearest value: slow and obviously right."""
    table = TABLES[payload_type].astype(np.int32)
    order = np.argsort(table, kind="stable")
    ordered = table[order]
    at = np.clip(np.searchsorted(ordered, samples), 1, 255)
    nearer = np.abs(ordered[at - 1] - samples) <= np.abs(ordered[at] - samples)
    return bytes(order[np.where(nearer, at - 1, at)].astype(np.uint8))


def decode(payload_type: int, payload: bytes) -> Samples:
    """G.711 to linear."""
    return TABLES[payload_type][np.frombuffer(payload, dtype=np.uint8)]


def tone(hertz: float, seconds: float, amplitude: int = 8000, start: int = 0) -> Samples:
    """A sine, from sample `start` of its endless course."""
    at = np.arange(start, start + int(seconds * RATE))
    return (amplitude * np.sin(2 * math.pi * hertz * at / RATE)).astype(np.int16)


def level(samples: Samples, hertz: float) -> float:
    """Amplitude of one frequency in the samples (Goertzel's sum over whole periods, as a correlation)."""
    if len(samples) == 0:
        return 0.0
    at = np.arange(len(samples))
    return float(abs(np.sum(samples * np.exp(-2j * math.pi * hertz * at / RATE))) * 2 / len(samples))


def heard(samples: Samples, tones: Iterable[int] = TONES, least: float = 1500) -> set[int]:
    """Which of the tones are in the samples."""
    return {hertz for hertz in tones if level(samples, hertz) >= least}


@dataclass
class Packet:
    """One RTP packet as it came."""

    at: float
    marker: bool
    type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes, at: float = 0.0) -> Packet:
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    assert first == 0x80, "the engine sends plain headers"
    return Packet(at, bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, data[12:])


def header(packet_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool = False) -> bytes:
    return struct.pack(
        "!BBHII", 0x80, packet_type | (0x80 if marker else 0), sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc
    )


@dataclass
class Party:
    """One telephone: a socket, a tone, and everything that was heard."""

    hertz: int = 0
    """0: sends nothing by itself."""
    payload_type: int = 0
    ssrc: int = 0x1000
    sequence: int = 100
    timestamp: int = 5000
    host: str = "127.0.0.1"
    amplitude: int = 8000
    received: list[Packet] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    """What was no RTP (RTCP on the port after)."""
    controlled: list[bytes] = field(default_factory=list)
    """RTCP on the RTP port."""
    mixed: bool = False
    """Whether there may be some."""
    sent: int = 0
    skew_ppm: float = 0.0
    outwards: Callable[[bytes], bytes] = bytes
    """What becomes of a packet before it is sent (SRTP)."""
    inwards: Callable[[bytes], bytes] = bytes
    inwards_report: Callable[[bytes], bytes] = bytes
    """What becomes of one that came."""

    def __post_init__(self) -> None:
        self.socket, self.control = pair(self.host)
        self.address: tuple[str, int] = self.socket.getsockname()
        self.to: tuple[str, int] | None = None
        self._phase = 0

    def close(self) -> None:
        self.socket.close()
        self.control.close()

    def send_packet(
        self, payload: bytes, packet_type: int | None = None, marker: bool = False, step: int = FRAME
    ) -> None:
        """One packet now; `step` is how far the timeline moves after it."""
        assert self.to is not None
        kind = self.payload_type if packet_type is None else packet_type
        packet = header(kind, self.sequence, self.timestamp, self.ssrc, marker) + payload
        self.socket.sendto(self.outwards(packet), self.to)
        self.sequence += 1
        self.timestamp += step
        self.sent += 1

    def send_frame(self) -> None:
        """The next 20 ms of the tone."""
        samples = tone(self.hertz, 0.02, self.amplitude, self._phase)
        self._phase += FRAME
        self.send_packet(encode(self.payload_type, samples))

    def send_event(self, event: int, packet_type: int, presses: int = 5, ends: int = 3, frame: int = FRAME) -> None:
        """A key press of RFC 4733: one timestamp, rising durations, the end three times."""
        start = self.timestamp
        for number in range(1, presses + ends + 1):
            end = number > presses
            duration = min(number, presses + 1) * frame
            payload = struct.pack("!BBH", event, (0x80 if end else 0) | 10, duration)
            self.timestamp = start
            self.send_packet(payload, packet_type, marker=number == 1, step=0)
        self.timestamp = start + (presses + 1) * frame

    def read(self) -> None:
        for source, keep_rtp in ((self.socket, True), (self.control, False)):
            while True:
                try:
                    data, origin = source.recvfrom(2048)
                except (BlockingIOError, ConnectionRefusedError):
                    break
                if self.to is None or origin[0] != self.to[0] or origin[1] - self.to[1] not in (0, 1):
                    continue  # of another test on this machine
                if keep_rtp and self.mixed and 192 <= data[1] <= 223:
                    self.controlled.append(data)
                elif keep_rtp:
                    self.received.append(parse(self.inwards(data), time.monotonic()))
                else:
                    self.others.append(self.inwards_report(data))

    def audio(self, skip: float = 0.0, packets: list[Packet] | None = None) -> Samples:
        """What was heard, laid out by timestamps, without the first `skip` seconds."""
        chosen = [p for p in (self.received if packets is None else packets) if p.type in TABLES]
        if not chosen:
            return np.zeros(0, dtype=np.int16)
        base = chosen[0].timestamp
        length = max((p.timestamp - base) & 0xFFFFFFFF for p in chosen) + max(len(p.payload) for p in chosen)
        out = np.zeros(min(length, RATE * 60), dtype=np.int16)
        for p in chosen:
            at = (p.timestamp - base) & 0xFFFFFFFF
            samples = decode(p.type, p.payload)
            out[at : at + len(samples)] = samples[: max(0, len(out) - at)]
        return out[int(skip * RATE) :]


def pair(host: str = "127.0.0.1") -> tuple[socket.socket, socket.socket]:
    """Two UDP sockets on an even port and the next one."""
    for _ in range(200):
        first = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        second = socket.socket(first.family, socket.SOCK_DGRAM)
        first.bind((host, 0))
        port = first.getsockname()[1]
        if port % 2 == 0:
            try:
                second.bind((host, port + 1))
            except OSError:
                pass
            else:
                first.setblocking(False)
                second.setblocking(False)
                return first, second
        first.close()
        second.close()
    raise OSError("no two neighbouring ports are free")


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Even ports that were free a moment ago, with free neighbours."""
    pairs = [pair(host) for _ in range(count)]
    ports = [first.getsockname()[1] for first, _ in pairs]
    for first, second in pairs:
        first.close()
        second.close()
    return ports


def run(seconds: float, parties: Iterable[Party], also: Callable[[], None] | None = None) -> None:
    """Lets every party with a tone and an address speak in real time, and all of them listen."""
    everyone = list(parties)
    poll = select.poll()
    for party in everyone:
        poll.register(party.socket, select.POLLIN)
        poll.register(party.control, select.POLLIN)
    start = time.monotonic()
    due = {id(party): start + 0.0007 * number for number, party in enumerate(everyone) if party.hertz}
    while (now := time.monotonic()) < start + seconds:
        for party in everyone:
            if party.hertz and party.to and now >= due[id(party)]:
                party.send_frame()
                due[id(party)] += 0.02 * (1 + party.skew_ppm / 1e6)
        if also:
            also()
        poll.poll(max(0.0, min([*due.values(), start + seconds]) - time.monotonic()) * 1000 + 1 if due else 5)
        for party in everyone:
            party.read()


def continuous(packets: list[Packet]) -> None:
    """Asserts one SSRC, sequence numbers without a gap, and timestamps that never go back nor stand still."""
    assert packets
    assert len({p.ssrc for p in packets}) == 1
    for before, after in itertools.pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1, "sequence"
        step = (after.timestamp - before.timestamp) & 0xFFFFFFFF
        assert 0 < step < 1 << 31, f"timestamp went by {step - (1 << 32) if step >= 1 << 31 else step}"
