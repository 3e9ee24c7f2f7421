"""Ogg Opus files of recordings: their length and what their tags say, read from the first and last pages.

Source: RFC 3533 (Ogg pages), RFC 7845 (Opus in Ogg). Everything here blocks; call it in a thread.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from appliance.errors import HakoError

CLOCK = 48_000
"""Of granule positions, whatever the sound's own rate was (RFC 7845 section 4)."""
PEAKS = "HAKO_PEAKS"
"""Tag with the waveform: base64 of one byte a point and channel, the channels' points by turns."""
_PAGE = struct.Struct("<4sBBqIIIB")
_TAIL = 2 * (64 * 1024 + _PAGE.size + 255)
"""The last page begins within half as many bytes of the end (RFC 3533 section 6), and where that is cut, the one before
it within these."""
_MOST_TAGS = 256 * 1024


class OpusError(HakoError):
    """The file is no Ogg Opus file of ours; the message says why, without naming the file."""


class OpusFile(NamedTuple):
    """What a file says of itself."""

    seconds: float
    channels: int
    rate: int
    """Of what was put in, Hz."""
    tags: dict[str, str]
    """By name in capitals."""


def read(path: Path) -> OpusFile:
    """Raises OpusError, OSError."""
    with path.open("rb") as file:
        head = _packet(file)
        if len(head) < 19 or head[:8] != b"OpusHead":
            raise OpusError("not an Opus file")
        channels, skip, rate = head[9], *struct.unpack_from("<HI", head, 10)
        tags = _tags(_packet(file))
        return OpusFile(max(0, _end(file) - skip) / CLOCK, channels, rate, tags)


def peaks(opus: OpusFile) -> list[list[float]]:
    """The waveform in its tags: for each channel magnitudes 0..1. Raises OpusError: there is none."""
    try:
        points = base64.b64decode(opus.tags.get(PEAKS, ""), validate=True)
    except (binascii.Error, ValueError):
        points = b""
    if not points or opus.channels < 1 or len(points) % opus.channels:
        raise OpusError("it carries no waveform")
    return [[value / 255 for value in points[channel :: opus.channels]] for channel in range(opus.channels)]


def peaks_tag(lanes: list[list[float]]) -> str:
    """The tag's text for these magnitudes."""
    columns = zip(*lanes, strict=True)
    return base64.b64encode(bytes(min(255, round(value * 255)) for column in columns for value in column)).decode()


def _packet(file: BinaryIO) -> bytes:
    """The one packet that the next pages hold: of the two headers each ends its page (RFC 7845 section 3)."""
    body = b""
    while len(body) <= _MOST_TAGS:
        head = file.read(_PAGE.size)
        if len(head) < _PAGE.size or head[:4] != b"OggS":
            raise OpusError("not an Ogg file")
        lacing = file.read(head[-1])
        body += file.read(sum(lacing))
        if not lacing or lacing[-1] < 255:
            return body
    raise OpusError("its tags are too large")


def _tags(packet: bytes) -> dict[str, str]:
    if packet[:8] != b"OpusTags":
        raise OpusError("it has no tags")
    try:
        at = 12 + struct.unpack_from("<I", packet, 8)[0]
        (count,) = struct.unpack_from("<I", packet, at)
        at += 4
        found: dict[str, str] = {}
        for _ in range(min(count, 1000)):
            (length,) = struct.unpack_from("<I", packet, at)
            name, _, value = packet[at + 4 : at + 4 + length].decode("utf-8", "replace").partition("=")
            found[name.upper()] = value
            at += 4 + length
        return found
    except struct.error:
        raise OpusError("its tags are cut off") from None


def _end(file: BinaryIO) -> int:
    """Granule position of the last page that is whole."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    at = tail.rfind(b"OggS")
    while at >= 0:
        if at + _PAGE.size <= len(tail):
            page = _PAGE.unpack_from(tail, at)
            lacing = tail[at + _PAGE.size : at + _PAGE.size + page[-1]]
            whole = len(lacing) == page[-1] and at + _PAGE.size + page[-1] + sum(lacing) <= len(tail)
            if int(page[3]) >= 0 and whole:
                return int(page[3])
        at = tail.rfind(b"OggS", 0, at)
    raise OpusError("it has no end")
