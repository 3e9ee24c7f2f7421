"""Turns finished recordings into Opus, one at a time, by a helper process that takes only what nobody else wants.

The order that keeps a recording whole whatever happens: the helper makes and verifies the Opus file; the ledger says
where the recording is now; when that is durable, the WAV file goes. What somebody has just listened to is left alone,
so that no file is exchanged under a player. Without opus-tools everything stays as it was recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.box.health.tools import opus_missing
from appliance.errors import HakoError
from appliance.events import RecordingConverted
from appliance.media.archive_worker import PART
from appliance.media.recordings import OPUS, duration, locate
from appliance.store.records import StoredRecording

if TYPE_CHECKING:
    from appliance.app.box import Box

log = logging.getLogger("hako.archive")

PAUSE_SECONDS: Final = 20.0
"""Between two looks for work."""
PLAYED_SECONDS: Final = 600.0
"""How long after it was last sent to somebody a file stays what it is."""
BACKLOG: Final = 200
"""Recordings that may wait for a quiet moment; with more of them it is done all the same, at the lowest priority."""
CALLS_A_CORE: Final = 10
"""More calls than this are a busy box."""
FOLDERS_DAYS: Final = 30.0
RETRY_SECONDS: Final = 3600.0
"""After which one that could not be converted is tried again: the disk may have room then."""
FAULT: Final = "recordings-stay-wav"
_MOST_FAILED: Final = 10_000


class Archive:
    """The conversion of one box. All methods belong to the loop's thread."""

    def __init__(self, box: Box, busy: Callable[[], bool] | None = None) -> None:
        self._box = box
        self._busy = busy or self._much_to_do
        self._played: dict[str, float] = {}
        self._failed: dict[str, float] = {}
        """Recordings that stay WAV files for now, and when that was found."""
        self.waiting = 0
        """How many were waiting at the last look, up to some more than `BACKLOG`."""

    def played(self, recording: str) -> None:
        """Somebody is being sent this recording now."""
        now = self._box.core.now().mono
        self._played[recording] = now
        if len(self._played) > 1000:
            self._played = {name: at for name, at in self._played.items() if now - at < PLAYED_SECONDS}

    def _much_to_do(self) -> bool:
        cores = os.cpu_count() or 1
        return len(self._box.exchange.context.calls) > CALLS_A_CORE * cores or os.getloadavg()[0] > cores

    async def keep(self) -> None:
        """Works until cancelled."""
        await asyncio.to_thread(self._sweep)
        while True:
            done = False
            try:
                done = await self.step()
            except Exception:
                log.exception("converting recordings failed")
            await asyncio.sleep(0.1 if done else PAUSE_SECONDS)

    async def step(self) -> bool:
        """Converts one recording; False: there was none, or this is not the time."""
        box = self._box
        if box.exchange.context.site.site.recording_format != "opus" or opus_missing() or box.ledger.fault:
            return False
        now = box.core.now().mono
        self._failed = {name: at for name, at in self._failed.items() if now - at < RETRY_SECONDS}
        found = await asyncio.to_thread(box.records.to_convert, BACKLOG + 1 + len(self._failed))
        waiting = [one for one in found if one.id not in self._failed]
        self.waiting = len(waiting)
        if not waiting or (self._busy() and len(waiting) <= BACKLOG):
            return False
        one = next((one for one in waiting if not self._in_use(one.id)), None)
        if one is None:
            return False
        try:
            await self._convert(one)
        except (OSError, ValueError) as error:
            if len(self._failed) < _MOST_FAILED:
                self._failed[one.id] = now
            self._stays(one, str(error))
        else:
            if not self._failed:
                box.faults.clear(FAULT)
        return True

    def _stays(self, one: StoredRecording, why: str) -> None:
        """Says that this one could not be made smaller. Nothing is lost by it but room."""
        log.warning("the recording %s stays a WAV file: %s", one.id, why)
        count = len(self._failed)
        self._box.faults.raise_(
            FAULT,
            {
                "ja": f"{count} 件の録音を Opus に変換できず、WAV のまま残しています。最後は {one.id}: {why}",
                "en": f"Recordings that could not be made Opus stay WAV files: {count}. The last is {one.id}: {why}",
            },
            {
                "ja": "録音は聞けます。ディスクの空きを確かめてください。1 時間ごとに再び試みます。",
                "en": "They can be listened to. See that the disk has room; each is tried again after an hour.",
            },
        )

    def _in_use(self, recording: str) -> bool:
        at = self._played.get(recording)
        return at is not None and self._box.core.now().mono - at < PLAYED_SECONDS

    async def _convert(self, one: StoredRecording) -> None:
        """Raises OSError or ValueError when it cannot be done."""
        box = self._box
        root = box.folder.recordings
        path = locate(root, one.path)
        try:
            said = await run_helper([str(path), str(root / ".archive.lock")])
        except OSError:
            # A helper that was killed has not cleared up.
            await asyncio.to_thread(path.with_suffix(PART).unlink, True)
            raise
        if self._in_use(one.id):
            return  # both files are whole; another time
        relative = str(Path(one.path).with_suffix(OPUS))
        box.core.emit(
            RecordingConverted(
                recording=one.id, call=one.call, path=relative, bytes=said["bytes"], before=said["before"]
            )
        )
        await box.committed()
        if not box.ledger.fault:
            await asyncio.to_thread(path.unlink, True)

    def _sweep(self) -> None:
        """What a conversion left that was cut off. Folders that nothing was written to lately are not looked at."""
        box = self._box
        since = box.core.now().wall - FOLDERS_DAYS * 86_400
        for folder in box.folder.recordings.glob("*/*/*"):
            with contextlib.suppress(OSError):
                if folder.is_dir() and folder.stat().st_mtime >= since:
                    self._sweep_folder(folder)

    def _sweep_folder(self, folder: Path) -> None:
        for part in folder.glob(f"*{PART}"):
            part.unlink(missing_ok=True)
        for made in folder.glob(f"*{OPUS}"):
            before = made.with_suffix(".wav")
            if before.exists():
                known = self._box.records.recording(made.stem)
                if known is not None and known[1].endswith(OPUS):
                    # A disk may lie about what it has kept: of the two, the one that is whole stays.
                    (before if _as_long(made, before) else made).unlink(missing_ok=True)


def _as_long(made: Path, before: Path) -> bool:
    """Whether an Opus file is as long as the WAV file it was made of."""
    try:
        return abs(duration(made) - duration(before)) < 0.002
    except (HakoError, OSError):
        return False


async def run_helper(arguments: Sequence[str]) -> dict[str, int]:
    """Runs `media.archive_worker` as the last in line for processor and disk. OSError: it failed; the text says why."""
    command = ["nice", "-n", "19", *(["ionice", "-c", "3"] if shutil.which("ionice") else [])]
    command += [sys.executable, "-m", "appliance.media.archive_worker", *arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        out, said = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    if process.returncode:
        why = f"the helper was ended by signal {-process.returncode}"
        if process.returncode > 0:
            why = said.decode("utf-8", "replace").strip()[-300:] or f"the helper ended with {process.returncode}"
        raise OSError(why)
    result: dict[str, int] = json.loads(out)
    return result
