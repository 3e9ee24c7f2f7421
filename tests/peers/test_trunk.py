"""Story 2: a caller on the trunk (SIPp, once baresip) through menu and queue to an agent's phone (baresip)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.peers.conftest import Lines
from tests.peers.kit.box import Box, Feed
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import BUSY, MENU, NUMBER, RING_SECONDS, pin, secret
from tests.peers.kit.sound import ONE, THREE, TWO, heard, sounds, spoken, stereo

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


async def log_in(box: Box, *agents: str) -> None:
    """One after the other, so that the first is idle longest."""
    for agent in agents:
        await box.set_status(agent, "available")


async def test_from_menu_to_queue_to_the_agent_idle_longest_and_on(box: Box, tmp_path: Path) -> None:
    """The whole story; the first agent does not answer and the second does."""
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", TWO) as absent,
        phone(box, tmp_path, "202", THREE) as present,
        Handset(ONE) as caller,
    ):
        await log_in(box, "aiko", "ken")
        async with Sipp(tmp_path, "caller", box.sip, NUMBER, rtp=caller.port) as sipp:
            menu = box.prompt(MENU)
            entered = await feed.until("menu-entered", menu="main")
            call = entered["call"]
            await asyncio.sleep(len(menu) / 8000 + 0.2)
            assert spoken(caller.audio(), menu) > 0.8, "the menu was spoken"
            await caller.press("1")
            await feed.until("menu-key", call=call, key="1")
            await feed.until("queue-position", call=call, position=1)
            live = await box.get(f"calls/{call}")
            assert (live["queue"], live["from"], live["trunk"]) == ("support", "09012345678", "carrier")
            await absent.until("CALL_INCOMING")
            assert present.count("CALL_INCOMING") == 0
            assert (await box.agent("aiko"))["state"] == "offered"
            await caller.hears()
            ended = await feed.until("queue-offer-ended", call=call, agent="aiko")
            assert ended["outcome"] == "no-answer"
            await asyncio.gather(absent.until("CALL_CLOSED"), present.until("CALL_INCOMING"))
            waited = feed.all("queue-offered", call=call)
            assert waited[1]["waited"] - waited[0]["waited"] == pytest.approx(RING_SECONDS, abs=0.5)
            assert spoken(caller.audio(), box.prompt(position=1)) > 0.8, "you are number one"
            await present.answer()
            await asyncio.gather(caller.hears(THREE), present.hears(ONE))
            await feed.until("agent-state-changed", agent="ken", state="talking")
            assert (await box.get(f"calls/{call}"))["agent"] == "ken"
            await asyncio.sleep(0.5)
            await present.hang_up()
            await sipp.done()
        await feed.until("agent-state-changed", agent="ken", state="wrap-up")
        await feed.until("call-ended", call=call)
        await feed.until("agent-state-changed", agent="ken", cause="wrap-up-over")
        assert (await box.agent("ken"))["state"] == "idle"
        feed.order(
            "call-started", "call-routed:menu:main", "menu-entered", "menu-key", "menu-left:queue:support",
            "call-routed:queue:support", "queue-entered", "queue-offered:aiko", "leg-ringing",
            "queue-offer-ended:no-answer", "queue-offered:ken", "leg-ringing", "queue-offer-ended:answered",
            "queue-left:answered", "leg-bridged", "recording-started", "agent-state-changed:talking",
            "leg-ended", "call-ended", "agent-state-changed:idle",
        )  # fmt: skip
        assert caller_heard_everything(feed, call)
    record = await box.record(id=call)
    assert (record["kind"], record["queue"], record["agent"], record["cause"]) == (
        "inbound", "support", "ken", "answered",
    )  # fmt: skip
    assert record["wait_seconds"] == pytest.approx(RING_SECONDS, abs=1.0)
    left, right = stereo(await box.recording(record["recording"]["id"]))
    assert (heard(left[1600:]), heard(right[1600:])) == ({ONE}, {THREE}), "left the caller, right the agent"


def caller_heard_everything(feed: Feed, call: str) -> bool:
    """Sequence numbers of the feed rise one by one where events were committed."""
    numbers = [one["seq"] for one in feed.seen if one["type"] != "panel"]
    return numbers == sorted(set(numbers)) and bool(feed.all("call-ended", call=call))


async def test_a_key_by_info_interrupts_the_prompt(box: Box, tmp_path: Path) -> None:
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", TWO, auto_answer=True) as called,
        Handset(ONE, codec=8) as caller,
        Sipp(tmp_path, "caller-info", box.sip, NUMBER, rtp=caller.port, codec=8, key="2", pause=2.0) as sipp,
    ):
        await feed.until("menu-key", key="2")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await sipp.done()
        await called.until("CALL_CLOSED")
    assert "SIP/2.0 200 OK" in sipp.trace()


async def test_baresip_as_the_carrier_and_the_caller_hangs_up(box: Box, tmp_path: Path, lines: Lines) -> None:
    """It calls from the trunk's own host:port; keys are baresip's telephone-events."""
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", TWO, auto_answer=True) as agent,
        Phone(tmp_path, box.sip, "0901111111", ONE, register=False, port=lines.carrier) as caller,
    ):
        await log_in(box, "aiko")
        await caller.dial(NUMBER)
        await feed.until("menu-entered")
        await caller.press("1")
        await asyncio.gather(agent.hears(ONE), caller.hears(TWO))
        await asyncio.sleep(0.4)
        await caller.hang_up()
        await agent.until("CALL_CLOSED")
        await feed.until("agent-state-changed", agent="aiko", cause="wrap-up-over")
    record = await box.record(**{"from": "0901111111"})
    assert (record["agent"], record["cause"]) == ("aiko", "answered")
    left, right = stereo(await box.recording(record["recording"]["id"]))
    assert (heard(left[1600:]), heard(right[1600:])) == ({ONE}, {TWO})


async def test_a_caller_who_gives_up_waiting(box: Box, tmp_path: Path) -> None:
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", TWO) as agent,
        Handset(ONE) as caller,
    ):
        await log_in(box, "aiko")
        async with Sipp(tmp_path, "caller-hangs-up", box.sip, "0312345600", rtp=caller.port, pause=1.2) as sipp:
            await agent.until("CALL_INCOMING")
            await sipp.done()
        await agent.until("CALL_CLOSED")
        left = await feed.until("queue-left")
        assert left["outcome"] == "abandoned"
        ended = await feed.until("call-ended")
        assert ended["reason"] == "abandoned"
        feed.order("queue-offered", "queue-offer-ended:withdrawn", "call-ended")
        assert (await box.agent("aiko"))["state"] == "idle", "no wrap-up for a call that was not taken"
        assert agent.count("CALL_ESTABLISHED") == 0
    record = await box.record(id=ended["call"])
    assert (record["cause"], record["agent"], record["recording"]) == ("abandoned", "", None)


async def test_with_nobody_logged_in_the_overflow_is_heard_at_once(box: Box, tmp_path: Path) -> None:
    async with (
        box.events() as feed,
        Handset(ONE) as caller,
        Sipp(tmp_path, "caller", box.sip, "0312345600", rtp=caller.port) as sipp,
    ):
        await sipp.done()
        assert spoken(caller.audio(), box.prompt(BUSY)) > 0.8
        assert sounds(caller.audio()[:8000])
        left = await feed.until("queue-left")
        assert (left["outcome"], left["waited"] < 0.5) == ("overflow", True)
    assert (await box.record(to="0312345600", cause="announcement"))["agent"] == ""


async def test_a_busy_agent_and_one_who_rejects_are_passed_over(box: Box, tmp_path: Path) -> None:
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", ONE, auto_answer=True) as busy,
        phone(box, tmp_path, "202", TWO) as rejecting,
        phone(box, tmp_path, "203", THREE, auto_answer=True) as taking,
        phone(box, tmp_path, "204", THREE) as other,
        Handset(ONE) as caller,
    ):
        await log_in(box, "aiko", "ken", "yui")
        await other.dial("201")
        await busy.until("CALL_ESTABLISHED")
        assert (await box.agent("aiko"))["state"] == "talking"
        async with Sipp(tmp_path, "caller", box.sip, "0312345600", rtp=caller.port) as sipp:
            await rejecting.until("CALL_INCOMING")
            await rejecting.hang_up()
            await asyncio.gather(caller.hears(THREE), taking.hears(ONE))
            assert busy.count("CALL_ESTABLISHED") == 1
            assert [one["outcome"] for one in feed.all("queue-offer-ended")] == ["busy", "answered"]
            await taking.hang_up()
            await sipp.done()
        await other.hang_up()
        await feed.until("agent-state-changed", agent="aiko", state="idle", previous="talking")


async def test_an_agent_logs_in_at_the_phone_takes_a_break_and_comes_back(box: Box, tmp_path: Path) -> None:
    async with box.events() as feed, phone(box, tmp_path, "204", ONE) as desk:
        await desk.dial("*60")
        await desk.until("CALL_ESTABLISHED")
        await desk.press("1#")
        await asyncio.sleep(0.2)
        await desk.press(pin("1") + "#")
        changed = await feed.until("agent-status-changed", agent="aiko", status="available")
        assert (changed["extension"], changed["by"]) == ("204", "phone")
        await desk.until("CALL_CLOSED")
        for code, status in (("*61", "break"), ("*62", "available"), ("*60", "logged-out")):
            closed = desk.count("CALL_CLOSED")
            await desk.dial(code)
            await feed.until("agent-status-changed", agent="aiko", status=status)
            await desk.until("CALL_ESTABLISHED", times=closed + 1)
            await desk.hang_up()
            await desk.until("CALL_CLOSED", times=closed + 1)


@pytest.mark.parametrize(
    ("number", "status", "cause"),
    [("0312345601", 480, 20), ("0312345610", 480, 20)],
)
async def test_a_caller_outside_is_told_by_status_what_is_wrong(
    box: Box, tmp_path: Path, number: str, status: int, cause: int
) -> None:
    async with Sipp(tmp_path, "caller-refused", box.sip, number, status=status) as sipp:
        await sipp.done()
    assert f"Reason: Q.850;cause={cause}" in sipp.trace()
