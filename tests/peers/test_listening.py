"""What the box hears over real SIP and RTP: keys as tones, fax machines, who answers. SIPp plays the sounds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.media import speech_worker
from tests.peers.conftest import Lines, share_prompts
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import NUMBER, secret, site_file
from tests.peers.kit.sound import ONE
from tests.unit.media import tones
from tests.unit.media.rtp import Samples, encode

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, shared_box: Box, lines: Lines) -> Iterator[Box]:
    site = site_file(lines.carrier, lines.guarded, lines.single)
    site = site.replace("channels = 20\n", 'channels = 20\nfax = "extension:204"\n')
    box = Box(tmp_path_factory.mktemp("listening"), site)
    share_prompts(shared_box, box)
    try:
        asyncio.run(box.start())
        yield box
    finally:
        asyncio.run(box.close())


def phone(box: Box, folder: Path, number: str) -> Phone:
    return Phone(folder, box.sip, number, ONE, password=secret(number), auto_answer=True)


def sound(folder: Path, *parts: Samples) -> Path:
    """A file that SIPp plays; quiet at its end."""
    file = folder / "sound.ulaw"
    file.write_bytes(encode(0, np.concatenate([*parts, tones.silence(30.0)])))
    return file


def speech(language: str, text: str) -> Samples:
    samples = np.array(speech_worker.speak([(language, text)], 0.0))
    return (samples * 32767).astype(np.int16)


async def test_tones_of_a_line_without_telephone_events_operate_the_menu(box: Box, tmp_path: Path) -> None:
    file = sound(tmp_path, tones.silence(0.8), tones.key("2", 0.12))
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201") as called,
        Sipp(tmp_path, "caller-streams", box.sip, NUMBER, tone=file) as sipp,
    ):
        await feed.until("menu-key", key="2")
        await feed.until("leg-bridged")
        assert len(feed.all("menu-key")) == 1
        await called.hang_up()
        await sipp.done()


async def test_a_fax_machine_that_calls_the_menu_goes_to_the_fax(box: Box, tmp_path: Path) -> None:
    file = sound(tmp_path, tones.silence(0.5), tones.sine(1100, 0.5, -14.0))
    async with (
        box.events() as feed,
        phone(box, tmp_path, "204") as machine,
        Sipp(tmp_path, "caller-streams", box.sip, NUMBER, caller="0311112222", tone=file) as sipp,
    ):
        told = await feed.until("fax-detected")
        assert (told["tone"], told["to"]) == ("cng", "extension:204")
        await feed.until("leg-bridged")
        await machine.hang_up()
        await sipp.done()
    assert (await box.record(**{"from": "0311112222"}))["fax"]


@pytest.mark.parametrize("who", ["person", "machine"])
async def test_who_answers_is_told_and_kept(box: Box, tmp_path: Path, lines: Lines, who: str) -> None:
    number = "0398765432" if who == "person" else "0398765433"
    if who == "person":
        file = sound(tmp_path, tones.silence(0.4), speech("ja", "もしもし"))
    else:
        greeting = speech("en", "You have reached the voicemail of John Smith. Please leave a message after the tone.")
        file = sound(tmp_path, tones.silence(0.3), greeting, tones.silence(0.5), tones.sine(1000, 0.5, -16.0))
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201") as desk,
        Sipp(tmp_path, "carrier-streams", box.sip, port=lines.carrier, sound=file, pause=0.2) as carrier,
    ):
        body = {"extension": "201", "number": number, "answering_machine": True}
        status, answer = await box.call_api("POST", "calls", body)
        assert status == 201, answer
        told = await feed.until("answered-by", 12.0)
        assert told["result"] == {"person": "human", "machine": "machine"}[who]
        (call,) = await box.items("calls")
        assert call["answered_by"] == told["result"]
        if who == "machine":
            assert (await feed.until("greeting-ended", 12.0))["cause"] == "beep"
        status, _ = await box.call_api("POST", f"calls/{call['id']}/keys", {"keys": "1#"})
        assert status == 204
        assert (await feed.until("keys-sent"))["count"] == 2
        await desk.hang_up()
        await carrier.done()
    assert (await box.record(to=number))["answered_by"] == told["result"]
