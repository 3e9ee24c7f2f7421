"""What a start does about the run before: plain conversations go on, all else is ended and cleared up.

Dialogs are ended or taken over, records closed, recordings mended, registrations and agents' statuses kept.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from appliance.errors import UNREADABLE, HakoError
from appliance.events import CallEnded, DecisionFailed, QueueLeft, RecordingStopped
from appliance.exchange.audio import AnyRow, Recorder
from appliance.exchange.causes import RESTART
from appliance.exchange.kept import Before, KeptCall, Recovered
from appliance.media.protocol import LINGER
from appliance.media.recordings import Mended, locate, mend, repair
from appliance.sip.registrar import Binding
from appliance.sip.session import SessionSnapshot
from appliance.store.state import BINDINGS, BOX, CALLS, DIALOGS

if TYPE_CHECKING:
    from appliance.app.box import Box
    from appliance.store.leftovers import OpenCall, OpenRecording

log = logging.getLogger("hako.restart")

RECENT_SECONDS = 120.0
"""Before the last sign of life: how long the kernel may keep written data from the disk, and some."""


MACHINE_BOOT = Path("/proc/sys/kernel/random/boot_id")

S = TypeVar("S", bound=msgspec.Struct)


def _decode(kind: type[S], kept: dict[str, bytes]) -> dict[str, S]:
    """What can be read of what was kept; a newer or older version's shape is passed over."""
    decoder = msgspec.msgpack.Decoder(kind)
    found = {}
    for key, data in kept.items():
        try:
            found[key] = decoder.decode(data)
        except UNREADABLE:
            log.warning("what was kept as %s cannot be read any more", key)
    return found


def _mend(root: Path, recording: OpenRecording) -> Mended:
    """Makes a recording that was cut off playable."""
    try:
        return mend(locate(root, recording.path), recording.rate)
    except (HakoError, OSError, ValueError):
        return Mended(0.0, 0.0)


def _mend_recent(root: Path, since: float, live: set[str]) -> None:
    """A file that was complete moments before a power cut may promise more than reached the disk. `live`: those that
    are being written."""
    days = sorted((day for day in root.glob("*/*/*") if day.is_dir()), reverse=True)[:2]
    for path in (file for day in days for file in day.glob("*.wav")):
        try:
            if str(path) not in live and path.stat().st_mtime >= since:
                repair(path)
        except (OSError, ValueError):
            log.warning("the recording %s cannot be mended", path.name)


def _place(box: Box) -> dict[str, bytes]:
    """What must be as it was for conversations to go on: where we are reached, and the clock that times are of."""
    try:
        machine = MACHINE_BOOT.read_bytes().strip()
    except OSError:
        machine = b""
    host, port = box.sip_address
    return {"sip": f"{host}:{port}".encode(), "machine": machine}


Stored = dict[str, dict[str, bytes]]
"""By kind and key."""


async def _load(box: Box) -> Stored:
    kinds = (CALLS, DIALOGS, BINDINGS, BOX)
    return {kind: await asyncio.to_thread(box.state.load, kind) for kind in kinds}


def _before(box: Box, stored: Stored, rows: dict[int, AnyRow] | None) -> Before:
    """What the run before left. `rows`: of a media process that lived on; None: there was none."""
    state, ledger = box.state, box.ledger
    calls, dialogs, bindings, place = stored[CALLS], stored[DIALOGS], stored[BINDINGS], stored[BOX]
    open_calls = ledger.open_calls()
    away = box.core.now().wall - max([state.last_alive, *(call.last_seen for call in open_calls)])
    here = _place(box)
    goes_on = all(place.get(key) == value for key, value in here.items()) and (rows is not None or away <= LINGER)
    return Before(
        calls=tuple(_decode(KeptCall, calls).values()) if goes_on else (),
        dialogs=_decode(SessionSnapshot, dialogs),
        open_calls=frozenset(call.call for call in open_calls),
        open_recordings=frozenset(one.recording for one in ledger.open_recordings()),
        rows=rows,
        bindings=tuple(_decode(Binding, bindings).values()),
        agents=tuple((one.agent, one.status, one.reason, one.extension) for one in ledger.agent_statuses()),
        away=max(0.0, away),
    )


def _take_over(box: Box, before: Before) -> Recovered:
    """Never raises: what cannot be taken over must not keep the box from its next calls, now and at each start."""
    try:
        return box.core.do(lambda exchange, now: exchange.take_over(before, now))
    except Exception as error:
        log.exception("what the run before left cannot be taken over")
        box.core.emit(DecisionFailed(call="", error=repr(error), trace=traceback.format_exc(limit=-12)))
        return Recovered(taken=(), ended=0)


def _forget(box: Box, stored: Stored, before: Before, taken: set[str]) -> None:
    """Drops what no call goes on with. Not earlier: a box that is killed while it takes over can do so again."""
    on = {leg.dialog for kept in before.calls if kept.id in taken for leg in kept.legs}
    for kind, needed in ((CALLS, taken), (DIALOGS, on)):
        for key in stored[kind].keys() - needed:
            box.state.drop(kind, key)
    for key, value in _place(box).items():
        box.state.put(BOX, key, value)


async def recover(box: Box, rows: dict[int, AnyRow] | None) -> None:
    """Runs before the first call is taken; SIP and media are there already, and nobody has told media anything yet."""
    core, ledger = box.core, box.ledger
    stored = await _load(box)
    before = _before(box, stored, rows)
    for kept in before.calls:
        call = next((one for one in ledger.open_calls() if one.call == kept.id), None)
        if call is not None and call.queue:
            # It was answered moments before the end, and the ledger had no time to keep that.
            _leave_queue(box, call, "answered", kept.agent, (kept.talking_since or call.last_seen) - call.queued)
    recovered = _take_over(box, before)
    taken = set(recovered.taken)
    _forget(box, stored, before, taken)
    live = {row.path for row in (rows or {}).values() if isinstance(row, Recorder)}
    if not ledger.clean:
        since = box.state.last_alive - RECENT_SECONDS
        await asyncio.to_thread(_mend_recent, box.folder.recordings, since, live)
    heard: dict[str, float] = {}
    for recording in ledger.open_recordings():
        if recording.call in taken:
            continue
        mended = await asyncio.to_thread(_mend, box.folder.recordings, recording)
        heard[recording.call] = mended.written
        seconds = round(mended.seconds, 3)
        core.emit(
            RecordingStopped(recording=recording.recording, call=recording.call, seconds=seconds, reason="box-restart")
        )
    told = taken.union(recovered.failed)
    closed = [call for call in ledger.open_calls() if call.call not in told]
    for call in closed:
        if call.queue:
            _leave_queue(box, call, "restart", "", call.last_seen - call.queued)
        last_sound = heard.get(call.call, 0.0)
        core.emit(CallEnded(call=call.call, cause=RESTART.cause, reason=RESTART.reason, ended=last_sound))
    if taken or closed or recovered.ended:
        log.warning(
            "after a restart: %d calls go on, %d calls closed, %d dialogs ended",
            len(taken),
            len(closed),
            recovered.ended,
        )


def _leave_queue(box: Box, call: OpenCall, outcome: str, agent: str, waited: float) -> None:
    left = QueueLeft(call=call.call, queue=call.queue, outcome=outcome, waited=round(max(0.0, waited), 1), agent=agent)
    box.core.emit(left)
