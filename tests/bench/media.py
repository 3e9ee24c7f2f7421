"""CPU per relayed and recorded RTP packet, and delay: the engine, and rtpengine (user space) beside it.

`python -m tests.bench.media [CALLS...]` prints a table. CPU is what the kernel's scheduler says each thread of the
process ran (`/proc/PID/task/*/schedstat`), divided by the packets that went in.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.exchange.audio import Link, Mix, Payload, Recorder, RtpPort
from appliance.media.client import MediaClient
from appliance.media.table import DesiredTable

HERE = Path(__file__).parent
LOCAL, PEERS, PHONES = "127.0.0.1", 10000, 20000
PCMU = Payload(0, "PCMU")


def build_load(folder: Path) -> Path:
    """Compiles the load generator."""
    program = folder / "rtp_load"
    flags = ["-std=c11", "-O2", "-D_GNU_SOURCE"]
    subprocess.run(["gcc", *flags, str(HERE / "rtp_load.c"), "-o", str(program)], check=True)
    return program


def cpu_ns(pid: int) -> int:
    """Nanoseconds that all threads of a process have run."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def pss_kb(pid: int) -> int:
    """Memory of a process with its share of what it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def load(program: Path, ports: list[int], seconds: float, pid: int) -> dict[str, float]:
    """Runs the load on these ports of the peer; gives what the generator says, with `us` of CPU per packet."""
    lines = "".join(f"{PHONES + 2 * n} {LOCAL} {port}\n" for n, port in enumerate(ports))
    process = subprocess.Popen([str(program), str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    process.stdin.write(lines)
    process.stdin.close()
    time.sleep(1.5)
    before, start = cpu_ns(pid), time.monotonic()
    time.sleep(seconds - 1.0)
    used, passed = cpu_ns(pid) - before, time.monotonic() - start
    said: dict[str, float] = json.loads(process.stdout.read())
    process.wait()
    said["us"] = used / 1000 / (len(ports) * 50 * passed)
    said["pss_mb"] = pss_kb(pid) / 1024
    return said


# --- Hako's engine ---------------------------------------------------------------------------------------------------
def fill(table: DesiredTable, calls: int, recordings: Path | None) -> list[int]:
    """Rows of so many bridged calls; gives their ports."""
    ports: list[int] = []
    for call in range(calls):
        first, ids = call * 10 + 1, []
        for leg in (0, 1):
            port = table.allocate_port()
            assert port is not None
            phone = (LOCAL, PHONES + 2 * len(ports))
            table.put(RtpPort(id=first + leg, local=(LOCAL, port), remote=phone, receive=(PCMU,), send=PCMU))
            ports.append(port)
            ids.append(first + leg)
        table.put(Mix(id=first + 2, links=(Link(ids[0], ids[1]), Link(ids[1], ids[0]))))
        if recordings:
            path = str(recordings / f"{call}.wav")
            table.put(Recorder(id=first + 3, path=path, left=ids[0], right=(ids[1],), call=str(call)))
    return ports


async def measure_hako(program: Path, calls: int, recorded: bool, seconds: float) -> dict[str, float]:
    """One run through a fresh media process."""
    folder = Path(tempfile.mkdtemp(prefix="hako-bench-"))
    table = DesiredTable(range(PEERS, PEERS + 4000))
    client = MediaClient(table, folder, lambda events: None)
    try:
        await client.start()
        ports = fill(table, calls, folder / "recordings" if recorded else None)
        client.flush()
        await asyncio.sleep(0.3)
        return await asyncio.to_thread(load, program, ports, seconds, client.pid)
    finally:
        await client.stop()
        shutil.rmtree(folder, ignore_errors=True)


# --- rtpengine -------------------------------------------------------------------------------------------------------
def bencode(value: object) -> bytes:
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(k) + bencode(v) for k, v in sorted(value.items())) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(bencode(v) for v in value) + b"e"
    text = value if isinstance(value, bytes) else str(value).encode()
    return b"%d:%s" % (len(text), text)


class Rtpengine:
    """Its control protocol: one offer and one answer a call."""

    def __init__(self, pid: int, control: int) -> None:
        self.pid = pid
        self._asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((LOCAL, control))
        self._socket.settimeout(2)

    def _ask(self, command: dict[str, object]) -> int:
        self._asked += 1  # a cookie used again is answered from memory
        self._socket.send(b"%d " % self._asked + bencode(command))
        reply = self._socket.recv(8192)
        return int(reply.partition(b"m=audio ")[2].split()[0])

    def call(self, number: int, phones: tuple[int, int]) -> tuple[int, int]:
        """The ports that the caller's and the called phone send to."""
        facing_called = self._ask(self._command("offer", number, phones[0], {"from-tag": "a"}))
        facing_caller = self._ask(self._command("answer", number, phones[1], {"from-tag": "a", "to-tag": "b"}))
        return facing_caller, facing_called

    def _command(self, name: str, number: int, port: int, tags: dict[str, object]) -> dict[str, object]:
        sdp = f"v=0\r\no=- 1 1 IN IP4 {LOCAL}\r\ns=-\r\nc=IN IP4 {LOCAL}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        return {"command": name, "call-id": f"c{number}", "sdp": sdp, "ICE": "remove", **tags}


@contextmanager
def rtpengine(folder: Path) -> Iterator[Rtpengine]:
    """Debian's rtpengine in user space on loopback."""
    control = 22222
    command = ["rtpengine", "--foreground", "--table=-1", f"--interface={LOCAL}", f"--listen-ng={LOCAL}:{control}"]
    command += [f"--port-min={PEERS}", f"--port-max={PEERS + 4000}", "--log-level=1", "--log-stderr", "--no-fallback"]
    command += ["--timeout=600", "--silent-timeout=600", "--num-threads=2"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.5)
        yield Rtpengine(process.pid, control)
    finally:
        process.terminate()
        process.wait()


def measure_rtpengine(program: Path, calls: int, seconds: float, folder: Path) -> dict[str, float]:
    """One run through a fresh rtpengine."""
    with rtpengine(folder) as peer:
        ports: list[int] = []
        for call in range(calls):
            ports += peer.call(call, (PHONES + 4 * call, PHONES + 4 * call + 2))
        return load(program, ports, seconds, peer.pid)


def line(name: str, said: dict[str, float]) -> str:
    """One row of the table."""
    figures = (
        f"{said['us']:6.2f} {said['lost']:6.0f} {said['p50_us']:7.0f} {said['p99_us']:7.0f} {said['p999_us']:8.0f}"
    )
    return f"{name:28} {figures} {said['max_us']:8.0f} {said['pss_mb']:7.1f}"


def main() -> None:
    """Prints the table."""
    calls = [int(word) for word in sys.argv[1:]] or [50, 200]
    with tempfile.TemporaryDirectory(prefix="hako-bench-") as name:
        program = build_load(Path(name))
        print(
            f"{'':28} {'µs/pkt':>6} {'lost':>6} {'p50 µs':>7} {'p99 µs':>7} {'p99.9 µs':>8} {'max µs':>8} {'PSS MB':>7}"
        )
        for number in calls:
            for recorded in (False, True):
                said = asyncio.run(measure_hako(program, number, recorded, 6.0))
                print(line(f"hako {number} calls{' recorded' if recorded else ''}", said), flush=True)
            if shutil.which("rtpengine"):
                print(
                    line(f"rtpengine {number} calls", measure_rtpengine(program, number, 6.0, Path(name))), flush=True
                )


if __name__ == "__main__":
    main()
