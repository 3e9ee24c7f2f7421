"""Recording as people meet it at a real box: who starts it and how soon, what it becomes, what goes wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box, Json
from tests.peers.kit.disk import small_disk
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import FOUR, ONE, TWO, heard, stereo
from tests.unit.media.rtp import TABLES, Samples, level

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "status"), [("on-demand", 200), ("never", 403)])
async def test_a_phones_record_key_is_told_whether_it_may(
    make_box: MakeBox, lines: Lines, tmp_path: Path, rule: str, status: int
) -> None:
    """SIPp is the phone: INFO with `Record: on`, as Snom, Yealink and Polycom send it."""
    box = make_box(site_file(lines.carrier, lines.guarded, lines.single, record=rule))
    await box.start()
    async with phone(box, tmp_path, "202", TWO, auto_answer=True), Handset(ONE) as caller:
        options = {"caller": "201", "password": secret("201"), "rtp": caller.port, "pause": 1.0, "status": status}
        async with Sipp(tmp_path, "caller-records", box.sip, "202", **options) as sipp:  # type: ignore[arg-type]
            await asyncio.gather(caller.hears(TWO), sipp.done())
        record = await box.record(to="202")
        if status == 403:
            assert record["recording"] is None
            assert 'Warning: 399 hako "The rule for this call is that it is never recorded."' in sipp.trace()
        else:
            left, right = stereo(await box.recording(record["recording"]["id"]))
            assert (heard(left), heard(right)) == ({ONE}, {TWO})
            assert len(left) / 8000 == pytest.approx(1.0, abs=0.3)
    assert "Traceback" not in box.log()


# --- what becomes of it ----------------------------------------------------------------------------------------------
OPUSENC = """\
#!/bin/sh
# opusenc of the box: says how nice it is, then does what the test wants.
nice >>{folder}/nice
for last; do :; done
case "$(cat {folder}/mode)" in
  corrupt) {real} "$@" && dd if=/dev/urandom of="$last" bs=512 seek=1 count=4 conv=notrunc status=none ;;
  kill) head -c 4096 >"$last"; kill -9 $PPID ;;
  *) exec {real} "$@" ;;
esac
"""


class Coder:
    """The box's opusenc, as a test wants it to work."""

    def __init__(self, folder: Path) -> None:
        real = shutil.which("opusenc")
        assert real is not None, "the tests' set-up installs opus-tools"
        self.folder = folder / "coder"
        self.folder.mkdir()
        self.works("well")
        script = self.folder / "opusenc"
        script.write_text(OPUSENC.format(folder=self.folder, real=real))
        script.chmod(0o755)

    def works(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)

    def niceness(self) -> set[str]:
        """Of every process that coded."""
        return set((self.folder / "nice").read_text().split())

    @property
    def prefix(self) -> list[str]:
        """Put before the box's command."""
        path = f"PATH={self.folder}:{os.environ['PATH']}"
        return ["env", path, sys.executable, "-m", "tests.peers.kit.hasty"]


async def recorded_call(box: Box, folder: Path, seconds: float = 1.5) -> Json:
    """201 and 202 talk, and hang up; the record."""
    async with phone(box, folder, "201", ONE) as caller, phone(box, folder, "202", TWO, auto_answer=True) as called:
        await caller.dial("202")
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        (call,) = await box.items("calls")
        await asyncio.sleep(seconds)
        await caller.hang_up()
        await called.until("CALL_CLOSED")
    return await box.record(id=call["id"])


def files(box: Box) -> list[str]:
    """Endings of what was made of recordings."""
    return sorted(one.suffix for one in (box.data / "recordings").rglob("*") if one.suffix not in ("", ".lock"))


async def test_a_finished_recording_becomes_opus_in_a_quiet_moment(make_box: MakeBox, tmp_path: Path) -> None:
    box, coder = make_box(), Coder(tmp_path)
    box.prefix = coder.prefix
    await box.start()
    async with box.events() as feed:
        record = await recorded_call(box, tmp_path)
        name = record["recording"]["id"]
        await feed.until("recording-converted", 20, recording=name)
        await until(lambda: files(box) == [".opus"], 5, lambda: f"the WAV is gone: {files(box)}")
    assert coder.niceness() == {"19"}
    whole = await box.recording(name)
    assert whole[:4] == b"OggS"
    status, part = await box.call_api("GET", f"recordings/{name}/audio", headers={"Range": "bytes=100-299"})
    assert (status, part) == (206, whole[100:300])
    (tmp_path / "played.opus").write_bytes(whole)
    command = ["opusdec", "--quiet", "--rate", "8000", "--force-wav", str(tmp_path / "played.opus"), "-"]
    played = (await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)).stdout
    samples = np.frombuffer(played[44:], dtype="<i2")
    assert (heard(samples[0::2]), heard(samples[1::2])) == ({ONE}, {TWO})
    assert len(samples) / 16000 == pytest.approx(record["recording"]["seconds"], abs=0.05)
    assert (await box.get("system"))["faults"] == []
    assert "Traceback" not in box.log()


@pytest.mark.parametrize("mode", ["corrupt", "kill", "full"])
async def test_a_conversion_that_fails_loses_nothing_and_is_told(make_box: MakeBox, tmp_path: Path, mode: str) -> None:
    """The result is damaged, the helper killed, or the disk too full for a second file."""
    box, coder = make_box(), Coder(tmp_path)
    box.prefix = coder.prefix
    coder.works(mode)
    folder = box.data / "recordings"
    with small_disk(folder, "160k") if mode == "full" else contextlib.nullcontext():
        await box.start()
        async with box.events() as feed:
            ballast = folder / "ballast"
            if mode == "full":
                ballast.write_bytes(bytes(40_000))
            record = await recorded_call(box, tmp_path)
            if mode == "full":
                with contextlib.suppress(OSError), ballast.open("ab") as file:
                    while True:
                        file.write(bytes(1024))
                        file.flush()
            name = record["recording"]["id"]
            told = await feed.until("fault-raised", 20, fault="recordings-stay-wav")
            assert name in told["text"]["en"]
            left, right = stereo(await box.recording(name))
            assert (heard(left), heard(right)) == ({ONE}, {TWO})
            assert feed.all("recording-converted") == []
            coder.works("well")
            ballast.unlink(missing_ok=True)
            await feed.until("recording-converted", 20, recording=name)
            await feed.until("fault-cleared", 5, fault="recordings-stay-wav")
            await until(lambda: files(box) == [".opus"], 5, lambda: f"the WAV is gone: {files(box)}")
            assert (await box.recording(name))[:4] == b"OggS"
        await box.stop()
    assert "Traceback" not in box.log()


async def test_a_power_cut_at_any_byte_leaves_records_and_files_right(make_box: MakeBox, tmp_path: Path) -> None:
    """Everything ends at once; of each file another part had reached the disk. (Each byte: media/test_recordings.)"""
    box = make_box()
    await box.start()
    pairs = (("201", "202"), ("203", "204"), ("205", "206"))
    async with contextlib.AsyncExitStack() as stack:
        phones = [
            (
                await stack.enter_async_context(phone(box, tmp_path, one, ONE)),
                await stack.enter_async_context(phone(box, tmp_path, other, TWO, auto_answer=True)),
            )
            for one, other in pairs
        ]
        for caller, called in phones:
            await caller.dial(called.user)
        await asyncio.gather(*(called.hears(ONE) for _, called in phones))
        calls = {one["from"]: one["id"] for one in await box.items("calls")}
        await asyncio.sleep(2.0)
        box.kill()
        os.kill(box.media_pid(), signal.SIGKILL)
        for caller, called in phones:
            await caller.vanish()
            await called.vanish()
    wavs = {one.stem.rpartition("-")[0]: one for one in (box.data / "recordings").rglob("*.wav")}
    kept = {"201": 0, "203": 131, "205": 256 + 8000 * 4 + 3}
    for number, size in kept.items():
        os.truncate(wavs[calls[number]], size)
    # What tells a start that conversations may live on is in memory alone; a power cut takes it.
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (box.data / name).unlink(missing_ok=True)
    await box.start()
    for number, size in kept.items():
        seconds = max(0, size - 256) // 4 / 8000
        record = await box.record(id=calls[number])
        assert (record["cause"], record["recording"]["seconds"]) == ("restart", pytest.approx(seconds))
        left, right = stereo(await box.recording(record["recording"]["id"]))
        assert len(left) == len(right) == round(seconds * 8000)
        assert (heard(left), heard(right)) == (({ONE}, {TWO}) if seconds else (set(), set()))
    assert len(await box.items("records")) == 3 and await box.items("calls") == []
    assert "Traceback" not in box.log()


class Counting(Handset):
    """A handset whose packets have their number in their sound, modulo 100."""

    def send_frame(self) -> None:
        self.send_packet(bytes([0x80 + self.sent % 100]) * 160)


NUMBERS = {int(value): code - 0x80 for code, value in enumerate(TABLES[0]) if 0x80 <= code < 0xE4}


def counted(samples: Samples) -> list[int]:
    """Numbers of the packets that are in the samples, one after the other."""
    found = [NUMBERS[value] for value in samples.tolist() if value in NUMBERS]
    return [one for one, _ in itertools.groupby(found)]


def near(number: int, span: tuple[int, int]) -> bool:
    """Whether a packet was sent within this span, or is the one before or after it."""
    first, last = span
    return (number - first + 1) % 100 <= last - first + 2


async def test_a_tone_says_that_recording_starts_and_it_does_so_within_a_packet(
    make_box: MakeBox, lines: Lines, tmp_path: Path
) -> None:
    site = site_file(lines.carrier, lines.guarded, lines.single, record="on-demand")
    site = site.replace('country = "JP"\n', 'country = "JP"\nrecord_beep = true\n')
    box = make_box(site)
    await box.start()
    async with phone(box, tmp_path, "201", FOUR, auto_answer=True) as called, Counting(ONE) as caller:
        async with Sipp(tmp_path, "caller", box.sip, "0312345601", rtp=caller.port) as sipp:
            await caller.hears(FOUR)
            (call,) = await box.items("calls")
            spans = []
            for action in ("start", "stop"):
                before = caller.sent
                status, _ = await box.call_api("POST", f"calls/{call['id']}/record", {"action": action})
                assert status in (200, 204)
                await asyncio.sleep(0.02)
                spans.append((before, caller.sent))
                if action == "start":
                    await until(lambda: level(caller.lately(0.2), 1000) > 1000, 2, "the caller hears the tone")
                    await until(lambda: level(called.audio(0.2), 1000) > 1000, 2, "the desk hears the tone")
                await asyncio.sleep(1.0)
            await until(lambda: level(caller.lately(0.2), 1000) < 300, 2, "it is over")
            await called.hang_up()
            await sipp.done(5)
        record = await box.record(id=call["id"])
        left, _ = stereo(await box.recording(record["recording"]["id"]))
        packets = counted(left)
        assert near(packets[0], spans[0]), (packets, spans)
        assert near(packets[-1], spans[1]), (packets, spans)
        assert [(y - x) % 100 for x, y in itertools.pairwise(packets)] == [1] * (len(packets) - 1), "and all in between"
        assert level(left, 1000) < 100, "the tone is not in the file"
    assert "Traceback" not in box.log()
