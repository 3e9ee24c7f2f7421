"""The key pad of a call in progress: what is pressed reaches the party outside."""

from __future__ import annotations

import os

import pytest
from playwright.async_api import Browser, expect

from tests.browser.centre import Centre
from tests.browser.screen import Screen
from tests.peers.kit.processes import until

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]


@pytest.mark.parametrize(("width", "language"), [(390, "ja-JP"), (1366, "en-US"), (1920, "ja-JP")])
async def test_keys_are_pressed_on_the_page(centre: Centre, browser: Browser, width: int, language: str) -> None:
    await centre.box.set_status("aiko", "available")
    await centre.caller_in_queue("0312340009", "Acme Bank")
    await centre.pick_up("201")
    screen = await Screen.open(browser, centre.box.web, width, language)
    await screen.enter("sv")
    row = screen.page.locator('.call-row[data-state="talking"]')
    await expect(row).to_have_count(1)
    async with centre.box.events() as feed:
        await row.get_by_role("button", name="Press keys" if language == "en-US" else "キーを押す").click()
        pad = row.locator(".keypad")
        await pad.get_by_role("button", name="1", exact=True).click()
        await pad.get_by_role("button", name="#", exact=True).click()
        await screen.page.keyboard.press("5")
        await expect(pad.locator("output")).to_have_text("1#5")
        await until(lambda: sum(one["count"] for one in feed.all("keys-sent")) == 3, 8.0, "three keys were sent")
        assert not [one for one in feed.seen if "1#5" in str(one)], "which keys is nobody's business"
    if folder := os.environ.get("HAKO_SHOTS"):
        await screen.page.screenshot(path=f"{folder}/keys-{width}-{language}.png", full_page=True)
    screen.is_clean()
