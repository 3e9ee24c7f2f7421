"""`hako` is killed while people talk: nobody hears it, and what is back within two minutes has their calls again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box, Json
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import ONE, TWO, Samples, heard, stereo

pytestmark = pytest.mark.peer

QUEUE, MENU = "0312345600", "0312345678"


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


async def call_at(box: Box) -> Json:
    """The one live call, as the page shows it."""
    (call,) = await box.items("calls")
    return call


def unbroken(handset: Handset) -> float:
    """Asserts that one stream came from the box, without a gap in its numbers; the longest pause in seconds."""
    packets = handset.received
    assert len({one.ssrc for one in packets}) == 1
    assert {(y.sequence - x.sequence) % 65536 for x, y in pairwise(packets)} == {1}
    return max(y.at - x.at for x, y in pairwise(packets))


def everywhere(samples: Samples, hertz: int) -> bool:
    """Whether the tone sounds all through the samples, in each part of 50 ms."""
    parts = np.array_split(samples, max(1, len(samples) // 400))
    return all(heard(np.tile(part, 4), [hertz]) == {hertz} for part in parts)


async def test_a_trunk_call_with_an_agent_goes_on_and_a_caller_in_a_menu_is_told(
    make_box: MakeBox, tmp_path: Path
) -> None:
    box = make_box()
    await box.start()
    (tmp_path / "menu").mkdir()
    async with phone(box, tmp_path, "201", TWO, auto_answer=True) as agent, Handset(ONE) as caller:
        await box.set_status("aiko", "available")
        async with (
            Sipp(tmp_path, "caller", box.sip, QUEUE, rtp=caller.port) as talking,
            Sipp(tmp_path / "menu", "caller", box.sip, MENU) as choosing,
        ):
            await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            await until(lambda: "SIP/2.0 200" in choosing.trace(), 5, "the menu answers")
            before = next(one for one in await box.items("calls") if one["agent"] == "aiko")
            since = (await box.agent("aiko"))["since"]
            seq = (await box.get("calls"))["seq"]
            await asyncio.sleep(0.5)
            box.kill()
            await asyncio.sleep(1.0)
            await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            killed = time.monotonic()
            await box.start()
            assert time.monotonic() - killed < 15.0
            await choosing.done(5)
            assert "Reason: Q.850" in choosing.trace()
            after = await call_at(box)
            assert after | {"legs": []} == before | {"legs": []}
            assert (after["state"], after["recording"]) == ("talking", True)
            seen = await box.agent("aiko")
            assert (seen["state"], seen["call"], seen["since"]) == ("talking", after["id"], since)
            assert [one["busy"] for one in await box.items("trunks") if one["id"] == "carrier"] == [1]
            async with box.events(after=seq) as feed:
                told = await feed.until("call-taken-over", call=after["id"])
                assert told["seq"] > seq, "what was told before is still there"
                assert told["agent"] == "aiko"
                await asyncio.sleep(1.0)
                assert unbroken(caller) < 1.0
                await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
                await agent.hang_up()
                await talking.done(5)
                await feed.until("agent-state-changed", agent="aiko", state="wrap-up")
                await feed.until("agent-state-changed", agent="aiko", cause="wrap-up-over")
        record = await box.record(id=before["id"])
        assert (record["cause"], record["agent"], record["queue"]) == ("answered", "aiko", "support")
        assert record["answered"] == before["answered"]
        assert (await box.record(to=MENU))["cause"] == "restart"
        assert len([one for one in await box.items("records") if one["id"] == before["id"]]) == 1
        left, right = stereo(await box.recording(record["recording"]["id"]))
        assert len(left) / 8000 == pytest.approx(record["talk_seconds"], abs=0.5)
        inner = slice(2400, -2400)
        assert everywhere(left[inner], ONE) and everywhere(right[inner], TWO), "not a moment is missing"
    assert "Traceback" not in box.log()


async def test_two_phones_hold_resume_and_hang_up_after_it(make_box: MakeBox, tmp_path: Path) -> None:
    """Killed while they talk, then killed again while one holds."""
    box = make_box()
    await box.start()
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        number = (await call_at(box))["id"]
        box.kill()
        await box.start()
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await caller.hold()
        await called.hears_music()
        assert (await call_at(box))["state"] == "held"
        await asyncio.sleep(0.2)
        box.kill()
        await called.hears_music()
        await box.start()
        await called.hears_music()
        live = await call_at(box)
        assert (live["id"], live["state"]) == (number, "held")
        await caller.resume()
        await called.hears(ONE)
        await called.hang_up()
        await caller.until("CALL_CLOSED")
        record = await box.record(id=number)
        assert record["cause"] == "answered"
        assert record["hold_seconds"] > 1.0
        assert await box.items("calls") == []
    assert "Traceback" not in box.log()


async def test_a_phone_on_tcp_is_found_again_by_its_new_connection(make_box: MakeBox, tmp_path: Path) -> None:
    box = make_box()
    await box.start()
    async with (
        phone(box, tmp_path, "201", ONE, transport="tcp") as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        number = (await call_at(box))["id"]
        box.kill()
        await box.start()
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await called.hang_up()
        await caller.until("CALL_CLOSED")
        assert (await box.record(id=number))["cause"] == "answered"
    assert "Traceback" not in box.log()


async def test_an_encrypted_call_keeps_its_keys(make_box: MakeBox, lines: Lines, tmp_path: Path) -> None:
    """With other keys, or packet numbers begun anew, neither side would understand another packet."""
    plain = site_file(lines.carrier, lines.guarded, lines.single)
    secured = plain.replace('[[extensions]]\nnumber = "202"\n', '[[extensions]]\nnumber = "202"\nsrtp = "required"\n')
    box = make_box(secured)
    await box.start()
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, srtp="srtp-mand", auto_answer=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        box.kill()
        await box.start()
        live = await call_at(box)
        assert [bool(leg["srtp"]) for leg in live["legs"]] == [False, True]
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await caller.hold()
        await called.hears_music()
        await caller.resume()
        await called.hears(ONE)
        await called.hang_up()
        await caller.until("CALL_CLOSED")
        assert (await box.record(id=live["id"]))["cause"] == "answered"
    assert "Traceback" not in box.log()


async def test_an_upgrade_leaves_conversations_alone(make_box: MakeBox, tmp_path: Path) -> None:
    """SIGUSR1: the box goes, the call stays, and the next start says that nothing was unclean."""
    box = make_box()
    await box.start()
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        seq = (await box.get("calls"))["seq"]
        assert box.program is not None
        os.kill(box.program.pid, signal.SIGUSR1)
        assert await box.program.wait(10) == 0
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await box.start()
        number = (await call_at(box))["id"]
        async with box.events(after=seq) as feed:
            assert (await feed.until("box-stopped"))["reason"] == "handed-over"
            assert (await feed.until("box-started"))["clean"]
            await feed.until("call-taken-over", call=number)
        await caller.hang_up()
        await called.until("CALL_CLOSED")
        assert (await box.record(id=number))["cause"] == "answered"
    assert "Traceback" not in box.log()
