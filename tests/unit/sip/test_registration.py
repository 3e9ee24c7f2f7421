"""Our registration at a carrier: log-in, refresh, failures, and the way back."""

from __future__ import annotations

from itertools import pairwise

from appliance.sip.digest import DigestAuthenticator
from appliance.sip.events import RegistrationChanged
from appliance.sip.message import Request
from appliance.sip.registration import Registration
from tests.unit.sip.net import Net, Peer, Wire, assert_clean, entropy


def registered(net: Net, **options: object) -> tuple[Peer, Wire, Registration]:
    alice, wire = net.peer("alice"), net.wire("carrier")
    registration = alice.endpoint.register(
        alice.flow(wire),
        aor="sip:03123@carrier.example",
        uri="sip:carrier.example",
        credentials=("user", "secret"),
        now=net.now,
        **options,  # type: ignore[arg-type]
    )
    net.run(0.01)
    return alice, wire, registration


def test_it_registers_and_refreshes_before_the_expiry() -> None:
    net = Net()
    alice, wire, registration = registered(net)
    first = wire.last("REGISTER")
    assert (first.uri, first.to.tag, first.expires) == ("sip:carrier.example", None, 600)
    assert str(first.to.uri) == str(first.from_.uri) == "sip:03123@carrier.example"
    assert str(first.contacts[0].uri) == "sip:03123@192.0.2.1:5060"
    wire.send(alice, wire.reply(first, 200, Contact="<sip:03123@192.0.2.1:5060>;expires=100", Expires="3600"))
    changed = alice.take(RegistrationChanged)
    assert (changed.registration, changed.state, changed.status) == (registration, "up", 200)
    assert registration.flow == alice.flow(wire)
    net.run(74)
    assert wire.last("REGISTER") is first, "what the registrar grants our contact goes before Expires"
    net.run(12)
    second = wire.last("REGISTER")
    assert (second.call_id, second.cseq.number) == (first.call_id, first.cseq.number + 1)
    wire.send(alice, wire.reply(second, 200, Expires="100"))
    assert not alice.events, "staying up is no news"


def test_it_logs_in_and_uses_the_nonce_on() -> None:
    net = Net()
    alice, wire, registration = registered(net)
    digest = DigestAuthenticator(entropy(1), "carrier.example", lifetime=100)
    kinds = []
    for _ in range(12):
        net.run(0.01)
        request = wire.received[-1]
        if not isinstance(request, Request):
            continue
        verdict = digest.check(request, {"user": "secret"}.get, net.now)
        kinds.append(verdict.kind)
        if verdict.kind == "ok":
            wire.send(alice, wire.reply(request, 200, Expires="60"))
            net.run(52)
        else:
            response = wire.reply(request, 401)
            for name, value in digest.challenge(net.now, stale=verdict.kind == "stale"):
                response.headers.add(name, value)
            wire.send(alice, response)
    assert kinds[:3] == ["missing", "ok", "ok"]
    assert "stale" in kinds
    assert "wrong" not in kinds
    assert registration.state == "up"
    assert [event.state for event in alice.events] == ["up"]


def test_a_wrong_password_is_down_and_tried_again_ever_more_slowly() -> None:
    net = Net()
    alice, wire, registration = registered(net)
    challenge = 'Digest realm="r", nonce="n", qop="auth"'
    times = []
    for _ in range(14):
        times.append(net.now.mono)
        wire.send(alice, wire.reply(wire.last("REGISTER"), 401, WWW_Authenticate=challenge))
        net.run(0.01)
        wire.send(alice, wire.reply(wire.last("REGISTER"), 401, WWW_Authenticate=challenge))
        count = wire.count("REGISTER")
        while wire.count("REGISTER") == count:
            net.run(1)
    gaps = [round(after - before) for before, after in pairwise(times)]
    assert 12 <= gaps[0] <= 19
    assert all(gap <= 721 for gap in gaps)
    assert min(gaps[6:]) >= 480, "at most every eight minutes in the end"
    assert registration.state == "down"
    assert [(event.state, event.status) for event in alice.events] == [("down", 401)]


def test_a_registrar_that_does_not_answer_and_comes_back() -> None:
    net = Net()
    alice, wire, _ = registered(net)
    net.run(33)
    down = alice.take(RegistrationChanged)
    assert (down.state, down.status) == ("down", 408)
    net.run(20)
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200, Expires="300"))
    assert alice.take(RegistrationChanged).state == "up"


def test_retry_after_and_423_are_obeyed() -> None:
    net = Net()
    alice, wire, _ = registered(net, expires=60)
    wire.send(alice, wire.reply(wire.last("REGISTER"), 423, Min_Expires="1800"))
    net.run(0.01)
    assert wire.last("REGISTER").expires == 1800
    wire.send(alice, wire.reply(wire.last("REGISTER"), 503, Retry_After="200"))
    assert alice.take(RegistrationChanged).status == 503
    before = wire.count("REGISTER")
    net.run(198)
    assert wire.count("REGISTER") == before
    net.run(2.2)
    assert wire.count("REGISTER") == before + 1


def test_removing_logs_out_and_leaves_nothing() -> None:
    net = Net()
    alice, wire, registration = registered(net)
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200))
    alice.events.clear()
    registration.remove(net.now)
    registration.remove(net.now)
    net.run(0.01)
    assert wire.last("REGISTER").expires == 0
    assert alice.take(RegistrationChanged).state == "down"
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200))
    net.run(60)
    assert alice.endpoint.counts().registrations == 0
    assert_clean(alice)


def test_a_log_out_that_nobody_answers_can_be_said_again() -> None:
    net = Net()
    alice, wire, registration = registered(net)
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200))
    registration.remove(net.now)
    net.run(40)
    said = wire.count("REGISTER")
    assert registration.known and alice.endpoint.counts().registrations == 0
    registration.remove_again(net.now)
    registration.remove_again(net.now)
    net.run(0.01)
    assert wire.count("REGISTER") == said + 1 and wire.last("REGISTER").expires == 0
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200))
    assert not registration.known and alice.endpoint.counts().registrations == 0
    registration.remove_again(net.now)
    net.run(60)
    assert wire.count("REGISTER") == said + 1
    assert_clean(alice)


def test_removing_before_it_was_up_sends_nothing_more() -> None:
    net = Net()
    alice, wire, registration = registered(net)
    registration.remove(net.now)
    net.run(60)
    assert {m.cseq.number for m in wire.received} == {1}
    assert alice.endpoint.counts().registrations == 0
    assert_clean(alice)


def test_of_several_contacts_ours_counts() -> None:
    net = Net()
    alice, wire, _ = registered(net)
    contacts = "<sip:03123@192.0.2.77:5060>;expires=30, <sip:03123@192.0.2.1:5060>;expires=500, <sip:x@y>;expires=9"
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200, Contact=contacts))
    net.run(370)
    assert wire.count("REGISTER") == 1
    net.run(60)
    assert wire.count("REGISTER") > 1


def test_a_lost_connection_is_made_anew_at_once() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire("carrier")
    flow = alice.flow(wire, "tcp")
    registration = alice.endpoint.register(
        ("192.0.2.2", 5060, "tcp"), aor="sip:1@c.example", uri="sip:c.example", credentials=None, now=net.now
    )
    net.run(0.01)
    wire.send(alice, wire.reply(wire.last("REGISTER"), 200), "tcp")
    assert registration.state == "up"
    alice.endpoint.flow_failed(flow, "closed", net.now)
    net.run(2)
    assert wire.count("REGISTER") == 2


def test_the_contact_is_the_address_that_the_carrier_sees() -> None:
    net = Net()
    alice, wire, _ = registered(net)
    response = wire.reply(wire.last("REGISTER"), 200, Expires="60")
    via = (response.headers.get("Via") or "").replace(";rport", ";received=203.0.113.9;rport=40000")
    response.headers.set("Via", via)
    wire.send(alice, response)
    net.run(60)
    assert str(wire.last("REGISTER").contacts[0].uri) == "sip:03123@203.0.113.9:40000"
