"""Agents: status, state, and how they go together."""

from __future__ import annotations

import pytest

from appliance.center.decisions import Redirect, WithdrawOffer
from appliance.errors import CommandError, HakoError
from appliance.events import AgentStateChanged, AgentStatusChanged, QueueOfferEnded
from appliance.site.model import Agent, Extension, Queue, Site
from tests.unit.center.hall import Hall, site


@pytest.fixture
def hall() -> Hall:
    hall = Hall()
    hall.log_in("aiko", "ben")
    return hall


def changes(hall: Hall) -> list[tuple[str, str, str, str]]:
    return [(event.agent, event.previous, event.state, event.cause) for event in hall.of(AgentStateChanged)]


def test_log_in_tells_status_then_state() -> None:
    hall = Hall()
    hall.do("set_status", "aiko", "available", "", "", "web:aiko")
    assert hall.new == [
        AgentStatusChanged(agent="aiko", status="available", by="web:aiko", extension="201"),
        AgentStateChanged(agent="aiko", state="idle", previous="logged-out", cause="login"),
    ]
    assert hall.center.agent_at("201") == "aiko"
    assert hall.center.agent_at("999") == ""
    found = hall.center.agent("aiko")
    assert found is not None
    assert (found.id, found.extension, found.registered) == ("aiko", "201", False)


def test_repeating_the_status_says_nothing(hall: Hall) -> None:
    for _ in range(2):
        hall.status("aiko", "available")
        assert hall.new == []
    hall.status("aiko", "logged-out")
    hall.status("aiko", "logged-out")
    assert hall.new == []


def test_a_break_with_another_reason_is_news(hall: Hall) -> None:
    hall.status("aiko", "break", "Lunch")
    hall.status("aiko", "break", "Training")
    assert hall.new == [AgentStatusChanged(agent="aiko", status="break", reason="Training", extension="201")]
    hall.status("aiko", "available", "whatever")
    assert hall.of(AgentStatusChanged)[0].reason == ""


def test_back_from_a_break_is_last_in_line(hall: Hall) -> None:
    hall.status("aiko", "break", "Lunch")
    hall.advance(600)
    hall.status("aiko", "available")
    assert hall.enter("c1") == ["ben"]


def test_a_break_chosen_during_a_call_takes_effect_after_wrap_up(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.status("aiko", "break", "Lunch")
    assert hall.new == [AgentStatusChanged(agent="aiko", status="break", reason="Lunch", extension="201")]
    assert hall.state("aiko") == "talking"
    hall.hang_up("c1", "aiko")
    assert hall.state("aiko") == "wrap-up"
    hall.advance(10)
    assert hall.state("aiko") == "idle"
    hall.enter("c2")
    assert hall.center.offered("c2") == ["ben"]


def test_a_break_chosen_during_wrap_up(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.hang_up("c1", "aiko")
    hall.status("aiko", "break", "Lunch")
    assert hall.state("aiko") == "wrap-up"
    hall.advance(10)
    agent = hall.center.agent("aiko")
    assert agent is not None
    assert (agent.status, agent.state, agent.ready) == ("break", "idle", False)


def test_logging_out_during_a_call_ends_it_without_wrap_up(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.status("aiko", "logged-out")
    assert hall.new == [AgentStatusChanged(agent="aiko", status="logged-out", extension="201")]
    hall.phone("aiko", "hold")
    assert hall.state("aiko") == "hold"
    hall.hang_up("c1", "aiko")
    assert changes(hall) == [("aiko", "hold", "logged-out", "logout")]
    agent = hall.center.agent("aiko")
    assert agent is not None
    assert (agent.extension, hall.center.agent_at("201")) == ("", "")


def test_logging_in_again_before_the_call_is_over_brings_the_wrap_up_back(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.status("aiko", "logged-out")
    hall.status("aiko", "available")
    assert changes(hall) == []
    hall.hang_up("c1", "aiko")
    assert changes(hall) == [("aiko", "talking", "wrap-up", "hangup")]


def test_logging_out_ends_wrap_up(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.hang_up("c1", "aiko")
    hall.status("aiko", "logged-out")
    assert changes(hall) == [("aiko", "wrap-up", "logged-out", "logout")]
    hall.advance(60)
    assert hall.new == []


def test_wrap_up_done_ends_wrap_up_early(hall: Hall) -> None:
    assert not hall.do("wrap_up_done", "aiko", "phone")
    hall.enter("c1")
    hall.answer("c1", "aiko")
    assert not hall.do("wrap_up_done", "aiko", "phone")
    hall.hang_up("c1", "aiko")
    assert hall.do("wrap_up_done", "aiko", "phone")
    assert changes(hall) == [("aiko", "wrap-up", "idle", "wrap-up-done")]
    hall.advance(60)
    assert hall.new == []


def test_no_wrap_up_when_none_is_configured() -> None:
    hall = Hall(site({"aiko": ("support",)}, Queue(id="support", wrap_up_seconds=0)))
    hall.log_in("aiko")
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.enter("c2")
    hall.do("talk_ended", "c1", "aiko")
    assert changes(hall) == [("aiko", "talking", "idle", "hangup")]
    assert hall.center.offered("c2") == [], "the phone still has its leg"
    hall.phone("aiko", "idle")
    assert hall.center.offered("c2") == ["aiko"]


@pytest.mark.parametrize("status", ["break", "logged-out"])
def test_whoever_leaves_while_ringing_gives_the_caller_to_the_next(hall: Hall, status: str) -> None:
    hall.enter("c1")
    hall.status("aiko", status)
    assert [event.outcome for event in hall.of(QueueOfferEnded)] == ["withdrawn"]
    assert hall.of(WithdrawOffer) == [WithdrawOffer(call="c1", queue="support", agent="aiko")]
    assert hall.center.offered("c1") == ["ben"]
    assert not hall.do("offer_answered", "c1", "aiko")


def test_own_calls_are_seen_as_talking_and_reset_idle_time(hall: Hall) -> None:
    hall.phone("aiko", "busy")
    assert changes(hall) == [], "dialling is not talking"
    hall.phone("aiko", "talking")
    assert changes(hall) == [("aiko", "idle", "talking", "own-call")]
    hall.phone("aiko", "hold")
    hall.phone("aiko", "talking")
    assert changes(hall) == [("aiko", "hold", "talking", "resume")]
    hall.phone("aiko", "idle")
    assert changes(hall) == [("aiko", "talking", "idle", "hangup")]
    assert hall.enter("c1") == ["ben"]


def test_an_own_call_in_wrap_up_shows_when_the_wrap_up_is_over(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.hang_up("c1", "aiko")
    hall.phone("aiko", "talking")
    assert hall.state("aiko") == "wrap-up"
    hall.advance(10)
    assert changes(hall) == [("aiko", "wrap-up", "idle", "wrap-up-over"), ("aiko", "idle", "talking", "own-call")]
    hall.phone("aiko", "idle")
    assert hall.state("aiko") == "idle"


def test_hold_of_a_queue_call(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.phone("aiko", "hold")
    assert hall.of(AgentStateChanged)[0].call == "c1"
    hall.hang_up("c1", "aiko")
    assert changes(hall) == [("aiko", "hold", "wrap-up", "hangup")]


def test_logging_in_at_a_phone_that_another_uses_logs_that_one_out(hall: Hall) -> None:
    hall.status("chie", "available", extension="201")
    assert hall.of(AgentStatusChanged) == [
        AgentStatusChanged(agent="aiko", status="logged-out", extension="201"),
        AgentStatusChanged(agent="chie", status="available", extension="201"),
    ]
    assert hall.center.agent_at("201") == "chie"
    hall.status("chie", "break")
    hall.status("chie", "available", extension="203")
    assert (hall.center.agent_at("201"), hall.center.agent_at("203")) == ("", "chie")


def test_a_phone_taken_over_in_a_call(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.status("chie", "available", extension="201")
    assert (hall.state("aiko"), hall.state("chie")) == ("talking", "talking")
    assert hall.center.agent_at("201") == "chie"
    hall.hang_up("c1", "aiko")
    assert (hall.state("aiko"), hall.state("chie")) == ("logged-out", "idle")


def test_moving_to_another_phone_withdraws_the_offer_and_is_refused_in_a_call(hall: Hall) -> None:
    hall.do("phone_registered", "204", True)
    hall.enter("c1")
    hall.status("aiko", "available", extension="204")
    assert hall.center.offered("c1") == ["ben"]
    hall.answer("c1", "ben")
    with pytest.raises(CommandError) as refused:
        hall.status("ben", "available", extension="205")
    assert refused.value.code == "in_call"
    hall.hang_up("c1", "ben")
    hall.status("ben", "break", "Lunch", extension="205")
    assert hall.state("ben") == "wrap-up"


@pytest.mark.parametrize(
    ("agent", "status", "extension", "code"),
    [
        ("nobody", "available", "", "unknown_agent"),
        ("aiko", "sleeping", "", "bad_status"),
        ("aiko", "available", "999", "unknown_extension"),
        ("dai", "available", "", "no_extension"),
    ],
)
def test_what_cannot_be_done_is_refused(agent: str, status: str, extension: str, code: str) -> None:
    agents = (Agent(id="aiko", number="1", extension="201"), Agent(id="dai", number="2"))
    hall = Hall(Site(extensions=(Extension(number="201"),), agents=agents))
    with pytest.raises(CommandError) as refused:
        hall.status(agent, status, extension=extension)
    assert refused.value.code == code
    assert hall.center.poll() is None


def test_words_that_the_exchange_must_not_use(hall: Hall) -> None:
    with pytest.raises(HakoError):
        hall.do("phone_activity", "201", "dancing")
    hall.enter("c1")
    with pytest.raises(HakoError):
        hall.do("offer_failed", "c1", "aiko", "withdrawn")


# --- restart ----------------------------------------------------------------------------------------------------------
def test_statuses_come_back_after_a_restart() -> None:
    hall = Hall()
    hall.do(
        "restore",
        [
            ("aiko", "available", "", "201"),
            ("ben", "break", "Lunch", "204"),
            ("chie", "logged-out", "", "203"),
            ("gone", "available", "", "201"),
        ],
    )
    assert hall.new == [
        AgentStateChanged(agent="aiko", state="idle", previous="logged-out", cause="restart"),
        AgentStateChanged(agent="ben", state="idle", previous="logged-out", cause="restart"),
    ]
    ben = hall.center.agent("ben")
    assert ben is not None
    assert (ben.status, ben.reason, ben.extension) == ("break", "Lunch", "204")
    hall.do("phone_registered", "201", True)
    assert hall.enter("c1") == ["aiko"]
    hall.status("aiko", "logged-out")
    assert hall.of(Redirect) == [], "ben is on break, logged in"


def test_a_status_that_cannot_come_back_is_told_as_logged_out() -> None:
    agents = (Agent(id="dai", number="1", queues=("support",)),)
    hall = Hall(Site(extensions=(Extension(number="201"),), agents=agents, queues=(Queue(id="support"),)))
    hall.do("restore", [("dai", "available", "", "777")])
    assert hall.new == [AgentStatusChanged(agent="dai", status="logged-out", by="system")]


def test_two_agents_restored_at_one_phone_leave_the_later_one() -> None:
    hall = Hall()
    hall.do("restore", [("aiko", "available", "", "201"), ("ben", "available", "", "201")])
    assert hall.center.agent_at("201") == "ben"
    assert (hall.state("aiko"), hall.state("ben")) == ("logged-out", "idle")
