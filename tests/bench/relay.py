"""Audio through the box: CPU per packet, delay and memory with calls that are set up by SIP and, or not, recorded.

The load is `rtp_load.c`; rtpengine gets the same one on the same ports. CPU of the box is that of both its processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from appliance.media.protocol import Figures
from tests.bench import meter
from tests.bench.box import HOST, RTP_LOW, STREAMS, Box
from tests.bench.peers import Held, Peers
from tests.bench.rtpengine import running_rtpengine

HERE = Path(__file__).parent
PACKETS_A_SECOND = 100
"""A call has two directions of 50."""


class Passed(NamedTuple):
    """One run of the load."""

    cpu_us: float
    """CPU microseconds for each packet that came in."""
    lost: int
    p50_us: float
    p99_us: float
    p999_us: float
    pss_mb: float
    timed: bool
    """False: the audio was changed on the way, so that there are no delays."""
    late: float = -1.0
    """Share of the engine's ticks that came more than 5 ms late, or not at all; -1: not known."""


def build_load(folder: Path) -> Path:
    """Compiles the load generator."""
    program = folder / "rtp_load"
    flags = ["-std=c11", "-O2", "-D_GNU_SOURCE"]
    srtp = ["-lsrtp2"] if has_srtp() else ["-DWITHOUT_SRTP"]
    subprocess.run(["gcc", *flags, str(HERE / "rtp_load.c"), "-o", str(program), *srtp], check=True)
    return program


def has_srtp() -> bool:
    """Whether this machine has libsrtp2 with its headers."""
    command = ["gcc", "-E", "-o", os.devnull, "-x", "c", "-"]
    return subprocess.run(command, input=b"#include <srtp2/srtp.h>", capture_output=True).returncode == 0


def srtp_cost_us(folder: Path, suite: int, streams: int = 100) -> float:
    """CPU microseconds of libsrtp alone for one packet, the mean of protecting and unprotecting; `streams` in turn."""
    program = folder / "srtp_cost"
    flags = ["-std=c11", "-O2", "-D_GNU_SOURCE"]
    subprocess.run(["gcc", *flags, str(HERE / "srtp_cost.c"), "-o", str(program), "-lsrtp2"], check=True)
    command = [str(program), str(suite), str(streams), "1000"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(said["protect_us"] + said["unprotect_us"]) / 2


def run(program: Path, lines: str, pids: Sequence[int], seconds: float) -> Passed:
    """Runs the load on these streams and reads what the processes used of the CPU meanwhile."""
    calls = lines.count("\n") // 2
    process = subprocess.Popen(
        [str(program), str(seconds), HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    try:
        process.stdin.write(lines)
        process.stdin.close()
        time.sleep(1.5)
        before, start = meter.cpu(pids), time.monotonic()
        time.sleep(max(0.5, seconds - 1.0))
        used, passed = meter.since(before, meter.cpu(pids)), time.monotonic() - start
        memory = meter.pss_mb(pids)
        said: dict[str, Any] = json.loads(process.stdout.read())
    finally:
        if process.wait(timeout=20):
            raise RuntimeError("the load generator failed")
    cpu_us = used.total * 1e6 / (calls * PACKETS_A_SECOND * passed)
    timed = said["foreign"] < said["sent"] / 100
    return Passed(cpu_us, said["lost"], said["p50_us"], said["p99_us"], said["p999_us"], memory, timed)


def late_share(before: Figures, after: Figures) -> float:
    """Share of the ticks in between that were late or left out."""
    lost = after.lost_ticks - before.lost_ticks
    return (after.late_ticks - before.late_ticks + lost) / max(1, after.ticks - before.ticks + lost)


def through_box(box: Box, program: Path, calls: int, seconds: float) -> Passed:
    """One run through so many calls that the box set up for it."""
    with Peers() as peers:
        held = peers.establish(calls)
        try:
            time.sleep(0.5)
            before = box.figures()
            passed = run(program, peers.streams(held), box.pids, seconds)
            return passed._replace(late=late_share(before, box.figures()))
        finally:
            peers.hang_up()


def through_bare_relay(folder: Path, calls: int, seconds: float, load: Path) -> Passed:
    """The same through `bare_relay.c`, the fixed load that figures of other machines are read beside."""
    program = folder / "bare_relay"
    flags = ["-std=c11", "-O2", "-D_GNU_SOURCE"]
    subprocess.run(["gcc", *flags, str(HERE / "bare_relay.c"), "-o", str(program)], check=True)
    process = subprocess.Popen([str(program), HOST, str(RTP_LOW), str(STREAMS), str(calls)])
    try:
        time.sleep(0.5)
        held = [Held(RTP_LOW + 4 * n, RTP_LOW + 4 * n + 2) for n in range(calls)]
        return run(load, Peers.streams(held), (process.pid,), seconds)
    finally:
        process.terminate()
        process.wait()


def through_rtpengine(folder: Path, program: Path, calls: int, seconds: float) -> Passed:
    """The same through a fresh rtpengine."""
    with running_rtpengine(folder) as peer:
        held = [Held(*peer.call(n, (STREAMS + 4 * n, STREAMS + 4 * n + 2))) for n in range(calls)]
        return run(program, Peers.streams(held), (peer.pid,), seconds)
