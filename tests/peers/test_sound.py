"""The sound card, real from end to end: baresip, the engine, the sound process, PortAudio, PulseAudio's null sinks."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tests.peers.conftest import Lines, MakeBox, share_prompts
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.pulse import Pulse
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import FIVE, FOUR, ONE, THREE, TONES, TWO
from tests.unit.media.rtp import level

pytestmark = pytest.mark.peer

SOUND = """
[sound]
output = "auto"
input = "auto"
music = "line-in"
volume = 100
listen_extensions = ["205"]
"""
RING = (660, 880)


@pytest.fixture(scope="module")
def pulse() -> Iterator[Pulse]:
    with tempfile.TemporaryDirectory(prefix="hako-pulse-") as folder:
        server = Pulse(Path(folder))
        try:
            asyncio.run(server.start())
            yield server
        finally:
            asyncio.run(server.close())


@pytest.fixture(scope="module")
def sound_box(tmp_path_factory: pytest.TempPathFactory, shared_box: Box, lines: Lines, pulse: Pulse) -> Iterator[Box]:
    text = site_file(lines.carrier, lines.guarded, lines.single)
    text = text.replace('id = "support"\nnumber', 'id = "support"\nloudspeaker_seconds = 2\nnumber') + SOUND
    box = Box(tmp_path_factory.mktemp("sound"), text)
    share_prompts(shared_box, box)
    box.prefix = pulse.prefix
    try:
        asyncio.run(box.start())
        yield box
    finally:
        asyncio.run(box.close())


@pytest_asyncio.fixture
async def box(sound_box: Box) -> AsyncIterator[Box]:
    """A box at this sound server, with loudspeaker and line-in; nobody is logged in and no call is left."""
    await until_sound(sound_box, output=True, input=True)
    yield sound_box
    for agent in await sound_box.items("agents"):
        if agent["status"] != "logged-out":
            await sound_box.set_status(agent["id"], "logged-out")
    for call in await sound_box.items("calls"):
        await sound_box.call_api("POST", f"calls/{call['id']}/hangup")


async def until_sound(box: Box, **wanted: bool) -> dict[str, Any]:
    """Waits until the directions are in use, or not."""
    for _ in range(400):
        sound: dict[str, Any] = await box.get("sound")
        if all(bool(sound[way]["device"]) == there for way, there in wanted.items()):
            return sound
        await asyncio.sleep(0.05)
    raise AssertionError(f"not so: {wanted}; {sound}\n{box.log()}")


def phone(box: Box, folder: Path, number: str, hertz: int, **options: Any) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)


def sound_processes(box: Box) -> list[int]:
    """The box's sound processes."""
    assert box.program is not None
    children = Path(f"/proc/{box.program.pid}/task/{box.program.pid}/children").read_text().split()
    return [
        pid for pid in map(int, children) if b"appliance.sound.process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


async def test_a_phone_pages_the_room(box: Box, pulse: Pulse, tmp_path: Path) -> None:
    async with phone(box, tmp_path, "201", ONE) as first, phone(box, tmp_path, "202", TWO) as second:
        await pulse.silent()
        async with box.events() as feed:
            await first.dial("*88")
            await pulse.plays(659, among=(659, *TONES))
            await pulse.plays(ONE, among=TONES)
            assert (await box.get("sound"))["paging"] == "201"
            await second.dial("*88")
            await second.until("CALL_CLOSED")
            await pulse.plays(ONE, among=TONES)
            await first.hang_up()
            await pulse.silent()
            await feed.until("page-ended", extension="201", reason="hung-up")
        assert (await box.record(**{"from": "202", "to": "*88"}))["cause"] == "busy"


async def test_the_line_in_is_music_until_it_is_gone(box: Box, pulse: Pulse, tmp_path: Path) -> None:
    pulse.feed(FIVE)
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
    ):
        await caller.dial("202")
        await called.hears(ONE)
        await caller.hold()
        await called.hears(FIVE)
        await pulse.kill()
        sound = await until_sound(box, output=False, input=False)
        assert sound["music_now"] == "built-in"
        await called.hears_music()
        assert {one["id"] for one in await box.items("faults")} >= {"sound-input", "sound-output"}
        await caller.resume()
        await called.hears(ONE)
        await caller.hold()
        await called.hears_music()
        await pulse.start()
        pulse.feed(FIVE)
        await until_sound(box, output=True, input=True)
        await called.hears(FIVE)
        assert not {"sound-input", "sound-output"} & {one["id"] for one in await box.items("faults")}


async def test_the_room_rings_while_a_caller_waits_too_long(box: Box, pulse: Pulse, tmp_path: Path) -> None:
    pulse.feed(FIVE)
    async with (
        phone(box, tmp_path, "201", ONE) as agent,
        phone(box, tmp_path, "204", FOUR) as caller,
    ):
        await box.set_status("aiko", "available")
        await caller.dial("600")
        await agent.until("CALL_INCOMING")
        await caller.hears(FIVE)
        await pulse.plays(*RING, among=RING)
        await agent.until("CALL_INCOMING", times=2)
        await agent.answer()
        await caller.hears(ONE)
        await pulse.silent()


async def test_a_call_is_heard_in_the_room(box: Box, pulse: Pulse, tmp_path: Path) -> None:
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
        phone(box, tmp_path, "205", THREE) as supervisor,
        box.events() as feed,
    ):
        await caller.dial("202")
        await called.hears(ONE)
        call = (await box.items("calls"))[0]["id"]
        status, _ = await box.call_api("PUT", "sound/listening", {"call": call})
        assert status == 200
        await pulse.plays(ONE, TWO, among=TONES)
        assert (await box.get(f"calls/{call}"))["loudspeaker"]
        await feed.until("listening-started", call=call, by="web:admin")
        await caller.hears(TWO)
        status, _ = await box.call_api("DELETE", "sound/listening")
        assert status == 204
        await pulse.silent()
        await supervisor.dial("*89202")
        await pulse.plays(ONE, TWO, among=TONES)
        await feed.until("listening-started", call=call, by="phone:205")
        await caller.hang_up()
        await feed.until("listening-stopped", call=call, reason="call-ended")
        await pulse.silent()


async def test_a_sound_process_that_crashes_harms_no_call(box: Box, pulse: Pulse, tmp_path: Path) -> None:
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
        phone(box, tmp_path, "203", THREE) as pager,
    ):
        await caller.dial("202")
        await called.hears(ONE)
        crashed = sound_processes(box)
        assert len(crashed) == 2
        for pid in crashed:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: set(sound_processes(box)) - set(crashed), 10, "a new sound process")
        await until_sound(box, output=True, input=True)
        assert caller.count("CALL_CLOSED") == 0
        await called.hears(ONE)
        await pager.dial("*88")
        await pulse.plays(THREE, among=TONES)


async def test_a_card_that_is_pulled_out_ends_the_page_and_is_used_again(
    box: Box, pulse: Pulse, tmp_path: Path
) -> None:
    async with phone(box, tmp_path, "201", ONE) as pager, box.events() as feed:
        await pager.dial("*88")
        await pulse.plays(ONE, among=TONES)
        await pulse.pull()
        await feed.until("page-ended", extension="201", reason="no-loudspeaker")
        await pager.until("CALL_CLOSED")
        sound = await until_sound(box, output=False, input=False)
        assert sound["output"]["why"]["ja"] and sound["output"]["remedy"]["ja"]
        assert {one["id"] for one in await box.items("faults")} >= {"sound-input", "sound-output"}
        pulse.push()
        await until_sound(box, output=True, input=True)
        assert not {"sound-input", "sound-output"} & {one["id"] for one in await box.items("faults")}
        await pager.dial("*88")
        await pulse.plays(ONE, among=TONES)


async def test_devices_volume_and_test_tone(box: Box, pulse: Pulse) -> None:
    async def test_tone() -> float:
        """Amplitude of its beeps. While another device is being opened there is none."""
        for _ in range(6):
            await box.call_api("POST", "sound/test")
            await asyncio.sleep(4.0)
            parts = np.array_split(pulse.audio(4.0), 80)
            loudest = max(level(part, 1000) for part in parts)
            if loudest > 300:
                return loudest
        raise AssertionError("there is no test tone")

    assert "pulse" in (await box.get("sound/devices"))["outputs"]
    before = await test_tone()
    status, body = await box.call_api("PUT", "sound", {"volume": 70, "output": "PULSE"})
    assert status == 200, body
    assert await test_tone() / before == pytest.approx(0.49, abs=0.05)
    await box.call_api("PUT", "sound", {"output": "cupboard"})
    sound = await until_sound(box, output=False)
    for _ in range(100):
        if (sound := await box.get("sound"))["output"]["why"]:
            break
        await asyncio.sleep(0.05)
    assert "no device has the name" in sound["output"]["why"]["en"]
    await box.call_api("PUT", "sound", {"output": "auto", "volume": 100})


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_it_ends_with_the_box(make_box: MakeBox, pulse: Pulse, how: str) -> None:
    box = make_box(name=how)
    box.prefix = pulse.prefix
    await box.start()
    await until_sound(box, output=True)
    own = sound_processes(box)
    assert len(own) == 1, "nobody asked for a line-in"
    if how == "stopped":
        assert await box.stop() == 0
    else:
        box.kill()
    await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in own), 5, "it ends with the box")


async def test_without_a_card_or_library_it_is_a_message(make_box: MakeBox, tmp_path: Path) -> None:
    """A machine of the developer's may have a card: there it is PortAudio that is missing."""
    (tmp_path / "pyaudio.py").write_text("raise ImportError('libportaudio.so.2: cannot open shared object file')\n")
    box = make_box()
    box.prefix = ("env", "-u", "PULSE_SERVER", f"XDG_RUNTIME_DIR={tmp_path}", f"PYTHONPATH={tmp_path}")
    await box.start()
    for _ in range(100):
        if off := [one for one in (await box.get("system"))["off"] if one["feature"] == "sound-output"]:
            break
        await asyncio.sleep(0.05)
    assert off[0]["remedy"]["ja"]
    assert not await box.items("faults")
    async with phone(box, tmp_path, "201", ONE) as caller:
        await caller.dial("*88")
        await caller.until("CALL_ESTABLISHED")
        await caller.until("CALL_CLOSED", 12)
