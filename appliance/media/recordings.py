"""Recordings on disk: where they lie, and their WAV files as a kill or a power cut may have left them.

One stereo file a call, left the outside party, right our side: a WAV while it is made, Opus (`media.opus`) some time
later. Everything here blocks; call it in a thread.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from typing import BinaryIO, NamedTuple

from appliance.media import opus
from appliance.media.wav import (
    ALAW,
    PCM,
    RATE,
    ULAW,
    WavError,
    WavLayout,
    alaw_table,
    header,
    little_endian,
    read_layout,
    ulaw_table,
)

OPUS = ".opus"
WRITER_SECONDS = 5.0
"""How long a media process may take to complete a file."""
_FRAME = 4
"""Bytes of one stereo sample as the engine writes them."""
_ENGINE_HEADER = 256
"""The engine's samples begin here; what stands before is its header."""
_READ = 64 * 1024


def locate(root: Path, relative: str) -> Path:
    """The absolute path of a recording named in the ledger. Raises ValueError when it would lie outside of `root`."""
    path = (root / relative).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"{relative!r} is outside the recordings folder")
    return path


def find(path: Path) -> Path:
    """Where this recording is now: the ledger may name the file it was before or after its conversion to Opus."""
    if not path.exists():
        other = path.with_suffix(".wav" if path.suffix == OPUS else OPUS)
        if other.exists():
            return other
    return path


class Repair(NamedTuple):
    """What a file was like and is now."""

    seconds: float
    changed: bool


class Mended(NamedTuple):
    """A recording that was cut off, made whole as far as it goes."""

    seconds: float
    written: float
    """Wall time at which sound was last written into it."""


def mend(path: Path, rate: int = RATE) -> Mended:
    """Makes a file that was cut off playable, and durable. A media process that outlived its box may be completing it
    at this moment: that is waited for. Raises OSError, WavError."""
    _wait_for_writer(path)
    written = path.stat().st_mtime
    repair(path, rate)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return Mended(duration(path), written)


def _wait_for_writer(path: Path) -> None:
    """Returns when nobody has the file open for writing (which a read lease tells, fcntl(2)), or after some seconds."""
    with path.open("rb") as file:
        for _ in range(int(WRITER_SECONDS / 0.05)):
            try:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
                return
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                return  # a file system without leases


def repair(path: Path, rate: int = RATE) -> Repair:
    """Makes a file that was cut at any byte playable as far as it goes; a whole file stays untouched.

    Sizes in the header are set to what is there, half a sample at the end is taken off, a header that never reached the
    disk is written anew, for `rate`. Only for files that nobody writes. Raises OSError.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            layout = read_layout(file)
        except WavError:
            return _rebuild(file, size, rate)
        data = size - layout.data_offset
        if layout.data_bytes <= data and _chunks_to_the_end(file, layout, size):
            return Repair(layout.data_bytes / layout.block / layout.rate, False)
        data -= data % layout.block
        data = min(data, 0xFFFFFFFF - layout.data_offset)
        file.truncate(layout.data_offset + data)
        _put_size(file, layout.data_offset - 4, data)
        _put_size(file, 4, layout.data_offset + data - 8)
        _sync(file)
        return Repair(data / layout.block / layout.rate, True)


def _rebuild(file: BinaryIO, size: int, rate: int) -> Repair:
    """No usable header: the engine's header was lost or cut, so its format is taken for granted."""
    data = max(0, size - _ENGINE_HEADER)
    data -= data % _FRAME
    plain = header(data, channels=2, rate=rate)
    if data:
        # A chunk that players skip fills the room up to where the samples begin.
        room = _ENGINE_HEADER - len(plain) - 8
        plain = plain[:36] + struct.pack("<4sI", b"JUNK", room) + bytes(room) + plain[36:]
    file.truncate(len(plain) + data)
    file.seek(0)
    file.write(plain)
    _put_size(file, 4, len(plain) + data - 8)
    _sync(file)
    return Repair(data / _FRAME / rate, True)


def _chunks_to_the_end(file: BinaryIO, layout: WavLayout, size: int) -> bool:
    """True when what follows the audio is nothing, or chunks that end with the file (and not audio never counted)."""
    at = layout.data_offset + layout.data_bytes
    if layout.data_bytes % layout.block:
        return False
    while at + 8 <= size:
        file.seek(at + at % 2)
        name, length = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
        if not name.isalnum():
            return False
        at += at % 2 + 8 + length
    return at == size or (at % 2 == 1 and at + 1 == size)


def _put_size(file: BinaryIO, at: int, value: int) -> None:
    file.seek(at)
    file.write(struct.pack("<I", min(value, 0xFFFFFFFF)))


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def duration(path: Path) -> float:
    """Seconds of audio that are in the file, whatever its header says. Raises WavError, OpusError, OSError."""
    if path.suffix == OPUS:
        return opus.read(path).seconds
    with path.open("rb") as file:
        layout = read_layout(file)
        return _audio_bytes(file, layout) / layout.block / layout.rate


def _audio_bytes(file: BinaryIO, layout: WavLayout) -> int:
    """Whole samples only. Of a file still being written the header lags behind: then all there is counts."""
    there = os.fstat(file.fileno()).st_size - layout.data_offset
    stated = layout.data_bytes
    if stated > there or stated == 0 or not _chunks_to_the_end(file, layout, layout.data_offset + there):
        stated = there
    return max(0, stated - stated % layout.block)


class Waveform(NamedTuple):
    """What a player draws."""

    seconds: float
    peaks: tuple[tuple[float, ...], ...]
    """For each channel the highest magnitude 0..1 of each bucket, oldest first."""


def waveform(path: Path, buckets: int = 800) -> Waveform:
    """Peaks for drawing, in at most `buckets` (capped at 4,000) equal parts. Reads 64 KiB at a time.

    Raises WavError (not a WAV file, or coded in a way that recordings are not), OpusError, OSError.
    """
    if path.suffix == OPUS:
        return _kept_waveform(path, buckets)
    with path.open("rb") as file:
        layout = read_layout(file)
        total = _audio_bytes(file, layout)
        samples = total // layout.block
        count = max(1, min(buckets, 4000, samples or 1))
        file.seek(layout.data_offset)
        magnitudes = _magnitudes(layout)
        lanes: list[list[float]] = [[] for _ in range(layout.channels)]
        for bucket in range(count):
            left = (samples * (bucket + 1) // count - samples * bucket // count) * layout.block
            highest = [0.0] * layout.channels
            while left > 0:
                part = file.read(min(left, _READ // layout.block * layout.block))
                part = part[: len(part) // layout.block * layout.block]
                if not part:
                    break
                left -= len(part)
                for channel, value in enumerate(magnitudes(part, layout.channels)):
                    highest[channel] = max(highest[channel], value)
            for lane, value in zip(lanes, highest, strict=True):
                lane.append(round(value, 4))
        return Waveform(samples / layout.rate, tuple(map(tuple, lanes)))


def _kept_waveform(path: Path, buckets: int) -> Waveform:
    """The one that was measured before the file became Opus; it has no more points than it has."""
    made = opus.read(path)
    lanes = opus.peaks(made)
    points = len(lanes[0])
    count = max(1, min(buckets, points))
    parts = [slice(points * bucket // count, points * (bucket + 1) // count) for bucket in range(count)]
    return Waveform(made.seconds, tuple(tuple(round(max(lane[part]), 4) for part in parts) for lane in lanes))


class _Magnitudes:
    """Highest magnitude a channel has in a stretch of audio."""

    def __init__(self, table: list[float] | None = None) -> None:
        self._table = table

    def __call__(self, data: bytes, channels: int) -> list[float]:
        if self._table is None:
            values = little_endian("h", data)
            lanes = (values[channel::channels] for channel in range(channels))
            return [max(max(lane), -min(lane)) / 32768 for lane in lanes]
        table = self._table
        # The codes that occur are at most 256, however long the stretch.
        return [max(table[code] for code in set(data[channel::channels])) for channel in range(channels)]


def _magnitudes(layout: WavLayout) -> _Magnitudes:
    if (layout.tag, layout.bits) == (PCM, 16):
        return _Magnitudes()
    if (layout.tag, layout.bits) in ((ULAW, 8), (ALAW, 8)):
        values = ulaw_table() if layout.tag == ULAW else alaw_table()
        return _Magnitudes([abs(value) for value in values])
    raise WavError(f"recordings are not coded like this (format {layout.tag}, {layout.bits} bits)")
