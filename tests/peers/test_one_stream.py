"""What one caller's telephone receives through a whole call: one stream, whatever is heard in turn."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import MENU, NUMBER, secret
from tests.peers.kit.sound import ONE, TWO, spoken
from tests.unit.media.rtp import continuous

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("ptime", [10, 20, 40, 60])
async def test_prompt_music_bridge_hold_and_bridge_again_are_one_stream(box: Box, tmp_path: Path, ptime: int) -> None:
    """A caller outside, the menu, the queue, an agent at a real phone that likes other packets than the caller."""
    async with (
        box.events() as feed,
        Phone(tmp_path, box.sip, "201", TWO, password=secret("201"), ptime=ptime) as agent,
        Handset(ONE) as caller,
    ):
        await box.set_status("aiko", "available")
        async with Sipp(tmp_path, "caller", box.sip, NUMBER, rtp=caller.port) as sipp:
            call = (await feed.until("menu-entered", menu="main"))["call"]
            menu = box.prompt(MENU)
            await asyncio.sleep(len(menu) / 8000 + 0.2)
            assert spoken(caller.audio(), menu) > 0.8
            await caller.press("1")
            await feed.until("menu-key", call=call, key="1")
            await agent.until("CALL_INCOMING")
            await caller.hears()
            await agent.answer()
            await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            await agent.hold()
            await caller.hears()
            await agent.resume()
            await caller.hears(TWO)
            await agent.hang_up()
            await sipp.done()
    heard = caller.received
    continuous(heard)
    assert {packet.type for packet in heard} == {0}
    assert {len(packet.payload) for packet in heard[:-1]} == {160}, "20 ms, as the caller's phone asked"
    said = (heard[-1].timestamp - heard[0].timestamp) / 8000
    assert said == pytest.approx(heard[-1].at - heard[0].at, abs=0.15), "its clock is the box's clock throughout"
    assert max(y.timestamp - x.timestamp for x, y in itertools.pairwise(heard)) < 8000, "no second without a packet"
