"""Whatever happens in whatever order: nobody is offered twice, no caller is lost, nothing is left behind."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.center.agent import STATE
from appliance.center.decisions import Redirect
from appliance.center.strategy import STRATEGIES
from appliance.errors import CommandError
from appliance.events import AgentStateChanged, QueueEntered, QueueLeft, QueueOffered, QueueOfferEnded
from appliance.site.model import Queue, Site
from tests.unit.center.hall import Hall, site

NAMES = ("aiko", "ben", "chie", "dai")
QUEUES = ("sales", "support", "vip")
ACTIVITIES = ("idle", "idle", "busy", "talking", "hold")
FAILURES = ("no-answer", "rejected", "busy", "unreachable")


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Some of the agents in some of the queues, each queue with its own ways."""
    queues = [
        Queue(
            id=name,
            strategy=draw(st.sampled_from(sorted(STRATEGIES))),
            ring_seconds=draw(st.sampled_from([0, 3, 20])),
            wrap_up_seconds=draw(st.sampled_from([0, 10])),
            max_wait_seconds=draw(st.sampled_from([0, 30, 600])),
            announce_seconds=draw(st.sampled_from([0, 0.1, 30])),
        )
        for name in QUEUES
        if name == "support" or draw(st.booleans())
    ]
    served = {name: tuple(q.id for q in queues if draw(st.booleans())) for name in NAMES if draw(st.integers(0, 4))}
    return site(served, *queues)


numbers = st.integers(0, 1000)
KINDS = ["enter", "enter", "answer", "answer", "fail", "hang_up", "leave", "status", "status", "done", "activity"]
KINDS += ["activity", "quiet", "register", "advance", "advance", "configure", "late"]
inputs = st.lists(st.tuples(st.sampled_from(KINDS), numbers, numbers), max_size=120)


class Walk:
    """Feeds a hall with arbitrary inputs as an exchange could, sensible or late."""

    def __init__(self, configurations: list[Site]) -> None:
        self.configurations = configurations
        self.hall = Hall(configurations[0])
        self.calls: list[str] = []
        self.talks: list[tuple[str, str]] = []
        self.past: list[tuple[str, str]] = []
        for place in range(len(NAMES) + 1):
            self.hall.do("phone_registered", str(201 + place), True)
        for name in NAMES:
            self.log_in(name)

    def step(self, kind: str, one: int, two: int) -> None:
        getattr(self, "_" + kind)(one, two)
        self.past += [(o.call, o.agent) for o in self.hall.new if isinstance(o, QueueOffered)]

    def _enter(self, one: int, two: int) -> None:
        call = f"c{len(self.calls)}"
        try:
            self.hall.enter(call, QUEUES[one % 3], two % 3)
        except CommandError:
            return
        self.calls.append(call)

    def _open(self, number: int) -> tuple[str, str] | None:
        ringing = sorted(self.hall.ringing.items())
        return ringing[number % len(ringing)][::-1] if ringing else None

    def _answer(self, one: int, two: int) -> None:
        offer = self._open(one)
        if offer is not None:
            assert self.hall.answer(*offer)
            self.talks.append(offer)

    def _fail(self, one: int, two: int) -> None:
        offer = self._open(one)
        if offer is not None:
            assert self.hall.fail(*offer, FAILURES[two % 4])

    def _late(self, one: int, two: int) -> None:
        if self.past:
            call, agent = self.past[one % len(self.past)]
            if self.hall.ringing.get(agent) != call:
                assert not self.hall.do("offer_answered", call, agent)
                assert not self.hall.do("offer_failed", call, agent, FAILURES[two % 4])

    def _hang_up(self, one: int, two: int) -> None:
        if self.talks:
            call, agent = self.talks.pop(one % len(self.talks))
            self.hall.hang_up(call, agent)
            assert not self.hall.do("talk_ended", call, agent)

    def _leave(self, one: int, two: int) -> None:
        if self.calls:
            self.hall.do("leave", self.calls[one % len(self.calls)])

    def log_in(self, agent: str, status: str = "available", extension: str = "") -> None:
        try:
            self.hall.status(agent, status, "Lunch", extension)
        except CommandError:
            assert self.hall.center.poll() is None, "what is refused changes nothing"

    def _status(self, one: int, two: int) -> None:
        status = ("available", "break", "logged-out", "available")[two % 4]
        self.log_in(NAMES[one % 4], status, ("", "", str(201 + one % 6))[(one + two) % 3])

    def _done(self, one: int, two: int) -> None:
        if self.hall.center.agent(NAMES[one % 4]) is not None:
            self.hall.do("wrap_up_done", NAMES[one % 4], "phone")

    def _activity(self, one: int, two: int) -> None:
        self.hall.do("phone_activity", str(201 + one % 5), ACTIVITIES[two % 5])

    def _quiet(self, one: int, two: int) -> None:
        self.hall.do("phone_activity", str(201 + one % 5), "idle")

    def _register(self, one: int, two: int) -> None:
        self.hall.do("phone_registered", str(201 + one % 5), bool(two % 4))

    def _advance(self, one: int, two: int) -> None:
        self.hall.advance((0.3, 1, 5, 20, 100)[one % 5])

    def _configure(self, one: int, two: int) -> None:
        self.hall.do("configure", self.configurations[one % len(self.configurations)])

    def finish(self) -> None:
        """Everybody goes home."""
        for call in self.calls:
            self.hall.do("leave", call)
        for call, agent in self.talks:
            self.hall.do("talk_ended", call, agent)
        for place in range(6):
            self.hall.do("phone_activity", str(201 + place), "idle")
        for one in self.hall.center.agents():
            self.hall.status(one.id, "logged-out")


def check_agents(hall: Hall) -> None:
    """Each change of state goes on from the one before, by a row of the table."""
    last: dict[str, str] = {}
    for event in hall.all(AgentStateChanged):
        assert event.previous == last.get(event.agent, "logged-out")
        assert event.state != event.previous
        assert event.state in {to for (state, _), to in STATE.rows.items() if state == event.previous}
        last[event.agent] = event.state
    for agent in hall.center.agents():
        assert agent.state == last.get(agent.id, "logged-out")


def check_calls(hall: Hall, calls: list[str]) -> None:
    entered = [event.call for event in hall.all(QueueEntered)]
    assert entered == calls
    left = hall.all(QueueLeft)
    assert Counter(event.call for event in left) == Counter(calls), "each call leaves exactly once"
    redirected = {event.call: event.outcome for event in hall.all(Redirect)}
    assert redirected == {event.call: event.outcome for event in left if event.outcome in ("overflow", "timeout")}
    answered = [(event.call, event.agent) for event in left if event.outcome == "answered"]
    ends = hall.all(QueueOfferEnded)
    assert answered == [(event.call, event.agent) for event in ends if event.outcome == "answered"]
    assert Counter((e.call, e.agent) for e in hall.all(QueueOffered)) == Counter((e.call, e.agent) for e in ends)


@settings(max_examples=300, deadline=None)
@given(st.lists(sites(), min_size=1, max_size=3), inputs)
def test_any_day_at_the_call_centre(configurations: list[Site], day: list[tuple[str, int, int]]) -> None:
    walk = Walk(configurations)
    for kind, one, two in day:
        walk.step(kind, one, two)
        check_positions(walk.hall)
    walk.finish()
    check_calls(walk.hall, walk.calls)
    check_agents(walk.hall)
    assert walk.hall.ringing == {}
    assert all(agent.state == "logged-out" for agent in walk.hall.center.agents())
    assert walk.hall.center.deadline() is None, "no timer is left"


def check_positions(hall: Hall) -> None:
    """Positions are 1…n, those with priority first, then by entry; counts agree."""
    for queue in hall.center.queues():
        assert [queue.position(entry) for entry in queue.entries] == list(range(1, len(queue.entries) + 1))
        assert [entry.key for entry in queue.entries] == sorted(entry.key for entry in queue.entries)
        assert queue.waiting == [entry for entry in queue.entries if not entry.offers]
        assert queue.logged_in == sum(agent.logged_in for agent in queue.members)
        assert not queue.waiting or queue.logged_in, "nobody waits where nobody is logged in"
    deadline = hall.center.deadline()
    assert deadline is None or deadline > hall.now.mono - 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_a_long_day(seed: int) -> None:
    """Deeper than hypothesis goes: a thousand inputs in a row, with few reconfigurations."""
    dice = random.Random(seed)
    kinds = [kind for kind in KINDS if kind not in ("status", "configure")] + ["quiet", "register", "hang_up"]
    queues = [
        Queue(id=name, strategy=dice.choice(sorted(STRATEGIES)), ring_seconds=5, max_wait_seconds=dice.choice([0, 60]))
        for name in QUEUES
    ]
    served = {name: tuple(name for name in QUEUES if dice.random() < 0.7) for name in NAMES}
    walk = Walk([site(served, *queues), site(served, *queues[:2])])
    for number in range(1000):
        walk.step(dice.choice(kinds), dice.randrange(1000), dice.randrange(1000))
        if number % 20 == 0:
            walk.step("status", dice.randrange(1000), dice.randrange(1000))
        if number % 100 == 0:
            walk.step("configure", dice.randrange(2), 0)
        for name in NAMES if number % 50 == 0 else ():
            walk.log_in(name)
        check_positions(walk.hall)
    walk.finish()
    check_calls(walk.hall, walk.calls)
    check_agents(walk.hall)
    assert walk.hall.center.deadline() is None
    outcomes = {event.outcome for event in walk.hall.all(QueueLeft)}
    assert {"answered", "abandoned"} <= outcomes


@settings(max_examples=30, deadline=None)
@given(sites(), inputs)
def test_the_same_day_twice_is_the_same(configuration: Site, day: list[tuple[str, int, int]]) -> None:
    logs = []
    for _ in range(2):
        walk = Walk([configuration])
        for kind, one, two in day:
            walk.step(kind, one, two)
        logs.append(walk.hall.log)
    assert logs[0] == logs[1]
