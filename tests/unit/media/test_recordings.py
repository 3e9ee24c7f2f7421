"""Recordings: where they lie, and files that a kill or a power cut left behind."""

import os
import struct
import threading
import wave
from pathlib import Path

import pytest

from appliance.media import recordings, wav

ENGINE_HEADER = 256


def recording(frames: int, stated: int | None = None, rate: int = 8000) -> bytes:
    """A file as the engine writes it: samples from byte 256 on, the sizes in the header possibly behind."""
    bytes_stated = (frames if stated is None else stated) * 4
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, rate, 4 * rate, 4, 16)
    info = struct.pack("<4sI", b"LIST", ENGINE_HEADER - 52) + b"INFO".ljust(ENGINE_HEADER - 52, b"\0")
    head = struct.pack("<4sI4s", b"RIFF", ENGINE_HEADER - 8 + bytes_stated, b"WAVE") + form + info
    head += struct.pack("<4sI", b"data", bytes_stated)
    assert len(head) == ENGINE_HEADER
    return head + b"".join(struct.pack("<hh", 1000 + n, -2000) for n in range(frames))


def play(path: Path, rate: int = 8000) -> list[tuple[int, int]]:
    """The stereo samples as Python's own reader, a strict one, sees them."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, rate)
        data = file.readframes(file.getnframes())
    riff_size = struct.unpack_from("<I", path.read_bytes(), 4)[0]
    assert riff_size == path.stat().st_size - 8
    return list(struct.iter_unpack("<hh", data))


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("stated", [0, 3, 10, 1000])
def test_playable_after_a_cut_at_any_byte(tmp_path: Path, stated: int, rate: int) -> None:
    whole = recording(10, stated, rate)
    path = tmp_path / "a.wav"
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        seconds = recordings.repair(path, rate).seconds
        frames = max(0, cut - ENGINE_HEADER) // 4
        assert play(path, rate) == [(1000 + n, -2000) for n in range(frames)], cut
        assert seconds == pytest.approx(frames / rate)
        assert recordings.repair(path) == recordings.Repair(seconds, False)


def test_playable_when_the_header_never_reached_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(ENGINE_HEADER) + recording(10)[ENGINE_HEADER:])
    assert recordings.repair(path).changed
    assert len(play(path)) == 10


def test_what_is_mended_says_when_it_was_last_written(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(recording(16000, 0, 16000)[:-1])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    mended = recordings.mend(path, 16000)
    assert mended.seconds == pytest.approx(1.0, abs=0.001) and mended.written == 1_700_000_000
    assert len(play(path, 16000)) == 15999


def test_a_file_that_is_still_being_completed_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(recording(10, 0))
    with path.open("r+b") as writer:

        def complete() -> None:
            writer.seek(0, os.SEEK_END)
            writer.write(recording(30)[ENGINE_HEADER + 40 :])
            writer.close()

        timer = threading.Timer(0.3, complete)
        timer.start()
        assert recordings.mend(path).seconds == pytest.approx(30 / 8000)
        timer.join()
    assert len(play(path)) == 30


def test_a_whole_file_stays_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    more = struct.pack("<4sI4s", b"LIST", 4, b"INFO")
    for content in (recording(10), recording(10) + more, wav.header(4, channels=2) + b"abcd"):
        path.write_bytes(content)
        assert not recordings.repair(path).changed
        assert path.read_bytes() == content


def test_duration_counts_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for content in (recording(8000), recording(8000, stated=0), recording(8000, stated=9999), recording(8000, 50)):
        path.write_bytes(content)
        assert recordings.duration(path) == pytest.approx(1.0)


def test_waveform_has_the_peak_of_each_bucket_and_channel(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    left = [0] * 1000
    left[150], left[990] = -32768, 16384
    frames = b"".join(struct.pack("<hh", value, 8192) for value in left)
    path.write_bytes(wav.header(len(frames), channels=2) + frames)
    shape = recordings.waveform(path, buckets=10)
    assert shape.seconds == pytest.approx(0.125)
    assert shape.peaks[0] == (0, 1.0, 0, 0, 0, 0, 0, 0, 0, 0.5)
    assert shape.peaks[1] == (0.25,) * 10


@pytest.mark.parametrize(("frames", "buckets", "expected"), [(3, 10, 3), (0, 10, 1), (100_000, 99_999, 4000)])
def test_waveform_is_bounded(tmp_path: Path, frames: int, buckets: int, expected: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.header(frames * 4, channels=2) + bytes(frames * 4))
    assert [len(lane) for lane in recordings.waveform(path, buckets).peaks] == [expected, expected]


def test_waveform_of_companded_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    form = struct.pack("<HHIIHH", wav.ULAW, 2, 8000, 16000, 2, 8)
    data = bytes((0xFF, 0x80)) * 100
    body = struct.pack("<4sI", b"fmt ", 16) + form + struct.pack("<4sI", b"data", len(data)) + data
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WAVE") + body)
    peaks = recordings.waveform(path, 2).peaks
    assert peaks[0] == (0, 0)
    assert peaks[1] == pytest.approx((0.9803, 0.9803), abs=1e-3)


def test_paths_stay_in_the_folder(tmp_path: Path) -> None:
    assert recordings.locate(tmp_path, "2026/11/21/a-b.wav") == tmp_path.resolve() / "2026/11/21/a-b.wav"
    for outside in ("../secret", "/etc/passwd", "2026/../../x"):
        with pytest.raises(ValueError, match="outside"):
            recordings.locate(tmp_path, outside)
