"""An hour of calls of every kind in the engine, with the test's own clock: nothing grows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.fuzz.test_engine_fuzz import HERE, SOURCES, compiled


@pytest.mark.parametrize(
    ("flags", "minutes"),
    [(["-O2"], 60), (["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"], 1)],
    ids=["an hour", "sanitizers"],
)
def test_an_hour_of_calls_leaves_nothing_behind(flags: list[str], minutes: int, tmp_path: Path) -> None:
    program = compiled(tmp_path, "soak", "gcc", flags, [str(HERE / "soak.c"), *SOURCES])
    environment = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    command = [str(program), str(tmp_path), str(minutes), "1"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not list((tmp_path / "recordings").iterdir())
