"""Desk to desk: who hears what, and how each call ends on both sides and in the record."""

from __future__ import annotations

import pytest

from appliance import events as ev
from appliance.sip.sdp import SessionDescription
from tests.sim.party import Plan
from tests.unit.exchange.office import LONG, Office, site


def test_two_desks_hear_each_other_and_either_hangs_up() -> None:
    office = Office()
    first, second = office.desk("201"), office.desk("202")
    call = office.dials(first, "202")
    assert call.progress == [180]
    office.run(2.0)
    assert call.up
    other = next(iter(second.calls.values()))
    assert office.hears(call) == {"202"}
    assert office.hears(other) == {"201"}
    other.hang_up()
    office.run(1.0)
    assert call.over
    assert office.ending() == ("answered", 16)
    office.close()


@pytest.mark.parametrize(
    ("reaction", "status", "heard", "ending"),
    [
        ({"kind": "status", "status": 486}, 486, "busy", ("busy", 17)),
        ({"kind": "status", "status": 600}, 486, "busy", ("busy", 17)),
        ({"kind": "status", "status": 603}, 603, "busy", ("rejected", 21)),
        ({"kind": "status", "status": 480}, 480, "no-answer", ("no-answer", 19)),
        ({"kind": "status", "status": 500}, 500, "failed", ("failed", 41)),
        ({"kind": "status", "status": 488}, 488, "congestion", ("no-codec", 88)),
        ({"kind": "forever"}, 480, "no-answer", ("no-answer", 19)),
        ({"kind": "refuse-sdp"}, 488, "congestion", ("no-codec", 88)),
    ],
)
def test_a_call_that_is_not_taken_says_why(
    reaction: dict[str, object], status: int, heard: str, ending: tuple[str, int]
) -> None:
    office = Office()
    caller = office.desk("201")
    phone = office.desk("202")
    office.reacts(phone, **reaction)  # type: ignore[arg-type]
    call = office.dials(caller, "202")
    assert office.until(lambda: bool(office.engine.played), 90)
    office.run(0.1)
    assert office.hears(call) == {heard}
    assert not call.up, "early media: nobody is charged for a tone"
    assert office.until(lambda: call.over, 30)
    assert (call.status, call.reason) == (status, ending[1])
    assert office.ending() == ending
    office.close()


@pytest.mark.parametrize(
    ("number", "status", "heard", "ending"),
    [
        ("203", 480, "not-registered", ("not-registered", 20)),
        ("999", 404, "wrong-number", ("wrong-number", 1)),
        ("0312345678", 503, "all-lines-busy", ("trunk-down", 38)),
    ],
)
def test_numbers_that_cannot_be_reached(number: str, status: int, heard: str, ending: tuple[str, int]) -> None:
    office = Office(site(trunks=()) if number.startswith("0") else site())
    call = office.dials(office.desk("201"), number)
    assert office.hears(call) == {heard}
    assert office.until(lambda: call.over, 30)
    assert call.status == status
    assert office.ending() == ending
    office.close()


def test_a_caller_who_gives_up_stops_the_ringing() -> None:
    office = Office()
    caller, phone = office.desk("201"), office.desk("202", "forever")
    call = office.dials(caller, "202", Plan(patience=5.0))
    assert len(phone.calls) == 1
    assert office.until(lambda: call.over, 10)
    office.run(1.0)
    assert not phone.calls
    assert call.status == 487
    assert office.ending() == ("cancelled", 16)
    office.close()


def test_a_caller_for_whom_no_audio_port_is_free_meets_a_full_box_and_not_a_wrong_codec() -> None:
    office = Office(ports=range(10_000, 10_002))
    first, second = office.dials(office.desk("201"), "*44"), office.dials(office.desk("202"), "*44")
    office.run(1.0)
    assert (first.up, second.status) == (True, 503)
    assert office.ending() == ("no-channel", 34)
    office.close()


def test_every_contact_rings_at_once_and_the_first_answer_stops_the_others() -> None:
    office = Office()
    caller = office.desk("201")
    slow, fast, deaf = office.desk("202", after=8.0), office.desk("202", after=2.0), office.desk("202", "forever")
    call = office.dials(caller, "202")
    assert [phone.incoming for phone in (slow, fast, deaf)] == [1, 1, 1]
    office.run(3.0)
    assert call.up
    assert [len(phone.calls) for phone in (slow, fast, deaf)] == [0, 1, 0]
    assert len(office.told(ev.LegStarted)) == 2, "several contacts are one leg"
    assert office.box.table.ports_used == 2
    office.close()


@pytest.mark.parametrize("place", [0, 1])
def test_each_contact_keeps_the_session_that_it_was_offered(place: int) -> None:
    office = Office()
    caller = office.desk("201")
    phones = [office.desk("202", "forever"), office.desk("202", "forever")]
    fast = phones[place]
    office.reacts(fast, after=2.0, plan=Plan(talk=1000.0, holds=[(2.0, 5.0, "sendonly")]))
    office.dials(caller, "202")
    office.run(3.0)
    (call,) = fast.calls.values()
    assert call.session is not None
    offered = SessionDescription.parse(call.session.remote_sdp or b"").origin
    office.run(3.0)
    answered = SessionDescription.parse(call.session.remote_sdp or b"").origin
    assert answered.session_id == offered.session_id
    assert answered.version == offered.version + 1
    office.close()


def test_one_busy_contact_does_not_end_the_ringing_of_the_other() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", "status", status=486, after=0.2)
    office.desk("202", after=3.0)
    call = office.dials(caller, "202")
    office.run(4.0)
    assert call.up
    office.close()


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_hold_plays_music_to_the_other_side_until_it_is_taken_back(direction: str) -> None:
    office = Office()
    caller = office.desk("201")
    plan = Plan(talk=1000.0, holds=[(2.0, 5.0, direction)])
    office.desk("202", plan=plan)
    call = office.dials(caller, "202")
    office.run(4.0)
    assert call.up
    assert office.hears(call) == {"music"}
    assert office.exchange.calls()[0].state == "held"
    office.run(5.0)
    assert office.hears(call) == {"202"}
    assert len(office.told(ev.LegHeld)) == len(office.told(ev.LegResumed)) == 1
    office.close()


def test_both_sides_may_hold() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", plan=Plan(talk=1000.0, holds=[(2.0, 10.0, "sendonly")]))
    call = office.dials(caller, "202", Plan(talk=1000.0, holds=[(4.0, 4.0, "sendonly")]))
    office.run(6.5)
    assert office.hears(call) == set(), "who holds hears nothing"
    office.run(3.5)
    assert office.hears(call) == {"music"}
    office.run(4.0)
    assert office.hears(call) == {"202"}
    office.close()


def test_a_forwarding_phone_sends_its_callers_through_the_dial_plan() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", "redirect", target="203")
    office.desk("203")
    call = office.dials(caller, "202")
    office.run(3.0)
    assert office.hears(call) == {"203"}
    office.close()


def test_a_phone_cannot_forward_to_a_dial_code() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", "redirect", target="*60")
    call = office.dials(caller, "202")
    assert office.until(lambda: call.over, 30)
    assert not call.up
    assert office.ending()[0] == "not-allowed"
    office.close()


def test_two_phones_that_forward_to_each_other_end_as_a_loop() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", "redirect", target="203", after=0.1)
    office.desk("203", "redirect", target="202", after=0.1)
    call = office.dials(caller, "202")
    assert office.until(lambda: call.over, 60)
    assert office.ending() == ("loop", 25)
    office.close()


def test_a_wrong_password_never_becomes_a_call() -> None:
    office = Office()
    phone = office.desk("201")
    call = phone.call("202", "201", LONG, secret="wrong")
    office.run(2.0)
    assert call.status == 401
    assert not office.told(ev.CallStarted)
    (refusal,) = office.exchange.context.phones.refusals
    assert (refusal.method, refusal.caller, office.exchange.context.phones.refused) == ("INVITE", "201", 1)
    office.close()


def test_nobody_calls_with_a_colleagues_number() -> None:
    office = Office()
    phone = office.desk("201")
    call = phone.call("202", "203", LONG, secret="secret-201")
    office.run(2.0)
    assert call.status in (401, 403)
    assert not office.told(ev.CallStarted)
    (refusal,) = office.exchange.context.phones.refusals
    assert (refusal.method, refusal.caller, office.exchange.context.phones.refused) == ("INVITE", "203", 1)
    office.close()


def test_a_phone_that_vanishes_in_mid_call_is_found_out() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", plan=Plan(talk=1000.0, vanish=5.0))
    call = office.dials(caller, "202")
    assert office.until(lambda: call.over, 120)
    assert office.ending() == ("vanished", 27)
    office.close()


def test_a_phone_that_is_only_silent_stays_in_its_call() -> None:
    office = Office()
    caller = office.desk("201")
    office.desk("202", plan=Plan(talk=200.0, mute=5.0))
    call = office.dials(caller, "202")
    office.run(150.0)
    assert call.up
    assert not call.over
    office.close()


def test_whoever_dials_the_own_number_finds_it_busy() -> None:
    office = Office()
    call = office.dials(office.desk("201"), "201")
    office.run(10.0)
    assert call.over and office.ending() == ("busy", 17)
    office.close()
