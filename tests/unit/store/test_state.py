"""Bindings and dialogs survive the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.store.state import BINDINGS, DIALOGS, StateStore


def test_what_was_put_is_there_for_the_next_run(tmp_path: Path) -> None:
    state = StateStore(tmp_path / "state.db")
    assert state.last_alive == 0
    for number in range(100):
        state.put(DIALOGS, f"d{number}", bytes([number]))
    state.drop(DIALOGS, "d7")
    state.put(BINDINGS, "201", b"old")
    state.put(BINDINGS, "201", b"new")
    state.alive(1234.5)
    assert len(state.load(DIALOGS)) == 99
    state.close()
    again = StateStore(tmp_path / "state.db")
    assert again.last_alive == 1234.5
    assert again.load(BINDINGS) == {"201": b"new"}
    assert "d7" not in again.load(DIALOGS)
    again.clear(DIALOGS)
    assert again.load(DIALOGS) == {} and again.load(BINDINGS) == {"201": b"new"}
    again.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from appliance.store.state import StateStore
state = StateStore(Path(sys.argv[1]))
for number in range(500):
    state.put("dialogs", str(number), b"x" * 500)
state.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_its_dialogs(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "state.db")], check=False)
    state = StateStore(tmp_path / "state.db")
    assert len(state.load(DIALOGS)) == 500
    state.close()


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"\x07" * 10_000)
    state = StateStore(path)
    state.put(BINDINGS, "201", b"x")
    assert state.load(BINDINGS) == {"201": b"x"}
    state.close()


def test_a_disk_that_refuses_is_counted_and_never_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = StateStore(tmp_path / "file" / "state.db")
    state.put(BINDINGS, "201", b"x")
    assert state.flush()
    assert state.failures == 1 and state.load(BINDINGS) == {}
    state.close()
