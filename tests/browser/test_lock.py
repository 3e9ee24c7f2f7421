"""Who looks at a call sees to whom its audio is encrypted, while it lasts and in its record."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.centre import Centre
from tests.browser.screen import Screen
from tests.browser.site import PHONES
from tests.peers.kit.phone import Phone
from tests.peers.kit.sound import ONE

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

SIZES = ((390, "en-US"), (1366, "ja-JP"), (1920, "en-US"))
NAME = "Reception"
TO_ONE = {"en-US": "only", "ja-JP": "だけを暗号化"}


async def test_a_lock_says_whose_audio_is_encrypted(centre: Centre, browser: Browser, tmp_path: Path) -> None:
    box = centre.box
    caller = Phone(tmp_path, box.sip, "205", ONE, password=PHONES["205"], register=False, srtp="srtp-mand")
    async with caller, box.events() as feed:
        await caller.dial("206")
        await centre.pick_up("206")
        await caller.until("CALL_ESTABLISHED")
        call = (await feed.until("leg-bridged"))["call"]
        screens = [await Screen.open(browser, box.web, width, language) for width, language in SIZES]
        for screen, (_, language) in zip(screens, SIZES, strict=True):
            await screen.enter("sv")
            row = screen.page.locator(f'.call-row[data-call="{call}"]')
            lock = row.locator('[data-lock="part"]')
            await expect(lock).to_be_visible()
            assert TO_ONE[language] in (await lock.get_attribute("title") or "")
            await row.locator("button:has(.icon-chevron)").click()
            locks = row.locator('.legs [data-lock="leg"]')
            await expect(locks).to_have_count(1)
            assert "AES_CM_128_HMAC_SHA1_80" in (await locks.first.get_attribute("title") or "")
            await expect(row.locator(".legs li").filter(has=screen.page.locator("[data-lock]"))).to_contain_text(NAME)
            await screen.fits()
        await caller.hang_up()
        await feed.until("call-ended", call=call)
    await asyncio.gather(*(in_the_record(screen, call) for screen in screens))


async def in_the_record(screen: Screen, call: str) -> None:
    await screen.go("records")
    await screen.page.locator(f'[data-record="{call}"]').first.click()
    await expect(screen.page.locator(".facts")).to_contain_text("205")
    await expect(
        screen.page.locator(".facts dt")
        .filter(has_text="Encrypted to")
        .or_(screen.page.locator(".facts dt").filter(has_text="暗号化"))
    ).to_have_count(1)
    await screen.fits()
    screen.is_clean()
