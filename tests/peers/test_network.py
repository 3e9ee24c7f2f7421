"""A phone on another network (a namespace behind a veth pair): each party is shown the address of ours that it reaches.

Needs root; without it the test says so and is skipped.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.peers.conftest import MakeBox
from tests.peers.kit.network import IPV4, other_network
from tests.peers.kit.phone import Phone
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer

OURS, THEIRS = IPV4


async def test_each_party_is_shown_the_address_it_reaches_us_at(make_box: MakeBox, tmp_path: Path) -> None:
    with other_network() as network:
        box = make_box(bind="0.0.0.0")
        await box.start()
        far = Phone(
            tmp_path, f"{OURS}:{box.sip_port}", "202", TWO, password=secret("202"), host=THEIRS, netns=network.name,
            auto_answer=True, trace=True,
        )  # fmt: skip
        near = Phone(tmp_path, box.sip, "201", ONE, password=secret("201"), trace=True)
        async with near, far:
            lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
            assert lines["202"][0]["address"] == f"{THEIRS}:{far.port}"
            await near.dial("202")
            await asyncio.gather(near.hears(TWO), far.hears(ONE))
            call = (await box.items("calls"))[0]["id"]
            await asyncio.sleep(0.5)
            await far.hang_up()
            await near.until("CALL_CLOSED")
        for phone, address in ((far, OURS), (near, "127.0.0.1")):
            contacts = [one for one in phone.said().splitlines() if one.startswith("Contact:")]
            shown = set(re.findall(rf"([\d.]+):{box.sip_port}\b", "\n".join(contacts)))
            assert shown == {address}
            assert f"c=IN IP4 {address}" in phone.said()
        record = await box.record(id=call)
        left, right = stereo(await box.recording(record["recording"]["id"]))
        assert (heard(left[1600:]), heard(right[1600:])) == ({ONE}, {TWO})
