"""Hundreds of mixed calls over a network that loses, repeats and reorders: each ends once, and nothing is left."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from appliance.sip.events import (
    IncomingSession,
    SessionAnswered,
    SessionEnded,
    SessionOffer,
    SessionOfferWithdrawn,
    SessionProgress,
)
from appliance.sip.limits import SessionTimerPolicy
from appliance.sip.session import Session
from appliance.sip.timers import TimerHeap
from tests.unit.sip.net import ANSWER, OFFER, OTHER, Net, Peer, assert_clean


class Crowd:
    """Plays a random user on each side of each call."""

    def __init__(self, net: Net, seed: int) -> None:
        self.net = net
        self.dice = random.Random(seed)
        self.later = TimerHeap()
        self.ended: Counter[int] = Counter()
        self.sessions: dict[int, Session] = {}
        self.offers: set[int] = set()
        self.statuses: Counter[int] = Counter()

    def after(self, low: float, high: float, what: Any) -> None:
        self.later.set(self.net.now.mono + self.dice.uniform(low, high), "act", Act(what))

    def run(self, end: float) -> None:
        while True:
            when = self.later.deadline()
            stop = min(end, when) if when is not None else end
            while self.net.step(stop):
                pass
            self.net._move(stop)
            due = self.later.pop_due(stop)
            if due is not None:
                due[0].fire("", self.net.now)
                self.net.settle()
            elif stop >= end:
                return

    def react(self, peer: Peer, event: Any) -> None:
        session = event.session
        assert self.ended[id(session)] == 0, f"{event} after the end"
        if isinstance(event, IncomingSession):
            self.sessions[id(session)] = session
            self.incoming(session)
        elif isinstance(event, SessionAnswered):
            if session.state == "answered":
                self.after(0.0, 3.0, lambda: session.acknowledge(ANSWER, self.net.now))
            self.talk(session)
        elif isinstance(event, SessionProgress):
            if event.reliable and self.dice.random() < 0.5:
                self.after(0.0, 4.0, lambda: self.something(session))
        elif isinstance(event, SessionOffer):
            self.offers.add(id(session))
            self.after(0.0, 2.0, lambda: self.answer_offer(session))
        elif isinstance(event, SessionOfferWithdrawn):
            self.offers.discard(id(session))
        elif isinstance(event, SessionEnded):
            self.ended[id(session)] += 1
            self.statuses[event.status] += 1

    def answer_offer(self, session: Session) -> None:
        if self.dice.random() < 0.8:
            session.accept_offer(ANSWER, self.net.now)
        else:
            session.refuse_offer(488, self.net.now)

    def incoming(self, session: Session) -> None:
        fate = self.dice.random()
        if fate < 0.7:
            early = ANSWER if self.dice.random() < 0.4 else None
            if session.request is not None and not session.request.body:
                early = OFFER if early else None
            self.after(0.0, 2.0, lambda: session.state == "incoming" and session.ring(self.net.now, 183, early))
            if self.dice.random() < 0.5:
                self.after(1.0, 6.0, lambda: self.something(session))
            self.after(2.0, 9.0, lambda: self.pick_up(session))
        elif fate < 0.9:
            self.after(0.0, 5.0, lambda: session.state != "ended" and session.terminate(self.net.now, 486))
        # else: nobody ever says a word; the caller gives up

    def pick_up(self, session: Session) -> None:
        if session.state in ("incoming", "early"):
            offered = session.request is not None and bool(session.request.body)
            session.answer(ANSWER if offered else OFFER, self.net.now)
            self.talk(session)

    def talk(self, session: Session) -> None:
        for _ in range(self.dice.randrange(30, 60)):
            self.after(0.0, 120.0, lambda: self.something(session))
        longest = 150.0 if self.dice.random() < 0.8 else 2.0
        self.after(0.0, longest, lambda: session.terminate(self.net.now))

    def something(self, session: Session) -> None:
        if session.state not in ("early", "answered", "confirmed"):
            return
        choice = self.dice.randrange(3) if session.state == "confirmed" else 0
        if choice == 0:
            session.offer(OTHER, self.net.now)
        elif choice == 1:
            session.info("application/dtmf-relay", b"Signal=1\r\n", self.net.now)
        else:
            session.probe(self.net.now)

    def call(self, caller: Peer, callee: Peer) -> None:
        body = OFFER if self.dice.random() < 0.8 else None
        transport = "tcp" if self.dice.random() < 0.2 else "udp"
        session = caller.call(callee, body=body, transport=transport)
        self.sessions[id(session)] = session
        if body is None:
            self.after(3.0, 4.0, lambda: session.state == "early" and session.acknowledge(ANSWER, self.net.now))
        self.after(0.0, 30.0, lambda: session.state in ("calling", "early") and session.cancel(self.net.now))


class Act:
    def __init__(self, what: Any) -> None:
        self.what = what

    def fire(self, name: str, now: object) -> None:
        self.what()


@pytest.mark.parametrize("seed", range(4))
def test_500_mixed_sessions_leave_nothing_and_end_once(seed: int) -> None:
    net = Net(seed, loss=0.1, duplicate=0.05, delay=(0.005, 0.4))
    net.keep_log = False
    policy = SessionTimerPolicy(expires=90)
    peers = [net.peer(name, session_timer=policy) for name in ("alice", "bob", "carol")]
    crowd = Crowd(net, seed)
    for peer in peers:
        peer.react = crowd.react
    for _ in range(250):
        caller, callee = crowd.dice.sample(peers, 2)
        crowd.after(0.0, 60.0, lambda caller=caller, callee=callee: crowd.call(caller, callee))
    crowd.run(net.now.mono + 2_500)
    assert len(crowd.sessions) > 450
    assert {id(session): 1 for session in crowd.sessions.values()} == dict(crowd.ended)
    assert {200, 486, 487} <= set(crowd.statuses)
    assert_clean(*peers)
