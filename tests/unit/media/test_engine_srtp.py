"""SRTP at the engine's ports, against an implementation of our own that RFC 3711 and RFC 7714 vouch for."""

from __future__ import annotations

import struct
import time

import pytest

from appliance.exchange.audio import PortStats, PortUnheard, RtpPort, SrtpKeys
from appliance.media.engine.rows import abilities
from tests.unit.media.engine_box import PCMA, EngineBox
from tests.unit.media.rtp import Party, continuous, header, heard, run
from tests.unit.media.srtp import CM_32, CM_80, GCM, SUITES, Srtp, counter_mode, derive, keys

hexed = bytes.fromhex


class Talk:
    """The party's side of an SRTP stream: both roll-over counters, as a phone keeps them."""

    def __init__(self, party: Party, sends: SrtpKeys, hears: SrtpKeys) -> None:
        self.sender, self.hearer = Srtp(sends), Srtp(hears)
        self.counter = self.heard_counter = 0
        self._last = -1
        party.outwards, party.inwards = self.send, self.hear
        party.inwards_report = self.hearer.unprotect_report

    def send(self, packet: bytes) -> bytes:
        return self.sender.protect(packet, self.counter + (0 if int.from_bytes(packet[2:4]) >= self.first else 1))

    first = 0
    """The sequence number that the present counter began with; smaller ones came round."""

    def hear(self, packet: bytes) -> bytes:
        number = int.from_bytes(packet[2:4])
        self.heard_counter += self._last > 60000 and number < 5000
        self._last = number
        return self.hearer.unprotect(packet, self.heard_counter)


def secure(box: EngineBox, suite: str, hertz: int = 0, number: int = 1, **changes: object) -> tuple[Party, Talk]:
    """A telephone that speaks SRTP."""
    ours, theirs = keys(suite, number), keys(suite, number + 100)
    party = box.party(hertz, protect=ours, unprotect=theirs, **changes)  # type: ignore[arg-type]
    return party, Talk(party, theirs, ours)


# --- the vectors that the other side of these tests stands on
def test_the_tests_own_srtp_is_that_of_the_rfcs() -> None:
    master, salt = hexed("E1F97A0D3E018BE0D64FA32C06DE4139"), hexed("0EC675AD498AFEEBB6960B3AABE6")
    assert derive(master, salt, 0, 16) == hexed("C61E7A93744F39EE10734AFE3FF7A087")  # RFC 3711 B.3
    assert derive(master, salt, 2, 14) == hexed("30CBBC08863D8C85D49DB34A9AE1")
    assert derive(master, salt, 1, 20) == hexed("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
    stream = counter_mode(
        hexed("2B7E151628AED2A6ABF7158809CF4F3C"), hexed("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), bytes(32)
    )
    assert stream == hexed("E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB")  # B.2
    gcm = Srtp(keys(GCM))
    gcm.key, gcm.salt = bytes(range(16)), hexed("517569642070726f2071756f")  # RFC 7714 16.1.1
    assert gcm.protect(hexed("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres") == hexed(
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf"
        "8833899d7f27beb16a9152cf765ee4390cce"
    )


# --- conversations
@pytest.mark.parametrize("suite", SUITES)
def test_a_secure_and_a_plain_party_hear_each_other_packet_by_packet(box: EngineBox, suite: str) -> None:
    (a, _), b = secure(box, suite, 440), box.party(850)
    box.bridge(a, b)
    run(0.5, [a, b])
    assert heard(a.audio(0.1)) == {850} and heard(b.audio(0.1)) == {440}
    continuous(a.received)
    continuous(b.received)
    figures = box.figures()
    assert figures.mixed == 0 and figures.forwarded == len(a.received) + len(b.received)


def test_two_suites_and_two_codecs_meet(box: EngineBox) -> None:
    (a, _), (b, _) = secure(box, GCM, 440), secure(box, CM_32, 850, number=2, payload=PCMA)
    box.bridge(a, b)
    run(0.5, [a, b])
    assert heard(a.audio(0.1)) == {850} and heard(b.audio(0.1)) == {440}
    assert box.figures().mixed == 0


def test_three_in_a_mix_hear_and_are_recorded_in_the_clear(box: EngineBox) -> None:
    (a, _), (b, _), c = secure(box, GCM, 440), secure(box, CM_80, 850, number=2), box.party(1100)
    box.bridge(a, b, c)
    run(0.8, [a, b, c])
    assert (
        heard(a.audio(0.3)) == {850, 1100} and heard(b.audio(0.3)) == {440, 1100} and heard(c.audio(0.3)) == {440, 850}
    )


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_heard_by_two_is_protected_for_each_alone(box: EngineBox, suite: str) -> None:
    """The audio that one listener gets protected stays what it is for the next."""
    source, (a, _), b = box.party(440), secure(box, suite), box.party()
    box.bridge(source, a, b)
    run(0.4, [source, a, b])
    assert heard(a.audio(0.1)) == {440} and heard(b.audio(0.1)) == {440}


def test_reports_are_protected_both_ways(box: EngineBox) -> None:
    (a, talk), b = secure(box, GCM), box.party(850)
    box.bridge(a, b)
    run(0.1, [a, b])
    box.put(drop=[box.id(a)])  # says BYE
    box.settle()
    a.read()
    assert a.others and a.others[-1][1] in (200, 201) and a.others[-1][-7] == 203, "opened by the party"
    (c, talk) = secure(box, CM_80, number=5, timeout=1.0)
    assert c.to is not None
    report = struct.pack("!BBHI", 0x80, 201, 1, c.ssrc)
    good, forged = talk.sender.protect_report(report), bytearray(talk.sender.protect_report(report))
    forged[-1] ^= 1
    place = (c.to[0], c.to[1] + 1)
    c.control.sendto(good, place)
    c.control.sendto(bytes(forged), place)
    c.control.sendto(report, place)
    box.settle()
    box.put(drop=[box.id(c)])
    final = box.wait(PortStats, where=lambda s: s.final and s.id == box.id(c))
    assert final.last_heard >= 0 and final.unauthentic == 2


# --- what must not come in
@pytest.mark.parametrize("suite", SUITES)
def test_what_the_key_did_not_make_is_dropped_and_counted(box: EngineBox, suite: str) -> None:
    (a, talk), b = secure(box, suite), box.party()
    box.bridge(a, b)
    box.settle()
    assert a.to is not None
    a.send_packet(bytes(160))
    bad = bytearray(talk.send(header(0, a.sequence, a.timestamp, a.ssrc) + bytes(160)))
    for place in (1, 20, len(bad) - 1):  # header, payload, tag
        broken = bytearray(bad)
        broken[place] ^= 1
        a.socket.sendto(broken, a.to)
    a.socket.sendto(header(0, a.sequence, a.timestamp, a.ssrc) + bytes(160), a.to)  # in the clear
    a.socket.sendto(Srtp(keys(suite, 77)).protect(header(0, a.sequence, a.timestamp, a.ssrc) + bytes(160)), a.to)
    for size in range(14):
        a.socket.sendto(bytes(bad[:size]), a.to)
    box.settle()
    b.read()
    assert len(b.received) == 1
    a.send_packet(b"\x55" * 160)
    box.settle()
    b.read()
    assert [p.payload[0] for p in b.received] == [0, 0x55], "the stream goes on"
    box.put(drop=[box.id(a)])
    final = box.wait(PortStats, where=lambda s: s.final)
    assert final.packets == 2 and final.strangers == 0 and final.unauthentic >= 5


def test_a_packet_is_heard_once(box: EngineBox) -> None:
    (a, talk), b = secure(box, CM_80), box.party()
    box.bridge(a, b)
    box.settle()
    assert a.to is not None
    packets = [talk.send(header(0, 100 + n, 5000 + 160 * n, a.ssrc) + bytes([n % 256]) * 160) for n in range(300)]
    for number in (*range(10), 3, 9, *range(10, 300), 5, 299, 298):
        a.socket.sendto(packets[number], a.to)
        if number % 20 == 0:
            box.settle()
            b.read()
    box.settle()
    b.read()
    assert [p.payload[0] for p in b.received] == [n % 256 for n in range(300)]
    box.put(drop=[box.id(a)])
    final = box.wait(PortStats, where=lambda s: s.final)
    assert (final.packets, final.unauthentic, final.repeated) == (300, 0, 5), "a repeated packet is no forged one"


def test_a_stranger_cannot_take_the_place_of_a_secure_party(box: EngineBox) -> None:
    """Five packets in a row from elsewhere win a plain port that hears nothing; here they must prove themselves."""
    (a, _), b, stranger = secure(box, GCM, 440), box.party(), box.party(1100)
    box.bridge(a, b)
    stranger.to = a.to
    run(0.3, [stranger])
    assert a.to is not None
    run(0.3, [a])
    b.read()
    assert heard(b.audio(0.05)) == {440}


def test_a_party_whose_protected_audio_comes_from_elsewhere_is_told_of_with_the_place(box: EngineBox) -> None:
    """As for a plain one: "no packets" would send whoever looks for the fault the wrong way."""
    (a, _), b = secure(box, CM_80, 440), box.party(850)
    run(0.2, [a])
    box.bridge(a, b)
    moved = Party(440)
    box.parties.append(moved)
    moved.to, moved.outwards, moved.ssrc, moved.sequence = a.to, a.outwards, a.ssrc, a.sequence
    end = time.monotonic() + 4.0
    while not box.of(PortUnheard) and time.monotonic() < end:
        run(0.05, [moved, b])
    told = [(event.id, event.reason, event.source) for event in box.of(PortUnheard)]
    assert told == [(box.id(a), "other-source", f"127.0.0.1:{moved.address[1]}")]


# --- time and change
@pytest.mark.parametrize("suite", SUITES)
def test_sequence_numbers_that_wrap(box: EngineBox, suite: str) -> None:
    (a, talk), b = secure(box, suite), box.party()
    box.bridge(a, b)
    box.settle()
    a.sequence = talk.first = 65500
    for number in range(80):
        a.send_packet(bytes([number]) * 160)
        if number % 10 == 0:
            box.settle()
    box.settle()
    b.read()
    assert [p.payload[0] for p in b.received] == list(range(80))


def test_what_we_send_wraps_too(box: EngineBox) -> None:
    (a, talk), b = secure(box, CM_80), box.party()
    box.bridge(b, a)
    box.settle()
    b.sequence = 0
    # Our own numbers begin below 32768: two leaps of the source bring them round.
    for leap in (0, 2900, *([2900] * 24)):
        b.sequence += leap
        for _ in range(3):
            b.send_packet(bytes(160))
        box.settle()
        a.read()
    assert talk.heard_counter == 1 and len(a.received) == 78
    assert len({p.ssrc for p in a.received}) == 1


def test_another_ssrc_of_the_party_and_many_of_them(box: EngineBox) -> None:
    (a, _), b = secure(box, GCM), box.party()
    box.bridge(a, b)
    box.settle()
    for ssrc in range(1, 40):
        a.ssrc = ssrc
        for number in range(2):
            a.send_packet(bytes([ssrc, number]) * 80)
        box.settle()
    b.read()
    assert {p.payload[0] for p in b.received} == set(range(1, 40))
    continuous(b.received)


@pytest.mark.parametrize("suite", SUITES)
def test_other_keys_in_the_middle_of_a_conversation(box: EngineBox, suite: str) -> None:
    """Their new key is taken from the next packet on; what was under way with the old one is still heard."""
    (a, talk), b = secure(box, suite), box.party()
    box.bridge(a, b)
    box.settle()
    assert a.to is not None
    before = talk.sender
    for number in range(5):
        a.send_packet(bytes([number]) * 160)
    box.settle()
    talk.sender = Srtp(keys(suite, 33))
    box.change(a, unprotect=keys(suite, 33))
    box.settle()
    late = header(0, a.sequence, a.timestamp, a.ssrc) + b"\5" * 160
    a.socket.sendto(before.protect(late), a.to)
    a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
    for number in range(6, 12):
        a.send_packet(bytes([number]) * 160)
    box.settle()
    b.read()
    assert [p.payload[0] for p in b.received] == list(range(12))
    continuous(b.received)


@pytest.mark.parametrize("suite", SUITES)
def test_other_keys_after_hours_cost_no_packet(box: EngineBox, suite: str) -> None:
    """A new key goes on with the roll-over counter: neither what is under way with the old one, nor what of that comes
    once more, may use up the search for it."""
    (a, talk), b = secure(box, suite), box.party()
    talk.counter = 1
    box.bridge(a, b)
    box.settle()
    assert a.to is not None
    for number in range(5):
        a.send_packet(bytes([number]) * 160)
    box.settle()
    before, late = talk.sender, []
    talk.sender = Srtp(keys(suite, 33))
    box.change(a, unprotect=keys(suite, 33))
    box.settle()
    for number in range(5, 8):
        late.append(before.protect(header(0, a.sequence, a.timestamp, a.ssrc) + bytes([number]) * 160, 1))
        a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
    for packet in (*late, late[1]):
        a.socket.sendto(packet, a.to)
    for number in range(8, 14):
        a.send_packet(bytes([number]) * 160)
    box.settle()
    b.read()
    assert [p.payload[0] for p in b.received] == list(range(14))
    box.put(drop=[box.id(a)])
    final = box.wait(PortStats, where=lambda s: s.final)
    assert (final.packets, final.unauthentic, final.repeated) == (14, 0, 1)


def test_other_keys_of_ours_do_not_begin_our_stream_anew(box: EngineBox) -> None:
    (a, talk), b = secure(box, CM_80), box.party(850)
    box.bridge(a, b)
    run(0.2, [a, b])
    box.change(a, protect=keys(GCM, 9))
    box.settle()
    for _ in range(3):
        a.read()
    talk.hearer = Srtp(keys(GCM, 9))
    run(0.2, [a, b])
    continuous(a.received)


def test_from_secure_to_plain_and_back(box: EngineBox) -> None:
    (a, talk), b = secure(box, CM_80, 440), box.party(850)
    box.bridge(a, b)
    run(0.15, [a, b])
    late = talk.send(header(0, a.sequence, a.timestamp, a.ssrc) + b"\x11" * 160)
    b.read()
    count = len(b.received)
    box.change(a, protect=None, unprotect=None)
    box.settle()
    b.read()
    a.received.clear()
    a.outwards = a.inwards = bytes
    assert a.to is not None
    a.socket.sendto(late, a.to)
    a.sequence += 1
    a.timestamp += 160
    run(0.2, [a, b])
    assert heard(a.audio(0.05)) == {850} and heard(b.audio(0.1)) == {440}
    assert b"\x11" * 160 in [p.payload for p in b.received[count - 1 :]], "opened, not heard as noise"
    Talk(a, keys(GCM, 8), keys(GCM, 9))
    box.change(a, protect=keys(GCM, 9), unprotect=keys(GCM, 8))
    box.settle()
    a.received.clear()
    run(0.3, [a, b])
    assert heard(a.audio(0.05)) == {850}
    continuous(a.received)


@pytest.mark.parametrize("suite", SUITES)
def test_a_stream_joined_late_finds_its_roll_over_counter(box: EngineBox, suite: str) -> None:
    """The media process was killed in a call of hours: nobody says how often the party's numbers came round."""
    (a, talk), b = secure(box, suite, 440), box.party(850)
    talk.counter = 27
    box.bridge(a, b)
    run(0.4, [a, b])
    assert heard(b.audio(0.1)) == {440} and len(b.received) >= a.sent - 2
    assert heard(a.audio(0.1)) == {850}, "we begin with an SSRC of our own at zero"


def test_a_counter_that_went_on_while_nothing_came_is_caught_up_and_never_goes_back(box: EngineBox) -> None:
    (a, talk), b = secure(box, GCM, 440), box.party()
    box.bridge(a, b)
    run(0.1, [a, b])
    old = talk.send(header(0, a.sequence, a.timestamp, a.ssrc) + b"\x22" * 160)
    talk.counter = 2
    run(0.4, [a, b])
    count = len(b.received)
    assert count >= a.sent - 2
    assert a.to is not None
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        a.socket.sendto(old, a.to)
        time.sleep(0.02)
    box.settle()
    b.read()
    assert len(b.received) == count, "what could be a packet of before is not searched for"


def test_an_engine_of_before_and_one_after_never_share_an_ssrc_under_one_key(box: EngineBox) -> None:
    """A row may ask for an SSRC; with keys it does not get it, since the same row is given again after a crash."""
    (a, _), b = secure(box, CM_80, ssrc=4711), box.party(850)
    box.bridge(a, b)
    run(0.1, [a, b])
    assert a.received and a.received[0].ssrc != 4711


def test_keys_that_are_none_are_refused_with_the_row(box: EngineBox) -> None:
    a = box.party(440)
    row = box.row(a)
    for number, wrong in enumerate((SrtpKeys("AES_256_CM", bytes(46)), SrtpKeys(CM_80, bytes(28)), SrtpKeys(GCM, b""))):
        failures = box.put(RtpPort(id=900 + number, local=("127.0.0.1", row.local[1] + 2), unprotect=wrong))
        assert [failure.id for failure in failures] == [900 + number] and "supported" in failures[0].error
        assert box.put(RtpPort(id=row.id, local=row.local, remote=row.remote, protect=wrong)), "nothing changes"
    assert abilities() == {"opus", "srtp"}


def test_keys_are_not_printed() -> None:
    row = RtpPort(id=1, local=("127.0.0.1", 4000), protect=SrtpKeys(CM_80, b"secret-secret-secret-secret-xx"))
    assert "secret" not in repr(row) + str(row.protect) and CM_80 in repr(row)
