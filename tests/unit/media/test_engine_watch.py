"""A party that is in a conversation and not heard: noticed within three seconds, with the reason."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest

from appliance.exchange.audio import Link, Mix, Payload, PortHeard, PortReached, PortUnheard, PortUnreached
from tests.unit.media import rtcp
from tests.unit.media.engine_box import PCMA, PCMU, EngineBox
from tests.unit.media.rtp import Party, header, run
from tests.unit.media.still import MS, Still
from tests.unit.media.still import PCMU as PCMU_TYPE

WITHIN = 3.6
"""Three seconds, and what a busy machine adds."""


def unheard(box: EngineBox, *speakers: Party, seconds: float = WITHIN) -> PortUnheard:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run(0.05, speakers or box.parties)
        for event in box.of(PortUnheard):
            return event
    raise AssertionError("nothing was told")


def test_a_party_that_sends_nothing_is_told_of_until_it_seems_to_send_only_while_it_speaks(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    event = unheard(box, b)
    assert (event.id, event.reason) == (box.id(a), "no-packets") and 1.5 < event.seconds <= 3.2
    run(1.2, [a, b])
    assert [event.id for event in box.of(PortHeard)] == [box.id(a)], "its first word"
    run(3.1, [b])
    run(1.2, [a, b])
    run(3.1, [b])
    assert len(box.of(PortUnheard)) == len(box.of(PortHeard)) == 2, "silent again, and once more: told of twice"


def test_each_is_told_of_with_its_reason_and_nobody_else(box: EngineBox) -> None:
    """Many conversations at once: muted microphones and quiet rooms, audio from elsewhere, of another payload type, no
    RTP at all; two who talk; and those who owe nothing: early media, a monitor, an echo, one who holds."""
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    muted = [box.party(440, payload=payload, amplitude=0) for payload in (PCMU, PCMA)]
    quiet = [box.party(440, payload=payload, amplitude=60) for payload in (PCMU, PCMA)]
    for one in (*muted, *quiet):
        box.bridge(one, box.party(620))
    before, moved = box.party(440), Party(620)
    box.parties.append(moved)
    moved.to = before.to
    run(0.2, [before])
    box.bridge(before, box.party(620))
    foreign, strange = box.party(), box.party()
    box.bridge(foreign, box.party(620))
    box.bridge(strange, box.party(620))
    caller, called, listened, monitor, alone = box.party(), box.party(), box.party(440), box.party(), box.party()
    held, other = box.party(receiving=False), box.party(850)
    one_way = ((caller, called), (monitor, listened), (alone, alone), (held, other), (other, held))
    box.put(Mix(id=box.new_id(), links=tuple(Link(box.id(one), box.id(of)) for one, of in one_way)))

    def odd() -> None:
        foreign.send_packet(bytes(20), 18)
        assert strange.to
        strange.socket.sendto(b"HELLO" * 20, strange.to)

    reasons = {box.id(one): "digital-silence" for one in muted}
    reasons |= {box.id(before): "other-source", box.id(foreign): "other-payload", box.id(strange): "no-rtp"}
    speaking = [party for party in box.parties if party is not before]
    start = time.monotonic()
    while len(box.of(PortUnheard)) < len(reasons) and time.monotonic() < start + WITHIN:
        run(0.05, speaking, odd)
    told = {event.id: event for event in box.of(PortUnheard)}
    assert {port: event.reason for port, event in told.items()} == reasons
    assert told[box.id(before)].source == f"127.0.0.1:{moved.address[1]}"
    assert told[box.id(foreign)].payload_type == 18
    for one in muted:
        one.amplitude = 8000
    run(1.2, speaking, odd)
    assert {event.id for event in box.of(PortHeard)} == {box.id(one) for one in muted}
    assert len(box.of(PortUnheard)) == len(reasons), "each once"


def test_one_whose_audio_breaks_off_is_told_of_and_one_who_pauses_is_not(box: EngineBox) -> None:
    noise = Payload(13, "CN")
    lost, pausing = box.party(440), box.party(620, receive=(PCMU, noise))
    b, c = box.party(850), box.party(1100)
    box.bridge(lost, b)
    box.bridge(pausing, c)
    run(2.2, box.parties)
    pausing.send_packet(bytes([60]), 13)
    event = unheard(box, b, c, seconds=4.6)
    assert event.id == box.id(lost) and event.reason == "no-packets"
    run(1.5, [b, c])
    assert len(box.of(PortUnheard)) == 1


def test_a_new_conversation_is_watched_anew(box: EngineBox) -> None:
    a, b = box.party(), box.party(850)
    mix = box.bridge(a, b)
    unheard(box, b)
    box.put(drop=[mix])
    run(1.2, [b])
    box.events.clear()
    box.bridge(a, b)
    assert unheard(box, b).id == box.id(a)


def test_a_party_heard_decoded_is_judged_by_what_was_decoded(box: EngineBox) -> None:
    """L16 into G.711: not looked into as it comes, but heard mixed."""
    wide = Payload(112, "L16", 16000)
    a, b = box.party(payload=wide, receive=(PCMU, wide)), box.party(850)
    box.bridge(a, b)
    end = time.monotonic() + WITHIN

    while not box.of(PortUnheard) and time.monotonic() < end:
        a.send_packet(bytes(640), 112, step=320)
        run(0.02, [b])
    assert [(event.id, event.reason) for event in box.of(PortUnheard)] == [(box.id(a), "digital-silence")]


def test_a_phone_that_sends_only_while_it_speaks_is_never_called_silent(box: EngineBox) -> None:
    """It says nothing of it in its SDP, sends no comfort noise, or noise that was not agreed."""
    pausing, noisy = box.party(), box.party(620)
    b, c = box.party(850), box.party(1100)
    box.bridge(pausing, b)
    box.bridge(noisy, c)
    for _ in range(3):
        pausing.hertz = 440
        run(0.2, [pausing, noisy, b, c])
        pausing.hertz = 0
        run(0.3, [b, c, noisy])
        pausing.timestamp += 8 * 300
    noisy.hertz = 0
    noisy.send_packet(bytes([60]), 13)
    run(4.2, [b, c])
    assert box.of(PortUnheard) == []


def test_a_hold_is_no_silence_suppression(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(0.3, [a, b])
    run(0.5, [b])
    a.timestamp += 8 * 500
    box.change(a, generation=2)
    run(0.3, [a, b])
    assert unheard(box, b).reason == "no-packets"


# --- whether we are heard -------------------------------------------------------------------------------------------
def reports(party: Party, *blocks: rtcp.Block) -> None:
    assert party.to
    party.control.sendto(rtcp.sender_report(party.ssrc, 77, *blocks), (party.to[0], party.to[1] + 1))


def block(party: Party, behind: int = 0, fraction: int = 0) -> rtcp.Block:
    """What a telephone says that got everything but the last packets."""
    newest = party.received[-1]
    return rtcp.Block(newest.ssrc, fraction, 0, newest.sequence - behind, 0, 0, 0)


def test_a_party_whose_reports_stand_still_hears_nothing_until_they_go_on(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(4.2, [a, b])
    reports(a, block(a))
    box.settle()
    last = block(a)
    run(3.0, [a, b])
    assert box.of(PortUnreached) == []
    reports(a, last)
    told = box.wait(PortUnreached)
    assert (told.id, told.reason, told.to) == (box.id(a), "not-received", f"127.0.0.1:{a.address[1]}")
    reports(a, last)
    reports(a, block(a))
    assert box.wait(PortReached).id == box.id(a)
    assert len(box.of(PortUnreached)) == 1


def test_a_party_whose_reports_never_fit_is_believed_when_it_says_it_twice(box: EngineBox) -> None:
    """One that never names us; one that names another stream; one whose figures are nonsense."""
    silent, other, strange = box.party(440), box.party(440), box.party(440)
    for one in (silent, other, strange):
        box.bridge(one, box.party(850))
    run(4.2, box.parties)
    for number in range(2):
        reports(silent)
        reports(other, rtcp.Block(0x4711, 0, 0, 5, 0, 0, 0))
        reports(strange, block(strange, 4000 + number, fraction=3))
        box.settle()
        assert len(box.of(PortUnreached)) == number
    run(0.3, box.parties)
    assert [event.id for event in box.of(PortUnreached)] == [box.id(silent)]


@pytest.mark.parametrize("held", [False, True])
def test_a_party_that_stays_deaf_is_not_taken_for_cured_when_numbers_come_round(still: Still, held: bool) -> None:
    """After 32,768 packets its last number seems to lie ahead of ours. A hold in between lets it be told of anew."""
    a, b = still.port(), still.port()
    still.bridge(a, b)
    told = []

    def talk(seconds: int) -> None:
        first = still.now // (20 * MS) + 1
        count = np.arange(first, first + seconds * 50)
        data = b"".join(header(PCMU_TYPE, int(n) & 0xFFFF, int(n) * 160, 7) + bytes([n % 256]) * 160 for n in count)
        still.listen(count * 20 * MS, b, 172, data)

    def say() -> None:
        still.report(a, rtcp.receiver_report(9, rtcp.Block(last.ssrc, 255, 0, last.sequence, 0, 0, 0)))
        told.extend(one.what for one in still.found() if one.kind == "reach")

    talk(20)
    last = still.heard[a][-1]
    say()
    for five in range(1, 160):
        talk(5)
        say()
        if held and five == 133:
            still.mix([], number=1000)
            talk(2)
            still.bridge(a, b)
            told.clear()
    assert told == ["lost"]
    last = still.heard[a][-1]
    say()
    assert told == ["lost", "again"]


def test_an_address_that_refuses_is_told_of_at_once(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(1.0, [a, b])
    a.socket.close()
    end = time.monotonic() + WITHIN
    while not box.of(PortUnreached) and time.monotonic() < end:
        run(0.05, [b])
    assert [(event.id, event.reason) for event in box.of(PortUnreached)] == [(box.id(a), "refused")]
    a.socket = pair_on(a.address[1])
    run(2.5, [a, b])
    assert [event.id for event in box.of(PortReached)] == [box.id(a)]


def pair_on(port: int) -> socket.socket:
    again = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    again.bind(("127.0.0.1", port))
    again.setblocking(False)
    return again
