"""Story 1: phones of the house (baresip, SIPp) register, call each other, hear each other, are recorded."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, THREE, TWO, heard, stereo
from tests.unit.media.rtp import continuous

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("transport", "who"), [("udp", "caller"), ("tcp", "called")])
async def test_two_phones_hear_each_other_and_either_hangs_up(
    box: Box, tmp_path: Path, transport: str, who: str
) -> None:
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", ONE, transport=transport) as caller,
        phone(box, tmp_path, "202", TWO, transport=transport) as called,
    ):
        for line in await box.items("registrations"):
            if line["extension"] in ("201", "202"):
                assert [contact["transport"] for contact in line["contacts"]] == [transport]
        await caller.dial("202")
        await called.until("CALL_INCOMING")
        ringing = (await box.items("calls"))[0]
        assert (ringing["state"], ringing["from"], ringing["to"], ringing["kind"]) == (
            "ringing", "201", "202", "internal",
        )  # fmt: skip
        await called.answer()
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        live = (await box.items("calls"))[0]
        assert (live["id"], live["state"], live["recording"]) == (ringing["id"], "talking", True)
        await asyncio.sleep(0.5)
        assert (heard(caller.audio(0.8)), heard(called.audio(0.8))) == ({TWO}, {ONE})
        await (caller if who == "caller" else called).hang_up()
        await (called if who == "caller" else caller).until("CALL_CLOSED")
        await feed.until("call-ended", call=live["id"])
        assert await box.items("calls") == []
    record = await box.record(id=live["id"])
    assert (record["from"], record["to"], record["kind"], record["cause"], record["cause_code"]) == (
        "201", "202", "internal", "answered", 16,
    )  # fmt: skip
    assert record["answered"] and record["ended"]
    left, right = stereo(await box.recording(record["recording"]["id"]))
    assert heard(left[1600:]) == {ONE}, "left is who called"
    assert heard(right[1600:]) == {TWO}
    assert len(left) / 8000 == pytest.approx(record["recording"]["seconds"], abs=0.1)
    assert len(left) / 8000 == pytest.approx(record["talk_seconds"], abs=0.3)
    ended = feed.all("leg-ended", call=live["id"])
    assert [one["by"] for one in ended if one["leg"].endswith("1" if who == "caller" else "2")] == ["them"]


async def test_a_wrong_password_is_refused_and_never_rings(box: Box, tmp_path: Path) -> None:
    intruder = Phone(tmp_path, box.sip, "202", TWO, password="guessed")
    async with phone(box, tmp_path, "201", ONE) as caller:
        try:
            await intruder.start()
            assert await box.told_of("202"), "people are told who tries it"
            lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
            assert len(lines["201"]) == 1
            assert lines["202"] == []
            await caller.dial("202")
            await caller.until("CALL_CLOSED", 12)
            assert intruder.count("CALL_INCOMING") == 0
            # Nor can it call as 202.
            await intruder.dial("201")
            await intruder.until("CALL_CLOSED")
            assert caller.count("CALL_INCOMING") == 0
        finally:
            await intruder.stop()


async def test_hold_plays_music_to_the_other_and_resume_brings_the_voice_back(box: Box, tmp_path: Path) -> None:
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        call = (await box.items("calls"))[0]["id"]
        await caller.hold()
        await called.hears_music()
        held = await box.get(f"calls/{call}")
        assert (held["state"], held["recording"]) == ("held", False)
        await asyncio.sleep(0.8)
        assert heard(called.audio(0.8)) == set()
        await caller.resume()
        await called.hears(ONE)
        await asyncio.sleep(0.5)
        await caller.hang_up()
        await called.until("CALL_CLOSED")
    record = await box.record(id=call)
    assert record["hold_seconds"] >= 1.0
    left, right = stereo(await box.recording(record["recording"]["id"]))
    assert (heard(left), heard(right)) == ({ONE}, {TWO}), "hold music is not recorded"
    assert len(left) / 8000 < record["talk_seconds"] + record["hold_seconds"]


async def test_a_caller_who_holds_and_moves_to_another_port(box: Box, tmp_path: Path) -> None:
    """SIPp: re-INVITE sendonly, sendrecv, then with another audio address (the box follows at once)."""
    async with (
        phone(box, tmp_path, "201", ONE, auto_answer=True) as called,
        Handset(TWO) as before,
        Handset(THREE) as after,
        Sipp(tmp_path, "caller-holds", box.sip, "0312345601", rtp=before.port, rtp2=after.port, pause=1.5) as sipp,
    ):
        await before.hears(ONE)
        await called.hears(TWO)
        await called.hears_music()
        count = len(before.received)
        await asyncio.sleep(0.3)
        assert len(before.received) == count, "who holds is sent nothing"
        await before.hears(ONE)
        continuous(before.received)
        await after.speak_to(sipp)
        await after.hears(ONE)
        before.talking = False
        await called.hears(THREE)
        await called.hang_up()
        await sipp.done()
        assert {one.ssrc for one in before.received} == {one.ssrc for one in after.received}, "one stream for life"


async def test_a_call_of_a_phone_that_fails_says_why(box: Box, tmp_path: Path) -> None:
    """Wrong number, nobody registered, busy: SIP status, Q.850 cause, early media with the reason, record."""
    cases = (("299", 404, "wrong-number", 1), ("203", 480, "not-registered", 20), ("201", 486, "busy", 17))
    async with phone(box, tmp_path, "201", ONE) as busy, contextlib.AsyncExitStack() as stack:
        callers = [
            await stack.enter_async_context(
                Sipp(tmp_path, "phone-refused", box.sip, number, caller="202", password=secret("202"), status=status)
            )
            for number, status, _, _ in cases
        ]
        await busy.until("CALL_INCOMING")
        await busy.hang_up()
        await asyncio.gather(*(sipp.done() for sipp in callers))
    for sipp, (number, _, reason, cause) in zip(callers, cases, strict=True):
        assert "SIP/2.0 183" in sipp.trace(), "the caller hears why, for nothing"
        assert f"Reason: Q.850;cause={cause}" in sipp.trace()
        record = await box.record(**{"from": "202", "to": number, "cause": reason})
        assert record["cause_code"] == cause
        assert record["recording"] is None


async def test_a_group_whose_phones_do_not_answer(box: Box, tmp_path: Path) -> None:
    async with phone(box, tmp_path, "204", ONE) as first, phone(box, tmp_path, "205", TWO) as second:
        sipp = Sipp(tmp_path, "caller-refused", box.sip, "0312345610", status=480)
        async with sipp:
            await asyncio.gather(first.until("CALL_INCOMING"), second.until("CALL_INCOMING"))
            await sipp.done()
        await asyncio.gather(first.until("CALL_CLOSED"), second.until("CALL_CLOSED"))
    assert "Reason: Q.850;cause=19" in sipp.trace()
    assert (await box.record(to="0312345610"))["cause"] == "no-answer"


async def test_every_contact_of_an_extension_rings_and_the_first_to_answer_has_the_call(
    box: Box, tmp_path: Path
) -> None:
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO) as desk,
        phone(box, tmp_path, "202", THREE) as kitchen,
    ):
        await caller.dial("202")
        await asyncio.gather(desk.until("CALL_INCOMING"), kitchen.until("CALL_INCOMING"))
        await kitchen.answer()
        await asyncio.gather(caller.hears(THREE), kitchen.hears(ONE), desk.until("CALL_CLOSED"))
        await caller.hang_up()
        await kitchen.until("CALL_CLOSED")
