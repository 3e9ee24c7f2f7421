"""The media process alone, given its table by the benchmark: what SIP cannot set up by the hundred in a moment.

Calls between two codecs, and calls that a supervisor listens to. The load is the same as for relaying; a supervisor's
phone is a socket that nobody reads.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from appliance.exchange.audio import AnyRow, Link, Mix, Payload, RtpPort
from appliance.media.client import MediaClient
from appliance.media.table import DesiredTable
from tests.bench import relay
from tests.bench.box import HOST, RTP_HIGH, RTP_LOW, STREAMS

PCMU, G722 = Payload(0, "PCMU", 8000), Payload(9, "G722", 8000)
EACH = 10
"""Row ids of one call."""
Call = Callable[[DesiredTable, int, int], tuple[list[AnyRow], list[int]]]


def _leg(table: DesiredTable, row: int, remote: int, codec: Payload) -> RtpPort:
    port = table.allocate_port()
    if port is None:
        raise RuntimeError("the benchmark has too few RTP ports for so many calls")
    return RtpPort(id=row, local=(HOST, port), remote=(HOST, remote), receive=(codec,), send=codec)


def transcoded(table: DesiredTable, number: int, listener: int) -> tuple[list[AnyRow], list[int]]:
    """One side speaks G.722, the other G.711."""
    first = number * EACH + 1
    a = _leg(table, first, STREAMS + 4 * number, G722)
    b = _leg(table, first + 1, STREAMS + 4 * number + 2, PCMU)
    mix = Mix(id=first + 2, links=(Link(a.id, b.id), Link(b.id, a.id)))
    return [a, b, mix], [9, 0]


def monitored(table: DesiredTable, number: int, listener: int) -> tuple[list[AnyRow], list[int]]:
    """Both sides speak G.711 and a third party hears both of them."""
    first = number * EACH + 1
    a = _leg(table, first, STREAMS + 4 * number, PCMU)
    b = _leg(table, first + 1, STREAMS + 4 * number + 2, PCMU)
    hears = _leg(table, first + 2, listener, PCMU)
    links = (Link(a.id, b.id), Link(b.id, a.id), Link(hears.id, a.id), Link(hears.id, b.id))
    return [a, b, hears, Mix(id=first + 3, links=links)], [0, 0]


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
            return await asyncio.to_thread(relay.run, program, "".join(lines), (client.pid,), seconds)
        finally:
            await client.stop()
