"""Reliable provisional responses (RFC 3262) in both roles."""

from __future__ import annotations

import pytest

from appliance.sip.events import (
    IncomingSession,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionOffer,
    SessionOfferAnswered,
    SessionProgress,
)
from appliance.sip.message import Response
from tests.unit.sip.net import ANSWER, OFFER, OTHER, Net, assert_clean


def test_early_media_is_sent_reliably_and_the_2xx_does_not_repeat_it() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob)
    net.run()
    came = bob.take(IncomingSession).session
    came.ring(net.now, 183, ANSWER)
    net.run()
    progress = alice.take(SessionProgress)
    assert (progress.status, progress.body, progress.reliable) == (183, ANSWER, True)
    provisional = net.sent("bob", 183)[0][1]
    prack = net.sent("alice", "PRACK")[0][1]
    assert (prack.rack.rseq, prack.rack.cseq, prack.rack.method) == (provisional.rseq, 1, "INVITE")
    came.answer(ANSWER, net.now)
    net.run()
    ok = next(m for _, m in net.sent("bob", 200) if m.cseq.method == "INVITE")
    assert ok.body == b"", "the exchange was completed by the 183"
    assert alice.take(SessionAnswered).body == ANSWER, "the user hears of it all the same"
    bob.take(SessionConfirmed)
    call.bye(net.now)
    net.run(40)
    assert_clean(alice, bob)


def test_the_answer_waits_for_the_prack() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER, Supported="100rel"))
    session = alice.take(IncomingSession).session
    session.ring(net.now, 183, ANSWER)
    session.ring(net.now, 180)
    session.answer(ANSWER, net.now)
    net.run(1)
    assert wire.count(200) == wire.count(180) == 0
    assert [round(when - net.now.mono, 1) for when, _ in net.sent("alice", 183)] == [-1, -0.5]
    reliable = wire.last(183)
    assert "100rel" in reliable.require
    wrong = wire.request(alice, "PRACK", to_tag=reliable.to.tag, RAck=f"{reliable.rseq + 1} 1 INVITE")
    wire.send(alice, wrong)
    net.run(0.01)
    assert wire.count(481) == 1
    wire.send(alice, wire.request(alice, "PRACK", to_tag=reliable.to.tag, RAck=f"{reliable.rseq} 1 INVITE"))
    net.run(0.01)
    assert [m.status for m in wire.received[-3:] if isinstance(m, Response)] == [200, 180, 200]


@pytest.mark.parametrize("end", ["bye", "CANCEL", "BYE", "no PRACK", "fault"])
def test_an_answer_that_waits_for_its_prack_may_still_be_ended(end: str) -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER, Supported="100rel", branch="z9hG4bKw"))
    session = alice.take(IncomingSession).session
    session.ring(net.now, 183, ANSWER)
    session.answer(ANSWER, net.now)
    net.run(0.01)
    assert session.state == "answered"
    if end == "bye":
        session.bye(net.now)
    elif end == "CANCEL":
        wire.send(alice, wire.request(alice, "CANCEL", branch="z9hG4bKw", cseq=1))
    elif end == "BYE":
        wire.send(alice, wire.request(alice, "BYE", to_tag=wire.last(183).to.tag))
    elif end == "fault":
        session.end_for_fault(net.now)
    net.run(33)
    expected = {"bye": (480, "us"), "CANCEL": (487, "them"), "BYE": (487, "them"), "no PRACK": (504, "them")}
    status, by = expected.get(end, (500, "us"))
    assert wire.count(status) > 0
    assert alice.take(SessionEnded).by == by
    assert [m for m in wire.received if m.cseq.method == "INVITE" and isinstance(m, Response) and m.status == 200] == []
    net.run(80)
    assert not alice.events
    assert_clean(alice)


def test_a_caller_that_requires_it_gets_every_ringing_reliably() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER, Require="100rel"))
    alice.take(IncomingSession).session.ring(net.now)
    net.run(0.01)
    assert wire.last(180).rseq
    assert "rel" not in str(wire.last(100).headers)


def test_without_support_early_media_is_sent_once_and_repeated_in_the_2xx() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER))
    session = alice.take(IncomingSession).session
    session.ring(net.now, 183, ANSWER)
    session.answer(ANSWER, net.now)
    net.run(0.01)
    assert wire.last(183).rseq is None
    assert wire.last(183).body == wire.last(200).body == ANSWER


def test_a_reliable_response_without_prack_is_repeated_without_bound_and_ends_in_504() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER, Supported="100rel"))
    start = net.now.mono
    session = alice.take(IncomingSession).session
    session.ring(net.now, 183, ANSWER)
    session.answer(ANSWER, net.now)
    net.run(33)
    times = [round(when - start, 1) for when, _ in net.sent("alice", 183)]
    assert times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert wire.count(504) > 0
    assert alice.take(SessionEnded).status == 504
    net.run(40)
    assert_clean(alice)


def test_cancel_while_a_reliable_response_waits() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER, Supported="100rel", branch="z9hG4bKc"))
    alice.take(IncomingSession).session.ring(net.now, 183, ANSWER)
    wire.send(alice, wire.request(alice, "CANCEL", branch="z9hG4bKc", cseq=1))
    assert alice.take(SessionEnded).status == 487
    net.run(40)
    assert_clean(alice)


def test_repeated_and_overtaking_reliable_responses_are_not_acknowledged() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run()
    invite = wire.last("INVITE")
    first = wire.reply(invite, 183, body=ANSWER, Require="100rel", RSeq="5")
    wire.send(alice, first)
    wire.send(alice, first)
    wire.send(alice, wire.reply(invite, 180, Require="100rel", RSeq="7"))
    wire.send(alice, wire.reply(invite, 180, Require="100rel", RSeq="6"))
    net.run(0.1)
    pracks = {str(message.rack) for message in wire.received if message.cseq.method == "PRACK"}
    assert pracks == {"5 1 INVITE", "6 1 INVITE"}
    assert [event.status for event in alice.events] == [183, 180]


def test_a_prack_is_sent_in_the_dialog_of_its_branch() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run()
    invite = wire.last("INVITE")
    for tag in ("one", "two"):
        wire.send(alice, wire.reply(invite, 183, tag=tag, Require="100rel", RSeq="1", Contact=f"<sip:{tag}@192.0.2.2>"))
    net.run(0.1)
    pracks = [(m.uri, m.to.tag) for m in wire.received if m.cseq.method == "PRACK"]
    assert pracks == [("sip:one@192.0.2.2", "one"), ("sip:two@192.0.2.2", "two")]


def test_an_offer_in_a_reliable_response_is_answered_in_prack() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob, body=None)
    net.run()
    came = bob.take(IncomingSession).session
    came.ring(net.now, 183, OFFER)
    net.run()
    progress = alice.take(SessionProgress)
    assert (progress.body, progress.reliable) == (OFFER, True)
    assert not net.sent("alice", "PRACK"), "the PRACK waits for the answer"
    call.acknowledge(ANSWER, net.now)
    net.run()
    answered = bob.take(SessionOfferAnswered)
    assert answered.body == ANSWER
    came.answer(OFFER, net.now)
    net.run()
    assert alice.take(SessionAnswered).session.state == "confirmed"
    assert bob.take(SessionConfirmed).body is None
    call.bye(net.now)
    net.run(40)
    assert_clean(alice, bob)


def test_an_offer_in_prack_is_answered_in_its_200_before_the_call_is() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER, Supported="100rel"))
    session = alice.take(IncomingSession).session
    session.ring(net.now, 183, ANSWER)
    session.answer(ANSWER, net.now)
    net.run(0.01)
    reliable = wire.last(183)
    prack = wire.request(alice, "PRACK", to_tag=reliable.to.tag, RAck=f"{reliable.rseq} 1 INVITE", body=OTHER)
    wire.send(alice, prack)
    assert alice.take(SessionOffer).body == OTHER
    net.run(0.01)
    assert wire.count(200) == 0
    session.accept_offer(ANSWER, net.now)
    net.run(0.01)
    first, second = wire.received[-2:]
    assert (first.cseq.method, first.body) == ("PRACK", ANSWER)
    assert (second.cseq.method, second.body) == ("INVITE", b"")


@pytest.mark.parametrize("caller_updates", [True, False])
def test_update_changes_media_before_the_answer(caller_updates: bool) -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob)
    net.run()
    came = bob.take(IncomingSession).session
    came.ring(net.now, 183, ANSWER)
    net.run()
    alice.take(SessionProgress)
    (call if caller_updates else came).offer(OTHER, net.now)
    net.run()
    here, there = (alice, bob) if caller_updates else (bob, alice)
    offered = there.take(SessionOffer)
    assert offered.body == OTHER
    assert net.sent(here.name, "UPDATE")
    offered.session.accept_offer(ANSWER, net.now)
    net.run()
    assert here.take(SessionOfferAnswered).body == ANSWER
    came.answer(ANSWER, net.now)
    net.run()
    alice.take(SessionAnswered)
    bob.take(SessionConfirmed)
    call.bye(net.now)
    net.run(40)
    assert_clean(alice, bob)


def test_an_early_offer_without_reliable_answer_waits_for_the_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    wire.send(alice, wire.reply(wire.last("INVITE"), 183, body=ANSWER, Allow="INVITE, UPDATE"))
    call.offer(OTHER, net.now)
    net.run(0.1)
    assert wire.count("UPDATE") == 0
    wire.send(alice, wire.reply(wire.last("INVITE"), 200, body=ANSWER))
    net.run(0.1)
    assert wire.last("INVITE").body == OTHER
    assert wire.last("INVITE").to.tag == "wire"
