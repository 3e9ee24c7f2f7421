"""Sessions between two endpoints, and against a peer written by hand."""

from __future__ import annotations

from appliance.sip.events import (
    IncomingSession,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionProgress,
)
from tests.unit.sip.net import ANSWER, OFFER, Net, assert_clean


def test_a_call_is_made_answered_and_hung_up() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob, owner="leg 1")
    net.run()
    came = bob.take(IncomingSession).session
    assert came.request.body == OFFER
    assert came.remote_party.user == "alice"
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
