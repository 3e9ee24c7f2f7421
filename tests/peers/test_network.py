"""A phone on another network (a namespace behind a veth pair): each party is shown the address of ours that it reaches.

Needs root; without it the test says so and is skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.conftest import MakeBox
from tests.peers.kit.phone import Phone
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer

_PLACE = f"10.{150 + os.getpid() // 250 % 50}.{os.getpid() % 250}"
"""Another network for each run of the tests: two at a time must not take each other's packets."""
OURS, THEIRS = f"{_PLACE}.1", f"{_PLACE}.2"


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextlib.contextmanager
def other_network() -> Iterator[str]:
    """Name of a network namespace that is reached at THEIRS and reaches us at OURS; skips the test without rights."""
    name = f"hako{os.getpid()}"
    near, far = f"hk{os.getpid()}a", f"hk{os.getpid()}b"
    try:
        run("ip", "netns", "add", name)
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
    except (OSError, subprocess.CalledProcessError) as error:
        with contextlib.suppress(OSError):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        pytest.skip(f"a network namespace needs root: {getattr(error, 'stderr', '') or error}")
    try:
        run("ip", "addr", "add", f"{OURS}/24", "dev", near)
        run("ip", "link", "set", near, "up")
        run("ip", "netns", "exec", name, "ip", "addr", "add", f"{THEIRS}/24", "dev", far)
        run("ip", "netns", "exec", name, "ip", "link", "set", far, "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", near], capture_output=True)


async def test_each_party_is_shown_the_address_it_reaches_us_at(make_box: MakeBox, tmp_path: Path) -> None:
    with other_network() as network:
        box = make_box(bind="0.0.0.0")
        await box.start()
        far = Phone(
            tmp_path, f"{OURS}:{box.sip_port}", "202", TWO, password=secret("202"), host=THEIRS, netns=network,
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
