"""URIs: RFC 3261 19.1, RFC 3966."""

from __future__ import annotations

import pytest

from appliance.errors import RemoteProtocolError
from appliance.sip.uri import OtherUri, SipUri, TelUri, parse_uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:201@192.168.1.10",
        "sips:201@box.example.com:5061;transport=tls",
        "sip:box",
        "sip:[2001:db8::1]:5060;transport=tcp",
        "sip:201@[fe80::1]",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sip:%23201@box",
        "sip:201@box;lr;maddr=192.0.2.1;x=%3B",
        "sip:201@box?Replaces=abc%3Bto-tag%3D1&priority=urgent",
        "sip:201@box;line=aGFrbw==;alias=201@192.0.2.1",
        "tel:+81312345678;phone-context=example.com",
        "isbn:2983792873",
    ],
)
def test_written_as_read(text: str) -> None:
    assert str(parse_uri(text)) == text


def test_parts() -> None:
    uri = parse_uri("SIP:%32%30%31:pw@BOX.Example.com:5070;Transport=TCP;lr?Subject=a%20b")
    assert isinstance(uri, SipUri)
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == ("sip", "201", "pw", "box.example.com", 5070)
    assert dict(uri.params) == {"transport": "TCP", "lr": None}
    assert uri.transport == "tcp"
    assert uri.headers == (("Subject", "a b"),)
    assert uri.address == SipUri("sip", "201", "box.example.com")


def test_ipv6_host_has_no_brackets() -> None:
    uri = SipUri.parse("sip:201@[2001:DB8::1]:5070")
    assert (uri.host, uri.port) == ("2001:db8::1", 5070)


def test_a_hash_may_come_bare_and_leaves_escaped() -> None:
    assert str(parse_uri("sip:#31#0312345678@box")) == "sip:%2331%230312345678@box"


def test_utf8_user() -> None:
    uri = SipUri.parse("sip:%E7%AE%B1@box")
    assert uri.user == "箱"
    assert str(uri) == "sip:%E7%AE%B1@box"


def test_tel() -> None:
    uri = parse_uri("tel:+81-3-1234-5678;ext=12")
    assert isinstance(uri, TelUri)
    assert (uri.number, uri.user, dict(uri.params)) == ("+81312345678", "+81312345678", {"ext": "12"})


def test_other() -> None:
    uri = parse_uri("HTTP://www.example.com")
    assert uri == OtherUri("http", "//www.example.com")
    assert uri.user is None
    with pytest.raises(RemoteProtocolError) as caught:
        SipUri.parse("http://www.example.com")
    assert caught.value.status == 416


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@box",
        "sip: 201@box",
        "<sip:201@box>",
        "sip:201@box:0",
        "sip:201@box:65536",
        "sip:201@box:5060:1",
        "sip:201@",
        "sip:2 01@box",
        "sip:201@box;",
        "sip:201@box;;lr",
        "sip:201@box;=x",
        "sip:%2@box",
        "sip:%zz@box",
        "sip:%ff@box",
        "sip:201@box?",
        "sip:201@[::1",
        "sip:箱@box",
        "sip:\udc80@box",
        "tel:",
        "tel:abc xyz",
        "tel:+",
        "tel:.-()",
        "tel:1;x=%4",
        "nothing",
        "1x:y",
        "x:<y>",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_uri(text)


# The examples of RFC 3261 19.1.4.
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_equal(left: str, right: str) -> None:
    assert parse_uri(left) == parse_uri(right)
    assert hash(parse_uri(left)) == hash(parse_uri(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:bob@biloxi.com", "sip:biloxi.com"),
        ("sip:bob@biloxi.com", "tel:+1"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=192.0.2.1"),
        ("sip:bob@biloxi.com;user=phone", "sip:bob@biloxi.com"),
        ("sip:bob@biloxi.com?a=1", "sip:bob@biloxi.com?a=2"),
        ("tel:+1;ext=2", "tel:+1;ext=3"),
    ],
)
def test_different(left: str, right: str) -> None:
    assert parse_uri(left) != parse_uri(right)


def test_unequal_to_what_is_no_uri() -> None:
    assert parse_uri("sip:box") != "sip:box"
    assert len({parse_uri("tel:+1-2"), parse_uri("tel:+12")}) == 1


def test_only_short_uris_are_remembered() -> None:
    short, long = "sip:201@box.example", "sip:" + "2" * 300 + "@box"
    assert parse_uri(short) is parse_uri(short)
    assert parse_uri(long) is not parse_uri(long)


def test_an_ipv6_address_is_one_host_however_it_is_written() -> None:
    short, long = parse_uri("sip:201@[2001:db8::a]:5060"), parse_uri("sip:201@[2001:DB8:0:0::000A]:5060")
    assert isinstance(short, SipUri) and short == long and short.host == "2001:db8::a"
    assert str(long) == "sip:201@[2001:db8::a]:5060"
