"""How real phones' calls sound by the box's own figures; IPv6 and IPv4 phones together."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.network import IPV6, Capture, other_network
from tests.peers.kit.phone import Phone
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer

OURS, THEIRS = IPV6


def phone(box: Box, folder: Path, number: str, hertz: int, server: str = "", **options: object) -> Phone:
    return Phone(folder, server or box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


def marked(box: Box, capture: Capture, audio: int = 46, signalling: int = 24) -> None:
    """What went out so far carries these marks; by default EF and CS3: 0xb8 and 0x60 in the headers."""
    classes = capture.classes()
    assert classes.pop(box.sip_port) == {signalling << 2}
    low, _, high = box.rtp.partition("-")
    assert classes and all(int(low) <= port <= int(high) for port in classes), classes
    assert set.union(*classes.values()) == {audio << 2}


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
    with other_network(IPV6) as network, contextlib.closing(Capture(network)) as capture:
        box = make_box(bind="")
        await box.start()
        new = phone(
            box, tmp_path, "202", TWO, f"[{OURS}]:{box.sip_port}", host=THEIRS, netns=network.name, auto_answer=True,
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
            marked(box, capture)
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


async def test_a_line_that_loses_packets_is_worse_by_all_accounts(
    make_box: MakeBox, lines: Lines, tmp_path: Path
) -> None:
    with other_network() as network, contextlib.closing(Capture(network)) as capture:
        site = site_file(lines.carrier, lines.guarded, lines.single)
        box = make_box(site.replace("[site]\n", "[site]\ndscp_audio = 34\ndscp_signalling = 26\n"), bind="0.0.0.0")
        await box.start()
        far = phone(
            box,
            tmp_path,
            "202",
            TWO,
            f"{network.ours}:{box.sip_port}",
            host=network.theirs,
            netns=network.name,
            auto_answer=True,
        )
        async with phone(box, tmp_path, "201", ONE) as near, far:
            network.filter("output", "udp", "sport", far.rtp, "numgen", "inc", "mod", "20", "0", "drop")
            await near.dial("202")
            await asyncio.gather(near.hears(TWO), far.hears(ONE))
            legs = await legs_with(box, "mos")
            marked(box, capture, 34, 26)
            good, bad = legs["201"]["mos"], legs["202"]["mos"]
            assert isinstance(good, float) and isinstance(bad, float)
            assert good > 4.3 and bad < good - 0.3, legs
            await near.hang_up()
            await far.until("CALL_CLOSED")
        record = await box.record(**{"from": "201", "to": "202", "cause": "answered"})
        for _ in range(40):
            found = await box.get(f"records/{record['id']}")
            if len(found["voice"]) == 2:
                break
            await asyncio.sleep(0.1)
        voice = {leg["extension"]: leg for leg in found["voice"]}
        assert 0.03 < voice["202"]["loss"] < 0.08 and voice["201"]["loss"] == 0
        assert voice["202"]["mos"] < voice["201"]["mos"] - 0.3 and found["mos"] == voice["202"]["mos"]
        figures: dict[str, float] = {}
        for _ in range(40):
            figures = await box.metrics()
            if figures['hako_leg_mos_count{direction="received"}'] == 2:
                break
            await asyncio.sleep(0.1)
        assert figures['hako_leg_mos_bucket{direction="received",le="4.3"}'] == 1
