"""Dialog state: keys, CSeq, route sets, targets, and where the next request goes."""

from __future__ import annotations

import msgspec
import pytest

from appliance.errors import RemoteProtocolError
from appliance.sip.client_transaction import Hop
from appliance.sip.dialog import Dialog, DialogSnapshot
from appliance.sip.flow import Flow
from appliance.sip.message import Request

FLOW = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.2", 5060))


def invite(contact: str = "<sip:bob@192.0.2.2>", via: str = "192.0.2.2:5060", routes: tuple[str, ...] = ()) -> Request:
    request = Request("INVITE", "sip:100@192.0.2.1")
    request.headers.set("Via", f"SIP/2.0/UDP {via};rport;branch=z9hG4bK1")
    request.headers.set("From", '"Bob" <sip:bob@example.com>;tag=b')
    request.headers.set("To", "<sip:100@example.com>")
    request.headers.set("Call-ID", "c@x")
    request.headers.set("CSeq", "41 INVITE")
    request.headers.set("Contact", contact)
    for route in routes:
        request.headers.add("Record-Route", route)
    return request


def test_the_callees_side() -> None:
    dialog = Dialog.of_request(invite(routes=("<sip:p1.example;lr>", "<sip:p2.example;lr>")), "me", FLOW)
    assert dialog.key == ("c@x", "me", "b")
    assert (dialog.local, dialog.remote) == ("<sip:100@example.com>;tag=me", '"Bob" <sip:bob@example.com>;tag=b')
    assert (dialog.remote_seq, dialog.target) == (41, "sip:bob@192.0.2.2")
    assert dialog.routes == ("<sip:p1.example;lr>", "<sip:p2.example;lr>"), "in order for the callee"
    assert not dialog.secure


def test_the_callers_side() -> None:
    request = invite(routes=("<sip:p1.example;lr>", "<sip:p2.example;lr>"))
    response = request.reply(200, to_tag="callee")
    response.headers.set("Contact", "<sips:100@192.0.2.9>")
    for route in ("<sip:p1.example;lr>", "<sip:p2.example;lr>"):
        response.headers.add("Record-Route", route)
    dialog = Dialog.of_response(response, FLOW, request.uri)
    assert dialog.key == ("c@x", "b", "callee")
    assert (dialog.local_seq, dialog.remote_seq) == (41, None)
    assert dialog.routes == ("<sip:p2.example;lr>", "<sip:p1.example;lr>"), "reversed for the caller"
    assert dialog.secure


def test_two_branches_of_a_fork_are_two_dialogs() -> None:
    keys = {Dialog.of_response(invite().reply(180, to_tag=tag), FLOW, "sip:x@192.0.2.2").key for tag in "ab"}
    assert len(keys) == 2


def test_requests_count_up_and_ack_does_not() -> None:
    dialog = Dialog.of_request(invite(), "me", FLOW)
    assert str(dialog.request("BYE").cseq) == "1 BYE"
    assert str(dialog.request("INFO").cseq) == "2 INFO"
    assert str(dialog.request("ACK", 2).cseq) == "2 ACK"
    request = dialog.request("BYE")
    assert str(request.cseq) == "3 BYE"
    assert (request.uri, request.from_.tag, request.to.tag) == ("sip:bob@192.0.2.2", "me", "b")


def test_loose_and_strict_routing() -> None:
    dialog = Dialog.of_request(invite(routes=("<sip:p1.example;lr>", "<sip:p2.example>")), "me", FLOW)
    request = dialog.request("BYE")
    assert request.uri == "sip:bob@192.0.2.2"
    assert request.headers.get_all("Route") == ["<sip:p1.example;lr>", "<sip:p2.example>"]
    assert dialog.hop == Hop("p1.example", None, None)
    dialog = Dialog.of_request(invite(routes=("<sip:p1.example>", "<sip:p2.example;lr>")), "me", FLOW)
    request = dialog.request("BYE")
    assert request.uri == "sip:p1.example"
    assert request.headers.get_all("Route") == ["<sip:p2.example;lr>", "<sip:bob@192.0.2.2>"]


@pytest.mark.parametrize(
    ("contact", "via", "remote", "transport", "stays"),
    [
        ("<sip:b@192.0.2.2>", "192.0.2.2", ("192.0.2.2", 5060), "udp", True),
        ("<sip:b@192.0.2.2:5070>", "192.0.2.2", ("192.0.2.2", 5060), "udp", False),
        ("<sip:b@192.0.2.8>", "192.0.2.2", ("192.0.2.2", 5060), "udp", False),
        # behind a NAT that is not undone by the phone: Contact and Via name the same private address
        ("<sip:b@192.168.0.5:5060>", "192.168.0.5", ("192.0.2.2", 33000), "udp", True),
        ("<sip:b@10.0.0.5>", "10.0.0.9", ("8.8.8.8", 5060), "udp", True),
        ("<sip:b@192.0.2.2:5060;transport=tcp>", "192.0.2.2", ("192.0.2.2", 51234), "tcp", True),
        ("<sip:b@192.0.2.8:5060;transport=tcp>", "192.0.2.2", ("192.0.2.2", 51234), "tcp", False),
        ("<sip:b@df7jal23ls0d.invalid;transport=ws>", "df7jal23ls0d.invalid", ("192.0.2.2", 51234), "ws", True),
        ("<sip:b@pc.example>", "192.0.2.2", ("192.0.2.2", 5060), "udp", False),
    ],
)
def test_the_flow_is_used_as_long_as_it_leads_to_the_target(
    contact: str, via: str, remote: tuple[str, int], transport: str, stays: bool
) -> None:
    flow = Flow(transport, ("192.0.2.1", 5060), remote, 0 if transport == "udp" else 3)
    dialog = Dialog.of_request(invite(contact, via), "me", flow)
    if stays:
        assert dialog.hop is flow
    else:
        assert isinstance(dialog.hop, Hop)


def test_a_call_to_a_registered_contact_stays_on_its_flow() -> None:
    flow = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.2", 33000))
    response = invite().reply(200, to_tag="x")
    response.headers.set("Contact", "<sip:201@192.168.0.7:5062>")
    assert Dialog.of_response(response, flow, "sip:201@192.168.0.7:5062").hop is flow
    assert Dialog.of_response(response, flow, "sip:201@192.168.0.8:5062").hop == Hop("192.168.0.7", 5062, None)


def test_a_target_refresh_moves_the_dialog_and_a_lost_connection_too() -> None:
    dialog = Dialog.of_request(invite(), "me", FLOW)
    dialog.refresh(invite("<sip:bob@192.0.2.77:5080>"))
    assert dialog.request("BYE").uri == "sip:bob@192.0.2.77:5080"
    assert dialog.hop == Hop("192.0.2.77", 5080, None)
    flow = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.2", 51234), 3)
    dialog = Dialog.of_request(invite("<sip:bob@192.0.2.2;transport=tcp>"), "me", flow)
    dialog.lose_flow(FLOW)
    assert dialog.hop is flow
    dialog.lose_flow(flow)
    assert dialog.hop == Hop("192.0.2.2", None, "tcp")


@pytest.mark.parametrize("contact", ["<tel:+81312345678>", "<mailto:x@example.com>"])
def test_a_contact_that_is_no_sip_uri_is_refused(contact: str) -> None:
    with pytest.raises(RemoteProtocolError):
        Dialog.of_request(invite(contact), "me", FLOW)


def test_an_invite_without_contact_is_of_rfc_2543_and_reached_as_from_says() -> None:
    request = invite()
    request.headers.remove("Contact")
    assert Dialog.of_request(request, "me", FLOW).target == "sip:bob@example.com"


def test_an_invite_with_a_broken_route_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        Dialog.of_request(invite(routes=("<sip:p1.example;lr",)), "me", FLOW)


def test_a_snapshot_brings_everything_back() -> None:
    dialog = Dialog.of_request(invite(routes=("<sip:192.0.2.2;lr>",)), "me", FLOW)
    dialog.request("INFO")
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(dialog.snapshot()), type=DialogSnapshot)
    again = Dialog.restored(kept)
    assert again.local_seq == dialog.local_seq + 1_000, "what was sent after the snapshot must not be reached"
    again.local_seq = dialog.local_seq
    assert again.snapshot() == dialog.snapshot()
    assert again.request("BYE").encode() == dialog.request("BYE").encode()
    assert again.hop == dialog.hop


def test_a_restored_dialog_stays_on_its_flow_behind_a_nat() -> None:
    flow = Flow("udp", ("192.168.0.1", 5060), ("192.168.0.2", 33000))
    dialog = Dialog.of_request(invite("<sip:b@10.0.0.5:5062>", "10.0.0.5:5062"), "me", flow)
    assert dialog.hop is flow
    again = Dialog.restored(dialog.snapshot())
    assert again.hop == flow
    again.refresh(invite("<sip:b@10.0.0.5:5062>", "10.0.0.5:5062"))
    assert again.hop == flow


def test_a_dialog_follows_the_flow_of_a_target_refresh() -> None:
    old = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.2", 51234), 3)
    dialog = Dialog.of_request(invite("<sip:bob@192.0.2.2;transport=tcp>"), "me", old)
    new = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.2", 51299), 4)
    dialog.refresh(invite("<sip:bob@192.0.2.2;transport=tcp>"), new)
    assert dialog.hop is new
