"""RTCP: what we report, when and where to, and what we take from the reports of others."""

from __future__ import annotations

import random
import socket
import struct
import time

from appliance.exchange.audio import PortStats
from tests.unit.media import rtcp
from tests.unit.media.engine_box import EngineBox
from tests.unit.media.rtp import Party, run


def until_reported(box: EngineBox, party: Party, count: int = 1, *speakers: Party) -> list[rtcp.Compound]:
    end = time.monotonic() + 10
    while len(party.others) < count and time.monotonic() < end:
        run(0.1, [party, *speakers])
    assert len(party.others) >= count
    return rtcp.reports_of(party)


def control(box: EngineBox, party: Party, data: bytes) -> None:
    """The party's RTCP, to the port after."""
    assert party.to
    party.control.sendto(data, (party.to[0], party.to[1] + 1))
    box.settle()


def final(box: EngineBox, party: Party) -> PortStats:
    box.put(drop=[box.id(party)])
    return box.wait(PortStats, where=lambda s: s.final and s.id == box.id(party))


def test_reports_tell_who_sends_what_came_and_what_was_lost(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    a.sequence = 65500  # wraps around on the way
    for number in range(100):
        if number % 10 == 4:
            a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
        else:
            a.send_frame()
        b.send_frame()
        time.sleep(0.004)
    a.hertz = b.hertz = 0
    while (report := until_reported(box, a, len(a.others) + 1)[-1]).packets < 100:
        pass
    assert report.kinds == [rtcp.SR, rtcp.SDES] and len(report.cname) == 16
    assert report.packets == 100 and report.octets == 100 * 160
    (block,) = report.blocks
    assert block.source == a.ssrc and block.lost == 10
    assert len(a.others) > 1 or block.fraction == 10 * 256 // 100
    assert block.highest == 1 << 16 | (65500 + 99) & 0xFFFF, "cycles and number"
    assert 16 * 5 < block.jitter < 16 * 14 * 8, "in timestamp units: packets came 4 ms apart instead of 20"
    assert block.last_sr == block.delay == 0, "a sent no report"
    assert abs(report.ntp / 2**32 - 2208988800 - time.time()) < 20
    heard = rtcp.reports_of(b)[-1] if b.others else until_reported(box, b)[-1]
    assert heard.ssrc != report.ssrc and heard.cname != report.cname, "one a stream (RFC 7022)"


def test_who_sends_nothing_reports_as_receiver_and_of_nothing_that_did_not_come(box: EngineBox) -> None:
    a = box.party()
    (first,) = until_reported(box, a)[:1]
    assert first.kinds == [rtcp.RR, rtcp.SDES] and first.blocks == []


def test_a_round_trip_is_measured_and_a_made_up_one_is_not(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    report = until_reported(box, a, 1, a, b)[0]
    middle = report.ntp >> 16 & 0xFFFFFFFF
    time.sleep(0.2)
    held = int(0.1 * 65536)
    block = rtcp.Block(report.ssrc, 64, 7, 0, 80, middle, held)
    control(box, a, rtcp.receiver_report(a.ssrc, rtcp.Block(report.ssrc, 0, 0, 0, 0, 12345, 1)))
    control(box, a, rtcp.receiver_report(a.ssrc, rtcp.Block(1, 255, 99, 0, 0, middle, 0), block))
    run(0.05, [a, b])
    stats = final(box, a)
    assert 95 < stats.round_trip_ms < 1500 and stats.reports == 2
    assert (stats.sent_fraction, stats.sent_lost, stats.sent_jitter_ms) == (0.25, 7, 10.0)
    assert final(box, b).round_trip_ms == -1


def test_our_report_names_the_last_sender_report_and_how_long_ago_it_came(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(0.1, [a, b])
    until_reported(box, a, 1, a, b)
    control(box, a, rtcp.sender_report(a.ssrc, 0x1122334455667788))
    sent = time.monotonic()
    block = until_reported(box, a, len(a.others) + 1, a, b)[-1].blocks[0]
    assert block.last_sr == 0x33445566
    assert 0 < block.delay / 65536 <= time.monotonic() - sent + 0.1


def test_reports_come_by_chance_within_the_rules(box: EngineBox) -> None:
    """RFC 3550 6.2: the first after half of 5 s, each times 0.5 to 1.5 over e - 1.5."""
    parties = [box.party() for _ in range(24)]
    start, first = time.monotonic(), {}
    while len(first) < len(parties) and time.monotonic() < start + 12:
        run(0.02, parties)
        for number, party in enumerate(parties):
            if party.others and number not in first:
                first[number] = time.monotonic() - start
    times = sorted(first.values())
    assert len(times) == len(parties) and times[0] > 0.9
    assert times[-1] - times[0] > 0.5, "spread over two seconds"


def test_rtcp_goes_where_the_sdp_says_until_some_comes(box: EngineBox) -> None:
    elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elsewhere.bind(("127.0.0.1", 0))
    elsewhere.settimeout(8)
    a = box.party(remote_rtcp=elsewhere.getsockname())
    assert rtcp.parse(elsewhere.recv(2048)).kinds == [rtcp.RR, rtcp.SDES] and not a.others
    control(box, a, rtcp.receiver_report(a.ssrc))
    until_reported(box, a)
    elsewhere.close()


def test_with_rtcp_mux_all_goes_over_one_port(box: EngineBox) -> None:
    a, b = box.party(rtcp_mux=True), box.party(850)
    a.mixed = True
    box.bridge(a, b)
    end = time.monotonic() + 10
    while not a.controlled and time.monotonic() < end:
        run(0.1, [a, b])
    assert a.controlled and not a.others, "on the RTP port, from the RTP port"
    report = rtcp.parse(a.controlled[0])
    assert a.to
    a.socket.sendto(rtcp.receiver_report(a.ssrc, rtcp.Block(report.ssrc, 128, 3, 0, 0, 0, 0)), a.to)
    box.settle()
    assert final(box, a).sent_fraction == 0.5


def test_voip_metrics_are_sent_on_request_and_read(box: EngineBox) -> None:
    a, b = box.party(440, send_metrics=True), box.party(850)
    box.bridge(a, b)
    for number in range(200):
        if number % 20 == 9:
            a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
        else:
            a.send_frame()
        time.sleep(0.002)
    reports = until_reported(box, a, 1, b)
    assert reports[0].kinds == [rtcp.SR, rtcp.SDES, rtcp.XR] or reports[0].kinds == [rtcp.RR, rtcp.SDES, rtcp.XR]
    kind, _, words, about = struct.unpack_from("!BBHI", reports[0].metrics)
    loss, discarded, burst, gap, burst_ms, gap_ms = struct.unpack_from("!BBBBHH", reports[0].metrics, 8)
    assert (kind, words, about) == (7, 8, a.ssrc)
    assert 8 <= loss <= 16 and discarded == 0, "one in twenty"
    assert burst == 0 and 8 <= gap <= 16 and burst_ms == 0 and gap_ms > 2000, "single losses are a gap"
    assert reports[0].metrics[23] == 16 and reports[0].metrics[27] == 127, "Gmin; we do not judge here"
    ours = reports[0].ssrc
    control(box, b, rtcp.receiver_report(b.ssrc) + rtcp.voip_metrics(b.ssrc, 1, discarded=99))
    sent = until_reported(box, b)[0].ssrc
    control(box, b, rtcp.receiver_report(b.ssrc) + rtcp.voip_metrics(b.ssrc, sent, discarded=64, nominal=90, mos_cq=38))
    stats = final(box, b)
    assert (stats.sent_discarded, stats.sent_delay_ms, stats.sent_mos) == (0.25, 90.0, 3.8)
    assert ours != sent and final(box, a).sent_discarded == -1


def test_losses_in_bursts_are_told_from_scattered_ones(box: EngineBox) -> None:
    a, b = box.party(440), box.party()
    box.bridge(a, b)
    for number in range(400):
        if number % 40 in (20, 21, 22, 23):
            a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
        else:
            a.send_frame()
        if number % 4 == 0:
            time.sleep(0.002)
    box.settle()
    stats = final(box, a)
    assert (stats.expected, stats.lost, stats.packets) == (400, 40, 360)
    assert (stats.gone, stats.runs) == (36, 9) or (stats.gone, stats.runs) == (40, 10)
    assert stats.decided == 400 - 32 and stats.codec == "PCMU" and stats.playout_ms == -1


def test_reordered_packets_are_no_loss(box: EngineBox) -> None:
    a, b = box.party(440), box.party()
    box.bridge(a, b)
    start = a.sequence
    for number in [0, *(1 + (place ^ 1) for place in range(98)), 99]:
        a.sequence, a.timestamp = start + number, 5000 + 160 * number
        a.send_packet(bytes(160))
        time.sleep(0.001)
    box.settle()
    stats = final(box, a)
    assert (stats.lost, stats.gone, stats.expected) == (0, 0, 100)


def test_a_strangers_reports_count_for_nothing(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    ours = until_reported(box, a, 1, a, b)[0].ssrc
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.2", 0))
    assert a.to
    told = len(a.others)
    for port in (a.to[1], a.to[1] + 1):
        stranger.sendto(rtcp.receiver_report(7, rtcp.Block(ours, 255, 500, 0, 0, 0, 0)), (a.to[0], port))
    box.settle()
    until_reported(box, a, told + 1, a, b)
    stats = final(box, a)
    assert (stats.reports, stats.sent_lost) == (0, 0) and stats.strangers >= 1
    stranger.close()


def test_broken_compounds_count_for_nothing(box: EngineBox) -> None:
    a = box.party()
    ours = until_reported(box, a)[0].ssrc
    good = rtcp.receiver_report(a.ssrc, rtcp.Block(ours, 9, 9, 0, 0, 0, 0)) + rtcp.voip_metrics(a.ssrc, ours)
    control(box, a, good)
    dice = random.Random(4711)
    before = box.figures().invalid
    for size in range(1, len(good)):
        if size != 32:
            control_now(a, good[:size])
    control_now(a, rtcp.voip_metrics(a.ssrc, ours))  # no report before it: no compound (RFC 3550 A.2)
    control_now(a, b"\xa0" + good[1:])
    for _ in range(200):
        control_now(a, dice.randbytes(dice.randrange(1, 300)))
    assert box.figures().invalid >= before + len(good)
    assert final(box, a).reports == 1


def control_now(party: Party, data: bytes) -> None:
    assert party.to
    party.control.sendto(data, (party.to[0], party.to[1] + 1))
