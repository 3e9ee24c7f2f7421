"""Who is offered which caller, and what becomes of an offer."""

from __future__ import annotations

import pytest

from appliance.center.decisions import Offer, Redirect, WithdrawOffer
from appliance.events import AgentStateChanged, QueueEntered, QueueLeft, QueueOffered, QueueOfferEnded
from appliance.site.model import Queue
from tests.unit.center.hall import BUSY, Hall, site


@pytest.fixture
def hall() -> Hall:
    hall = Hall()
    hall.log_in("aiko", "ben", "chie")
    return hall


def test_one_call_from_entry_to_idle_in_the_right_order(hall: Hall) -> None:
    hall.enter("c1")
    assert [type(output).__name__ for output in hall.new] == [
        "QueueEntered",
        "QueuePosition",
        "AnnouncePosition",
        "QueueOffered",
        "AgentStateChanged",
        "Offer",
    ]
    assert hall.of(Offer) == [Offer(call="c1", queue="support", agent="aiko", extension="201", ring_seconds=20)]
    hall.advance(3)
    hall.answer("c1", "aiko")
    assert hall.new == [
        QueueOfferEnded(call="c1", queue="support", agent="aiko", outcome="answered"),
        AgentStateChanged(
            agent="aiko", state="talking", previous="offered", cause="answer", call="c1", queue="support"
        ),
        QueueLeft(call="c1", queue="support", outcome="answered", waited=3.0, agent="aiko"),
    ]
    hall.advance(60)
    hall.hang_up("c1", "aiko")
    assert hall.new == [
        AgentStateChanged(agent="aiko", state="wrap-up", previous="talking", cause="hangup", call="c1", queue="support")
    ]
    hall.advance(9.9)
    assert hall.state("aiko") == "wrap-up"
    hall.advance(0.1)
    assert hall.new == [
        AgentStateChanged(
            agent="aiko", state="idle", previous="wrap-up", cause="wrap-up-over", call="c1", queue="support"
        )
    ]
    assert hall.center.deadline() is None


def test_longest_idle_goes_first(hall: Hall) -> None:
    assert hall.enter("c1") == ["aiko"]
    hall.answer("c1", "aiko")
    assert hall.enter("c2") == ["ben"]
    hall.answer("c2", "ben")
    hall.hang_up("c2", "ben")
    hall.advance(10)
    hall.hang_up("c1", "aiko")
    hall.advance(10)
    assert [hall.enter(f"d{n}") for n in range(3)] == [["chie"], ["ben"], ["aiko"]]


def test_no_answer_moves_on_after_ring_seconds_and_a_miss_is_last_in_line(hall: Hall) -> None:
    hall.enter("c1")
    hall.advance(19.9)
    assert hall.of(Offer) == []
    hall.advance(0.1)
    assert hall.of(QueueOfferEnded) == [QueueOfferEnded(call="c1", queue="support", agent="aiko", outcome="no-answer")]
    assert hall.of(WithdrawOffer) == [WithdrawOffer(call="c1", queue="support", agent="aiko")]
    assert [offer.agent for offer in hall.of(Offer)] == ["ben"]
    aiko = hall.center.agent("aiko")
    assert aiko is not None
    assert (aiko.status, aiko.state, aiko.misses) == ("available", "idle", 1)
    hall.advance(20)
    assert [offer.agent for offer in hall.of(Offer)] == ["chie"]
    hall.advance(20)
    assert [offer.agent for offer in hall.of(Offer)] == ["aiko"]


def test_the_only_agent_who_missed_is_asked_again_after_a_pause() -> None:
    hall = Hall(site({"aiko": ("support",)}))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.advance(20)
    assert hall.center.offered("c1") == []
    hall.advance(4.9)
    assert hall.of(Offer) == []
    hall.advance(0.1)
    assert hall.center.offered("c1") == ["aiko"]


@pytest.mark.parametrize("outcome", ["rejected", "busy", "unreachable", "no-answer"])
def test_a_failed_offer_moves_on_at_once(hall: Hall, outcome: str) -> None:
    hall.enter("c1")
    assert hall.fail("c1", "aiko", outcome)
    assert hall.of(WithdrawOffer) == []
    assert hall.of(QueueOfferEnded)[0].outcome == outcome
    assert hall.of(AgentStateChanged)[0].cause == outcome
    assert hall.center.offered("c1") == ["ben"]


def test_an_unreachable_phone_is_not_hammered_until_it_registers_again() -> None:
    hall = Hall(site({"aiko": ("support",)}))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.fail("c1", "aiko", "unreachable")
    hall.advance(14)
    assert hall.all(QueueOffered)[1:] == []
    hall.do("phone_registered", "201", True)
    assert hall.center.offered("c1") == ["aiko"]
    hall.fail("c1", "aiko", "unreachable")
    hall.advance(15)
    assert hall.center.offered("c1") == ["aiko"]


def test_a_caller_who_hangs_up_while_ringing_withdraws_the_offer(hall: Hall) -> None:
    hall.enter("c1")
    hall.advance(5)
    assert hall.do("leave", "c1")
    assert [type(output).__name__ for output in hall.new] == [
        "QueueOfferEnded",
        "AgentStateChanged",
        "WithdrawOffer",
        "QueueLeft",
    ]
    assert hall.of(QueueLeft) == [QueueLeft(call="c1", queue="support", outcome="abandoned", waited=5.0)]
    assert not hall.do("leave", "c1")
    assert hall.new == []


def test_a_withdrawn_offer_keeps_the_place_in_line_but_waits_for_the_phone_to_be_quiet(hall: Hall) -> None:
    hall.enter("c1")
    hall.do("leave", "c1")
    assert hall.enter("c2") == ["ben"]
    hall.phone("aiko", "idle")
    assert hall.enter("c3") == ["aiko"]


def test_an_agent_whose_phone_says_nothing_after_a_withdrawn_offer_is_back_after_a_second() -> None:
    hall = Hall(site({"aiko": ("support",)}))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.do("leave", "c1")
    assert hall.enter("c2") == []
    hall.advance(1)
    assert hall.center.offered("c2") == ["aiko"]


def test_answers_that_come_too_late_are_told_so(hall: Hall) -> None:
    hall.enter("c1")
    hall.advance(20)
    assert not hall.do("offer_answered", "c1", "aiko")
    assert not hall.do("offer_failed", "c1", "aiko", "rejected")
    assert hall.new == []
    hall.do("leave", "c1")
    assert not hall.do("offer_answered", "c1", "ben")
    assert not hall.do("offer_answered", "never-seen", "ben")
    assert not hall.do("talk_ended", "c1", "ben")
    assert hall.state("ben") == "idle"


def test_an_answer_at_the_very_end_of_ringing_wins_when_it_comes_first(hall: Hall) -> None:
    hall.enter("c1")
    hall.now = hall.now.later(20)
    assert hall.do("offer_answered", "c1", "aiko")
    hall.do("timeout")
    assert hall.state("aiko") == "talking"


def test_two_queues_want_one_agent_and_exactly_one_gets_him() -> None:
    hall = Hall(site({"aiko": ("sales", "support"), "ben": ("support",)}, Queue(id="sales"), Queue(id="support")))
    hall.log_in("aiko", "ben")
    hall.phone("ben", "busy")
    hall.enter("c0", "sales")
    hall.answer("c0", "aiko")
    assert hall.enter("c1", "support") == []
    assert hall.enter("c2", "sales") == []
    hall.phone("ben", "idle")
    assert hall.center.offered("c1") == ["ben"]
    assert hall.enter("c3", "support") == []
    hall.hang_up("c0", "aiko")
    hall.advance(10)
    assert hall.center.offered("c2") == ["aiko"], "waits longer than c3"
    assert hall.center.offered("c3") == []


def test_two_queues_become_free_to_serve_at_one_instant_and_the_other_goes_on_to_the_next() -> None:
    queues = Queue(id="sales", wrap_up_seconds=5), Queue(id="support", wrap_up_seconds=5)
    hall = Hall(site({"aiko": ("sales", "support"), "ben": ("sales", "support")}, *queues))
    hall.log_in("aiko", "ben")
    for call, agent in (("a", "aiko"), ("b", "ben")):
        hall.enter(call, "sales")
        hall.answer(call, agent)
    hall.enter("c1", "support")
    hall.enter("c2", "sales")
    hall.hang_up("a", "aiko")
    hall.hang_up("b", "ben")
    hall.advance(5)
    assert (hall.center.offered("c1"), hall.center.offered("c2")) == (["aiko"], ["ben"])


@pytest.mark.parametrize("activity", ["busy", "talking", "hold"])
def test_nobody_is_offered_while_the_phone_has_any_leg(activity: str) -> None:
    hall = Hall(site({"aiko": ("support",)}))
    hall.log_in("aiko")
    hall.phone("aiko", activity)
    assert hall.enter("c1") == []
    hall.phone("aiko", "idle")
    assert hall.center.offered("c1") == ["aiko"]


def test_nobody_is_offered_at_an_unregistered_phone() -> None:
    hall = Hall(site({"aiko": ("support",)}))
    hall.status("aiko", "available")
    assert hall.enter("c1") == []
    assert hall.of(Redirect) == [], "somebody is logged in: the caller waits"
    hall.do("phone_registered", "201", True)
    assert hall.center.offered("c1") == ["aiko"]


def test_a_phone_that_loses_its_registration_while_ringing_loses_the_offer(hall: Hall) -> None:
    hall.enter("c1")
    hall.do("phone_registered", "201", False)
    assert hall.of(QueueOfferEnded)[0].outcome == "unreachable"
    assert hall.of(WithdrawOffer) == [WithdrawOffer(call="c1", queue="support", agent="aiko")]
    assert hall.center.offered("c1") == ["ben"]


def test_an_agent_who_dials_while_ringing_loses_the_offer(hall: Hall) -> None:
    hall.enter("c1")
    hall.phone("aiko", "busy")
    assert hall.of(QueueOfferEnded)[0].outcome == "busy"
    assert hall.center.offered("c1") == ["ben"]
    hall.phone("aiko", "talking")
    assert hall.state("aiko") == "talking"


def test_a_call_that_is_gone_altogether_leaves_nothing_behind(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.do("forget", "c1")
    assert hall.state("aiko") == "wrap-up"
    hall.enter("c2")
    hall.do("forget", "c2")
    assert hall.of(QueueLeft)[0].outcome == "abandoned"
    hall.do("forget", "c2")
    assert hall.new == []


def test_ring_all_rings_everybody_and_the_first_answer_wins() -> None:
    agents = dict.fromkeys(("aiko", "ben", "chie"), ("support",))
    hall = Hall(site(agents, Queue(id="support", strategy="ring-all", overflow=BUSY)))
    hall.log_in("aiko", "ben")
    assert hall.enter("c1") == ["aiko", "ben"]
    hall.log_in("chie")
    assert hall.center.offered("c1") == ["aiko", "ben", "chie"], "who becomes ready rings along"
    assert hall.enter("c2") == []
    hall.answer("c1", "ben")
    assert {offer.agent for offer in hall.of(WithdrawOffer)} == {"aiko", "chie"}
    assert hall.of(QueueLeft) == [QueueLeft(call="c1", queue="support", outcome="answered", waited=1.0, agent="ben")]
    assert not hall.do("offer_answered", "c1", "aiko")
    hall.phone("aiko", "idle")
    assert hall.center.offered("c2") == ["aiko"]
    hall.phone("chie", "idle")
    assert hall.center.offered("c2") == ["aiko", "chie"]
    hall.fail("c2", "aiko", "rejected")
    assert hall.center.offered("c2") == ["chie"], "one refusal does not stop the others"


def test_entered_is_told_with_position_and_priority(hall: Hall) -> None:
    for agent in ("aiko", "ben", "chie"):
        hall.phone(agent, "busy")
    hall.enter("c1")
    hall.enter("vip", priority=5)
    assert hall.of(QueueEntered) == [QueueEntered(call="vip", queue="support", position=1, priority=5)]
    assert hall.center.position("c1") == 2
