"""The network's side of the engine: priority marks, and IPv6."""

from __future__ import annotations

import socket
import time

import pytest

from appliance.exchange.audio import Link, Mix, PortStats, RtpPort
from tests.unit.media import rtcp
from tests.unit.media.engine_box import PCMU, EngineBox
from tests.unit.media.rtp import Party, free_ports, heard, pair, run

MARKS = {socket.AF_INET: (socket.IPPROTO_IP, socket.IP_RECVTOS), socket.AF_INET6: (socket.IPPROTO_IPV6, 66)}
"""Options with which a socket is told the traffic class of what it receives (IPV6_RECVTCLASS is 66)."""


def mark_of(of: socket.socket) -> int:
    """Differentiated services code point of the next datagram."""
    of.settimeout(8)
    _, ancillary, _, _ = of.recvmsg(2048, 256)
    (data,) = [data for level, _, data in ancillary if level in (socket.IPPROTO_IP, socket.IPPROTO_IPV6)]
    return data[0] >> 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("dscp", [46, 0, 34])
def test_audio_and_rtcp_carry_the_mark(box: EngineBox, host: str, dscp: int) -> None:
    first, second = pair(host)
    for one in (first, second):
        one.setsockopt(*MARKS[one.family], 1)
    (number,) = free_ports(1, host)
    row = RtpPort(
        id=box.new_id(), local=(host, number), remote=first.getsockname()[:2], receive=(PCMU,), send=PCMU, dscp=dscp
    )
    box.put(row, Mix(id=box.new_id(), links=(Link(row.id, row.id),)))
    box.settle()
    packet = bytes([0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 9]) + bytes(160)
    first.sendto(packet, (host, number))
    assert mark_of(first) == dscp, "echoed"
    assert mark_of(second) == dscp, "RTCP"
    first.close()
    second.close()


def test_a_call_between_ipv6_and_ipv4_is_heard_on_both_sides(box: EngineBox) -> None:
    old = box.party(440)
    new = Party(850, ssrc=0x66, host="::1")
    box.parties.append(new)
    (number,) = free_ports(1, "::1")
    row = RtpPort(
        id=box.new_id(), local=("::1", number), remote=new.socket.getsockname()[:2], receive=(PCMU,), send=PCMU
    )
    new.to = row.local
    box.put(row, Mix(id=box.new_id(), links=(Link(row.id, box.id(old)), Link(box.id(old), row.id))))
    run(0.5, [old, new])
    assert heard(old.audio(0.2)) == {850} and heard(new.audio(0.2)) == {440}
    end = time.monotonic() + 8
    while not new.others and time.monotonic() < end:
        run(0.1, [old, new])
    assert rtcp.reports_of(new)[0].blocks[0].source == 0x66
    box.put(drop=[row.id])
    final = box.wait(PortStats, where=lambda stats: stats.id == row.id and stats.final)
    assert final.source == f"[::1]:{new.socket.getsockname()[1]}"
