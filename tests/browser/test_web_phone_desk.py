"""An agent's day with no other telephone than the browser's: a caller of the queue, hold, mute, keys, wrap-up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.network import OURS, Network
from tests.browser.site import PHONES
from tests.browser.telephone import Telephone, chromium, microphone
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.sound import ONE, TWO

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]


@pytest_asyncio.fixture
async def there(network: Network, tmp_path: Path) -> AsyncIterator[Browser]:
    program = network.program(tmp_path, "/usr/bin/chromium")
    async with chromium(*microphone(tmp_path, ONE), program=program) as browser:
        yield browser


async def state(box: Box, wanted: str) -> None:
    """Waits until the agent is in this state."""
    for _ in range(150):
        if (agent := await box.agent("aiko"))["state"] == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not {wanted}: {agent}")


async def test_an_agent_needs_no_other_telephone(office_box: Box, there: Browser, tmp_path: Path) -> None:
    box = office_box
    telephone = await Telephone.open(there, f"https://{OURS}:{box.https_port}", "aiko")
    await telephone.dial("*60")
    await expect(telephone.call("talking")).to_be_visible()
    await telephone.keys("1#4821#")
    await state(box, "idle")
    await expect(telephone.call()).to_have_count(0, timeout=15_000)
    async with Phone(tmp_path, box.sip, "204", TWO, password=PHONES["204"]) as caller, box.events() as feed:
        await caller.dial("600")
        await expect(telephone.call("ringing")).to_contain_text("204", timeout=15_000)
        await state(box, "offered")
        await telephone.press("Answer")
        await asyncio.gather(telephone.hears(TWO), caller.hears(ONE, seconds=15))
        await state(box, "talking")
        await telephone.press("Hold")
        await caller.hears_music()
        await state(box, "hold")
        await telephone.press("Resume")
        await caller.hears(ONE, seconds=15)
        await state(box, "talking")
        await telephone.press("Mute")
        await caller.is_silent()
        await telephone.press("Unmute")
        await caller.hears(ONE, seconds=15)
        await telephone.press("Hang up")
        await caller.until("CALL_CLOSED")
        await state(box, "wrap-up")
        await state(box, "idle")
        call = await feed.until("call-ended")
        record = await box.record(**{"from": "204", "to": "600"})
        assert (record["agent"], record["queue"], record["id"]) == ("aiko", "support", call["call"])
        assert record["hold_seconds"] > 0 and record["recording"]["seconds"] > 1
        # A page that is closed rings no more, and the agent's next caller is not offered to nobody.
        await telephone.page.close()
        await until_no_phone(box)
    await box.set_status("aiko", "logged-out")


async def until_no_phone(box: Box) -> None:
    """The extension has no telephone any more."""
    lines: dict[str, list[object]] = {}
    for _ in range(150):
        lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
        if not lines["201"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"still there: {lines['201']}")


async def test_two_people_of_the_house_talk_and_one_is_called_meanwhile(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, f"https://{OURS}:{office_box.https_port}", "aiko")
    async with (
        Phone(tmp_path, office_box.sip, "204", TWO, password=PHONES["204"]) as first,
        Phone(tmp_path, office_box.sip, "205", TWO, password=PHONES["205"]) as second,
    ):
        await first.dial("201")
        await telephone.press("Answer")
        await first.hears(ONE, seconds=15)
        await second.dial("201")
        await expect(telephone.call("ringing")).to_contain_text("205")
        await telephone.press("Answer")
        await expect(telephone.call("held")).to_contain_text("204")
        await asyncio.gather(first.hears_music(seconds=10), second.hears(ONE, seconds=15))
        await second.hang_up()
        await expect(telephone.call()).to_have_count(1)
        await telephone.press("Resume")
        await first.hears(ONE, seconds=15)
        await telephone.press("Hang up")
        await until(lambda: first.count("CALL_CLOSED") == 1, 8, "it is over")
