"""A browser's audio by WebRTC. The only file that knows aiortc.

Opus packets pass through undecoded, both ways: what the browser sends goes to `heard` as it was received, and what is
given to `send` goes out in a stream of the same numbers; jitter is evened out once, by the engine or by the browser.
aiortc offers that for sending (a track may give packets). For receiving it does not: its receiver is told to end its
decoder, and its packets are taken where they come from the transport. `tests` hold what is relied on.
"""

from __future__ import annotations

import asyncio
import fractions
import logging
import re
from collections.abc import Callable
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from av.packet import Packet as AvPacket

from appliance.net.rtp import Packet
from appliance.webphone.numbering import Numbering

log = logging.getLogger("hako.webphone")

TIME_BASE = fractions.Fraction(1, 48000)
_HALF = 1 << 31
MAX_WAITING = 25
"""Packets that wait for a transport that does not take them: half a second."""
GATHER_SECONDS = 10.0
MAX_SECTIONS, MAX_CANDIDATES = 4, 60


class PeerError(ValueError):
    """A description that cannot be used; the message says why."""


class Peer:
    """One connection to one browser."""

    def __init__(self, heard: Callable[[Packet], None], changed: Callable[[Peer], None]) -> None:
        """`heard` gets the browser's packets; `changed` is called when `state` is another one."""
        self._heard, self._changed = heard, changed
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._track = _PacketTrack()
        self._section = self._connection.addTransceiver(self._track, "sendrecv")
        known = RTCRtpReceiver.getCapabilities("audio")
        opus = [one for one in known.codecs if one.mimeType == "audio/opus"] if known is not None else []
        self._section.setCodecPreferences(opus)
        _tap(self._section.receiver, self._take)
        self._connection.on("connectionstatechange", self._state_changed)

    @property
    def state(self) -> str:
        """new, connecting, connected, failed, closed"""
        state: str = self._connection.connectionState
        return state

    async def answer(self, sdp: str) -> str:
        """Our answer to the browser's offer, with all candidates. Raises PeerError."""
        _check(sdp)
        try:
            async with asyncio.timeout(GATHER_SECONDS):
                await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                if self._section.mid is None:
                    raise PeerError("it has no audio")
                await self._connection.setLocalDescription(await self._connection.createAnswer())
        except PeerError:
            raise
        except TimeoutError:
            raise PeerError("no address to be reached at was found in time") from None
        except Exception as error:
            # aiortc raises whatever its parser stumbles over.
            raise PeerError(f"it cannot be used: {error!s:.200}") from error
        return _with_correction(str(self._connection.localDescription.sdp))

    def send(self, packet: Packet, now: float) -> None:
        """A packet for the browser."""
        if self.state == "connected":
            self._track.put(packet, now)

    async def close(self) -> None:
        """Ends the connection."""
        self._track.stop()
        await self._connection.close()

    def _take(self, packet: Any) -> None:
        self._heard(
            Packet(
                packet.payload_type,
                bool(packet.marker),
                packet.sequence_number,
                packet.timestamp,
                packet.ssrc,
                packet.payload,
            )
        )

    def _state_changed(self) -> None:
        log.info("a browser's audio is %s", self.state)
        self._changed(self)


class _PacketTrack(MediaStreamTrack):
    """What the browser hears, as packets that are encoded already."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[AvPacket[Any] | None] = asyncio.Queue(MAX_WAITING + 1)
        self._numbers = Numbering(0, 0)
        self._newest = 0

    def put(self, packet: Packet, now: float) -> None:
        """One more packet; when too many wait it is left out."""
        if self._queue.qsize() >= MAX_WAITING:
            return
        _, timestamp = self._numbers.take(packet.ssrc, packet.sequence, packet.timestamp, now)
        # Timestamps of a track do not wrap.
        self._newest += (timestamp - self._newest + _HALF & 0xFFFFFFFF) - _HALF
        given: AvPacket[Any] = AvPacket(packet.payload)
        given.pts, given.time_base = self._newest, TIME_BASE
        self._queue.put_nowait(given)

    async def recv(self) -> Any:
        """The next packet, when it comes."""
        if self.readyState != "live":
            raise MediaStreamError
        packet = await self._queue.get()
        if packet is None:
            raise MediaStreamError
        return packet

    def stop(self) -> None:
        """Wakes who waits for a packet."""
        super().stop()
        if not self._queue.full():
            self._queue.put_nowait(None)


def _tap(receiver: Any, take: Callable[[Any], None]) -> None:
    """Has the receiver's Opus packets come to `take`, and nothing decoded."""
    handle, receive = receiver._handle_rtp_packet, receiver.receive
    numbers: set[int] = set()

    async def receive_undecoded(parameters: Any) -> None:
        numbers.update(one.payloadType for one in parameters.codecs if one.mimeType == "audio/opus")
        await receive(parameters)
        receiver._handle_disconnect()  # ends the decoder's thread, nothing else

    async def handle_and_pass_on(packet: Any, arrival_time_ms: int) -> None:
        if packet.payload_type in numbers and packet.payload:
            take(packet)
        await handle(packet, arrival_time_ms)

    receiver.receive, receiver._handle_rtp_packet = receive_undecoded, handle_and_pass_on


def _check(sdp: str) -> None:
    lines = sdp.splitlines()
    if sum(line.startswith("m=") for line in lines) > MAX_SECTIONS:
        raise PeerError("it has too many streams")
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise PeerError("it has too many candidates")


def _with_correction(sdp: str) -> str:
    """The description, asking for Opus with in-band forward error correction (RFC 7587 7.1), which the engine reads."""
    found = re.search(r"^a=rtpmap:(\d+) opus/48000/2\r\n", sdp, re.MULTILINE)
    if found is None or f"a=fmtp:{found[1]} " in sdp:
        return sdp
    return f"{sdp[: found.end()]}a=fmtp:{found[1]} minptime=10;useinbandfec=1\r\n{sdp[found.end() :]}"
