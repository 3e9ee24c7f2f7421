"""Sessions between two endpoints, and against a peer written by hand: how calls begin, go on and end."""

from __future__ import annotations

import msgspec
import pytest

from appliance.errors import UndefinedTransition
from appliance.sip.events import (
    IncomingSession,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionInfo,
    SessionOfferAnswered,
    SessionProgress,
    SessionRecordAsked,
    SessionRedirected,
)
from appliance.sip.message import Message, Response
from appliance.sip.session import Session, SessionSnapshot
from tests.unit.sip.net import ANSWER, OFFER, OTHER, Net, Peer, Wire, assert_clean


def connected(net: Net, alice: Peer, bob: Peer, transport: str = "udp") -> tuple[Session, Session]:
    """A call that is up; both event lists are empty."""
    call: Session = alice.call(bob, transport=transport)
    net.run()
    came = bob.take(IncomingSession).session
    came.answer(ANSWER, net.now)
    net.run()
    alice.take(SessionAnswered)
    bob.take(SessionConfirmed)
    return call, came


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_is_made_answered_and_hung_up(transport: str) -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob, owner="leg 1", transport=transport)
    net.run()
    came = bob.take(IncomingSession).session
    assert came.request is not None
    assert came.request.body == OFFER
    assert came.remote_party.user == "alice"
    assert net.sent("bob", 100)
    came.ring(net.now)
    net.run()
    progress = alice.take(SessionProgress)
    assert (progress.session, progress.status, progress.body, progress.reliable) == (call, 180, None, False)
    came.answer(ANSWER, net.now)
    net.run()
    answered = alice.take(SessionAnswered)
    assert (answered.session, answered.body, call.state) == (call, ANSWER, "confirmed")
    assert bob.take(SessionConfirmed).session is came
    call.bye(net.now)
    net.run()
    ended = alice.take(SessionEnded)
    assert (ended.session.owner, ended.status, ended.by) == ("leg 1", 200, "us")
    ended = bob.take(SessionEnded)
    assert (ended.session, ended.status, ended.by) == (came, 200, "them")
    net.run(40)
    assert not alice.events
    assert not bob.events
    assert_clean(alice, bob)


def test_the_callee_may_hang_up_and_say_why() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    _, came = connected(net, alice, bob)
    came.bye(net.now, headers=(("Reason", 'Q.850;cause=16;text="Normal"'),))
    net.run()
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.reason, ended.cause, ended.by) == (200, "BYE", 16, "them")
    net.run(40)
    assert_clean(alice, bob)


def test_what_an_invite_and_its_answer_carry() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    connected(net, alice, bob)
    invite = net.sent("alice", "INVITE")[0][1]
    ok = net.sent("bob", 200)[0][1]
    assert "UPDATE" in invite.allow
    assert "PRACK" in invite.allow
    assert "REFER" not in invite.allow
    assert "SUBSCRIBE" not in ok.allow
    assert {"100rel", "timer"} <= set(invite.supported)
    assert str(invite.contacts[0].uri) == "sip:192.0.2.1:5060"
    assert str(ok.contacts[0].uri) == "sip:192.0.2.2:5060"
    assert ok.content_type is not None
    assert ok.content_type.name == "application/sdp"
    assert invite.max_forwards == 70


def test_contact_and_via_carry_the_address_to_advertise() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire, advertise="203.0.113.7", contact_user="03123")
    net.run()
    invite = wire.last("INVITE")
    assert (invite.via.host, invite.via.port) == ("203.0.113.7", 5060)
    assert str(invite.contacts[0].uri) == "sip:03123@203.0.113.7:5060"
    incoming = wire.request(alice, "INVITE", call_id="in")
    wire.send(alice, incoming)
    session = alice.take(IncomingSession).session
    session.advertise, session.contact_user = "203.0.113.7:5070", "x"
    session.ring(net.now)
    net.run()
    assert str(wire.last(180).contacts[0].uri) == "sip:x@203.0.113.7:5070"


def test_a_call_is_refused_and_the_ack_is_sent() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob)
    net.run()
    came = bob.take(IncomingSession).session
    came.reject(486, net.now, headers=(("Reason", "Q.850;cause=17"),))
    net.run()
    ended = bob.take(SessionEnded)
    assert (ended.status, ended.cause, ended.by) == (486, 17, "us")
    ended = alice.take(SessionEnded)
    assert (ended.session, ended.status, ended.reason, ended.cause, ended.by) == (call, 486, "Busy Here", 17, "them")
    assert net.sent("alice", "ACK")
    came.answer(ANSWER, net.now)
    came.reject(500, net.now)
    call.cancel(net.now)
    call.bye(net.now)
    net.run(40)
    assert not alice.events
    assert not bob.events
    assert_clean(alice, bob)


def test_challenge_headers_of_a_refusal_reach_the_caller() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE"))
    alice.take(IncomingSession).session.reject(401, net.now, headers=[("WWW-Authenticate", 'Digest realm="x"')])
    net.run()
    assert wire.last(401).headers.get("WWW-Authenticate") == 'Digest realm="x"'
    assert wire.last(401).to.tag


def test_a_redirection_is_told_best_contact_first_and_ends_the_session() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run()
    contacts = "<sip:low@192.0.2.9>;q=0.1, <sip:high@192.0.2.9>;q=0.9, <sip:mid@192.0.2.9>;q=0.5"
    wire.send(alice, wire.reply(wire.last("INVITE"), 302, Contact=contacts))
    assert [each.user for each in alice.take(SessionRedirected).contacts] == ["high", "mid", "low"]
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (302, "them")
    net.run(40)
    assert_clean(alice)


def test_nobody_answers() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run(33)
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (408, "them")
    assert_clean(alice)


def test_a_transport_error_ends_a_call_at_once() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run()
    alice.endpoint.flow_failed(alice.flow(wire), "port unreachable", net.now)
    net.settle()
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (503, "them")
    assert_clean(alice)


def test_a_callers_transport_error_ends_its_call_before_the_answer_only() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER))
    alice.take(IncomingSession).session.ring(net.now)
    alice.endpoint.flow_failed(alice.flow(wire), "port unreachable", net.now)
    net.settle()
    assert alice.take(SessionEnded).status == 503
    net.run(40)
    assert_clean(alice)


def test_a_host_is_looked_up_and_the_call_goes_to_its_next_address() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    alice.call(bob, target=("192.0.2.2", 5060, None))
    net.run()
    bob.take(IncomingSession).session.answer(ANSWER, net.now)
    net.run()
    alice.take(SessionAnswered).session.bye(net.now)
    net.run()
    call = alice.call(bob, target=("192.0.2.99", 5060, "udp"))
    net.run()
    alice.take(SessionEnded)
    ended = alice.take(SessionEnded)
    assert (ended.session, ended.status) == (call, 503)
    net.run(40)
    assert_clean(alice)


def test_info_is_passed_up_when_it_is_dtmf_and_answered_in_any_case() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, _ = connected(net, alice, bob)
    call.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", net.now)
    net.run()
    info = bob.take(SessionInfo)
    assert (info.content_type, info.body) == ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    call.info("application/media_control+xml", b"<x/>", net.now)
    net.run()
    assert not bob.events
    assert net.sent("bob", 415)
    assert not alice.events


def up(net: Net, alice: Peer, wire: Wire, **fields: str) -> tuple[Session, str]:
    """A call from the wire that alice answered: the session and alice's tag."""
    invite = wire.request(alice, "INVITE", body=OFFER, **fields)
    wire.send(alice, invite)
    session = alice.take(IncomingSession).session
    session.answer(ANSWER, net.now)
    net.run(0.01)
    tag = wire.last(200).to.tag
    wire.send(alice, wire.request(alice, "ACK", to_tag=tag, cseq=invite.cseq.number))
    alice.take(SessionConfirmed)
    return session, tag


def test_the_record_key_of_a_desk_phone_is_passed_up_though_it_has_no_body() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    for value, on, refusal in (("on", True, ""), (" OFF ", False, ""), ("on", True, 'Never "here".')):
        wire.send(alice, wire.request(alice, "INFO", to_tag=tag, Record=value))
        asked = alice.take(SessionRecordAsked)
        assert (asked.session, asked.on) == (session, on)
        session.answer_record(asked.transaction, net.now, refusal)
        net.run(0.01)
        answer = wire.received[-1]
        assert isinstance(answer, Response) and answer.status == (403 if refusal else 200)
        assert answer.headers.get("Warning") == ("399 hako \"Never 'here'.\"" if refusal else None)
    wire.send(alice, wire.request(alice, "INFO", to_tag=tag, Record="perhaps"))
    net.run(0.01)
    assert wire.last(200) and not alice.events


def test_requests_that_change_nothing_are_answered_within_a_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    for method, status in (
        ("OPTIONS", 200),
        ("REFER", 405),
        ("SUBSCRIBE", 489),
        ("NOTIFY", 405),
        ("MESSAGE", 405),
        ("PRACK", 481),
        ("DANCE", 405),
    ):
        wire.send(alice, wire.request(alice, method, to_tag=tag))
        net.run(0.01)
        answer = wire.received[-1]
        assert isinstance(answer, Response)
        assert (answer.cseq.method, answer.status) == (method, status)
        assert "REFER" not in answer.allow
    assert session.state == "confirmed"
    assert not alice.events


def test_a_request_with_an_old_cseq_is_refused_and_a_repeated_one_answered_alike() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag, cseq=1))
    net.run(0.01)
    assert wire.last(500).reason == "CSeq out of order"
    assert not session.ended
    bye = wire.request(alice, "BYE", to_tag=tag)
    wire.send(alice, bye)
    net.run(0.01)
    before = wire.count(200)
    wire.send(alice, bye)
    net.run(0.01)
    assert wire.count(200) == before + 1
    alice.take(SessionEnded)
    assert not alice.events


def test_a_dialog_is_named_by_both_tags() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag, From="<sip:x@192.0.2.2>;tag=stranger"))
    wire.send(alice, wire.request(alice, "BYE", to_tag="stranger"))
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag, call_id="other"))
    net.run(0.01)
    assert wire.count(481) == 3
    assert not session.ended
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag, Reason="SIP;cause=200, Q.850;cause=31"))
    assert alice.take(SessionEnded).cause == 31


def test_an_extension_that_is_required_and_unknown_is_refused_within_a_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire)
    wire.send(alice, wire.request(alice, "BYE", to_tag=tag, Require="rocket"))
    net.run(0.01)
    assert wire.last(420).unsupported == ("rocket",)
    assert not session.ended


# -- what gets lost


def lose(method_or_status: str | int, sender: str, times: int) -> object:
    left = [times]

    def drop(name: str, message: Message) -> bool:
        what = message.status if isinstance(message, Response) else message.method
        method = message.cseq.method
        hit = name == sender and what == method_or_status and (what != 200 or method == "INVITE") and left[0] > 0
        if hit:
            left[0] -= 1
        return hit

    return drop


@pytest.mark.parametrize(
    ("what", "sender"), [("INVITE", "alice"), (200, "bob"), ("ACK", "alice"), ("BYE", "alice"), (180, "bob")]
)
def test_a_lost_message_is_made_good(what: str | int, sender: str) -> None:
    net = Net()
    net.drop = lose(what, sender, 3)  # type: ignore[assignment]
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob)
    net.run(8)
    came = bob.take(IncomingSession).session
    came.ring(net.now)
    came.answer(ANSWER, net.now)
    net.run(8)
    assert isinstance(alice.events[-1], SessionAnswered)
    bob.take(SessionConfirmed)
    call.bye(net.now)
    net.run(20)
    bob.take(SessionEnded)
    net.run(40)
    assert sum(isinstance(event, SessionEnded) for event in alice.events) == 1
    assert_clean(alice, bob)


def test_a_2xx_without_ack_is_repeated_up_to_t2_and_ends_with_bye() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER))
    alice.take(IncomingSession).session.answer(ANSWER, net.now)
    start = net.now.mono
    net.run(33)
    times = [round(when - start, 1) for when, _ in net.sent("alice", 200)]
    assert times == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.reason, ended.by) == (408, "No ACK", "them")
    assert wire.last("BYE").to.tag == "wire"
    net.run(40)
    assert_clean(alice)


def test_bye_waits_for_the_ack() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    invite = wire.request(alice, "INVITE", body=OFFER)
    wire.send(alice, invite)
    session = alice.take(IncomingSession).session
    session.answer(ANSWER, net.now)
    session.bye(net.now)
    net.run(1)
    assert alice.take(SessionEnded).by == "us"
    assert wire.count("BYE") == 0, "RFC 3261 15: not before the ACK or its time-out"
    assert wire.count(200) > 1, "and the 2xx is repeated until then"
    wire.send(alice, wire.request(alice, "ACK", to_tag=wire.last(200).to.tag, cseq=invite.cseq.number))
    net.run(0.1)
    wire.send(alice, wire.reply(wire.last("BYE"), 200))
    net.run(40)
    assert not alice.events
    assert_clean(alice)


def test_a_bye_that_waits_for_an_ack_that_never_comes_is_sent_in_the_end() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER))
    session = alice.take(IncomingSession).session
    session.answer(ANSWER, net.now)
    session.bye(net.now)
    net.run(100)
    alice.take(SessionEnded)
    assert wire.count("BYE") > 0
    assert not alice.events
    assert_clean(alice)


def test_both_hang_up_at_once() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    call.bye(net.now)
    came.bye(net.now)
    net.run(40)
    assert alice.take(SessionEnded).by == "us"
    assert bob.take(SessionEnded).by == "us"
    assert not alice.events
    assert not bob.events
    assert_clean(alice, bob)


def test_bye_to_a_peer_that_is_gone_leaves_nothing() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, _ = connected(net, alice, bob)
    bob.silent = True
    call.bye(net.now)
    net.run(40)
    alice.take(SessionEnded)
    assert_clean(alice)


def test_an_early_bye_of_the_caller_ends_its_invite() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", body=OFFER))
    alice.take(IncomingSession).session.ring(net.now)
    net.run(0.01)
    wire.send(alice, wire.request(alice, "BYE", to_tag=wire.last(180).to.tag))
    net.run(0.01)
    assert wire.count(200) == wire.count(487) == 1
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (487, "them")
    net.run(40)
    assert_clean(alice)


@pytest.mark.parametrize("status", [408, 481])
def test_a_probe_that_finds_no_dialog_ends_the_session(status: int) -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire)
    session.probe(net.now)
    net.run(0.1)
    wire.send(alice, wire.reply(wire.last("OPTIONS"), 501))
    assert not session.ended, "any other answer means that somebody is there"
    session.probe(net.now)
    net.run(0.1)
    wire.send(alice, wire.reply(wire.last("OPTIONS"), status))
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (status, "them")
    net.run(40)
    assert_clean(alice)


def test_a_probe_without_answer_ends_the_session_with_bye() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire)
    session.probe(net.now)
    net.run(33)
    assert alice.take(SessionEnded).status == 408
    assert wire.count("BYE") > 0
    net.run(40)
    assert_clean(alice)


# -- delayed offers


def test_a_call_without_offer_takes_the_callees_and_answers_in_ack() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob, body=None)
    net.run()
    came = bob.take(IncomingSession).session
    assert came.request is not None
    assert came.request.body == b""
    came.answer(OFFER, net.now)
    net.run()
    answered = alice.take(SessionAnswered)
    assert (answered.body, call.state) == (OFFER, "answered")
    assert not net.sent("alice", "ACK"), "the ACK waits for the answer"
    net.run(1)
    call.acknowledge(ANSWER, net.now)
    net.run()
    confirmed = bob.take(SessionConfirmed)
    assert (confirmed.body, call.state, came.state) == (ANSWER, "confirmed", "confirmed")
    call.bye(net.now)
    net.run(40)
    assert_clean(alice, bob)


def test_a_delayed_answer_that_never_comes_is_acknowledged_by_hanging_up() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob, body=None)
    net.run()
    bob.take(IncomingSession).session.answer(OFFER, net.now)
    net.run()
    alice.take(SessionAnswered)
    call.bye(net.now)
    net.run(1)
    assert net.sent("alice", "ACK")
    assert bob.take(SessionConfirmed).body is None
    assert bob.take(SessionEnded).by == "them"
    net.run(40)
    assert_clean(alice, bob)


# -- commands that make no sense


def test_commands_of_the_wrong_direction_or_state_are_undefined() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    for command in (
        lambda: call.ring(net.now),
        lambda: call.answer(OFFER, net.now),
        lambda: call.cancel(net.now),
        lambda: came.reject(486, net.now),
        lambda: came.acknowledge(OFFER, net.now),
        lambda: came.answer(OFFER, net.now),
    ):
        with pytest.raises(UndefinedTransition):
            command()
    assert call.state == came.state == "confirmed"
    call.refuse_offer(488, net.now)
    call.accept_offer(OTHER, net.now)
    net.run()
    assert not bob.events, "an offer that is not there any more is passed over"


def test_terminate_ends_a_session_in_whatever_state_it_is() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    for stage in range(4):
        call: Session = alice.call(bob)
        if stage:
            net.run()
            came = bob.take(IncomingSession).session
        if stage == 2:
            came.terminate(net.now, 480)
        if stage == 3:
            came.answer(ANSWER, net.now)
            net.run()
        call.terminate(net.now)
        net.run(1)
        call.terminate(net.now)
        bob.events.clear()
    net.run(40)
    ends = [event for event in alice.events if isinstance(event, SessionEnded)]
    assert [(event.status, event.by) for event in ends] == [(487, "us"), (487, "us"), (487, "us"), (200, "us")]
    assert_clean(alice, bob)


# -- over a restart


def test_a_restored_session_can_hang_up_and_change_media() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob)
    kept = msgspec.msgpack.encode(call.snapshot())
    again = net.peer("alice2")
    again.address = alice.address
    net.peers[alice.address] = again
    session = again.endpoint.restore(msgspec.msgpack.decode(kept, type=SessionSnapshot), net.now, owner="leg")
    assert (session.owner, session.local_sdp, session.remote_sdp) == ("leg", OFFER, ANSWER)
    session.offer(OTHER, net.now)
    net.run()
    bob.events.pop(0)
    came.accept_offer(ANSWER, net.now)
    net.run()
    assert again.take(SessionOfferAnswered).session is session
    session.bye(net.now)
    net.run()
    bob.take(SessionEnded)
    net.run(40)
    assert_clean(again, bob)


def test_a_session_over_tcp_is_restored_by_its_target() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, _ = connected(net, alice, bob, "tcp")
    kept = call.snapshot()
    again = net.peer("alice2")
    again.address = alice.address
    net.peers[alice.address] = again
    net.connection = 2
    again.endpoint.restore(kept, net.now).bye(net.now)
    net.run()
    assert bob.take(SessionEnded).by == "them"
    assert net.sent("alice2", "BYE")
