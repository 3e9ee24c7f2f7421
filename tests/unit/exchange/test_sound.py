"""The loudspeaker and the line-in as the exchange drives them: rows of the desired table, events, who is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance import events as ev
from appliance.errors import CommandError
from appliance.exchange.audio import Link, Mix, Player, RtpPort
from appliance.exchange.sound import CardLink
from appliance.site.model import Hours, Site, Sound
from tests.sim.party import Plan
from tests.sim.phones import Phone
from tests.unit.exchange.office import Office, destination, inbound, short, site

SPEAKER, LINE_IN = CardLink(41000, 16000), CardLink(41002, 48000)


def sound_office(configured: Site | None = None, **sound: Any) -> Office:
    return Office(msgspec.structs.replace(configured or site(), sound=Sound(**sound)))


def plug(office: Office, direction: str = "output", link: CardLink | None = SPEAKER) -> int:
    number: int = office.box.do(lambda box, now: box.sound_linked(direction, link, now))
    office.run(0.1)
    return number


def close(office: Office) -> None:
    """The card is pulled out, and nothing may be left."""
    for direction in ("output", "input"):
        plug(office, direction, None)
    office.close()


def loudspeaker(office: Office) -> dict[str, float]:
    """What the loudspeaker hears, by name, with its gain."""
    rows = office.engine.rows
    ports = [row.id for row in rows.values() if isinstance(row, RtpPort) and row.remote == ("127.0.0.1", SPEAKER.port)]
    links: list[Link] = [
        link for mix in rows.values() if isinstance(mix, Mix) for link in mix.links if link.listener in ports
    ]
    heard: dict[str, float] = {}
    for link in links:
        row = rows[link.source]
        names = {short(file) for file in row.files} if isinstance(row, Player) else office._names(link.source)
        heard |= dict.fromkeys(names, link.gain)
    return heard


def waiting_office(hours: Hours | None = None, seconds: float = 15.0) -> Office:
    """A queue that rings the loudspeaker, one agent who does not answer."""
    plain = inbound("queue:support")
    queue = msgspec.structs.replace(
        plain.queues[0], loudspeaker_seconds=seconds, loudspeaker_hours=hours.id if hours else ""
    )
    office = Office(msgspec.structs.replace(plain, queues=(queue,), hours=(*plain.hours, *([hours] if hours else []))))
    office.desk("201", "forever")
    office.available("aiko")
    plug(office)
    return office


# --- paging ----------------------------------------------------------------------------------------------------------
def test_a_page_begins_with_a_chime_and_lasts_until_the_caller_hangs_up() -> None:
    office = sound_office()
    port = plug(office)
    assert port
    desk = office.desk("203")
    call = office.dials(desk, "*88")
    assert loudspeaker(office) == {"chime": 0.64}
    assert office.hears(call) == {"chime"}
    office.run(4.0)
    assert loudspeaker(office) == {"203": 0.64}
    assert office.hears(call) == set()
    assert office.exchange.sound().paging == "203"
    call.hang_up()
    office.run(0.5)
    assert loudspeaker(office) == {}
    assert [one.extension for one in office.told(ev.PageStarted)] == ["203"]
    assert [one.reason for one in office.told(ev.PageEnded)] == ["hung-up"]
    assert [one.kind for one in office.told(ev.CallStarted)] == ["service"]
    close(office)


def test_one_page_at_a_time_and_none_for_ever() -> None:
    office = sound_office(page_seconds=20)
    plug(office)
    first = office.dials(office.desk("203"), "*88")
    office.run(4.0)
    second = office.dials(office.desk("204"), "*88")
    assert office.hears(second) == {"busy"}
    assert loudspeaker(office) == {"203": 0.64}
    office.run(17.0)
    assert first.over
    office.run(5.0)
    third = office.dials(office.phones["204"][0], "*88")
    office.run(4.0)
    assert loudspeaker(office) == {"204": 0.64}
    third.hang_up()
    close(office)


def test_only_phones_that_may_do() -> None:
    office = sound_office(page_extensions=("203",))
    plug(office)
    refused = office.dials(office.desk("204"), "*88")
    assert office.hears(refused) == {"congestion"}
    office.dials(office.desk("203"), "*88")
    assert loudspeaker(office) == {"chime": 0.64}
    close(office)


def test_without_a_loudspeaker_the_caller_is_told() -> None:
    office = sound_office()
    call = office.dials(office.desk("203"), "*88")
    assert office.hears(call) == {"no-loudspeaker"}
    assert office.until(lambda: call.over, 10)
    close(office)


def test_a_loudspeaker_that_goes_away_ends_the_page_and_comes_back() -> None:
    office = sound_office()
    plug(office)
    call = office.dials(office.desk("203"), "*88")
    office.run(4.0)
    plug(office, link=None)
    office.run(1.0)
    assert call.over
    assert [one.reason for one in office.told(ev.PageEnded)] == ["no-loudspeaker"]
    plug(office)
    office.dials(office.phones["203"][0], "*88")
    office.run(4.0)
    assert loudspeaker(office) == {"203": 0.64}
    close(office)


def test_a_process_that_was_started_again_goes_on_with_the_page() -> None:
    office = sound_office()
    plug(office)
    call = office.dials(office.desk("203"), "*88")
    office.run(4.0)
    plug(office)
    assert loudspeaker(office) == {"203": 0.64}
    assert not call.over
    call.hang_up()
    close(office)


# --- music -----------------------------------------------------------------------------------------------------------
def test_the_line_in_is_heard_as_music_while_it_is_there() -> None:
    office = sound_office(music="line-in", input="auto")
    call = office.dials(office.desk("203"), "*44")
    assert office.hears(call) == {"music"}
    plug(office, "input", LINE_IN)
    assert office.hears(call) == {"somebody silent"}
    plug(office, "input", None)
    assert office.hears(call) == {"music"}
    call.hang_up()
    close(office)


def test_whoever_is_held_or_waits_hears_it_too_and_a_talk_is_left_alone() -> None:
    office = Office(msgspec.structs.replace(inbound("queue:support"), sound=Sound(music="line-in", input="auto")))
    plug(office, "input", LINE_IN)
    office.desk("201", after=20.0)
    office.available("aiko")
    waiting = office.comes_in()
    office.run(5.0)
    assert office.hears(waiting) == {"somebody silent"}
    desk = office.desk("203")
    office.desk("204")
    talk = office.dials(desk, "204")
    office.run(2.0)
    assert office.hears(talk) == {"204"}
    plug(office, "input", None)
    assert office.hears(talk) == {"204"}
    assert office.hears(waiting) == {"music"}
    waiting.hang_up()
    talk.hang_up()
    close(office)


def test_the_site_chooses_where_music_comes_from_while_people_hear_it() -> None:
    office = sound_office(input="auto")
    plug(office, "input", LINE_IN)
    call = office.dials(office.desk("203"), "*44")
    assert office.hears(call) == {"music"}
    chosen = msgspec.structs.replace(office.site, sound=Sound(music="line-in", input="auto"))
    office.box.do(lambda box, now: box.configure(chosen, now))
    office.run(0.1)
    assert office.hears(call) == {"somebody silent"}
    call.hang_up()
    close(office)


# --- ringing for who waits -------------------------------------------------------------------------------------------
def test_it_rings_while_a_caller_waits_too_long() -> None:
    office = waiting_office()
    first, second = office.comes_in(), office.comes_in()
    office.run(13.0)
    assert loudspeaker(office) == {}
    office.run(2.0)
    assert loudspeaker(office) == {"ring": 0.64}
    assert [one.waited for one in office.told(ev.LoudspeakerRang)] == [15.0]
    first.hang_up()
    office.run(1.0)
    assert loudspeaker(office) == {"ring": 0.64}, "the second one waits too"
    second.hang_up()
    office.run(1.0)
    assert loudspeaker(office) == {}
    assert len(office.told(ev.LoudspeakerRang)) == len(office.told(ev.LoudspeakerQuiet)) == 1
    close(office)


def test_it_is_quiet_when_the_caller_is_answered() -> None:
    office = waiting_office(seconds=3.0)
    office.comes_in()
    office.run(4.0)
    assert loudspeaker(office) == {"ring": 0.64}
    office.desk("202", after=1.0)
    office.available("ben")
    office.run(10.0)
    assert office.state("ben") == "talking"
    assert loudspeaker(office) == {}
    close(office)


@pytest.mark.parametrize(("openings", "rings"), [(("mon-sun 00:00-24:00",), True), ((), False)])
def test_it_rings_in_its_hours_only(openings: tuple[str, ...], rings: bool) -> None:
    quiet = Hours(id="day", open=openings, inside=destination("hangup"), outside=destination("hangup"))
    office = waiting_office(quiet)
    office.comes_in()
    office.run(16.0)
    assert loudspeaker(office) == ({"ring": 0.64} if rings else {})
    close(office)


def test_a_page_goes_before_the_ringing() -> None:
    office = waiting_office()
    office.comes_in()
    office.run(16.0)
    page = office.dials(office.desk("203"), "*88")
    office.run(4.0)
    assert loudspeaker(office) == {"203": 0.64}
    page.hang_up()
    office.run(0.5)
    assert loudspeaker(office) == {"ring": 0.64}
    close(office)


# --- listening -------------------------------------------------------------------------------------------------------
def talking(office: Office) -> tuple[Phone, Any, str]:
    desk = office.desk("203")
    office.desk("204")
    call = office.dials(desk, "204", Plan(patience=1000.0, talk=1000.0))
    office.run(2.0)
    return desk, call, office.exchange.calls()[0].id


def test_both_parties_of_a_call_are_heard_until_it_ends() -> None:
    office = sound_office(volume=100)
    plug(office)
    _, call, number = talking(office)
    office.box.do(lambda box, now: box.listen(number, "web:sv", now))
    office.run(0.1)
    assert loudspeaker(office) == {"203": 1.0, "204": 1.0}
    assert office.exchange.calls()[0].loudspeaker
    assert office.exchange.sound().listening_by == "web:sv"
    call.hang_up()
    office.run(1.0)
    assert loudspeaker(office) == {}
    assert [(one.call, one.by) for one in office.told(ev.ListeningStarted)] == [(number, "web:sv")]
    assert [(one.call, one.reason) for one in office.told(ev.ListeningStopped)] == [(number, "call-ended")]
    close(office)


def test_who_stopped_it_is_told() -> None:
    office = sound_office()
    plug(office)
    _, call, number = talking(office)
    office.box.do(lambda box, now: box.listen(number, "web:sv", now))
    office.box.do(lambda box, now: box.stop_listening("web:boss", now))
    office.box.do(lambda box, now: box.stop_listening("web:boss", now))
    office.run(0.1)
    assert loudspeaker(office) == {}
    assert [(one.by, one.reason) for one in office.told(ev.ListeningStopped)] == [("web:boss", "stopped")]
    call.hang_up()
    close(office)


def test_what_cannot_be_listened_to_is_said() -> None:
    office = sound_office()
    _, call, number = talking(office)

    def refused(call_id: str) -> str:
        with pytest.raises(CommandError) as error:
            office.box.do(lambda box, now: box.listen(call_id, "web:sv", now))
        return error.value.code

    assert refused(number) == "no_loudspeaker"
    plug(office)
    assert refused("nothing") == "not_found"
    call.hang_up()
    office.run(1.0)
    music = office.dials(office.phones["203"][0], "*44")
    assert refused(office.exchange.calls()[0].id) == "not_talking"
    music.hang_up()
    close(office)


def test_a_phone_that_may_listens_by_dial_code() -> None:
    office = sound_office(listen_extensions=("205",))
    plug(office)
    _, call, _ = talking(office)
    supervisor = office.desk("205")
    office.dials(supervisor, "*89203")
    assert set(loudspeaker(office)) == {"203", "204"}
    assert [one.by for one in office.told(ev.ListeningStarted)] == ["phone:205"]
    office.run(5.0)
    office.dials(supervisor, "*89")
    assert loudspeaker(office) == {}
    office.run(5.0)
    nobody = office.dials(supervisor, "*89206")
    assert office.hears(nobody) == {"no-conversation"}
    other = office.dials(office.desk("206"), f"*89{203}")
    assert office.hears(other) == {"congestion"}
    call.hang_up()
    close(office)


# --- test tone -------------------------------------------------------------------------------------------------------
def test_the_test_tone_plays_once_and_not_into_a_page() -> None:
    office = sound_office()
    with pytest.raises(CommandError):
        office.box.do(lambda box, now: box.sound_test(now))
    plug(office)
    office.box.do(lambda box, now: box.sound_test(now))
    office.run(0.1)
    assert set(loudspeaker(office)) == {"chime", "beep"}
    office.run(12.0)
    assert loudspeaker(office) == {}
    page = office.dials(office.desk("203"), "*88")
    with pytest.raises(CommandError) as error:
        office.box.do(lambda box, now: box.sound_test(now))
    assert error.value.code == "busy"
    page.hang_up()
    close(office)


def test_a_port_that_cannot_be_bound_is_given_up_for_another() -> None:
    office = sound_office()
    office.engine.port_failures = 1.0
    first = plug(office)
    assert loudspeaker(office) == {}
    assert not office.exchange.sound().loudspeaker, "its process is linked anew"
    office.engine.port_failures = 0.0
    assert plug(office) not in (0, first)
    call = office.dials(office.desk("203"), "*88")
    office.run(4.0)
    assert loudspeaker(office) == {"203": 0.64}
    call.hang_up()
    close(office)
