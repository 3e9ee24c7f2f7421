"""For every test: where it counts (CI) nothing is skipped unseen, and no process is left behind."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

MAY_BE_SKIPPED: dict[str, str] = {}
"""Node id of a test (or its beginning) -> why CI may do without it."""
MARK = "HAKO_TEST_RUN"
PATIENCE_SECONDS = 10.0
"""How long what a test started may take to go."""


def _counts(report: pytest.TestReport | pytest.CollectReport) -> bool:
    if not os.environ.get("CI") or hasattr(report, "wasxfail"):
        return False
    return not any(report.nodeid.startswith(known) for known in MAY_BE_SKIPPED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test fails in CI: it would prove nothing there."""
    report = yield
    if report.skipped and _counts(report):
        report.outcome, report.longrepr = "failed", f"skipped, which CI does not allow: {report.longreprtext}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that skips itself."""
    report = yield
    if report.outcome == "skipped" and _counts(report):
        report.outcome, report.longrepr = "failed", f"skipped, which CI does not allow: {report.longreprtext}"
    return report


def _started_here(mark: str) -> dict[int, str]:
    """Processes that inherited the mark of this run: their command lines."""
    found: dict[int, str] = {}
    needle = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except OSError:
            continue
    return found


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left_behind() -> Iterator[None]:
    """Whatever a test started has ended when the last one is over, however far away it detached itself."""
    mark = os.environ[MARK] = uuid.uuid4().hex
    yield
    patience = time.monotonic() + PATIENCE_SECONDS
    while (left := _started_here(mark)) and time.monotonic() < patience:
        time.sleep(0.1)
    for process in left:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert not left, f"tests left processes behind: {sorted(left.values())}"
