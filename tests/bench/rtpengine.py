"""Debian's rtpengine beside the box: in user space on loopback, told of calls through its ng control protocol."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.box import CONTROL, HOST, RTP_HIGH, RTP_LOW

PROGRAM = "rtpengine"


class Rtpengine:
    """Its control protocol: one offer and one answer a call."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((HOST, CONTROL))
        self._socket.settimeout(2)

    def call(self, number: int, phones: tuple[int, int]) -> tuple[int, int]:
        """Makes a call between these ports of two phones; the ports that the caller and the called one send to."""
        facing_called = self._ask(_command("offer", number, phones[0], {"from-tag": "a"}))
        facing_caller = self._ask(_command("answer", number, phones[1], {"from-tag": "a", "to-tag": "b"}))
        return facing_caller, facing_called

    def _ask(self, command: dict[str, object]) -> int:
        self._asked += 1  # a cookie used again is answered from memory
        self._socket.send(b"%d " % self._asked + bencode(command))
        reply = self._socket.recv(8192)
        return int(reply.partition(b"m=audio ")[2].split()[0])


def bencode(value: object) -> bytes:
    """The encoding of the ng protocol."""
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(k) + bencode(v) for k, v in sorted(value.items())) + b"e"
    text = str(value).encode()
    return b"%d:%s" % (len(text), text)


def _command(name: str, number: int, port: int, tags: dict[str, object]) -> dict[str, object]:
    sdp = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    return {"command": name, "call-id": f"c{number}", "sdp": sdp, "ICE": "remove", **tags}


@contextmanager
def running_rtpengine(folder: Path) -> Iterator[Rtpengine]:
    """A fresh one for one measurement."""
    command = [PROGRAM, "--foreground", "--table=-1", f"--interface={HOST}", f"--listen-ng={HOST}:{CONTROL}"]
    command += [f"--port-min={RTP_LOW}", f"--port-max={RTP_HIGH}", "--log-level=1", "--log-stderr", "--no-fallback"]
    command += ["--timeout=600", "--silent-timeout=600", "--num-threads=2"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        yield Rtpengine(process.pid)
    finally:
        process.terminate()
        process.wait()


def version() -> str:
    """Its own word for itself."""
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)
    return (said.stdout or said.stderr).strip().removeprefix("Version: ") or PROGRAM


def there() -> bool:
    """Whether it is installed."""
    return shutil.which(PROGRAM) is not None
