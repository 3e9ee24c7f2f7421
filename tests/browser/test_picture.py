"""The README's picture is a real page of a lively box. HAKO_PICTURES=1 makes it anew; else it is seen to come about."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.centre import Centre
from tests.browser.screen import Screen

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

PICTURE = Path(__file__).parents[2] / "docs" / "live.png"
LARGEST = 250_000
"""Bytes."""


async def busy_hour(centre: Centre) -> None:
    """Two agents talk, one is rung, one is on break; two callers wait; a desk talks to another."""
    for agent in ("aiko", "ken", "yui"):
        await centre.box.set_status(agent, "available")
    code, body = await centre.box.call_api("PUT", "agents/sora/status", {"status": "break", "reason": "Lunch"})
    assert code in (200, 204), body
    callers = (("09012345678", "Hanako Mori"), ("0661234567", ""), ("05031234567", "Yamada Denso"))
    for phone, (number, name) in zip(("201", "202", "203"), callers, strict=True):
        await centre.caller_in_queue(number, name)
        await (centre.rings(phone) if phone == "203" else centre.pick_up(phone))
    await centre.talk("205", "206")
    await asyncio.sleep(6.0)
    await centre.caller_in_queue("0463212345")
    await centre.caller_in_queue("08098765432", "Harriet Blake")
    centre.caller("0120444113")
    await centre.until_call("0120444113", "menu")


async def test_a_busy_box_is_a_picture_worth_showing(centre: Centre, browser: Browser) -> None:
    for number in ("0312340001", "0312340002"):
        await centre.box.set_status("aiko", "available")
        caller = await centre.caller_in_queue(number)
        await centre.pick_up("201")
        await asyncio.sleep(0.5)
        caller.hang_up()
        await centre.box.call_api("POST", "agents/aiko/wrap-up-done")
    await centre.box.set_status("aiko", "break")
    impatient = await centre.caller_in_queue("0312340003")
    impatient.hang_up()
    await busy_hour(centre)
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("sv")
    await expect(screen.page.locator(".waiting-row")).to_have_count(3)
    await expect(screen.page.locator('.call-row[data-state="talking"]')).to_have_count(3)
    await expect(screen.page.locator('.call-row[data-state="menu"]')).to_have_count(1)
    for lamp, light in (
        ("ready", ("green", "on")),
        ("recording", ("red", "on")),
        ("agent1", ("red", "on")),
        ("agent3", ("amber", "fast")),
        ("agent4", ("amber", "slow")),
    ):
        await screen.shines(lamp, *light)
    await screen.page.mouse.move(0, 0)
    picture = await screen.page.screenshot(full_page=True, animations="disabled")
    assert len(picture) < LARGEST
    if os.environ.get("HAKO_PICTURES") == "1":
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(picture)
    assert PICTURE.read_bytes()[:8] == picture[:8], "the README's picture is a PNG like this one"
    screen.is_clean()
