"""Another configuration while callers wait and agents work."""

from __future__ import annotations

import msgspec
import pytest

from appliance.center.decisions import Offer, Redirect, WithdrawOffer
from appliance.errors import CommandError
from appliance.events import AgentStateChanged, AgentStatusChanged
from appliance.site.model import Queue, Site
from tests.unit.center.hall import Hall, site

ALL = dict.fromkeys(("aiko", "ben"), ("support",))


def without(configuration: Site, agent: str) -> Site:
    kept = tuple(one for one in configuration.agents if one.id != agent)
    return msgspec.structs.replace(configuration, agents=kept)


@pytest.fixture
def hall() -> Hall:
    hall = Hall(site(ALL, Queue(id="support", ring_seconds=20, wrap_up_seconds=10)))
    hall.log_in("aiko", "ben")
    return hall


def test_the_same_configuration_changes_nothing(hall: Hall) -> None:
    hall.enter("c1")
    hall.do("configure", hall.site)
    assert hall.new == []
    assert hall.center.offered("c1") == ["aiko"]


def test_waiting_callers_keep_the_settings_of_their_entry(hall: Hall) -> None:
    hall.phone("aiko", "busy")
    hall.phone("ben", "busy")
    hall.enter("old")
    hall.do("configure", site(ALL, Queue(id="support", ring_seconds=5, wrap_up_seconds=60, max_wait_seconds=30)))
    hall.enter("new")
    hall.advance(30)
    assert [redirect.call for redirect in hall.of(Redirect)] == ["new"]
    hall.phone("aiko", "idle")
    assert [offer.ring_seconds for offer in hall.of(Offer)] == [20]
    hall.answer("old", "aiko")
    hall.hang_up("old", "aiko")
    hall.advance(10)
    assert hall.state("aiko") == "idle"


def test_a_removed_agent_is_logged_out_and_the_offer_withdrawn(hall: Hall) -> None:
    hall.enter("c1")
    hall.do("configure", without(hall.site, "aiko"))
    assert hall.of(WithdrawOffer) == [WithdrawOffer(call="c1", queue="support", agent="aiko")]
    assert AgentStatusChanged(agent="aiko", status="logged-out", by="system", extension="201") in hall.new
    assert hall.center.offered("c1") == ["ben"]
    assert hall.center.agent("aiko") is None
    with pytest.raises(CommandError):
        hall.status("aiko", "available")


def test_a_removed_agent_finishes_the_call(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.do("configure", without(hall.site, "aiko"))
    assert hall.of(AgentStateChanged) == []
    assert [agent.id for agent in hall.center.agents()] == ["ben"]
    hall.hang_up("c1", "aiko")
    assert [event.state for event in hall.of(AgentStateChanged)] == ["logged-out"]
    hall.do("configure", hall.site)
    hall.status("aiko", "available")
    assert hall.state("aiko") == "idle"


def test_an_agent_removed_and_put_back_during_a_call(hall: Hall) -> None:
    hall.enter("c1")
    hall.answer("c1", "aiko")
    hall.do("configure", without(hall.site, "aiko"))
    hall.do("configure", hall.site)
    hall.hang_up("c1", "aiko")
    assert hall.state("aiko") == "logged-out"
    assert hall.center.agent("aiko") is not None


def test_the_last_agent_removed_overflows_those_who_wait(hall: Hall) -> None:
    hall.enter("c1")
    hall.do("configure", msgspec.structs.replace(hall.site, agents=()))
    assert [redirect.outcome for redirect in hall.of(Redirect)] == ["overflow"]


def test_a_removed_queue_takes_nobody_in_and_serves_those_who_wait(hall: Hall) -> None:
    hall.phone("aiko", "busy")
    hall.phone("ben", "busy")
    hall.enter("c1")
    hall.do("configure", site({"aiko": ("sales",), "ben": ("sales",)}, Queue(id="sales")))
    assert hall.of(Redirect) == []
    with pytest.raises(CommandError):
        hall.enter("c2", "support")
    assert [queue.id for queue in hall.center.queues()] == ["sales", "support"]
    hall.phone("ben", "idle")
    assert hall.center.offered("c1") == ["ben"]
    hall.answer("c1", "ben")
    assert [queue.id for queue in hall.center.queues()] == ["sales"]
    hall.hang_up("c1", "ben")
    assert hall.state("ben") == "wrap-up"
    hall.advance(10)
    assert hall.enter("c3", "sales") == ["ben"]


def test_a_queue_that_comes_back_while_its_callers_wait(hall: Hall) -> None:
    hall.phone("aiko", "busy")
    hall.phone("ben", "busy")
    hall.enter("c1")
    hall.do("configure", site({"aiko": (), "ben": ()}, Queue(id="sales")))
    hall.do("configure", hall.site)
    hall.enter("c2")
    assert hall.center.position("c2") == 2
    hall.phone("aiko", "idle")
    assert hall.center.offered("c1") == ["aiko"]


def test_who_serves_a_queue_follows_the_configuration_at_once(hall: Hall) -> None:
    hall.phone("aiko", "busy")
    hall.phone("ben", "busy")
    hall.enter("c1")
    hall.do("configure", site({"aiko": ("support",), "ben": (), "chie": ("support",)}))
    hall.phone("ben", "idle")
    assert hall.center.offered("c1") == []
    hall.log_in("chie")
    assert hall.center.offered("c1") == ["chie"]


def test_a_removed_phone_logs_its_agent_out(hall: Hall) -> None:
    gone = tuple(extension for extension in hall.site.extensions if extension.number != "201")
    hall.do("configure", msgspec.structs.replace(hall.site, extensions=gone))
    assert [event.agent for event in hall.of(AgentStatusChanged)] == ["aiko"]
    with pytest.raises(CommandError):
        hall.status("aiko", "available")
    hall.status("aiko", "available", extension="204")
    assert hall.center.agent_at("204") == "aiko"


def test_an_agent_joins_another_queue_while_ready(hall: Hall) -> None:
    queues = Queue(id="support"), Queue(id="sales")
    hall.do("configure", site({"aiko": ("support", "sales"), "ben": ("support",)}, *queues))
    assert hall.enter("c1", "sales") == ["aiko"]


def test_an_agent_taken_out_of_a_queue_may_still_answer_what_rings(hall: Hall) -> None:
    hall.status("ben", "logged-out")
    hall.enter("c1")
    hall.do("configure", site({"aiko": (), "ben": ("support",)}))
    assert hall.new == []
    assert hall.center.offered("c1") == ["aiko"]
    hall.advance(20)
    assert [redirect.outcome for redirect in hall.of(Redirect)] == ["overflow"], "and then nobody is left"
