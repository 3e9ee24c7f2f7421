"""Session descriptions, on their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import RemoteProtocolError
from appliance.sip.sdp import MAX_LINES, MAX_MEDIA, Media, Origin, Payload, SessionDescription, reversed_direction

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def parse(text: str) -> SessionDescription:
    return SessionDescription.parse(text.encode())


def audio(lines: str) -> Media:
    (media,) = parse(f"{HEAD}m=audio 5004 RTP/AVP 0 8 9 96 101\r\n{lines}").media
    return media


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.sdp")), ids=lambda path: path.stem)
def test_writing_is_stable(path: Path) -> None:
    try:
        description = SessionDescription.parse(path.read_bytes())
    except RemoteProtocolError:
        return
    written = description.encode()
    again = SessionDescription.parse(written)
    assert again == description
    assert again.encode() == written


def test_a_plain_description_is_written_as_read() -> None:
    text = (
        HEAD + "a=tool:x\r\na=inactive\r\nm=audio 5004 RTP/AVP 0 101\r\nc=IN IP6 2001:db8::1\r\nb=AS:64\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
    )
    assert parse(text).encode().decode() == text


def test_parts() -> None:
    description = parse(HEAD + "m=audio 5004 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\na=recvonly\r\n")
    assert description.origin == Origin("-", 1, 1, "192.0.2.1")
    first, second = description.media
    assert (first.kind, first.port, first.proto, first.formats) == ("audio", 5004, "RTP/AVP", ("0",))
    assert description.address_of(first) == "192.0.2.1"
    assert [description.direction_of(media) for media in (first, second)] == ["sendrecv", "recvonly"]


def test_payloads_in_order_with_their_meaning() -> None:
    media = audio(
        "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1; stereo=0\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-16\r\na=rtpmap:8\r\na=rtpmap:x\r\na=fmtp:0\r\n"
    )
    assert media.payloads == [
        Payload(0, "PCMU"),
        Payload(8, "PCMA"),
        Payload(9, "G722", 8000),
        Payload(96, "opus", 48000, "useinbandfec=1; stereo=0", 2),
        Payload(101, "telephone-event", 8000, "0-16"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=rtcp:5005\r\n", (None, 5005)),
        ("a=rtcp:53020 IN IP4 126.16.64.4\r\n", ("126.16.64.4", 53020)),
        ("a=rtcp:0\r\n", None),
        ("a=rtcp:99999\r\n", None),
        ("a=rtcp\r\n", None),
        ("", None),
    ],
)
def test_rtcp(line: str, expected: tuple[str | None, int] | None) -> None:
    assert audio(line).rtcp == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [("a=ptime:20\r\n", 20), ("a=ptime:20.0\r\n", 20), ("a=ptime:0\r\n", None), ("a=ptime:x\r\n", None), ("", None)],
)
def test_ptime(line: str, expected: int | None) -> None:
    assert audio(line).ptime == expected


def test_maxptime() -> None:
    assert audio("a=ptime:60\r\na=maxptime:30\r\n").maxptime == 30
    assert audio("a=ptime:60\r\na=maxptime:0\r\n").maxptime is None


def test_rtcp_mux() -> None:
    assert audio("a=rtcp-mux\r\n").rtcp_mux
    assert not audio("").rtcp_mux


def test_a_refused_section_without_formats() -> None:
    (media,) = parse(HEAD + "m=video 0 RTP/AVP\r\n").media
    assert media.formats == ("0",)


def test_bytes_that_are_not_utf8_are_kept() -> None:
    data = HEAD.replace("s=-", "s=\x83").encode("latin-1") + b"m=audio 1 RTP/AVP 0\r\n"
    assert SessionDescription.parse(data).encode() == data


def test_reversed_direction() -> None:
    assert [reversed_direction(name) for name in ("sendrecv", "sendonly", "recvonly", "inactive")] == [
        "sendrecv",
        "recvonly",
        "sendonly",
        "inactive",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\r\n",
        "v=0\r\n",
        "v=0\r\nm=audio 1 RTP/AVP 0\r\n",
        HEAD + "o=- 1 1 IN IP4 192.0.2.1\r\n",
        "v=0\r\no=-\r\n",
        HEAD + "m=audio\r\n",
        HEAD + "m=audio x RTP/AVP 0\r\n",
        HEAD + "m=audio 65536 RTP/AVP 0\r\n",
        HEAD + "c=IN IP4\r\n",
        HEAD + "a=x\r\n" * MAX_LINES,
        HEAD + "m=audio 1 RTP/AVP 0\r\n" * (MAX_MEDIA + 1),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse(text)
