"""How calls sound, on the pages: who is not heard while the call goes on, and each party's quality in the records."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from appliance.app.demo_phone import DemoCall
from tests.browser.centre import Centre
from tests.browser.screen import Screen
from tests.unit.media import rtcp

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

PICTURES = os.environ.get("HAKO_VOICE_PICTURES", "")
"""A folder to keep pictures in, for whoever changes the pages."""


async def lose(call: DemoCall, every: int) -> None:
    """Of the party's packets each so manieth is lost on the way."""
    stream = call.stream
    last = stream._sequence
    while True:
        await asyncio.sleep(0.02)
        if (stream._sequence - last) & 0xFFFF >= every:
            stream._sequence, stream._timestamp = stream._sequence + 1 & 0xFFFF, stream._timestamp + 160 & 0xFFFFFFFF
            last = stream._sequence


async def hear_nothing(call: DemoCall) -> None:
    """The party's reports know nothing of what is sent to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        while True:
            if call.stream.remote is not None:
                host, port = call.stream.remote
                control.sendto(rtcp.sender_report(call.stream._ssrc, 1), (host, port + 1))
            await asyncio.sleep(1.0)


async def picture(screen: Screen, name: str) -> None:
    if PICTURES:
        await screen.page.screenshot(path=Path(PICTURES) / f"{name}-{screen.width}.png", full_page=True)


@pytest.mark.parametrize(
    ("language", "silent", "deaf", "bad", "good", "words"),
    [
        ("en-US", "is not heard", "hears nothing", "bad", "good", "no audio arrived"),
        ("ja-JP", "の声が届きません", "に相手の声が届いていません", "悪い", "良い", "音声がまったく届いていません"),
    ],
)
async def test_a_bad_line_and_a_silent_party_are_seen(
    centre: Centre, browser: Browser, language: str, silent: str, deaf: str, bad: str, good: str, words: str
) -> None:
    screen = await Screen.open(browser, centre.box.web, 1366, language)
    await screen.enter("sv")
    unhearing = await centre.talk("201", "202")
    noisy = await centre.talk("205", "206")
    mute = await centre.talk("203", "204")
    mute.stream.remote = None
    deafening = asyncio.get_running_loop().create_task(hear_nothing(unhearing))
    losing = asyncio.get_running_loop().create_task(lose(noisy, 8))
    try:
        page = screen.page
        rows = page.locator(".call-row")
        await expect(rows.filter(has_text=silent)).to_have_count(1)
        await expect(page.locator(".fault").filter(has_text="203")).to_be_visible()
        await expect(rows.locator(".voice").filter(has_text=bad)).to_have_count(1, timeout=20_000)
        await expect(rows.filter(has_text=deaf)).to_have_count(1)
        await expect(page.locator(".fault").filter(has_text="201")).to_be_visible()
        for row in await rows.all():
            await row.locator("button:has(.icon-chevron)").click()
        await expect(page.locator(".legs .voice").filter(has_text=good).first).to_be_visible()
        await picture(screen, f"live-{language}")
        for width in (390, 1920) if PICTURES else ():
            await page.set_viewport_size({"width": width, "height": 900})
            screen.width = width
            await picture(screen, f"live-{language}")
    finally:
        losing.cancel()
        deafening.cancel()
    unhearing.hang_up()
    noisy.hang_up()
    mute.hang_up()
    await page.set_viewport_size({"width": 1366, "height": 768})
    await expect(rows).to_have_count(0)
    screen.width = 1366
    await screen.go("records")
    first = page.locator(".record[data-record]")
    await expect(first.locator(".r-voice").filter(has_text=bad).first).to_be_visible()
    for width in (390, 1366, 1920) if PICTURES else ():
        await page.set_viewport_size({"width": width, "height": 900})
        screen.width = width
        await picture(screen, f"records-{language}")
    await first.filter(has_text="Reception").first.locator("a.record-link").click()
    voices = page.locator(".voices")
    await expect(voices.locator("li").filter(has_text=bad)).to_have_count(1)
    await expect(voices.locator("li").filter(has_text=good)).to_have_count(1)
    for width in (390, 1366, 1920) if PICTURES else ():
        await page.set_viewport_size({"width": width, "height": 900})
        screen.width = width
        await picture(screen, f"record-{language}")
    await page.keyboard.press("Escape")
    await first.filter(has_text="Desk 3").first.locator("a.record-link").click()
    await expect(page.locator(".dialog, dialog").filter(has_text=words)).to_be_visible()
    assert not screen.complaints
    await page.context.close()
