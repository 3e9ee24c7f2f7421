"""Voice quality by PESQ (ITU-T P.862): reference speech through each path of the engine, under loss and jitter, beside
the codecs alone with the same packets lost and no network at all. `python -m tests.bench.quality [FILE]` writes the
table.

The engine runs on a clock of its own (tests/unit/media/still.py), so that a minute of speech takes a second and the
same network is met each time. Speech is synthesised by the box's own voice; PESQ comes from PyPI `pesq`, a development
tool.
"""

from __future__ import annotations

import ctypes
import random
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pesq import pesq

from appliance.media import speech_worker
from tests.unit.media.engine_box import write_wav
from tests.unit.media.rtp import Samples
from tests.unit.media.still import (
    CODEC,
    G722,
    L16,
    L16_8,
    MS,
    OPUS,
    PCMA,
    PCMU,
    RATE,
    Sent,
    Still,
    library,
    stream,
)

TEXTS = (
    "Please hold the line. Your call is important to us, and the next free agent will answer it.",
    "A rod is used to catch pink salmon. The source of the huge river is the clear spring.",
    "Kick the ball straight and follow through. Help the woman get back to her feet.",
)
LOSSES, JITTERS = (0, 1, 3, 5), (0, 20, 50)
MOST_WORSE = 0.1
"""What a path may cost against the codecs alone."""
SEEDS, WARM = 3, 8
"""Patterns of loss; seconds of speech before what is scored."""
REPORTED = 10
"""Percent of loss that the party who speaks Opus knows of; the engine's own listener lost nothing."""


FILE = 254
"""As a source: a prompt; as a target: a recording at the source's own rate, 16 kHz at most."""


class Route(NamedTuple):
    """One way through the engine."""

    name: str
    source: int
    target: int
    crowd: bool = False
    """In a sum with a silent third party."""


PATHS = (
    Route("G.711 received", PCMU, L16_8),
    Route("G.722 received", G722, L16),
    Route("Opus received", OPUS, L16),
    Route("G.711 to G.711, conference", PCMU, PCMA, True),
    Route("G.722 to G.722, conference", G722, G722, True),
    Route("Opus to Opus, conference", OPUS, OPUS, True),
    Route("G.722 to G.711", G722, PCMU),
    Route("G.711 to G.722", PCMU, G722),
    Route("Opus to G.711", OPUS, PCMU),
    Route("G.711 to Opus", PCMU, OPUS),
    Route("G.722 to Opus", G722, OPUS),
    Route("Opus to G.722", OPUS, G722),
    Route("prompt to G.711", FILE, PCMU),
    Route("prompt to G.722", FILE, G722),
    Route("prompt to Opus", FILE, OPUS),
    Route("G.711 recorded", PCMU, FILE),
    Route("G.722 recorded", G722, FILE),
    Route("Opus recorded", OPUS, FILE),
)


def at_rate(samples: Samples, rate: int, target: int) -> Samples:
    """Exactly resampled, for a reference: the spectrum cut or filled with nothing."""
    length = len(samples) * target // rate
    spectrum = np.fft.rfft(samples.astype(float))
    keep = np.zeros(length // 2 + 1, dtype=complex)
    n = min(len(keep), len(spectrum))
    keep[:n] = spectrum[:n]
    return np.clip(np.fft.irfft(keep, length) * length / len(samples), -32768, 32767).astype(np.int16)


def spoken() -> Samples:
    """The sentences at 48 kHz and telephone level, one second of silence between them."""
    parts = [np.zeros(24000, dtype=np.int16)]
    for text in TEXTS:
        samples, rate = speech_worker._english(text)
        sound = at_rate((np.asarray(samples) * 32767).astype(np.int16), rate, 48000)
        parts += [sound, np.zeros(48000, dtype=np.int16)]
    whole = np.concatenate(parts).astype(float)
    whole *= 32768 * 10 ** (-26 / 20) / np.sqrt((whole[np.abs(whole) > 300] ** 2).mean())
    whole = whole[: len(whole) // 960 * 960]
    # A room is never quite silent, and PESQ knows no perfect silence.
    noise = np.random.default_rng(1).normal(0, 6, len(whole))
    return np.clip(whole + noise, -32768, 32767).astype(np.int16)


class Bench:
    """The engine, the speech, and what was measured."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.still = library(folder)
        self.whole = spoken()
        self.speech = {rate: at_rate(self.whole, 48000, rate) for rate in (8000, 16000)} | {48000: self.whole}

    def score(self, rate: int, got: Samples) -> float:
        mode = "nb" if rate == 8000 else "wb"
        return float(pesq(rate, self.speech[rate], got[: len(self.speech[rate])], mode))

    # --- the codecs alone
    def _resampled(self, samples: Samples, rate: int, target: int) -> Samples:
        if rate == target:
            return samples
        out = np.zeros(len(samples) * target // rate + 1000, dtype=np.int16)
        made = self.still.still_resample(
            out.ctypes.data_as(ctypes.c_void_p),
            target,
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(samples)),
            rate,
        )
        return out[:made]

    def _coded(self, samples: Samples, kind: int, rate: int, lost: bytes | None) -> Samples:
        if kind in (L16, L16_8, FILE):
            return samples
        out = np.zeros(len(samples) + 6000, dtype=np.int16)
        made = self.still.still_code(
            CODEC[kind],
            rate,
            rate // 50,
            out.ctypes.data_as(ctypes.c_void_p),
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(samples)),
            lost,
            0 if lost is None else REPORTED,
        )
        return out[:made]

    def alone(self, path: Route, lost: bytes) -> float:
        """Both codecs one after the other; what is lost is concealed as it is in the engine."""
        rate, first = pesq_rate(path), source_rate(path)
        # Opus is coded at the rate of what is heard: to have more of it would be another codec.
        second = first if path.target in (OPUS, FILE) else RATE[path.target]
        heard = self._coded(self.speech[first].copy(), path.source, first, lost)
        through = self._coded(self._resampled(heard, first, second), path.target, second, None)
        return self.score(rate, at_rate(through, second, rate))

    # --- through the engine
    def through(self, path: Route, lost: bytes, jitter: int, seed: int) -> float:
        still = Still(self.still)
        try:
            return self.score(pesq_rate(path), self._heard(still, path, lost, jitter, seed))
        finally:
            still.close()

    def _heard(self, still: Still, path: Route, lost: bytes, jitter: int, seed: int) -> Samples:
        speech = self.speech[source_rate(path)]
        said = np.concatenate([speech[: WARM * source_rate(path)], speech])
        seconds, rate = len(said) / source_rate(path), pesq_rate(path)
        until = int(seconds * 1e9) + 500 * MS
        if path.source == FILE:
            b = still.port(path.target)
            still.mix([(b, still.player(self._prompt(said)), 1.0)])
            still.run(until)
            return self._from(still, b, path, 0.0)
        a = still.port(path.source)
        if path.target == FILE:
            file = np.zeros((int(seconds + 2) * rate, 2), dtype=np.int16)
            still.recorder(a, still.port(PCMU), rate=rate)
            packets = self._packets(still, a, path, said, lost, jitter, seed)
            for second in range(1, until // 10**9 + 1):  # the disk has ten seconds
                still.run(second * 10**9, [p for p in packets if (second - 1) * 10**9 <= p.at < second * 10**9])
                still.recorded(file)
            still.end_recorder(file)
            return np.ascontiguousarray(file[WARM * rate :, 0])
        b = still.port(path.target)
        still.mix([(b, a, 1.0), *([(b, still.port(PCMU), 1.0)] if path.crowd else [])])
        still.run(until, self._packets(still, a, path, said, lost, jitter, seed))
        return self._from(still, b, path, still.heard[b][0].at)

    def _prompt(self, said: Samples) -> Path:
        write_wav(self.folder / "prompt.wav", said)
        return self.folder / "prompt.wav"

    @staticmethod
    def _packets(still: Still, a: int, path: Route, said: Samples, lost: bytes, jitter: int, seed: int) -> list[Sent]:
        dice = random.Random(seed)
        return [
            Sent(p.at + int(dice.uniform(0, jitter) * MS), p.port, p.data)
            for number, p in enumerate(stream(still, a, path.source, said, fec=REPORTED))
            if number < WARM * 50 or not lost[number - WARM * 50]
        ]

    @staticmethod
    def _from(still: Still, b: int, path: Route, begin: float) -> Samples:
        target = RATE[path.target]
        return at_rate(still.audio(b, path.target)[int((WARM - begin) * target) :], target, pesq_rate(path))


def source_rate(path: Route) -> int:
    """Prompts have 8 kHz."""
    return 8000 if path.source == FILE else RATE[path.source]


def pesq_rate(path: Route) -> int:
    """Wide where both ends are."""
    return min(16000, source_rate(path), source_rate(path) if path.target == FILE else RATE[path.target])


def measured(bench: Bench) -> tuple[list[str], int]:
    """Rows of the table, and how many cells cost more than they may."""
    rows, bad = [], 0
    for path in PATHS:
        for loss in LOSSES:
            cells, alone = dict.fromkeys(JITTERS, 0.0), 0.0
            if loss and path.source == FILE:
                continue
            seeds = SEEDS if loss else 1
            for seed in range(seeds):
                dice = random.Random(1000 * loss + seed)
                lost = bytes(dice.random() * 100 < loss for _ in range(len(bench.whole) // 960)) + b"\0"
                alone += bench.alone(path, lost) / seeds
                for jitter in JITTERS:
                    cells[jitter] += bench.through(path, lost, jitter, seed) / seeds
            marks = [
                f"{score:.2f}{' **-' + format(alone - score, '.2f') + '**' if alone - score > MOST_WORSE else ''}"
                for score in cells.values()
            ]
            bad += sum(alone - score > MOST_WORSE for score in cells.values())
            band = "nb" if pesq_rate(path) == 8000 else "wb"
            rows.append(f"| {path.name} ({band}) | {loss} % | {alone:.2f} | " + " | ".join(marks) + " |")
            print(rows[-1], flush=True)
    return rows, bad


def main() -> None:
    """Prints the table, and writes it where a file is named."""
    with tempfile.TemporaryDirectory(prefix="hako-quality-") as folder:
        rows, bad = measured(Bench(Path(folder)))
    head = "| path | lost | codecs alone | " + " | ".join(f"{jitter} ms jitter" for jitter in JITTERS) + " |"
    table = "\n".join([head, "|" + "---|" * (3 + len(JITTERS)), *rows])
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        page.write_text(page.read_text().partition("| path |")[0] + table + "\n" if page.exists() else table + "\n")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
