"""The ledger: numbered, durable when said, alive when the disk is not."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.events import AgentStatusChanged, BoxStarted, BoxStopped, CallEnded, Entry, MenuKey, RecordingStarted
from appliance.store.ledger import GAP, Ledger
from appliance.store.records import Filter, Records
from tests.unit.store.helpers import at, conversation, started


class Reader:
    """What the ledger told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.faults: list[tuple[str, str]] = []
        self.ledgers: list[Ledger] = []

    def commit(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    def fault(self, fault: str, text: str, remedy: str) -> None:
        self.faults.append((fault, text))

    def open(self, path: Path, boot: str = "boot-1", last_alive: float = 0.0) -> Ledger:
        ledger = Ledger(path, boot, self.commit, self.fault, last_alive)
        self.ledgers.append(ledger)
        return ledger


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    for ledger in reader.ledgers:
        ledger.close()


def test_entries_are_numbered_in_order_and_told_once(tmp_path: Path, reader: Reader) -> None:
    ledger = reader.open(tmp_path / "records.db")
    for second in range(50):
        ledger.append(at(second, MenuKey(call="c", menu="m", key=str(second % 10))))
    assert ledger.flush()
    assert [entry.seq for entry in reader.entries] == list(range(1, 51))
    assert ledger.last_seq == 50
    assert {entry.boot for entry in reader.entries} == {"boot-1"}


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path, reader: Reader) -> None:
    ledger = reader.open(tmp_path / "records.db")
    ledger.append(conversation("c1", 0, 10) + at(20, BoxStopped(reason="asked")))
    ledger.close()
    again = reader.open(tmp_path / "records.db", "boot-2")
    assert again.clean
    assert again.after(0) == reader.entries
    assert again.after(3, 2) == reader.entries[3:5]
    again.append(at(0, BoxStarted(version="1", clean=True)))
    again.flush()
    assert reader.entries[-1].seq == reader.entries[-2].seq + 1


def test_numbers_jump_after_an_unclean_end_so_that_none_is_given_twice(tmp_path: Path, reader: Reader) -> None:
    ledger = reader.open(tmp_path / "records.db")
    ledger.append(conversation("c1", 0, 10))
    ledger.close()
    last = ledger.last_seq
    again = reader.open(tmp_path / "records.db", "boot-2")
    assert not again.clean and again.last_seq == last + GAP
    assert again.after(last + 1) is None, "a number that was never kept"
    assert again.after(again.last_seq) == []
    again.append(at(0, BoxStarted(version="1", clean=False)))
    again.flush()
    assert [entry.seq for entry in again.after(last) or ()] == [last + GAP + 1]
    assert [entry.seq for entry in again.after(last + GAP) or ()] == [last + GAP + 1]


def test_after_asks_for_a_new_start_when_something_is_gone(tmp_path: Path, reader: Reader) -> None:
    ledger = reader.open(tmp_path / "records.db")
    ledger.append(conversation("old", 0, 10) + conversation("new", 100_000, 10))
    ledger.flush()
    kept = reader.entries[6].seq
    ledger.prune(reader.entries[6].at)
    ledger.close()
    again = reader.open(tmp_path / "records.db")
    assert again.after(0) is None
    assert again.after(kept - 2) is None
    assert again.after(kept) is not None
    assert again.after(10**9) is None
    assert again.after(-1) is None
    records = Records(tmp_path / "records.db")
    assert records.get("old") is None and records.get("new") is not None
    assert records.list(Filter(number="0901112222"))[0][0].id == "new"


def test_a_ticket_is_called_when_durable(tmp_path: Path, reader: Reader) -> None:
    ledger = reader.open(tmp_path / "records.db")
    done = threading.Event()
    ticket = ledger.append(at(0, MenuKey(call="c", menu="m", key="1")))
    ledger.when_committed(ticket, done.set)
    assert done.wait(5)
    assert sqlite3.connect(tmp_path / "records.db").execute("SELECT count(*) FROM events").fetchone() == (1,)
    late: list[int] = []
    ledger.when_committed(ticket, lambda: late.append(1))
    assert late == [1]


def test_a_reader_that_fails_is_reported_and_stops_nothing(tmp_path: Path, reader: Reader) -> None:
    ledger = Ledger(tmp_path / "records.db", "b", lambda entries: 1 / 0, reader.fault)  # type: ignore[arg-type,return-value]
    reader.ledgers.append(ledger)
    ledger.append(at(0, MenuKey(call="c", menu="m", key="1")))
    assert ledger.flush()
    ledger.append(at(0, MenuKey(call="c", menu="m", key="2")))
    assert ledger.flush()
    assert ledger.last_seq == 2
    assert reader.faults[0][0] == "ledger-reader"


def test_an_event_that_cannot_be_written_harms_no_other(tmp_path: Path, reader: Reader) -> None:
    ledger = reader.open(tmp_path / "records.db")
    ledger.append(at(0, MenuKey(call="c", menu="m", key=object())))  # type: ignore[arg-type]
    ledger.append(at(0, MenuKey(call="c", menu="m", key="2")))
    assert ledger.flush()
    assert [entry.seq for entry in reader.entries] == [1]
    assert reader.faults[0][0] == "ledger-event"


def test_what_a_crash_left_open_is_named(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "records.db"
    ledger = reader.open(path)
    ledger.append(
        conversation("done", 0, 5)
        + at(10, started("cut"), RecordingStarted(recording="r1", call="cut", leg="l", path="2026/11/21/r1.wav"))
        + at(11, AgentStatusChanged(agent="aiko", status="break", reason="Lunch", extension="201"))
    )
    ledger.close()
    last_alive = reader.entries[-1].at + 7
    again = reader.open(path, "boot-2", last_alive)
    (call,) = again.open_calls()
    assert (call.call, call.kind, call.last_seen) == ("cut", "inbound", last_alive)
    (recording,) = again.open_recordings()
    assert (recording.recording, recording.path) == ("r1", "2026/11/21/r1.wav")
    (status,) = again.agent_statuses()
    assert (status.agent, status.status, status.reason, status.extension) == ("aiko", "break", "Lunch", "201")
    again.append(at(500, CallEnded(call="cut", cause=41, reason="restart")))
    again.close()
    record = Records(path).get("cut")
    assert record is not None and record.cause == "restart"
    assert record.ended == "2026-11-21T10:00:18.000Z", "the last sign of life, not the restart"
    assert reader.open(path, "boot-3").open_calls() == []


KILLED = """
import sys
from appliance.store.ledger import Ledger
from appliance.events import MenuKey, Stamped
from appliance.clock import system_now
from pathlib import Path
def tell(entries):
    sys.stdout.write("".join(f"{entry.seq} {entry.event.key}\\n" for entry in entries)); sys.stdout.flush()
ledger = Ledger(Path(sys.argv[1]), sys.argv[2], tell)
number = int(sys.argv[3])
print("up", flush=True)
while True:
    number += 1
    ledger.append([Stamped(system_now(), MenuKey(call="c", menu="m", key=str(number)))])
    if number % 20 == 0:
        ledger.flush()
"""


def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    path, dice, told, number = tmp_path / "records.db", random.Random(1), {}, 0
    for run in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), f"boot-{run}", str(number)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        for _ in range(dice.randrange(1, 60)):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
        child.wait()
        for line in rest.splitlines(keepends=True):
            if line.endswith("\n"):
                seq, key = line.split()
                assert int(seq) not in told, "a number was given twice"
                told[int(seq)] = key
        number += 100_000
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = dict(database.execute("SELECT seq, data FROM events").fetchall())
    assert told
    missing = [seq for seq, key in told.items() if f'"key":"{key}"' not in kept.get(seq, "")]
    assert not missing


@pytest.mark.parametrize("where", ["header", "everywhere", "empty-wal"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, reader: Reader, where: str) -> None:
    path = tmp_path / "records.db"
    ledger = reader.open(path)
    ledger.append(conversation("c1", 0, 5))
    ledger.close()
    data = bytearray(path.read_bytes())
    dice = random.Random(7)
    if where == "header":
        data[:100] = dice.randbytes(100)
    elif where == "everywhere":
        for _ in range(200):
            place = dice.randrange(100, len(data))
            data[place : place + 40] = dice.randbytes(40)
    else:
        (tmp_path / "records.db-wal").write_bytes(dice.randbytes(5000))
    path.write_bytes(data)
    reader.entries.clear()
    again = reader.open(path, "boot-2")
    again.append(conversation("c2", 0, 5))
    assert again.flush()
    assert Records(path).get("c2") is not None
    if where == "empty-wal":
        assert reader.faults == []
    else:
        assert [fault for fault, _ in reader.faults] == ["store-damaged"]
        assert (
            len([one for one in tmp_path.glob("records.db.damaged-*") if not one.name.endswith(("-wal", "-shm"))]) == 1
        )


def test_damage_met_while_running_is_survived(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "records.db"
    ledger = reader.open(path)
    ledger.append(at(0, started("open")))
    ledger.flush()
    dice = random.Random(3)
    size = path.stat().st_size
    with path.open("r+b") as file:
        for place in range(0, max(size, 40_000), 512):
            file.seek(place)
            file.write(dice.randbytes(512))
    (tmp_path / "records.db-wal").write_bytes(b"")
    for second in range(1, 4):
        ledger.append(conversation(f"c{second}", second, 5))
        assert ledger.flush()
    ledger.append(at(60, CallEnded(call="open", cause=16, reason="answered")))
    ledger.close()
    assert [entry.seq for entry in reader.entries] == list(range(1, len(reader.entries) + 1))
    reader.open(path, "boot-2").append(conversation("after", 0, 5))
    assert reader.ledgers[-1].flush()
    assert "store-damaged" in [fault for fault, _ in reader.faults], "noticed at the latest on the next start"
    assert Records(path).get("after") is not None


FULL = """
import resource, signal, sys, time
from pathlib import Path
from appliance.store.ledger import Ledger
from appliance.events import MenuKey, Stamped
from appliance.clock import system_now
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, told, faults = Path(sys.argv[1]), [], []
def tell(entries):
    told.extend(entry.seq for entry in entries)
ledger = Ledger(path, "b", tell, lambda fault, text, remedy: faults.append((fault, bool(text))))
def fill(count):
    for number in range(count):
        ledger.append([Stamped(system_now(), MenuKey(call="c", menu="m", key="x" * 400))])
    assert ledger.flush(20)
fill(10)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
for _ in range(30):
    fill(100)
assert told == list(range(1, 3011)), len(told)
assert ledger.fault, faults
recent = ledger.after(3000)
assert [entry.seq for entry in recent] == list(range(3001, 3011))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
deadline = time.monotonic() + 20
while ledger.fault and time.monotonic() < deadline:
    time.sleep(0.05)
fill(10)
assert not ledger.fault and faults[-1][1] is False, faults
ledger.close()
import sqlite3
assert sqlite3.connect(path).execute("SELECT count(*), max(seq) FROM events").fetchone() == (3020, 3020)
print("fine", sorted({fault for fault, _ in faults}))
"""


def test_a_full_disk_stops_nothing_and_what_was_kept_is_written_later(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "records.db")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("fine")


def test_a_folder_that_cannot_be_written_is_a_fault_not_an_exception(tmp_path: Path, reader: Reader) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    ledger = reader.open(blocked / "records.db")
    ledger.append(conversation("c1", 0, 5))
    assert ledger.flush()
    assert reader.entries[-1].seq == len(reader.entries) > 0
    assert reader.faults[0][0] == "store-failing"


def test_a_newer_database_is_used_as_it_is(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "records.db"
    reader.open(path).close()
    database = sqlite3.connect(path)
    database.executescript("ALTER TABLE records ADD COLUMN mood TEXT DEFAULT 'fine'; PRAGMA user_version = 99;")
    database.close()
    ledger = reader.open(path, "boot-2")
    ledger.append(conversation("c1", 0, 5))
    assert ledger.flush() and reader.faults == []
    assert os.stat(path).st_mode & 0o077 == 0


def test_power_cut_at_any_byte_of_the_log(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "records.db"
    ledger = reader.open(path)
    for number in range(30):
        ledger.append(conversation(f"c{number}", number, 5))
        ledger.flush()
    data, log = path.read_bytes(), (tmp_path / "records.db-wal").read_bytes()
    told = ledger.last_seq
    ledger.close()
    dice = random.Random(11)
    for cut in [0, len(log), *(dice.randrange(len(log)) for _ in range(25))]:
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "records.db").write_bytes(data)
        (folder / "records.db-wal").write_bytes(log[:cut])
        again = Ledger(folder / "records.db", "boot-2")
        again.close()
        assert not list(folder.glob("*.damaged*")) or cut < 5000
        database = sqlite3.connect(folder / "records.db")
        seqs = [seq for (seq,) in database.execute("SELECT seq FROM events ORDER BY seq")]
        assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) % 6 == 0, "whole transactions only"
        assert cut < len(log) or len(seqs) == told
        closed = database.execute("SELECT count(*) FROM records WHERE ended IS NOT NULL").fetchone()[0]
        assert closed == len(seqs) // 6, "records and events agree"
        database.close()
