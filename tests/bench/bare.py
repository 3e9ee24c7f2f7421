"""The barest of responders, beside the box: what comes is split like a SIP message and sent back; nothing else.

`python -m tests.bench.bare HOST PORT` runs until SIGTERM. Delays of the box are to be read beside its own: on a
machine that is busy with other things, both wait for a processor.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

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


if __name__ == "__main__":
    main()
