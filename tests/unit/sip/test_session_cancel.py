"""Giving a call up in every race, forked early dialogs, and answers that nobody wants any more."""

from __future__ import annotations

import pytest

from appliance.sip.events import IncomingSession, SessionAnswered, SessionConfirmed, SessionEnded, SessionProgress
from tests.unit.sip.net import ANSWER, OFFER, Net, assert_clean


def test_cancel_after_ringing() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob)
    net.run()
    bob.take(IncomingSession).session.ring(net.now)
    net.run()
    alice.take(SessionProgress)
    call.cancel(net.now, headers=(("Reason", 'Q.850;cause=26;text="Answered elsewhere"'),))
    net.settle()
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.cause, ended.by) == (487, 26, "us")
    net.run()
    ended = bob.take(SessionEnded)
    assert (ended.status, ended.cause, ended.by) == (487, 26, "them")
    assert net.sent("bob", 487)
    assert len(net.sent("alice", "ACK")) == 1
    invite, cancel = net.sent("alice", "INVITE")[0][1], net.sent("alice", "CANCEL")[0][1]
    for name in ("Via", "From", "To", "Call-ID"):
        assert cancel.headers.get_all(name) == invite.headers.get_all(name), "RFC 3261 9.1"
    assert (cancel.cseq.number, cancel.cseq.method) == (invite.cseq.number, "CANCEL")
    net.run(40)
    assert not alice.events
    assert not bob.events
    assert_clean(alice, bob)


def test_cancel_waits_for_a_provisional_response() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    call.cancel(net.now)
    net.run(1)
    alice.take(SessionEnded)
    assert wire.count("CANCEL") == 0
    wire.send(alice, wire.reply(wire.last("INVITE"), 180))
    net.run(0.1)
    assert wire.count("CANCEL") == 1
    wire.send(alice, wire.reply(wire.last("CANCEL"), 200))
    wire.send(alice, wire.reply(wire.last("INVITE"), 487))
    net.run(0.1)
    assert wire.count("ACK") == 1
    net.run(40)
    assert not alice.events
    assert_clean(alice)


def test_cancel_without_any_response_ends_with_the_invites_time_out() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire).cancel(net.now)
    net.run(33)
    alice.take(SessionEnded)
    assert wire.count("CANCEL") == 0
    assert not alice.events
    assert_clean(alice)


def test_cancel_that_gets_no_final_response_is_given_up_after_64_t1() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    wire.send(alice, wire.reply(wire.last("INVITE"), 100))
    call.cancel(net.now)
    net.run(0.1)
    wire.send(alice, wire.reply(wire.last("CANCEL"), 200))
    net.run(33)
    alice.take(SessionEnded)
    assert_clean(alice)


@pytest.mark.parametrize("provisional", [False, True])
def test_a_2xx_that_crosses_cancel_gets_ack_and_bye(provisional: bool) -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob)
    net.run(0.0015 if not provisional else 0.1)
    came = bob.take(IncomingSession).session
    came.answer(ANSWER, net.now)
    call.cancel(net.now)
    net.run(1)
    assert alice.take(SessionEnded).by == "us"
    bob.take(SessionConfirmed)
    ended = bob.take(SessionEnded)
    assert (ended.status, ended.by) == (200, "them")
    if provisional:
        assert net.sent("alice", "CANCEL")
        assert not net.sent("bob", 487)
    net.run(40)
    assert not alice.events
    assert not bob.events
    assert_clean(alice, bob)


def test_a_refusal_that_crosses_cancel_ends_it() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    wire.send(alice, wire.reply(wire.last("INVITE"), 180))
    call.cancel(net.now)
    wire.send(alice, wire.reply(wire.last("INVITE"), 486))
    net.run(0.1)
    wire.send(alice, wire.reply(wire.last("CANCEL"), 481))
    net.run(40)
    alice.take(SessionProgress)
    assert alice.take(SessionEnded).status == 487
    assert not alice.events
    assert_clean(alice)


def test_cancel_of_an_answered_or_unknown_call_changes_nothing() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    invite = wire.request(alice, "INVITE", body=OFFER, branch="z9hG4bKx")
    wire.send(alice, invite)
    session = alice.take(IncomingSession).session
    session.answer(ANSWER, net.now)
    wire.send(alice, wire.request(alice, "CANCEL", branch="z9hG4bKx", cseq=1))
    net.run(0.01)
    assert [message.status for message in wire.received if message.cseq.method == "CANCEL"] == [200]
    assert session.state == "answered"
    wire.send(alice, wire.request(alice, "CANCEL", branch="z9hG4bKy", cseq=1))
    net.run(0.01)
    assert [message.status for message in wire.received if message.cseq.method == "CANCEL"] == [200, 481]


def test_cancel_while_a_call_is_being_looked_up() -> None:
    net = Net()
    alice = net.peer("alice")
    net.handle = lambda peer, event: peer.events.append(event)  # type: ignore[method-assign]
    call = alice.call(alice, target=("slow.example", None, None))
    call.cancel(net.now)
    net.settle()
    alice.events.pop(0)
    assert alice.take(SessionEnded).status == 487
    alice.endpoint.resolved(1, [alice.flow(alice)], net.now)
    net.settle()
    assert not alice.events
    assert_clean(alice)


# -- forks


def test_early_dialogs_of_a_fork_are_told_apart_and_the_answered_one_stays() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    invite = wire.last("INVITE")
    wire.send(alice, wire.reply(invite, 180, tag="one"))
    wire.send(alice, wire.reply(invite, 183, tag="two", body=ANSWER))
    first, second = alice.take(SessionProgress), alice.take(SessionProgress)
    assert (first.dialog_tag, first.status, first.body) == ("one", 180, None)
    assert (second.dialog_tag, second.status, second.body) == ("two", 183, ANSWER)
    assert alice.endpoint.counts().dialogs == 2
    wire.send(alice, wire.reply(invite, 200, tag="one", body=ANSWER))
    assert alice.take(SessionAnswered).body == ANSWER
    assert alice.endpoint.counts().dialogs == 1
    call.bye(net.now)
    net.run(0.1)
    assert wire.last("BYE").to.tag == "one"


@pytest.mark.parametrize("after", ["answer", "bye", "cancel"])
def test_a_surplus_2xx_of_a_fork_gets_ack_and_bye_of_its_own(after: str) -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    invite = wire.last("INVITE")
    wire.send(alice, wire.reply(invite, 180, tag="two"))
    if after == "cancel":
        call.cancel(net.now)
    wire.send(alice, wire.reply(invite, 200, tag="one", body=ANSWER))
    if after == "bye":
        call.bye(net.now)
        net.run(0.1)
        wire.send(alice, wire.reply(wire.last("BYE"), 200))
    surplus = wire.reply(invite, 200, tag="two", body=ANSWER, Contact="<sip:two@192.0.2.2>")
    wire.send(alice, surplus)
    net.run(0.1)
    acks = [message.to.tag for message in wire.received if message.cseq.method == "ACK"]
    assert acks == ["one", "two"]
    byes = [message for message in wire.received if message.cseq.method == "BYE"]
    assert byes[-1].to.tag == "two"
    assert byes[-1].uri == "sip:two@192.0.2.2"
    wire.send(alice, surplus)
    net.run(0.1)
    acks = [message.to.tag for message in wire.received if message.cseq.method == "ACK"]
    assert acks == ["one", "two", "two"], "a repeated 2xx gets the same ACK"
    if after == "answer":
        assert call.state == "confirmed"
        call.bye(net.now)
    net.run(80)
    assert sum(isinstance(event, SessionEnded) for event in alice.events) == 1
    assert isinstance(alice.events[-1], SessionEnded)
    assert_clean(alice)


def test_a_repeated_2xx_gets_the_same_ack_even_after_the_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    ok = wire.reply(wire.last("INVITE"), 200, body=ANSWER)
    wire.send(alice, ok)
    net.run(0.1)
    call.bye(net.now)
    net.run(0.1)
    wire.send(alice, wire.reply(wire.last("BYE"), 200))
    wire.send(alice, ok)
    net.run(0.1)
    first, second = (message for message in wire.received if message.cseq.method == "ACK")
    assert first.encode() == second.encode()
    assert wire.count("BYE") == 1


def test_ringing_without_a_tag_still_rings() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run()
    response = wire.reply(wire.last("INVITE"), 180, tag="")
    assert response.to.tag is None
    wire.send(alice, response)
    progress = alice.take(SessionProgress)
    assert (progress.status, progress.dialog_tag) == (180, "")


def test_a_callee_that_makes_up_branches_without_end_is_bounded() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run()
    invite = wire.last("INVITE")
    for number in range(100):
        wire.send(alice, wire.reply(invite, 180, tag=f"t{number}"))
    assert alice.endpoint.counts().dialogs == 32
    for number in range(100):
        wire.send(alice, wire.reply(invite, 200, tag=f"t{number}", body=ANSWER))
    net.run(0.01)
    assert wire.count("ACK") == 32
    call.bye(net.now)
    net.run(80)
    assert_clean(alice)


def test_an_invite_that_nobody_ever_answers_or_cancels_is_given_up() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run()
    wire.send(alice, wire.reply(wire.last("INVITE"), 180))
    alice.take(SessionProgress)
    net.run(1_000)
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (408, "them")
    assert wire.count("CANCEL") > 0
    assert_clean(alice)
