"""Bodies of several parts: a carrier's ISUP beside the SDP, and whatever else may be sent as one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.sip.events import IncomingSession, SessionAnswered
from appliance.sip.message import Headers, Request
from appliance.sip.multipart import MAX_DEPTH, sdp_part, unwrap
from tests.unit.sip.net import Net

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
ISUP = b"\x01\x00\x49\x00\x00\x03\x02\x00\x07\x04\x10\r\n--other\r\n\x00\xff"


def mixed(*parts: tuple[str, bytes], boundary: str = "unique", kind: str = "mixed") -> tuple[str, bytes]:
    body = b"".join(b"\r\n--" + boundary.encode() + b"\r\n" + head.encode() + b"\r\n" + text for head, text in parts)
    return f'multipart/{kind};boundary="{boundary}"', body[2:] + b"\r\n--" + boundary.encode() + b"--\r\n"


SDP_PART = ("Content-Type: application/sdp\r\n", SDP)
ISUP_PART = (
    "Content-Type: application/ISUP;version=nxv3;\r\n base=etsi121\r\n"
    "Content-Disposition: signal;handling=required\r\n",
    ISUP,
)
WRAPPED = mixed(("Content-Type: multipart/alternative;boundary=in\r\n", mixed(SDP_PART, boundary="in")[1]))


@pytest.mark.parametrize(
    "body",
    [
        mixed(SDP_PART, ISUP_PART),
        mixed(ISUP_PART, SDP_PART),
        mixed(("content-type:application/SDP ;charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n", SDP)),
        mixed(("Content-Type: application/sdp\r\n", b"old"), SDP_PART, kind="alternative"),
        WRAPPED,
        (mixed(SDP_PART)[0], b"preamble\r\n" + mixed(SDP_PART)[1] + b"epilogue"),
        (mixed(SDP_PART)[0], mixed(SDP_PART)[1].replace(b"--unique\r", b"--unique \t\r")),
    ],
)
def test_the_sdp_is_found(body: tuple[str, bytes]) -> None:
    assert sdp_part(*body, MAX_DEPTH) == SDP


@pytest.mark.parametrize(
    "body",
    [
        mixed(ISUP_PART),
        mixed(("", SDP)),
        mixed(("Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n", b"dj0w")),
        ("multipart/mixed", mixed(SDP_PART)[1]),
        ('multipart/mixed;boundary=""', mixed(SDP_PART)[1]),
        ("multipart/mixed;boundary=another", mixed(SDP_PART)[1]),
        ("multipart", mixed(SDP_PART)[1]),
        (mixed(SDP_PART)[0], b"--unique\r\nContent-Type: application/sdp\r\n\r\n" + SDP),
    ],
)
def test_where_there_is_none_the_body_stays_as_it_is(body: tuple[str, bytes]) -> None:
    request = Request("INVITE", "sip:x", Headers((("Content-Type", body[0]),)), body[1])
    unwrap(request)
    assert request.body == body[1]


def test_a_carriers_call_with_isup_is_taken_and_so_is_its_answer() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    kind, body = mixed(ISUP_PART, SDP_PART)
    wire.send(box, wire.request(box, "INVITE", body=body, Content_Type=kind))
    assert box.take(IncomingSession).session.remote_sdp == SDP
    session = box.call(wire, SDP)
    net.run(0.1)
    invite = wire.last("INVITE")
    wire.send(box, wire.reply(invite, 200, body=body, Content_Type=kind))
    assert box.take(SessionAnswered).body == SDP and session.remote_sdp == SDP


@given(st.binary(max_size=400), st.text(max_size=40))
def test_any_bytes(body: bytes, boundary: str) -> None:
    sdp_part(f'multipart/mixed;boundary="{boundary}"', body, MAX_DEPTH)
    sdp_part("multipart/mixed;boundary=x", b"--x\r\n" + body + b"\r\n--x--", MAX_DEPTH)


@pytest.mark.parametrize("text", [b"\r\n--x", b"--x\r\n", b"\r\n", b"-", b"--x--", b"a:\r\n "])
def test_long_bodies_take_little_time(text: bytes) -> None:
    before = time.process_time()
    sdp_part("multipart/mixed;boundary=x", text * (60_000 // len(text)), MAX_DEPTH)
    assert time.process_time() - before < 0.5
