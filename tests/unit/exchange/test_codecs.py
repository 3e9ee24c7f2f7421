"""Which codecs each side of a call is offered and answered with, so that only different ends are transcoded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.exchange.audio import ABILITIES
from appliance.exchange.codecs import ALL, caller_codecs, codecs_for_peer, following, permitted, with_opus
from appliance.exchange.leg import Leg
from appliance.sip.offer_answer import Local, accept, answer, make_offer
from appliance.site.model import Site, SiteInfo, Trunk

OPUS, G722, PCMU, PCMA = (
    "a=rtpmap:96 opus/48000/2",
    "a=rtpmap:9 G722/8000",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
)


def sdp(*maps: str) -> bytes:
    numbers = " ".join(one.split(":")[1].split()[0] for one in maps)
    lines = ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", f"m=audio 4000 RTP/AVP {numbers}"]
    return "\r\n".join([*lines, *maps, ""]).encode()


def leg(
    *maps: str,
    trunk: str = "",
    agreed: str = "",
    codecs: tuple[str, ...] | None = None,
    abilities: frozenset[str] = ABILITIES,
) -> Leg:
    info = SiteInfo() if codecs is None else SiteInfo(codecs=codecs)
    trunks = (Trunk(id="plain", host="h"), Trunk(id="wide", host="h", codecs=("G722", "PCMA")))
    made: Any = SimpleNamespace(
        direction="in",
        codec=agreed,
        dtmf="auto",
        trunk=trunk,
        session=SimpleNamespace(request=SimpleNamespace(body=sdp(*maps) if maps else b"")),
        context=SimpleNamespace(site=Site(site=info, trunks=trunks), media=SimpleNamespace(abilities=abilities)),
    )
    return cast(Leg, made)


def voices(codecs: tuple[Any, ...]) -> list[str]:
    return [codec.codec for codec in codecs if codec.codec not in ("telephone-event", "CN")]


def test_the_peer_is_offered_what_the_caller_has_and_what_all_have() -> None:
    assert voices(codecs_for_peer(leg(G722, OPUS))) == ["G722", "opus", "PCMU", "PCMA"]
    assert voices(codecs_for_peer(leg(PCMA, PCMU))) == ["PCMA", "PCMU"]
    assert voices(codecs_for_peer(leg(OPUS, PCMU, agreed="PCMU"))) == ["PCMU", "PCMA"]


@pytest.mark.parametrize(
    ("offered", "other", "answered"),
    [
        ((OPUS, G722, PCMU), "PCMU", ["PCMU"]),
        ((OPUS, G722, PCMU), "G722", ["G722"]),
        ((OPUS, G722, PCMU), "opus", ["opus"]),
        ((OPUS, PCMA), "PCMU", ["PCMA"]),
        ((G722, OPUS), "PCMU", ["G722", "opus"]),
        ((PCMU,), "opus", ["PCMU"]),
    ],
)
def test_the_caller_is_answered_with_what_the_other_end_uses(
    offered: tuple[str, ...], other: str, answered: list[str]
) -> None:
    caller = leg(*offered)
    codecs = permitted(caller, following(caller, other))
    _, negotiated = answer(Local("192.0.2.9", 5000, codecs), sdp(*offered))
    assert voices(negotiated.receive) == answered and negotiated.codec == answered[0]


def test_who_speaks_to_the_box_does_so_plainly_where_it_can() -> None:
    assert voices(caller_codecs(leg(OPUS, G722, PCMA))) == ["PCMA"]
    assert voices(caller_codecs(leg(OPUS, G722))) == ["opus", "G722"]


def test_the_site_file_says_what_phones_and_trunks_get() -> None:
    assert voices(permitted(leg(), ALL)) == ["opus", "G722", "PCMU", "PCMA"]
    assert voices(permitted(leg(codecs=("PCMA", "G722")), ALL)) == ["PCMA", "G722"]
    assert voices(permitted(leg(trunk="plain"), codecs_for_peer(leg(OPUS, PCMA, PCMU)))) == ["PCMA", "PCMU"]
    assert voices(permitted(leg(trunk="wide"), codecs_for_peer(leg(OPUS)))) == ["PCMA"]
    assert voices(permitted(leg(trunk="wide"), codecs_for_peer(leg(OPUS, G722)))) == ["G722", "PCMA"]
    assert voices(permitted(leg(codecs=("G722",)), codecs_for_peer(leg(PCMU)))) == ["G722"]


def test_each_clock_has_its_telephone_event() -> None:
    codecs = permitted(leg(), ALL)
    offer = make_offer(Local("192.0.2.9", 5000, codecs))
    assert b"a=rtpmap:111 opus/48000/2" in offer and b"a=fmtp:111 useinbandfec=1" in offer
    wide = accept(
        Local("192.0.2.9", 5000, codecs),
        sdp("a=rtpmap:111 opus/48000/2", "a=rtpmap:97 telephone-event/48000", "a=rtpmap:98 telephone-event/8000"),
    )
    assert wide.send_events is not None and (wide.send_events.number, wide.send_events.clock) == (97, 48000)
    narrow = accept(Local("192.0.2.9", 5000, codecs), sdp(G722, "a=rtpmap:98 telephone-event/8000"))
    assert narrow.send_events is not None and narrow.send_events.number == 98
    assert b"48000" not in make_offer(Local("192.0.2.9", 5000, permitted(leg(trunk="plain"), ALL)))


def test_comfort_noise_is_a_matter_of_the_site_file() -> None:
    codecs = permitted(leg(codecs=("PCMU", "CN")), ALL)
    _, agreed = answer(Local("192.0.2.9", 5000, codecs), sdp(PCMU, "a=rtpmap:13 CN/8000"))
    assert agreed.codec == "PCMU" and agreed.send_noise is not None and agreed.send_noise.number == 13
    _, refused = answer(Local("192.0.2.9", 5000, permitted(leg(), ALL)), sdp(PCMU, "a=rtpmap:13 CN/8000"))
    assert refused.send_noise is None
    wide = permitted(leg(codecs=("opus", "CN")), ALL)
    _, other = answer(Local("192.0.2.9", 5000, wide), sdp(OPUS, "a=rtpmap:13 CN/8000"))
    assert other.codec == "opus" and other.send_noise is None, "comfort noise is of the clock of its codec (RFC 3389 4)"


def test_keys_come_and_go_on_the_clock_of_the_codec() -> None:
    codecs = permitted(leg(codecs=("opus", "L16", "PCMU")), ALL)
    assert [codec.clock for codec in codecs if codec.codec == "telephone-event"] == [48000, 16000, 8000]
    linear = "a=rtpmap:99 L16/16000"
    events = [f"a=rtpmap:{number} telephone-event/{clock}" for number, clock in ((100, 8000), (101, 16000))]
    _, agreed = answer(Local("192.0.2.9", 5000, codecs), sdp(linear, *events))
    assert agreed.send_events is not None
    assert (agreed.codec, agreed.send_events.number, agreed.send_events.clock) == ("L16", 101, 16000)
    assert {codec.clock for codec in agreed.receive if codec.codec == "telephone-event"} == {8000, 16000}


@pytest.mark.parametrize(
    ("said", "ptime"), [("", 20), ("a=ptime:60", 60), ("a=maxptime:10", 10), ("a=ptime:60\r\na=maxptime:40", 40)]
)
def test_packets_are_as_long_as_the_party_says(said: str, ptime: int) -> None:
    offer = sdp(PCMU) + f"{said}\r\n".encode() if said else sdp(PCMU)
    _, agreed = answer(Local("192.0.2.9", 5000, permitted(leg(), ALL)), offer)
    assert agreed.ptime == ptime


def test_an_engine_without_opus_is_offered_none() -> None:
    without = leg(abilities=frozenset())
    codecs = permitted(without, ALL)
    assert voices(codecs) == ["G722", "PCMU", "PCMA"]
    assert [codec.clock for codec in codecs if codec.codec == "telephone-event"] == [8000]
    assert voices(permitted(leg(abilities=frozenset(), codecs=("opus",)), ALL)) == ["PCMU", "PCMA"]


def test_a_telephone_in_a_browser_is_offered_opus_whatever_the_site_has_otherwise() -> None:
    plain = permitted(leg(codecs=("PCMA",)), codecs_for_peer(leg(PCMA)))
    assert voices(plain) == ["PCMA"] and voices(with_opus(plain)) == ["PCMA", "opus"]
    assert [one.clock for one in with_opus(plain) if one.codec == "telephone-event"] == [48000, 8000]
    assert with_opus(ALL) == ALL
