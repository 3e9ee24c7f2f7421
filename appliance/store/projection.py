"""Makes call records and the other tables from events, in the transaction that commits those events.

Definitions, once for all figures (times in seconds, from the monotonic clock of the box):

- *answered*: when the first conversation of the call began (first `LegBridged`).
- *wait*: from the entry into the call's first queue until it left the last one (answered, given up or sent elsewhere).
- *talk*: time in which two or more legs of the call were bridged and none of them was on hold.
- *hold*: time in which they were bridged and at least one was on hold. Talk and hold never overlap.
- *agent*, *queue*: the last agent who talked; the last queue entered. Each visit to a queue has its own row as well.
- *mos*: the worst of its legs over the whole call, in either direction (`LegAudio`).
- *cause*: the reason word of `CallEnded`. A call that a crash cut off ends with `restart`, at the last sign of life of
  the box, or of its recording, with which the media process went on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

import msgspec

from appliance.errors import UNREADABLE
from appliance.events import (
    AgentStatusChanged,
    AnsweredBy,
    CallEnded,
    CallStarted,
    CallTakenOver,
    Entry,
    Event,
    FaxDetected,
    LegAudio,
    LegBridged,
    LegEnded,
    LegHeld,
    LegMoved,
    LegResumed,
    LegStarted,
    QueueEntered,
    QueueLeft,
    RecordingConverted,
    RecordingDeleted,
    RecordingPaused,
    RecordingResumed,
    RecordingSegment,
    RecordingStarted,
    RecordingStopped,
)

Operation = tuple[str, tuple[Any, ...]]

UPSERT: Final = """
    INSERT INTO records (seq, id, kind, journey, caller, caller_name, called, trunk, extension, queue, agent,
        started, answered, ended, wait, talk, hold, cause, cause_code, recording, boot, open)
    VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT (seq) DO UPDATE SET trunk = excluded.trunk, queue = excluded.queue, agent = excluded.agent,
        answered = excluded.answered, ended = excluded.ended, wait = excluded.wait, talk = excluded.talk,
        hold = excluded.hold, cause = excluded.cause, cause_code = excluded.cause_code,
        recording = excluded.recording, open = excluded.open
"""


class Scratch(msgspec.Struct):
    """What an open record must remember beside its columns; kept with it so that a crash loses none of it."""

    bridged: list[str] = []
    held: list[str] = []
    phase: str = ""
    """talk, hold or "" """
    since: float = 0.0
    """Monotonic time at which the phase began."""
    since_wall: float = 0.0
    queued: float = -1.0
    """Monotonic time of the entry into the first queue; -1: never."""
    queued_wall: float = 0.0
    waiting: bool = False


_pack = msgspec.json.Encoder().encode
_unpack = msgspec.json.Decoder(Scratch).decode


class OpenRecord:
    """The record of a call that goes on."""

    __slots__ = (
        "agent",
        "answered",
        "boot",
        "call",
        "cause",
        "cause_code",
        "ended",
        "fixed",
        "hold",
        "queue",
        "recording",
        "scratch",
        "seq",
        "started",
        "talk",
        "wait",
    )

    def __init__(self, seq: int, call: str, fixed: tuple[str, ...], started: float, boot: str) -> None:
        self.seq, self.call, self.fixed, self.started, self.boot = seq, call, fixed, started, boot
        self.queue = self.agent = self.cause = self.recording = ""
        self.answered: float | None = None
        self.ended: float | None = None
        self.wait = self.talk = self.hold = 0.0
        self.cause_code = 0
        self.scratch = Scratch()

    def row(self) -> tuple[Any, ...]:
        """The values of `UPSERT`."""
        return (
            self.seq,
            self.call,
            *self.fixed,
            self.queue,
            self.agent,
            self.started,
            self.answered,
            self.ended,
            self.wait,
            self.talk,
            self.hold,
            self.cause,
            self.cause_code,
            self.recording,
            self.boot,
            "" if self.ended is not None else _pack(self.scratch).decode(),
        )

    def change(self, mono: float, wall: float) -> None:
        """Counts the time since the last change and starts the phase that holds from now on."""
        scratch = self.scratch
        if scratch.phase == "talk":
            self.talk += max(0.0, mono - scratch.since)
        elif scratch.phase == "hold":
            self.hold += max(0.0, mono - scratch.since)
        together = len(scratch.bridged) >= 2
        scratch.phase = ("hold" if scratch.held else "talk") if together else ""
        scratch.since, scratch.since_wall = mono, wall


class Projection:
    """Turns entries into rows. Used by the ledger's writer thread alone."""

    def __init__(self) -> None:
        self.open: dict[str, OpenRecord] = {}
        """Records of calls that go on, by call."""
        self.dirty: dict[int, OpenRecord] = {}
        """Records to write, by seq."""
        self.operations: list[Operation] = []
        """Statements to run, in order, after the records are written."""
        self.last_seen = 0.0
        """Wall time of the last sign of life of the run before this one."""
        self.boot = ""
        self._handlers: dict[type[Event], Callable[[Entry, Any], None]] = {
            CallStarted: self._call_started,
            CallEnded: self._call_ended,
            LegStarted: self._leg_started,
            QueueEntered: self._queue_entered,
            QueueLeft: self._queue_left,
            LegBridged: self._bridged,
            LegHeld: self._held,
            CallTakenOver: self._taken_over,
            LegResumed: self._resumed,
            LegEnded: self._leg_gone,
            LegMoved: self._leg_gone,
            LegAudio: self._leg_audio,
            RecordingStarted: self._recording_started,
            RecordingSegment: self._segment,
            RecordingPaused: self._recording_paused,
            RecordingResumed: self._recording_resumed,
            RecordingStopped: self._recording_stopped,
            RecordingConverted: self._recording_converted,
            RecordingDeleted: self._recording_deleted,
            AgentStatusChanged: self._agent_status,
            AnsweredBy: self._answered_by,
            FaxDetected: self._fax,
        }

    def apply(self, entry: Entry) -> None:
        """Takes one entry into account."""
        handler = self._handlers.get(type(entry.event))
        if handler is not None:
            handler(entry, entry.event)

    def load(self, row: tuple[Any, ...]) -> None:
        """Takes back an open record, in the column order of `UPSERT`."""
        record = OpenRecord(row[0], row[1], tuple(row[2:9]), row[11], row[20])
        record.queue, record.agent, record.answered = row[9], row[10], row[12]
        record.wait, record.talk, record.hold, record.recording = row[14], row[15], row[16], row[19]
        try:
            record.scratch = _unpack(row[21])
        except (*UNREADABLE, TypeError):
            record.scratch = Scratch()
        self.open[record.call] = record

    def _call_started(self, entry: Entry, event: CallStarted) -> None:
        # Half-width kana and full-width letters are searched for in their plain form; the event has what was said.
        name = unicodedata.normalize("NFKC", event.caller_name)
        fixed = (event.kind, event.journey, event.caller, name, event.called, event.trunk, event.extension)
        record = OpenRecord(entry.seq, event.call, fixed, entry.at, entry.boot)
        self.open[event.call] = record
        self.dirty[entry.seq] = record

    def _leg_started(self, _entry: Entry, event: LegStarted) -> None:
        """A call that goes out has the trunk that it was tried on last; one that came in keeps its own."""
        record = self.open.get(event.call)
        if record is None or not event.trunk or event.direction != "out" or record.fixed[0] == "inbound":
            return
        record.fixed = (*record.fixed[:5], event.trunk, *record.fixed[6:])
        self.dirty[record.seq] = record

    def _call_ended(self, entry: Entry, event: CallEnded) -> None:
        record = self.open.pop(event.call, None)
        if record is None:
            return
        scratch = record.scratch
        if record.boot == entry.boot:
            at, mono = entry.at, entry.mono
        else:
            # Another run's monotonic clock: count by the wall clock, up to the last sign of life.
            at = max(record.started, min(entry.at, max(event.ended, self.last_seen) or entry.at))
            mono = scratch.since + max(0.0, at - scratch.since_wall)
        if scratch.waiting:
            record.wait = max(0.0, self._waited(record, entry))
            self.operations.append(
                (
                    "UPDATE queue_visits SET left = ?, waited = max(0, ? - entered), outcome = ? "
                    "WHERE call = ? AND left IS NULL",
                    (at, at, "restart" if record.boot != entry.boot else "closed", event.call),
                )
            )
        record.change(mono, at)
        record.ended, record.cause, record.cause_code = at, event.reason, event.cause
        self.dirty[record.seq] = record

    def _waited(self, record: OpenRecord, entry: Entry) -> float:
        """Seconds since the entry into the first queue; after a crash by the wall clock, to the last sign of life."""
        if record.boot == entry.boot:
            return entry.mono - record.scratch.queued
        return min(entry.at, self.last_seen or entry.at) - record.scratch.queued_wall

    def _queue_entered(self, entry: Entry, event: QueueEntered) -> None:
        self.operations.append(
            (
                "INSERT OR REPLACE INTO queue_visits (seq, call, queue, entered) VALUES (?,?,?,?)",
                (entry.seq, event.call, event.queue, entry.at),
            )
        )
        record = self.open.get(event.call)
        if record is None:
            return
        record.queue = event.queue
        scratch = record.scratch
        scratch.waiting = True
        if scratch.queued < 0:
            scratch.queued, scratch.queued_wall = entry.mono, entry.at
        self.dirty[record.seq] = record

    def _queue_left(self, entry: Entry, event: QueueLeft) -> None:
        self.operations.append(
            (
                "UPDATE queue_visits SET left = ?, waited = ?, outcome = ?, agent = ? "
                "WHERE call = ? AND queue = ? AND (left IS NULL OR outcome = 'closed')",
                (entry.at, event.waited, event.outcome, event.agent, event.call, event.queue),
            )
        )
        record = self.open.get(event.call)
        if record is None:
            return
        scratch = record.scratch
        scratch.waiting = False
        if scratch.queued >= 0:
            record.wait = max(0.0, self._waited(record, entry))
        self.dirty[record.seq] = record

    def _bridged(self, entry: Entry, event: LegBridged) -> None:
        record = self.open.get(event.call)
        if record is None:
            return
        if record.answered is None:
            record.answered = entry.at
        if event.agent:
            record.agent = event.agent
        record.scratch.bridged = list(event.legs)
        record.scratch.held = [leg for leg in record.scratch.held if leg in event.legs]
        record.change(entry.mono, entry.at)
        self.dirty[record.seq] = record

    def _held(self, entry: Entry, event: LegHeld) -> None:
        record = self.open.get(event.call)
        if record is not None and event.leg not in record.scratch.held:
            record.scratch.held.append(event.leg)
            record.change(entry.mono, entry.at)
            self.dirty[record.seq] = record

    def _taken_over(self, entry: Entry, event: CallTakenOver) -> None:
        """The machine never stopped, so its monotonic clock goes on to count what began in the run before. What that
        run had no time to commit is made up for."""
        record = self.open.get(event.call)
        if record is None:
            return
        record.boot = entry.boot
        if record.answered is None:
            record.answered = event.answered
        record.agent = event.agent or record.agent
        scratch = record.scratch
        if set(scratch.bridged) != set(event.legs):
            scratch.bridged = list(event.legs)
            scratch.since = entry.mono - max(0.0, entry.at - event.answered)
            scratch.phase = "talk"
        scratch.held = list(event.held)
        record.change(entry.mono, entry.at)
        self.dirty[record.seq] = record

    def _resumed(self, entry: Entry, event: LegResumed) -> None:
        record = self.open.get(event.call)
        if record is not None and event.leg in record.scratch.held:
            record.scratch.held.remove(event.leg)
            record.change(entry.mono, entry.at)
            self.dirty[record.seq] = record

    def _leg_gone(self, entry: Entry, event: LegEnded | LegMoved) -> None:
        record = self.open.get(event.call)
        if record is None:
            return
        scratch = record.scratch
        if event.leg in scratch.held:
            scratch.held.remove(event.leg)
        if event.leg in scratch.bridged:
            scratch.bridged.remove(event.leg)
            record.change(entry.mono, entry.at)
            self.dirty[record.seq] = record

    def _leg_audio(self, _entry: Entry, event: LegAudio) -> None:
        """Comes when the record is closed already."""
        scores = [mos for mos in (event.mos, event.sent_mos) if mos is not None]
        if event.unreached or (event.unheard and event.unheard != "digital-silence"):
            scores = [1.0]  # who was not heard to the end, or did not hear, could not sound worse
        if scores:
            self.operations.append(
                ("UPDATE records SET mos = min(coalesce(mos, 5), ?) WHERE id = ?", (min(scores), event.call))
            )

    def _recording_started(self, entry: Entry, event: RecordingStarted) -> None:
        self.operations.append(
            (
                "INSERT OR REPLACE INTO recordings (id, call, leg, path, started, rate) VALUES (?,?,?,?,?,?)",
                (event.recording, event.call, event.leg, event.path, entry.at, event.rate),
            )
        )
        record = self.open.get(event.call)
        if record is not None:
            record.recording = event.recording
            self.dirty[record.seq] = record

    def _segment(self, _entry: Entry, event: RecordingSegment) -> None:
        self.operations.append(
            (
                "INSERT INTO segments (recording, offset, leg, agent) VALUES (?,?,?,?)",
                (event.recording, event.offset, event.leg, event.agent),
            )
        )

    def _recording_paused(self, entry: Entry, event: RecordingPaused) -> None:
        self._pause_over(entry, event.recording)
        self.operations.append(
            (
                "INSERT INTO pauses (recording, offset, at, how, by) VALUES (?,?,?,?,?)",
                (event.recording, event.offset, entry.at, event.how, event.by),
            )
        )

    def _recording_resumed(self, entry: Entry, event: RecordingResumed) -> None:
        self._pause_over(entry, event.recording)

    def _pause_over(self, entry: Entry, recording: str) -> None:
        self.operations.append(
            (
                "UPDATE pauses SET seconds = max(0, ? - at) WHERE recording = ? AND seconds IS NULL",
                (entry.at, recording),
            )
        )

    def _recording_stopped(self, entry: Entry, event: RecordingStopped) -> None:
        self._pause_over(entry, event.recording)
        self.operations.append(
            (
                "UPDATE recordings SET seconds = ?, reason = ?, error = ? WHERE id = ?",
                (event.seconds, event.reason, event.error, event.recording),
            )
        )

    def _recording_converted(self, _entry: Entry, event: RecordingConverted) -> None:
        self.operations.append(
            ("UPDATE recordings SET path = ?, format = 'opus' WHERE id = ?", (event.path, event.recording))
        )

    def _recording_deleted(self, _entry: Entry, event: RecordingDeleted) -> None:
        for table, column in (("pauses", "recording"), ("segments", "recording"), ("recordings", "id")):
            self.operations.append((f"DELETE FROM {table} WHERE {column} = ?", (event.recording,)))
        self.operations.append(
            ("UPDATE records SET recording = '' WHERE id = ? AND recording = ?", (event.call, event.recording))
        )

    def _answered_by(self, _entry: Entry, event: AnsweredBy) -> None:
        self.operations.append(("UPDATE records SET answered_by = ? WHERE id = ?", (event.result, event.call)))

    def _fax(self, _entry: Entry, event: FaxDetected) -> None:
        self.operations.append(("UPDATE records SET fax = 1 WHERE id = ?", (event.call,)))

    def _agent_status(self, entry: Entry, event: AgentStatusChanged) -> None:
        self.operations.append(
            (
                "INSERT OR REPLACE INTO agent_status (agent, status, reason, extension, at, by) VALUES (?,?,?,?,?,?)",
                (event.agent, event.status, event.reason, event.extension, entry.at, event.by),
            )
        )
