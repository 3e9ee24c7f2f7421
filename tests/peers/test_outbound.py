"""Calls of phones (baresip) to numbers outside: SIPp is the carrier, plain, challenging, or with one channel.

These boxes live for less than a minute, so that their pings of the carriers meet none of the scenarios.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from tests.peers.conftest import Lines, MakeBox, share_prompts
from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import NUMBER, secret, site_file
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, shared_box: Box, lines: Lines) -> Iterator[Box]:
    box = Box(tmp_path_factory.mktemp("outbound"), site_file(lines.carrier, lines.guarded, lines.single))
    share_prompts(shared_box, box)
    try:
        asyncio.run(box.start())
        yield box
    finally:
        asyncio.run(box.close())


async def test_a_number_outside_is_reached_and_recorded(box: Box, tmp_path: Path, lines: Lines) -> None:
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        Handset(TWO) as called,
        Sipp(tmp_path, "carrier", box.sip, port=lines.carrier, rtp=called.port, pause=0.3) as carrier,
    ):
        await caller.dial("0398765432")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        trunk = next(one for one in await box.items("trunks") if one["id"] == "carrier")
        assert trunk["busy"] == 1
        await asyncio.sleep(0.3)
        await caller.hang_up()
        await carrier.done()
    trace = carrier.trace()
    assert f"INVITE sip:0398765432@127.0.0.1:{lines.carrier}" in trace
    assert f'From: "Desk 201" <sip:{NUMBER}@' in trace, "the trunk's own number is shown"
    record = await box.record(to="0398765432")
    assert (record["kind"], record["from"], record["trunk"], record["cause"]) == (
        "outbound", "201", "carrier", "answered",
    )  # fmt: skip
    left, right = stereo(await box.recording(record["recording"]["id"]))
    assert (heard(left[1600:]), heard(right[1600:])) == ({TWO}, {ONE}), "left is the outside party"


@pytest.mark.parametrize(("status", "challenge"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
async def test_a_carrier_that_challenges_and_sends_early_media(
    box: Box, tmp_path: Path, lines: Lines, status: int, challenge: str
) -> None:
    async with phone(box, tmp_path, "201", ONE) as caller, Handset(TWO) as called:
        carrier = Sipp(
            tmp_path,
            "carrier-guarded",
            box.sip,
            port=lines.guarded,
            rtp=called.port,
            status=status,
            challenge=challenge,
            pause=1.5,
        )
        async with carrier:
            await caller.dial("0598765432")
            await called.speak_to(carrier)
            await caller.hears(TWO)
            assert caller.count("CALL_ESTABLISHED") == 0, "that was early media"
            await caller.until("CALL_ESTABLISHED")
            await asyncio.gather(caller.hears(TWO), called.hears(ONE))
            await carrier.done()
            await caller.until("CALL_CLOSED")
    assert proves_itself(carrier.trace(), "Authorization" if status == 401 else "Proxy-Authorization")
    record = await box.record(to="0598765432")
    assert (record["trunk"], record["cause"]) == ("guarded", "answered")


def proves_itself(trace: str, header: str) -> bool:
    """Whether the credentials of the second INVITE are right (RFC 7616 3.4.1 with MD5 and qop=auth)."""
    line = next(one for one in trace.splitlines() if one.startswith(f"{header}: Digest "))
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', line.partition("Digest ")[2]))
    first = md5(b"hako-line:carrier:Granite-7-line").hexdigest()
    second = md5(f"INVITE:{given['uri']}".encode()).hexdigest()
    text = f"{first}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{second}"
    return md5(text.encode()).hexdigest() == given["response"]


async def test_an_emergency_call_takes_the_last_channel(make_box: MakeBox, tmp_path: Path, lines: Lines) -> None:
    site = site_file(lines.carrier, lines.guarded, lines.single)
    head, _, tail = site.partition('[[trunks]]\nid = "carrier"')
    only = '[[trunks]]\nid = "single"' + tail.partition('[[trunks]]\nid = "single"')[2]
    only = only.replace('["guarded"]', '["single"]').replace('["carrier"]', '["single"]')
    box = make_box(head + only)
    await box.start()
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", ONE) as chatting,
        phone(box, tmp_path, "202", TWO) as unlucky,
        phone(box, tmp_path, "203", TWO) as helpless,
        Handset(ONE) as police,
        Sipp(tmp_path, "carrier", box.sip, port=lines.single, pause=0, calls=2, rtp=police.port) as carrier,
    ):
        await chatting.dial("0698765432")
        await chatting.until("CALL_ESTABLISHED")
        await unlucky.dial("0698765433")
        refused = await feed.until("call-ended")
        assert (refused["reason"], refused["cause"]) == ("no-channel", 34)
        await helpless.dial("110")
        await chatting.until("CALL_CLOSED")
        await helpless.until("CALL_ESTABLISHED")
        preempted = await feed.until("call-ended", reason="preempted")
        assert preempted["cause"] == 9
        police.to = None
        await helpless.hears(ONE)
        await helpless.hang_up()
        await carrier.done()
    assert (await box.record(to="110"))["cause"] == "answered"
