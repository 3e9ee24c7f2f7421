"""RFC 4475: what reading each torture message yields (oracle 1 of tests/vectors/rfc4475/outcomes.toml)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from appliance.sip.message import Message, Request, Response
from appliance.sip.parser import MalformedMessage, StreamFramer, parse_message
from appliance.sip.uri import OtherUri, SipUri

VECTORS = Path(__file__).parents[2] / "vectors" / "rfc4475"
OUTCOMES = tomllib.loads((VECTORS / "outcomes.toml").read_text())


def data(name: str) -> bytes:
    return (VECTORS / f"{name}.dat").read_bytes()


def request(name: str) -> Request:
    message = parse_message(data(name))
    assert isinstance(message, Request)
    return message


def read_everything(message: Message) -> None:
    """Reads every typed property: none may raise."""
    for name in dir(type(message)):
        if not name.startswith("_") and isinstance(getattr(type(message), name), property):
            getattr(message, name)


def test_every_message_has_an_outcome() -> None:
    assert len(OUTCOMES) == 49
    assert {path.stem for path in VECTORS.glob("*.dat")} == OUTCOMES.keys()


@pytest.mark.parametrize("name", OUTCOMES)
def test_parse_outcome(name: str) -> None:
    expected = OUTCOMES[name]["parse"]
    if isinstance(expected, int):
        with pytest.raises(MalformedMessage) as caught:
            parse_message(data(name))
        assert caught.value.status == expected
    else:
        message = parse_message(data(name))
        assert isinstance(message, Request if expected == "request" else Response)
        read_everything(message)


@pytest.mark.parametrize("name", [name for name, outcome in OUTCOMES.items() if isinstance(outcome["parse"], int)])
def test_malformed_requests_can_be_answered_and_responses_not(name: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_message(data(name))
    partial = caught.value.partial
    if OUTCOMES[name]["answer"] == "ignored":
        assert partial is None
    else:
        assert partial is not None
        reply = partial.reply(caught.value.status, to_tag="ours").encode()
        assert reply.startswith(f"SIP/2.0 {OUTCOMES[name]['answer']} ".encode())
        assert b"\r\nVia: " in reply


@pytest.mark.parametrize("name", [name for name, outcome in OUTCOMES.items() if isinstance(outcome["parse"], str)])
def test_what_was_read_can_be_written_and_read_again(name: str) -> None:
    message = parse_message(data(name))
    again = parse_message(message.encode())
    message.headers.remove("Content-Length")
    again.headers.remove("Content-Length")
    assert (again.headers, again.body) == (message.headers, message.body)
    assert (again.via, again.from_, again.to) == (message.via, message.from_, message.to)


@pytest.mark.parametrize("name", [name for name, outcome in OUTCOMES.items() if isinstance(outcome["parse"], str)])
def test_the_same_over_a_stream_byte_by_byte(name: str) -> None:
    framer = StreamFramer()
    frames = [frame for byte in data(name) for frame in framer.feed(bytes([byte]))]
    first = frames[0]
    assert isinstance(first, bytes)
    whole, framed = parse_message(data(name)), parse_message(first, stream=True)
    assert framed.headers == whole.headers
    if "Content-Length" in whole.headers:
        assert framed.body == whole.body


def test_wsinv() -> None:
    message = request("wsinv")
    uri = message.request_uri
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host, dict(uri.params)) == ("vivekg", "chair-dnrc.example.com", {"unknownparam": None})
    assert message.to.tag == "1918181833n"
    assert (message.from_.display, message.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert message.max_forwards == 68
    assert (message.cseq.number, message.cseq.method) == (9, "INVITE")
    assert [(via.transport, via.host, via.branch) for via in message.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert message.headers.get("Subject") == ""
    assert message.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.headers.get("unknownheaderwithunusualvalue") == ";;,,;;,;"
    (contact,) = message.contacts
    assert contact.display == 'Quoted string ""'
    assert dict(contact.params) == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    (route,) = message.routes
    assert dict(route.sip.params) == {"lr": None, "unknownwith": "value", "unknown-no-value": None}
    assert len(message.body) == 150


def test_intmeth() -> None:
    message = request("intmeth")
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    uri = message.request_uri
    assert isinstance(uri, SipUri)
    assert uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert uri.host == "example.com"
    assert message.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert message.to.display == "BEL:  NUL:  DEL: "
    assert message.from_.display == "token1~` token2'+_ token3*%!.-"
    assert message.from_.tag == "_token~1'+`*%!-."
    assert message.from_.params["fromparam''~+*_!.-%"] == "работающий"
    assert message.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"
    assert message.max_forwards == 255


def test_esc01() -> None:
    message = request("esc01")
    uri = message.request_uri
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host) == ("sips:user@example.com", "example.net")
    assert message.to.uri == SipUri("sip", "user", "example.com")
    assert message.from_.user == "I have spaces"
    (contact,) = message.contacts
    assert contact.user == "caller"
    assert dict(contact.sip.params) == {"lr": None, "name": "value%41"}
    assert str(contact.uri) == "sip:caller@host5.example.net;lr;name=value%2541"


def test_escnull() -> None:
    message = request("escnull")
    assert message.to.user == "null-\0-null"
    first, second = message.contacts
    assert (first.user, second.user) == ("\0", "\0\0")
    assert first.uri != second.uri


def test_esc02() -> None:
    message = request("esc02")
    assert message.method == "RE%47IST%45R"
    assert [contact.user for contact in message.contacts] == ["alias1", "alias3"]
    assert message.headers.get("C%6Fntact") == "<sip:alias2@host2.example.com>"
    assert message.to.display == "%Z%45"


def test_lwsdisp() -> None:
    assert request("lwsdisp").from_.display == "caller"


def test_dblreq() -> None:
    message = request("dblreq")
    assert (message.method, message.body) == ("REGISTER", b"")


def test_semiuri() -> None:
    uri = request("semiuri").request_uri
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host) == ("user;par=u@example.net", "example.com")
    assert dict(uri.params) == {}


def test_transports() -> None:
    assert [via.transport for via in request("transports").vias] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_mpart01_keeps_the_octets_of_its_body() -> None:
    message = request("mpart01")
    assert len(message.body) == 553
    assert b"\0" in message.body
    content_type = message.content_type
    assert content_type is not None
    assert (content_type.name, content_type.params["boundary"]) == ("multipart/mixed", "7a9cbec02ceef655")


def test_reason_phrases() -> None:
    unusual = parse_message(data("unreason"))
    empty = parse_message(data("noreason"))
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert (unusual.status, unusual.reason) == (200, "= 2**3 * 5**2 но сто девяносто девять - простое")
    assert (empty.status, empty.reason) == (100, "")


def test_unknown_schemes() -> None:
    assert request("unkscm").request_uri == OtherUri("nobodyknowsthisscheme", "totallyopaquecontent")
    assert request("novelsc").request_uri == OtherUri("soap.beep", "//192.0.2.103:3002")
    assert request("unksm2").to.uri == OtherUri("isbn", "2983792873")


def test_where_a_parameter_belongs() -> None:
    (outside,) = request("cparam01").contacts
    (inside,) = request("cparam02").contacts
    assert (dict(outside.params), dict(outside.sip.params)) == ({"unknownparam": None}, {})
    assert (dict(inside.params), dict(inside.sip.params)) == ({}, {"unknownparam": None})


def test_regescrt_keeps_the_headers_of_the_contact() -> None:
    (contact,) = request("regescrt").contacts
    assert contact.sip.headers == (("Route", "<sip:sip.example.com>"),)
    assert str(contact.uri) == "sip:user@example.com?Route=%3Csip:sip.example.com%3E"


def test_bext01_and_sdp01() -> None:
    assert request("bext01").require == ("nothingsupportsthis", "nothingsupportsthiseither")
    accept = request("sdp01").accept
    assert accept is not None
    assert [media.name for media in accept] == ["text/nobodyknowsthis"]


def test_inv2543() -> None:
    message = request("inv2543")
    assert (message.via.branch, message.from_.tag, message.max_forwards, message.contacts) == ("", None, None, ())
    assert len(message.body) == 105
