"""Calls through the box, from its trunk and out to it again, with SIPp at both ends: CPU per call, calls per second."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench import meter
from tests.bench.box import CALLER, CARRIER, HOST, NUMBER, SIP, Box

SIPP = "sipp"
RECEIVED = 6
"""SIP messages that the box receives for a call; it sends seven."""


class Cost(NamedTuple):
    """What one round of calls took."""

    calls: int
    failed: int
    user_ms: float
    """CPU milliseconds a call, all processes of the box."""
    system_ms: float
    media_ms: float
    """The media process's part of both."""
    per_second: float
    reference_ms: float
    """The fixed load, measured just before."""

    @property
    def total_ms(self) -> float:
        return self.user_ms + self.system_ms


def _uas(folder: Path) -> subprocess.Popen[bytes]:
    command = [SIPP, "-sn", "uas", "-i", HOST, "-p", str(CARRIER), "-nostdin"]
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def run_sipp(arguments: list[str], folder: Path, seconds: float = 90.0) -> tuple[int, int]:
    """Runs SIPp; how many of its calls went well, and how many failed."""
    statistics = folder / "sipp.csv"
    statistics.unlink(missing_ok=True)
    command = [SIPP, f"{HOST}:{SIP}", "-i", HOST, "-p", str(CALLER), "-nostdin", *arguments]
    command += ["-trace_stat", "-stf", str(statistics), "-fd", "600"]
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    rows = [line.split(";") for line in statistics.read_text().splitlines()]
    last = dict(zip(rows[0], rows[-1], strict=False))
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])


def measure(box: Box, calls: int, per_second: int, hold_ms: int = 200, at_once: int = 0) -> Cost:
    """One round: so many calls at an even pace, or with `at_once` as fast as that many at a time allow."""
    carrier = _uas(box.folder)
    try:
        time.sleep(0.3)
        if carrier.poll() is not None:
            raise RuntimeError("SIPp cannot be the carrier: another program has its port")
        reference = meter.reference_ms()
        arguments = ["-sn", "uac", "-s", NUMBER, "-r", str(per_second), "-m", str(calls), "-d", str(hold_ms)]
        arguments += ["-l", str(at_once or 600)]
        before, media, start = meter.cpu(box.pids), meter.cpu((box.media,)), time.monotonic()
        done, failed = run_sipp(arguments, box.folder)
        passed = time.monotonic() - start
        time.sleep(0.3)  # the ledger commits the last of them
        used = meter.since(before, meter.cpu(box.pids))
        of_media = meter.since(media, meter.cpu((box.media,)))
    finally:
        carrier.terminate()
        carrier.wait()
    per_call = 1000 / max(1, done)
    return Cost(
        calls=done,
        failed=failed,
        user_ms=used.user * per_call,
        system_ms=used.system * per_call,
        media_ms=of_media.total * per_call,
        per_second=done / passed,
        reference_ms=reference,
    )


def version() -> str:
    """SIPp's own word for itself."""
    said = subprocess.run([SIPP, "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"SIPp v[\w.]+", said)
    return found[0] if found else "SIPp"
