"""Which calls are recorded, which side is which, and when the tape stands still."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.exchange import audio
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
