"""Faults against the real processes while real peers talk: restart, kill, full disk, datagrams of any content."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.disk import small_disk
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.ports import free_port
from tests.peers.kit.processes import Program, until
from tests.peers.kit.sipp import Sipp, play
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def conversation(box: Box, folder: Path, number: str = "202") -> AsyncIterator[tuple[Phone, Phone, str]]:
    """201 and another phone talk: (caller, called, id of the call)."""
    async with phone(box, folder, "201", ONE) as caller, phone(box, folder, number, TWO, auto_answer=True) as called:
        await caller.dial(number)
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        yield caller, called, (await box.items("calls"))[0]["id"]


# --- from the network ------------------------------------------------------------------------------------------------
def nonsense(dice: random.Random, host: str) -> Iterator[bytes]:
    """Datagrams: noise, real messages with bytes changed, cut off, repeated or longer than anything."""
    models = [
        f"INVITE sip:201@{host} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\nFrom: <sip:0@a>;tag=1\r\n"
        f"To: <sip:201@{host}>\r\nCall-ID: nonsense\r\nCSeq: 1 INVITE\r\nContact: <sip:0@127.0.0.1:9>\r\n"
        "Content-Type: application/sdp\r\nContent-Length: 64\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
        "c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
        f"REGISTER sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKy;rport\r\nFrom: <sip:202@a>;tag=1"
        f"\r\nTo: <sip:202@{host}>\r\nCall-ID: nonsense2\r\nCSeq: 1 REGISTER\r\nContact: *\r\nExpires: 0\r\n"
        'Authorization: Digest username="202", realm="hako", nonce="00", uri="sip:a", response="0"\r\n\r\n',
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKz\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>;tag=2\r\nCall-ID: nonsense3\r\nCSeq: 1 BYE\r\n\r\n",
        f"BYE sip:201@{host} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>;tag=2\r\nCall-ID: nonsense4\r\nCSeq: 2 BYE\r\n\r\n",
    ]
    for number in range(3000):
        data = bytearray(dice.choice(models).encode())
        kind = number % 6
        if kind == 0:
            yield dice.randbytes(dice.randrange(1, 1400))
        elif kind == 1:
            yield bytes(data[: dice.randrange(len(data))])
        elif kind == 2:
            at = dice.randrange(len(data))
            yield bytes(data[:at] + data[at : at + 40] * dice.randrange(2, 200) + data[at:])[:60000]
        else:
            for _ in range(dice.randrange(1, 12)):
                data[dice.randrange(len(data))] = dice.choice(b'\0\xff\r\n <>;:,="%@\x80a')
            yield bytes(data)


async def test_datagrams_of_any_content_harm_no_call(box: Box, tmp_path: Path) -> None:
    dice = random.Random(20261121)
    async with conversation(box, tmp_path) as (caller, called, call), box.events() as feed:
        media = [int(port) for port in caller.said().split("receiving from 127.0.0.1:")[1].split()[:1]]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number, data in enumerate(nonsense(dice, box.sip)):
                sender.sendto(data, (box.host, box.sip_port))
                if number % 3 == 0:
                    sender.sendto(data[:1400], (box.host, media[0]))
                    sender.sendto(data[:200], (box.host, media[0] + 1))
                if number % 50 == 0:
                    await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(box.host, box.sip_port)
        writer.write(dice.randbytes(200_000))
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)  # a stream that is no SIP is closed
        writer.close()
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        assert [one["id"] for one in await box.items("calls")] == [call]
        await play(Sipp(tmp_path, "ping", box.sip, "201"))
        assert feed.all("decision-failed") == []
        await caller.hang_up()
        await called.until("CALL_CLOSED")
    assert (await box.record(id=call))["cause"] == "answered"
    assert "Traceback" not in box.log()


async def test_a_phone_without_power_does_not_keep_the_other_from_hanging_up(box: Box, tmp_path: Path) -> None:
    # 206, since its registration outlives it.
    async with box.events() as feed, conversation(box, tmp_path, "206") as (caller, called, call):
        await called.vanish()
        await asyncio.sleep(0.3)
        await caller.hang_up()
        await feed.until("call-ended", call=call)
        assert await box.items("calls") == []


async def test_a_phone_that_vanishes_ends_the_call_and_frees_the_agent(make_box: MakeBox, tmp_path: Path) -> None:
    """30 s without a packet from the agent's phone, then a request that it does not answer."""
    box = make_box()
    await box.start()
    async with (
        box.events() as feed,
        phone(box, tmp_path, "201", TWO, auto_answer=True) as agent,
        Handset(ONE) as caller,
    ):
        await box.set_status("aiko", "available")
        async with Sipp(tmp_path, "caller", box.sip, "0312345600", rtp=caller.port, seconds=45) as sipp:
            await asyncio.gather(caller.hears(TWO), agent.hears(ONE))
            await agent.vanish()
            ended = await feed.until("call-ended", 40)
            assert ended["reason"] == "vanished"
            await sipp.done(5)
        await feed.until("agent-state-changed", agent="aiko", cause="wrap-up-over")
        assert await box.items("calls") == []
    record = await box.record(id=ended["call"])
    assert (record["cause"], record["agent"]) == ("vanished", "aiko")
    assert heard(stereo(await box.recording(record["recording"]["id"]))[0]) == {ONE}


# --- restarts --------------------------------------------------------------------------------------------------------
async def test_after_a_restart_everything_is_there(make_box: MakeBox, tmp_path: Path) -> None:
    box = make_box()
    await box.start()
    async with conversation(box, tmp_path) as (caller, called, call):
        await box.set_status("aiko", "available")
        await box.set_status("ken", "break")
        before = await box.get("config")
        assert await box.stop() == 0
        await asyncio.gather(caller.until("CALL_CLOSED"), called.until("CALL_CLOSED"))
        await box.start()
        statuses = {one["id"]: one["status"] for one in await box.items("agents")}
        assert statuses == {"aiko": "available", "ken": "break", "yui": "logged-out"}
        lines = {one["extension"]: one["contacts"] for one in await box.items("registrations")}
        assert (len(lines["201"]), len(lines["202"]), len(lines["203"])) == (1, 1, 0)
        assert await box.get("config") == before
        record = await box.record(id=call)
        assert record["talk_seconds"] > 0
        assert heard(stereo(await box.recording(record["recording"]["id"]))[0]) == {ONE}
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await caller.hang_up()
        await called.until("CALL_CLOSED", times=2)
    assert "Traceback" not in box.log()


async def test_the_end_of_its_terminal_stops_a_box_in_an_orderly_way(make_box: MakeBox) -> None:
    box = make_box()
    await box.start()
    assert box.program is not None
    media = box.media_pid()
    assert await box.program.end(signal.SIGHUP) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(media, 0)
    await box.start()
    assert "Traceback" not in box.log()


async def test_killing_the_media_process_interrupts_a_call_for_less_than_a_second(
    make_box: MakeBox, tmp_path: Path
) -> None:
    box = make_box()
    await box.start()
    async with box.events() as feed, conversation(box, tmp_path) as (caller, called, call):
        await asyncio.sleep(0.5)
        old = box.media_pid()
        os.kill(old, signal.SIGKILL)
        killed = time.monotonic()
        await until(lambda: box.media_pid() not in (0, old), 3, "a new media process")
        back = time.monotonic() - killed
        await feed.until("media-restarted")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        assert back < 1.0
        await asyncio.sleep(0.6)
        assert [one["id"] for one in await box.items("calls")] == [call]
        await caller.hang_up()
        await called.until("CALL_CLOSED")
        await feed.until("call-ended", call=call, reason="answered")
        stopped = await feed.until("recording-stopped", call=call)
        assert (stopped["reason"], "restarted" in stopped["error"]) == ("ended", True)
        record = await box.record(id=call)
        left, right = stereo(await box.recording(record["recording"]["id"]))
        assert (heard(left), heard(right)) == ({ONE}, {TWO})
        assert len(left) / 8000 == pytest.approx(stopped["seconds"], abs=0.3), "the gap is silence, not left out"
    assert "Traceback" not in box.log()


# --- the disk --------------------------------------------------------------------------------------------------------
async def test_a_full_disk_stops_the_recording_not_the_call(make_box: MakeBox, tmp_path: Path) -> None:
    box = make_box()
    with small_disk(box.data / "recordings", "48k") as resize:
        await box.start()
        async with box.events() as feed, conversation(box, tmp_path) as (caller, called, call):
            stopped = await feed.until("recording-stopped", 12, call=call)
            assert stopped["reason"] == "disk-full"
            await asyncio.gather(caller.hears(TWO), called.hears(ONE))
            live = await box.get(f"calls/{call}")
            assert (live["state"], live["recording"]) == ("talking", False)
            await caller.hang_up()
            await called.until("CALL_CLOSED")
            record = await box.record(id=call)
            assert record["cause"] == "answered"
            told = await box.get(f"recordings/{record['recording']['id']}")
            assert told["reason"] == "disk-full"
            left, right = stereo(await box.recording(record["recording"]["id"]))
            assert (heard(left), heard(right)) == ({ONE}, {TWO}), "what there was room for is there"
            resize("2m")
            await caller.dial("202")
            await asyncio.gather(caller.hears(TWO), called.hears(ONE))
            (live,) = await box.items("calls")
            assert live["recording"], "the next call is recorded as soon as there is room"
            await asyncio.sleep(1.0)
            await caller.hang_up()
            assert (await feed.until("recording-stopped", call=live["id"]))["reason"] == "ended"
            left, right = stereo(await box.recording((await box.record(id=live["id"]))["recording"]["id"]))
            assert (heard(left), heard(right)) == ({ONE}, {TWO})
        await box.stop()
    assert "Traceback" not in box.log()


# --- starts that must not be -----------------------------------------------------------------------------------------
async def refused_start(box: Box, *changes: tuple[str, str]) -> str:
    """What a start says that must not succeed; its command with some words changed."""
    command = box.command()
    for old, new in changes:
        command = [new if word == old else word for word in command]
    log = box.folder / f"refused{len(list(box.folder.glob('refused*')))}"
    status = await Program(command, log, Path(__file__).parents[2]).wait(20)
    text = log.read_text()
    assert status == 1, text
    assert "Traceback" not in text
    return text


async def test_a_second_box_on_the_same_folder_is_refused(box: Box) -> None:
    said = await refused_start(box, (box.sip, "127.0.0.1:0"), (f"127.0.0.1:{box.web_port}", "127.0.0.1:0"))
    assert str(box.data) in said
    assert str(box.program.pid if box.program else "") in said
    assert await box.items("calls") == []


async def test_a_port_in_use_is_said_plainly(make_box: MakeBox, box: Box, lines: Lines) -> None:
    other = make_box(site_file(lines.carrier, lines.guarded, lines.single))
    sip = f"127.0.0.1:{box.sip_port}"
    said = await refused_start(other, ("127.0.0.1:0", sip))
    assert sip in said
    assert "in use" in said
    assert other.media_pid() == 0, "nothing is left running"
    free = f"127.0.0.1:{free_port()}"
    command = other.command()
    assert command[command.index("--sip") + 1] == "127.0.0.1:0"
    web = f"127.0.0.1:{box.web_port}"
    other.sip_port = int(free.rpartition(":")[2])
    said = await refused_start(other, ("127.0.0.1:0", web))
    assert web in said
    assert "in use" in said
    assert other.media_pid() == 0
