"""The audio of one call between the process and the media engine: plain RTP over loopback, Opus as it comes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable

from appliance.net.rtp import KEY_ENDS, KEY_PACKETS, KEY_PAUSE, Packet, key_payload, parse
from appliance.sip.offer_answer import Negotiated
from appliance.webphone.numbering import Numbering

FRAME_SECONDS = 0.02
FRAME_SAMPLES = 960
MAX_KEYS = 40
BATCH = 16


class NoPort(OSError):
    """No pair of UDP ports is free."""


class CallAudio:
    """A pair of UDP ports. `heard` gets the engine's Opus packets."""

    def __init__(self, host: str, heard: Callable[[Packet], None], clock: Callable[[], float]) -> None:
        """Raises NoPort."""
        self.host = host
        self._heard, self._clock = heard, clock
        self._rtp, self._rtcp = _pair(host)
        self.port: int = self._rtp.getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._rtp, self._readable)
        self._loop.add_reader(self._rtcp, self._drop_report)
        self._negotiated: Negotiated | None = None
        self._numbers = Numbering(int.from_bytes(os.urandom(2), "big"), int.from_bytes(os.urandom(4), "big"))
        self._ssrc = int.from_bytes(os.urandom(4), "big")
        self._keys: deque[tuple[str, int]] = deque()
        self._key_start = 0
        self._key_timer: asyncio.TimerHandle | None = None
        self._first = True

    def agree(self, negotiated: Negotiated) -> None:
        """What offer and answer came to: where to send, and whether."""
        self._negotiated = negotiated

    def send(self, packet: Packet) -> None:
        """A packet of the browser on its way to the engine."""
        if self._pressing:
            self._numbers.skip(packet.ssrc, packet.sequence, packet.timestamp, self._clock())
            return
        sequence, timestamp = self._numbers.take(packet.ssrc, packet.sequence, packet.timestamp, self._clock())
        negotiated = self._negotiated
        if negotiated is not None and negotiated.send is not None:
            self._out(negotiated.send.number, self._first, sequence, timestamp, packet.payload)
            self._first = False

    @property
    def _pressing(self) -> bool:
        return bool(self._keys) and bool(self._keys[0][0])

    def press(self, key: str) -> bool:
        """Sends a key (RFC 4733), after those that are being sent; False: the other side takes none, or too many."""
        events = self._negotiated.send_events if self._negotiated is not None else None
        if events is None or len(self._keys) > MAX_KEYS * (KEY_PACKETS + KEY_ENDS + KEY_PAUSE):
            return False
        self._keys.extend((key, step) for step in range(KEY_PACKETS + KEY_ENDS))
        self._keys.extend([("", 0)] * KEY_PAUSE)
        if self._key_timer is None:
            self._tick(self._loop.time())
        return True

    def _tick(self, due: float) -> None:
        """One packet's time of the keys that wait."""
        self._key_timer = None
        if not self._keys:
            return
        key, step = self._keys.popleft()
        events = self._negotiated.send_events if self._negotiated is not None else None
        if key and events is not None:
            if step == 0:
                self._key_start = self._numbers.timestamp + FRAME_SAMPLES & 0xFFFFFFFF
            samples = int(FRAME_SECONDS * events.clock)
            payload = key_payload(key, step, samples)
            self._out(events.number, step == 0, self._numbers.own(), self._key_start, payload)
        self._key_timer = self._loop.call_at(due + FRAME_SECONDS, self._tick, due + FRAME_SECONDS)

    def _out(self, kind: int, marker: bool, sequence: int, timestamp: int, payload: bytes) -> None:
        negotiated = self._negotiated
        if negotiated is None or negotiated.remote is None or "send" not in negotiated.direction:
            return
        try:
            self._rtp.sendto(bytes(Packet(kind, marker, sequence, timestamp, self._ssrc, payload)), negotiated.remote)
        except OSError:
            pass  # the engine is being started again; what is lost is 20 ms

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                data = self._rtp.recv(2048)
            except OSError:
                return
            packet, negotiated = parse(data), self._negotiated
            if packet is None or negotiated is None:
                continue
            if any(one.number == packet.payload_type and one.codec == "opus" for one in negotiated.receive):
                self._heard(packet)

    def _drop_report(self) -> None:
        """The engine's reports: between two processes of one machine nothing is lost that they would tell of."""
        for _ in range(BATCH):
            try:
                self._rtcp.recv(2048)
            except OSError:
                return

    def close(self) -> None:
        """Gives the ports back."""
        if self._key_timer is not None:
            self._key_timer.cancel()
        self._keys.clear()
        for one in (self._rtp, self._rtcp):
            self._loop.remove_reader(one)
            one.close()


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the next one (RFC 3550 11)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(50):
        opened: list[socket.socket] = []
        try:
            rtp = socket.socket(family, socket.SOCK_DGRAM)
            opened.append(rtp)
            rtp.bind((host, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0 and port < 65535:
                rtcp = socket.socket(family, socket.SOCK_DGRAM)
                opened.append(rtcp)
                rtcp.bind((host, port + 1))
                for one in opened:
                    one.setblocking(False)
                return rtp, rtcp
        except OSError:
            pass
        for one in opened:
            one.close()
    raise NoPort("no pair of UDP ports is free")
