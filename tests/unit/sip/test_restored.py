"""Sessions of before a restart: what the process that died had said is stood by, and what it missed is made up for."""

from __future__ import annotations

import msgspec
import pytest

from appliance.sip.events import IncomingSession, SessionAnswered, SessionConfirmed, SessionEnded, SessionRefreshed
from appliance.sip.message import Request, Response
from appliance.sip.session import Session, SessionSnapshot
from tests.unit.sip.net import ANSWER, Net, Peer
from tests.unit.sip.test_session import assert_clean, connected


def reborn(net: Net, dead: Peer, session: Session, away: float = 0.0) -> tuple[Peer, Session]:
    """The process dies, is away, and another one at its address has the session from the store."""
    kept = msgspec.msgpack.encode(session.snapshot())
    del net.peers[dead.address]
    net.run(away)
    again = Peer(net, dead.name, dead.address)
    net.peers[dead.address] = again
    return again, again.endpoint.restore(msgspec.msgpack.decode(kept, type=SessionSnapshot), net.now)


def test_a_2xx_that_comes_again_is_acknowledged_by_the_next_process() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    net.drop = lambda sender, message: (
        isinstance(message, Request) and message.method == "ACK" and net.now.mono < 1_000.3
    )
    call = alice.call(bob)
    net.run()
    came = bob.take(IncomingSession).session
    came.answer(ANSWER, net.now)
    net.run(0.1)
    alice.take(SessionAnswered)
    again, session = reborn(net, alice, call, away=0.2)
    net.run(2.0)
    bob.take(SessionConfirmed)
    assert came.state == "confirmed"
    came.bye(net.now)
    net.run(1.0)
    assert again.take(SessionEnded).by == "them"
    assert session.ended
    net.run(40)
    assert again.endpoint.counts().sessions == 0
    assert len(net.sent("alice", "ACK")) == 2


def test_a_2xx_of_somebody_elses_call_is_not_acknowledged() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, _ = connected(net, alice, bob)
    wire = net.wire()
    invite = wire.request(alice, "INVITE", call.call_id, to_tag="x")
    acks = len(net.sent("alice", "ACK"))
    wire.send(alice, wire.reply(invite, 200))
    assert alice.endpoint.seen == {"stray": 1}
    assert len(net.sent("alice", "ACK")) == acks


@pytest.mark.parametrize("lost", ["200", "ACK"])
def test_an_answer_that_nobody_acknowledged_is_repeated_by_the_next_process(lost: str) -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")

    def drop(sender: str, message: object) -> bool:
        if net.now.mono > 1_000.25:
            return False
        if lost == "ACK":
            return isinstance(message, Request) and message.method == "ACK"
        return isinstance(message, Response) and message.status == 200

    net.drop = drop
    call = alice.call(bob)
    net.run()
    came = bob.take(IncomingSession).session
    came.answer(ANSWER, net.now)
    net.run(0.1)
    again, session = reborn(net, bob, came, away=0.1)
    assert session.state == "answered"
    net.run(3.0)
    again.take(SessionConfirmed)
    assert call.state == session.state == "confirmed"
    session.bye(net.now)
    net.run(1.0)
    assert call.ended
    net.run(40)
    assert again.endpoint.counts().sessions == 0
    assert again.endpoint.layer.resumed == {}


def test_an_invite_that_comes_again_is_the_call_that_was_answered() -> None:
    net = Net()
    bob, wire = net.peer("bob"), net.wire()
    invite = wire.request(bob, "INVITE", body=ANSWER)
    wire.send(bob, invite)
    came = bob.take(IncomingSession).session
    came.answer(ANSWER, net.now)
    net.settle()
    again, _ = reborn(net, bob, came)
    net.run(0.01)
    answers = wire.count(200)
    wire.send(again, invite)
    net.run(0.01)
    assert again.events == []
    assert wire.count(200) == answers + 1


def test_an_answer_nobody_ever_acknowledges_ends_the_call() -> None:
    net = Net()
    bob, wire = net.peer("bob"), net.wire()
    wire.send(bob, wire.request(bob, "INVITE", body=ANSWER))
    came = bob.take(IncomingSession).session
    came.answer(ANSWER, net.now)
    net.settle()
    again, session = reborn(net, bob, came)
    net.run(40)
    assert session.ended
    assert again.take(SessionEnded).status == 408
    assert wire.count("BYE") >= 1


def timed(net: Net, alice: Peer, bob: Peer) -> tuple[Session, Session]:
    call, came = connected(net, alice, bob)
    assert call.interval == came.interval > 0
    assert {call.refresher, came.refresher} == {"us", "them"}
    return call, came


def test_a_session_timer_goes_on_from_where_it_was() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = timed(net, alice, bob)
    ours, theirs = (call, came) if call.refresher == "us" else (came, call)
    dead = alice if ours is call else bob
    net.run(ours.interval / 2 - 100)
    again, session = reborn(net, dead, ours, away=60.0)
    net.run(30.0)
    assert not net.sent(again.name, "UPDATE")
    net.run(15.0)
    assert len(net.sent(again.name, "UPDATE")) == 1
    again.take(SessionRefreshed)
    net.run(session.interval * 2)
    assert not session.ended and not theirs.ended


@pytest.mark.parametrize("refresher", ["us", "them"])
def test_a_timer_that_ran_out_meanwhile_is_refreshed_at_once(refresher: str) -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = timed(net, alice, bob)
    mine = call if call.refresher == refresher else came
    dead, other = (alice, came) if mine is call else (bob, call)
    kept = msgspec.structs.replace(mine.snapshot(), timer_set=net.now.mono - mine.interval - 5.0)
    del net.peers[dead.address]
    again = Peer(net, dead.name, dead.address)
    net.peers[dead.address] = again
    session = again.endpoint.restore(kept, net.now)
    net.run(5.0)
    again.take(SessionRefreshed)
    assert session.refresher == refresher
    assert session.timer_set > 1_000.0
    net.run(session.interval)
    assert not session.ended and not other.ended


def test_a_peer_that_is_gone_ends_an_overdue_session() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, _ = timed(net, alice, bob)
    kept = msgspec.structs.replace(call.snapshot(), timer_set=-10_000.0)
    del net.peers[alice.address], net.peers[bob.address]
    again = Peer(net, "alice", alice.address)
    net.peers[alice.address] = again
    session = again.endpoint.restore(kept, net.now)
    net.run(120.0)
    assert session.ended
    assert_clean(again)


def test_a_connection_made_anew_carries_the_dialog() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, came = connected(net, alice, bob, "tcp")
    again, session = reborn(net, alice, call)
    assert not session.reachable
    net.connection = 7
    session.found_again(again.flow(bob, "tcp"))
    assert session.reachable
    session.bye(net.now)
    net.run()
    assert came.ended
    assert all(flow.connection == 7 for flow in [session.flow] if flow is not None)
    assert call.call_id == session.call_id


def test_what_the_peer_said_about_our_address_is_remembered() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call, _ = connected(net, alice, bob)
    flow = alice.flow(bob)
    alice.endpoint.transactions.learned[flow] = "203.0.113.9:4711"
    again, session = reborn(net, alice, call)
    session.offer(ANSWER, net.now)
    net.run(0.01)
    ((_, invite),) = net.sent("alice", "INVITE")[1:]
    assert "203.0.113.9:4711" in (invite.headers.get("Contact") or "")
    assert again.endpoint.learned_host(flow) == "203.0.113.9"
