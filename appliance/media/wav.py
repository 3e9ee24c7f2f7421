"""WAV files: reads any usual kind, writes the one kind the box plays (8 kHz, 16-bit, mono).

Source: Microsoft "Multimedia Programming Interface and Data Specifications 1.0" (RIFF) and RFC 2361 (format tags).
Samples are floats, 1.0 is full scale. Everything here blocks; call it in a helper process or a thread.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from appliance.errors import HakoError

RATE = 8000
"""Samples a second of everything the box plays and records."""

PCM, FLOAT, ALAW, ULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


class WavError(HakoError):
    """The file is no WAV file that can be used; the message says why, without naming the file."""


class WavLayout(NamedTuple):
    """Where the audio of a WAV file lies and how it is coded."""

    tag: int
    channels: int
    rate: int
    bits: int
    """Of one sample of one channel."""
    block: int
    """Bytes of one sample of all channels."""
    data_offset: int
    """Byte at which the audio begins."""
    data_bytes: int
    """As the header says, which need not be what the file holds."""


def read_layout(file: BinaryIO) -> WavLayout:
    """Finds format and data of an open file. Leaves the position at the first audio byte. Raises WavError."""
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise WavError("not a WAV file")
    form: tuple[int, int, int, int, int] | None = None
    for _ in range(64):
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            if form is None:
                raise WavError("the format comes after the audio")
            tag, channels, rate, block, bits = form
            return WavLayout(tag, channels, rate, bits, block, file.tell(), size)
        if name == b"fmt ":
            form = _format(file.read(min(size, 64)))
            size = max(0, size - 64)
        file.seek(size + (size & 1), os.SEEK_CUR)
    raise WavError("it holds no audio")


def _format(body: bytes) -> tuple[int, int, int, int, int]:
    if len(body) < 16:
        raise WavError("its format description is cut off")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack_from("<H", body, 24)[0]
    if not 1 <= channels <= 16 or not 2000 <= rate <= 384_000:
        raise WavError(f"{channels} channels at {rate} Hz cannot be used")
    if block != channels * ((bits + 7) // 8) or not block:
        raise WavError("its format description contradicts itself")
    return tag, channels, rate, block, bits


def read_mono(path: Path, limit_seconds: float = 900) -> tuple[array[float], int]:
    """Samples (all channels averaged) and rate of a WAV file of any usual kind. Raises WavError, OSError."""
    with path.open("rb") as file:
        layout = read_layout(file)
        most = int(limit_seconds * layout.rate) * layout.block
        data = file.read(min(layout.data_bytes, most + 1))
    if len(data) > most:
        raise WavError(f"longer than {limit_seconds / 60:.0f} minutes")
    data = data[: len(data) // layout.block * layout.block]
    samples = _decoder(layout)(data)
    if layout.channels == 1:
        return samples, layout.rate
    gain = 1.0 / layout.channels
    lanes = [samples[channel :: layout.channels] for channel in range(layout.channels)]
    return array("d", (sum(column) * gain for column in zip(*lanes, strict=True))), layout.rate


def _decoder(layout: WavLayout) -> Callable[[bytes], array[float]]:
    key = (layout.tag, layout.bits)
    if key in _DECODERS:
        return _DECODERS[key]
    raise WavError(f"its coding (format {layout.tag}, {layout.bits} bits) is not known; save it as 16-bit PCM")


def little_endian(code: str, data: bytes) -> array[int]:
    """The numbers of a little-endian buffer, whatever this machine's own order is."""
    values: array[int] = array(code, data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _pcm8(data: bytes) -> array[float]:
    return array("d", ((value - 128) / 128 for value in data))


def _pcm16(data: bytes) -> array[float]:
    return array("d", (value / 32768 for value in little_endian("h", data)))


def _pcm24(data: bytes) -> array[float]:
    wide = bytearray(len(data) // 3 * 4)
    wide[1::4], wide[2::4], wide[3::4] = data[0::3], data[1::3], data[2::3]
    return _pcm32(bytes(wide))


def _pcm32(data: bytes) -> array[float]:
    return array("d", (value / 2147483648 for value in little_endian("i", data)))


def _floats(code: str) -> Callable[[bytes], array[float]]:
    def decode(data: bytes) -> array[float]:
        values: array[float] = array(code, data)
        if sys.byteorder == "big":
            values.byteswap()
        # A NaN or a huge value of a damaged file must not spoil everything around it.
        return array("d", (value if -4.0 < value < 4.0 else 0.0 for value in values))

    return decode


def ulaw_table() -> array[float]:
    """G.711 µ-law: the value of each of the 256 codes, full scale 1.0."""
    table = array("d")
    for code in range(256):
        flipped = code ^ 0xFF
        exponent, mantissa = (flipped >> 4) & 7, flipped & 15
        magnitude = (((mantissa << 3) + 132) << exponent) - 132
        table.append((-magnitude if flipped & 0x80 else magnitude) / 32768)
    return table


def alaw_table() -> array[float]:
    """G.711 A-law: the value of each of the 256 codes, full scale 1.0."""
    table = array("d")
    for code in range(256):
        flipped = code ^ 0x55
        exponent, mantissa = (flipped >> 4) & 7, flipped & 15
        magnitude = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 264) << (exponent - 1)
        table.append((magnitude if flipped & 0x80 else -magnitude) / 32768)
    return table


def _companded(table: Callable[[], array[float]]) -> Callable[[bytes], array[float]]:
    def decode(data: bytes) -> array[float]:
        values = table()
        return array("d", map(values.__getitem__, data))

    return decode


_DECODERS: dict[tuple[int, int], Callable[[bytes], array[float]]] = {
    (PCM, 8): _pcm8,
    (PCM, 16): _pcm16,
    (PCM, 24): _pcm24,
    (PCM, 32): _pcm32,
    (FLOAT, 32): _floats("f"),
    (FLOAT, 64): _floats("d"),
    (ALAW, 8): _companded(alaw_table),
    (ULAW, 8): _companded(ulaw_table),
}


def header(data_bytes: int, channels: int = 1, rate: int = RATE) -> bytes:
    """The 44 bytes before 16-bit PCM audio of `data_bytes`."""
    block = 2 * channels
    form = struct.pack("<HHIIHH", PCM, channels, rate, rate * block, block, 16)
    return struct.pack("<4sI4s4sI16s4sI", b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, form, b"data", data_bytes)


def write_mono(path: Path, samples: array[float]) -> float:
    """Writes what the box plays, whole or not at all, also when the power goes. Values beyond full scale are cut off.

    Returns the length in seconds. Raises OSError.
    """
    values: array[int] = array("h", (max(-32768, min(32767, round(value * 32768))) for value in samples))
    if sys.byteorder == "big":
        values.byteswap()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            file.write(header(len(values) * 2))
            file.write(values.tobytes())
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return len(values) / RATE
