"""The read side of the call records: lists with filters, one record, recordings. Its own connection; called in threads.

`wait_seconds`, `talk_seconds`, `hold_seconds`, `answered`, `agent` and `queue` are defined in `store.projection`.
"""

from __future__ import annotations

import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from appliance.clock import rfc3339
from appliance.events import codec
from appliance.events.base import Entry
from appliance.exchange.quality import word_of
from appliance.exchange.view import View
from appliance.site.numbers import significant
from appliance.store.database import read_only

T = TypeVar("T")
Rows = list[tuple[Any, ...]]

MOST: Final = 500
"""Records a page at most."""


class RecordingRef(View, frozen=True, kw_only=True):
    """The recording as a record names it."""

    id: str
    seconds: float


class Record(View, frozen=True, kw_only=True):
    """One call, finished or not."""

    id: str
    kind: str
    journey: str
    from_: str = msgspec.field(name="from")
    from_name: str = ""
    """In its plain form (NFKC): kana in full width, letters and digits in half."""
    to: str
    trunk: str = ""
    extension: str = ""
    """The calling extension, when the caller was one of ours."""
    queue: str = ""
    agent: str = ""
    started: str
    answered: str | None = None
    ended: str | None = None
    wait_seconds: float = 0.0
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0
    cause: str = ""
    """Reason word of the call's end; empty while it goes on."""
    cause_code: int = 0
    """Q.850 value of the end."""
    recording: RecordingRef | None = None
    answered_by: str = ""
    """Of a call that we made: human, machine or unknown; empty: nobody asked, or it ended before."""
    fax: bool = False
    """A fax machine was heard."""
    mos: float | None = None
    """Mean opinion score of the leg that sounded worst, in its worse direction; None: none is known (yet)."""
    quality: str = ""
    """good, fair or bad, by `mos`."""


class Segment(View, frozen=True, kw_only=True):
    """From `offset` seconds on, the right channel carries this leg (and agent)."""

    offset: float
    leg: str
    agent: str = ""


class Pause(View, frozen=True, kw_only=True):
    """Somebody had the recording stand still."""

    offset: float
    """Seconds of media time at which it began."""
    seconds: float
    """How long it lasted; 0 while it goes on. By `silence` the file is silent for as long."""
    how: str
    """silence, cut (nothing of that time is in the file) or stop"""
    by: str
    """web:NAME, api:NAME or phone:EXTENSION"""


class Recording(View, frozen=True, kw_only=True):
    """A recording as the ledger knows it."""

    id: str
    call: str
    started: str
    seconds: float = 0.0
    """0 while it is running."""
    complete: bool = True
    """False while it is being recorded."""
    reason: str = ""
    error: str = ""
    agent: str = ""
    """The agent of the call, as its record says."""
    segments: tuple[Segment, ...] = ()
    pauses: tuple[Pause, ...] = ()


class StoredRecording(msgspec.Struct, frozen=True):
    """A recording's file, for whoever looks after the files."""

    id: str
    call: str
    path: str
    """Relative to the recordings folder."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records: what is empty does not filter, everything given must hold."""

    since: float | None = None
    """Started at or after (seconds since the epoch)."""
    until: float | None = None
    """Started before."""
    agent: str = ""
    queue: str = ""
    number: str = ""
    """Found within either party's number, however it is written."""
    kind: str = ""
    service: bool = False
    """Service calls (dial codes, echo) are included."""
    cursor: str = ""
    """What the page before gave as `next`."""
    limit: int = 50
    text: str = ""
    """Found within a party's name or number, typed in full width or not."""
    live: bool = False
    """Records of calls that go on are included."""


_COLUMNS = """
    SELECT r.id, r.kind, r.journey, r.caller, r.caller_name, r.called, r.trunk, r.extension, r.queue, r.agent,
        r.started, r.answered, r.ended, r.wait, r.talk, r.hold, r.cause, r.cause_code, r.recording, g.seconds, r.seq,
        r.answered_by, r.fax, r.mos
    FROM records r LEFT JOIN recordings g ON g.id = r.recording
"""


class Records:
    """Reads what the ledger has projected. Every method blocks; each call sees what is committed by then."""

    def __init__(self, path: Path, country: str = "JP") -> None:
        """`country` tells how numbers of a search are written; set it again when the site changes."""
        self.path, self.country = path, country
        self._database: sqlite3.Connection | None = None
        self._inode = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Gives the file back."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def list(self, wanted: Filter) -> tuple[Sequence[Record], str | None]:
        """Newest first, and the cursor of the next page (None: this was the last). ValueError: no cursor of ours."""
        clauses, values = _clauses(wanted, self.country)
        limit = max(1, min(wanted.limit, MOST))
        where = " AND ".join(clauses) or "1"
        query = f"{_COLUMNS} WHERE {where} ORDER BY r.started DESC, r.seq DESC LIMIT ?"
        rows = self._rows(query, (*values, limit + 1))
        more = len(rows) > limit
        del rows[limit:]
        following = f"{rows[-1][10]!r}:{rows[-1][20]}" if more else None
        return [_record(row) for row in rows], following

    def get(self, record: str) -> Record | None:
        """The record of a call."""
        row = self._ask(lambda database: database.execute(f"{_COLUMNS} WHERE r.id = ?", (record,)).fetchone(), None)
        return _record(row) if row is not None else None

    def journey(self, journey: str) -> Sequence[Record]:
        """All calls of one contact, oldest first."""
        query = f"{_COLUMNS} WHERE r.journey = ? ORDER BY r.seq LIMIT ?"
        rows = self._rows(query, (journey, MOST))
        return [_record(row) for row in rows]

    def events(self, call: str) -> Sequence[Entry]:
        """Everything the ledger holds of a call, in order."""
        query = (
            "SELECT seq, at, mono, boot, type, schema, data FROM events "
            "WHERE call = ? AND call <> '' ORDER BY seq LIMIT 10000"
        )
        rows = self._rows(query, (call,))
        return [Entry(row[0], row[1], row[2], row[3], codec.decode(row[4], row[5], row[6])) for row in rows]

    def recording(self, recording: str) -> tuple[Recording, str] | None:
        """The recording and its path relative to the recordings folder."""

        def ask(database: sqlite3.Connection) -> tuple[tuple[Any, ...], Rows, Rows] | None:
            row = database.execute(
                "SELECT g.id, g.call, g.started, g.seconds, g.reason, g.error, g.path, r.agent "
                "FROM recordings g LEFT JOIN records r ON r.id = g.call WHERE g.id = ?",
                (recording,),
            ).fetchone()
            if row is None:
                return None
            query = "SELECT offset, leg, agent FROM segments WHERE recording = ? ORDER BY offset, rowid"
            pauses = "SELECT offset, seconds, how, by FROM pauses WHERE recording = ? ORDER BY offset, rowid"
            return (
                row,
                database.execute(query, (recording,)).fetchall(),
                database.execute(pauses, (recording,)).fetchall(),
            )

        found = self._ask(ask, None)
        if found is None:
            return None
        row, segments, pauses = found
        shown = Recording(
            id=row[0],
            call=row[1],
            started=rfc3339(row[2]),
            seconds=row[3] or 0.0,
            complete=row[3] is not None,
            reason=row[4],
            error=row[5],
            agent=row[7] or "",
            segments=tuple(Segment(offset=one[0], leg=one[1], agent=one[2]) for one in segments),
            pauses=tuple(
                Pause(offset=one[0], seconds=round(one[1] or 0.0, 3), how=one[2], by=one[3]) for one in pauses
            ),
        )
        return shown, row[6]

    def to_convert(self, limit: int) -> Sequence[StoredRecording]:
        """Finished recordings that are still WAV files, oldest first."""
        return self._stored("format = 'wav' AND seconds IS NOT NULL AND seconds > 0", (), limit)

    def kept_since(self, before: float, limit: int) -> Sequence[StoredRecording]:
        """Finished recordings that were begun before then (wall time), oldest first."""
        return self._stored("started < ? AND seconds IS NOT NULL", (before,), limit)

    def _stored(self, where: str, values: tuple[Any, ...], limit: int) -> Sequence[StoredRecording]:
        query = f"SELECT id, call, path FROM recordings WHERE {where} ORDER BY started LIMIT ?"
        return [StoredRecording(*row) for row in self._rows(query, (*values, limit))]

    def read(self, ask: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Runs a question of another reader (`figures`) on this connection."""
        return self._ask(ask, otherwise)

    def _rows(self, query: str, values: tuple[Any, ...]) -> Rows:
        none: Rows = []
        return self._ask(lambda database: database.execute(query, values).fetchall(), none)

    def _ask(self, ask: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Runs a question; `otherwise` when the file cannot be read. A file that was moved aside is opened anew."""
        with self._lock:
            for _attempt in (1, 2):
                try:
                    inode = self.path.stat().st_ino
                    if self._database is None or inode != self._inode:
                        self._database, self._inode = read_only(self.path), inode
                    return ask(self._database)
                except (sqlite3.Error, OSError):
                    if self._database is not None:
                        self._database.close()
                        self._database = None
            return otherwise


def _clauses(wanted: Filter, country: str) -> tuple[list[str], list[Any]]:
    clauses = [] if wanted.live else ["r.ended IS NOT NULL"]
    values: list[Any] = []

    def add(clause: str, *found: Any) -> None:
        clauses.append(clause)
        values.extend(found)

    if wanted.since is not None:
        add("r.started >= ?", wanted.since)
    if wanted.until is not None:
        add("r.started < ?", wanted.until)
    for column in ("agent", "queue", "kind"):
        value = getattr(wanted, column)
        if value:
            add(f"r.{column} = ?", value)
    if not wanted.service and wanted.kind != "service":
        add("r.kind <> 'service'")
    if wanted.number:
        digits = significant(wanted.number, country) or wanted.number
        if digits.startswith("0") and len(digits) > 4:
            # Part of a national number: without its trunk prefix it is found in the international form as well.
            digits = digits[1:]
        add(*_found("caller called", digits))
    if wanted.text:
        add(*_found_as_typed("caller caller_name called", wanted.text))
    if wanted.cursor:
        started, _, seq = wanted.cursor.partition(":")
        add("(r.started, r.seq) < (?, ?)", float(started), int(seq))
    return clauses, values


def _found_as_typed(columns: str, text: str) -> tuple[Any, ...]:
    """`_found` for what people type: also as the plain form of full-width letters and digits, of half-width kana."""
    asked = _found(columns, text)
    plain = unicodedata.normalize("NFKC", text)
    if plain in ("", text):
        return asked
    also = _found(columns, plain)
    return (f"({asked[0]} OR {also[0]})", *asked[1:], *also[1:])


def _found(columns: str, text: str) -> tuple[Any, ...]:
    """A clause for records in which one of the columns holds the text: by index, and by reading where it ends."""
    names = columns.split()
    like = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    plain = "(" + " OR ".join(f"r.{name} LIKE ? ESCAPE '\\'" for name in names) + ")"
    if len(text) < 3:
        return (plain, *[like] * len(names))
    quoted = "{" + columns + '} : "' + text.replace('"', '""') + '"'
    indexed = "SELECT rowid FROM records_text WHERE records_text MATCH ?"
    young = "r.seq > coalesce((SELECT value FROM meta WHERE key = 'text-indexed'), 0)"
    unindexed = f"SELECT r.seq FROM records r WHERE {young} AND {plain}"
    return (f"r.seq IN ({indexed} UNION ALL {unindexed})", quoted, *[like] * len(names))


def _record(row: tuple[Any, ...]) -> Record:
    recording = RecordingRef(id=row[18], seconds=round(row[19] or 0.0, 3)) if row[18] else None
    return Record(
        id=row[0],
        kind=row[1],
        journey=row[2],
        from_=row[3],
        from_name=row[4],
        to=row[5],
        trunk=row[6],
        extension=row[7],
        queue=row[8],
        agent=row[9],
        started=rfc3339(row[10]),
        answered=rfc3339(row[11]) if row[11] is not None else None,
        ended=rfc3339(row[12]) if row[12] is not None else None,
        wait_seconds=round(row[13], 3),
        talk_seconds=round(row[14], 3),
        hold_seconds=round(row[15], 3),
        cause=row[16],
        cause_code=row[17],
        recording=recording,
        answered_by=row[21],
        fax=bool(row[22]),
        mos=row[23],
        quality=word_of(row[23]),
    )
