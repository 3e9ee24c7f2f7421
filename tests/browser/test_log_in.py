"""Log-in, languages and what each role is shown."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.centre import Centre
from tests.browser.conftest import Place
from tests.browser.screen import HEIGHTS, Screen

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]


async def test_a_wrong_password_is_refused_and_said(place: Place, browser: Browser) -> None:
    screen = await Screen.open(browser, place.box.web, 390)
    await screen.log_in("sv", "guess")
    await expect(screen.page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    await expect(screen.page.locator("nav")).to_have_count(0)
    await screen.enter("sv")
    screen.is_clean(refused=2)


async def test_the_browsers_language_goes_before_the_sites_and_the_choice_before_both(
    place: Place, browser: Browser
) -> None:
    screen = await Screen.open(browser, place.box.web, 1366, language="ja-JP")
    page = screen.page
    await expect(page.locator("form button.primary")).to_have_text("ログイン")
    await screen.enter("sv")
    await expect(page.locator("nav")).to_contain_text("通話記録")
    assert await page.locator("html").get_attribute("lang") == "ja"
    await screen.go("system")
    await expect(page.locator("main")).to_contain_text("前面パネルは画面にだけ表示されます")
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("nav")).to_contain_text("Records")
    await expect(page.locator("main")).to_contain_text("the front panel is on the pages only")
    await page.reload()
    await expect(page.locator("nav")).to_contain_text("Records")
    assert await page.locator("html").get_attribute("lang") == "en"
    screen.is_clean()


async def test_a_browser_of_neither_language_speaks_the_sites(place: Place, browser: Browser) -> None:
    screen = await Screen.open(browser, place.box.web, 1366, language="de-DE")
    await screen.enter("wall")
    await expect(screen.page.locator("nav")).to_contain_text("Live")
    screen.is_clean()


@pytest.mark.parametrize("name", ["admin", "sv", "aiko", "wall"])
async def test_every_page_of_every_role_fits_every_screen_in_both_languages(
    place: Place, browser: Browser, name: str
) -> None:
    for language in ("en-US", "ja-JP"):
        screen = await Screen.open(browser, place.box.web, 1366, language)
        await screen.enter(name)
        await expect(screen.page.locator(".clock")).to_be_visible()
        for link in await screen.page.locator("nav a").all():
            await link.click()
            await expect(screen.page.locator("main h1")).to_have_count(1)
            for width in HEIGHTS:
                await screen.resize(width)
                await screen.fits()
        screen.is_clean()
        await screen.page.context.close()


async def test_an_agent_sees_his_own_calls_with_names_and_the_clock_of_the_site(
    centre: Centre, browser: Browser
) -> None:
    await centre.talk("201", "204")
    await centre.talk("205", "206")
    screen = await Screen.open(browser, centre.box.web, 1366)
    await screen.enter("aiko")
    await expect(screen.page.locator(".call-row")).to_have_count(1)
    await expect(screen.page.locator(".call-row")).to_contain_text("204 Desk 4")
    await expect(screen.page.locator(".brand")).to_contain_text("Mirai Support")
    shown = await screen.page.locator(".clock").inner_text()
    in_tokyo = await screen.page.evaluate(
        "new Intl.DateTimeFormat('en', {timeZone: 'Asia/Tokyo', hour: '2-digit', hour12: false}).format(new Date())"
    )
    assert shown[:2] == in_tokyo[:2]
    screen.is_clean()
