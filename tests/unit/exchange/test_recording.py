"""Which calls are recorded, which side is which, and when the tape stands still."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.clock import Instant
from appliance.errors import CommandError
from appliance.exchange import audio
from appliance.sip import events as sip
from appliance.sip.message import Request, Response
from appliance.site.model import SiteInfo
from tests.sim.party import Plan
from tests.unit.exchange.office import Office, inbound


def ruled(where: str, of_site: str, of_desk: str, of_queue: str) -> Office:
    plain = inbound(where)
    return Office(
        msgspec.structs.replace(
            plain,
            site=SiteInfo(language="en", timezone="Asia/Tokyo", record=of_site),
            extensions=tuple(msgspec.structs.replace(one, record=of_desk) for one in plain.extensions),
            queues=tuple(msgspec.structs.replace(one, record=of_queue) for one in plain.queues),
        )
    )


@pytest.mark.parametrize(
    ("where", "of_site", "of_desk", "of_queue", "recorded"),
    [
        ("extension:201", "always", "", "", True),
        ("extension:201", "never", "", "", False),
        ("extension:201", "never", "always", "", True),
        ("extension:201", "always", "never", "", False),
        ("queue:support", "never", "never", "always", True),
        ("queue:support", "always", "always", "never", False),
        ("queue:support", "always", "", "", True),
        ("queue:support", "always", "", "on-demand", False),
    ],
)
def test_the_queues_rule_goes_before_the_desks_before_the_sites(
    where: str, of_site: str, of_desk: str, of_queue: str, recorded: bool
) -> None:
    office = ruled(where, of_site, of_desk, of_queue)
    office.desk("201")
    office.available("aiko")
    office.comes_in()
    office.run(3.0)
    assert bool(office.recorders()) == recorded
    assert bool(office.told(ev.RecordingStarted)) == recorded
    office.close()


def test_left_is_the_outside_party_and_right_the_desk() -> None:
    office = ruled("extension:201", "always", "", "")
    office.desk("201")
    call = office.comes_in()
    office.run(3.0)
    (recorder,) = office.recorders()
    left = office.engine.rows[recorder.left]
    right = office.engine.rows[recorder.right[0]]
    assert isinstance(left, audio.RtpPort)
    assert isinstance(right, audio.RtpPort)
    assert left.remote == call.media
    assert right.remote in {one.media for one in office.phones["201"][0].calls.values()}
    assert recorder.path.startswith("/recordings/2026/11/24/")
    assert recorder.running
    office.close()


def test_a_caller_on_hold_is_not_recorded() -> None:
    office = ruled("extension:201", "always", "", "")
    office.desk("201", plan=Plan(talk=20.0, holds=[(5.0, 10.0, "sendonly")]))
    office.comes_in()
    office.run(8.0)
    assert not office.recorders()[0].running
    office.run(10.0)
    assert office.recorders()[0].running
    assert office.until(lambda: bool(office.told(ev.RecordingStopped)), 30)
    (stopped,) = office.told(ev.RecordingStopped)
    assert stopped.seconds == pytest.approx(10.0, abs=0.2)
    assert stopped.reason == "ended"
    office.close()


def test_a_full_disk_ends_the_recording_and_not_the_call() -> None:
    office = ruled("extension:201", "always", "", "")
    office.desk("201")
    office.engine.disk_full = 1.0
    call = office.comes_in()
    office.run(15.0)
    assert office.hears(call) == {"201"}
    (stopped,) = office.told(ev.RecordingStopped)
    assert (stopped.reason, stopped.error) == ("disk-full", "no space left")
    office.close()


def test_nothing_is_recorded_before_the_conversation() -> None:
    office = ruled("queue:support", "always", "", "")
    office.desk("201", "forever")
    office.available("aiko")
    office.comes_in()
    office.run(5.0)
    assert not office.told(ev.RecordingStarted)
    office.close()


def asked(office: Office, action: str, *, limited: bool = False) -> str:
    """Somebody asks on the page; the code of the refusal, empty: done."""
    (call,) = office.box.exchange.context.calls
    try:
        office.box.do(lambda box, now: box.record(call, action, "web:mei", limited, now))
    except CommandError as error:
        return error.code
    finally:
        office.run(0.1)
    return ""


def test_on_demand_somebody_starts_and_stops_it() -> None:
    office = ruled("extension:201", "on-demand", "", "")
    office.desk("201")
    office.comes_in()
    office.run(3.0)
    assert not office.recorders() and office.box.exchange.calls()[0].record == "on-demand"
    assert asked(office, "start", limited=True) == ""
    assert office.recorders()[0].running and office.box.exchange.calls()[0].recording
    office.run(9.9)
    assert asked(office, "stop", limited=True) == ""
    office.run(5.0)
    assert not office.recorders()[0].running and not office.recorders()[0].silent
    assert asked(office, "start") == "" and len(office.told(ev.RecordingStarted)) == 1, "in the same file"
    office.run(4.9)
    office.box.do(lambda box, now: box.shut_down(now))
    office.run(1.0)
    (stopped,) = office.told(ev.RecordingStopped)
    assert stopped.seconds == pytest.approx(15.0, abs=0.2)
    (paused,), (resumed,) = office.told(ev.RecordingPaused), office.told(ev.RecordingResumed)
    assert (paused.how, paused.by) == ("stop", "web:mei")
    assert paused.offset == resumed.offset == pytest.approx(10.0, abs=0.2)
    office.close()


@pytest.mark.parametrize(("policy", "seconds"), [("silence", 16.0), ("cut", 11.0)])
def test_a_pause_is_silence_or_a_cut_as_the_site_says(policy: str, seconds: float) -> None:
    plain = ruled("extension:201", "always", "", "")
    site = plain.box.exchange.context.site
    info = msgspec.structs.replace(site.site, record_pause=policy)
    office = Office(msgspec.structs.replace(site, site=info))
    office.desk("201")
    office.comes_in()
    office.run(3.0)
    talking = 3.0 - 1.0
    assert asked(office, "pause", limited=True) == ""
    assert asked(office, "pause", limited=True) == "", "what is so already stays so"
    row = office.recorders()[0]
    assert (row.running, row.silent) == (False, policy == "silence")
    view = office.box.exchange.calls()[0]
    assert view.recording_paused and not view.recording
    office.run(4.8)
    assert asked(office, "resume", limited=True) == ""
    assert office.recorders()[0].running
    office.run(9.0)
    office.box.do(lambda box, now: box.shut_down(now))
    office.run(1.0)
    (stopped,) = office.told(ev.RecordingStopped)
    (paused,), (resumed,) = office.told(ev.RecordingPaused), office.told(ev.RecordingResumed)
    assert (paused.how, paused.offset) == (policy, pytest.approx(talking, abs=0.5))
    assert resumed.offset - paused.offset == pytest.approx(5.0 if policy == "silence" else 0.0, abs=0.2)
    assert stopped.seconds == pytest.approx(seconds, abs=0.5)
    office.close()
    plain.close()


def test_who_pauses_before_the_conversation_has_nothing_of_it_kept() -> None:
    office = ruled("queue:support", "always", "", "")
    office.desk("201", after=3.0)
    office.available("aiko")
    office.comes_in()
    office.run(1.0)
    assert asked(office, "pause") == ""
    office.run(4.0)
    assert office.recorders()[0].silent and office.told(ev.RecordingPaused)[0].offset == 0.0
    assert asked(office, "resume") == ""
    assert office.recorders()[0].running
    office.close()


def test_what_the_rule_forbids_is_refused_with_its_reason() -> None:
    office = ruled("extension:201", "always", "", "")
    office.desk("201")
    office.comes_in()
    office.run(3.0)
    assert asked(office, "stop", limited=True) == "forbidden"
    assert asked(office, "erase") == "invalid"
    assert office.recorders()[0].running
    assert asked(office, "stop") == "" and not office.recorders()[0].running, "a supervisor may"
    office.close()
    office = ruled("extension:201", "always", "never", "")
    office.desk("201")
    office.comes_in()
    office.run(3.0)
    assert asked(office, "start") == "recording_off"
    office.close()


def test_a_call_keeps_the_rule_it_began_with() -> None:
    office = ruled("extension:201", "always", "", "")
    site = office.box.exchange.context.site
    office.desk("201", after=2.0)
    office.comes_in()
    never = msgspec.structs.replace(site, site=msgspec.structs.replace(site.site, record="never"))
    office.box.do(lambda box, now: box.configure(never, now))
    office.run(4.0)
    assert office.recorders()[0].running
    office.close()


def test_the_record_key_of_a_phone_and_the_keys_of_the_site() -> None:
    plain = ruled("extension:201", "on-demand", "", "")
    site = plain.box.exchange.context.site
    info = msgspec.structs.replace(site.site, record_key="*1")
    office = Office(msgspec.structs.replace(site, site=info))
    phone = office.desk("201")
    caller = office.comes_in()
    office.run(3.0)
    (call,) = phone.calls.values()

    def keys(media: tuple[str, int], digits: str) -> None:
        for digit in digits:
            office.engine.key(media, digit)
            office.run(0.3)

    keys(caller.media, "*1")
    assert not office.recorders(), "the outside party has no such key"
    keys(call.media, "**1")
    assert office.recorders()[0].running
    assert office.told(ev.RecordingStarted) and not office.told(ev.RecordingPaused)
    keys(call.media, "*")
    office.run(5.0)
    keys(call.media, "1")
    assert office.recorders()[0].running, "too slow to be meant"
    keys(call.media, "*1")
    assert not office.recorders()[0].running
    assert office.told(ev.RecordingPaused)[0].by == "phone:201"
    for on, running in ((True, True), (False, False)):
        assert pressed(office, on) == ""
        assert office.recorders()[0].running == running
    office.close()
    plain.close()


def pressed(office: Office, on: bool, *, outside: bool = False) -> str:
    """The record key of the desk's phone, or of the caller's: why it is refused, empty: it is not."""
    legs = [leg for one in office.box.exchange.context.calls.values() for leg in one.legs]
    leg = next(leg for leg in legs if bool(leg.extension) != outside)
    request = Request("INFO", "sip:box")
    for name, value in (("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1"), ("CSeq", "7 INFO")):
        request.headers.add(name, value)
    asked = Asked(request)
    event = sip.SessionRecordAsked(leg.session, on, asked)  # type: ignore[arg-type]
    office.box.do(lambda box, now: box._sip.handle(event))
    office.run(0.1)
    (answer,) = asked.answers
    assert answer.status == (403 if answer.headers.get("Warning") else 200)
    return answer.headers.get("Warning") or ""


class Asked:
    """A request that waits for its answer."""

    def __init__(self, request: Request) -> None:
        self.request, self.answers = request, list[Response]()

    def respond(self, response: Response, now: Instant) -> None:
        self.answers.append(response)


def test_both_parties_hear_a_tone_when_recording_starts_where_the_site_wants_it() -> None:
    plain = ruled("extension:201", "on-demand", "", "")
    site = plain.box.exchange.context.site
    info = msgspec.structs.replace(site.site, record_beep=True)
    office = Office(msgspec.structs.replace(site, site=info))
    phone = office.desk("201")
    caller = office.comes_in()
    office.run(3.0)
    (desk,) = phone.calls.values()
    assert (office.hears(caller), office.hears(desk)) == ({"201"}, {"alpha"}), "nothing is recorded yet"
    assert asked(office, "start") == ""
    assert (office.hears(caller), office.hears(desk)) == ({"201", "beep"}, {"alpha", "beep"})
    office.run(1.0)
    assert (office.hears(caller), office.hears(desk)) == ({"201"}, {"alpha"})
    asked(office, "start")
    assert office.hears(caller) == {"201"}, "what is so already is not told again"
    asked(office, "pause")
    assert office.hears(caller) == {"201"}
    asked(office, "resume")
    assert office.hears(caller) == {"201", "beep"}
    caller.hang_up()
    office.run(2.0)
    assert office.engine.rows == {}, "whatever it ends in"
    office.close()
    plain.close()


def test_the_record_key_is_answered_with_what_became_of_it() -> None:
    office = ruled("extension:201", "always", "never", "")
    office.desk("201")
    office.comes_in()
    office.run(3.0)
    assert "never recorded" in pressed(office, True)
    assert pressed(office, False) == "", "it is so already"
    assert not office.recorders()
    office.close()
    office = ruled("extension:201", "always", "", "")
    office.desk("201")
    office.comes_in()
    office.run(3.0)
    assert pressed(office, False) == "" and office.recorders()[0].silent, "what is always recorded is paused"
    assert pressed(office, True) == "" and office.recorders()[0].running
    assert "telephones of the house" in pressed(office, False, outside=True) and office.recorders()[0].running
    office.close()
