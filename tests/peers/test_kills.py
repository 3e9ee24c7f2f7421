"""Both processes are killed at awkward moments, again and again: the gap that phones hear, and what becomes of whom."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import CALLER, secret, site_file
from tests.peers.kit.sound import ONE, THREE, TWO, heard, stereo

pytestmark = pytest.mark.peer

QUEUE, MENU, DESK = "0312345600", "0312345678", "0312345601"


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


def encrypted(lines: Lines, *extensions: str) -> str:
    """The usual site, where these extensions must be encrypted."""
    text = site_file(lines.carrier, lines.guarded, lines.single)
    for number in extensions:
        head = f'[[extensions]]\nnumber = "{number}"\n'
        text = text.replace(head, f'{head}srtp = "required"\n')
    return text


def gaps(handset: Handset) -> list[float]:
    """Seconds between the last packet of each stream from the box and the first of the next one."""
    return [y.at - x.at for x, y in pairwise(handset.received) if x.ssrc != y.ssrc]


async def test_an_encrypted_recorded_call_goes_on_when_media_is_killed_five_times_in_a_row(
    make_box: MakeBox, lines: Lines, tmp_path: Path
) -> None:
    box = make_box(encrypted(lines, "201"))
    await box.start()
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", TWO, srtp="srtp-mand", auto_answer=True) as agent,
        Handset(ONE) as caller,
    ):
        await box.set_status("aiko", "available")
        async with Sipp(tmp_path, "caller", box.sip, QUEUE, rtp=caller.port, seconds=60) as talking:
            await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            (before,) = await box.items("calls")
            for count in range(1, 6):
                os.kill(box.media_pid(), signal.SIGKILL)
                await until(lambda: len(gaps(caller)) == count, 5, "audio again")  # noqa: B023
                await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            assert max(y.at - x.at for x, y in pairwise(caller.received)) < 2.0
            await asyncio.sleep(1.2)  # what was said in the last second before a kill is lost
            assert len(feed.all("media-restarted")) == 5
            (after,) = await box.items("calls")
            assert (after["id"], after["state"], after["recording"]) == (before["id"], "talking", True)
            await agent.hang_up()
            await talking.done(5)
        ended = await feed.until("call-ended", reason="answered")
        assert ended["call"] == before["id"]
        record = await box.record(id=before["id"])
        left, right = stereo(await box.recording(record["recording"]["id"]))
        assert len(left) / 8000 == pytest.approx(record["talk_seconds"], abs=0.7), "the gaps are silence, not left out"
        assert (heard(left[-8000:]), heard(right[-8000:])) == ({ONE}, {TWO})
        assert len(feed.all("recording-started")) == len(feed.all("recording-stopped")) == 1
        assert len(await box.items("records")) == 1
    assert "Traceback" not in box.log()


async def test_hako_is_killed_while_people_talk_hold_wait_choose_and_ring(make_box: MakeBox, tmp_path: Path) -> None:
    """Those who talk, or hold, go on; the others are told that it is over; each call has one record."""
    box = make_box()
    await box.start()
    for name in ("choosing", "waiting", "ringing"):
        (tmp_path / name).mkdir()
    async with (
        phone(box, tmp_path, "201", TWO, auto_answer=True) as agent,
        phone(box, tmp_path, "202", THREE) as rung,
        phone(box, tmp_path, "203", ONE) as dialling,
        phone(box, tmp_path, "204", ONE) as holding,
        phone(box, tmp_path, "205", TWO, auto_answer=True) as held,
        Handset(ONE) as caller,
        Handset(THREE) as bored,
    ):
        await box.set_status("aiko", "available")
        async with (
            Sipp(tmp_path, "caller", box.sip, QUEUE, rtp=caller.port, seconds=60) as talking,
            Sipp(tmp_path / "choosing", "caller", box.sip, MENU, seconds=60) as choosing,
        ):
            await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            async with Sipp(tmp_path / "waiting", "caller", box.sip, QUEUE, rtp=bored.port, seconds=60) as waiting:
                await bored.hears()
                await dialling.dial("202")
                await rung.until("CALL_INCOMING")
                await holding.dial("205")
                await held.hears(ONE)
                await holding.hold()
                await held.hears_music()
                calls = {one["to"] + one["from"] + one["state"]: one for one in await box.items("calls")}
                states = sorted(one["state"] for one in calls.values())
                assert states == ["held", "menu", "ringing", "talking", "waiting"]
                box.kill()
                await asyncio.gather(caller.hears(TWO), held.hears_music())
                await box.start()
                await asyncio.gather(choosing.done(8), waiting.done(8))
                await asyncio.gather(caller.hears(TWO), agent.hears(ONE), held.hears_music())
                live = sorted((one["state"], one["id"]) for one in await box.items("calls"))
                before = {one["id"]: one for one in calls.values()}
                assert live == [
                    ("held", calls["205204held"]["id"]),
                    ("talking", calls[QUEUE + CALLER + "talking"]["id"]),
                ]
                # Who rings, and who hears it, are told as well.
                await asyncio.gather(dialling.until("CALL_CLOSED"), rung.until("CALL_CLOSED"))
                seen = {one["id"]: one["state"] for one in await box.items("agents")}
                assert seen["aiko"] == "talking"
                await holding.resume()
                await held.hears(ONE)
                await held.hang_up()
                await holding.until("CALL_CLOSED")
                await agent.hang_up()
                await talking.done(5)
        causes = {}
        for number in before:
            causes[number] = (await box.record(id=number))["cause"]
        assert sorted(causes.values()) == ["answered", "answered", "restart", "restart", "restart"]
        records = await box.items("records?limit=50&service=true")
        assert sorted(one["id"] for one in records) == sorted(before)
        assert all(one["ended"] for one in records) and await box.items("calls") == []
    assert "Traceback" not in box.log()
