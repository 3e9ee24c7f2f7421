"""A caller, a queue and the agents' phones: who is offered, who never is, and where the caller goes otherwise."""

from __future__ import annotations

import pytest

from appliance import events as ev
from appliance.site.model import Agent, Queue
from tests.sim.party import Plan
from tests.unit.exchange.office import LONG, Office, destination, inbound, site


def waiting_office(**changes: object) -> Office:
    return Office(inbound("queue:support", **changes))


def test_the_whole_story_of_a_caller() -> None:
    office = waiting_office()
    aiko = office.desk("201", after=4.0)
    office.available("aiko")
    call = office.comes_in(plan=Plan(talk=30.0))
    assert office.hears(call) == {"position 1"}
    assert office.state("aiko") == "offered"
    assert aiko.incoming == 1
    office.run(3.0)
    assert office.hears(call) == {"music"}
    office.run(2.0)
    assert office.hears(call) == {"201"}
    assert office.state("aiko") == "talking"
    office.run(26.0)
    assert call.over
    assert office.state("aiko") == "wrap-up"
    office.run(5.0)
    assert office.state("aiko") == "idle"
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["answered"]
    assert office.ending() == ("answered", 16)
    office.close()


def test_places_in_the_queue_are_shown_as_they_are_not_as_they_were_told() -> None:
    office = waiting_office()
    office.desk("201", "forever")
    office.available("aiko")
    callers = [office.comes_in() for _ in range(3)]
    office.run(1.0)
    assert [call.position for call in office.exchange.calls()] == [1, 2, 3]
    callers[0].hang_up()
    office.run(0.5)
    assert [call.position for call in office.exchange.calls()] == [1, 2]
    office.close()


def test_the_one_idle_longest_is_first_and_who_does_not_answer_loses_the_caller() -> None:
    office = waiting_office()
    aiko, ben = office.desk("201", "forever"), office.desk("202", after=2.0)
    office.available("aiko", "ben")
    call = office.comes_in()
    assert (aiko.incoming, ben.incoming) == (1, 0)
    office.run(9.0)
    assert (aiko.incoming, ben.incoming) == (1, 0)
    office.run(4.0)
    assert not aiko.calls
    assert office.hears(call) == {"202"}
    assert [one.outcome for one in office.told(ev.QueueOfferEnded)] == ["no-answer", "answered"]
    assert office.state("aiko") == "idle"
    office.close()


@pytest.mark.parametrize(
    ("reaction", "outcome"),
    [
        ({"kind": "status", "status": 603}, "rejected"),
        ({"kind": "status", "status": 486}, "busy"),
        ({"kind": "status", "status": 500}, "unreachable"),
        ({"kind": "redirect", "target": "203"}, "rejected"),
        ({"kind": "refuse-sdp"}, "unreachable"),
    ],
)
def test_whoever_cannot_or_will_not_is_passed_over_at_once(reaction: dict[str, object], outcome: str) -> None:
    office = waiting_office()
    aiko, ben = office.desk("201"), office.desk("202", after=2.0)
    office.reacts(aiko, after=0.3, **reaction)  # type: ignore[arg-type]
    office.available("aiko", "ben")
    call = office.comes_in()
    office.run(1.0)
    assert ben.incoming == 1
    assert office.told(ev.QueueOfferEnded)[0].outcome == outcome
    office.run(2.0)
    assert office.hears(call) == {"202"}
    office.close()


@pytest.mark.parametrize("number", ["203", "*43", "*44", "0398765432", "999"])
def test_an_agent_on_any_call_is_never_offered(number: str) -> None:
    office = waiting_office()
    office.desk("203")
    aiko = office.desk("201")
    office.available("aiko")
    own = office.dials(aiko, number)
    office.comes_in()
    assert not own.over
    assert aiko.incoming == 0
    if not own.over:
        own.hang_up()
    office.run(10.0)
    assert aiko.incoming == 1
    office.close()


def test_an_agent_whose_phone_is_being_rung_is_never_offered() -> None:
    office = waiting_office()
    aiko, desk = office.desk("201", "forever"), office.desk("203")
    office.available("aiko")
    office.dials(desk, "201")
    office.comes_in()
    office.run(3.0)
    assert aiko.incoming == 1
    assert not office.told(ev.QueueOffered)
    office.close()


def test_an_agent_without_a_phone_is_never_offered_until_it_registers() -> None:
    office = waiting_office()
    office.available("aiko")
    call = office.comes_in()
    office.run(3.0)
    assert not office.told(ev.QueueOffered)
    aiko = office.desk("201")
    office.run(2.0)
    assert aiko.incoming == 1
    assert office.hears(call) == {"201"}
    office.close()


def test_with_nobody_logged_in_the_caller_goes_on_at_once() -> None:
    office = waiting_office()
    office.desk("201")
    call = office.comes_in()
    assert office.hears(call) == {"all busy"}
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["overflow"]
    assert office.until(lambda: call.over, 10)
    office.close()


def test_when_the_last_agent_logs_out_those_who_wait_go_on() -> None:
    office = waiting_office()
    office.available("aiko")
    call = office.comes_in()
    assert office.exchange.queues()[0].waiting == 1
    office.box.do(lambda box, now: box.set_agent_status("aiko", "logged-out", "", "test", now))
    office.run(0.1)
    assert office.hears(call) == {"all busy"}
    office.close()


def test_who_has_waited_too_long_goes_on() -> None:
    office = waiting_office()
    office.available("aiko")
    call = office.comes_in()
    office.run(59.0)
    assert office.hears(call) == {"music"}
    office.run(0.9)
    assert office.hears(call) == {"all busy"}
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["timeout"]
    office.close()


def test_who_hangs_up_while_waiting_has_abandoned() -> None:
    office = waiting_office()
    aiko = office.desk("201", "forever")
    office.available("aiko")
    call = office.comes_in(plan=Plan(talk=4.0))
    office.run(6.0)
    assert call.over
    assert not aiko.calls
    order = [type(one.event).__name__ for one in office.box.story.events]
    assert order.index("QueueLeft") < order.index("CallEnded")
    assert office.told(ev.QueueLeft)[0].outcome == "abandoned"
    assert office.ending() == ("abandoned", 16)
    assert office.state("aiko") == "idle"
    office.close()


def test_two_queues_that_want_one_agent_at_one_instant_get_him_once() -> None:
    queues = tuple(
        Queue(id=name, number=number, ring_seconds=10, wrap_up_seconds=0, overflow=destination("announcement:busy"))
        for name, number in (("support", "600"), ("sales", "601"))
    )
    agents = (Agent(id="aiko", number="1", extension="201", queues=("support", "sales")),)
    office = Office(site(queues=queues, agents=agents))
    aiko = office.desk("201", after=1.0, plan=Plan(talk=3.0))
    office.box.do(lambda box, now: box.set_agent_status("aiko", "break", "", "test", now))
    first, second = office.desk("203"), office.desk("204")
    calls = [first.dial("600", LONG), second.dial("601", LONG)]
    office.run(1.0)
    office.available("aiko")
    assert aiko.incoming == 1
    assert len(office.told(ev.QueueOffered)) == 1
    office.run(8.0)
    assert aiko.incoming == 2
    assert {one.queue for one in office.told(ev.QueueOffered)} == {"support", "sales"}
    assert sum(call.up for call in calls) == 2
    office.close()


def test_the_first_of_all_phones_takes_the_caller_and_the_others_stop() -> None:
    queue = Queue(id="support", number="600", strategy="ring-all", overflow=destination("announcement:busy"))
    office = waiting_office(queues=(queue,))
    aiko, ben = office.desk("201", after=8.0), office.desk("202", after=2.0)
    office.available("aiko", "ben")
    call = office.comes_in()
    assert (aiko.incoming, ben.incoming) == (1, 1)
    office.run(3.0)
    assert office.hears(call) == {"202"}
    assert not aiko.calls
    assert office.state("aiko") == "idle"
    office.close()


def test_hold_is_an_agents_state() -> None:
    office = waiting_office()
    office.desk("201", plan=Plan(talk=1000.0, holds=[(2.0, 4.0, "sendonly")]))
    office.available("aiko")
    call = office.comes_in()
    office.run(4.0)
    assert office.state("aiko") == "hold"
    assert office.hears(call) == {"music"}
    office.run(4.0)
    assert office.state("aiko") == "talking"
    office.close()


def test_a_vanished_agent_is_freed() -> None:
    office = waiting_office()
    office.desk("201", plan=Plan(talk=1000.0, vanish=3.0))
    office.available("aiko")
    call = office.comes_in()
    assert office.until(lambda: call.over, 120)
    assert office.ending() == ("vanished", 27)
    office.run(10.0)
    assert office.state("aiko") == "idle"
    office.close()


def test_waiting_callers_keep_their_queue_when_it_is_removed() -> None:
    office = waiting_office()
    office.desk("201", after=1.0)
    office.box.do(lambda box, now: box.set_agent_status("aiko", "break", "", "test", now))
    call = office.comes_in()
    office.box.do(lambda box, now: box.configure(inbound("queue:support", queues=()), now))
    office.available("aiko")
    office.run(3.0)
    assert office.hears(call) == {"201"}
    office.close()


def test_an_agent_who_calls_the_own_queue_is_never_his_own_caller() -> None:
    office = waiting_office()
    aiko = office.desk("201")
    office.available("aiko")
    alone = office.dials(aiko, "600")
    assert office.hears(alone) == {"all busy"}, "nobody else is there: the overflow at once"
    assert office.until(lambda: alone.over, 30)
    ben = office.desk("202", "forever")
    office.available("ben")
    office.run(1.0)
    call = office.dials(aiko, "600")
    office.run(1.0)
    assert ben.incoming == 1 and aiko.incoming == 0
    office.box.do(lambda box, now: box.set_agent_status("ben", "logged-out", "", "test", now))
    assert office.until(lambda: call.over, 30)
    assert office.played().count("all busy") == 2, "the last other one has left"
    office.close()


def test_a_waiting_caller_whom_a_supervisor_ends_has_not_abandoned() -> None:
    office = waiting_office()
    office.desk("201", "forever")
    office.available("aiko")
    office.comes_in()
    (waiting,) = office.exchange.calls()
    office.box.do(lambda box, now: box.hangup(waiting.id, now))
    office.run(1.0)
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["ended"]
    assert office.ending() == ("hung-up", 16)
    caller = office.comes_in()
    caller.hang_up()
    office.run(1.0)
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["ended", "abandoned"]
    office.close()


def test_since_when_is_not_known_of_who_never_logged_in() -> None:
    office = waiting_office()
    office.desk("201")
    office.available("aiko")
    aiko, ben = office.exchange.agents()
    assert aiko.since is not None and aiko.since.startswith("20") and ben.since is None
    office.close()


def test_the_ledger_says_who_ended_a_wrap_up() -> None:
    office = waiting_office()
    office.desk("201", plan=Plan(talk=2.0))
    office.available("aiko")
    office.comes_in()
    assert office.until(lambda: office.state("aiko") == "wrap-up", 30)
    office.box.do(lambda box, now: box.wrap_up_done("aiko", "web:sara", now))
    office.run(0.1)
    last = office.told(ev.AgentStateChanged)[-1]
    assert (last.state, last.cause, last.by) == ("idle", "wrap-up-done", "web:sara")
    office.close()
