"""Whatever comes in: a message, or RemoteProtocolError; the same in pieces as at once; in time linear in its length."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import parse_params, split_list
from appliance.sip.challenge import Credentials
from appliance.sip.digest import DigestAuthenticator, DigestClient
from appliance.sip.header import CSeq, MediaType, NameAddr, RAck, Reason, SessionExpires, Via, parse_tokens
from appliance.sip.message import Headers, Message, Request
from appliance.sip.offer_answer import Local, accept, answer, refresh_offer
from appliance.sip.parser import FramingLost, MalformedMessage, Ping, StreamFramer, parse_message
from appliance.sip.sdp import SessionDescription
from appliance.sip.uri import parse_uri

VECTORS = Path(__file__).parents[1] / "vectors"
MESSAGES = [path.read_bytes() for path in sorted((VECTORS / "rfc4475").glob("*.dat"))]
DESCRIPTIONS = [path.read_bytes() for path in sorted((VECTORS / "sdp").glob("*.sdp"))]
NOW = Instant(100.0, 1_800_000_000.0)
US = Local("192.168.1.10", 40000)

PARSERS: list[Callable[[str], object]] = [
    parse_uri,
    NameAddr.parse,
    Via.parse,
    CSeq.parse,
    RAck.parse,
    SessionExpires.parse,
    Reason.parse,
    MediaType.parse,
    Credentials.parse,
    parse_tokens,
    parse_params,
    split_list,
]

# Text of the characters that mean something, so that the deep branches are met more often than by chance.
pieces = st.sampled_from(
    ["sip:", "tel:", "<", ">", '"', "\\", ";", ",", "=", ":", "@", "%", "%41", "%ff", "?", "&", "/", "[", "]", "*", " ",
     "\t", "SIP/2.0/UDP", "box", "201", "tag", "4294967296", "0", "é", "箱", "\x00", "\x7f", "\udc80", "Digest", "."]
)  # fmt: skip
texts = st.one_of(st.text(), st.lists(pieces, max_size=30).map("".join))


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A valid message with octets changed, cut out, put in or repeated."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 12))
        kind = draw(st.sampled_from(["change", "cut", "insert", "repeat"]))
        if kind == "change":
            data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
        elif kind == "cut":
            del data[place : place + length]
        elif kind == "insert":
            data[place:place] = draw(
                st.one_of(st.binary(max_size=8), pieces.map(lambda text: text.encode("utf-8", "replace")))
            )
        else:
            data[place:place] = data[place : place + length] * draw(st.integers(1, 20))
    return bytes(data)


def use(message: Message) -> None:
    """Does with a message whatever the layers above do: nothing of it may raise, and what is typed can be stored."""
    for name in dir(type(message)):
        if name != "vias" and not name.startswith("_") and isinstance(getattr(type(message), name), property):
            value = getattr(message, name)
            str(value).encode()
    try:
        _ = message.vias
    except RemoteProtocolError:
        pass
    for name, _ in message.headers:
        message.headers.get_all(name)
    assert str(NameAddr.parse(str(message.from_))) == str(message.from_)
    encoded = message.encode()
    again = parse_message(encoded)
    assert again.encode() == encoded
    if isinstance(message, Request):
        reply = parse_message(message.reply(200, to_tag="t").encode())
        assert (reply.call_id, reply.cseq) == (message.call_id, message.cseq)


def check(data: bytes) -> None:
    try:
        message = parse_message(data)
    except MalformedMessage as error:
        if error.partial is not None:
            assert error.partial.reply(error.status, to_tag="t").encode().startswith(b"SIP/2.0 ")
        return
    use(message)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(b"INVITE sip:box SIP/2.0\r\n" + data + b"\r\n\r\n")


@settings(max_examples=600, deadline=None)
@given(mutated(MESSAGES))
def test_mutated_messages(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__qualname__)
@settings(deadline=None)
@given(text=texts)
def test_any_header_value(parse: Callable[[str], object], text: str) -> None:
    try:
        value = parse(text)
    except RemoteProtocolError:
        return
    if not isinstance(value, (list, tuple, dict)):
        written = str(value)
        written.encode()
        assert str(parse(written)) == written
        if not isinstance(value, Credentials):
            assert parse(written) == value


def frames_of(data: bytes, cuts: list[int]) -> tuple[list[bytes | Ping], bool]:
    """The frames of a stream cut at these places, and whether its boundaries were lost."""
    framer = StreamFramer()
    frames: list[bytes | Ping] = []
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    for start, end in pairwise(edges):
        try:
            frames += framer.feed(data[start:end])
        except FramingLost as error:
            return frames + error.frames, True
    return frames, False


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(
        st.one_of(st.sampled_from(MESSAGES), mutated(MESSAGES), st.sampled_from([b"\r\n", b"\r\n\r\n"])), max_size=4
    ),
    cuts=st.lists(st.integers(0, 3000), max_size=20),
)
def test_streams_in_pieces_as_at_once(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    whole, lost = frames_of(data, [])
    assert frames_of(data, cuts) == (whole, lost)
    for frame in whole:
        if isinstance(frame, bytes):
            try:
                use(parse_message(frame, stream=True))
            except MalformedMessage:
                pass


@pytest.mark.parametrize("data", MESSAGES)
def test_streams_byte_by_byte(data: bytes) -> None:
    stream = b"\r\n\r\n" + data + data
    assert frames_of(stream, list(range(len(stream)))) == frames_of(stream, [])


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        mutated(DESCRIPTIONS), st.binary(max_size=500).map(lambda data: b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\n" + data)
    )
)
def test_session_descriptions(data: bytes) -> None:
    for parse in (SessionDescription.parse, lambda body: answer(US, body), lambda body: accept(US, body)):
        try:
            parse(data)
        except RemoteProtocolError:
            pass
    try:
        written = SessionDescription.parse(data).encode()
    except RemoteProtocolError:
        return
    assert SessionDescription.parse(written).encode() == written
    try:
        ours, agreed = answer(US, data)
    except RemoteProtocolError:
        return
    assert agreed.send is not None
    sections = SessionDescription.parse(ours).media
    assert len(sections) == len(SessionDescription.parse(data).media)
    assert [media.port for media in sections if media.port] == [40000]
    assert answer(US, data, previous=ours)[0] == ours
    refresh_offer(US, ours)


@settings(deadline=None)
@given(texts, texts)
def test_authentication(authorization: str, challenge: str) -> None:
    if any(end in authorization + challenge for end in "\r\n"):
        return
    server = DigestAuthenticator(bytes, "hako")
    for value in (authorization, f'Digest realm="hako",{authorization}'):
        request = Request("REGISTER", "sip:box", Headers((("Authorization", value),)))
        assert server.check(request, lambda user: "secret", NOW).kind in ("missing", "wrong")
    client = DigestClient("u", "p")
    for value in (challenge, f'Digest nonce="x",{challenge}'):
        try:
            client.challenged(Headers((("WWW-Authenticate", value),)))
        except RemoteProtocolError:
            continue
        header = client.authorize("REGISTER", "sip:box", bytes)
        assert header is not None
        header[1].encode()


# --- time: what takes longer than its length allows -----------------------------------------------------------------
_REPEATED = [
    ' ', '\t', '"', '\\"', '\\', '"a', ';', ';a', ';a=', ';a="', ',', '<', '<a>', '<">', '>', '%', '%41', ':', '@', 'a',
    'a@', 'a:', '=', 'a=b&', '[', ']', '?', '0', '1', '.', '/', '\r\n ', '\r\n', '\r', '\n', 'é', '\udc80', ' ;', '; ',
    ' ,', 'a,', '"",', '*', '-', '(', 'a ',
]  # fmt: skip
_AROUND = [
    ("", ""),
    ("sip:", ""),
    ("sip:a@", ""),
    ("sip:a@b;", ""),
    ("sip:a@b?", ""),
    ("<sip:a@b>", ""),
    ("<sip:a@b>;x=", "!"),
    ('"', '" <sip:a@b>'),
    ('"', ""),
    ("SIP/2.0/UDP a", ""),
    ("SIP/2.0/UDP a;branch=", "\x01"),
    ("Digest ", ""),
    ('Digest a="', ""),
    ("Q.850;text=", ""),
]


def seconds_for(action: Callable[[], object]) -> float:
    start = time.thread_time()
    try:
        action()
    except RemoteProtocolError:
        pass
    return time.thread_time() - start


@pytest.mark.parametrize("repeated", _REPEATED, ids=repr)
def test_long_header_values_take_little_time(repeated: str) -> None:
    """60,000 characters of anything stay below what quadratic work would need by orders of magnitude."""
    many = repeated * (60_000 // len(repeated))
    spent = 0.0
    for before, after in _AROUND:
        text = before + many + after
        for parse in PARSERS:
            spent += seconds_for(lambda parse=parse, text=text: parse(text))  # type: ignore[misc]
    assert spent < 6.0, f"{spent:.2f} s for {len(_AROUND) * len(PARSERS)} values"


@pytest.mark.parametrize("repeated", _REPEATED, ids=repr)
def test_long_messages_take_little_time(repeated: str) -> None:
    many = (repeated * (60_000 // len(repeated))).encode("utf-8", "surrogateescape")[:60_000]
    head = MESSAGES[0].split(b"\r\n\r\n")[0]
    spent = 0.0
    for data in (
        many,
        many + b"\r\n\r\n",
        b"INVITE " + many + b" SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 " + many + b"\r\n\r\n",
        head + b"\r\nX: " + many + b"\r\n\r\n",
        head + b"\r\n" + many + b"\r\n\r\n",
        head + b"\r\nContact: " + many + b"\r\n\r\n",
        head + b"\r\nRequire: " + many + b"\r\n\r\n",
        head + b"\r\nContent-Length: " + many + b"\r\n\r\n",
    ):
        spent += seconds_for(lambda data=data: parse_message(data))  # type: ignore[misc]
        spent += seconds_for(lambda data=data: StreamFramer().feed(data))  # type: ignore[misc]
        spent += seconds_for(lambda data=data: answer(US, b"v=0\no=- 1 1 IN IP4 1.2.3.4\n" + data))  # type: ignore[misc]
        spent += seconds_for(lambda data=data: answer(US, b"v=0\no=" + data))  # type: ignore[misc]
        spent += seconds_for(lambda data=data: answer(US, DESCRIPTIONS[0] + b"m=audio 1 RTP/AVP " + data))  # type: ignore[misc]
    assert spent < 2.0, f"{spent:.2f} s"
