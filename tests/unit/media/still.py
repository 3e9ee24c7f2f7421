"""The engine with the test's own clock and network: hours of talk in seconds, the same every time.

`still.c` is compiled with the engine's sources; datagrams are handed over at the nanosecond that the test says, and
what the engine sends is read from a socket after each of them.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.unit.media.rtp import Packet, Samples, free_ports, header, pair, parse

ROOT = Path(__file__).parents[3]
ENGINE = ROOT / "appliance/media/engine"
PCMU, PCMA, G722, CN, OPUS, L16, L16_48, L16_8 = 0, 8, 9, 13, 96, 97, 98, 99
EVENTS, EVENTS_48, EVENTS_16 = 101, 102, 103
NONE, NEITHER = 255, 254
RECORDER = 2000
CODEC = {PCMU: 1, PCMA: 2, CN: 4, G722: 5, OPUS: 6, L16: 7, L16_48: 7, L16_8: 7}
CLOCK = {PCMU: 8000, PCMA: 8000, G722: 8000, OPUS: 48000, L16: 16000, L16_48: 48000, L16_8: 8000}
RATE = CLOCK | {G722: 16000}
MS = 1_000_000


def library(folder: Path) -> ctypes.CDLL:
    """Compiles the engine without threads and loads it."""
    target = folder / "still.so"
    sources = [str(path) for path in sorted(ENGINE.glob("*.c")) if path.name != "_engine.c"]
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-fno-strict-aliasing", "-shared", "-fPIC", "-fvisibility=hidden"]
    here = str(Path(__file__).with_name("still.c"))
    command = ["gcc", *flags, f"-I{ENGINE}", here, *sources, "-lopus", "-lsrtp2", "-lm", "-ldl", "-pthread", "-o"]
    command.append(str(target))
    subprocess.run(command, check=True, capture_output=True)
    loaded = ctypes.CDLL(str(target))
    loaded.still_new.restype = loaded.still_codecs.restype = ctypes.c_void_p
    loaded.still_recorded.restype = ctypes.c_int64
    loaded.still_resample.restype = loaded.still_code.restype = ctypes.c_size_t
    return loaded


class Coder:
    """One direction of a codec, by its payload type."""

    def __init__(self, still: ctypes.CDLL, kind: int, loss: int = 0) -> None:
        self._still, self.kind = still, kind
        self._codecs = ctypes.c_void_p(still.still_codecs(loss))
        self.rate = RATE[kind]

    def close(self) -> None:
        self._still.still_codecs_free(self._codecs)

    def encode(self, samples: Samples) -> bytes:
        out = (ctypes.c_uint8 * 2000)()
        data = np.ascontiguousarray(samples, dtype=np.int16)
        n = self._still.still_encode(
            self._codecs, CODEC[self.kind], self.rate, data.ctypes.data_as(ctypes.c_void_p), len(data), out
        )
        return bytes(out[:n])

    def decode(self, payload: bytes) -> Samples:
        out = np.zeros(5760, dtype=np.int16)
        n = self._still.still_decode(
            self._codecs,
            CODEC[self.kind],
            self.rate,
            payload,
            ctypes.c_size_t(len(payload)),
            out.ctypes.data_as(ctypes.c_void_p),
        )
        return out[:n]


@dataclass(frozen=True)
class Found:
    """What a detector told."""

    kind: str
    """key, tone, speech, reach"""
    port: int
    what: str
    """The key; cng, ced, beep; began, ended; lost, again"""
    at: float = 0.0
    inband: bool = False
    hertz: float = 0.0


@dataclass
class Sent:
    """A datagram on its way: when it arrives, in ns after the start."""

    at: int
    port: int
    data: bytes


class Still:
    """Ports with one party each; ids are 1, 2, …"""

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self.c = loaded
        self._engine = ctypes.c_void_p(loaded.still_new())
        self._sockets: dict[int, tuple[object, object]] = {}
        self._local: dict[int, int] = {}
        self._remote: dict[int, int] = {}
        self._rows: dict[int, tuple[int, ...]] = {}
        self.heard: dict[int, list[Packet]] = {}
        self.now = 0

    def close(self) -> None:
        self.c.still_free(self._engine)
        for both in self._sockets.values():
            for one in both:
                one.close()  # type: ignore[attr-defined]

    def port(
        self, send: int = PCMU, *, events: int = NONE, noise: bool = False, ptime: int = 20, press: str = ""
    ) -> int:
        """A party; gives its id."""
        number = len(self._local) + 1
        first, second = pair()
        self._sockets[number] = first, second
        self._remote[number] = first.getsockname()[1]
        self.heard[number] = []
        for _ in range(50):
            (self._local[number],) = free_ports(1)
            if self._put(number, send, events, noise, ptime, press, 0) == 0:
                break
        else:
            raise OSError("no port could be bound")
        return number

    def change(
        self,
        number: int,
        send: int = PCMU,
        *,
        events: int = NONE,
        noise: bool = False,
        ptime: int = 20,
        press: str = "",
        generation: int = 0,
    ) -> None:
        """Puts the party's row again."""
        assert self._put(number, send, events, noise, ptime, press, generation) == 0

    def _put(self, number: int, send: int, events: int, noise: bool, ptime: int, press: str, generation: int) -> int:
        result = self.c.still_port(
            self._engine,
            ctypes.c_int64(number),
            self._local[number],
            self._remote[number],
            send,
            events,
            int(noise),
            ptime,
            press.encode(),
            ctypes.c_int64(generation),
        )
        self.c.still_commit(self._engine)
        return int(result)

    def mix(self, links: Iterable[tuple[int, int, float]], number: int = 1000) -> None:
        """(listener, source, gain) each."""
        rows = list(links)
        listeners = (ctypes.c_int64 * len(rows))(*(row[0] for row in rows))
        sources = (ctypes.c_int64 * len(rows))(*(row[1] for row in rows))
        gains = (ctypes.c_double * len(rows))(*(row[2] for row in rows))
        self.c.still_mix(self._engine, ctypes.c_int64(number), listeners, sources, gains, len(rows))
        self.c.still_commit(self._engine)

    def bridge(self, *numbers: int) -> None:
        """Everyone hears everyone else."""
        self.mix((a, b, 1.0) for a in numbers for b in numbers if a != b)

    def run(self, until: int, datagrams: Sequence[Sent] = ()) -> None:
        """Time passes until `until` (ns); datagrams arrive in the order of their times."""
        for sent in sorted(datagrams, key=lambda one: one.at):
            self._step(max(sent.at, self.now), sent.port, sent.data)
        while self.now < until:
            self._step(min(until, self.now + 100 * MS), 0, b"")

    def _step(self, at: int, port: int, data: bytes) -> None:
        self.c.still_run(
            self._engine, ctypes.c_int64(at), ctypes.c_int64(port), self._remote.get(port, 0), data, len(data)
        )
        self.now = at
        self._read(at)

    def _read(self, at: int) -> None:
        for number, both in self._sockets.items():
            while True:
                try:
                    received = both[0].recv(2048)  # type: ignore[attr-defined]
                except (BlockingIOError, ConnectionRefusedError):
                    break
                self.heard[number].append(parse(received, at / 1e9))

    def detector(
        self, port: int, *, keys: bool = False, tones: bool = False, speech: bool = False, hangover: int = 60
    ) -> int:
        """A detector on the port; with other wishes for the same port it goes on."""
        number = 5000 + port
        ids = ctypes.c_int64(number), ctypes.c_int64(port)
        assert self.c.still_detector(self._engine, *ids, int(keys), int(tones), int(speech), hangover) == 0
        self.c.still_commit(self._engine)
        return number

    def drop(self, number: int) -> None:
        self.c.still_drop(self._engine, ctypes.c_int64(number))
        self.c.still_commit(self._engine)

    def found(self) -> list[Found]:
        """What detectors, keys and the parties' reports told since the last time."""
        figures = (ctypes.c_double * 5)()
        out = []
        while kind := self.c.still_next(self._engine, figures):
            said = int(figures[1])
            port, inband, at = int(figures[0]), bool(figures[2]), round(figures[3], 3)
            if kind == 2:
                out.append(Found("key", port, chr(said), inband=inband))
            elif kind == 7:
                out.append(Found("tone", port, ("", "cng", "ced", "beep")[said], at, hertz=figures[4]))
            elif kind == 8:
                out.append(Found("speech", port, "began" if said else "ended", at))
            elif kind in (11, 12):
                out.append(Found("reach", port, "lost" if kind == 11 else "again"))
        return out

    def play(self, at: Samples, ports: Samples, starts: Samples, sizes: Samples, data: bytes) -> None:
        """Many datagrams, in the order of their times (ns); what is sent meanwhile is not looked at."""
        remote = (ctypes.c_int32 * (max(self._remote) + 1))()
        for number, port in self._remote.items():
            remote[number] = port
        at, ports, starts, sizes = at.astype(np.int64), *(one.astype(np.int32) for one in (ports, starts, sizes))
        pointer = ctypes.c_void_p
        self.c.still_play(
            self._engine, len(at), pointer(at.ctypes.data), pointer(ports.ctypes.data), remote,
            pointer(starts.ctypes.data), pointer(sizes.ctypes.data), data,
        )  # fmt: skip
        self.now = int(at[-1])

    def report(self, port: int, data: bytes) -> None:
        """An RTCP packet of the party, now."""
        self.c.still_report(self._engine, ctypes.c_int64(port), self._remote[port], data, len(data))

    def listen(self, at: Samples, port: int, size: int, data: bytes) -> None:
        """Many datagrams of one size for one port, at rising times (ns); what is sent is read after each fifty."""
        for part in np.array_split(np.arange(len(at)), max(1, len(at) // 50)):
            self.play(at[part], np.full(len(part), port), part * size, np.full(len(part), size), data)
            self._read(int(at[part[-1]]))

    def recorder(self, left: int, right: int, *, running: bool = True, silent: bool = False, rate: int = 8000) -> None:
        """The one recorder of the test: made, or changed."""
        self.c.still_recorder(
            self._engine, ctypes.c_int64(RECORDER), ctypes.c_int64(left), ctypes.c_int64(right), running, silent, rate
        )

    def recorded(self, file: Samples) -> int:
        """Fills in what was recorded by now, at its place in `file` (frames x 2). Length of one that ended, or -1."""
        return int(self.c.still_recorded(self._engine, ctypes.c_void_p(file.ctypes.data), ctypes.c_int64(len(file))))

    def moment(self) -> tuple[int, int]:
        """How far the recording was (frames) and when (ns), as the writer was told last."""
        figures = (ctypes.c_int64 * 2)()
        self.c.still_moment(figures)
        return figures[0], figures[1]

    def end_recorder(self, file: Samples) -> int:
        """Drops it; the length of the file in frames."""
        self.drop(RECORDER)
        return self.recorded(file)

    def playout(self, number: int) -> dict[str, int]:
        """What the playout of this source has had to do."""
        figures = (ctypes.c_int64 * 6)()
        self.c.still_playout(self._engine, ctypes.c_int64(number), figures)
        return dict(zip(("late", "concealed", "stretched", "cut", "target", "hearing"), figures, strict=True))

    def player(self, file: Path, number: int = 3000) -> int:
        """A player of a sound file; gives its id, a source for a mix."""
        assert self.c.still_player(self._engine, ctypes.c_int64(number), str(file).encode()) == 0
        self.c.still_commit(self._engine)
        return number

    def figures(self) -> dict[str, int]:
        """Packets sent on, packets made by ticks, datagrams that were no RTP we take."""
        figures = (ctypes.c_int64 * 3)()
        self.c.still_figures(self._engine, figures)
        return dict(zip(("forwarded", "mixed", "invalid"), figures, strict=True))

    def audio(self, number: int, kind: int) -> Samples:
        """What the party heard, decoded one packet after the other as they came."""
        coder = Coder(self.c, kind)
        parts = [coder.decode(packet.payload) for packet in self.heard[number] if packet.type == kind]
        coder.close()
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)


def stream(
    still: Still,
    port: int,
    kind: int,
    samples: Samples,
    *,
    start: int = 0,
    ptime: int = 20,
    ppm: float = 0.0,
    sequence: int = 100,
    timestamp: int = 7000,
    ssrc: int = 77,
    fec: int = 0,
) -> list[Sent]:
    """Packets of a party that says `samples` (at the codec's rate) from `start` (ns) on, its clock off by `ppm`."""
    coder = Coder(still.c, kind, fec)
    frame, step = RATE[kind] * ptime // 1000, CLOCK[kind] * ptime // 1000
    out = []
    for number in range(len(samples) // frame):
        payload = coder.encode(samples[number * frame : (number + 1) * frame])
        head = header(kind, sequence + number, timestamp + number * step, ssrc, marker=number == 0)
        out.append(Sent(start + int(number * ptime * MS * (1 + ppm / 1e6)), port, head + payload))
    coder.close()
    return out


def sine(hertz: float, seconds: float, rate: int, amplitude: int = 8000) -> Samples:
    at = np.arange(int(seconds * rate))
    return (amplitude * np.sin(2 * np.pi * hertz * at / rate)).astype(np.int16)


def amplitude(samples: Samples, hertz: float, rate: int) -> float:
    """Of one frequency in the samples."""
    if len(samples) == 0:
        return 0.0
    at = np.arange(len(samples))
    return float(abs(np.sum(samples * np.exp(-2j * np.pi * hertz * at / rate))) * 2 / len(samples))
