"""The barest of responders, beside the box: what comes is split like a SIP message and sent back; nothing else.

`python -m tests.bench.bare HOST PORT` runs until SIGTERM. Delays of the box are to be read beside its own: on a
machine that is busy with other things, both wait for a processor.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench import meter
from tests.bench.box import BARE, HOST


def main() -> None:
    """Until SIGTERM."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((sys.argv[1], int(sys.argv[2])))
        print("on", flush=True)
        while True:
            data, remote = own.recvfrom(65535)
            lines = data.decode().split("\r\n")
            own.sendto("\r\n".join(lines).encode(), remote)


@contextlib.contextmanager
def running_responder() -> Iterator[int]:
    """One in a process of its own; its id."""
    command = [sys.executable, "-m", "tests.bench.bare", HOST, str(BARE)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def cost_us(per_second: float, seconds: float = 3.0) -> float:
    """CPU microseconds that it takes for a message when they come one by one, so many a second.

    Many times of what it takes back to back: each message finds a processor that was asleep or did something else, and
    caches that hold other people's data. No program that is woken by messages can take less.
    """
    count = int(per_second * seconds)
    with running_responder() as pid, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect((HOST, BARE))
        own.settimeout(2)
        before = meter.cpu((pid,))
        for _ in range(count):
            own.send(meter.MESSAGE)
            own.recv(65535)
            time.sleep(1 / per_second)
        return meter.since(before, meter.cpu((pid,))).total * 1e6 / count


if __name__ == "__main__":
    main()
