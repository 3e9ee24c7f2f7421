"""Waveforms of recordings for the player: measured one at a time by a process apart, the last ones kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import msgspec

from appliance.errors import HakoError
from appliance.media.recordings import Waveform
from appliance.web.threads import InThread

MAX_KEPT = 64
SECONDS = 60.0
"""How long measuring may take."""


class WaveformError(HakoError):
    """The file has no waveform; the message says why."""


class Waveforms:
    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._kept: OrderedDict[tuple[str, int, int, int], Waveform] = OrderedDict()
        self._turn = asyncio.Lock()

    async def of(self, path: Path, points: int) -> Waveform:
        """Length and amplitudes of at most `points` equal stretches. Raises WaveformError, OSError (not there)."""
        async with self._turn:
            status = await self._in_thread(path.stat)
            key = (str(path), points, status.st_mtime_ns, status.st_size)
            if key not in self._kept:
                self._kept[key] = await self._in_thread(lambda: _measure(str(path), points))
                if len(self._kept) > MAX_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


def _measure(path: str, points: int) -> Waveform:
    command = [sys.executable, "-m", "appliance.web.peaks", path, str(points)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise WaveformError("measuring took too long") from None
    if done.returncode != 0:
        raise WaveformError(done.stderr.decode("utf-8", "replace").strip()[-200:] or "measuring failed")
    return msgspec.json.decode(done.stdout, type=Waveform)
