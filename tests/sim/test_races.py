"""Races that the simulator found, each as the few steps that make it; and sweeps over the instants around a race.

Every scenario ends with `close`: nothing may be left behind, and the invariants were looked at after every drain.
"""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.exchange import audio
from tests.sim.party import Plan
from tests.unit.exchange.office import Office, destination, inbound, site

AROUND = [-0.02, -0.006, -0.004, -0.003, -0.002, -0.001, 0.0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.02]
"""Seconds: a packet takes two milliseconds, a turn of the media engine one."""


def test_bye_of_a_callee_whose_answers_were_all_lost_ends_the_invite() -> None:
    """Its 200 never came; its BYE for want of an ACK is the only sign of the answer."""
    office = Office()
    caller, phone = office.desk("201"), office.desk("202", after=1.0)
    call = office.dials(caller, "202", Plan(patience=100.0))
    office.network.unheard.add(phone.address)
    office.run(32.3)
    office.network.unheard.clear()
    assert office.until(lambda: call.over, 30)
    assert not call.up
    office.close()


def test_a_call_may_end_while_its_answer_waits_for_a_prack() -> None:
    """The caller's PRACK of our 183 is lost: the 200 is not sent yet, and the callee hangs up again."""
    office = Office(inbound("number:0398765432"))
    office.reacts(office.alpha, "status", status=503, after=0.1, ring=None)
    office.reacts(office.gamma, early=True, ring=0.2, after=1.0, plan=Plan(talk=2.0))
    call = office.alpha.dial_in("0312345600", "0901111222", Plan(patience=100.0))
    office.run(0.25)
    office.network.unheard.add(office.alpha.address)
    office.run(5.0)
    office.network.unheard.clear()
    assert office.until(lambda: call.over, 60)
    assert office.exchange.failures == 0
    office.close()


def test_a_caller_who_neither_acknowledges_nor_speaks_is_no_error_of_ours() -> None:
    """Silence is noticed while the 200 still waits for its ACK: there is nothing to be probed yet."""
    office = Office(inbound("music"))
    office.alpha.dial_in("0312345600", "0901111222", Plan())
    office.run(0.003)
    office.network.unheard.add(office.alpha.address)
    office.media.clear()
    assert office.until(lambda: not office.exchange.calls(), 60)
    assert office.ending() == ("vanished", 27)
    office.network.unheard.clear()
    office.close()


@pytest.mark.parametrize("where", ["menu:main", "queue:support", "announcement:hello", "music", "extension:202"])
def test_a_box_without_a_free_rtp_port_refuses_and_keeps_nothing(where: str) -> None:
    office = Office(inbound(where), ports=range(10_000, 10_002))
    office.desk("202")
    office.available("aiko")
    first = office.dials(office.desk("201"), "*44")
    assert first.up
    second = office.comes_in()
    office.run(1.0)
    assert not second.up
    assert second.over
    code = office.dials(office.desk("203"), "*60")
    office.run(1.0)
    assert not code.up
    assert code.over
    first.hang_up()
    office.run(1.0)
    third = office.dials(office.desk("204"), "*44")
    assert third.up
    office.close()


def test_an_offer_without_an_rtp_port_is_unreachable_and_tried_again() -> None:
    office = Office(inbound("queue:support"), ports=range(10_000, 10_004))
    office.desk("201")
    holder = office.dials(office.desk("203"), "*44")
    call = office.comes_in()
    office.run(5.0)
    assert call.over, "nobody was logged in: the announcement, then the end"
    office.available("aiko")
    call = office.comes_in()
    office.run(1.0)
    assert [one.outcome for one in office.told(ev.QueueOfferEnded)] == ["unreachable"]
    holder.hang_up()
    office.run(20.0)
    assert office.hears(call) == {"201"}
    office.close()


def test_a_port_that_fails_before_the_answer_gives_every_port_back() -> None:
    office = Office()
    office.reacts(office.alpha, early=True, ring=0.2, after=10.0)
    call = office.dials(office.desk("201"), "0398765432")
    office.run(1.0)
    for row in [row for row in office.box.table.rows() if isinstance(row, audio.RtpPort)]:
        office.engine.report(audio.PortFailed(id=row.id, error="in use"))
    office.run(1.0)
    assert call.over
    assert office.box.table.ports_used == 0
    office.close()


def test_a_caller_leaves_the_queue_before_he_talks_and_before_his_call_ends() -> None:
    office = Office(inbound("queue:support"))
    office.desk("201", after=1.0)
    office.available("aiko")
    office.comes_in(plan=Plan(talk=5.0))
    office.run(10.0)
    order = [type(one.event).__name__ for one in office.box.story.events]
    assert order.index("QueueOfferEnded") < order.index("QueueLeft") < order.index("LegBridged")
    office.close()


# --- sweeps ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("delta", AROUND)
def test_an_agent_answers_about_when_the_offer_is_withdrawn(delta: float) -> None:
    office = Office(inbound("queue:support"))
    office.desk("201", after=10.0 + delta)
    office.desk("202", after=1.0)
    office.available("aiko", "ben")
    call = office.comes_in()
    office.run(15.0)
    assert call.up
    assert office.hears(call) in ({"201"}, {"202"})
    assert len(office.told(ev.LegBridged)) == 1
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_a_caller_hangs_up_about_when_the_agent_answers(delta: float) -> None:
    office = Office(inbound("queue:support"))
    office.desk("201", after=4.0, plan=Plan(talk=3.0))
    office.available("aiko")
    call = office.comes_in(plan=Plan(talk=4.0 + delta))
    office.run(20.0)
    assert call.over
    assert office.state("aiko") == "idle"
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_a_caller_gives_up_about_when_the_phone_answers(delta: float) -> None:
    office = Office()
    caller = office.desk("201")
    phone = office.desk("202", after=3.0)
    call = office.dials(caller, "202", Plan(patience=3.0 + delta, talk=2.0))
    office.run(10.0)
    assert call.over
    assert not phone.calls
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_both_sides_hang_up_at_about_the_same_instant(delta: float) -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", after=1.0, plan=Plan(talk=3.0 + delta))
    office.dials(caller, "202", Plan(talk=3.0))
    office.run(10.0)
    assert not office.exchange.calls()
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_both_sides_hold_at_about_the_same_instant(delta: float) -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", after=1.0, plan=Plan(talk=100.0, holds=[(3.0 + delta, 4.0, "sendonly")]))
    call = office.dials(caller, "202", Plan(talk=100.0, holds=[(3.0, 4.0, "sendonly")]))
    office.run(20.0)
    assert office.hears(call) == {"202"}
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_an_agent_logs_out_about_when_the_phone_answers(delta: float) -> None:
    office = Office(inbound("queue:support"))
    office.desk("201", after=3.0, plan=Plan(talk=2.0))
    office.available("aiko", "ben")
    office.clock.after(
        3.0 + delta,
        lambda: office.command(lambda box, now: box.set_agent_status("aiko", "logged-out", "", "test", now)),
    )
    office.comes_in(plan=Plan(talk=30.0))
    office.run(40.0)
    assert office.state("aiko") == "logged-out"
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_the_media_process_restarts_about_when_a_prompt_ends(delta: float) -> None:
    office = Office(inbound("announcement:hello"))
    office.engine.dice.uniform = lambda low, high: 2.0  # type: ignore[method-assign]
    office.clock.after(2.004 + delta, office.engine.restart)
    call = office.comes_in()
    assert office.until(lambda: call.over, 10), "played again from its beginning, and ended"
    office.close()


@pytest.mark.parametrize("delta", AROUND)
def test_the_site_changes_about_when_a_caller_leaves_the_menu(delta: float) -> None:
    office = Office(inbound("menu:main"))
    office.desk("201")
    office.available("aiko")
    bare = site(queues=(), agents=(), menus=())
    office.clock.after(1.004 + delta, lambda: office.box.do(lambda box, now: box.configure(bare, now)))
    call = office.comes_in(plan=Plan(talk=20.0, keys=[(1.0, "1")]))
    office.run(30.0)
    assert call.over
    office.close()


@pytest.mark.parametrize("first", ["support", "sales"])
def test_two_queues_overflow_into_each_other_and_end(first: str) -> None:
    plain = site()
    queue = plain.queues[0]
    queues = (
        msgspec.structs.replace(queue, overflow=destination("queue:sales")),
        msgspec.structs.replace(queue, id="sales", number="601", overflow=destination("queue:support")),
    )
    office = Office(inbound(f"queue:{first}", queues=queues))
    call = office.comes_in()
    assert office.until(lambda: call.over, 30)
    assert office.ending() == ("loop", 25)
    office.close()
