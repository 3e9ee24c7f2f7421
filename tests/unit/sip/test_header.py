"""Typed header values."""

from __future__ import annotations

import pytest

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import format_params, parse_number, parse_params, quote, scrub, split_list, unquote
from appliance.sip.challenge import AuthHeader, Challenge, Credentials
from appliance.sip.header import (
    CSeq,
    MediaType,
    NameAddr,
    RAck,
    Reason,
    SessionExpires,
    Via,
    parse_name_addrs,
    parse_tokens,
    parse_vias,
)
from appliance.sip.uri import SipUri


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        ("<sip:201@box>", "", "sip:201@box", {}),
        ("sip:201@box;tag=x", "", "sip:201@box", {"tag": "x"}),
        ("sip:201@box", "", "sip:201@box", {}),
        ('"Desk 1" <sip:201@box>;tag=a.b', "Desk 1", "sip:201@box", {"tag": "a.b"}),
        ("Desk One<sip:201@box>", "Desk One", "sip:201@box", {}),
        ("Hako 箱 <sip:201@box>", "Hako 箱", "sip:201@box", {}),
        ('"a \\"b\\" \\\\ <c>, d" <sip:201@box;lr>;x', 'a "b" \\ <c>, d', "sip:201@box;lr", {"x": None}),
        ('<sip:201@box>;+sip.instance="<urn:1>";q=0.5', "", "sip:201@box", {"+sip.instance": "<urn:1>", "q": "0.5"}),
        ("<tel:+81312345678>", "", "tel:+81312345678", {}),
        ('""  <sip:201@box> ; tag = x ', "", "sip:201@box", {"tag": "x"}),
    ],
)  # fmt: skip
def test_name_addr(text: str, display: str, uri: str, params: dict[str, str | None]) -> None:
    address = NameAddr.parse(text)
    assert (address.display, str(address.uri), dict(address.params)) == (display, uri, params)
    assert NameAddr.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<sip:201@box",
        "sip:201@box>",
        '"Desk <sip:201@box>',
        '"Desk" sip:201@box',
        "Bell, Alexander <sip:a@b>",
        "< sip:201@box>",
        "<sip:201@box >",
        "<sip:201@box>;",
        "<sip:201@box>;;tag=x",
        "<sip:201@box> tag=x",
        "<sip:201@box>;tag=",
        "sip:201@box?x=y",
        "<>",
        "*",
    ],
)
def test_malformed_name_addr(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        NameAddr.parse(text)


def test_name_addr_helpers() -> None:
    address = NameAddr("Desk", SipUri("sip", "201", "box"))
    assert address.tag is None
    assert str(address.with_tag("x")) == '"Desk" <sip:201@box>;tag=x'
    assert address.user == "201"
    with pytest.raises(RemoteProtocolError):
        _ = NameAddr.parse("<tel:1>").sip


def test_only_short_values_are_remembered_and_errors_come_again() -> None:
    short, long = "<sip:201@box>;tag=abc", f"<sip:201@box>;tag={'a' * 200}"
    assert NameAddr.parse(short) is NameAddr.parse(short)
    assert NameAddr.parse(long) is not NameAddr.parse(long)
    for _ in range(2):
        with pytest.raises(RemoteProtocolError):
            NameAddr.parse("<sip:201@box")
        with pytest.raises(RemoteProtocolError):
            Via.parse("SIP/2.0/UDP box;;")


def test_display_names_are_fit_for_showing() -> None:
    raw = b'"\x83n\x83R\x07" <sip:201@box>'.decode("utf-8", "surrogateescape")
    assert NameAddr.parse(raw).display == "\ufffdn\ufffdR "
    NameAddr.parse(raw).display.encode()


def test_via() -> None:
    via = Via.parse("SIP / 2.0 / udp  Box.Example.com : 5070 ; branch=z9hG4bK1;rport")
    assert (via.transport, via.host, via.port, via.branch) == ("UDP", "box.example.com", 5070, "z9hG4bK1")
    assert via.wants_rport
    assert via.rport is None
    assert via.received is None
    seen = via.seen_from("192.0.2.9", 40000)
    assert str(seen) == "SIP/2.0/UDP box.example.com:5070;branch=z9hG4bK1;rport=40000;received=192.0.2.9"
    assert (seen.rport, seen.received) == (40000, "192.0.2.9")


def test_via_received_only_when_it_differs() -> None:
    via = Via.parse("SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1")
    assert via.seen_from("192.0.2.9", 5060) is via
    assert via.seen_from("192.0.2.8", 5060).received == "192.0.2.8"


def test_via_ipv6() -> None:
    via = Via.parse("SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK1")
    assert (via.host, via.port) == ("2001:db8::1", 5060)
    assert str(via) == "SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK1"


@pytest.mark.parametrize("port", ["0", "65536", "99999", "x", "", "-1", "٣"])
def test_unusable_rport_counts_as_absent(port: str) -> None:
    assert Via("UDP", "box", None, {"rport": port}).rport is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/3.0/UDP box",
        "HTTP/2.0/UDP box",
        "SIP/2.0/UDP box:0",
        "SIP/2.0/UDP box:70000",
        "SIP/2.0/UDP box;;branch=x",
        "SIP/2.0/UDP box;branch=",
        "SIP/2.0/UDP box branch=x",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP b ox",
    ],
)
def test_malformed_via(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        Via.parse(text)


def test_lists() -> None:
    assert split_list('<sip:a@b,c>;x="1,2" , "d, \\" e" <sip:f@g>,,') == ['<sip:a@b,c>;x="1,2"', '"d, \\" e" <sip:f@g>']
    assert split_list("a, b ,,c") == ["a", "b", "c"]
    assert split_list("") == []
    assert [address.user for address in parse_name_addrs("<sip:a@b>, sip:c@d;x=1")] == ["a", "c"]
    assert [via.host for via in parse_vias("SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b")] == ["a", "b"]
    assert parse_tokens("INVITE,ACK , BYE") == ("INVITE", "ACK", "BYE")
    for broken in ('"a', "<a, b", 'a, "b'):
        with pytest.raises(RemoteProtocolError):
            split_list(broken + ",")
    with pytest.raises(RemoteProtocolError):
        parse_tokens("a b")


def test_cseq() -> None:
    assert CSeq.parse("0009  INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(7, "BYE")) == "7 BYE"
    assert CSeq.parse("2147483647 ACK").number == 2**31 - 1
    for text in ("", "1", "INVITE", "x INVITE", "-1 INVITE", "2147483648 INVITE", "1 IN VITE", "1 IN/VITE", "١ INVITE"):
        with pytest.raises(RemoteProtocolError):
            CSeq.parse(text)


def test_rack() -> None:
    assert RAck.parse("776656 1 INVITE") == RAck(776656, 1, "INVITE")
    assert str(RAck(1, 2, "INVITE")) == "1 2 INVITE"
    for text in ("1 INVITE", "a b c", "1 2", "4294967296 1 INVITE"):
        with pytest.raises(RemoteProtocolError):
            RAck.parse(text)


def test_session_expires() -> None:
    assert SessionExpires.parse("1800;refresher=UAC") == SessionExpires(1800, "uac")
    assert SessionExpires.parse("90 ;x=y;refresher=nobody") == SessionExpires(90)
    assert str(SessionExpires(1800, "uas")) == "1800;refresher=uas"
    for text in ("", "x", "90;;refresher=uac", "99999999999"):
        with pytest.raises(RemoteProtocolError):
            SessionExpires.parse(text)


def test_reason() -> None:
    assert Reason.parse('q.850 ;cause=16 ;text="Terminated"') == Reason("Q.850", 16, "Terminated")
    assert str(Reason("SIP", 200, "Call completed elsewhere")) == 'SIP;cause=200;text="Call completed elsewhere"'
    assert Reason.parse("SIP") == Reason("SIP")
    for text in ("", "SIP cause=1", "Q.850;cause=x"):
        with pytest.raises(RemoteProtocolError):
            Reason.parse(text)


def test_media_type() -> None:
    media = MediaType.parse('Application / SDP ; charset="utf-8"')
    assert (media.name, dict(media.params)) == ("application/sdp", {"charset": "utf-8"})
    assert MediaType.parse("*/*").name == "*/*"
    assert str(media) == "application/sdp;charset=utf-8"
    for text in ("", "application", "application/", "application/sdp charset"):
        with pytest.raises(RemoteProtocolError):
            MediaType.parse(text)


def test_params_first_counts_and_names_are_lower_case() -> None:
    params = parse_params(";Branch=a;branch=b;LR")
    assert dict(params) == {"branch": "a", "lr": None}
    assert format_params({"a": None, "b": "1", "c": "x y"}) == ';a;b=1;c="x y"'


def test_numbers() -> None:
    assert parse_number("0000000000000068", "x") == 68
    for text in ("", " ", "+1", "1.0", "0x1", "4294967296", "１"):
        with pytest.raises(RemoteProtocolError):
            parse_number(text, "x")


def test_quoting() -> None:
    assert unquote(quote('a\\"b')) == 'a\\"b'
    assert unquote("plain") == "plain"
    assert str(NameAddr("a\r\nEvil: 1", SipUri("sip", "\r\n", "box"))) == '"a Evil: 1" <sip:%0D%0A@box>'
    assert scrub("a\r\nb\0") == "a b "


def test_auth_headers() -> None:
    challenge = Challenge.parse(
        'Digest realm="a, b", nonce="x\\"y", stale=TRUE, qop="auth,auth-int" , algorithm=SHA-256'
    )
    assert (challenge["realm"], challenge["nonce"], challenge.stale) == ("a, b", 'x"y', True)
    assert (challenge.qops, challenge.algorithm) == (("auth", "auth-int"), "SHA-256")
    assert Challenge.parse(str(challenge)).params == challenge.params
    credentials = Credentials.parse('digest username="201",uri="sip:box",nc=00000001,qop=auth')
    assert (credentials.scheme, credentials["nc"], credentials["opaque"]) == ("digest", "00000001", "")
    assert str(credentials) == 'Digest username="201", uri="sip:box", nc=00000001, qop=auth'
    assert Challenge.parse("Basic YWJj").scheme == "basic"
    assert AuthHeader.parse("NoOneKnowsThisScheme opaque-data=here").scheme == "nooneknowsthisscheme"
    for text in ("", '"', "Digest realm", 'Digest realm="a', "Digest realm=a b"):
        with pytest.raises(RemoteProtocolError):
            Credentials.parse(text)
