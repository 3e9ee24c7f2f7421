"""Fax machines that call, and who answers a call that the box made."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.exchange.audio import Detector
from appliance.site.model import NOWHERE, AnsweringMachine, Destination, Site
from tests.sim.party import TalkingCall
from tests.unit.exchange.office import Office, inbound, site

FAX = Destination(kind="extension", target="204")


def with_fax(text: str, fax: Destination = FAX) -> Site:
    configured = inbound(text)
    first, *others = configured.trunks
    return msgspec.structs.replace(configured, trunks=(msgspec.structs.replace(first, fax=fax), *others))


def heard(office: Office) -> list[tuple[str, str]]:
    return [(event.tone, event.to) for event in office.told(ev.FaxDetected)]


def listening(office: Office) -> list[Detector]:
    return [row for row in office.engine.rows.values() if isinstance(row, Detector)]


# --- fax ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("place", ["menu:main", "queue:support", "music"])
def test_a_fax_goes_where_fax_goes(place: str) -> None:
    office = Office(with_fax(place))
    machine, agent = office.desk("204"), office.desk("201", "forever")
    office.available("aiko")
    call = office.comes_in()
    office.run(1.5)
    assert office.engine.tone(call.media, "cng")
    office.run(3.0)
    assert heard(office) == [("cng", "extension:204")]
    assert machine.incoming == 1 and office.hears(call) == {"204"}
    assert office.exchange.calls()[0].fax
    assert not agent.calls, "the agent's phone rings no more"
    office.close()


def test_a_fax_whom_a_person_answered_stays_and_the_record_says_so() -> None:
    office = Office(with_fax("extension:203"))
    machine = office.desk("204")
    office.desk("203")
    call = office.comes_in()
    office.run(2.0)
    assert office.engine.tone(call.media, "cng")
    office.run(2.0)
    assert heard(office) == [("cng", "")] and machine.incoming == 0
    assert office.hears(call) == {"203"}
    assert not listening(office), "once is enough"
    office.close()


def test_without_a_place_for_fax_the_caller_stays_where_he_is() -> None:
    office = Office(with_fax("menu:main", NOWHERE))
    call = office.comes_in()
    office.run(1.0)
    assert office.engine.tone(call.media, "cng")
    office.run(0.5)
    assert heard(office) == [("cng", "")]
    assert office.exchange.calls()[0].state == "menu"
    office.close()


def test_after_a_minute_nobody_listens_for_fax_any_more() -> None:
    office = Office(with_fax("music"))
    call = office.comes_in()
    office.run(50.0)
    assert listening(office)
    office.run(15.0)
    office.engine.stats(call.media)
    office.run(0.1)
    assert not listening(office)
    assert not office.engine.tone(call.media, "cng")
    office.close()


def test_calls_between_two_carriers_are_not_listened_to() -> None:
    office = Office(inbound("number:0398765432"))
    office.reacts(office.alpha)
    office.comes_in()
    office.run(3.0)
    assert office.exchange.calls()[0].state == "talking"
    assert not listening(office)
    office.close()


# --- answering machines ---------------------------------------------------------------------------------------------
def dialled(office: Office, judged: bool = True) -> TalkingCall:
    """Desk 201 clicks on a number outside, which is answered."""
    office.reacts(office.alpha)
    office.desk("201")
    office.box.do(lambda box, now: box.originate("201", "0312345678", now, answering_machine=judged))
    assert office.until(lambda: any(view.state == "talking" for view in office.exchange.calls()), 20)
    office.run(0.05)
    return next(iter(office.alpha.calls.values()))


def says(office: Office, call: TalkingCall, *edges: float) -> None:
    """Speech begins, ends, begins … at these seconds."""
    at = 0.0
    for number, edge in enumerate(edges):
        office.run(edge - at)
        at = edge
        assert office.engine.speech(call.media, number % 2 == 0, edge)


def test_a_person_who_says_hello_and_waits() -> None:
    office = Office()
    call = dialled(office)
    (view,) = office.exchange.calls()
    assert view.judging and not view.answered_by
    says(office, call, 0.4, 0.9)
    office.run(1.0)
    (told,) = office.told(ev.AnsweredBy)
    assert (told.result, told.cause, told.words) == ("human", "after-greeting-silence", 1)
    (view,) = office.exchange.calls()
    assert (view.answered_by, view.answered_cause, view.judging) == ("human", "after-greeting-silence", False)
    assert not listening(office)
    office.close()


def test_a_machine_that_talks_on_and_beeps() -> None:
    office = Office()
    call = dialled(office)
    says(office, call, 0.3, 1.6, 1.8, 3.0)
    assert [one.result for one in office.told(ev.AnsweredBy)] == ["machine"]
    assert office.engine.tone(call.media, "beep")
    office.run(0.1)
    assert [one.cause for one in office.told(ev.GreetingEnded)] == ["beep"]
    assert not listening(office)
    assert not call.over
    office.close()


@pytest.mark.parametrize(
    ("setting", "said", "before", "after"),
    [
        ({"initial_silence_seconds": 1.0}, (), ("unknown", "initial-silence"), ("unknown", "initial-silence")),
        ({"greeting_seconds": 0.5}, (0.3, 1.2), ("human", "after-greeting-silence"), ("machine", "greeting")),
        ({"greeting_seconds": 6.0, "total_seconds": 9.0}, (0.3, 3.9), ("machine", "greeting"),
         ("human", "after-greeting-silence")),
        ({"after_greeting_silence_seconds": 6.0}, (0.3, 0.8), ("human", "after-greeting-silence"),
         ("unknown", "total")),
        ({"total_seconds": 1.0}, (0.3, 0.8), ("human", "after-greeting-silence"), ("unknown", "total")),
        ({"minimum_word_seconds": 0.7}, (0.3, 0.8), ("human", "after-greeting-silence"),
         ("unknown", "initial-silence")),
        ({"maximum_words": 1}, (0.3, 0.5, 0.7, 0.9), ("human", "after-greeting-silence"), ("machine", "words")),
    ],
)  # fmt: skip
def test_each_setting_of_the_site_file_is_obeyed(
    setting: dict[str, float], said: tuple[float, ...], before: tuple[str, str], after: tuple[str, str]
) -> None:
    for settings, expected in ((AnsweringMachine(), before), (AnsweringMachine(**setting), after)):  # type: ignore[arg-type]
        office = Office(msgspec.structs.replace(site(), answering_machine=settings))
        call = dialled(office)
        says(office, call, *said)
        office.run(10.0)
        (told,) = office.told(ev.AnsweredBy)
        assert (told.result, told.cause) == expected
        if not said:
            assert told.seconds == (settings.initial_silence_seconds or 2.5)
        office.close()


def test_the_silence_between_words_is_the_detectors() -> None:
    settings = AnsweringMachine(between_words_seconds=0.2)
    office = Office(msgspec.structs.replace(site(), answering_machine=settings))
    dialled(office)
    assert [row.hangover for row in listening(office)] == [200]
    office.close()


def test_a_fax_that_answers() -> None:
    office = Office()
    call = dialled(office)
    assert office.engine.tone(call.media, "ced")
    office.run(0.1)
    assert [(one.result, one.cause) for one in office.told(ev.AnsweredBy)] == [("machine", "fax")]
    assert heard(office) == [("ced", "")]
    office.close()


def test_who_hangs_up_first_is_not_judged() -> None:
    office = Office()
    call = dialled(office)
    call.hang_up()
    office.run(20.0)
    assert not office.told(ev.AnsweredBy)
    office.close()


def test_nobody_is_judged_unless_asked() -> None:
    office = Office()
    call = dialled(office, judged=False)
    assert not office.engine.speech(call.media, True, 0.1)
    office.run(20.0)
    assert not office.told(ev.AnsweredBy)
    office.close()


def test_the_verdict_of_a_restarted_engine_is_unknown_and_the_call_goes_on() -> None:
    office = Office(site())
    call = dialled(office)
    office.engine.restart()
    office.run(10.0)
    assert [one.result for one in office.told(ev.AnsweredBy)] == ["unknown"]
    assert not call.over
    office.close()
