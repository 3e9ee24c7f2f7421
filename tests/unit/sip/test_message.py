"""Headers, requests and responses."""

from __future__ import annotations

import pytest

from appliance.errors import RemoteProtocolError
from appliance.sip.header import SessionExpires
from appliance.sip.message import Headers, Request, Response
from appliance.sip.names import canonical


def invite() -> Request:
    return Request(
        "INVITE",
        "sip:202@box",
        Headers(
            (
                ("Via", "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2"),
                ("v", "SIP/2.0/UDP c;branch=z9hG4bK3"),
                ("f", "<sip:201@box>;tag=a"),
                ("t", "<sip:202@box>"),
                ("i", "c1@x"),
                ("CSEQ", "1 INVITE"),
                ("supported", "timer, 100REL"),
                ("Supported", "replaces"),
                ("Timestamp", "54"),
            )
        ),
        b"body",
    )


def test_names_in_any_spelling() -> None:
    headers = invite().headers
    assert headers.get("From") == headers.get("f") == headers.get("FROM") == "<sip:201@box>;tag=a"
    assert "call-id" in headers
    assert "Contact" not in headers
    assert headers.get("Contact") is None
    assert canonical("x-my-HEADER") == "X-My-Header"
    assert canonical("cseq") == "CSeq"
    assert canonical("www-authenticate") == "WWW-Authenticate"


def test_lists_are_split_where_the_header_is_a_list() -> None:
    headers = Headers(
        (("Allow", "INVITE, ACK"), ("Subject", "a, b"), ("WWW-Authenticate", 'Digest realm="x", nonce="y"'))
    )
    assert headers.get_all("Allow") == ["INVITE", "ACK"]
    assert headers.get_all("Subject") == ["a, b"]
    assert headers.get_all("WWW-Authenticate") == ['Digest realm="x", nonce="y"']
    assert headers.get_all("Contact") == []


def test_order_and_changes() -> None:
    headers = Headers()
    headers.add("Route", "<sip:b>")
    headers.prepend("Route", "<sip:a>")
    headers.add("Route", "<sip:c>")
    assert headers.get_all("Route") == ["<sip:a>", "<sip:b>", "<sip:c>"]
    headers.remove_first("Route")
    assert headers.get_all("Route") == ["<sip:b>", "<sip:c>"]
    headers.set("Route", "<sip:d>")
    assert list(headers) == [("Route", "<sip:d>")]
    headers.remove_first("route")
    assert len(headers) == 0
    headers.remove("Route")


def test_typed_values_follow_changes() -> None:
    request = invite()
    assert request.cseq.number == 1
    request.headers.set("CSeq", "2 INVITE")
    assert request.cseq.number == 2
    assert not request.expires
    request.headers.set("Max-Forwards", "69")
    assert request.max_forwards == 69
    assert request.via.host == "a"
    request.headers.prepend("Via", "SIP/2.0/UDP z;branch=z9hG4bK0")
    assert request.via.host == "z"
    request.headers.remove("Via")
    with pytest.raises(RemoteProtocolError):
        _ = request.via


def test_a_copy_is_apart() -> None:
    headers = invite().headers
    copy = headers.copy()
    copy.add("Via", "SIP/2.0/UDP d")
    assert len(headers.get_all("Via")) == 3
    assert headers != copy
    assert headers == headers.copy()


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\n", "\r"])
def test_values_cannot_bring_a_line_of_their_own(value: str) -> None:
    headers = Headers()
    for change in (headers.add, headers.set, headers.prepend):
        with pytest.raises(ValueError, match="line ends"):
            change("Subject", value)


def test_reply_copies_what_8_2_6_says() -> None:
    reply = invite().reply(486, to_tag="b")
    assert (reply.status, reply.reason) == (486, "Busy Here")
    assert [via.branch for via in reply.vias] == ["z9hG4bK1", "z9hG4bK2", "z9hG4bK3"]
    assert reply.headers.get("From") == "<sip:201@box>;tag=a"
    assert reply.to.tag == "b"
    assert (reply.call_id, reply.cseq.method) == ("c1@x", "INVITE")
    assert "Timestamp" not in reply.headers
    assert "Supported" not in reply.headers


def test_reply_keeps_a_tag_that_is_there_and_100_gets_none() -> None:
    request = invite()
    trying = request.reply(100, to_tag="b")
    assert trying.to.tag is None
    assert trying.headers.get("Timestamp") == "54"
    request.headers.set("To", "<sip:202@box> ; Tag=theirs")
    assert request.reply(200, to_tag="b").to.tag == "theirs"


def test_changing_a_reply_leaves_the_request_alone() -> None:
    request = invite()
    reply = request.reply(200, to_tag="b")
    reply.headers.remove_first("Via")
    reply.headers.add("Call-ID", "other")
    assert len(request.vias) == 3
    assert request.headers.get_all("Call-ID") == ["c1@x"]


def test_encode() -> None:
    request = Request("OPTIONS", "sip:box", Headers((("Via", "SIP/2.0/UDP a"), ("Content-Length", "99"))), b"1234")
    assert request.encode() == b"OPTIONS sip:box SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 4\r\n\r\n1234"
    assert Response(299, headers=Headers()).encode() == b"SIP/2.0 299 \r\nContent-Length: 0\r\n\r\n"
    assert Response(200, "Fine").encode().startswith(b"SIP/2.0 200 Fine\r\n")


def test_typed_properties() -> None:
    message = Response(
        200,
        headers=Headers(
            (
                ("Contact", '"a" <sip:1@x>;expires=5, <sip:2@y>'),
                ("Record-Route", "<sip:r1;lr>,<sip:r2;lr>"),
                ("x", "1800;refresher=uac"),
                ("Min-SE", "90"),
                ("RSeq", "7"),
                ("Retry-After", "18 (I am busy);duration=3600"),
                ("Expires", "junk"),
                ("Min-Expires", "99999999999999999999999"),
                ("Require", "100rel, Timer"),
                ("Allow", 'INVITE, b"ad, BYE'),
                ("Reason", "Q.850;cause=17, ;;"),
                ("Server", "Phone\0 1"),
                ("Content-Encoding", "identity, GZIP"),
            )
        ),
    )
    assert [contact.user for contact in message.contacts] == ["1", "2"]
    assert [route.sip.host for route in message.record_routes] == ["r1", "r2"]
    assert message.session_expires == SessionExpires(1800, "uac")
    assert (message.min_se, message.rseq, message.retry_after) == (90, 7, 18)
    assert (message.expires, message.min_expires) == (None, 2**32 - 1)
    assert message.require == ("100rel", "timer")
    assert message.user_agent == "Phone  1"
    assert message.content_encodings == ("gzip",)
    assert (message.supported, message.routes, message.accept, message.content_type) == ((), (), None, None)


def test_unreadable_values_of_what_does_not_matter_are_left_out() -> None:
    headers = Headers(
        (
            ("Allow", "INVITE, b ad, BYE"),
            ("Reason", "Q.850;cause=17, ;;"),
            ("Accept", 'text/plain, "'),
            ("P-Asserted-Identity", "<sip:1@x>, <"),
        )
    )
    message = Request("BYE", "sip:x", headers)
    assert message.allow == ("INVITE", "BYE")
    assert [reason.cause for reason in message.reasons] == [17]
    assert (message.accept, message.asserted_identities) == ((), ())


def test_contact_star() -> None:
    message = Request("REGISTER", "sip:x", Headers((("Contact", "*"),)))
    assert message.contact_star
    assert message.contacts == ()
    message.headers.add("Contact", "<sip:1@x>")
    with pytest.raises(RemoteProtocolError):
        _ = message.contacts


def test_missing_headers_are_errors_of_the_other_side() -> None:
    empty = Request("BYE", "sip:x")
    for name in ("via", "from_", "to", "call_id", "cseq"):
        with pytest.raises(RemoteProtocolError):
            getattr(empty, name)
