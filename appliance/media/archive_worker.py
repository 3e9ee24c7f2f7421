"""The helper that turns a finished recording into Opus: `python -m appliance.media.archive_worker FILE.wav`.

Started for one file by `app.archive` and niced by it; opus-tools (Xiph's own) do the coding. `FILE.opus` appears whole
and on the disk, or not at all, and only after it was decoded again and found to be the same conversation: the same
length, and on each side the same loudness all along. The WAV file is not touched. Prints a line of JSON; exit status 1
with the reason on standard error when the file must stay a WAV.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import subprocess
import sys
from array import array
from collections.abc import Callable
from operator import mul
from pathlib import Path
from typing import BinaryIO, NamedTuple

from appliance.errors import HakoError
from appliance.media import opus
from appliance.media.recordings import duration
from appliance.media.wav import PCM, little_endian, read_layout

BITRATES = {8000: 40, 16000: 40}
"""kbit/s of both sides together. With 32, where both speak at once, libopus may give up keeping the two sides apart."""
PART = ".opus.part"
"""Of a file that is being made."""
BLOCKS = 10
"""Stretches a second whose loudness is compared."""
POINTS = 1000
"""Of the waveform, at most."""
_QUIET = 20.0
"""Of 32768: a side whose sound is below is silent."""
_LOUDER = 1.26
"""2 dB."""
_ALIKE = 0.95
"""Correlation of loudness; a good file has 0.999, one with its sides mixed up or merged 0.6."""


class NotArchived(HakoError):
    """The file stays a WAV; the message says why."""


class Levels(NamedTuple):
    """How loud a stereo sound is, stretch by stretch."""

    frames: int
    loudness: tuple[list[float], list[float]]
    """Root mean square of each stretch, a list a side."""
    peaks: tuple[list[float], list[float]]
    """Highest magnitude 0..1."""


def measure(read: Callable[[int], bytes], rate: int) -> Levels:
    """Of 16-bit stereo samples; `read(n)` gives the next n bytes, less only at the end."""
    loudness: tuple[list[float], list[float]] = ([], [])
    peaks: tuple[list[float], list[float]] = ([], [])
    frames = 0
    size = rate // BLOCKS * 4
    while data := read(size):
        values = little_endian("h", data[: len(data) // 4 * 4])
        n = len(values) // 2
        frames += n
        for side in (0, 1) if n else ():
            lane: array[int] = values[side::2]
            loudness[side].append(math.sqrt(sum(map(mul, lane, lane)) / n))
            peaks[side].append(max(max(lane), -min(lane)) / 32768)
        if len(data) < size:
            break
    return Levels(frames, loudness, peaks)


def difference(before: Levels, after: Levels, rate: int) -> str:
    """What is not the same; empty: it is the same conversation."""
    if abs(before.frames - after.frames) > rate // 50:
        return f"it is {after.frames / rate:.2f} s long instead of {before.frames / rate:.2f} s"
    for name, old, new in zip(("left", "right"), before.loudness, after.loudness, strict=True):
        n = min(len(old), len(new))
        was, is_now = (math.sqrt(sum(map(mul, one[:n], one[:n])) / max(1, n)) for one in (old, new))
        if was < _QUIET:
            if is_now > 2 * _QUIET:
                return f"the {name} side was silent and is not"
        elif not 1 / _LOUDER < is_now / was < _LOUDER:
            return f"the {name} side has another loudness"
        elif _varies(old[:n]) and _correlation(old[:n], new[:n]) < _ALIKE:
            return f"the {name} side says something else"
    return ""


def _varies(values: list[float]) -> bool:
    """Whether there are louder and softer stretches; an even tone correlates with anything."""
    mean = sum(values) / max(1, len(values))
    return len(values) >= 2 * BLOCKS and math.sqrt(sum((one - mean) ** 2 for one in values) / len(values)) > mean / 5


def _correlation(a: list[float], b: list[float]) -> float:
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    spread = math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))
    return sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True)) / spread if spread else 0.0


def waveform_tag(levels: Levels) -> str:
    """The peaks, joined to at most `POINTS` equal stretches."""
    count = len(levels.peaks[0])
    points = min(POINTS, count)
    lanes = [
        [max(lane[count * point // points : count * (point + 1) // points]) for point in range(points)]
        for lane in levels.peaks
    ]
    return opus.peaks_tag(lanes)


def archive(path: Path) -> Path:
    """Makes the Opus file of a WAV file beside it; gives its path. Raises NotArchived, WavError, OSError."""
    done, part = path.with_suffix(".opus"), path.with_suffix(PART)
    try:
        _make(path, part)
        part.replace(done)
    finally:
        # A disk that was full of it has its room back.
        part.unlink(missing_ok=True)
    folder = os.open(done.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return done


def _make(path: Path, part: Path) -> None:
    """Makes `part`, and verifies that it is the same conversation and on the disk."""
    with path.open("rb") as file:
        layout = read_layout(file)
        if (layout.tag, layout.channels, layout.bits) != (PCM, 2, 16) or layout.rate not in BITRATES:
            raise NotArchived("it is no recording of ours")
        left = round(duration(path) * layout.rate) * layout.block
        begin = file.tell()
        before = measure(_at_most(file, left), layout.rate)
        file.seek(begin)
        if not before.frames:
            raise NotArchived("there is no sound in it")
        encode = ["opusenc", "--quiet", "--speech", "--bitrate", str(BITRATES[layout.rate])]
        encode += ["--comment", f"DESCRIPTION={_comment(path)}", "--comment", f"{opus.PEAKS}={waveform_tag(before)}"]
        encode += ["--raw", "--raw-chan", "2", "--raw-rate", str(layout.rate), "-", str(part)]
        _pipe(encode, _at_most(file, left))
    part.chmod(0o600)
    decode = ["opusdec", "--quiet", "--no-dither", "--rate", str(layout.rate), str(part), "-"]
    with subprocess.Popen(decode, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        after = measure(process.stdout.read, layout.rate)
    wrong = difference(before, after, layout.rate) if process.returncode == 0 else "it cannot be decoded"
    if not wrong and abs(opus.read(part).seconds - before.frames / layout.rate) > 0.02:
        wrong = "its length is not what it says"
    if wrong:
        raise NotArchived(f"as Opus it was not the same: {wrong}")
    with part.open("rb") as made:
        os.fsync(made.fileno())


def _at_most(file: BinaryIO, most: int) -> Callable[[int], bytes]:
    left = most

    def read(size: int) -> bytes:
        nonlocal left
        data = file.read(min(size, left))
        left -= len(data)
        return data

    return read


def _pipe(command: list[str], read: Callable[[int], bytes]) -> None:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        try:
            while data := read(64 * 1024):
                process.stdin.write(data)
            process.stdin.close()
        except BrokenPipeError:
            pass
        said = process.stderr.read(2000).decode("utf-8", "replace").strip()
    if process.returncode:
        raise NotArchived(f"opusenc failed: {said[-200:] or process.returncode}")


def _comment(path: Path) -> str:
    """Call and leg, as the engine wrote them into the header (ICMT)."""
    with path.open("rb") as file:
        head = file.read(256)
    at = head.find(b"ICMT")
    return head[at + 8 :].split(b"\0")[0].decode("ascii", "replace") if at > 0 else ""


def main() -> None:
    """One file, unless another helper is at work in the same recordings folder."""
    path, lock = Path(sys.argv[1]), Path(sys.argv[2])
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            done = archive(path)
        except BlockingIOError:
            sys.exit("another helper is at work")
        except (HakoError, OSError) as error:
            sys.exit(str(error))
    print(json.dumps({"bytes": done.stat().st_size, "before": path.stat().st_size}))


if __name__ == "__main__":
    main()
