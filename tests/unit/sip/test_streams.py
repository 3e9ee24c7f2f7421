"""Requests too long for a datagram: TCP where the peer has it, else UDP as before."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.sip.client_transaction import LONGEST_DATAGRAM
from appliance.sip.events import IncomingSession, SessionAnswered
from appliance.sip.flow import Flow
from appliance.sip.message import Request
from tests.unit.sip.net import ANSWER, OFFER, Message, Net, Peer, Wire

LONG = OFFER + b"a=x:" + b"y" * LONGEST_DATAGRAM + b"\r\n"


def invite(net: Net, box: Peer, wire: Wire, body: bytes = LONG) -> Request:
    """A call of the box; the INVITE as it arrived, refused so that nothing is left."""
    box.call(wire, body)
    net.run(0.2)
    request: Request = wire.last("INVITE")
    transport = "tcp" if request.via.transport == "TCP" else "udp"
    wire.send(box, wire.reply(request, 486), transport)
    net.run(0.2)
    box.events.clear()
    return request


def flows_of(net: Net, monkeypatch: pytest.MonkeyPatch, box: Peer, wire: Wire) -> list[Flow]:
    """Answers every look-up for TCP with what is in the list that is returned."""
    there: list[Flow] = []
    resolved = box.endpoint.resolved

    def answer(query: int, _flows: list[Flow], now: Any) -> None:
        resolved(query, list(there), now)

    monkeypatch.setattr(box.endpoint, "resolved", answer)
    return there


def test_a_long_request_goes_by_tcp_once_the_peer_is_known_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    flows_of(net, monkeypatch, box, wire).append(box.flow(wire, "tcp"))
    assert invite(net, box, wire).via.transport == "UDP", "nobody waits while TCP is looked for"
    long = invite(net, box, wire)
    assert long.via.transport == "TCP"
    assert "transport=tcp" not in (long.headers.get("Contact") or ""), "we are found where we were"
    assert long.via.port == 5060
    assert invite(net, box, wire, OFFER).via.transport == "UDP", "a short one stays as it was"


def test_a_peer_without_tcp_gets_datagrams_and_is_not_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    there = flows_of(net, monkeypatch, box, wire)
    for _ in range(3):
        assert invite(net, box, wire).via.transport == "UDP"
    there.append(box.flow(wire, "tcp"))
    assert invite(net, box, wire).via.transport == "UDP"
    net.run(3601.0)
    assert invite(net, box, wire).via.transport == "UDP", "looked for once more"
    assert invite(net, box, wire).via.transport == "TCP"


def test_a_connection_that_breaks_is_made_anew_or_the_datagram_sent_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    there = flows_of(net, monkeypatch, box, wire)
    there.append(box.flow(wire, "tcp"))
    invite(net, box, wire)
    assert invite(net, box, wire).via.transport == "TCP"
    box.endpoint.flow_failed(there[0], "closed", net.now)
    assert invite(net, box, wire).via.transport == "TCP", "a new connection"
    box.endpoint.flow_failed(there[0], "closed", net.now)
    there.clear()
    request = invite(net, box, wire)
    assert request.via.transport == "UDP"
    assert len(request.headers.get_all("Via")) == 1


def test_a_connection_that_breaks_under_the_request_leaves_it_to_datagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    box, phone = net.peer("box"), net.peer("phone")
    flow = box.flow(phone, "tcp")
    flows_of(net, monkeypatch, box, phone).append(flow)  # type: ignore[arg-type]
    box.endpoint.transactions.streams.found(flow.remote, [flow], net.now)
    session = box.call(phone, LONG)
    sent: list[str] = []

    def drop(sender: str, message: Message) -> bool:
        if sender == "box" and isinstance(message, Request) and message.method == "INVITE":
            sent.append(message.via.transport)
            return len(sent) < 3
        return False

    net.drop = drop
    net.settle()
    box.endpoint.flow_failed(flow, "closed", net.now)
    net.run(3.0)
    assert sent == ["TCP", "UDP", "UDP"], "and the datagram is repeated until it is heard"
    incoming = phone.take(IncomingSession).session
    incoming.answer(ANSWER, net.now)
    net.run(1.0)
    box.take(SessionAnswered)
    assert session.state == "confirmed"
