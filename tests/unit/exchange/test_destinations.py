"""Where callers from outside can be sent, and what they hear there."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.site.model import Announcement
from tests.sim.party import Plan
from tests.unit.exchange.office import Office, destination, inbound, site

HOUR = 3600.0
"""The simulated clock starts on Tuesday, 24 November 2026, at 15:00 in Tokyo."""


@pytest.mark.parametrize(
    ("hours_later", "open_now"),
    [(0.0, True), (2.9, True), (3.1, False), (17.0, False), (24.0, False), (48.0, True), (-6.1, False)],
)
def test_hours_decide_between_inside_and_outside(hours_later: float, open_now: bool) -> None:
    office = Office(inbound("hours:office"))
    office.desk("203")
    office.clock.step_wall(hours_later * HOUR)
    call = office.comes_in()
    assert office.played() == ([] if open_now else ["all busy"])
    office.run(2.0)
    assert (office.hears(call) == {"203"}) == open_now
    office.close()


def test_an_announcement_is_answered_played_and_ended() -> None:
    office = Office(inbound("announcement:hello"))
    call = office.comes_in()
    assert call.up
    assert office.played() == ["hello"]
    assert office.until(lambda: call.over, 10)
    assert office.ending() == ("announcement", 16)
    office.close()


@pytest.mark.parametrize(
    ("where", "heard"),
    [("voicemail:201", "closed"), ("conference:1", "closed"), ("announcement:gone", "closed"), ("menu:gone", "closed")],
)
def test_what_is_not_there_says_so_and_is_never_silence(where: str, heard: str) -> None:
    office = Office(inbound(where))
    call = office.comes_in()
    assert office.hears(call) == {heard}
    assert office.until(lambda: call.over, 10)
    office.close()


def test_what_is_not_built_speaks_the_sites_own_closed_announcement() -> None:
    office = Office(inbound("voicemail:201", announcements=(Announcement(id="closed", text="we are closed"),)))
    call = office.comes_in()
    assert office.hears(call) == {"we are closed"}
    assert office.until(lambda: call.over, 10)
    assert office.ending() == ("closed", 16)
    office.close()


def test_a_site_without_words_of_its_own_says_that_the_agents_are_busy() -> None:
    office = Office(inbound("announcement:busy", announcements=()))
    assert office.hears(office.comes_in()) == {"agents-busy"}


def test_music_plays_until_the_caller_leaves() -> None:
    office = Office(inbound("music"))
    call = office.comes_in()
    office.run(300.0)
    assert office.hears(call) == {"music"}
    assert not call.over
    office.close()


def test_hangup_ends_a_call_that_was_never_answered() -> None:
    office = Office(inbound("hangup"))
    call = office.comes_in()
    assert call.status == 480
    assert office.ending() == ("closed", 16)
    office.close()


def test_a_group_rings_all_that_are_registered() -> None:
    office = Office(inbound("group:sales"))
    first, second = office.desk("203", after=6.0), office.desk("204", after=3.0)
    call = office.comes_in()
    assert [first.incoming, second.incoming] == [1, 1]
    office.run(4.0)
    assert office.hears(call) == {"204"}
    assert not first.calls
    office.close()


def test_a_group_is_given_up_when_its_time_is_over() -> None:
    office = Office(inbound("group:sales"))
    phone = office.desk("203", "forever")
    call = office.comes_in()
    office.run(19.0)
    assert not call.over
    assert office.until(lambda: call.over, 3)
    office.run(1.0)
    assert not phone.calls
    assert office.ending() == ("no-answer", 19)
    office.close()


def test_a_member_who_calls_his_own_group_is_not_rung() -> None:
    office = Office()
    caller = office.desk("203")
    other = office.desk("204")
    office.dials(caller, "610")
    assert (caller.incoming, other.incoming) == (0, 1)
    office.close()


@pytest.mark.parametrize("by_info", [False, True])
def test_a_menu_key_leads_on(by_info: bool) -> None:
    office = Office(inbound("menu:main"))
    office.desk("203")
    call = office.comes_in(plan=Plan(talk=60.0, keys=[(1.0, "2")], by_info=by_info))
    assert office.hears(call) == {"welcome"}
    office.run(3.0)
    assert office.hears(call) == {"203"}
    assert [(one.outcome, one.destination) for one in office.told(ev.MenuLeft)] == [("key", "extension:203")]
    office.close()


def test_a_caller_who_heard_the_whole_menu_hears_ringback_next() -> None:
    office = Office(inbound("menu:main"))
    office.desk("203", ring=None, after=5.0)
    call = office.comes_in(plan=Plan(talk=60.0, keys=[(4.0, "2")]))
    office.run(5.0)
    assert office.hears(call) == {"ringback"}, "the phone never said that it rings"
    office.close()


def test_a_menu_repeats_and_then_takes_its_default() -> None:
    office = Office(inbound("menu:main"))
    office.desk("206")
    call = office.comes_in(plan=Plan(talk=60.0, keys=[(1.0, "8")]))
    assert office.until(lambda: office.hears(call) == {"206"}, 30)
    assert office.played().count("welcome") == 2
    assert [one.outcome for one in office.told(ev.MenuLeft)] == ["default"]
    office.close()


def test_a_connected_caller_hears_why_it_does_not_go_on() -> None:
    office = Office(inbound("menu:main"))
    call = office.comes_in(plan=Plan(talk=60.0, keys=[(1.0, "2")]))
    assert office.until(lambda: office.hears(call) == {"not-registered"}, 3)
    assert office.until(lambda: call.over, 10)
    assert office.ending() == ("not-registered", 20)
    office.close()


def test_destinations_that_lead_in_a_circle_end_as_a_loop() -> None:
    plain = inbound("hours:office")
    circle = msgspec.structs.replace(plain.hours[0], inside=destination("hours:office"))
    office = Office(msgspec.structs.replace(plain, hours=(circle,)))
    call = office.comes_in()
    assert call.status == 483
    assert office.ending() == ("loop", 25)
    office.close()


def test_a_text_that_is_not_ready_is_a_beep_not_silence() -> None:
    plain = site()
    menu = msgspec.structs.replace(plain.menus[0], prompt="(not ready)")
    office = Office(inbound("menu:main", menus=(menu,)))
    call = office.comes_in()
    assert office.hears(call) == {"beep"}
    office.close()


def test_a_phone_of_a_group_that_forwards_is_replaced_by_whom_it_names() -> None:
    office = Office()
    office.desk("203", "redirect", target="206", after=0.2)
    office.desk("204", "forever")
    elsewhere = office.desk("206", after=2.0)
    call = office.dials(office.desk("201"), "610")
    office.run(1.0)
    assert elsewhere.incoming == 1
    office.run(3.0)
    assert office.hears(call) == {"206"}
    office.close()


def test_a_phone_of_a_group_may_forward_to_a_number_outside() -> None:
    office = Office()
    office.reacts(office.alpha, after=1.0)
    office.desk("203", "redirect", target="0398765432", after=0.2)
    office.desk("204", "forever")
    call = office.dials(office.desk("201"), "610")
    office.run(3.0)
    assert office.hears(call) == {"alpha"}
    office.close()


@pytest.mark.parametrize("target", ["600", "*60", "110", "204", "999"])
def test_the_others_of_a_group_ring_on_where_forwarding_leads_nowhere(target: str) -> None:
    office = Office()
    office.desk("203", "redirect", target=target, after=0.2)
    other = office.desk("204", after=3.0)
    call = office.dials(office.desk("201"), "610")
    office.run(5.0)
    assert other.incoming == 1 and office.hears(call) == {"204"}
    office.close()


def test_two_phones_of_a_group_that_forward_to_each_other_come_to_an_end() -> None:
    office = Office()
    office.desk("203", "redirect", target="206", after=0.2)
    office.desk("206", "redirect", target="203", after=0.2)
    office.desk("204", "status", status=486, after=1.0)
    call = office.dials(office.desk("201"), "610")
    assert office.until(lambda: call.over, 60)
    assert office.ending()[0] == "busy"
    office.close()
