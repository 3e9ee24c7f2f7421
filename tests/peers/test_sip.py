"""SIP as carriers and phones speak it, by SIPp: pings, cancels, reliable ringing, late offers, timers, redirection."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp, play
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, THREE, TWO
from tests.unit.media.rtp import encode, tone

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_a_ping_is_answered_and_a_subscription_refused(box: Box, tmp_path: Path, transport: str) -> None:
    trace = await play(Sipp(tmp_path, "ping", box.sip, "201", transport=transport))
    allowed = next(line for line in trace.splitlines() if line.startswith("Allow:") and "REGISTER" in line)
    assert "REFER" not in allowed
    assert "SUBSCRIBE" not in allowed


async def test_cancel_stops_the_ringing(box: Box, tmp_path: Path) -> None:
    async with phone(box, tmp_path, "201", ONE) as called:
        trace = await play(Sipp(tmp_path, "caller-cancels", box.sip, "0312345601", pause=0.3))
        assert called.count("CALL_INCOMING") == 1
        await called.until("CALL_CLOSED")
    assert "SIP/2.0 487" in trace
    assert (await box.record(to="0312345601", cause="cancelled"))["cause_code"] == 16


@pytest.mark.parametrize("scenario", ["caller-100rel", "caller-late-sdp"])
async def test_reliable_ringing_and_an_offer_in_the_ack(box: Box, tmp_path: Path, scenario: str) -> None:
    async with (
        phone(box, tmp_path, "201", ONE) as called,
        Handset(TWO) as caller,
        Sipp(tmp_path, scenario, box.sip, "0312345601", rtp=caller.port) as sipp,
    ):
        await called.until("CALL_INCOMING")
        await asyncio.sleep(0.2)
        await called.answer()
        await asyncio.gather(caller.hears(ONE), called.hears(TWO))
        await called.hang_up()
        await sipp.done()


async def test_a_caller_whose_audio_sipp_sends_itself(box: Box, tmp_path: Path) -> None:
    """rtp_stream: another RTP implementation than the kit's, without telephone-events in its offer."""
    file = tmp_path / "tone.ulaw"
    file.write_bytes(encode(0, tone(THREE, 1.0)))
    async with (
        phone(box, tmp_path, "201", ONE, auto_answer=True) as called,
        Sipp(tmp_path, "caller-streams", box.sip, "0312345601", tone=file) as sipp,
    ):
        await called.hears(THREE)
        await called.hang_up()
        await sipp.done()


async def test_session_timers_are_agreed_and_refreshed(box: Box, tmp_path: Path) -> None:
    async with (
        phone(box, tmp_path, "201", ONE, auto_answer=True) as called,
        Handset(TWO) as caller,
        Sipp(tmp_path, "caller-timer", box.sip, "0312345601", rtp=caller.port, pause=1.2) as sipp,
    ):
        await asyncio.gather(caller.hears(ONE), called.hears(TWO))
        await sipp.done()
        await called.until("CALL_CLOSED")


async def test_a_transfer_by_refer_is_refused_and_the_call_goes_on(box: Box, tmp_path: Path) -> None:
    async with (
        phone(box, tmp_path, "201", ONE, auto_answer=True) as called,
        Handset(TWO) as caller,
        Sipp(tmp_path, "caller-refers", box.sip, "0312345601", rtp=caller.port, status=405, pause=1.5) as sipp,
    ):
        await asyncio.gather(caller.hears(ONE), called.hears(TWO))
        assert "SIP/2.0 405" in sipp.trace()
        await sipp.done()
        await called.until("CALL_CLOSED")


async def test_a_phone_that_forwards_sends_the_caller_on(box: Box, tmp_path: Path) -> None:
    """302 to 202; SIPp is the phone 203 that registered just before from the same port."""
    registering = Sipp(tmp_path, "register", box.sip, caller="203", password=secret("203"), status=200)
    await play(registering)
    async with (
        phone(box, tmp_path, "202", TWO, auto_answer=True) as other,
        phone(box, tmp_path, "201", ONE) as caller,
        Sipp(tmp_path, "redirects", box.sip, port=registering.port, to="202") as sipp,
    ):
        await caller.dial("203")
        await asyncio.gather(caller.hears(TWO), other.hears(ONE))
        await sipp.done()
        await caller.hang_up()
        await other.until("CALL_CLOSED")
    leaving = Sipp(
        tmp_path,
        "register",
        box.sip,
        caller="203",
        password=secret("203"),
        status=200,
        port=registering.port,
        expires=0,
    )
    await play(leaving)
    assert (await box.record(**{"from": "201", "to": "203"}))["cause"] == "answered"


async def test_a_phone_with_the_wrong_password_is_told_so(box: Box, tmp_path: Path) -> None:
    await play(Sipp(tmp_path, "register", box.sip, caller="204", password="guessed", status=401))
    lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
    assert lines["204"] == []
