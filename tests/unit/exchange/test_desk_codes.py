"""What an agent does at a phone by dial code."""

from __future__ import annotations

import pytest

from appliance import events as ev
from tests.sim.party import Plan
from tests.sim.phones import Phone
from tests.unit.exchange.office import Office


def keyed(office: Office, phone: Phone, code: str, keys: str, *, by_info: bool = False) -> Plan:
    """Dials a code and keys digits, half a second apart."""
    plan = Plan(patience=60.0, talk=60.0, keys=[(0.5 * at + 0.3, key) for at, key in enumerate(keys)], by_info=by_info)
    call = office.dials(phone, code, plan)
    assert office.until(lambda: call.over, 60)
    return plan


@pytest.mark.parametrize("by_info", [False, True])
def test_an_agent_logs_in_with_number_and_pin_and_out_again(by_info: bool) -> None:
    office = Office()
    phone = office.desk("205")
    keyed(office, phone, "*60", "1#1111#", by_info=by_info)
    assert office.played()[-1] == "logged-in"
    (changed,) = office.told(ev.AgentStatusChanged)
    assert (changed.agent, changed.status, changed.extension, changed.by) == ("aiko", "available", "205", "phone")
    assert office.state("aiko") == "idle", "the call to the code is over"
    keyed(office, phone, "*60", "")
    assert office.played()[-1] == "logged-out"
    assert office.state("aiko") == "logged-out"
    office.close()


def test_three_wrong_pins_end_the_dialogue() -> None:
    office = Office()
    keyed(office, office.desk("205"), "*60", "1#9999#1#8888#1#7777#")
    assert office.played()[-1] == "wrong-pin"
    assert not office.told(ev.AgentStatusChanged)
    assert office.ending() == ("announcement", 16)
    office.close()


def test_whoever_tries_one_pin_after_the_other_has_to_wait_at_that_phone_alone() -> None:
    office = Office()
    phone, other = office.desk("205"), office.desk("206")
    for _ in range(11):
        keyed(office, phone, "*60", "1#9999#")
    began = office.clock.mono
    keyed(office, phone, "*60", "1#1111#")
    assert office.told(ev.AgentStatusChanged) and office.clock.mono - began > 30.0
    keyed(office, phone, "*60", "")
    began = office.clock.mono
    keyed(office, other, "*60", "1#1111#")
    assert office.played()[-1] == "logged-in" and office.clock.mono - began < 15.0
    office.close()


def test_whoever_hangs_up_while_the_pin_is_checked_changes_nothing() -> None:
    office = Office()
    office.box.pin_seconds = 5.0
    plan = Plan(talk=3.4, keys=[(0.5 * at + 0.3, key) for at, key in enumerate("1#1111")])
    phone = office.desk("205")
    call = office.dials(phone, "*60", plan)
    call.later(3.2, lambda: call.press("#"))
    assert office.until(lambda: call.over, 60)
    office.run(10.0)
    assert not office.told(ev.AgentStatusChanged)
    office.close()


@pytest.mark.parametrize(("code", "reason"), [("*61", ""), ("*611", "Lunch")])
def test_a_break_with_and_without_its_reason_and_back(code: str, reason: str) -> None:
    office = Office()
    phone = office.desk("201")
    office.available("aiko")
    keyed(office, phone, code, "")
    changed = office.told(ev.AgentStatusChanged)[-1]
    assert (changed.status, changed.reason) == ("break", reason)
    assert office.played()[-1] == "on-break"
    keyed(office, phone, "*62", "")
    assert office.told(ev.AgentStatusChanged)[-1].status == "available"
    assert office.played()[-1] == "available"
    office.close()


@pytest.mark.parametrize("code", ["*61", "*62", "*63"])
def test_nobody_logged_in_at_a_phone_is_told_so(code: str) -> None:
    office = Office()
    keyed(office, office.desk("205"), code, "")
    assert office.played() == ["not-agent"]
    office.close()


def test_wrap_up_is_ended_by_code() -> None:
    office = Office()
    phone = office.desk("201", plan=Plan(talk=2.0))
    desk = office.desk("203")
    office.available("aiko")
    office.dials(desk, "600")
    assert office.until(lambda: office.state("aiko") == "wrap-up", 10)
    office.dials(phone, "*63")
    assert office.state("aiko") == "idle"
    office.close()


@pytest.mark.parametrize(
    ("code", "heard"),
    [("*44", {"music"}), ("*43", {"201"}), ("*97", {"not-built"}), ("*31202", {"not-built"}), ("701", {"not-built"})],
)
def test_other_codes(code: str, heard: set[str]) -> None:
    office = Office()
    call = office.dials(office.desk("201"), code)
    assert office.hears(call) == heard
    assert office.told(ev.CallStarted)[0].kind == "service"
    call.hang_up()
    office.close()


def test_the_box_says_its_address() -> None:
    office = Office()
    call = office.dials(office.desk("201"), "*99")
    assert "address" in office.hears(call)
    assert office.until(lambda: call.over, 60)
    office.close()


def test_a_break_that_the_site_does_not_name_is_said_to_be_unknown() -> None:
    office = Office()
    desk = office.desk("201")
    office.available("aiko")
    office.dials(desk, "*619")
    assert office.played()[-1] == "unknown-break"
    assert next(one.status for one in office.exchange.agents() if one.id == "aiko") == "available"
    office.close()
