"""How real phones' calls sound by the box's own figures; IPv6 and IPv4 phones together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.conftest import MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer

_PLACE = f"fd6b:3c2a:{os.getpid() & 0xFFFF:x}"
"""Another network for each run of the tests: two at a time must not take each other's packets."""
OURS, THEIRS = f"{_PLACE}::1", f"{_PLACE}::2"


def phone(box: Box, folder: Path, number: str, hertz: int, server: str = "", **options: object) -> Phone:
    return Phone(folder, server or box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@contextlib.contextmanager
def ipv6_network() -> Iterator[str]:
    """Name of a network namespace that has IPv6 alone: it is at THEIRS, and reaches us at OURS."""
    name = f"hako6-{os.getpid()}"
    near, far = f"h6{os.getpid()}a", f"h6{os.getpid()}b"
    try:
        run("ip", "netns", "add", name)
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        run("ip", "link", "set", near, "up")
        run("ip", "netns", "exec", name, "ip", "link", "set", far, "up")
        run("ip", "-6", "addr", "add", f"{OURS}/64", "dev", near, "nodad")
        run("ip", "netns", "exec", name, "ip", "-6", "addr", "add", f"{THEIRS}/64", "dev", far, "nodad")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", near], capture_output=True)


async def legs_with(box: Box, *fields: str, seconds: float = 25.0) -> dict[str, dict[str, object]]:
    """The legs of the one call, by extension, once each has these figures."""
    for _ in range(int(seconds / 0.25)):
        (call,) = await box.items("calls")
        if all(leg[field] is not None for leg in call["legs"] for field in fields):
            return {leg["extension"]: leg for leg in call["legs"]}
        await asyncio.sleep(0.25)
    raise AssertionError(f"{fields} are not known: {call['legs']}")


async def test_both_directions_of_both_phones_have_their_figures(box: Box, tmp_path: Path) -> None:
    async with phone(box, tmp_path, "201", ONE) as caller, phone(box, tmp_path, "202", TWO, auto_answer=True) as called:
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        legs = await legs_with(box, "mos", "sent_mos", "round_trip_ms")
        for leg in legs.values():
            assert leg["quality"] == "good" and leg["unheard"] == "", leg
            assert 0 <= float(str(leg["round_trip_ms"])) < 500
        await caller.hang_up()
        await called.until("CALL_CLOSED")
    record = await box.record(**{"from": "201", "to": "202", "cause": "answered"})
    for _ in range(40):
        found = await box.get(f"records/{record['id']}")
        if len(found["voice"]) == 2:
            break
        await asyncio.sleep(0.1)
    assert {leg["extension"]: leg["quality"] for leg in found["voice"]} == {"201": "good", "202": "good"}
    for leg in found["voice"]:
        assert leg["mos"] > 4 and leg["sent_mos"] > 4 and leg["codec"] == "PCMU", leg
    assert found["quality"] == "good"


async def test_a_phone_on_ipv6_and_one_on_ipv4_talk_and_are_recorded(make_box: MakeBox, tmp_path: Path) -> None:
    with ipv6_network() as network:
        box = make_box(bind="")
        await box.start()
        new = phone(
            box, tmp_path, "202", TWO, f"[{OURS}]:{box.sip_port}", host=THEIRS, netns=network, auto_answer=True,
            trace=True,
        )  # fmt: skip
        old = phone(box, tmp_path, "201", ONE)
        async with new, old:
            lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
            assert lines["202"][0]["address"] == f"[{THEIRS}]:{new.port}"
            assert lines["201"][0]["address"] == f"127.0.0.1:{old.port}"
            await old.dial("202")
            await asyncio.gather(old.hears(TWO), new.hears(ONE))
            call = (await box.items("calls"))[0]["id"]
            await asyncio.sleep(0.5)
            await new.hang_up()
            await old.until("CALL_CLOSED")
        said = new.said()
        assert f"c=IN IP6 {OURS}" in said and f"Via: SIP/2.0/UDP [{OURS}]:{box.sip_port}" in said
        assert f"@[{OURS}]:{box.sip_port}" in said, "our Contact"
        record = await box.record(id=call)
        left, right = stereo(await box.recording(record["recording"]["id"]))
        assert (heard(left[1600:]), heard(right[1600:])) == ({ONE}, {TWO})
        found = await box.get(f"records/{call}")
        assert {leg["extension"] for leg in found["voice"]} == {"201", "202"}
