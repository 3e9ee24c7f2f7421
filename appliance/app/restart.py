"""What a start does about the run before: dialogs are ended, records closed, recordings mended, registrations kept."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from appliance.events import CallEnded, QueueLeft, RecordingStopped
from appliance.exchange.causes import RESTART
from appliance.media.recordings import duration, locate, repair
from appliance.sip.registrar import Binding
from appliance.sip.session import SessionSnapshot
from appliance.store.state import BINDINGS, DIALOGS

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.app.box import Box

log = logging.getLogger("hako.restart")

RECENT_SECONDS = 120.0
"""Before the last sign of life: how long the kernel may keep written data from the disk, and some."""


def _decode(kind: type[msgspec.Struct], kept: dict[str, bytes]) -> list[msgspec.Struct]:
    """What can be read of what was kept; a newer or older version's shape is passed over."""
    decoder = msgspec.msgpack.Decoder(kind)
    found = []
    for key, data in kept.items():
        try:
            found.append(decoder.decode(data))
        except msgspec.DecodeError:
            log.warning("what was kept as %s cannot be read any more", key)
    return found


def _mend(root: Path, relative: str) -> float:
    """Makes a recording that was cut off playable; its seconds."""
    try:
        path = locate(root, relative)
        repair(path)
        return duration(path)
    except (OSError, ValueError):
        return 0.0


def _mend_recent(root: Path, since: float) -> None:
    """A file that was complete moments before a power cut may promise more than reached the disk."""
    days = sorted((day for day in root.glob("*/*/*") if day.is_dir()), reverse=True)[:2]
    for path in (file for day in days for file in day.glob("*.wav")):
        try:
            if path.stat().st_mtime >= since:
                repair(path)
        except (OSError, ValueError):
            log.warning("the recording %s cannot be mended", path.name)


async def recover(box: Box) -> None:
    """Runs before the first call is taken; SIP and media are there already."""
    state, core, ledger = box.state, box.core, box.ledger
    dialogs = await asyncio.to_thread(state.load, DIALOGS)
    snapshots = [one for one in _decode(SessionSnapshot, dialogs) if isinstance(one, SessionSnapshot)]
    ended = core.do(lambda exchange, now: exchange.end_stored_dialogs(snapshots, now))
    for key in dialogs:
        state.drop(DIALOGS, key)
    bindings = [
        one for one in _decode(Binding, await asyncio.to_thread(state.load, BINDINGS)) if isinstance(one, Binding)
    ]
    statuses = [(one.agent, one.status, one.reason, one.extension) for one in ledger.agent_statuses()]
    core.do(lambda exchange, now: exchange.restore(bindings, statuses, now))
    if not ledger.clean:
        await asyncio.to_thread(_mend_recent, box.folder.recordings, state.last_alive - RECENT_SECONDS)
    for recording in ledger.open_recordings():
        seconds = await asyncio.to_thread(_mend, box.folder.recordings, recording.path)
        core.emit(
            RecordingStopped(
                recording=recording.recording, call=recording.call, seconds=round(seconds, 3), reason="box-restart"
            )
        )
    calls = ledger.open_calls()
    for call in calls:
        if call.queue:
            waited = max(0.0, call.last_seen - call.queued)
            core.emit(QueueLeft(call=call.call, queue=call.queue, outcome="restart", waited=round(waited, 1)))
        core.emit(CallEnded(call=call.call, cause=RESTART.cause, reason=RESTART.reason))
    if calls or ended:
        log.warning("after a restart: %d calls closed, %d dialogs ended", len(calls), ended)
