"""The engine under sanitizers without Python, and its parsers under libFuzzer from saved corpora.

Each fuzz target runs a few seconds from its corpus; `HAKO_FUZZ_SECONDS` makes it longer. What crashes is left in the
corpus' folder by hand, as a regression.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE, HERE = ROOT / "appliance/media/engine", Path(__file__).parent / "engine"
STRICT = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing", f"-I{ENGINE}", "-pthread"]
SOURCES = [str(path) for path in sorted(ENGINE.glob("*.c")) if path.name != "_engine.c"]
SANITIZERS = {"address,undefined": "address-undefined", "thread": "thread"}
TARGETS = ["rtp", "rtcp", "event", "wav", "receive", "noise", "srtp", "commands"]
WHOLE = ("receive", "noise", "srtp", "commands")
"""Targets that are linked with all of the engine."""
WRAPPED = {"commands": ["-Wl,--wrap=open_sockets"]}
"""Functions that a target has in place of the engine's."""
SECONDS = float(os.environ.get("HAKO_FUZZ_SECONDS", "2"))


def compiled(
    folder: Path,
    name: str,
    compiler: str,
    flags: list[str],
    sources: list[str],
    libraries: tuple[str, ...] = ("-lopus", "-lsrtp2"),
) -> Path:
    program = folder / name
    result = subprocess.run(
        [compiler, *STRICT, *flags, *sources, *libraries, "-lm", "-ldl", "-o", str(program)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert result.returncode == 0, result.stderr
    return program


def test_the_engine_compiles_without_a_warning(tmp_path: Path) -> None:
    compiled(tmp_path, "engine.so", "gcc", ["-O2", "-shared", "-fPIC"], SOURCES)


def test_the_engine_compiles_without_what_is_optional(tmp_path: Path) -> None:
    """Linked whole, so that nothing of either library is asked for."""
    flags = ["-O1", "-shared", "-fPIC", "-Wl,-z,defs", "-DHAKO_WITHOUT_OPUS", "-DHAKO_WITHOUT_SRTP"]
    library = ctypes.CDLL(str(compiled(tmp_path, "engine.so", "gcc", flags, SOURCES, ())))
    assert library.hk_abilities() == 0


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_rows_that_come_and_go_under_load(sanitizer: str, tmp_path: Path) -> None:
    flags = ["-O1", "-g", f"-fsanitize={sanitizer}", "-fno-omit-frame-pointer"]
    if "undefined" in sanitizer:
        flags.append("-fno-sanitize-recover=undefined")
    program = compiled(tmp_path, "harness", "gcc", flags, [str(HERE / "harness.c"), *SOURCES])
    command = [str(program), str(tmp_path), "4", "1"]
    # The sanitizers' shadow memory needs addresses where the kernel may put others: ask it not to.
    if shutil.which("setarch"):
        command = ["setarch", "-R", *command]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "ERROR" not in result.stderr and "WARNING" not in result.stderr, result.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_disturbs_the_parser(target: str, tmp_path: Path) -> None:
    sources = [str(HERE / f"fuzz_{target}.c")]
    sources += SOURCES if target in WHOLE else [str(ENGINE / "rtp.c"), str(ENGINE / "rtcp.c"), str(ENGINE / "wav.c")]
    flags = ["-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"]
    flags += WRAPPED.get(target, [])
    program = compiled(tmp_path, f"fuzz_{target}", "clang", flags, sources)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    command = [
        str(program),
        f"-max_total_time={SECONDS:g}",
        "-max_len=4096",
        "-timeout=20",
        "-seed=1",
        "-print_final_stats=1",
    ]
    result = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(corpus), str(HERE / "corpus" / target)],
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert list((HERE / "corpus" / target).iterdir()), "the saved corpus is there"
