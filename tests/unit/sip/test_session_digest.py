"""Logging in with our INVITE and the requests within its dialog (RFC 3261 22.2, 22.3)."""

from __future__ import annotations

import pytest

from appliance.sip.challenge import Credentials
from appliance.sip.digest import DigestAuthenticator
from appliance.sip.events import SessionAnswered, SessionEnded, SessionOfferAnswered, SessionOfferRefused
from appliance.sip.message import Request
from tests.unit.sip.net import ANSWER, OFFER, OTHER, Net, Peer, Wire, assert_clean, entropy


class Carrier:
    """A peer by hand that challenges everything but ACK and CANCEL."""

    def __init__(self, net: Net, proxy: bool = False, lifetime: float = 300.0) -> None:
        self.net, self.proxy = net, proxy
        self.wire: Wire = net.wire("carrier")
        self.digest = DigestAuthenticator(entropy(9), "carrier.example", lifetime)
        self.verdicts: list[str] = []

    def serve(self, alice: Peer, status: int = 200, body: bytes = b"", secret: str = "secret") -> str:
        """Answers the latest request as its credentials deserve."""
        self.net.run(0.01)
        request = self.wire.received[-1]
        assert isinstance(request, Request)
        verdict = self.digest.check(request, {"alice": secret}.get, self.net.now)
        self.verdicts.append(verdict.kind)
        if verdict.kind == "ok":
            self.wire.send(alice, self.wire.reply(request, status, body=body))
        else:
            response = self.wire.reply(request, 407 if self.proxy else 401)
            for name, value in self.digest.challenge(self.net.now, verdict.kind == "stale", self.proxy):
                response.headers.add(name, value)
            self.wire.send(alice, response)
        return verdict.kind


@pytest.mark.parametrize("proxy", [False, True])
def test_invite_bye_and_reinvite_are_authenticated(proxy: bool) -> None:
    net = Net()
    alice, carrier = net.peer("alice"), Carrier(net, proxy)
    call = alice.call(carrier.wire, credentials=("alice", "secret"))
    assert carrier.serve(alice) == "missing"
    net.run(0.01)
    assert carrier.wire.received[-2].cseq.method == "ACK", "the refusal is acknowledged"
    first, second = (m for m in carrier.wire.received if isinstance(m, Request) and m.method == "INVITE")
    assert (second.cseq.number, second.call_id) == (first.cseq.number + 1, first.call_id)
    assert (second.from_.tag, second.to.tag, second.body) == (first.from_.tag, None, OFFER)
    assert second.via.branch != first.via.branch
    assert carrier.serve(alice, body=ANSWER) == "ok"
    net.run(0.01)
    header = "Proxy-Authorization" if proxy else "Authorization"
    ack = carrier.wire.last("ACK")
    assert ack.headers.get(header) == second.headers.get(header), "the ACK has the credentials of its INVITE"
    assert ack.cseq.number == second.cseq.number
    alice.take(SessionAnswered)
    call.offer(OTHER, net.now)
    assert carrier.serve(alice, body=ANSWER) == "ok", "the nonce is used on, with the next count"
    alice.take(SessionOfferAnswered)
    net.run(0.01)
    call.bye(net.now)
    assert carrier.serve(alice) == "ok"
    counts = [
        Credentials.parse(m.headers.get(header) or "")["nc"]
        for m in carrier.wire.received
        if isinstance(m, Request) and m.method != "ACK" and header in m.headers
    ]
    assert counts == ["00000001", "00000002", "00000003"]
    alice.take(SessionEnded)
    net.run(40)
    assert not alice.events
    assert_clean(alice)


def test_a_stale_nonce_is_replaced() -> None:
    net = Net()
    alice, carrier = net.peer("alice"), Carrier(net, lifetime=30)
    call = alice.call(carrier.wire, credentials=("alice", "secret"))
    carrier.serve(alice)
    carrier.serve(alice, body=ANSWER)
    alice.take(SessionAnswered)
    net.run(100)
    call.offer(OTHER, net.now)
    assert carrier.serve(alice) == "stale"
    assert carrier.serve(alice, body=ANSWER) == "ok"
    alice.take(SessionOfferAnswered)
    net.run(100)
    call.bye(net.now)
    alice.take(SessionEnded) if alice.events else None
    assert carrier.serve(alice) == "stale"
    assert carrier.serve(alice) == "ok"
    net.run(40)
    assert_clean(alice)


@pytest.mark.parametrize("credentials", [("alice", "wrong"), ("nobody", "secret"), None])
def test_a_wrong_log_in_is_not_tried_for_ever(credentials: tuple[str, str] | None) -> None:
    net = Net()
    alice, carrier = net.peer("alice"), Carrier(net)
    alice.call(carrier.wire, credentials=credentials)
    carrier.serve(alice)
    if credentials is not None:
        assert carrier.serve(alice) == "wrong"
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (401, "them")
    net.run(40)
    assert carrier.wire.count("INVITE") == (2 if credentials else 1)
    assert_clean(alice)


def test_a_challenge_that_we_cannot_answer_ends_the_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire, credentials=("alice", "secret"))
    net.run(0.01)
    wire.send(alice, wire.reply(wire.last("INVITE"), 401, WWW_Authenticate='Digest realm="x", algorithm=ROT13'))
    assert alice.take(SessionEnded).status == 401
    net.run(40)
    assert_clean(alice)


def test_a_challenged_call_can_still_be_cancelled() -> None:
    net = Net()
    alice, carrier = net.peer("alice"), Carrier(net)
    call = alice.call(carrier.wire, credentials=("alice", "secret"))
    carrier.serve(alice)
    net.run(0.01)
    invite = carrier.wire.last("INVITE")
    carrier.wire.send(alice, carrier.wire.reply(invite, 180))
    alice.events.clear()
    call.cancel(net.now)
    net.run(0.01)
    cancel = carrier.wire.last("CANCEL")
    assert (cancel.cseq.number, cancel.via.branch) == (invite.cseq.number, invite.via.branch)
    carrier.wire.send(alice, carrier.wire.reply(cancel, 200))
    carrier.wire.send(alice, carrier.wire.reply(invite, 487))
    alice.take(SessionEnded)
    net.run(40)
    assert_clean(alice)


def test_cancel_that_crosses_a_challenge_is_not_answered_with_credentials() -> None:
    net = Net()
    alice, carrier = net.peer("alice"), Carrier(net)
    call = alice.call(carrier.wire, credentials=("alice", "secret"))
    net.run(0.01)
    call.cancel(net.now)
    carrier.serve(alice)
    net.run(40)
    assert carrier.wire.count("INVITE") - len(net.sent("alice", "INVITE")) == 0
    assert {m.cseq.number for m in carrier.wire.received} == {1}
    alice.take(SessionEnded)
    assert_clean(alice)


def test_a_reinvite_that_is_challenged_in_vain_is_refused() -> None:
    net = Net()
    alice, carrier = net.peer("alice"), Carrier(net)
    call = alice.call(carrier.wire, credentials=("alice", "secret"))
    carrier.serve(alice)
    carrier.serve(alice, body=ANSWER)
    alice.take(SessionAnswered)
    call.offer(OTHER, net.now)
    carrier.serve(alice, secret="changed")
    carrier.serve(alice, secret="changed")
    assert alice.take(SessionOfferRefused).status == 401
    assert call.state == "confirmed"
