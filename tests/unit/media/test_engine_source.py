"""Who may speak on a port: the source rule of the audio model; and what is no RTP at all."""

from __future__ import annotations

import os
import random

from appliance.exchange.audio import Payload, PortStats
from tests.unit.media.engine_box import EngineBox
from tests.unit.media.rtp import Party, run


def burst(box: EngineBox, party: Party, count: int, listener: Party) -> int:
    """Sends packets at once; gives how many more the listener heard of them."""
    # Rows put just before are the engine's only in its next round; packets of this one would meet the old ones.
    box.settle()
    before = len(listener.received)
    for _ in range(count):
        party.send_packet(bytes(160))
    box.settle()
    listener.read()
    return len(listener.received) - before


def test_the_address_of_the_sdp_is_heard_from_its_first_packet(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    assert burst(box, a, 1, b) == 1


def test_another_source_is_heard_after_five_packets_and_answered_there(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    nat = Party()
    box.parties.append(nat)
    nat.to = a.to
    assert burst(box, nat, 4, b) == 0
    assert burst(box, nat, 1, b) == 1, "the fifth packet in a row locks"
    assert burst(box, nat, 3, b) == 3
    b.send_packet(bytes(160))
    box.settle()
    a.read()
    nat.read()
    assert len(nat.received) == 1 and not a.received, "symmetric: sent to where it comes from"
    assert burst(box, a, 3, b) == 0, "locked"
    box.put(drop=[box.id(a)])
    final = box.wait(PortStats, where=lambda s: s.final)
    assert final.strangers == 4 + 3
    assert final.source == f"127.0.0.1:{nat.address[1]}"


def test_five_packets_must_be_of_one_stream_and_in_order(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    stranger = Party()
    box.parties.append(stranger)
    stranger.to = a.to
    for _ in range(12):
        stranger.sequence += 5
        assert burst(box, stranger, 1, b) == 0
    for ssrc in range(20, 32):
        stranger.ssrc = ssrc
        assert burst(box, stranger, 1, b) == 0
    assert burst(box, a, 1, b) == 1, "the address of the SDP still counts at once"
    stranger.ssrc = 99
    assert burst(box, stranger, 20, b) == 0, "and locks"


def test_a_new_generation_unlocks(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    other = Party()
    box.parties.append(other)
    other.to = a.to
    assert burst(box, a, 1, b) == 1
    assert burst(box, other, 9, b) == 0
    box.change(a, remote=other.address, generation=1)
    assert burst(box, other, 1, b) == 1
    assert burst(box, a, 9, b) == 0


def test_a_new_sdp_with_the_same_address_keeps_the_phone_behind_nat(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    nat = Party()
    box.parties.append(nat)
    nat.to = a.to
    burst(box, nat, 6, b)
    box.change(a, generation=1)
    assert burst(box, nat, 1, b) == 1, "hold and resume cost no audio"


def test_rtcp_of_strangers_is_no_life(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    assert a.to
    b.control.sendto(bytes([0x80, 201, 0, 1, 0, 0, 0, 1]), (a.to[0], a.to[1] + 1))
    a.socket.sendto(bytes([0x80, 201, 0, 1, 0, 0, 0, 1]), a.to)
    run(0.05, [a, b])
    assert box.figures().invalid == 0
    assert not a.received and not b.received


def test_datagrams_of_any_content_disturb_nothing(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    seed = random.Random(4711)
    rubbish = [
        b"",
        b"\x80",
        os.urandom(11),
        b"\x80\x00" + bytes(10),
        b"\x90\x00" + bytes(10),
        b"\xbf\x00" + b"\xff" * 300,
    ]
    rubbish += [seed.randbytes(seed.randrange(0, 1500)) for _ in range(300)]
    rubbish += [bytes([0x80 | seed.randrange(64), seed.randrange(256)]) + seed.randbytes(200) for _ in range(300)]

    def throw() -> None:
        for party in (a, b):
            assert party.to
            for port in (party.to[1], party.to[1] + 1):
                box.parties[-1].socket.sendto(seed.choice(rubbish), (party.to[0], port))

    box.parties.append(Party())
    run(0.6, [a, b], also=throw)
    assert len(a.received) >= 25 and len(b.received) >= 25


def test_a_payload_type_that_was_not_negotiated_is_not_heard(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.change(a, receive=(Payload(0, "PCMU"),))
    box.bridge(a, b)
    box.settle()
    a.send_packet(bytes(160), packet_type=8)
    a.send_packet(bytes(160), packet_type=13)
    box.settle()
    b.read()
    assert not b.received
    assert box.figures().invalid == 2
