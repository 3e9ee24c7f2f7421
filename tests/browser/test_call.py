"""The story of a call as people see it, on three sizes of screen at once: from its first moment to its recording."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from appliance.app.demo_phone import DemoCall
from appliance.media.archive_worker import archive
from tests.browser.centre import Centre
from tests.browser.screen import Screen
from tests.peers.kit.box import Feed

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

CALLER, SHOWN = "09012345678", "090-1234-5678"
WIDTHS = (390, 1366, 1920)
WAVEFORM_INK = """
[...document.querySelector(".wave").firstElementChild.shadowRoot.querySelectorAll("canvas")]
  .map((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)
  .reduce((sum, data) => sum + data.filter((byte, at) => at % 4 === 3 && byte > 0).length, 0)
"""
"""Pixels of the waveform that are painted."""


async def every(screens: list[Screen], look: Any) -> None:
    """Looks at all screens at once."""
    await asyncio.gather(*(look(screen) for screen in screens))


async def test_a_call_is_seen_from_its_first_moment_to_its_recording(centre: Centre, browser: Browser) -> None:
    await centre.box.set_status("aiko", "break")
    await centre.talk("203", "204")
    screens = [await Screen.open(browser, centre.box.web, width) for width in WIDTHS]
    await every(screens, lambda screen: screen.enter("sv"))
    await every(screens, sees_what_was_there_before)
    async with centre.box.events() as feed:
        caller = await comes_in_and_waits(centre, screens)
        await since_is_exact(centre, feed)
        await is_offered_and_answered(centre, screens)
        await asyncio.sleep(3.0)
        caller.hang_up()
        await ends(screens)
        call = (await feed.until("call-ended", call=(await feed.until("queue-entered"))["call"]))["call"]
    for screen in screens:
        await is_found_and_played(centre, screen, call)
        screen.is_clean()


async def sees_what_was_there_before(screen: Screen) -> None:
    """The page was opened during a call."""
    await expect(screen.call("204", "talking")).to_be_visible()
    await expect(screen.page.locator('[data-extension="203"].is-busy')).to_have_count(1)
    await screen.shines("ready", "green", "on")
    await screen.shines("agent1", "amber", "slow")
    await screen.shines("waiting", "off", "off")
    await screen.fits()


async def comes_in_and_waits(centre: Centre, screens: list[Screen]) -> DemoCall:
    """A caller hears the menu, presses 1 and is the first in the queue."""
    caller = centre.caller(CALLER)

    async def menu(screen: Screen) -> None:
        await expect(screen.call(SHOWN, "menu")).to_be_visible()
        await screen.shines("calls", "green", "on")

    async def waiting(screen: Screen) -> None:
        row = screen.page.locator(".waiting-row").filter(has_text=SHOWN)
        await expect(row).to_contain_text("No. 1")
        await expect(row).to_contain_text("Support")
        await expect(screen.call(SHOWN, "menu")).to_have_count(0)
        await screen.shines("waiting", "amber", "on")
        await screen.fits()

    await centre.answered(caller)
    await every(screens, menu)
    caller.stream.press("1")
    await every(screens, waiting)
    return caller


async def since_is_exact(centre: Centre, feed: Feed) -> None:
    """The box says when the state began, to the millisecond of the event that began it."""
    entered = await feed.until("queue-entered")
    view = await centre.box.get(f"calls/{entered['call']}")
    assert (view["state"], view["since"], view["queued"]) == ("waiting", entered["at"], entered["at"])


async def is_offered_and_answered(centre: Centre, screens: list[Screen]) -> None:
    """The supervisor brings the agent back from her break on the page; her phone rings and she answers."""
    first = screens[0]
    await first.agent("aiko").locator("button").click()
    await first.page.get_by_role("button", name="Available", exact=True).click()

    async def rings(screen: Screen) -> None:
        await expect(screen.agent("aiko")).to_have_attribute("data-state", "offered")
        await expect(screen.page.locator(".waiting-row").filter(has_text=SHOWN)).to_contain_text("Ringing Aiko Sato")
        await screen.shines("agent1", "amber", "fast")

    async def talks(screen: Screen) -> None:
        row = screen.call(SHOWN, "talking")
        await expect(row).to_contain_text("Aiko Sato")
        await expect(row.locator(".rec i")).to_be_visible()
        await expect(screen.page.locator(".waiting-row")).to_have_count(0)
        await expect(screen.agent("aiko")).to_have_attribute("data-state", "talking")
        await expect(screen.agent("aiko")).to_contain_text(SHOWN)
        await screen.shines("agent1", "red", "on")
        await screen.shines("recording", "red", "on")
        await screen.shines("waiting", "off", "off")
        await screen.fits()

    await every(screens, rings)
    await centre.pick_up("201")
    await every(screens, talks)


async def ends(screens: list[Screen]) -> None:
    """The caller hangs up: the row goes, the agent is in wrap-up and then idle, the lamps follow."""

    async def wraps_up(screen: Screen) -> None:
        await expect(screen.call(SHOWN, "talking")).to_have_count(0)
        await expect(screen.agent("aiko")).to_have_attribute("data-state", "wrap-up")
        await screen.shines("agent1", "amber", "on")

    async def is_idle(screen: Screen) -> None:
        await expect(screen.agent("aiko")).to_have_attribute("data-state", "idle")
        await screen.shines("agent1", "green", "on")
        await screen.shines("calls", "green", "on")

    await every(screens, wraps_up)
    await every(screens, is_idle)


async def is_found_and_played(centre: Centre, screen: Screen, call: str) -> None:
    """The records find the call by its number; the recording plays, both sides of it drawn."""
    record = await centre.box.get(f"records/{call}")
    length = (datetime.fromisoformat(record["ended"]) - datetime.fromisoformat(record["answered"])).total_seconds()
    assert record["recording"]["seconds"] == pytest.approx(length, abs=0.5)
    await screen.go("records")
    await screen.page.locator('input[type="search"]').fill("1234-5678")
    row = screen.page.locator(f'[data-record="{call}"]')
    await expect(row).to_contain_text(SHOWN)
    await screen.fits()
    await row.locator(".record-link").click()
    audio = screen.page.locator("audio")
    await expect(screen.page.locator(".story")).to_contain_text("Conversation with Aiko Sato begins")
    await screen.page.locator(".player .play").click()
    await screen.becomes("document.querySelector('audio').currentTime > 0.7")
    duration = await audio.evaluate("audio => audio.duration")
    assert duration == pytest.approx(record["recording"]["seconds"], abs=0.1)
    await screen.becomes(WAVEFORM_INK + " > 1000")
    peaks = (await centre.box.get(f"recordings/{record['recording']['id']}/peaks"))["peaks"]
    assert len(peaks) == 2 and all(max(side) > 0.05 for side in peaks), "both sides are heard"
    await screen.page.locator(".player .play").click()
    await screen.fits()


async def test_a_supervisor_ends_a_call(centre: Centre, browser: Browser) -> None:
    call = await centre.talk("203", "204")
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("sv")
    await screen.call("204", "talking").get_by_role("button", name="Hang up").click()
    dialog = screen.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("203 Desk 3 – 204 Desk 4")
    assert not call.ended.is_set(), "it is asked first"
    await dialog.get_by_role("button", name="Hang up").click()
    async with asyncio.timeout(5):
        await call.ended.wait()
    await expect(screen.page.locator(".calls")).to_contain_text("No calls at the moment.")
    screen.is_clean()


async def test_a_caller_who_gives_up_is_counted_as_abandoned(centre: Centre, browser: Browser) -> None:
    await centre.box.set_status("ken", "break")
    before = (await centre.box.items("queues"))[0]["abandoned_today"]
    screen = await Screen.open(browser, centre.box.web, 1920)
    await screen.enter("wall")
    caller = await centre.caller_in_queue("0661234567")
    tile = screen.page.locator(".tile").filter(has_text="Abandoned today").locator("b")
    await expect(screen.page.locator(".tile").filter(has_text="Waiting").locator("b")).to_have_text("1")
    caller.hang_up()
    await expect(tile).to_have_text(str(before + 1))
    screen.is_clean()


@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
async def test_a_recording_is_paused_and_resumed_on_the_page(centre: Centre, browser: Browser, language: str) -> None:
    words = {
        "en-US": ("Pause recording", "Recording paused", "Resume recording", "paused, silent for"),
        "ja-JP": ("録音を一時停止", "録音一時停止中", "録音を再開", "一時停止（無音）"),
    }
    pause, paused, resume, silent = words[language]
    call = await centre.talk("203", "204")
    screens = [await Screen.open(browser, centre.box.web, width, language) for width in WIDTHS]
    await every(screens, lambda screen: screen.enter("sv"))
    rows = [screen.call("204", "talking") for screen in screens]
    await expect(rows[0].locator(".rec i")).to_be_visible()
    await rows[0].get_by_role("button", name=pause).click()

    async def is_paused(screen: Screen) -> None:
        await expect(screen.call("204", "talking")).to_contain_text(paused)
        await screen.fits()

    await every(screens, is_paused)
    await rows[1].get_by_role("button", name=resume).click()
    for row in rows:
        await expect(row.get_by_role("button", name=pause)).to_be_visible()
    view = next(one for one in await centre.box.items("calls") if one["recording"])
    async with centre.box.events() as feed:
        call.hang_up()
        await feed.until("recording-stopped", call=view["id"])
    for screen in screens:
        await screen.go("records")
        await screen.page.locator(f'[data-record="{view["id"]}"] .record-link').click()
        await expect(screen.page.locator(".pauses")).to_contain_text(silent)
        await screen.fits()
        screen.is_clean()


async def test_a_recording_that_became_opus_plays_and_is_drawn(centre: Centre, browser: Browser) -> None:
    call = await centre.talk("203", "204")
    view = next(one for one in await centre.box.items("calls") if one["recording"])
    await asyncio.sleep(2.0)
    async with centre.box.events() as feed:
        call.hang_up()
        stopped = await feed.until("recording-stopped", call=view["id"])
    (path,) = (centre.box.data / "recordings").rglob(f"{stopped['recording']}.wav")
    await asyncio.to_thread(archive, path)
    path.unlink()
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("sv")
    await screen.go("records")
    await screen.page.locator(f'[data-record="{view["id"]}"] .record-link').click()
    await screen.page.locator(".player .play").click()
    await screen.becomes("document.querySelector('audio').currentTime > 0.7")
    await screen.becomes(WAVEFORM_INK + " > 1000")
    audio = screen.page.locator("audio")
    assert await audio.evaluate("audio => audio.duration") == pytest.approx(stopped["seconds"], abs=0.1)
    await audio.evaluate("audio => { audio.currentTime = 0.2; }")
    await screen.becomes("document.querySelector('audio').currentTime > 0.4")
    async with screen.page.expect_download() as download:
        await screen.page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename.endswith(".opus")
    screen.is_clean()
