"""Keys by telephone-event, tone and INFO: each press is one, and reaches whom it is for in that party's way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance import events as ev
from appliance.errors import CommandError
from appliance.exchange.audio import Detector, Digit, RtpPort
from appliance.site.model import Extension, Site
from tests.sim.party import Plan, TalkingCall
from tests.sim.phones import secret_of
from tests.unit.exchange.office import LONG, Office, inbound, site

TONES = Plan(patience=1000.0, talk=1000.0, events=False)


def of_trunk(configured: Site, **changes: Any) -> Site:
    first, *others = configured.trunks
    return msgspec.structs.replace(configured, trunks=(msgspec.structs.replace(first, **changes), *others))


def desk_by(number: str, dtmf: str) -> Site:
    """The office with another way of keys for one desk."""
    extensions = tuple(
        Extension(number=one.number, name=one.name, password=secret_of(one.number), dtmf=dtmf)
        if one.number == number
        else one
        for one in site().extensions
    )
    return site(extensions=extensions)


def port_of(office: Office, call: TalkingCall) -> RtpPort:
    return next(row for row in office.engine.rows.values() if isinstance(row, RtpPort) and row.remote == call.media)


def detectors(office: Office) -> list[Detector]:
    return [row for row in office.engine.rows.values() if isinstance(row, Detector)]


def press(call: TalkingCall, key: str, *, info: bool = False) -> None:
    call.plan.by_info = info
    call.press(key)
    call.plan.by_info = False


# --- into menus ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("plan", [LONG, TONES])
def test_a_menu_is_operated_by_events_and_by_tones(plan: Plan) -> None:
    office = Office(inbound("menu:main"))
    phone = office.desk("203")
    call = office.comes_in(plan=plan)
    office.run(1.0)
    press(call, "2")
    office.run(3.0)
    assert phone.incoming == 1
    assert office.hears(call) == {"203"}
    office.close()


@pytest.mark.parametrize(
    ("dtmf", "by", "understood"),
    [
        ("auto", "events", True),
        ("auto", "info", True),
        ("rfc4733", "events", True),
        ("rfc4733", "info", False),
        ("inband", "events", True),  # not offered, so that the carrier sends tones
        ("inband", "info", False),
        ("info", "events", False),
        ("info", "info", True),
    ],
)
def test_a_trunk_says_its_keys_in_the_way_that_is_set(dtmf: str, by: str, understood: bool) -> None:
    office = Office(of_trunk(inbound("menu:main"), dtmf=dtmf))
    phone = office.desk("203")
    call = office.comes_in()
    office.run(1.0)
    press(call, "2", info=by == "info")
    office.run(2.0)
    assert phone.incoming == int(understood)
    assert any(one.codec == "telephone-event" for one in port_of(office, call).receive) == (dtmf in ("auto", "rfc4733"))
    office.close()


def test_a_press_that_comes_twice_is_one() -> None:
    office = Office(inbound("menu:main"))
    call = office.comes_in(plan=TONES)
    office.run(1.0)
    for key in "99":  # no key of the menu: the prompt begins again for each
        press(call, key)
        press(call, key, info=True)
        office.run(0.3)
    assert [event.key for event in office.told(ev.MenuKey)] == ["9", "9"]
    office.close()


def test_only_who_may_press_tones_is_listened_to() -> None:
    office = Office(inbound("menu:main"))
    office.comes_in()
    office.run(1.0)
    assert not any(row.keys for row in detectors(office))
    call = office.comes_in(plan=TONES)
    office.run(1.0)
    assert [row.port for row in detectors(office) if row.keys] == [port_of(office, call).id]
    call.hang_up()
    office.run(0.5)
    assert not any(row.keys for row in detectors(office))
    office.close()


# --- to the other party -------------------------------------------------------------------------------------------
def talk(office: Office, caller: Plan = LONG, called: Plan = LONG) -> tuple[TalkingCall, TalkingCall]:
    """Desk 201 talks to desk 202."""
    phone = office.desk("202", plan=called)
    call = office.dials(office.desk("201"), "202", caller)
    office.run(2.0)
    return call, next(iter(phone.calls.values()))


def test_keys_by_info_go_on_as_events_or_tones() -> None:
    for plan in (LONG, TONES):
        office = Office()
        call, other = talk(office, called=plan)
        press(call, "7", info=True)
        office.run(0.2)
        row = port_of(office, other)
        assert (row.press, row.press_generation, row.press_tones) == ("7", 1, not plan.events)
        assert port_of(office, call).press == ""
        office.close()


def test_keys_pressed_in_one_moment_are_all_passed_on() -> None:
    office = Office()
    call, other = talk(office)
    press(call, "7", info=True)
    press(call, "8", info=True)
    office.run(0.2)
    row = port_of(office, other)
    assert (row.press, row.press_generation) == ("78", 2)
    office.close()


def test_keys_of_any_way_go_on_by_info_to_whom_wants_it() -> None:
    for plan in (LONG, TONES):
        office = Office(desk_by("202", "info"))
        call, other = talk(office, caller=plan)
        press(call, "#")
        office.run(0.2)
        assert other.infos == [b"Signal=#\r\nDuration=160\r\n"]
        office.close()


def test_tones_are_left_to_the_engine() -> None:
    office = Office()
    call, other = talk(office, caller=TONES)
    assert [row.port for row in detectors(office)] == [port_of(office, call).id]
    press(call, "5")
    office.run(0.2)
    assert port_of(office, other).press == ""
    office.close()


def test_two_parties_with_tones_need_nobody_between() -> None:
    office = Office()
    talk(office, TONES, TONES)
    assert not detectors(office)
    office.close()


# --- by command -----------------------------------------------------------------------------------------------------
def test_keys_are_sent_to_the_party_outside() -> None:
    office = Office()
    office.reacts(office.alpha)
    office.dials(office.desk("201"), "0312345678")
    office.run(3.0)
    (view,) = office.exchange.calls()
    outside = next(iter(office.alpha.calls.values()))
    office.box.do(lambda box, now: box.press_keys(view.id, "12#", "", "web:sue", now))
    office.run(0.1)
    assert port_of(office, outside).press == "12#"
    (told,) = office.told(ev.KeysSent)
    assert (told.count, told.by) == (3, "web:sue")
    assert "12#" not in str(told)
    office.close()


def test_keys_by_info_keep_their_order() -> None:
    office = Office(of_trunk(site(), dtmf="info"))
    office.reacts(office.alpha)
    office.dials(office.desk("201"), "0312345678")
    office.run(3.0)
    (view,) = office.exchange.calls()
    outside = next(iter(office.alpha.calls.values()))
    office.box.do(lambda box, now: box.press_keys(view.id, "123", "", "web:sue", now))
    office.run(1.0)
    assert [body[7:8] for body in outside.infos] == [b"1", b"2", b"3"]
    office.close()


def test_keys_for_nobody_are_refused() -> None:
    office = Office()
    office.desk("202", "forever")
    office.dials(office.desk("201"), "202")
    (view,) = office.exchange.calls()
    for call, leg in ((view.id, ""), (view.id, "nobody"), ("no-such-call", "")):
        with pytest.raises(CommandError):
            office.box.do(lambda box, now, call=call, leg=leg: box.press_keys(call, "1", leg, "test", now))
    office.close()


def test_a_key_of_a_port_that_is_gone_is_nobodys() -> None:
    office = Office()
    call, other = talk(office)
    row = port_of(office, call).id
    call.hang_up()
    office.run(0.5)
    office.engine.report(Digit(id=row, digit="1", milliseconds=100))
    office.run(0.5)
    assert other.over
    office.close()
