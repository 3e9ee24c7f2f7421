"""Session timers (RFC 4028), both refresher roles."""

from __future__ import annotations

import pytest

from appliance.sip.events import IncomingSession, SessionAnswered, SessionEnded, SessionRefreshed
from appliance.sip.limits import SessionTimerPolicy
from appliance.sip.message import Request
from tests.unit.sip.net import ANSWER, OFFER, Net, assert_clean
from tests.unit.sip.test_session import connected, up

SHORT = SessionTimerPolicy(expires=200, minimum=90)


def test_two_endpoints_keep_a_call_alive_for_hours() -> None:
    net = Net()
    alice, bob = net.peer("alice", session_timer=SHORT), net.peer("bob", session_timer=SHORT)
    call, came = connected(net, alice, bob)
    assert (call.interval, came.interval) == (200, 200)
    assert {call.refresher, came.refresher} == {"us", "them"}
    net.run(7_200)
    assert call.state == came.state == "confirmed"
    refreshes = net.sent("alice", "UPDATE") + net.sent("bob", "UPDATE")
    assert 70 <= len(refreshes) <= 73, "one each half interval"
    assert {type(event) for event in alice.events + bob.events} == {SessionRefreshed}, "for the store alone"
    alice.events.clear()
    bob.events.clear()
    call.bye(net.now)
    net.run(80)
    assert_clean(alice, bob)


def test_the_invite_asks_and_the_answer_agrees() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    connected(net, alice, bob)
    invite, ok = net.sent("alice", "INVITE")[0][1], net.sent("bob", 200)[0][1]
    assert (str(invite.session_expires), invite.min_se) == ("1800", 90)
    assert str(ok.session_expires) == "1800;refresher=uac"
    assert "timer" in ok.require


@pytest.mark.parametrize(
    ("fields", "agreed"),
    [
        ({"Supported": "timer", "Session_Expires": "600;refresher=uas"}, "600;refresher=uas"),
        ({"Supported": "timer", "Session_Expires": "600;refresher=uac"}, "600;refresher=uac"),
        ({"Supported": "timer", "Session_Expires": "600", "Min_SE": "900"}, "900;refresher=uac"),
        ({"Supported": "timer"}, "1800;refresher=uas"),
        ({"Session_Expires": "600;refresher=uac"}, "600;refresher=uas"),
        ({}, None),
    ],
)
def test_what_is_agreed_with_a_caller(fields: dict[str, str], agreed: str | None) -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire, **fields)
    answer = wire.last(200)
    assert answer.headers.get("Session-Expires") == agreed
    assert ("timer" in answer.require) == (agreed is not None and agreed.endswith("uac"))
    if agreed is None:
        net.run(10_000)
        assert session.state == "confirmed"
        assert wire.count("UPDATE") == wire.count("INVITE") == 0


def test_too_short_an_interval_is_refused_with_422() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", Supported="timer", Session_Expires="60"))
    net.run(0.01)
    assert wire.last(422).min_se == 90
    assert not alice.events
    wire.send(alice, wire.request(alice, "INVITE", call_id="w2", Session_Expires="60"))
    assert isinstance(alice.events[0], IncomingSession), "a caller without session timers would not understand 422"


def test_422_to_our_invite_is_obeyed() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.call(wire)
    net.run(0.01)
    first = wire.last("INVITE")
    wire.send(alice, wire.reply(first, 422, Min_SE="3600"))
    net.run(0.01)
    again = wire.last("INVITE")
    assert (again.session_expires.seconds, again.min_se) == (3600, 3600)
    assert (again.call_id, again.cseq.number) == (first.call_id, first.cseq.number + 1)
    assert again.body == OFFER
    assert wire.count("ACK") == 1
    wire.send(alice, wire.reply(again, 200, body=ANSWER))
    assert isinstance(alice.events[0], SessionAnswered)


def test_we_refresh_by_reinvite_where_update_is_unknown() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire, Supported="timer", Session_Expires="100;refresher=uas", Allow="INVITE, BYE, ACK")
    net.run(51)
    refresh = wire.last("INVITE")
    assert refresh.body == ANSWER, "the same SDP: nothing changes"
    assert str(refresh.session_expires) == "100;refresher=uac", "in terms of this request the refresher is its sender"
    ok = wire.reply(refresh, 200, body=OFFER, Session_Expires="100;refresher=uac")
    wire.send(alice, ok)
    net.run(0.01)
    assert wire.last("ACK").cseq.number == refresh.cseq.number
    alice.take(SessionRefreshed)
    assert not alice.events
    net.run(51)
    assert wire.last("INVITE") is not refresh
    assert session.state == "confirmed"


def test_a_peer_that_stops_refreshing_is_hung_up_before_the_expiry() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    up(net, alice, wire, Supported="timer", Session_Expires="180;refresher=uac")
    net.run(147)
    assert not alice.events
    net.run(2)
    ended = alice.take(SessionEnded)
    assert (ended.status, ended.by) == (408, "them")
    assert wire.count("BYE") > 0, "32 s before the end"
    net.run(80)
    assert_clean(alice)


def test_each_refresh_of_the_peer_begins_the_interval_anew() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, tag = up(net, alice, wire, Supported="timer", Session_Expires="100;refresher=uac")
    for _ in range(5):
        net.run(60)
        update = wire.request(alice, "UPDATE", to_tag=tag, Supported="timer", Session_Expires="100;refresher=uac")
        wire.send(alice, update)
    assert str(wire.last(200).session_expires) == "100;refresher=uac"
    net.run(60)
    assert session.state == "confirmed"
    net.run(20)
    assert session.ended


def test_a_refresh_that_gets_no_answer_ends_the_call() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    up(net, alice, wire, Supported="timer", Session_Expires="100;refresher=uas", Allow="INVITE, UPDATE")
    net.run(50 + 33)
    assert wire.count("UPDATE") > 1
    assert alice.take(SessionEnded).status == 408
    net.run(80)
    assert_clean(alice)


def test_a_refresh_that_is_refused_leaves_the_call_until_its_expiry() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    session, _ = up(net, alice, wire, Supported="timer", Session_Expires="100;refresher=uas", Allow="INVITE, UPDATE")
    net.run(51)
    wire.send(alice, wire.reply(wire.last("UPDATE"), 500))
    assert not session.ended
    net.run(50)
    assert alice.take(SessionEnded).status == 408


def test_a_callee_without_session_timers_has_none() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    call = alice.call(wire)
    net.run(0.01)
    wire.send(alice, wire.reply(wire.last("INVITE"), 200, body=ANSWER))
    net.run(10_000)
    assert call.state == "confirmed"
    assert call.interval == 0
    assert not [m for m in wire.received if isinstance(m, Request) and m.method in ("UPDATE", "BYE")]
