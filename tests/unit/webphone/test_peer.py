"""What is relied on of aiortc: packets pass undecoded both ways, no decoder runs, descriptions are judged."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from pathlib import Path

import pytest

pytest.importorskip("aiortc")

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from appliance.net.rtp import Packet
from appliance.webphone.peer import Peer, PeerError

HAS_NETWORK = any(
    line.split()[1] == "00000000" for line in Path("/proc/net/route").read_text().splitlines()[1:] if line.strip()
)


@pytest.mark.skipif(not HAS_NETWORK, reason="aiortc offers no loopback candidates, and there is no other network here")
async def test_opus_passes_through_as_it_is_both_ways() -> None:
    heard: list[Packet] = []
    connected = asyncio.Event()
    peer = Peer(heard.append, lambda one: connected.set() if one.state == "connected" else None)
    browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: list[object] = []
    browser.addTrack(AudioStreamTrack())
    browser.on("track", tracks.append)
    try:
        await browser.setLocalDescription(await browser.createOffer())
        answer = await peer.answer(browser.localDescription.sdp)
        assert re.search(r"a=fmtp:\d+ minptime=10;useinbandfec=1\r\n", answer) and "PCMU" not in answer
        await browser.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await asyncio.wait_for(connected.wait(), 20)
        for _ in range(200):
            if len(heard) > 10:
                break
            await asyncio.sleep(0.05)
        steps = [(after.sequence - before.sequence) & 0xFFFF for before, after in itertools.pairwise(heard)]
        assert len(heard) > 10 and steps == [1] * len(steps)
        assert sum(thread.name == "audio-decoder" for thread in threading.enumerate()) <= 1, "ours has ended"
        for number in range(30):
            peer.send(Packet(111, False, number, number * 960, 9, heard[0].payload), number * 0.02)
        frame = await asyncio.wait_for(tracks[0].recv(), 10)  # type: ignore[attr-defined]
        assert frame.sample_rate == 48000
    finally:
        await browser.close()
        await peer.close()


@pytest.mark.parametrize("sdp", ["", "nonsense", "v=0\r\n" + "m=audio 9 X 0\r\n" * 9, "a=candidate:1\r\n" * 100])
async def test_a_description_that_is_none_is_refused_in_words(sdp: str) -> None:
    peer = Peer(lambda packet: None, lambda one: None)
    with pytest.raises(PeerError):
        await peer.answer(sdp)
    await peer.close()
