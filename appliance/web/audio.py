"""Sends a recording to a player: any range of it, as a correct WAV even while it is still being recorded, or as Opus.

A running recording's header says what was true when it was written. What is sent says how much there is now.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from appliance.media.recordings import OPUS, duration, find
from appliance.media.wav import WavError, read_layout
from appliance.web.problem import Problem
from appliance.web.threads import InThread

CHUNK = 128 * 1024


@dataclass(slots=True)
class Sound:
    """An open recording as it is now."""

    file: BinaryIO
    head: bytes
    """The file's own header with the sizes put right."""
    size: int
    """Bytes in all: the header and whole frames."""
    etag: str
    media: str = "audio/wav"
    suffix: str = ".wav"

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start` (in a thread)."""
        part = self.head[start : start + length]
        if len(part) < length:
            self.file.seek(start + len(part))
            part += self.file.read(min(length, self.size - start) - len(part))
        return part


def open_sound(path: Path) -> Sound:
    """Opens a recording. Raises OSError, WavError (which nothing was recorded in yet, either)."""
    path = find(path)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        # It has become Opus between the look and the opening.
        path = find(path)
        file = path.open("rb")
    if path.suffix == OPUS:
        status = os.fstat(file.fileno())
        etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
        return Sound(file, b"", status.st_size, etag, "audio/ogg; codecs=opus", OPUS)
    try:
        layout = read_layout(file)
        status = os.fstat(file.fileno())
        data = round(duration(path) * layout.rate) * layout.block
        file.seek(0)
        head = bytearray(file.read(layout.data_offset))
    except BaseException:
        file.close()
        raise
    size = layout.data_offset + data
    head[4:8] = min(size - 8, 0xFFFFFFFF).to_bytes(4, "little")
    head[-4:] = min(data, 0xFFFFFFFF).to_bytes(4, "little")
    return Sound(file, bytes(head), size, f'"{size:x}-{status.st_mtime_ns:x}"')


async def send(request: web.Request, path: Path, name: str, in_thread: InThread) -> web.StreamResponse:
    """Answers with the recording or the range asked for. Problem 404: there is no such file; 416: no such range."""
    try:
        sound = await in_thread(lambda: open_sound(path))
    except (OSError, WavError) as error:
        raise Problem(404, "no_audio", f"The recording's file cannot be used: {_plain(error)}.") from None
    try:
        return await _send(request, sound, name, in_thread)
    finally:
        sound.file.close()


async def _send(request: web.Request, sound: Sound, name: str, in_thread: InThread) -> web.StreamResponse:
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{name}{sound.suffix}"',
        "ETag": sound.etag,
    }
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", sound.etag) != sound.etag:
        wanted = ""
    if not wanted and sound.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    first, last = parse_range(wanted, sound.size)
    if wanted and (first, last) != (0, sound.size - 1):
        headers["Content-Range"] = f"bytes {first}-{last}/{sound.size}"
    response = web.StreamResponse(status=206 if "Content-Range" in headers else 200, headers=headers)
    response.headers["Content-Type"] = sound.media
    response.content_length = last - first + 1
    await response.prepare(request)
    if request.method != "HEAD":
        while first <= last:
            part = await in_thread(partial(sound.read, first, min(CHUNK, last - first + 1)))
            if not part:
                raise ConnectionResetError("the file became shorter while it was sent")
            first += len(part)
            await response.write(part)
    await response.write_eof()
    return response


def parse_range(value: str, size: int) -> tuple[int, int]:
    """First and last byte of a Range header (RFC 9110 section 14.2); the whole when none, several or not readable.

    Problem 416 when the range lies beyond the end.
    """
    whole = (0, size - 1)
    unit, _, ranges = value.partition("=")
    start, dash, end = ranges.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or not _digits(start) or not _digits(end) or not (start or end):
        return whole
    if not start:
        first, last = max(0, size - int(end)), size - 1
    else:
        first, last = int(start), min(int(end), size - 1) if end else size - 1
        if end and int(end) < first:
            return whole
    if first >= size or first > last:
        headers = {"Content-Range": f"bytes */{size}"}
        raise Problem(416, "range_not_satisfiable", "The recording is not that long.", headers=headers)
    return first, last


def _digits(text: str) -> bool:
    return text == "" or (text.isascii() and text.isdigit() and len(text) < 19)


def _plain(error: Exception) -> str:
    return (error.strerror or "it cannot be read") if isinstance(error, OSError) else str(error)
