"""HTTPS as people meet it: a browser that has the box's certificate installed, on every address that the box has."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser, Error, Page, expect

from tests.browser.network import OURS, SECOND, Network
from tests.browser.screen import Screen
from tests.browser.telephone import chromium
from tests.peers.kit.box import Box

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]


def install(authority: Path, home: Path) -> None:
    """What the page says for Chromium on Linux, done by hand."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-n", "Hako", "-t", "C,,", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *command], check=True, capture_output=True)


async def opens(page: Page, url: str, seconds: float = 20.0) -> None:
    """Waits until the page opens without a warning: a certificate may be on its way."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        try:
            await page.goto(url)
            return
        except Error:
            if loop.time() > until:
                raise
            await asyncio.sleep(0.5)


async def test_a_computer_that_trusts_the_authority_is_warned_of_no_address(
    office_box: Box, network: Network, browser: Browser, tmp_path: Path
) -> None:
    screen = await Screen.open(browser, f"{office_box.web}/certificate", 390)
    async with screen.page.expect_download() as download:
        await screen.page.get_by_role("link", name="Download the certificate").evaluate(
            "link => { link.download = ''; link.click(); }"
        )
    install(Path(await (await download.value).path()), tmp_path)
    program = network.program(tmp_path, "/usr/bin/chromium")
    async with chromium(program=program, environment={"HOME": str(tmp_path)}) as trusting:
        page = await (await trusting.new_context()).new_page()
        await opens(page, f"https://{OURS}:{office_box.https_port}/")
        assert await page.evaluate("isSecureContext")
        network.also_here(SECOND, True)
        try:
            await opens(page, f"https://{SECOND}:{office_box.https_port}/")
            await expect(page.locator("input[name=name]")).to_be_visible()
            # The connection that was open before goes on, and a new one has the new certificate.
            await opens(page, f"https://{OURS}:{office_box.https_port}/")
        finally:
            network.also_here(SECOND, False)
    async with chromium(program=program, environment={"HOME": str(tmp_path / "other")}) as stranger:
        page = await (await stranger.new_context()).new_page()
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            await page.goto(f"https://{OURS}:{office_box.https_port}/")


@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
async def test_the_way_to_install_it_is_told_for_every_system(office_box: Box, browser: Browser, language: str) -> None:
    screen = await Screen.open(browser, f"{office_box.web}/certificate", 390, language)
    parts = screen.page.locator(".certificate-systems details")
    await expect(parts).to_have_count(6)
    for index in range(6):
        await parts.nth(index).locator("summary").click()
        await expect(parts.nth(index).locator("p")).to_be_visible()
    for width in (390, 1366, 1920):
        await screen.resize(width)
        await screen.fits()
