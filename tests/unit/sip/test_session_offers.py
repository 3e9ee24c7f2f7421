"""Changing media within a call: re-INVITE and UPDATE, glare, overlap, refusal, loss."""

from __future__ import annotations

import pytest

from appliance.sip.events import (
    SessionEnded,
    SessionOffer,
    SessionOfferAnswered,
    SessionOfferRefused,
    SessionOfferWithdrawn,
    SessionRefreshed,
)
from appliance.sip.message import Response
from appliance.sip.session import Session
from tests.unit.sip.net import ANOTHER, ANSWER, OFFER, OTHER, Net, Peer, Wire, assert_clean
from tests.unit.sip.test_session import connected, up


def hang_up(net: Net, call: Session, *peers: Peer) -> None:
    call.bye(net.now)
    net.run(80)
    assert_clean(*peers)


def test_a_reinvite_is_offered_answered_and_acknowledged() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    came.offer(OTHER, net.now)
    net.run()
    offered = alice.take(SessionOffer)
    assert (offered.session, offered.body) == (call, OTHER)
    call.accept_offer(ANOTHER, net.now)
    net.run(1)
    assert bob.take(SessionOfferAnswered).body == ANOTHER
    assert len(net.sent("alice", 200)) == 1, "the ACK came"
    assert (call.local_sdp, call.remote_sdp, came.local_sdp, came.remote_sdp) == (ANOTHER, OTHER, OTHER, ANOTHER)
    hang_up(net, call, alice, bob)


def test_a_reinvite_without_offer_asks_for_ours_and_answers_in_ack() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    invite = wire.request(alice, "INVITE", to_tag=tag)
    wire.send(alice, invite)
    assert alice.take(SessionOffer).body is None
    session.accept_offer(OTHER, net.now)
    net.run(0.01)
    assert wire.received[-1].body == OTHER
    ack = wire.request(alice, "ACK", to_tag=tag, cseq=invite.cseq.number, body=ANOTHER)
    wire.send(alice, ack)
    assert alice.take(SessionOfferAnswered).body == ANOTHER
    assert session.remote_sdp == ANOTHER


def test_an_offer_may_be_refused_and_the_call_goes_on() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    call.offer(OTHER, net.now)
    net.run()
    bob.take(SessionOffer)
    came.refuse_offer(488, net.now)
    net.run()
    assert alice.take(SessionOfferRefused).status == 488
    assert (call.local_sdp, call.state, came.state) == (OFFER, "confirmed", "confirmed")
    hang_up(net, call, alice, bob)


def test_the_same_sdp_again_is_answered_by_itself() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    invite = wire.request(alice, "INVITE", to_tag=tag, body=OFFER)
    wire.send(alice, invite)
    net.run(0.01)
    assert wire.received[-1].body == ANSWER
    wire.send(alice, wire.request(alice, "ACK", to_tag=tag, cseq=invite.cseq.number))
    net.run(5)
    assert alice.take(SessionRefreshed).session is session
    assert not alice.events
    assert session.state == "confirmed"


def test_update_without_body_is_answered_by_itself_and_moves_the_target() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "UPDATE", to_tag=tag, Contact="<sip:moved@192.0.2.2>"))
    net.run(0.01)
    assert isinstance(wire.received[-1], Response)
    assert wire.received[-1].status == 200
    session.bye(net.now)
    net.run(0.01)
    assert wire.last("BYE").uri == "sip:moved@192.0.2.2"
    assert not [event for event in alice.events if isinstance(event, SessionOffer)]


def test_update_with_an_offer_is_answered_in_its_response() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "UPDATE", to_tag=tag, body=OTHER))
    alice.take(SessionOffer)
    session.accept_offer(ANOTHER, net.now)
    net.run(5)
    assert wire.count(200) == 2
    assert wire.last(200).body == ANOTHER


def test_glare_is_refused_with_491_and_tried_again_by_both() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    start = net.now.mono
    call.offer(OTHER, net.now)
    came.offer(ANOTHER, net.now)
    net.run(0.1)
    assert net.sent("alice", 491)
    assert net.sent("bob", 491)

    def accept(peer: Peer, event: object) -> None:
        if isinstance(event, SessionOffer):
            event.session.accept_offer(event.session.local_sdp or b"", net.now)
        peer.events.append(event)

    alice.react = bob.react = accept
    net.run(10)
    assert [event.body for event in bob.events if isinstance(event, SessionOffer)] == [OTHER]
    assert [event.body for event in alice.events if isinstance(event, SessionOffer)] == [ANOTHER]
    again = {name: net.sent(name, "INVITE")[-1][0] - start for name in ("alice", "bob")}
    assert 2.1 <= again["alice"] <= 4.1, "the owner of the Call-ID waits 2.1 to 4 s"
    assert again["bob"] <= 2.1, "the other up to 2 s"
    hang_up(net, call, alice, bob)


def test_an_offer_during_an_exchange_waits_and_the_newest_wins() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    call.offer(OTHER, net.now)
    call.offer(b"v=0\r\n", net.now)
    call.offer(ANOTHER, net.now)
    net.run()
    assert bob.take(SessionOffer).body == OTHER
    came.accept_offer(ANSWER, net.now)
    net.run()
    alice.take(SessionOfferAnswered)
    assert bob.take(SessionOffer).body == ANOTHER
    came.accept_offer(ANSWER, net.now)
    net.run()
    alice.take(SessionOfferAnswered)
    hang_up(net, call, alice, bob)


def test_overlapping_reinvites_get_500_with_retry_after() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "INVITE", to_tag=tag, body=OTHER))
    wire.send(alice, wire.request(alice, "INVITE", to_tag=tag, body=ANOTHER))
    net.run(0.01)
    assert 0 <= wire.last(500).retry_after <= 10
    alice.take(SessionOffer)
    session.accept_offer(ANSWER, net.now)
    net.run(0.01)
    assert wire.last(200).body == ANSWER
    wire.send(alice, wire.request(alice, "INVITE", to_tag=tag, body=ANOTHER))
    net.run(0.01)
    assert wire.count(491) == 1, "our 2xx has no ACK yet"


def test_500_with_retry_after_is_tried_again() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire)
    session.offer(OTHER, net.now)
    net.run(0.01)
    first = wire.last("INVITE")
    wire.send(alice, wire.reply(first, 500, Retry_After="3"))
    net.run(2.9)
    assert wire.last("INVITE") is first
    net.run(0.2)
    assert wire.last("INVITE").body == OTHER
    assert wire.last("INVITE").cseq.number == first.cseq.number + 1


@pytest.mark.parametrize("status", [408, 481])
def test_a_reinvite_to_a_dialog_that_is_gone_ends_the_call(status: int) -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire)
    session.offer(OTHER, net.now)
    net.run(0.01)
    wire.send(alice, wire.reply(wire.last("INVITE"), status))
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (status, "them")
    net.run(80)
    assert_clean(alice)


def test_a_reinvite_without_answer_ends_the_call_with_bye() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire)
    session.offer(OTHER, net.now)
    net.run(33)
    assert alice.take(SessionEnded).status == 408
    assert wire.count("BYE") > 0
    net.run(80)
    assert_clean(alice)


def test_a_lost_ack_of_a_reinvite_is_sent_again() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    net.drop = lambda sender, message: message.cseq.method == "ACK" and len(net.sent("alice", "ACK")) < 5
    call.offer(OTHER, net.now)
    net.run()
    bob.take(SessionOffer)
    came.accept_offer(ANSWER, net.now)
    net.run(12)
    alice.take(SessionOfferAnswered)
    assert len(net.sent("alice", "ACK")) == 5
    came.offer(ANOTHER, net.now)
    net.run()
    assert alice.take(SessionOffer).body == ANOTHER
    hang_up(net, call, alice, bob)


def test_a_reinvite_that_is_taken_back() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "INVITE", to_tag=tag, body=OTHER, branch="z9hG4bKre", cseq=50))
    alice.take(SessionOffer)
    net.run(0.3)
    assert wire.received[-1].cseq.number == 50
    assert wire.last(100).cseq.number == 50, "an offer that waits for its user gets 100 after 200 ms"
    wire.send(alice, wire.request(alice, "CANCEL", to_tag=tag, branch="z9hG4bKre", cseq=50))
    alice.take(SessionOfferWithdrawn)
    net.run(0.01)
    assert wire.count(487) == 1
    session.accept_offer(ANSWER, net.now)
    net.run(0.01)
    assert session.state == "confirmed"
    session.offer(ANOTHER, net.now)
    net.run(0.01)
    assert wire.last("INVITE").body == ANOTHER


def test_bye_ends_a_reinvite_that_is_not_answered() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    _, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "INVITE", to_tag=tag, body=OTHER))
    alice.take(SessionOffer)
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag))
    net.run(0.01)
    assert wire.count(487) == 1
    alice.take(SessionEnded)
    net.run(80)
    assert_clean(alice)


def test_our_reinvite_is_outlived_by_their_bye() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    session.offer(OTHER, net.now)
    net.run(0.01)
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag))
    alice.take(SessionEnded)
    wire.send(alice, wire.reply(wire.last("INVITE"), 200, body=ANSWER))
    net.run(80)
    assert not alice.events
    assert_clean(alice)


def test_a_body_that_is_no_sdp_is_refused_within_a_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    _, tag = up(net, alice, wire)
    request = wire.request(alice, "INVITE", to_tag=tag, body=b"<x/>", Content_Type="text/xml")
    wire.send(alice, request)
    net.run(0.01)
    assert wire.count(415) == 1
    assert not alice.events


def test_an_update_before_the_first_answer_is_refused() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER))
    alice.events.pop(0).session.ring(net.now)
    net.run(0.01)
    wire.send(alice, wire.request(alice, "UPDATE", to_tag=wire.last(180).to.tag, body=OTHER))
    net.run(0.01)
    assert wire.last(500).retry_after is not None, "RFC 3311 5.2"


def wire_sends(wire: Wire, net: Net, alice: Peer, tag: str, method: str) -> int:
    wire.send(alice, wire.request(alice, method, to_tag=tag, body=OTHER))
    net.run(0.01)
    answer = wire.received[-1]
    assert isinstance(answer, Response)
    return answer.status


def test_a_change_that_crosses_ours_is_refused_with_491() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    session.offer(ANOTHER, net.now)
    net.run(0.01)
    assert wire_sends(wire, net, alice, tag, "UPDATE") == 491
    assert wire_sends(wire, net, alice, tag, "INVITE") == 491
