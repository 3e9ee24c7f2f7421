"""The media process alone, given its table by the benchmark: what SIP cannot set up by the hundred in a moment.

Calls between two codecs, calls that a supervisor listens to, and calls with SRTP on one side. The load is the same as
for relaying; a supervisor's phone is a socket that nobody reads.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance.exchange.audio import AnyRow, Link, Mix, Payload, RtpPort, SrtpKeys
from appliance.media.client import MediaClient
from appliance.media.table import DesiredTable
from tests.bench import relay
from tests.bench.box import HOST, RTP_HIGH, RTP_LOW, STREAMS

PCMU, G722 = Payload(0, "PCMU", 8000), Payload(9, "G722", 8000)
SUITES = {"AES_CM_128_HMAC_SHA1_80": (30, 1), "AEAD_AES_128_GCM": (28, 3)}
"""Suite -> bytes of its key with the salt, number in engine.h."""
EACH = 10
"""Row ids of one call."""
Call = Callable[[DesiredTable, int, int], tuple[list[AnyRow], list[str]]]


def _leg(table: DesiredTable, row: int, remote: int, codec: Payload) -> RtpPort:
    port = table.allocate_port()
    if port is None:
        raise RuntimeError("the benchmark has too few RTP ports for so many calls")
    return RtpPort(id=row, local=(HOST, port), remote=(HOST, remote), receive=(codec,), send=codec)


def transcoded(table: DesiredTable, number: int, listener: int) -> tuple[list[AnyRow], list[str]]:
    """One side speaks G.722, the other G.711."""
    first = number * EACH + 1
    a = _leg(table, first, STREAMS + 4 * number, G722)
    b = _leg(table, first + 1, STREAMS + 4 * number + 2, PCMU)
    mix = Mix(id=first + 2, links=(Link(a.id, b.id), Link(b.id, a.id)))
    return [a, b, mix], ["9", "0"]


def monitored(table: DesiredTable, number: int, listener: int) -> tuple[list[AnyRow], list[str]]:
    """Both sides speak G.711 and a third party hears both of them."""
    first = number * EACH + 1
    a = _leg(table, first, STREAMS + 4 * number, PCMU)
    b = _leg(table, first + 1, STREAMS + 4 * number + 2, PCMU)
    hears = _leg(table, first + 2, listener, PCMU)
    links = (Link(a.id, b.id), Link(b.id, a.id), Link(hears.id, a.id), Link(hears.id, b.id))
    return [a, b, hears, Mix(id=first + 3, links=links)], ["0", "0"]


def plain(table: DesiredTable, number: int, listener: int) -> tuple[list[AnyRow], list[str]]:
    """Both sides speak G.711: what is encrypted is read beside this."""
    first = number * EACH + 1
    a = _leg(table, first, STREAMS + 4 * number, PCMU)
    b = _leg(table, first + 1, STREAMS + 4 * number + 2, PCMU)
    return [a, b, Mix(id=first + 2, links=(Link(a.id, b.id), Link(b.id, a.id)))], ["0", "0"]


def secured(suite: str) -> Call:
    """The same with SRTP on one side."""

    def call(table: DesiredTable, number: int, listener: int) -> tuple[list[AnyRow], list[str]]:
        (a, *others), _ = plain(table, number, listener)
        size, code = SUITES[suite]
        ours, theirs = (bytes([side, number % 256]) * (size // 2) for side in (1, 2))
        a = msgspec.structs.replace(a, protect=SrtpKeys(suite, ours), unprotect=SrtpKeys(suite, theirs))
        return [a, *others], [f"0 {code} {theirs.hex()} {ours.hex()}", "0"]

    return call


def measure(program: Path, call: Call, calls: int, seconds: float) -> relay.Passed:
    """So many calls of a kind for so long."""
    return asyncio.run(_measure(program, call, calls, seconds))


async def _measure(program: Path, call: Call, calls: int, seconds: float) -> relay.Passed:
    table = DesiredTable(range(RTP_LOW, RTP_HIGH + 1))
    with (
        tempfile.TemporaryDirectory(prefix="hako-bench-") as folder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
    ):
        listener.bind((HOST, 0))
        client = MediaClient(table, Path(folder), lambda events: None)
        await client.start()
        try:
            lines = []
            for number in range(calls):
                rows, types = call(table, number, listener.getsockname()[1])
                for end, row in enumerate(rows):
                    table.put(row)
                    if isinstance(row, RtpPort) and end < 2:
                        lines.append(f"{STREAMS + 4 * number + 2 * end} {HOST} {row.local[1]} {types[end]}\n")
            client.flush()
            await asyncio.sleep(1.0)
            before = client.figures
            passed = await asyncio.to_thread(relay.run, program, "".join(lines), (client.pid,), seconds)
            return passed._replace(late=relay.late_share(before, client.figures))
        finally:
            await client.stop()
