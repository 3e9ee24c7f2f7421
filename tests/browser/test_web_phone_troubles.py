"""What stands in the way of a telephone in the browser is said in words, in both languages, and what to do."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.network import OURS, Network
from tests.browser.screen import Screen
from tests.browser.site import PHONES
from tests.browser.telephone import ALLOWED, Telephone, chromium, microphone
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.pulse import Pulse
from tests.peers.kit.sound import FIVE, ONE, TWO

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]

MICROPHONE = "module-remap-source master=line.monitor source_name=microphone"
"""A source that Chromium takes for a microphone; it leaves out monitors of sinks."""
STRICT = ("--autoplay-policy=document-user-activation-required",)
"""As Chromium is when nobody has changed it: no sound before a click."""


@pytest_asyncio.fixture
async def program(network: Network, tmp_path: Path) -> Path:
    """Chromium on another computer of the office."""
    return network.program(tmp_path, "/usr/bin/chromium")


@pytest_asyncio.fixture
async def there(program: Path, tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(*microphone(tmp_path, ONE), *STRICT, program=program) as browser:
        yield browser


def url(box: Box) -> str:
    return f"https://{OURS}:{box.https_port}"


def desk(box: Box, folder: Path, number: str) -> Phone:
    return Phone(folder, box.sip, number, TWO, password=PHONES[number])


@pytest.mark.parametrize(
    ("arguments", "english", "japanese"),
    [
        (
            ("--use-fake-device-for-media-stream",),
            "does not let this page use the microphone",
            "マイクの使用を許可していません",
        ),
        ((ALLOWED,), "No microphone can be used", "使えるマイクがありません"),
    ],
    ids=["refused", "none"],
)
async def test_without_a_microphone_it_says_so(
    office_box: Box, program: Path, arguments: tuple[str, ...], english: str, japanese: str
) -> None:
    async with chromium(*arguments, program=program) as browser:
        screen = await Screen.open(browser, url(office_box), 390)
        await screen.enter("aiko")
        telephone = Telephone(screen)
        await telephone.bar.locator("button.primary").click()
        await telephone.says(english)
        await expect(telephone.bar.locator('[data-telephone="off"]')).to_be_visible()
        await screen.fits()
        other = await Screen.open(browser, url(office_box), 390, "ja-JP")
        await other.enter("aiko")
        await Telephone(other).bar.locator("button.primary").click()
        await Telephone(other).says(japanese)
        await other.fits()


async def test_without_https_the_page_says_where_it_is_served_so(office_box: Box, there: Browser) -> None:
    screen = await Screen.open(there, f"http://{OURS}:{office_box.web_port}", 390)
    await screen.enter("aiko")
    bar = Telephone(screen).bar
    await expect(bar).to_contain_text("browsers need HTTPS")
    await expect(bar.locator("a").first).to_have_attribute("href", f"{url(office_box)}/")
    await expect(bar.locator("a").last).to_have_attribute("href", "/certificate")
    await expect(bar.get_by_role("button")).to_have_count(0)
    await screen.fits()


async def test_a_call_is_heard_again_after_a_reload_in_a_browser_that_wants_a_click(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    telephone.page.on("dialog", lambda dialog: dialog.accept())
    async with desk(office_box, tmp_path, "204") as phone:
        await phone.dial("201")
        await telephone.press("Answer")
        await phone.hears(ONE, seconds=15)
        await telephone.page.reload()
        await expect(telephone.call("talking")).to_be_visible()
        await phone.hears(ONE, seconds=20)
        await telephone.screen.becomes("playing() || !!document.querySelector('.telephone-trouble')")
        await telephone.bar.locator("input[name=dial]").click()
        await telephone.screen.becomes("playing()")
        await expect(telephone.bar.locator(".telephone-trouble")).to_have_count(0)
        await telephone.press("Hang up")


async def test_a_call_that_rings_in_another_tab_is_seen_in_the_title(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    title = await telephone.page.title()
    other = await telephone.page.context.new_page()
    await other.bring_to_front()
    async with desk(office_box, tmp_path, "204") as phone:
        await phone.dial("201")
        await telephone.screen.becomes("document.title.startsWith('☎') && document.title.includes('204')")
        await telephone.screen.becomes(f"document.title === {title!r}", 5)
        await telephone.screen.becomes("document.title.startsWith('☎')", 5)
        await phone.hang_up()
        await telephone.screen.becomes(f"document.title === {title!r}")
        await asyncio.sleep(1.5)
        assert await telephone.page.title() == title


async def test_why_a_call_came_to_nothing_is_said(office_box: Box, there: Browser, tmp_path: Path) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with desk(office_box, tmp_path, "204") as phone:
        await telephone.dial("204")
        await phone.until("CALL_INCOMING")
        await phone.hang_up()
        await telephone.says("busy, or did not take the call")
        await telephone.dial("204")
        await phone.until("CALL_INCOMING", times=2)
        await expect(telephone.bar.locator(".telephone-trouble")).to_have_count(0)
        await telephone.press("Hang up")
        await phone.until("CALL_CLOSED", times=2)
        await expect(telephone.bar.locator(".telephone-trouble")).to_have_count(0)


async def test_a_microphone_that_breaks_in_a_call_is_said_and_the_call_goes_on(
    office_box: Box, program: Path, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="hako-pulse-") as folder:
        pulse = Pulse(Path(folder))
        await pulse.start()
        pulse.feed(FIVE)
        pulse.plug(MICROPHONE)
        try:
            async with (
                chromium(ALLOWED, program=program, environment=pulse.environment) as browser,
                desk(office_box, tmp_path, "204") as phone,
            ):
                telephone = await Telephone.open(browser, url(office_box), "aiko")
                await phone.dial("201")
                await telephone.press("Answer")
                await phone.hears(FIVE, seconds=15)
                await pulse.kill()
                await telephone.says("microphone")
                await expect(telephone.call("talking")).to_be_visible()
                await telephone.press("Hang up")
                await phone.until("CALL_CLOSED")
        finally:
            await pulse.close()
