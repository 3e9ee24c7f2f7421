"""Recordings: who is on which side, where in time, and that a file is whole whatever happens."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest

from appliance.exchange.audio import Link, Mix, Player, Recorder, RecorderStarted, RecorderStopped
from tests.unit.media.engine_box import EngineBox, read_wav, write_wav
from tests.unit.media.rtp import Party, Samples, encode, heard, run, tone


def stop(box: EngineBox, recorder: int) -> RecorderStopped:
    box.put(drop=[recorder])
    return box.wait(RecorderStopped, where=lambda event: event.id == recorder)


def clicks(samples: Samples) -> list[int]:
    """Where something loud begins after silence."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 4000)
    return [int(at) for n, at in enumerate(loud) if n == 0 or at - loud[n - 1] > 400]


def test_left_is_the_outside_party_and_right_the_sum_of_our_side(box: EngineBox, tmp_path: Path) -> None:
    caller, agent, supervisor = box.party(440), box.party(850), box.party(1400)
    box.bridge(caller, agent)
    path, recorder = tmp_path / "2026" / "11" / "call.wav", box.new_id()
    right = (box.id(agent), box.id(supervisor))
    box.put(Recorder(id=recorder, path=str(path), left=box.id(caller), right=right, call="c1", leg="l1"))
    box.wait(RecorderStarted)
    run(1.0, [caller, agent, supervisor])
    stopped = stop(box, recorder)
    left, right_side = read_wav(path)
    assert (stopped.reason, stopped.error, stopped.missing) == ("ended", "", 0.0)
    assert len(left) / 8000 == pytest.approx(stopped.seconds) == pytest.approx(1.0, abs=0.1)
    assert heard(left[1600:]) == {440}
    assert heard(right_side[1600:]) == {850, 1400}
    assert b"call=c1 leg=l1" in path.read_bytes()[:256]
    assert path.stat().st_mode & 0o777 == 0o600
    assert heard(agent.audio(0.1)) == {440}, "forwarding goes on beside it"
    assert box.figures().mixed == 0


def test_prompts_are_not_recorded(box: EngineBox, tmp_path: Path) -> None:
    caller, agent = box.party(440), box.party(850)
    player, recorder = box.new_id(), box.new_id()
    box.put(
        Player(id=player, files=(write_wav(tmp_path / "p.wav", tone(1100, 0.2)),), loop_from=0),
        Mix(id=box.new_id(), links=(Link(box.id(caller), box.id(agent)), Link(box.id(caller), player))),
        Recorder(id=recorder, path=str(tmp_path / "r.wav"), left=box.id(caller), right=(box.id(agent),)),
    )
    run(0.5, [caller, agent])
    stop(box, recorder)
    left, right = read_wav(tmp_path / "r.wav")
    assert heard(caller.audio(0.15)) == {850, 1100}
    assert heard(left[1000:]) == {440} and heard(right[1000:]) == {850}


def test_sounds_of_one_instant_lie_together(box: EngineBox, tmp_path: Path) -> None:
    """Clicks sent on both sides at once; one side starts late, jitters, loses packets and its clock runs fast."""
    a, b, recorder = box.party(), box.party(), box.new_id()
    box.put(Recorder(id=recorder, path=str(tmp_path / "r.wav"), left=box.id(a), right=(box.id(b),)))
    box.wait(RecorderStarted)
    click, silence = encode(0, tone(1000, 0.02, 20000)), encode(0, np.zeros(160, dtype=np.int16))
    start, sent = time.monotonic(), [0, 0]
    while sent[0] < 100:
        now = time.monotonic() - start
        for number, (party, clock) in enumerate(((a, 1.0), (b, 1.0005))):
            if now >= sent[number] * 0.02 + (0.01 * (sent[number] % 3 == 1) if number else 0):
                at = sent[number]
                lost = number == 1 and at % 50 in (7, 8)
                if not lost and not (number == 1 and at < 10):
                    party.timestamp = 1000 * (number + 1) + int(at * 160 * clock)
                    party.send_packet(click if at % 25 == 0 else silence, step=0)
                else:
                    party.sequence += 1
                sent[number] += 1
        time.sleep(0.001)
    stop(box, recorder)
    left, right = read_wav(tmp_path / "r.wav")
    lefts, rights = clicks(left), clicks(right)
    assert len(lefts) == 4 and len(rights) == 3
    for x, y in zip(lefts[1:], rights, strict=True):
        assert abs(x - y) <= 160, "within 20 ms"
    assert [round((y - x) / 8000, 1) for x, y in itertools.pairwise(lefts)] == [0.5] * 3


def test_a_pause_leaves_no_time_in_the_file(box: EngineBox, tmp_path: Path) -> None:
    a, b, recorder = box.party(440), box.party(850), box.new_id()
    row = Recorder(id=recorder, path=str(tmp_path / "r.wav"), left=box.id(a), right=(box.id(b),))
    paused = Recorder(id=recorder, path=row.path, left=row.left, right=row.right, running=False)
    begun = time.monotonic()
    box.put(row)
    run(0.4, [a, b])
    box.put(paused)
    silent = time.monotonic()
    a.hertz = 1400
    run(0.8, [a, b])
    a.hertz = 440
    silent = time.monotonic() - silent
    box.put(row)
    run(0.4, [a, b])
    stopped = stop(box, recorder)
    left, right = read_wav(tmp_path / "r.wav")
    # However long each part took here; the exact length is test_engine_alignment's.
    assert len(left) / 8000 == pytest.approx(stopped.seconds)
    assert stopped.seconds == pytest.approx(time.monotonic() - begun - silent, abs=0.35)
    for part in (slice(400, 2800), slice(-2800, -400)):
        assert heard(left[part]) == {440} and heard(right[part]) == {850}, "nothing of the pause is in it"


def test_a_transfer_changes_who_is_recorded_without_a_break(box: EngineBox, tmp_path: Path) -> None:
    caller, first, second, recorder = box.party(440), box.party(850), box.party(1400), box.new_id()
    path = str(tmp_path / "r.wav")
    box.put(Recorder(id=recorder, path=path, left=box.id(caller), right=(box.id(first),)))
    run(0.5, [caller, first, second])
    box.put(Recorder(id=recorder, path=path, left=box.id(caller), right=(box.id(second),)))
    run(0.5, [caller, first, second])
    box.put(drop=[box.id(first), box.id(second)])
    run(0.1, [caller])
    stop(box, recorder)
    left, right = read_wav(Path(path))
    assert heard(right[1000:3400]) == {850} and heard(right[4600:7200]) == {1400}
    assert [heard(part) for part in np.array_split(left[400:8000], 5)] == [{440}] * 5


def test_silence_is_as_long_as_it_was(box: EngineBox, tmp_path: Path) -> None:
    a, recorder = box.party(), box.new_id()
    box.put(Recorder(id=recorder, path=str(tmp_path / "r.wav"), left=box.id(a)))
    time.sleep(0.6)
    assert stop(box, recorder).seconds == pytest.approx(0.6, abs=0.1)
    left, right = read_wav(tmp_path / "r.wav")
    assert len(left) == len(right) == pytest.approx(4800, abs=800) and not left.any()


def test_the_file_of_another_recording_is_never_touched(box: EngineBox, tmp_path: Path) -> None:
    a, recorder = box.party(440), box.new_id()
    path = tmp_path / "r.wav"
    path.write_bytes(b"somebody else's")
    box.put(Recorder(id=recorder, path=str(path), left=box.id(a), call="c2"))
    stopped = box.wait(RecorderStopped)
    assert (stopped.reason, stopped.seconds) == ("failed", 0.0) and "exists" in stopped.error
    run(0.6, [a])
    box.put(drop=[recorder])
    assert path.read_bytes() == b"somebody else's"
    time.sleep(0.1)
    assert len(box.of(RecorderStopped)) == 1, "told once"


def test_a_folder_that_cannot_be_made_stops_the_recording_only(box: EngineBox, tmp_path: Path) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    (tmp_path / "file").write_text("x")
    box.put(Recorder(id=box.new_id(), path=str(tmp_path / "file" / "r.wav"), left=box.id(a)))
    assert box.wait(RecorderStopped).reason == "failed"
    run(0.3, [a, b])
    assert heard(b.audio(0.05)) == {440}


@pytest.mark.parametrize("paused", [False, True])
def test_the_same_recording_goes_on_in_its_file_after_a_restart(tmp_path: Path, paused: bool) -> None:
    """The time in between is silence, unless no time passed in the recording anyway."""
    path = tmp_path / "r.wav"
    passed = begun = 0.0
    for hertz in (440, 850):
        part = EngineBox()
        party = part.party(hertz)
        row = Recorder(id=77, path=str(path), left=part.id(party), call="c", leg="l")
        begun = begun if begun and not paused else time.monotonic()
        part.put(row)
        run(0.5, [party])
        if paused:
            part.put(msgspec.structs.replace(row, running=False))
            passed += time.monotonic() - begun
            run(0.2, [party])
        part.put(drop=[77])
        last = part.wait(RecorderStopped)
        part.close()
        time.sleep(0.6 if hertz == 440 else 0.0)
    left, _ = read_wav(path)
    assert len(left) / 8000 == pytest.approx(last.seconds)
    passed = passed or time.monotonic() - begun
    assert last.seconds == pytest.approx(passed, abs=0.35)
    assert (last.missing > 0.5) == (not paused)
    assert heard(left[400:3600]) == {440} and heard(left[-3600:-400]) == {850}
    assert isinstance(party, Party)


CHILD = """
import sys, json, resource
from tests.unit.media.engine_box import EngineBox
from tests.unit.media.rtp import run
from appliance.exchange.audio import Recorder, RecorderStopped
mode, path = sys.argv[1:]
if mode == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
box = EngineBox()
a, b = box.party(440), box.party(850)
box.bridge(a, b)
box.put(Recorder(id=9, path=path, left=box.id(a), right=(box.id(b),)))
run(1.8, [a, b])
if mode == "kill":
    print("recording", flush=True)
    run(30, [a, b])
before = len(b.received)
stopped = box.of(RecorderStopped)
run(0.3, [a, b])
print(json.dumps([[[s.reason, s.seconds] for s in stopped], len(b.received) - before, len(box.of(RecorderStopped))]))
box.close()
"""


def child(mode: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, mode, str(path)]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_a_file_is_playable_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    process = child("kill", path)
    try:
        assert process.stdout is not None and process.stdout.readline() == "recording\n"
        time.sleep(0.4)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
    left, right = read_wav(path)
    assert len(left) >= 2000 and heard(left[400:]) == {440} and heard(right[400:]) == {850}
    there = (path.stat().st_size - 256) // 4
    assert len(left) <= there <= len(left) + 3 * 8000


def test_a_full_disk_stops_the_recording_and_not_the_call(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    process = child("limit", path)
    output, _ = process.communicate(timeout=20)
    said, forwarded, count = json.loads(output)
    assert said[0][0] == "disk-full" and forwarded >= 12 and count == 1
    with wave.open(str(path)) as file:
        assert file.getnframes() == pytest.approx(said[0][1] * 8000, abs=50)
    assert path.stat().st_size <= 20_000


FULL_AT_FIRST = """
import sys, resource
from tests.unit.media.engine_box import EngineBox
from tests.unit.media.rtp import run
from appliance.exchange.audio import Recorder, RecorderStarted, RecorderStopped
path = sys.argv[1]
for most in (100, resource.RLIM_INFINITY):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    box = EngineBox()
    a = box.party(440)
    box.put(Recorder(id=9, path=path, left=box.id(a), call="c"))
    box.wait(RecorderStopped if most == 100 else RecorderStarted)
    run(0.4, [a])
    box.put(drop=[9])
    print(box.wait(RecorderStopped).reason)
    box.close()
"""


def test_a_disk_that_is_full_at_the_start_leaves_no_file_in_the_way(tmp_path: Path) -> None:
    """The row is given again after a restart of the engine: with room on the disk the recording begins."""
    path = tmp_path / "r.wav"
    command = [sys.executable, "-c", FULL_AT_FIRST, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert done.stdout.split() == ["disk-full", "ended"]
    assert heard(read_wav(path)[0][400:]) == {440}
