"""Every usual kind of WAV file is read; others are refused in words."""

import math
import struct
from array import array
from pathlib import Path

import pytest

from appliance.media import wav


def riff(tag: int, bits: int, channels: int, rate: int, data: bytes, extensible: bool = False) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", wav.EXTENSIBLE if extensible else tag, channels, rate, rate * block, block, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 0, tag) + bytes(14)
    chunks = struct.pack("<4sI", b"LIST", 3) + b"abc\0" + struct.pack("<4sI", b"fmt ", len(form)) + form
    chunks += struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks


@pytest.mark.parametrize(
    ("tag", "bits", "data"),
    [
        (wav.PCM, 8, bytes((192, 64))),
        (wav.PCM, 16, struct.pack("<hh", 16384, -16384)),
        (wav.PCM, 24, bytes((0, 0, 0x40, 0, 0, 0xC0))),
        (wav.PCM, 32, struct.pack("<ii", 1 << 30, -(1 << 30))),
        (wav.FLOAT, 32, struct.pack("<ff", 0.5, -0.5)),
        (wav.FLOAT, 64, struct.pack("<dd", 0.5, -0.5)),
    ],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_reads_each_coding(tmp_path: Path, tag: int, bits: int, data: bytes, extensible: bool) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(tag, bits, 1, 16000, data, extensible))
    samples, rate = wav.read_mono(path)
    assert rate == 16000
    assert list(samples) == pytest.approx([0.5, -0.5])


def test_g711_tables_agree_with_the_recommendation() -> None:
    ulaw, alaw = wav.ulaw_table(), wav.alaw_table()
    assert (ulaw[0xFF], ulaw[0x80], ulaw[0x00]) == pytest.approx((0, 32124 / 32768, -32124 / 32768))
    assert (alaw[0xD5], alaw[0xAA], alaw[0x2A]) == pytest.approx((8 / 32768, 32256 / 32768, -32256 / 32768))
    assert sorted(ulaw) == pytest.approx(sorted(-value for value in ulaw))


def test_mixes_channels_to_one(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(wav.PCM, 16, 2, 8000, struct.pack("<hhhh", 16384, 0, -16384, -16384)))
    assert list(wav.read_mono(path)[0]) == pytest.approx([0.25, -0.5])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a WAV"),
        (b"ID3\x04mp3 data here", "not a WAV"),
        (b"RIFF\0\0\0\0WAVE", "no audio"),
        (riff(85, 8, 1, 8000, b"xx"), "format 85"),
        (riff(wav.PCM, 16, 1, 0, b"xx"), "cannot be used"),
        (riff(wav.PCM, 16, 1, 8000, b"x" * 40)[:40], "cut off"),
    ],
)
def test_refuses_in_words(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(wav.WavError, match=reason):
        wav.read_mono(path)


def test_any_cut_of_a_file_is_read_or_refused(tmp_path: Path) -> None:
    whole = riff(wav.PCM, 16, 2, 44100, struct.pack("<8h", *range(8)), extensible=True)
    path = tmp_path / "a.wav"
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        try:
            samples, _ = wav.read_mono(path)
        except wav.WavError:
            continue
        assert len(samples) <= 4


def test_refuses_what_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(wav.PCM, 16, 1, 8000, bytes(2 * 8001)))
    with pytest.raises(wav.WavError, match="longer"):
        wav.read_mono(path, limit_seconds=1)


def test_damaged_floats_become_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(wav.FLOAT, 32, 1, 8000, struct.pack("<fff", math.nan, math.inf, 0.25)))
    assert list(wav.read_mono(path)[0]) == [0, 0, 0.25]


def test_writes_what_it_reads_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.wav"
    assert wav.write_mono(path, array("d", [0.0, 0.5, -0.5, 2.0])) == 4 / 8000
    samples, rate = wav.read_mono(path)
    assert rate == 8000
    assert list(samples) == pytest.approx([0, 0.5, -0.5, 32767 / 32768])
    assert [entry.name for entry in path.parent.iterdir()] == ["a.wav"]
