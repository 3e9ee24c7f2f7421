"""What the kernel says of processes: CPU and memory; and a fixed load to compare CPU figures of machines with.

CPU is user and system time from `/proc/PID/stat` (the kernel scales both to what the scheduler counted, so short
stretches are not missed); memory is the proportional set size, so that what processes share counts once.
"""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """Seconds of CPU."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system


def cpu(pids: Iterable[int]) -> Cpu:
    """What these processes have used so far; one that is gone counts nothing."""
    user = system = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        user, system = user + int(fields[11]), system + int(fields[12])
    return Cpu(user / TICK, system / TICK)


def since(before: Cpu, after: Cpu) -> Cpu:
    """What was used between two readings."""
    return Cpu(after.user - before.user, after.system - before.system)


def pss_mb(pids: Iterable[int]) -> float:
    """Megabytes (2**20) that these processes hold, each with its share of what it shares."""
    kilobytes = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def children(pid: int) -> list[int]:
    """Processes that this one started."""
    try:
        return [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    except OSError:
        return []


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def rank(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


# --- the reference load --------------------------------------------------------------------------------------------
MESSAGE = (
    b"INVITE sip:0399999999@127.0.0.1:25060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:25070;branch=z9hG4bK-1-1-0\r\n"
    b"From: sipp <sip:sipp@127.0.0.1:25070>;tag=1\r\nTo: <sip:0399999999@127.0.0.1:25060>\r\nCall-ID: 1-1@127.0.0.1\r\n"
    b"CSeq: 1 INVITE\r\nContact: <sip:sipp@127.0.0.1:25070>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: 129\r\n\r\nv=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
    b"t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
MESSAGES_A_CALL = 13


def reference_ms(calls: int = 400) -> float:
    """CPU milliseconds a bare Python program takes for the 13 datagrams of one call through a back-to-back agent.

    It sends each to itself, receives it, splits it into a dictionary of headers and joins it again: the least that any
    program in Python has to do. A machine that is slower, or busy with other things, is slower at this too.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.connect(own.getsockname())
        data, started = MESSAGE, time.process_time()
        for _ in range(calls * MESSAGES_A_CALL // 2):
            own.send(data)
            head, _, body = own.recv(65535).decode().partition("\r\n\r\n")
            lines = head.split("\r\n")
            headers: dict[str, list[str]] = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers.setdefault(name.strip(), []).append(value.strip())
            joined = "\r\n".join(f"{name}: {value}" for name, values in headers.items() for value in values)
            data = f"{lines[0]}\r\n{joined}\r\n\r\n{body}".encode()
        return (time.process_time() - started) / calls * 1000
