"""Waiting: overflow, timeout, order of service, announced positions."""

from __future__ import annotations

import pytest

from appliance.center.decisions import AnnouncePosition, Offer, Redirect
from appliance.errors import CommandError, UndefinedTransition
from appliance.events import QueueEntered, QueueLeft, QueueOfferEnded, QueuePosition
from appliance.site.model import Queue
from tests.unit.center.hall import BUSY, Hall, site


def test_nobody_logged_in_overflows_at_once() -> None:
    hall = Hall()
    hall.do("phone_registered", "201", True)
    hall.enter("c1")
    assert hall.new == [
        QueueEntered(call="c1", queue="support", position=1),
        QueueLeft(call="c1", queue="support", outcome="overflow", waited=0.0),
        Redirect(call="c1", queue="support", destination=BUSY, outcome="overflow"),
    ]
    assert hall.center.deadline() is None
    assert hall.center.position("c1") == 0


def test_a_queue_without_members_overflows_at_once() -> None:
    hall = Hall(site({"aiko": ("sales",)}, Queue(id="sales"), Queue(id="empty")))
    hall.log_in("aiko")
    hall.enter("c1", "empty")
    assert [redirect.outcome for redirect in hall.of(Redirect)] == ["overflow"]


def test_agents_on_break_keep_callers_waiting() -> None:
    hall = Hall()
    hall.log_in("aiko")
    hall.status("aiko", "break", "Lunch")
    hall.enter("c1")
    assert hall.of(Redirect) == []
    hall.status("aiko", "available")
    assert hall.center.offered("c1") == ["aiko"]


def test_when_the_last_agent_logs_out_everybody_overflows_in_order() -> None:
    hall = Hall()
    hall.log_in("aiko", "ben")
    for call in ("c1", "c2", "c3"):
        hall.enter(call)
    hall.status("aiko", "logged-out")
    assert hall.of(Redirect) == []
    hall.status("ben", "logged-out")
    assert [(redirect.call, redirect.outcome) for redirect in hall.of(Redirect)] == [
        ("c1", "overflow"),
        ("c2", "overflow"),
        ("c3", "overflow"),
    ]


def test_taking_over_a_phone_is_no_moment_without_agents() -> None:
    hall = Hall()
    hall.log_in("aiko")
    hall.status("aiko", "break")
    hall.enter("c1")
    hall.status("ben", "available", extension="201")
    assert hall.of(Redirect) == []
    assert hall.center.offered("c1") == ["ben"]


def test_max_wait_redirects_and_withdraws_what_rings() -> None:
    hall = Hall(site({"aiko": ("support",)}, Queue(id="support", max_wait_seconds=40, announce_seconds=0)))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.advance(39.9)
    assert hall.of(Redirect) == []
    assert hall.center.offered("c1") == ["aiko"]
    hall.advance(0.1)
    assert [offer.outcome for offer in hall.of(QueueOfferEnded)] == ["withdrawn"]
    assert hall.of(QueueLeft) == [QueueLeft(call="c1", queue="support", outcome="timeout", waited=40.0)]
    assert hall.of(Redirect)[0].outcome == "timeout"
    assert not hall.do("offer_answered", "c1", "aiko")


def test_a_wait_without_limit() -> None:
    hall = Hall(site({"aiko": ("support",)}, Queue(id="support", max_wait_seconds=0, announce_seconds=0)))
    hall.log_in("aiko")
    hall.phone("aiko", "busy")
    hall.enter("c1")
    assert hall.center.deadline() is None


@pytest.fixture
def busy_hall() -> Hall:
    """One agent who talks already, in two queues."""
    hall = Hall(site({"aiko": ("sales", "support")}, Queue(id="sales"), Queue(id="support")))
    hall.log_in("aiko")
    hall.phone("aiko", "talking")
    return hall


def served(hall: Hall) -> list[str]:
    """The order in which the only agent gets everybody."""
    order = []
    hall.phone("aiko", "idle")
    while hall.ringing:
        call = hall.ringing["aiko"]
        order.append(call)
        hall.answer(call, "aiko")
        hall.hang_up(call, "aiko")
        hall.advance(10)
    return order


def test_first_come_first_served_across_queues(busy_hall: Hall) -> None:
    for place, queue in enumerate(("support", "sales", "sales", "support", "sales")):
        busy_hall.enter(f"c{place}", queue)
    assert served(busy_hall) == ["c0", "c1", "c2", "c3", "c4"]


def test_priority_goes_first_in_its_queue_and_across_queues(busy_hall: Hall) -> None:
    busy_hall.enter("plain", "support")
    busy_hall.enter("vip", "sales", priority=5)
    busy_hall.enter("gold", "support", priority=1)
    busy_hall.enter("vip2", "support", priority=5)
    assert [busy_hall.center.position(call) for call in ("vip2", "gold", "plain")] == [1, 2, 3]
    assert served(busy_hall) == ["vip", "vip2", "gold", "plain"]


def test_who_was_not_answered_keeps_the_place() -> None:
    hall = Hall(site({"aiko": ("support",)}))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.enter("c2")
    hall.advance(20)
    hall.advance(5)
    assert hall.center.offered("c1") == ["aiko"]


def test_positions_are_told_on_entry_regularly_and_when_they_improve(busy_hall: Hall) -> None:
    busy_hall.enter("c1")
    busy_hall.enter("c2")
    assert busy_hall.of(AnnouncePosition) == [AnnouncePosition(call="c2", queue="support", position=2)]
    assert busy_hall.of(QueuePosition) == [QueuePosition(call="c2", queue="support", position=2)]
    busy_hall.advance(12)
    assert busy_hall.of(AnnouncePosition) == []
    busy_hall.do("leave", "c1")
    busy_hall.advance(8)
    assert [told.position for told in busy_hall.of(AnnouncePosition)] == [1], "at the latest after 10 seconds"
    busy_hall.advance(29)
    assert busy_hall.of(AnnouncePosition) == []
    busy_hall.advance(1)
    assert [told.position for told in busy_hall.of(AnnouncePosition)] == [1], "again, though it is the same"


def test_a_position_that_got_worse_waits_for_the_regular_announcement(busy_hall: Hall) -> None:
    busy_hall.enter("c1")
    busy_hall.enter("vip", priority=1)
    busy_hall.advance(29)
    assert busy_hall.of(AnnouncePosition) == []
    busy_hall.advance(1)
    assert AnnouncePosition(call="c1", queue="support", position=2) in busy_hall.of(AnnouncePosition)


def test_nothing_is_announced_while_a_phone_rings() -> None:
    hall = Hall(site({"aiko": ("support",)}, Queue(id="support", announce_seconds=5, ring_seconds=20)))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.advance(19)
    assert hall.of(AnnouncePosition) == []
    hall.advance(5)
    assert len(hall.of(AnnouncePosition)) == 1
    assert hall.of(Offer) == []


def test_the_regular_announcement_comes_at_its_time_also_between_looks_for_a_better_position() -> None:
    hall = Hall(site({"aiko": ("support",)}, Queue(id="support", announce_seconds=25)))
    hall.log_in("aiko")
    hall.phone("aiko", "busy")
    hall.enter("c1")
    hall.advance(24)
    assert hall.of(AnnouncePosition) == []
    hall.advance(1)
    assert len(hall.of(AnnouncePosition)) == 1
    hall.advance(25)
    assert len(hall.of(AnnouncePosition)) == 1


def test_announced_only_once_when_so_configured() -> None:
    hall = Hall(site({"aiko": ("support",)}, Queue(id="support", announce_seconds=0)))
    hall.log_in("aiko")
    hall.phone("aiko", "busy")
    hall.enter("c0")
    hall.enter("c1")
    hall.do("leave", "c0")
    hall.advance(300)
    assert hall.of(AnnouncePosition) == []


def test_an_unknown_queue_is_refused() -> None:
    hall = Hall()
    with pytest.raises(CommandError) as refused:
        hall.enter("c1", "nowhere")
    assert refused.value.code == "unknown_queue"


def test_entering_twice_is_a_bug_of_ours(busy_hall: Hall) -> None:
    busy_hall.enter("c1")
    with pytest.raises(UndefinedTransition):
        busy_hall.enter("c1", "sales")
    assert busy_hall.center.position("c1") == 1


def test_figures_of_a_queue(busy_hall: Hall) -> None:
    busy_hall.enter("c1")
    busy_hall.advance(7)
    busy_hall.enter("c2", priority=1)
    queue = busy_hall.center.queue("support")
    assert queue is not None
    assert (len(queue.entries), queue.longest_wait(busy_hall.now), queue.logged_in, len(queue.idle)) == (2, 7, 1, 0)
    sales = busy_hall.center.queue("sales")
    assert sales is not None
    assert sales.longest_wait(busy_hall.now) == 0
    assert [queue.id for queue in busy_hall.center.queues()] == ["sales", "support"]
