"""The ledger: every event once, numbered, durable when said, written in the background.

`append` only queues. The writer gathers for a moment, then commits events and projections in one transaction and tells
`on_commit`. While the disk refuses (full, failing), events are numbered and delivered all the same so that pages and
lamps stay true, a fault says that nothing is durable, and what is kept in memory (bounded) is written once the disk is
back. After a run that did not end cleanly, numbering goes on above a gap, so that no number is ever given twice.
"""

from __future__ import annotations

import bisect
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from appliance.errors import reason
from appliance.events import codec
from appliance.events.base import Entry, Stamped, Words
from appliance.store.background import RETRY_SECONDS, Background
from appliance.store.database import connect, is_damage, is_full, move_aside
from appliance.store.leftovers import AgentStatus, Leftovers, OpenCall, OpenRecording, take_over
from appliance.store.migrations import RECORDS
from appliance.store.projection import UPSERT, Projection
from appliance.store.tidying import Pruning, index_text

RECENT: Final = 4096
"""Entries kept in memory for clients that reconnect."""
BACKLOG: Final = 20_000
"""Rows kept in memory while the disk refuses; the oldest go first."""
GAP: Final = 10_000
"""How far numbering jumps after an unclean end."""
TEXT_EVERY_SECONDS: Final = 30.0
"""How often new records enter the text index; younger ones are searched without it."""

_ROW = "(?,?,?,?,?,?,?,?)"
_INSERT = "INSERT INTO events (seq, at, mono, boot, type, schema, call, data) VALUES "
_RUNS: Final = (32, 8, 1)
"""Rows written by one statement: with each the interpreter's lock changes hands, which the deciding thread feels."""
Report = Callable[[str, Words, Words], None]
"""(fault id, text, remedy), by language; no text clears the fault. Called in the writer thread (or the opener's)."""

_REPORT: Words = {"ja": "開発元に知らせてください。", "en": "Report this."}
_FULL: Words = {
    "ja": "ディスクがいっぱいです。通話は続けられますが、記録はメモリー上にしかなく、停止すると失われます。",
    "en": "The disk is full: calls go on, but records are kept in memory only and are lost when the box stops.",
}
_MAKE_ROOM: Words = {
    "ja": "古い録音やバックアップを消すか、より大きなディスクに替えてください。",
    "en": "Delete old recordings or backups, or put in a larger disk.",
}
_CHECK_DISK: Words = {
    "ja": "ディスクと、データフォルダーの所有者（Hako の実行ユーザー）を確認してください。",
    "en": "Check the disk and that the data folder belongs to the box's user.",
}


def _unwritten(error: Exception) -> Words:
    return {
        "ja": f"通話記録を書き込めません（{reason(error, 'ja')}）。"
        "通話は続けられますが、記録はメモリー上にしかありません。",
        "en": f"The records cannot be written ({error}): calls go on, records are kept in memory only.",
    }


def _reader_failed(error: Exception) -> Words:
    return {
        "ja": f"記録を読む処理が失敗しました: {error!r}",
        "en": f"A reader of the ledger failed: {error!r}",
    }


def _insert(database: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    at = 0
    for run in _RUNS:
        while len(rows) - at >= run:
            values = [value for row in rows[at : at + run] for value in row]
            database.execute(_INSERT + ",".join([_ROW] * run), values)
            at += run


class Ledger:
    """The writing side; `records` and `figures` read. Thread-safe."""

    def __init__(
        self,
        path: Path,
        boot: str,
        on_commit: Callable[[Sequence[Entry]], None] | None = None,
        on_fault: Report | None = None,
        last_alive: float = 0.0,
        background: Background | None = None,
    ) -> None:
        """Opens `path` (a damaged file is moved aside); `background` writes, without one it has its own.

        `boot` names this run. `on_commit` gets each batch in order, in the writer thread. `last_alive` is the wall time
        of the last heartbeat of the run before (`StateStore.last_alive`), 0 when unknown.
        """
        self.path, self.boot = path, boot
        self._on_commit = on_commit
        self._report_fault = on_fault or (lambda fault, text, remedy: None)
        self._queue: deque[Stamped] = deque()
        self._jobs: deque[Callable[[sqlite3.Connection], bool]] = deque()
        """Work that may wait, a step at a time: each says whether it has more to do."""
        self._done = threading.Condition()
        self._appended = self.committed = 0
        """How many events were appended, and how many of them are committed, since this ledger was opened."""
        self._waiters: list[tuple[int, Callable[[], None]]] = []
        self._recent: list[Entry] = []
        self._recent_lock = threading.Lock()
        self._projection = Projection()
        self._unsaved: deque[tuple[Any, ...]] = deque(maxlen=BACKLOG)
        self.lost = 0
        """Events that never reached the disk."""
        self.fault = ""
        """The fault that is raised now: disk-full, store-failing, or ""."""
        self._retry_at = self._text_at = 0.0
        self.last_seq = 0
        """Number of the last entry told to `on_commit`."""
        self.clean = True
        """False when the run before this one ended without saying so."""
        self.last_alive = last_alive
        self._left = Leftovers()
        self._database: sqlite3.Connection | None = None
        self._open()
        self._base = self.last_seq
        """What numbering of this run goes on from; after an unclean end no entry has this number."""
        self._background = background or Background()
        self._owns_background = background is None
        self._background.add(self._turn)

    # --- for the decision thread -----------------------------------------------------------------------------------
    def append(self, events: Iterable[Stamped]) -> int:
        """Queues events for the next commit; never blocks, never fails. Returns a ticket for `when_committed`."""
        self._queue.extend(events)
        self._appended += 1
        self._background.wake()
        return self._appended

    def when_committed(self, ticket: int, call: Callable[[], None]) -> None:
        """Calls `call` in the writer thread (or here, when it is so already) once that append is durable."""
        with self._done:
            if self.committed < ticket:
                self._waiters.append((ticket, call))
                self._background.hurry()
                return
        call()

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until all that was appended is committed (or known to be refused by the disk). False: not in time."""
        ticket = self._appended
        self._background.hurry()
        with self._done:
            return self._done.wait_for(lambda: self.committed >= ticket, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Commits what is queued. A `background` that was given is to be closed before."""
        if self._owns_background:
            self._background.close(timeout)
        if self._database is not None:
            try:
                self._database.close()
            except sqlite3.Error:
                pass

    # --- for any thread ---------------------------------------------------------------------------------------
    def after(self, seq: int, limit: int = 1000) -> list[Entry] | None:
        """The first `limit` entries above `seq`, in order; None: some of them are no longer kept (`resync`). Blocks."""
        with self._recent_lock:
            recent, last = self._recent, self.last_seq
            if seq == last:
                return []
            if seq > last or seq < 0:
                return None
            if recent and seq >= recent[0].seq:
                place = bisect.bisect_right(recent, seq, key=lambda entry: entry.seq)
                return recent[place : place + limit] if recent[place - 1].seq == seq else None
        return self._after_on_disk(seq, limit)

    def _after_on_disk(self, seq: int, limit: int) -> list[Entry] | None:
        self.flush()
        try:
            database = sqlite3.connect(self.path, timeout=5)
            try:
                if seq == self._base:
                    known = True
                elif seq == 0:
                    first = database.execute("SELECT min(seq) FROM events").fetchone()[0]
                    known = first is None or first == 1
                else:
                    known = database.execute("SELECT 1 FROM events WHERE seq = ?", (seq,)).fetchone() is not None
                if not known:
                    return None
                rows = database.execute(
                    "SELECT seq, at, mono, boot, type, schema, data FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
                    (seq, limit),
                ).fetchall()
            finally:
                database.close()
            return [Entry(row[0], row[1], row[2], row[3], codec.decode(row[4], row[5], row[6])) for row in rows]
        except (sqlite3.Error, ValueError):
            return None

    def open_calls(self) -> list[OpenCall]:
        """Calls that the run before this one left open: whoever starts the box appends their `CallEnded`."""
        return list(self._left.calls)

    def open_recordings(self) -> list[OpenRecording]:
        """Recordings that the run before this one left open: append their `RecordingStopped`."""
        return list(self._left.recordings)

    def agent_statuses(self) -> list[AgentStatus]:
        """What every agent last chose, as it was when the ledger was opened."""
        return list(self._left.statuses)

    def prune(self, before: float) -> None:
        """Forgets events, records and figures older than `before` (wall time), in small steps between commits."""
        self._jobs.append(Pruning(before).step)
        self._background.wake()

    # --- opening -------------------------------------------------------------------------------------
    def _open(self) -> None:
        try:
            self._connect()
            assert self._database is not None
            try:
                self._left = take_over(self._database, self._projection, self.last_alive)
            except (sqlite3.DatabaseError, TypeError, ValueError) as error:
                if isinstance(error, sqlite3.Error) and not is_damage(error):
                    raise
                # A page that only now turns out to be damaged, or a row that holds what was never written.
                self._projection = Projection()
                self._set_aside()
            self.clean = self._left.clean
            self.last_seq = self._left.last_seq + (0 if self.clean else GAP)
        except sqlite3.Error as error:
            self._refused(error)
        except OSError as error:
            self._raise("store-failing", _unwritten(error), _CHECK_DISK)

    def _connect(self) -> None:
        """Opens the database, a new one where it is damaged. Raises sqlite3.Error or OSError."""
        try:
            self._database = connect(self.path, "FULL", RECORDS)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._set_aside()

    def _set_aside(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        aside = move_aside(self.path)
        self._report_fault(
            "store-damaged",
            {
                "ja": f"通話記録のファイルが壊れていたため、{aside.name} として残し、新しく作り直しました。",
                "en": f"The file of call records was damaged; it is kept as {aside.name} and a new one was begun.",
            },
            {
                "ja": "以前の記録は最後のバックアップにあります。ディスク（SDカード）を確認してください。",
                "en": "Older records are in the last backup; check the disk or SD card.",
            },
        )
        self._database = connect(self.path, "FULL", RECORDS)

    # --- the writer ----------------------------------------------------------------------------------
    def _turn(self) -> bool:
        ticket = self._appended
        entries: list[Entry] = []
        rows: list[tuple[Any, ...]] = []
        queue, boot = self._queue, self.boot
        while queue:
            (wall, mono), event = (queue[0].at.wall, queue[0].at.mono), queue.popleft().event
            entry = Entry(self.last_seq + len(entries) + 1, wall, mono, boot, event)
            try:
                data = codec.encode(event).decode()
                call = getattr(event, "call", "")
                row = (entry.seq, wall, mono, boot, codec.word(event), event.SCHEMA, call, data)
                self._projection.apply(entry)
            except Exception as error:
                what = f"{type(event).__name__}: {error!r}"
                text = {"ja": f"できごとを記録できません: {what}", "en": f"An event could not be kept: {what}"}
                self._report_fault("ledger-event", text, _REPORT)
                continue
            entries.append(entry)
            rows.append(row)
        self._save(rows)
        if entries:
            self._tell(entries)
        self._settle(ticket)
        self._idle_work()
        return bool(self._unsaved or self.fault)

    def _tell(self, entries: list[Entry]) -> None:
        with self._recent_lock:
            recent = self._recent
            recent += entries
            if len(recent) > 2 * RECENT:
                del recent[:-RECENT]
            self.last_seq = entries[-1].seq
        if self._on_commit is not None:
            try:
                self._on_commit(entries)
            except Exception as error:
                self._report_fault("ledger-reader", _reader_failed(error), _REPORT)

    def _settle(self, ticket: int) -> None:
        with self._done:
            self.committed = max(self.committed, ticket)
            ready = [call for number, call in self._waiters if number <= self.committed]
            self._waiters = [pair for pair in self._waiters if pair[0] > self.committed]
            self._done.notify_all()
        for call in ready:
            try:
                call()
            except Exception as error:
                self._report_fault("ledger-reader", _reader_failed(error), _REPORT)

    def _save(self, rows: list[tuple[Any, ...]]) -> None:
        """Commits these rows and what an earlier refusal left over; what is refused now stays in memory."""
        self.lost += max(0, len(self._unsaved) + len(rows) - BACKLOG)
        self._unsaved.extend(rows)
        projection = self._projection
        if not (self._unsaved or projection.dirty or projection.operations):
            return
        if self.fault and time.monotonic() < self._retry_at:
            self._bound()
            return
        for attempt in (1, 2):
            try:
                if self._database is None:
                    self._connect()
                self._write()
            except sqlite3.Error as error:
                if is_damage(error) and attempt == 1:
                    try:
                        self._set_aside()
                        projection.dirty.update((record.seq, record) for record in projection.open.values())
                        continue
                    except (sqlite3.Error, OSError) as again:
                        error = again if isinstance(again, sqlite3.Error) else error
                self._refused(error)
            except OSError as error:
                self._raise("store-failing", _unwritten(error), _CHECK_DISK)
            else:
                self._unsaved.clear()
                projection.dirty.clear()
                projection.operations.clear()
                self._clear()
            break
        self._bound()

    def _write(self) -> None:
        database, projection = self._database, self._projection
        assert database is not None
        database.execute("BEGIN IMMEDIATE")
        try:
            _insert(database, list(self._unsaved))
            if projection.dirty:
                database.executemany(UPSERT, [record.row() for record in projection.dirty.values()])
            for statement, values in projection.operations:
                database.execute(statement, values)
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                try:
                    database.execute("ROLLBACK")
                except sqlite3.Error:
                    pass
            raise

    def _bound(self) -> None:
        projection = self._projection
        if len(projection.operations) > BACKLOG:
            del projection.operations[: len(projection.operations) - BACKLOG]
        while len(projection.dirty) > BACKLOG:
            del projection.dirty[next(iter(projection.dirty))]

    def _refused(self, error: sqlite3.Error) -> None:
        if is_full(error, self.path):
            self._raise("disk-full", _FULL, _MAKE_ROOM)
        else:
            self._raise("store-failing", _unwritten(error), _CHECK_DISK)

    def _raise(self, fault: str, text: Words, remedy: Words) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if self.fault != fault:
            self._clear()
            self.fault = fault
            self._report_fault(fault, text, remedy)

    def _clear(self) -> None:
        if self.fault:
            fault, self.fault = self.fault, ""
            self._report_fault(fault, {}, {})

    def _idle_work(self) -> None:
        now = time.monotonic()
        if self._database is None or self.fault:
            return
        try:
            if now >= self._text_at:
                self._text_at = now + TEXT_EVERY_SECONDS
                index_text(self._database)
            # One step a turn, so that what is to be committed never waits for more than that.
            if self._jobs:
                if not self._jobs[0](self._database):
                    self._jobs.popleft()
                if self._jobs:
                    self._background.wake()
        except sqlite3.Error as error:
            if is_damage(error):
                try:
                    self._set_aside()
                except (sqlite3.Error, OSError):
                    self._refused(error)
            else:
                self._refused(error)
