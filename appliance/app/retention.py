"""Forgets what the site says shall not be kept: recordings and call records older than so many days.

At night by the site's clock, and an hour after a start for a box that is off at night. In small steps: a few files,
then a commit. The file goes first, then the ledger says so: whatever happens between, the next night finds it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.events import RecordingDeleted
from appliance.media.recordings import OPUS, locate

if TYPE_CHECKING:
    from appliance.app.box import Box

log = logging.getLogger("hako.retention")

LOOK_SECONDS: Final = 600.0
AFTER_START_SECONDS: Final = 3600.0
NIGHT: Final = range(3, 5)
"""Hours of the site's clock."""
DAY: Final = 86_400.0
BATCH: Final = 50


class Retention:
    """The forgetting of one box."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._last = ""

    async def keep(self) -> None:
        """Works until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = self._box.core.now()
            if self.due(now.wall, now.mono - self._box.started.mono):
                try:
                    await self.forget(now.wall)
                except Exception:
                    log.exception("forgetting what is old failed")

    def due(self, wall: float, uptime: float) -> bool:
        """Whether it is time; once a day."""
        try:
            zone = ZoneInfo(self._box.exchange.context.site.site.timezone)
        except (KeyError, ValueError, OSError):
            zone = ZoneInfo("UTC")
        local = datetime.fromtimestamp(wall, UTC).astimezone(zone)
        today = local.date().isoformat()
        first = not self._last and uptime >= AFTER_START_SECONDS
        if today == self._last or not (first or local.hour in NIGHT):
            return False
        self._last = today
        return True

    async def forget(self, wall: float) -> int:
        """Deletes what is too old now; how many recordings that were."""
        site = self._box.exchange.context.site.site
        records, recordings = site.keep_records_days, site.keep_recordings_days
        # A recording without its record could be found by nobody.
        days = min((one for one in (records, recordings) if one), default=0)
        count = await self._forget_recordings(wall - days * DAY, days) if days else 0
        if records:
            self._box.ledger.prune(wall - records * DAY)
        return count

    async def _forget_recordings(self, before: float, days: int) -> int:
        box, count, stuck = self._box, 0, set[str]()
        while not box.ledger.fault:
            found = await asyncio.to_thread(box.records.kept_since, before, BATCH + len(stuck))
            batch = [one for one in found if one.id not in stuck]
            if not batch:
                break
            for one in batch:
                if await asyncio.to_thread(_delete, box.folder.recordings, one.path):
                    box.core.emit(RecordingDeleted(recording=one.id, call=one.call, days=days))
                    count += 1
                else:
                    stuck.add(one.id)
            await box.committed()
        if count or stuck:
            log.info("%d recordings older than %d days were deleted; %d could not be", count, days, len(stuck))
        return count


def _delete(root: Path, relative: str) -> bool:
    """Deletes the file of a recording, whatever it is by now. False: it cannot be deleted."""
    try:
        path = locate(root, relative)
        for suffix in (".wav", OPUS, f"{OPUS}.part"):
            path.with_suffix(suffix).unlink(missing_ok=True)
    except ValueError:
        return True
    except OSError as error:
        log.warning("the recording %s cannot be deleted: %s", relative, error)
        return False
    with contextlib.suppress(OSError):
        path.parent.rmdir()
    return True
