"""Forwarding packet by packet: tones both ways, codecs, continuity of what a leg sends, holding, statistics."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest

from appliance.exchange.audio import Link, Mix, Player, PortFailed, PortSilent, PortStats
from tests.unit.media.engine_box import PCMA, PCMU, EngineBox, write_wav
from tests.unit.media.rtp import TABLES, continuous, decode, encode, header, heard, run, tone


def test_two_parties_hear_each_other_undecoded(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(0.8, [a, b])
    assert heard(a.audio(0.1)) == {850}
    assert heard(b.audio(0.1)) == {440}
    for party in (a, b):
        continuous(party.received)
        assert len(party.received) >= 35
        assert [p.marker for p in party.received].count(True) == 1 and party.received[0].marker
    figures = box.figures()
    assert figures.mixed == 0 and figures.forwarded == len(a.received) + len(b.received)


def test_packets_go_on_with_their_payload_loss_and_order(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    box.settle()
    payloads = [bytes([number]) * 160 for number in range(6)]
    for number in (0, 2, 1, 5):
        a.sequence, a.timestamp = 100 + number, 5000 + 160 * number
        a.send_packet(payloads[number])
    a.sequence, a.timestamp = 105, 5800
    a.send_packet(payloads[5])
    box.settle()
    b.read()
    base = b.received[0]
    assert [(p.sequence - base.sequence, (p.timestamp - base.timestamp) // 160, p.payload[0]) for p in b.received] == [
        (0, 0, 0),
        (2, 2, 2),
        (1, 1, 1),
        (5, 5, 5),
    ], "loss and disorder are the listener's to see; a duplicate is not sent on"


def test_header_extensions_contributors_and_padding_are_left_behind(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    audio = bytes(range(160))
    assert a.to is not None
    plain = bytearray(header(0, 100, 5000, 7))
    plain[0] = 0x80 | 0x20 | 0x10 | 2
    packet = bytes(plain) + bytes(8) + struct.pack("!HH", 0xBEDE, 1) + bytes(4) + audio + b"\0\0\0\4"
    a.socket.sendto(packet, a.to)
    box.settle()
    b.read()
    assert [p.payload for p in b.received] == [audio]


@pytest.mark.parametrize("from_type", [0, 8])
def test_a_and_mu_law_parties_hear_each_other(box: EngineBox, from_type: int) -> None:
    first, second = (PCMU, PCMA) if from_type == 0 else (PCMA, PCMU)
    a, b = box.party(440, first), box.party(850, second)
    box.bridge(a, b)
    run(0.5, [a, b])
    assert {p.type for p in a.received} == {first.number} and {p.type for p in b.received} == {second.number}
    assert heard(a.audio(0.1)) == {850} and heard(b.audio(0.1)) == {440}
    assert box.figures().mixed == 0
    # Every code goes to the nearest of the other law, but for G.711's own decision values where segments meet.
    everything = bytes(range(256))
    b.received.clear()
    a.send_packet(everything, step=256)
    box.settle()
    b.read()
    got = decode(second.number, b.received[-1].payload).astype(int)
    wanted = decode(first.number, everything).astype(int)
    best = decode(second.number, encode(second.number, decode(first.number, everything))).astype(int)
    assert (abs(got - wanted) <= abs(best - wanted) * 2 + 8).all()


def test_every_code_of_g711_is_known(box: EngineBox) -> None:
    assert TABLES[0][0] == -32124 and TABLES[0][0xFF] == 0 and TABLES[8][0xD5] == 8 and TABLES[8][0x2A] == -32256


def test_one_timeline_whatever_is_heard_in_turn(box: EngineBox, tmp_path: Path) -> None:
    """Prompt, ringback, bridge, hold music, bridge again: a phone sees one stream."""
    a, b, c = box.party(), box.party(850), box.party(1100)
    sounds = {hertz: write_wav(tmp_path / f"{hertz}.wav", tone(hertz, 0.2)) for hertz in (440, 620, 1400)}
    players = {hertz: box.new_id() for hertz in sounds}
    mix, leg = box.new_id(), box.id(a)
    box.put(*(Player(id=row, files=(sounds[hertz],), loop_from=0) for hertz, row in players.items()))
    times: list[tuple[int, float]] = []
    for source, hertz in (
        (players[440], 440),
        (players[620], 620),
        (box.id(b), 850),
        (players[1400], 1400),
        (box.id(b), 850),
        (box.id(c), 1100),
    ):
        box.put(Mix(id=mix, links=(Link(leg, source),)))
        times.append((hertz, time.monotonic()))
        run(0.3, [a, b, c])
    continuous(a.received)
    assert len({p.type for p in a.received}) == 1
    ends = [at for _, at in times[1:]] + [time.monotonic()]
    for (hertz, start), end in zip(times, ends, strict=True):
        part = [p for p in a.received if start + 0.06 < p.at < end]
        assert heard(a.audio(packets=part)) == {hertz}
    # The timestamps follow the clock through all of it: no more than the odd packet of difference.
    spoken = (a.received[-1].timestamp - a.received[0].timestamp) / 8000
    assert abs(spoken - (a.received[-1].at - a.received[0].at)) < 0.06


def test_a_restarted_source_does_not_break_the_listeners_timeline(box: EngineBox) -> None:
    a, b = box.party(440), box.party()
    box.bridge(a, b)
    run(0.2, [a, b])
    a.ssrc, a.sequence, a.timestamp = 0xABCDEF, 60000, 4_000_000_000
    run(0.2, [a, b])
    a.timestamp += 3_000_000
    run(0.2, [a, b])
    a.sequence += 30000
    run(0.2, [a, b])
    lost = 1  # the first packet after the sequence jumped is believed only with the second
    assert len(b.received) >= a.sent - lost - 1
    continuous(b.received)
    assert max((y.timestamp - x.timestamp) for x, y in zip(b.received, b.received[1:], strict=False)) < 8 * 80


def test_hold_by_direction_stops_sending_and_hearing(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(0.2, [a, b])
    box.change(a, sending=False, receiving=False)
    run(0.05, [a, b])
    before = len(a.received), len(b.received)
    run(0.3, [a, b])
    assert (len(a.received), len(b.received)) == before
    box.change(a, sending=True, receiving=True)
    run(0.3, [a, b])
    assert len(a.received) > before[0] + 10 and len(b.received) > before[1] + 10
    continuous(a.received)
    continuous(b.received)


def test_nothing_is_sent_before_the_remote_is_known(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    remote = box.row(a).remote
    box.change(a, remote=None)
    box.bridge(a, b)
    run(0.3, [a, b])
    assert not a.received and b.received, "any valid source is heard meanwhile"
    box.change(a, remote=remote, generation=1)
    run(0.2, [a, b])
    assert heard(a.audio(0.05)) == {850}


def test_a_party_may_hear_itself(box: EngineBox) -> None:
    a = box.party(620)
    box.put(Mix(id=box.new_id(), links=(Link(box.id(a), box.id(a)),)))
    run(0.3, [a])
    assert heard(a.audio(0.05)) == {620}


def test_one_source_heard_by_many(box: EngineBox) -> None:
    source, listeners = box.party(440), [box.party() for _ in range(5)]
    box.put(Mix(id=box.new_id(), links=tuple(Link(box.id(one), box.id(source)) for one in listeners)))
    run(0.4, [source, *listeners])
    for one in listeners:
        assert heard(one.audio(0.05)) == {440}
        continuous(one.received)


def test_a_port_that_cannot_be_bound_fails_alone(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    row = box.row(a)
    taken = type(row)(id=999, local=row.local, remote=row.remote)
    failures = box.put(taken)
    assert [(type(f), f.id) for f in failures] == [(PortFailed, 999)] and "in use" in failures[0].error
    wrong = box.put(type(row)(id=998, local=("no-address", 40000)))
    assert wrong[0].id == 998
    assert {row.id for row in box.rows.held()} == {box.id(a), box.id(b)}
    box.bridge(a, b)
    run(0.3, [a, b])
    assert heard(b.audio(0.05)) == {440}


def test_a_ports_address_is_free_as_soon_as_it_is_dropped(box: EngineBox) -> None:
    a = box.party(440)
    row = box.row(a)
    for new_id in range(500, 520):
        box.put(drop=[row.id])
        row = type(row)(id=new_id, local=row.local, remote=row.remote)
        assert box.put(row) == []


def test_statistics_say_what_came_and_what_did_not(box: EngineBox) -> None:
    a, b = box.party(), box.party()
    box.bridge(a, b)
    box.settle()
    for number in range(50):
        if number % 10 == 3:
            a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
        else:
            a.send_packet(bytes(160))
        time.sleep(0.002)
    time.sleep(0.03)
    box.put(drop=[box.id(a), box.id(b)])
    heard_a = box.wait(PortStats, where=lambda s: s.final and s.id == box.id(a))
    final_b = box.wait(PortStats, where=lambda s: s.final and s.id == box.id(b))
    assert (heard_a.packets, heard_a.lost, heard_a.bytes, heard_a.strangers) == (45, 5, 45 * 160, 0)
    assert heard_a.source == f"127.0.0.1:{a.address[1]}" and 0 <= heard_a.last_heard < 1
    assert 5 < heard_a.jitter_ms < 30, "2 ms apart instead of 20"
    assert final_b.sent == 45 and final_b.last_heard == -1
    a.read()
    assert [data[1] for data in a.others if data[1] in (200, 201)] and a.others[-1][-8] & 0x1F == 1
    assert a.others[-1][-7] == 203, "RTCP ends with BYE"


def test_silence_is_told_once_and_again_after_speech(box: EngineBox) -> None:
    a = box.party(440, timeout=1.0)
    b = box.party(timeout=0.0)
    silent = box.wait(PortSilent, 3.5)
    assert silent.id == box.id(a) and 1.0 <= silent.seconds < 2.5
    run(0.1, [a])
    box.events.clear()
    assert box.wait(PortSilent, 3.5).id == box.id(a)
    assert len(box.of(PortSilent)) == 1
    assert b.sent == 0


def test_a_port_on_hold_is_not_called_silent_and_rtcp_counts_as_life(box: EngineBox) -> None:
    held, reporting = box.party(timeout=0.7, receiving=False), box.party(timeout=1.0)
    end = time.monotonic() + 2.3
    host, port = reporting.to or ("", 0)
    while time.monotonic() < end:
        reporting.control.sendto(struct.pack("!BBHI", 0x80, 201, 1, reporting.ssrc), (host, port + 1))
        time.sleep(0.2)
    assert box.of(PortSilent) == [], held
