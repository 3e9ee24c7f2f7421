"""Offer and answer, RFC 3264, with the vectors of tests/vectors/sdp."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import RemoteProtocolError
from appliance.sip.offer_answer import (
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    Local,
    Negotiated,
    accept,
    answer,
    make_offer,
    refresh_offer,
)
from appliance.sip.sdes import MATERIAL, offered_in, own_keys, parse
from appliance.sip.sdp import Payload, SessionDescription

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
OUTCOMES = tomllib.loads((VECTORS / "outcomes.toml").read_text())

US = Local("192.168.1.10", 40000, session_id=7, version=3)
THEM = Local("192.0.2.1", 5004)


def vector(name: str) -> bytes:
    return (VECTORS / f"{name}.sdp").read_bytes()


def media_lines(body: bytes) -> list[str]:
    return [line[2:] for line in body.decode().splitlines() if line.startswith("m=")]


def test_every_vector_has_an_outcome() -> None:
    assert {path.stem for path in VECTORS.glob("*.sdp")} == OUTCOMES.keys()


def ours(name: str, local: Local) -> Local:
    """Our side in the IP version of the offer."""
    ipv6 = b"IN IP6" in vector(name)
    return msgspec.structs.replace(local, address="2001:db8::10") if ipv6 else local


@pytest.mark.parametrize("name", OUTCOMES)
def test_answer_to(name: str) -> None:
    expected = OUTCOMES[name]
    if "status" in expected:
        with pytest.raises(RemoteProtocolError) as caught:
            answer(US, vector(name))
        assert caught.value.status == expected["status"]
        return
    body, agreed = answer(ours(name, US), vector(name))
    assert media_lines(body) == expected["media"]
    remote = f"{agreed.remote[0]}:{agreed.remote[1]}" if agreed.remote else None
    assert remote == expected.get("remote")
    if agreed.remote is not None and agreed.remote_rtcp is not None:
        default = f"{agreed.remote[0]}:{agreed.remote[1] + 1}"
        assert f"{agreed.remote_rtcp[0]}:{agreed.remote_rtcp[1]}" == expected.get("rtcp", default)
    assert agreed.send is not None
    assert f"{agreed.send.codec}/{agreed.send.number}" == expected["send"]
    assert (agreed.send_events.number if agreed.send_events else None) == expected.get("events")
    assert agreed.direction == expected["direction"]
    assert agreed.held_by_remote == expected.get("held", False)
    assert agreed.ptime == expected.get("ptime", 20)
    (section,) = [media for media in SessionDescription.parse(body).media if media.port]
    assert section.direction == agreed.direction
    assert tuple(section.payloads) == agreed.receive


SECURE_US = Local(
    "192.168.1.10", 40000, session_id=7, version=3, srtp="optional", keys=own_keys(bytes(range(MATERIAL)))
)


@pytest.mark.parametrize("name", OUTCOMES)
def test_answer_where_encrypted_audio_may_be(name: str) -> None:
    expected = OUTCOMES[name]
    if "secure" not in expected:
        if "status" in expected:
            with pytest.raises(RemoteProtocolError) as caught:
                answer(SECURE_US, vector(name))
            assert caught.value.status == expected["status"]
        else:
            plain = answer(ours(name, US), vector(name))
            assert answer(ours(name, SECURE_US), vector(name)) == plain, "nothing is different"
        return
    body, agreed = answer(SECURE_US, vector(name))
    assert media_lines(body) == expected["secure"]
    (line,) = [line for line in body.decode().splitlines() if line.startswith("a=crypto:")]
    crypto = parse(line.removeprefix("a=crypto:"))
    assert crypto is not None and agreed.secured is not None
    assert f"{crypto.tag} {crypto.suite}" == expected["crypto"]
    assert crypto.key == agreed.secured.ours and agreed.secured.suite == crypto.suite
    theirs = [one for media in SessionDescription.parse(vector(name)).media for one in offered_in(media)]
    assert agreed.secured.theirs == next(one.key for one in theirs if one.tag == crypto.tag)


def test_our_offer() -> None:
    assert make_offer(US).decode() == (
        "v=0\r\no=hako 7 3 IN IP4 192.168.1.10\r\ns=Hako\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\n"
        "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_our_offer_lists_only_what_local_says_in_its_order() -> None:
    opus = Payload(111, "opus", 48000, "useinbandfec=1", 2)
    body = make_offer(Local("2001:db8::1", 40000, (opus, PCMA), direction="sendonly", ptime=30))
    assert media_lines(body) == ["audio 40000 RTP/AVP 111 8"]
    assert b"a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n" in body
    assert b"c=IN IP6 2001:db8::1\r\n" in body
    assert b"a=ptime:30\r\n" in body
    assert b"a=sendonly\r\n" in body


def test_the_answer_follows_the_callers_order_not_the_offers() -> None:
    local = Local("192.168.1.10", 40000, (PCMA, PCMU, TELEPHONE_EVENT))
    body, agreed = answer(local, vector("yealink"))
    assert media_lines(body) == ["audio 40000 RTP/AVP 8 0 101"]
    assert agreed.codec == "PCMA"
    body, agreed = answer(Local("192.168.1.10", 40000, (PCMA,)), vector("yealink"))
    assert media_lines(body) == ["audio 40000 RTP/AVP 8"]
    assert agreed.send_events is None


def test_a_codec_added_later_needs_no_change_here() -> None:
    g722 = Payload(9, "G722")
    _, agreed = answer(Local("192.168.1.10", 40000, (g722, PCMU)), vector("yealink"))
    assert agreed.send == g722


@pytest.mark.parametrize(
    ("ours", "theirs", "agreed", "held"),
    [
        ("sendrecv", "sendrecv", "sendrecv", False),
        ("sendrecv", "sendonly", "recvonly", True),
        ("sendrecv", "recvonly", "sendonly", False),
        ("sendrecv", "inactive", "inactive", True),
        ("sendonly", "sendrecv", "sendonly", False),
        ("sendonly", "sendonly", "inactive", True),
        ("sendonly", "recvonly", "sendonly", False),
        ("recvonly", "sendrecv", "recvonly", False),
        ("recvonly", "recvonly", "inactive", False),
        ("inactive", "sendrecv", "inactive", False),
        ("inactive", "inactive", "inactive", True),
    ],
)
def test_directions(ours: str, theirs: str, agreed: str, held: bool) -> None:
    offer = make_offer(Local("192.0.2.1", 5004, direction=theirs))
    body, result = answer(Local("192.168.1.10", 40000, direction=ours), offer)
    assert (result.direction, result.held_by_remote) == (agreed, held)
    assert f"a={agreed}\r\n".encode() in body


def test_offer_answer_accept_agree_on_both_sides() -> None:
    theirs = Local("192.0.2.1", 5004, (PCMA, PCMU, Payload(97, "telephone-event", fmtp="0-15")))
    offer = make_offer(theirs)
    body, ours = answer(US, offer)
    agreed = accept(theirs, body)
    assert agreed.remote == ("192.168.1.10", 40000)
    assert (ours.send, agreed.send) == (PCMU, PCMU)
    assert agreed.send_events is not None
    assert agreed.send_events.number == 97
    assert agreed.receive == theirs.codecs
    assert (agreed.version, ours.version) == (3, 1)


def test_an_answer_may_use_other_numbers_than_the_offer() -> None:
    reply = vector("grandstream-events-97")
    agreed = accept(US, reply)
    assert (agreed.send, agreed.codec) == (PCMA, "PCMA")
    assert agreed.send_events is not None
    assert agreed.send_events.number == 97
    assert TELEPHONE_EVENT in agreed.receive


@pytest.mark.parametrize("name", ["no-common-codec", "refused-audio", "webrtc", "fax", "multicast"])
def test_an_answer_that_leaves_no_audio(name: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        accept(US, vector(name))
    assert caught.value.status == 488


def test_an_answer_on_hold() -> None:
    agreed = accept(US, vector("hold-rfc2543"))
    assert (agreed.remote, agreed.direction, agreed.held_by_remote) == (None, "recvonly", True)
    agreed = accept(US, vector("hold-sendonly"))
    assert (agreed.direction, agreed.held_by_remote) == ("recvonly", True)


def test_rtcp_mux_needs_both() -> None:
    muxed = Local("192.168.1.10", 40000, rtcp_mux=True)
    body, agreed = answer(muxed, vector("rtcp-mux"))
    assert b"a=rtcp-mux\r\n" in body
    assert agreed.rtcp_mux
    assert agreed.remote_rtcp == agreed.remote
    body, agreed = answer(muxed, vector("yealink"))
    assert b"rtcp-mux" not in body
    assert not agreed.rtcp_mux
    assert b"a=rtcp-mux\r\n" in make_offer(muxed)
    assert refresh_offer(muxed, make_offer(muxed)) == make_offer(muxed)
    assert accept(muxed, vector("rtcp-mux")).rtcp_mux
    assert not accept(US, vector("rtcp-mux")).rtcp_mux


# --- the o= line over the life of a dialog ----------------------------------------------------------------------------
def version_of(body: bytes) -> int:
    return SessionDescription.parse(body).origin.version


def test_a_refresh_keeps_the_version() -> None:
    first = make_offer(US)
    assert refresh_offer(US, first) == first
    assert refresh_offer(Local(US.address, US.port, session_id=99, version=99), first) == first


def test_a_change_raises_the_version_by_one_and_keeps_the_id() -> None:
    first = make_offer(US)
    held = refresh_offer(Local(US.address, US.port, direction="sendonly"), first)
    assert SessionDescription.parse(held).origin.session_id == 7
    assert version_of(held) == 4
    back = refresh_offer(US, held)
    assert version_of(back) == 5
    assert refresh_offer(US, back) == back


def test_answers_go_by_what_was_sent_before() -> None:
    first, _ = answer(US, vector("yealink"))
    same, _ = answer(US, vector("yealink"), previous=first)
    assert same == first
    held, _ = answer(US, vector("hold-sendonly"), previous=first)
    assert (version_of(held), SessionDescription.parse(held).origin.session_id) == (4, 7)


def test_a_new_offer_keeps_the_sections_of_the_dialog() -> None:
    first, _ = answer(US, vector("video-phone"))
    again = refresh_offer(US, first)
    assert media_lines(again) == ["video 0 RTP/AVP 99 34", "audio 40000 RTP/AVP 0 8 101", "application 0 UDP/BFCP *"]
    reply = (
        vector("video-phone").replace(b"m=video 5008", b"m=video 0").replace(b"m=application 5070", b"m=application 0")
    )
    assert accept(US, reply).remote == ("192.168.1.24", 5006)


def test_a_new_offer_after_all_was_refused() -> None:
    refused = (
        b"v=0\r\no=hako 7 3 IN IP4 192.168.1.10\r\ns=Hako\r\nt=0 0\r\nm=image 0 udptl t38\r\nm=audio 0 RTP/AVP 0\r\n"
    )
    assert media_lines(refresh_offer(US, refused)) == ["image 0 udptl t38", "audio 40000 RTP/AVP 0 8 101"]
    nothing = b"v=0\r\no=hako 7 3 IN IP4 192.168.1.10\r\ns=Hako\r\nt=0 0\r\n"
    assert media_lines(refresh_offer(US, nothing)) == ["audio 40000 RTP/AVP 0 8 101"]


codecs = st.lists(
    st.sampled_from([PCMU, PCMA, Payload(9, "G722"), Payload(96, "opus", 48000, "", 2), Payload(18, "G729")]),
    min_size=1,
    unique=True,
).map(tuple)
directions = st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"])


@settings(deadline=None)
@given(ours=codecs, theirs=codecs, number=st.integers(97, 127), mine=directions, other=directions)
def test_both_sides_always_agree(
    ours: tuple[Payload, ...], theirs: tuple[Payload, ...], number: int, mine: str, other: str
) -> None:
    us = Local("192.168.1.10", 40000, (*ours, TELEPHONE_EVENT), direction=mine)
    them = Local("192.0.2.1", 5004, (*theirs, Payload(number, "telephone-event", fmtp="0-15")), direction=other)
    common = [payload for payload in ours if payload in theirs]
    if not common:
        with pytest.raises(RemoteProtocolError):
            answer(us, make_offer(them))
        return
    body, here = answer(us, make_offer(them))
    there = accept(them, body)
    assert here.send == there.send == common[0]
    assert here.send_events is not None
    assert here.send_events.number == number
    assert ("send" in here.direction) == ("recv" in there.direction)
    assert ("recv" in here.direction) == ("send" in there.direction)
    assert {payload.number for payload in here.receive} <= {payload.number for payload in them.codecs}


def _told(*attributes: str) -> Negotiated:
    """What an offer with these attributes means to one who can do everything."""
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.7", "s=-", "c=IN IP4 192.0.2.7", "t=0 0", "m=audio 4000 RTP/AVP 0"]
    body = "\r\n".join([*lines, *(f"a={attribute}" for attribute in attributes), ""]).encode()
    mine, negotiated = answer(Local("192.0.2.1", 5000, (PCMU,), rtcp_mux=True, metrics=True), body)
    assert (b"a=rtcp-mux" in mine) == negotiated.rtcp_mux and b"a=rtcp-xr:voip-metrics" in mine
    return negotiated


@pytest.mark.parametrize(
    ("attributes", "rtcp"),
    [
        ((), ("192.0.2.7", 4001)),
        (("rtcp:4009",), ("192.0.2.7", 4009)),
        (("rtcp:4009 IN IP4 192.0.2.8",), ("192.0.2.8", 4009)),
        (("rtcp:4009 IN IP4 no.such.host.example",), ("192.0.2.7", 4009)),
        (("rtcp:4009 IN IP4 224.0.0.1",), ("192.0.2.7", 4009)),
        (("rtcp:99999",), ("192.0.2.7", 4001)),
        (("rtcp:4009", "rtcp-mux"), ("192.0.2.7", 4000)),
    ],
)
def test_rtcp_goes_where_the_offer_says(attributes: tuple[str, ...], rtcp: tuple[str, int]) -> None:
    assert _told(*attributes).remote_rtcp == rtcp


@pytest.mark.parametrize(
    ("attribute", "wanted"),
    [
        ("rtcp-xr:voip-metrics", True),
        ("rtcp-xr:pkt-loss-rle=128 voip-metrics", True),
        ("rtcp-xr:rcvr-rtt=all", False),
        ("rtcp-xr", False),
        ("ptime:20", False),
    ],
)
def test_voip_metrics_are_sent_to_whoever_asks_for_them(attribute: str, wanted: bool) -> None:
    assert _told(attribute).send_metrics is wanted


@pytest.mark.parametrize(("ours", "theirs"), [("192.0.2.1", "2001:db8::7"), ("2001:db8::1", "192.0.2.7")])
def test_audio_in_the_other_ip_version_cannot_be_taken(ours: str, theirs: str) -> None:
    body = make_offer(Local(theirs, 4000))
    with pytest.raises(RemoteProtocolError) as refused:
        answer(Local(ours, 5000), body)
    assert refused.value.status == 488
    for nowhere in ("0.0.0.0", "::"):
        _, negotiated = answer(Local(ours, 5000), make_offer(Local(nowhere, 4000)))
        assert negotiated.held_by_remote, "on hold, in whatever version"


def test_ipv6_is_written_and_read_as_rfc_8866_says() -> None:
    body = make_offer(Local("2001:db8::1", 5000))
    assert b"c=IN IP6 2001:db8::1\r\n" in body and b" IN IP6 2001:db8::1\r\n" in body.partition(b"c=")[0]
    _, negotiated = answer(Local("2001:db8::2", 6000), body)
    assert negotiated.remote == ("2001:db8::1", 5000)
