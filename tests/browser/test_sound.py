"""The loudspeaker on the pages, with a PulseAudio null sink to hear what a click does."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.centre import Centre
from tests.browser.conftest import Place
from tests.browser.screen import Screen
from tests.browser.site import site_file
from tests.peers.conftest import share_prompts
from tests.peers.kit.box import Box
from tests.peers.kit.ports import free_port
from tests.peers.kit.pulse import Pulse

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]


@pytest_asyncio.fixture
async def pulse() -> AsyncIterator[Pulse]:
    with tempfile.TemporaryDirectory(prefix="hako-pulse-") as folder:
        server = Pulse(Path(folder))
        try:
            await server.start()
            yield server
        finally:
            await server.close()


@pytest_asyncio.fixture
async def centre(place: Place, pulse: Pulse, tmp_path: Path) -> AsyncIterator[Centre]:
    port = free_port()
    box = Box(tmp_path, site_file(port) + '\n[sound]\ninput = "auto"\n')
    box.prefix = pulse.prefix
    share_prompts(place.box, box)
    try:
        await box.start()
        async with Centre(box, port) as centre:
            yield centre
    finally:
        await box.close()


async def test_the_administrator_hears_and_sets_the_loudspeaker(centre: Centre, browser: Browser, pulse: Pulse) -> None:
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("admin")
    await screen.go("system")
    card = screen.page.locator(".sound")
    chosen = card.locator("select").first
    await expect(chosen.locator("option", has_text="pulse")).to_have_count(1)
    test = card.get_by_role("button", name="Play a test tone")
    await expect(test).to_be_enabled(timeout=20_000)
    await card.locator("input[type=range]").fill("90")
    await expect(card.get_by_text("90 %")).to_be_visible()
    await test.click()
    await pulse.plays(1000, among=(1000,))
    await card.get_by_role("button", name="Line-in").click()
    await expect(card.get_by_role("button", name="Line-in")).to_have_attribute("aria-pressed", "true")
    assert (await centre.box.get("sound"))["music_now"] == "line-in"
    for width in (1366, 390, 1920):
        await screen.resize(width)
        await screen.fits()
    await chosen.select_option("off")
    await expect(test).to_be_disabled()
    await screen.page.get_by_role("button", name="日本語").click()
    await expect(card.get_by_text("ライン入力").first).to_be_visible()
    await card.locator("select").nth(1).select_option("off")
    await expect(card.get_by_text("内蔵の音楽を流しています")).to_be_visible()
    for width in (1366, 390, 1920):
        await screen.resize(width)
        await screen.fits()
    screen.is_clean()


async def test_a_supervisor_puts_a_call_on_the_loudspeaker_and_everybody_sees_it(
    centre: Centre, browser: Browser
) -> None:
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("sv")
    await centre.talk("205", "206")
    row = screen.page.locator('.call-row[data-state="talking"]')
    button = row.get_by_role("button", name="loudspeaker", exact=False)
    for _ in range(40):
        if (await centre.box.get("system"))["loudspeaker"]:
            break
        await asyncio.sleep(0.1)
    await screen.page.reload()
    await button.click()
    await expect(row.get_by_text("On the loudspeaker")).to_be_visible()
    for width in (1366, 390, 1920):
        await screen.resize(width)
        await screen.fits()
    await screen.resize(1366)
    await screen.go("system")
    card = screen.page.locator(".sound")
    await expect(card.get_by_text("A call is heard (sv)")).to_be_visible()
    assert not await card.locator("select").first.is_enabled(), "devices are the administrator's"
    await card.get_by_role("button", name="Stop").click()
    await expect(card.get_by_text("Quiet")).to_be_visible()
    screen.is_clean()
