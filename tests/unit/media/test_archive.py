"""From WAV to Opus: the same conversation, whole or not at all, and what the file says of itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import HakoError
from appliance.media import archive_worker, opus, recordings
from appliance.media.archive_worker import NotArchived, archive, difference, measure
from tests.unit.media.rtp import Samples


def talk(seconds: float, rate: int, first: bool, seed: int = 1) -> Samples:
    """Something like speech: syllables of a voice in one half of the time, nothing in the other."""
    dice = np.random.default_rng(seed)
    at = np.arange(int(seconds * rate)) / rate
    voice = sum(np.sin(2 * np.pi * 150 * n * at + n) / n for n in range(1, 12))
    syllables = np.repeat(dice.uniform(0.2, 1.0, int(seconds * 5) + 1), rate // 5)[: len(at)]
    turns = (at % 4 < 2) == first
    return (3000 * voice * syllables * turns).astype(np.int16)


def recording(path: Path, seconds: float = 12.0, rate: int = 8000, comment: str = "call=c1 leg=c1-1") -> Path:
    """A finished recording as the engine leaves it."""
    sides = np.stack([talk(seconds, rate, True), talk(seconds, rate, False, 2)], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sides.astype("<i2").tobytes())
    data = path.read_bytes()
    body = b"INFOICMT" + (len(comment) + 1).to_bytes(4, "little") + comment.encode() + b"\0"
    body += bytes(len(body) % 2)
    path.write_bytes(data[:36] + b"LIST" + len(body).to_bytes(4, "little") + body + data[36:])
    return path


@pytest.mark.parametrize("rate", [8000, 16000])
def test_it_becomes_a_smaller_file_with_the_same_sound(tmp_path: Path, rate: int) -> None:
    path = recording(tmp_path / "c1-1.wav", 20.03, rate)
    before = recordings.waveform(path, 37)
    done = archive(path)
    assert done == tmp_path / "c1-1.opus" and path.exists(), "the WAV goes when the ledger knows, not before"
    assert done.stat().st_size * 6 < path.stat().st_size and done.stat().st_mode & 0o777 == 0o600
    made = opus.read(done)
    assert (made.channels, made.rate) == (2, rate)
    assert made.seconds == pytest.approx(20.03, abs=0.001) == recordings.duration(done)
    assert made.tags["DESCRIPTION"] == "call=c1 leg=c1-1"
    after = recordings.waveform(done, 37)
    assert after.seconds == pytest.approx(before.seconds)
    for one, other in zip(before.peaks, after.peaks, strict=True):
        assert len(one) == len(other)
        assert np.mean(np.abs(np.subtract(one, other))) < 0.02, "drawn as it was"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("rate", [8000, 16000])
def test_both_who_speak_at_once_stay_apart(tmp_path: Path, rate: int) -> None:
    """With less to spend, libopus makes one of both from the moment on at which the second begins."""
    at = np.arange(2 * rate) / rate
    for number, (first, second) in enumerate(((0.0, 0.17), (0.12, 0.03), (0.09, 0.15))):
        sides = [
            (8000 * np.sin(2 * np.pi * hertz * at) * (at >= since)).astype("<i2")
            for hertz, since in ((905, first), (1017, second))
        ]
        path = tmp_path / f"c{number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.stack(sides, axis=1).tobytes())
        command = ["opusdec", "--quiet", "--rate", str(rate), str(archive(path)), "-"]
        made = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, dtype="<i2")
        for side, own, other in ((0, 905, 1017), (1, 1017, 905)):
            wave_ = made[side::2][rate // 2 :]
            power = [abs(np.sum(wave_ * np.exp(-2j * np.pi * hertz * at[: len(wave_)]))) for hertz in (own, other)]
            assert power[0] > 10 * power[1]


def test_what_is_not_the_same_is_told() -> None:
    def levels(left: Samples, right: Samples) -> archive_worker.Levels:
        data = np.stack([left, right], axis=1).astype("<i2").tobytes()
        at = iter(data[n : n + 3200] for n in range(0, len(data), 3200))
        return measure(lambda size: next(at, b""), 8000)

    one, other, silence = talk(12, 8000, True), talk(12, 8000, False, 2), np.zeros(96000, dtype=np.int16)
    real = levels(one, other)
    assert difference(real, levels(one, other), 8000) == ""
    assert difference(levels(silence, silence), levels(silence, silence), 8000) == ""
    assert "long" in difference(real, levels(one[:-400], other[:-400]), 8000)
    assert "left" in difference(real, levels(other, one), 8000)
    assert "right" in difference(real, levels(one, silence), 8000)
    assert "silent" in difference(levels(one, silence), levels(one, other), 8000)
    half = ((one.astype(int) + other) // 2).astype(np.int16)
    assert difference(real, levels(half, half), 8000)
    assert "says" in difference(real, levels(one[::-1], other), 8000)


def test_a_file_that_cannot_be_kept_as_opus_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recording(tmp_path / "a.wav", 8.0)
    monkeypatch.setattr(archive_worker, "BITRATES", {8000: 12})
    with pytest.raises(NotArchived, match="not the same"):
        archive(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.wav"], "at 12 kbit/s both sides become one"
    (tmp_path / "b.wav").write_bytes(path.read_bytes()[:60])
    with pytest.raises(HakoError):
        archive(tmp_path / "b.wav")
    with pytest.raises(OSError, match="No such file"):
        archive(tmp_path / "c.wav")


def test_killed_at_any_moment_it_leaves_a_whole_file(tmp_path: Path) -> None:
    path = recording(tmp_path / "day" / "c1.wav", 30.0)
    content = path.read_bytes()
    command = [sys.executable, "-m", "appliance.media.archive_worker", str(path), str(tmp_path / ".lock")]
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - started
    (tmp_path / "day" / "c1.opus").unlink()
    dice = random.Random(7)
    for round_ in range(4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        time.sleep(whole * (round_ + dice.random()) / 4)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert path.read_bytes() == content
        done = path.with_suffix(".opus")
        if done.exists():
            assert opus.read(done).seconds == pytest.approx(30.0, abs=0.01)
            done.unlink()
    subprocess.run(command, check=True, capture_output=True)
    assert opus.read(path.with_suffix(".opus")).seconds == pytest.approx(30.0, abs=0.01)


def test_one_helper_at_a_time(tmp_path: Path) -> None:
    import fcntl

    path = recording(tmp_path / "c1.wav", 2.0)
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "appliance.media.archive_worker", str(path), str(tmp_path / ".lock")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "another helper" in done.stderr and not path.with_suffix(".opus").exists()


def test_an_opus_file_cut_at_any_byte_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    path = archive(recording(tmp_path / "c1.wav", 3.0))
    content = path.read_bytes()
    cut, before = tmp_path / "cut.opus", 0.0
    first_audio = content.index(b"OggS", content.index(b"OpusTags"))
    middle, end = len(content) // 2, len(content)
    places = {*range(first_audio + 300), *range(middle, middle + 300), *range(end - 500, end + 1), *range(0, end, 7)}
    for size in sorted(places):
        cut.write_bytes(content[:size])
        try:
            seconds = opus.read(cut).seconds
        except HakoError:
            assert before == 0.0, "what is longer can be read as well"
            continue
        assert before <= seconds <= 3.01
        before = seconds
        if size % 1000 == 0 and size > first_audio:
            command = ["opusdec", "--quiet", "--rate", "8000", str(cut), "-"]
            played = subprocess.run(command, capture_output=True, check=False).stdout
            assert len(played) / 32000 >= seconds - 1.01, "a page, of at most a second, is what a cut costs"
    assert before == pytest.approx(3.0, abs=0.01)


def test_a_damaged_opus_file_is_an_error_and_nothing_worse(tmp_path: Path) -> None:
    path = archive(recording(tmp_path / "c1.wav", 3.0))
    content = path.read_bytes()
    dice = random.Random(3)
    broken = tmp_path / "broken.opus"
    for n in range(400):
        data = bytearray(content[: dice.randrange(len(content))] if n % 2 else content)
        for _ in range(dice.randrange(4) if n % 2 else 3):
            if data:
                data[dice.randrange(min(len(data), 3000))] = dice.randrange(256)
        broken.write_bytes(data)
        try:
            assert recordings.waveform(broken, 50).seconds >= 0
        except (HakoError, OSError):
            pass
