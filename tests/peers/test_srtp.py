"""Encrypted audio with baresip: secure and plain phones hear each other, are recorded, survive the media process."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import time
from pathlib import Path

import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer

CM_80, GCM = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


async def suites(box: Box) -> list[str]:
    """Of the legs of the only call, as the API shows them."""
    (call,) = await box.items("calls")
    return [leg["srtp"] for leg in call["legs"]]


def keys_of(phone: Phone) -> set[str]:
    """Every key that went over the wire."""
    return set(re.findall(r"inline:([A-Za-z0-9+/=]+)", phone.said()))


def with_required(lines: Lines, *extensions: str) -> str:
    """The usual site, where these extensions must be encrypted."""
    text = site_file(lines.carrier, lines.guarded, lines.single)
    for number in extensions:
        text = text.replace(
            f'[[extensions]]\nnumber = "{number}"\n', f'[[extensions]]\nnumber = "{number}"\nsrtp = "required"\n'
        )
    return text


@pytest.mark.parametrize(
    ("mode", "profile"), [("srtp-mand", "RTP/SAVP"), ("srtp-mandf", "RTP/SAVPF"), ("srtp", "RTP/AVP")]
)
async def test_a_secure_phone_calls_a_plain_one(box: Box, tmp_path: Path, mode: str, profile: str) -> None:
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", ONE, srtp=mode, trace=True) as caller,
        phone(box, tmp_path, "202", TWO, auto_answer=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        assert await suites(box) == [CM_80, ""]
        assert re.search(rf"m=audio \d+ {profile} ", caller.said())
        await caller.hold()
        await called.hears_music()
        assert await suites(box) == [CM_80, ""]
        await caller.resume()
        await called.hears(ONE)
        await asyncio.sleep(0.5)
        call = (await box.items("calls"))[0]["id"]
        await called.hang_up()
        await caller.until("CALL_CLOSED")
        await until(lambda: len(feed.all("leg-audio", call=call)) == 2, 5, feed.told)
        told = {one.get("srtp", ""): one for one in feed.all("leg-audio", call=call)}
        assert set(told) == {CM_80, ""}
        # Who would take either may speak before it has our answer; and baresip opens the way of its audio by a packet
        # that it sends before its keys are in force.
        assert told[CM_80].get("unauthentic", 0) <= 3
    record = await box.record(id=call)
    left, right = stereo(await box.recording(record["recording"]["id"]))
    assert (heard(left), heard(right)) == ({ONE}, {TWO}), "recorded in the clear"


async def test_a_plain_phone_calls_one_that_must_be_encrypted(make_box: MakeBox, lines: Lines, tmp_path: Path) -> None:
    box = make_box(with_required(lines, "202"))
    await box.start()
    async with (
        phone(box, tmp_path, "201", ONE) as caller,
        phone(box, tmp_path, "202", TWO, srtp="srtp-mand", auto_answer=True, trace=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        assert await suites(box) == ["", GCM], "the first of what we offer"
        assert re.search(r"m=audio \d+ RTP/SAVP ", called.said())
        await caller.hang_up()
        await called.until("CALL_CLOSED")
        # And that one calls back.
        await called.dial("201")
        await caller.until("CALL_INCOMING")
        await caller.answer()
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await called.hang_up()
        await caller.until("CALL_CLOSED", times=2)


async def test_two_secure_phones_and_a_killed_media_process(box: Box, tmp_path: Path) -> None:
    """Our stream begins anew with another SSRC under the same key; the phones' streams go on in their middle."""
    async with (
        phone(box, tmp_path, "201", ONE, srtp="srtp-mand", trace=True) as caller,
        phone(box, tmp_path, "202", TWO, srtp="srtp", auto_answer=True, trace=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        before = box.media_pid()
        os.kill(before, signal.SIGKILL)
        await until(lambda: box.media_pid() not in (0, before), 5, lambda: "a new media process")
        start = time.monotonic()
        await asyncio.sleep(0.7)  # what was heard before is out of the ears' window
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        assert time.monotonic() - start < 5
        await caller.hang_up()
        await called.until("CALL_CLOSED")


async def test_a_plain_call_of_who_must_encrypt_is_refused_with_a_word(
    make_box: MakeBox, lines: Lines, tmp_path: Path
) -> None:
    box = make_box(with_required(lines, "201"))
    await box.start()
    async with phone(box, tmp_path, "201", ONE, trace=True) as caller, phone(box, tmp_path, "202", TWO) as called:
        await caller.dial("202")
        await caller.until("CALL_CLOSED")
        assert "SIP/2.0 488" in caller.said()
        assert re.search(r'Warning: 302 hako "Only encrypted audio is taken here', caller.said())
        assert called.count("CALL_INCOMING") == 0
    assert (await box.record(**{"from": "201", "cause": "no-encryption"}))["cause_code"] == 88


async def test_keys_are_in_no_log_and_no_ledger(make_box: MakeBox, lines: Lines, tmp_path: Path) -> None:
    box = make_box(with_required(lines, "202"))
    await box.start()
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", ONE, srtp="srtp-mand", trace=True) as caller,
        phone(box, tmp_path, "202", TWO, srtp="srtp-mand", auto_answer=True, trace=True) as called,
    ):
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        live = str(await box.items("calls")) + str(await box.get("system"))
        await caller.hang_up()
        await called.until("CALL_CLOSED")
        await feed.until("call-ended")
        keys = keys_of(caller) | keys_of(called)
    await box.stop()
    assert len(keys) >= 4
    places = [path for path in box.data.rglob("*") if path.is_file() and path.suffix not in (".wav", ".sock")]
    kept = [path for path in places if path.name.startswith("state.db")]
    for path in (*places, *box.folder.glob("box*.log")):
        text = path.read_bytes()
        assert path in kept or not any(key.encode() in text for key in keys), path
    assert not any(key in live + feed.told() for key in keys)
    for path in kept:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path.name} holds what a restart needs"
