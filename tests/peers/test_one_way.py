"""One direction of a call is lost in the network between: the box says which side, why, and when it is well again."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.peers.conftest import MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.network import IPV4, Network, other_network
from tests.peers.kit.phone import Phone
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, TWO

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

OURS, THEIRS = IPV4
SOON = 3.6
"""Three seconds, and what a busy machine adds to them."""


async def legs(box: Box) -> dict[str, tuple[str, str]]:
    """Of the only call: extension -> why it is not heard, why it does not hear."""
    (call,) = await box.items("calls")
    return {leg["extension"]: (leg["unheard"], leg["unreached"]) for leg in call["legs"]}


async def faults(box: Box) -> list[str]:
    return [one["text"]["en"] for one in (await box.get("system"))["faults"] if "202" in one["text"]["en"]]


def audio_of(network: Network, hook: str, far: Phone, verdict: str) -> float:
    """From now on the far phone's RTP, and that alone, meets this; the time."""
    side = "sport" if hook == "output" else "dport"
    network.filter(hook, "udp", side, far.rtp, "udp", side, "&", "1", "==", "0", verdict)
    return time.monotonic()


async def test_whose_audio_is_lost_is_told_with_the_reason(make_box: MakeBox, tmp_path: Path) -> None:
    with other_network() as network:
        box = make_box(bind="0.0.0.0")
        await box.start()
        far = Phone(
            tmp_path, f"{OURS}:{box.sip_port}", "202", TWO, password=secret("202"), host=THEIRS, netns=network.name,
            auto_answer=True,
        )  # fmt: skip
        near = Phone(tmp_path, box.sip, "201", ONE, password=secret("201"))
        async with near, far, box.events() as feed:
            await near.dial("202")
            await asyncio.gather(near.hears(TWO), far.hears(ONE))

            begun = audio_of(network, "output", far, "drop")
            told = await feed.until("one-way-audio", 8.0)
            assert time.monotonic() - begun < SOON + 1.0
            assert (told["extension"], told["reason"], told["seconds"] <= SOON) == ("202", "no-packets", True)
            assert told["expected"].startswith(f"{THEIRS}:")
            assert await legs(box) == {"201": ("", ""), "202": ("no-packets", "")}
            assert any(f"nothing came from {THEIRS}:" in one for one in await faults(box))
            network.heal()
            await feed.until("one-way-audio-ended", 6.0)
            assert await faults(box) == []

            begun = audio_of(network, "input", far, "reject")
            told = await feed.until("one-way-audio", 8.0, reason="refused")
            assert time.monotonic() - begun < SOON + 1.0
            assert (told["extension"], told["direction"]) == ("202", "to")
            assert await legs(box) == {"201": ("", ""), "202": ("", "refused")}
            assert any("hears nothing" in one for one in await faults(box))
            network.heal()
            await feed.until("one-way-audio-ended", 6.0, direction="to")

            audio_of(network, "input", far, "drop")
            # Known with its report, one each five seconds.
            told = await feed.until("one-way-audio", 20.0, reason="not-received")
            assert (told["extension"], told["direction"]) == ("202", "to")
            assert await legs(box) == {"201": ("", ""), "202": ("", "not-received")}
            call = (await box.items("calls"))[0]["id"]
            await near.hang_up()
            await far.until("CALL_CLOSED")
            assert len(feed.all("one-way-audio")) == 3
        record = await box.record(id=call)
        for _ in range(40):
            voice = (await box.get(f"records/{record['id']}"))["voice"]
            if len(voice) == 2:
                break
            await asyncio.sleep(0.1)
        assert {leg["extension"]: leg["unreached"] for leg in voice} == {"201": "", "202": "not-received"}


async def test_who_holds_and_who_comes_back_is_never_called_silent(box: Box, tmp_path: Path) -> None:
    near = Phone(tmp_path, box.sip, "203", ONE, password=secret("203"))
    other = Phone(tmp_path, box.sip, "204", TWO, password=secret("204"), auto_answer=True)
    async with near, other, box.events() as feed:
        await near.dial("204")
        await asyncio.gather(near.hears(TWO), other.hears(ONE))
        await near.hold()
        await other.hears_music()
        await asyncio.sleep(4.5)
        await near.resume()
        await other.hears(ONE)
        await asyncio.sleep(3.5)
        await near.hang_up()
        await other.until("CALL_CLOSED")
        assert feed.all("one-way-audio") == []
