"""A supervisor's live page while the box is killed and comes back: it finds it again, and shows what goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.centre import Centre
from tests.browser.conftest import Place
from tests.browser.screen import Screen
from tests.browser.site import site_file
from tests.peers.conftest import share_prompts
from tests.peers.kit.box import Box
from tests.peers.kit.ports import free_port

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

TALKING, WAITING = "09012345678", "09011112222"
SHOWN = {TALKING: "090-1234-5678", WAITING: "090-1111-2222"}


def waiting(screen: Screen) -> Locator:
    """Who waits in the queue."""
    return screen.page.locator(".waiting-row").filter(has_text=SHOWN[WAITING])


async def test_the_live_page_shows_who_talks_on_after_a_kill(place: Place, tmp_path: Path, browser: Browser) -> None:
    port = free_port()
    box = Box(tmp_path, site_file(port))
    share_prompts(place.box, box)
    try:
        await box.start()
        async with Centre(box, port) as centre:
            await box.set_status("aiko", "available")
            screens = [await Screen.open(browser, box.web, width) for width in (390, 1366, 1920)]
            await asyncio.gather(*(screen.enter("sv") for screen in screens))
            caller = await centre.caller_in_queue(TALKING)
            desk = await centre.pick_up("201")
            await centre.until_call(TALKING, "talking")
            await centre.caller_in_queue(WAITING)
            for screen in screens:
                await expect(screen.call(SHOWN[TALKING], "talking")).to_be_visible()
                await expect(waiting(screen)).to_be_visible()
            box.kill()
            for screen in screens:
                await expect(screen.page.locator(".connection.is-live")).to_have_count(0)
            await box.start()
            for screen in screens:
                await expect(screen.page.locator(".connection.is-live")).to_be_visible(timeout=20_000)
                await expect(screen.call(SHOWN[TALKING], "talking")).to_be_visible()
                await expect(waiting(screen)).to_have_count(0)
                await expect(screen.agent("aiko")).to_have_attribute("data-state", "talking")
                await screen.fits()
            caller.hang_up()
            async with asyncio.timeout(8):
                await desk.ended.wait()
            for screen in screens:
                await expect(screen.call(SHOWN[TALKING])).to_have_count(0)
        records = await box.items("records?limit=50")
        assert sorted(one["cause"] for one in records) == ["answered", "restart"]
    finally:
        await box.close()
