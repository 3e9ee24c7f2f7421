"""Datagrams and streams to messages, within limits."""

from __future__ import annotations

import pytest

from appliance.errors import RemoteProtocolError
from appliance.sip.message import Request, Response
from appliance.sip.parser import (
    MAX_LINES,
    MAX_MESSAGE,
    FramingLost,
    MalformedMessage,
    Ping,
    StreamFramer,
    is_keep_alive,
    parse_message,
)

HEAD = (
    b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport\r\n"
    b'From: "Desk 1" <sip:201@box>;tag=a\r\n'
    b"To: <sip:202@box>\r\n"
    b"Call-ID: c1@x\r\n"
    b"CSeq: 1 INVITE\r\n"
)
INVITE = b"INVITE sip:202@box SIP/2.0\r\n" + HEAD + b"Content-Length: 4\r\n\r\nbody"
OPTIONS = b"OPTIONS sip:box SIP/2.0\r\n" + HEAD.replace(b"INVITE", b"OPTIONS") + b"Content-Length: 0\r\n\r\n"


def with_header(line: bytes) -> bytes:
    return INVITE.replace(b"Content-Length", line + b"\r\nContent-Length", 1)


def test_request() -> None:
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    assert (message.method, message.uri, message.body) == ("INVITE", "sip:202@box", b"body")
    assert message.from_.display == "Desk 1"


def test_response() -> None:
    message = parse_message(b"SIP/2.0 183 Session Progress\r\n" + HEAD + b"\r\nrest")
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.body) == (183, "Session Progress", b"rest")


def test_a_response_without_the_space_after_its_status() -> None:
    message = parse_message(b"SIP/2.0 200\r\n" + HEAD + b"\r\n")
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (200, "")


def test_length_rules_of_datagrams() -> None:
    assert parse_message(INVITE + b"spurious").body == b"body"
    assert parse_message(INVITE.replace(b"Content-Length: 4\r\n", b"")).body == b"body"
    with pytest.raises(MalformedMessage):
        parse_message(INVITE[:-1])


def test_leading_line_ends_are_passed_over() -> None:
    assert parse_message(b"\r\n\r\n" + INVITE).body == b"body"


@pytest.mark.parametrize("display", [b"\x8f\xac", b"\xe3\x81\x82\xff"])
def test_text_that_is_not_utf8_is_echoed_byte_for_byte(display: bytes) -> None:
    message = parse_message(INVITE.replace(b"Desk 1", display))
    assert isinstance(message, Request)
    assert b'From: "' + display + b'" <sip:201@box>;tag=a\r\n' in message.reply(200).encode()
    assert "\ufffd" in message.from_.display


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"\r\n\r\n", 400),
        (b"hello", 400),
        (b"\0" * 100, 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (INVITE.replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n"), 505),
        (INVITE.replace(b" SIP/2.0\r\n", b"\r\n", 1), 400),
        (INVITE.replace(b"sip:202@box SIP", b"sip:2 02@box SIP"), 400),
        (INVITE.replace(b"1 INVITE", b"1 BYE"), 400),
        (INVITE.replace(b"CSeq: 1 INVITE\r\n", b""), 400),
        (INVITE.replace(b"Call-ID: c1@x", b"Call-ID: c1 x"), 400),
        (INVITE.replace(b"Call-ID: c1@x", b"Call-ID:"), 400),
        (INVITE.replace(b"Call-ID: c1@x", b"Call-ID: \xff"), 400),
        (INVITE.replace(b"tag=a", b"tag=\xff"), 400),
        (INVITE.replace(b"Content-Length: 4", b"Content-Length: 4, 4"), 400),
        (INVITE.replace(b"Content-Length: 4", b"Content-Length: 4\r\nl: 5"), 400),
        (INVITE.replace(b"Content-Length: 4", "Content-Length: ٤".encode()), 400),
        (INVITE.replace(b"Content-Length: 4", b"Content-Length: 99999999999999999999"), 400),
        (INVITE.replace(b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport", b","), 400),
        (b"BYE sip:202@box SIP/2.0\r\n\r\n", 400),
        (with_header(b"To: <sip:x@y>"), 400),
        (with_header(b"no colon"), 400),
        (with_header(b": no name"), 400),
        (with_header(b"Bad Name: x"), 400),
        (with_header(b"X: a\nEvil: b"), 400),
        (with_header(b"X: a\rEvil: b"), 400),
        (with_header(b"Max-Forwards: 256"), 400),
        (with_header(b"Contact: <sip:x"), 400),
        (with_header(b"Route: sip"), 400),
        (with_header(b"Require: a b"), 400),
        (with_header(b"Session-Expires: soon"), 400),
        (with_header(b"Content-Type: sdp"), 400),
        (with_header(b"X: y\r\n" * MAX_LINES), 513),
        (INVITE + b"x" * MAX_MESSAGE, 513),
    ],
)
def test_malformed(data: bytes, status: int) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_message(data)
    assert caught.value.status == status


def test_what_can_be_answered() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_message(with_header(b"Contact: <sip:x"))
    partial = caught.value.partial
    assert partial is not None
    reply = partial.reply(400, to_tag="t")
    assert (reply.to.tag, reply.call_id, reply.via.branch) == ("t", "c1@x", "z9hG4bK1")


@pytest.mark.parametrize(
    "data",
    [
        with_header(b"Contact: <sip:x").replace(b"INVITE", b"ACK"),
        b"SIP/2.0 200 OK\r\n" + HEAD.replace(b"tag=a", b"tag="),
        INVITE.replace(b"Via", b"Vie"),
    ],
)
def test_what_cannot_be_answered(data: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_message(data)
    assert caught.value.partial is None


def test_folded_lines() -> None:
    message = parse_message(with_header(b"Subject: one\r\n  two\r\n\tthree"))
    assert message.headers.get("Subject") == "one two three"


def test_keep_alive_datagrams() -> None:
    assert is_keep_alive(b"\r\n\r\n")
    assert is_keep_alive(b"\0\0\0\0")
    assert is_keep_alive(b"")
    assert not is_keep_alive(OPTIONS)


# --- streams ---------------------------------------------------------------------------------------------------------
def names(frames: list[bytes | Ping]) -> list[str]:
    return ["ping" if isinstance(frame, Ping) else frame[:7].decode() for frame in frames]


STREAM = b"\r\n\r\n" + INVITE + b"\r\n\r\n\r\n\r\n" + OPTIONS + OPTIONS + b"\r\n" + INVITE
EXPECTED = ["ping", "INVITE ", "ping", "ping", "OPTIONS", "OPTIONS", "INVITE "]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 100, 10000])
def test_frames_in_pieces_of_any_size(size: int) -> None:
    framer = StreamFramer()
    frames: list[bytes | Ping] = []
    for start in range(0, len(STREAM), size):
        frames += framer.feed(STREAM[start : start + size])
    assert names(frames) == EXPECTED
    for frame in frames:
        if isinstance(frame, bytes):
            parse_message(frame, stream=True)


@pytest.mark.parametrize("ends", [b"\n\r\n\r\n", b"\r\r\n\r\n", b"\r\n\n\r\n\r\n", b"\r\n\r\r\n\r\n"])
def test_odd_line_ends_mean_the_same_however_they_are_cut(ends: bytes) -> None:
    whole = StreamFramer().feed(ends + OPTIONS)
    framer = StreamFramer()
    assert names([frame for octet in ends + OPTIONS for frame in framer.feed(bytes([octet]))]) == names(whole)
    assert names(whole) == ["ping", "OPTIONS"]


def test_a_message_on_a_stream_has_no_body_without_a_length() -> None:
    framer = StreamFramer()
    (frame,) = framer.feed(OPTIONS.replace(b"Content-Length: 0\r\n", b""))
    assert isinstance(frame, bytes)
    assert parse_message(frame, stream=True).body == b""


def test_compact_and_folded_length() -> None:
    framer = StreamFramer()
    assert len(framer.feed(INVITE.replace(b"Content-Length: 4", b"l:\r\n 4"))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (MAX_MESSAGE + 1),
        INVITE.replace(b"Content-Length: 4", b"Content-Length: 70000"),
        INVITE.replace(b"Content-Length: 4", b"Content-Length: 4\r\nContent-Length: 5"),
        INVITE.replace(b"Content-Length: 4", b"Content-Length: x"),
        INVITE.replace(b"Content-Length: 4", b"Content-Length: -4"),
        INVITE.replace(b"Content-Length: 4", b"Content-Length: 99999999999999999999"),
        INVITE.replace(b"Content-Length: 4", b"Content-Length : 4, 5"),
    ],
)
def test_lost_boundaries_end_the_connection(data: bytes) -> None:
    framer = StreamFramer()
    with pytest.raises(FramingLost) as caught:
        framer.feed(OPTIONS + data)
    assert names(caught.value.frames) == ["OPTIONS"]
    with pytest.raises(RemoteProtocolError):
        framer.feed(OPTIONS)


def test_a_framer_holds_at_most_one_message() -> None:
    framer = StreamFramer()
    with pytest.raises(FramingLost):
        for _ in range(MAX_MESSAGE):
            framer.feed(b"xx")
