"""A call that is started on the page, and who answered it."""

from __future__ import annotations

import os

import pytest
from playwright.async_api import Browser, expect

from appliance.app.demo_rtp import FRAME_SAMPLES, frames_of
from appliance.media import speech_worker
from tests.browser.centre import Centre
from tests.browser.screen import Screen

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

QUIET = [b"\xff" * FRAME_SAMPLES]
WORDS = {
    "en-US": ("Call…", "Find out who answers", {"human": "A person answered", "machine": "A machine answered"}),
    "ja-JP": ("発信…", "応答者を判定する", {"machine": "留守番電話が応答", "silence": "応答後は無音"}),
}


def says(text: str) -> list[bytes]:
    """Somebody who says this and then waits."""
    samples = [int(sample * 32767) for sample in speech_worker.speak([("en", text)], 0.0)]
    return QUIET * 20 + frames_of(samples) + QUIET * 1500


HEARD = {
    "silence": lambda: QUIET,
    "human": lambda: says("Hello?"),
    "machine": lambda: says("You have reached the voicemail of John Smith. Please leave a message after the tone."),
}


@pytest.mark.parametrize(
    ("width", "language", "user", "who"),
    [(390, "ja-JP", "aiko", "silence"), (1366, "en-US", "sv", "human"), (1920, "ja-JP", "sv", "machine")],
)
async def test_a_call_is_placed_and_who_answers_is_shown(
    centre: Centre, browser: Browser, width: int, language: str, user: str, who: str
) -> None:
    await centre.box.set_status("aiko", "available")
    centre.phones["204"].frames = HEARD[who]()
    screen = await Screen.open(browser, centre.box.web, width, language)
    await screen.enter(user)
    page, (button, judge, verdicts) = screen.page, WORDS[language]
    shots = os.environ.get("HAKO_SHOTS")
    await page.get_by_role("button", name=button, exact=True).click()
    form = page.locator("form.place-call")
    if user == "aiko":
        assert await form.locator("select").count() == 0, "an agent calls from his own telephone"
    else:
        await form.locator("select[name=from]").select_option("201")
    await form.locator("input[name=number]").fill("２０４")
    await form.get_by_label(judge).check()
    if shots:
        await page.screenshot(path=f"{shots}/place-{width}-{language}.png")
    await form.locator("button").click()
    await expect(form).to_have_count(0)
    await centre.pick_up("201")
    await centre.pick_up("204")
    verdict = page.locator(f'.call-row [data-verdict="{who}"]')
    await expect(verdict).to_have_text(verdicts[who], timeout=15_000)
    if shots:
        await page.screenshot(path=f"{shots}/verdict-{width}-{language}.png", full_page=True)
    await screen.fits()
    screen.is_clean()


async def test_who_only_looks_is_not_offered_a_call(centre: Centre, browser: Browser) -> None:
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("wall")
    await expect(screen.page.get_by_role("button", name="Call…")).to_have_count(0)
    screen.is_clean()
