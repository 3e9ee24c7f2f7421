"""The measuring process behind `waveforms`: `python -m appliance.web.peaks FILE POINTS` prints a waveform as JSON.

It makes itself nice so that no call waits for it, and imports next to nothing so that it starts at once.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from appliance.media.wav import PCM, WavError, WavLayout, read_layout

BLOCK_FRAMES = 16384


def measure(path: Path, points: int) -> list[list[float]]:
    """The largest amplitude (0..1) of each of at most `points` equal stretches, a list a channel.

    The header's sizes are not trusted, as the file may still grow. Raises WavError, OSError.
    """
    with path.open("rb") as file:
        layout = read_layout(file)
        if (layout.tag, layout.bits) != (PCM, 16):
            raise WavError("only 16-bit PCM has a waveform")
        frames = max(0, os.fstat(file.fileno()).st_size - layout.data_offset) // layout.block
        stretch = max(1, -(-frames // points))
        file.seek(layout.data_offset)
        peaks: list[list[float]] = [[] for _ in range(layout.channels)]
        for start in range(0, frames, stretch):
            loudest = [0] * layout.channels
            for block in _blocks(file, layout, min(stretch, frames - start)):
                for channel in range(layout.channels):
                    one = block[channel :: layout.channels]
                    loudest[channel] = max(loudest[channel], max(one), -min(one))
            for values, value in zip(peaks, loudest, strict=True):
                values.append(round(value / 32768, 4))
    return peaks


def _blocks(file: BinaryIO, layout: WavLayout, frames: int) -> Iterator[array[int]]:
    """The next `frames` frames of the file, in blocks of whole frames."""
    while frames > 0:
        data = file.read(min(frames, BLOCK_FRAMES) * layout.block)
        data = data[: len(data) // layout.block * layout.block]
        if not data:
            return
        block: array[int] = array("h", data)
        if sys.byteorder == "big":
            block.byteswap()
        frames -= len(data) // layout.block
        yield block


def main() -> None:
    """Exit 1 with the reason on standard error when the file cannot be measured."""
    os.nice(15)
    try:
        print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2])), separators=(",", ":")))
    except (WavError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
