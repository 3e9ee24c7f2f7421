"""A telephone in the browser, over HTTPS from another computer: real Chromium, real baresip, tones both ways."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.network import LATER, OURS, THEIRS, Network
from tests.browser.screen import Screen
from tests.browser.site import PHONES
from tests.browser.telephone import Telephone, chromium, microphone
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.sound import ONE, THREE, TWO

pytestmark = [pytest.mark.peer, pytest.mark.timeout(180)]


@pytest_asyncio.fixture
async def there(network: Network, tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser on another computer of the office; its microphone gives ONE."""
    program = network.program(tmp_path, "/usr/bin/chromium")
    async with chromium(*microphone(tmp_path, ONE), program=program) as browser:
        yield browser


def url(box: Box) -> str:
    return f"https://{OURS}:{box.https_port}"


def desk(box: Box, folder: Path, number: str) -> Phone:
    """A desk phone whose tone is TWO."""
    return Phone(folder, box.sip, number, TWO, password=PHONES[number])


async def registered(box: Box, wanted: int) -> None:
    """Waits until so many telephones of the extension are there."""
    for _ in range(200):
        lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
        if len(lines["201"]) == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not {wanted} telephones but {lines['201']}")


async def test_a_call_to_the_browser_is_heard_on_both_sides(office_box: Box, there: Browser, tmp_path: Path) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with desk(office_box, tmp_path, "204") as phone:
        await phone.dial("201")
        await expect(telephone.call("ringing")).to_contain_text("204")
        await telephone.press("Answer")
        await expect(telephone.call("talking")).to_be_visible()
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=15))
        await phone.hang_up()
        await expect(telephone.call()).to_have_count(0)
        await telephone.dial("204")
        await phone.until("CALL_INCOMING")
        await phone.answer()
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=15))
        await telephone.press("Hang up")
        await phone.until("CALL_CLOSED", times=2)
    telephone.screen.is_clean()


async def test_keys_reach_a_menu(office_box: Box, there: Browser) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with office_box.events() as feed:
        await telephone.dial("790")
        await feed.until("menu-entered")
        await telephone.press("Keys", "1")
        assert (await feed.until("menu-left"))["outcome"] == "key"
    await telephone.press("Hang up")
    await expect(telephone.call()).to_have_count(0)


async def test_hold_and_mute(office_box: Box, there: Browser, tmp_path: Path) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with desk(office_box, tmp_path, "204") as phone:
        await telephone.dial("204")
        await phone.until("CALL_INCOMING")
        await phone.answer()
        await phone.hears(ONE, seconds=15)
        await telephone.press("Mute")
        await phone.is_silent()
        await telephone.press("Unmute")
        await phone.hears(ONE, seconds=15)
        await telephone.press("Hold")
        await expect(telephone.call("held")).to_be_visible()
        await phone.hears_music()
        await telephone.press("Resume")
        await expect(telephone.call("talking")).to_be_visible()
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=15))
        await telephone.press("Hang up")


async def test_a_call_goes_on_when_the_computer_gets_another_address(
    office_box: Box, there: Browser, network: Network, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with desk(office_box, tmp_path, "204") as phone:
        await phone.dial("201")
        await telephone.press("Answer")
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=15))
        network.change_address(THEIRS, LATER)
        try:
            await telephone.screen.becomes("connections > 1", seconds=40)
            await asyncio.gather(telephone.hears(TWO, seconds=30), phone.hears(ONE, seconds=30))
            network.plug(False)
            await asyncio.sleep(6.0)
            network.plug(True)
            await asyncio.gather(telephone.hears(TWO, seconds=40), phone.hears(ONE, seconds=40))
            assert len(await office_box.items("calls")) == 1
            await telephone.press("Hang up")
            await phone.until("CALL_CLOSED")
        finally:
            network.change_address(LATER, THEIRS)


async def test_a_page_that_is_loaded_again_has_its_call(office_box: Box, there: Browser, tmp_path: Path) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    telephone.page.on("dialog", lambda dialog: dialog.accept())
    async with desk(office_box, tmp_path, "204") as phone:
        await phone.dial("201")
        await telephone.press("Answer")
        await phone.hears(ONE, seconds=15)
        await telephone.page.reload()
        await expect(telephone.call("talking")).to_be_visible()
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=20))
        await telephone.press("Hang up")
        await phone.until("CALL_CLOSED")


async def test_two_browsers_and_the_desk_phone_ring_and_one_of_them_answers(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephones = [await Telephone.open(there, url(office_box), "aiko") for _ in range(2)]
    async with desk(office_box, tmp_path, "204") as phone, desk(office_box, tmp_path, "201") as at_desk:
        await phone.dial("201")
        await at_desk.until("CALL_INCOMING")
        for telephone in telephones:
            await expect(telephone.call("ringing")).to_be_visible()
        await telephones[1].press("Answer")
        await expect(telephones[0].call()).to_have_count(0)
        await at_desk.until("CALL_CLOSED")
        await asyncio.gather(telephones[1].hears(TWO), phone.hears(ONE, seconds=15))
        await telephones[1].press("Hang up")
        await phone.until("CALL_CLOSED")
        await phone.dial("201")
        await at_desk.until("CALL_INCOMING", times=2)
        await at_desk.answer()
        for telephone in telephones:
            await expect(telephone.call()).to_have_count(0)
        await phone.hang_up()


async def test_when_its_process_dies_its_call_ends_others_go_on_and_it_comes_back(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with (
        desk(office_box, tmp_path, "204") as phone,
        desk(office_box, tmp_path, "205") as first,
        Phone(tmp_path, office_box.sip, "206", THREE, password=PHONES["206"], auto_answer=True) as second,
        office_box.events() as feed,
    ):
        await first.dial("206")
        await asyncio.gather(first.hears(THREE), second.hears(TWO))
        await phone.dial("201")
        await telephone.press("Answer")
        await phone.hears(ONE, seconds=15)
        os.kill(int((office_box.data / "webphone.lock").read_text()), signal.SIGKILL)
        await phone.until("CALL_CLOSED")
        await feed.until("call-ended", reason="vanished")
        await asyncio.gather(first.hears(THREE), second.hears(TWO))
        await telephone.says("your call is over")
        await telephone.ready()
        await expect(telephone.call()).to_have_count(0)
        await phone.dial("201")
        await telephone.press("Answer")
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=15))
        await first.hang_up()
        await phone.hang_up()


async def test_an_upgrade_of_the_box_leaves_its_conversation_alone(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    async with desk(office_box, tmp_path, "204") as phone:
        await phone.dial("201")
        await telephone.press("Answer")
        await phone.hears(ONE, seconds=15)
        assert office_box.program is not None
        os.kill(office_box.program.pid, signal.SIGUSR1)
        assert await office_box.program.wait(10) == 0
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE))
        await office_box.start()
        await telephone.ready()
        await expect(telephone.call("talking")).to_be_visible()
        await asyncio.gather(telephone.hears(TWO), phone.hears(ONE))
        await telephone.press("Hang up")
        await phone.until("CALL_CLOSED")


async def test_a_call_goes_on_while_the_box_is_started_again_and_can_be_ended_meanwhile(
    office_box: Box, there: Browser, tmp_path: Path
) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    # Telephones of pages that were just closed cannot say good-bye to a box that is away.
    await registered(office_box, 1)
    async with desk(office_box, tmp_path, "204") as phone:
        for ended_meanwhile in (False, True):
            await phone.dial("201")
            await telephone.press("Answer")
            await asyncio.gather(telephone.hears(TWO), phone.hears(ONE, seconds=15))
            await asyncio.sleep(1.0)
            office_box.kill()
            await expect(telephone.bar.locator('[data-telephone="connecting"]')).to_be_visible(timeout=15_000)
            await asyncio.gather(telephone.hears(TWO), phone.hears(ONE))
            if ended_meanwhile:
                await telephone.press("Hang up")
                await expect(telephone.call()).to_have_count(0)
            await office_box.start()
            await telephone.ready()
            if not ended_meanwhile:
                await telephone.press("Hold")
                await phone.hears_music()
                await telephone.press("Resume")
                await asyncio.gather(telephone.hears(TWO), phone.hears(ONE))
                await telephone.press("Hang up")
            await phone.until("CALL_CLOSED", times=2 if ended_meanwhile else 1)
            await expect(telephone.call()).to_have_count(0)
        assert await telephone.page.evaluate("connections") == 1, "nothing of the audio was made anew"


async def test_turning_it_on_and_off_again_and_again_leaves_nothing_behind(office_box: Box, there: Browser) -> None:
    telephone = await Telephone.open(there, url(office_box), "aiko")
    process = int((office_box.data / "webphone.lock").read_text())
    held = []
    for _ in range(6):
        await telephone.dial("*43")
        await expect(telephone.call("talking")).to_be_visible()
        await telephone.press("Hang up")
        await expect(telephone.call()).to_have_count(0)
        await telephone.press("Turn off")
        await expect(telephone.bar.locator('[data-telephone="off"]')).to_be_visible()
        await telephone.bar.locator("button.primary").click()
        await telephone.ready()
        # A connection that has just been given up takes a moment to go.
        await asyncio.sleep(1.0)
        held.append(len(os.listdir(f"/proc/{process}/fd")))
    assert max(held[2:]) <= max(held[:2]), held


async def test_logging_out_and_turning_off_take_the_telephone_away(office_box: Box, there: Browser) -> None:
    await registered(office_box, 0)
    first = await Telephone.open(there, url(office_box), "aiko")
    second = await Telephone.open(there, url(office_box), "aiko")
    await registered(office_box, 2)
    await first.press("Turn off")
    await expect(first.bar.locator('[data-telephone="off"]')).to_be_visible()
    await second.screen.go("system")
    await second.page.get_by_role("button", name="Log out").click()
    await registered(office_box, 0)


async def test_who_has_no_extension_has_no_telephone(office_box: Box, there: Browser) -> None:
    screen = await Screen.open(there, url(office_box), 1366)
    await screen.enter("sv")
    await expect(screen.page.locator(".telephone")).to_have_count(0)
    screen.is_clean()
