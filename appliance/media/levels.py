"""Brings sound to what a telephone carries: 8 kHz, 300-3400 Hz, a level at which nobody turns the volume.

Levels are in dB against full scale: dBov, 0 dBov is the power of a full-scale square wave (ITU-T G.100.1), so a
full-scale sine has -3.01 dBov; it is +3.14 dBm0 in A-law (ITU-T G.711). Plain Python, since the core box has no numpy;
where numpy is there (it comes with Japanese speech) long sounds are resampled with it. For helper processes.
"""

from __future__ import annotations

import math
from array import array
from functools import lru_cache
from itertools import pairwise
from operator import mul

from appliance.media.wav import RATE

SPEECH_LEVEL = -20.0
"""Active level of spoken prompts, dBov."""
PEAK = 10 ** (-3.5 / 20)
"""No sample of a prompt goes beyond this; -3.5 dBFS leaves room for the rounding of G.711."""
MARGIN = 15.9
"""A frame this many dB under the active level is a pause (ITU-T P.56, margin M)."""
_FRAME = RATE // 50
_PHASES = 320
_NUMPY_FROM = 20_000


def decibel(power: float) -> float:
    """Ten times the logarithm, -200 for nothing at all."""
    return 10 * math.log10(power) if power > 1e-20 else -200.0


def level(samples: array[float]) -> float:
    """Mean power, dBov."""
    return decibel(sum(map(mul, samples, samples)) / len(samples)) if samples else -200.0


def active_level(samples: array[float]) -> float:
    """Level of speech without its pauses, dBov: the idea of ITU-T P.56 method B on 20 ms frames.

    The mean power of the frames that lie no more than 15.9 dB under that mean, found by iteration.
    """
    powers = []
    for start in range(0, len(samples), _FRAME):
        frame = samples[start : start + _FRAME]
        powers.append(sum(map(mul, frame, frame)) / len(frame))
    mean = sum(powers) / len(powers) if powers else 0.0
    for _ in range(20):
        floor = mean * 10 ** (-MARGIN / 10)
        active = [power for power in powers if power > floor]
        if not active:
            break
        before, mean = mean, sum(active) / len(active)
        if mean <= before * 1.001:
            break
    return decibel(mean)


def to_speech_level(samples: array[float], target: float = SPEECH_LEVEL) -> array[float]:
    """Scaled so that the active level is `target` dBov and no peak is beyond `PEAK`. Silence stays silence."""
    present = active_level(samples)
    if present < -80:
        return samples
    for _ in range(3):
        gain = 10 ** ((target - present) / 20)
        samples = limit(array("d", (value * gain for value in samples)))
        present = active_level(samples)
        if abs(present - target) < 0.2:
            break
    return samples


def limit(samples: array[float], ceiling: float = PEAK) -> array[float]:
    """Turns down the 5 ms around each peak beyond `ceiling`, with ramps, so that nothing is cut off audibly."""
    block = RATE // 200
    needed = []
    for start in range(0, len(samples), block):
        part = samples[start : start + block]
        highest = max(max(part), -min(part))
        needed.append(ceiling / highest if highest > ceiling else 1.0)
    if not needed or min(needed) >= 1.0:
        return samples
    # The gain at a block's edge is the lower of the two blocks; between edges it runs straight, so never above needed.
    edges = [needed[0], *(min(left, right) for left, right in pairwise(needed)), needed[-1]]
    rise = 0.05
    for index in range(1, len(edges)):
        edges[index] = min(edges[index], edges[index - 1] + rise)
    for index in range(len(edges) - 2, -1, -1):
        edges[index] = min(edges[index], edges[index + 1] + rise)
    result = array("d")
    for index, start in enumerate(range(0, len(samples), block)):
        first, slope = edges[index], (edges[index + 1] - edges[index]) / block
        part = samples[start : start + block]
        result.extend(value * (first + slope * offset) for offset, value in enumerate(part))
    return result


def high_pass(samples: array[float], corner: float, rate: int = RATE, run_up: int = 0) -> array[float]:
    """Second-order Butterworth; takes away DC and rumble that no telephone plays but that would count as level.

    `run_up`: so many samples of the end are heard first, for sounds that loop.
    """
    return _biquad(samples, *_butterworth(corner, rate, high=True), run_up)


def low_pass(samples: array[float], corner: float, rate: int = RATE, run_up: int = 0) -> array[float]:
    """Second-order Butterworth, as `high_pass`."""
    return _biquad(samples, *_butterworth(corner, rate, high=False), run_up)


def _butterworth(corner: float, rate: int, high: bool) -> tuple[float, float, float, float, float]:
    """Coefficients b0 b1 b2 a1 a2 by the bilinear transform (Q = 1/√2)."""
    k = math.tan(math.pi * corner / rate)
    norm = 1 / (1 + math.sqrt(2) * k + k * k)
    b0, b1 = (norm, -2 * norm) if high else (k * k * norm, 2 * k * k * norm)
    return b0, b1, b0, 2 * (k * k - 1) * norm, (1 - math.sqrt(2) * k + k * k) * norm


def _biquad(samples: array[float], b0: float, b1: float, b2: float, a1: float, a2: float, run_up: int) -> array[float]:
    first = second = 0.0
    result = array("d")
    append = result.append
    for value in samples[len(samples) - run_up :] if run_up else ():
        out = b0 * value + first
        first, second = b1 * value - a1 * out + second, b2 * value - a2 * out
    for value in samples:
        out = b0 * value + first
        first, second = b1 * value - a1 * out + second, b2 * value - a2 * out
        append(out)
    return result


def trim(samples: array[float], keep: float = 0.1, floor: float = 10 ** (-45 / 20)) -> array[float]:
    """Cuts or adds silence so that `keep` seconds stand before the first and after the last sound above `floor`."""
    beyond = [index for index, value in enumerate(samples) if value > floor or value < -floor]
    if not beyond:
        return array("d")
    pad = int(keep * RATE)
    start, end = beyond[0] - pad, beyond[-1] + 1 + pad
    result = array("d", bytes(8 * max(0, -start)))
    result.extend(samples[max(0, start) : end])
    result.extend(array("d", bytes(8 * max(0, end - len(samples)))))
    fade = RATE // 200
    for index in range(min(fade, len(result))):
        result[index] *= index / fade
        result[-1 - index] *= index / fade
    return result


# --- sampling rate ---
def resample(samples: array[float], rate: int) -> array[float]:
    """From `rate` to 8 kHz through a Kaiser-windowed low-pass (3.4 kHz kept, 60 dB down at 4 kHz)."""
    if rate == RATE:
        return samples
    common = math.gcd(rate, RATE)
    up, down = RATE // common, rate // common
    phases = min(up, _PHASES)
    half, taps = _polyphase(rate, phases)
    padded = array("d", bytes(8 * half)) + samples + array("d", bytes(8 * (half + 1)))
    count = len(samples) * up // down
    if len(samples) >= _NUMPY_FROM:
        try:
            return _resample_numpy(padded, taps, up, down, phases, count)
        except ImportError:
            pass
    width = 2 * half + 1
    result = array("d")
    append = result.append
    for index in range(count):
        base, rest = divmod(index * down, up)
        append(sum(map(mul, padded[base : base + width], taps[rest * phases // up])))
    return result


@lru_cache(maxsize=4)
def _polyphase(rate: int, phases: int) -> tuple[int, list[array[float]]]:
    """Half width in input samples, and for each fraction of an input sample the filter that hits it (sum 1)."""
    corner, band = min(3700.0, 0.4625 * rate), min(600.0, 0.075 * rate)
    attenuation = 60.0
    beta = 0.1102 * (attenuation - 8.7)
    half = math.ceil((attenuation - 8) / (2.285 * 2 * math.pi * band / rate) / 2)
    turn = 2 * math.pi * corner / rate
    filters = []
    for phase in range(phases):
        row = array("d")
        for tap in range(-half, half + 1):
            t = tap - phase / phases
            inside = 1 - (t / (half + 1)) ** 2
            window = _bessel(beta * math.sqrt(inside)) if inside > 0 else 0.0
            row.append(window * (math.sin(turn * t) / t if t else turn))
        total = sum(row)
        filters.append(array("d", (value / total for value in row)))
    return half, filters


def _bessel(x: float) -> float:
    """Modified Bessel function of the first kind, order 0, by its series."""
    total = term = 1.0
    for k in range(1, 40):
        term *= (x / (2 * k)) ** 2
        total += term
        if term < 1e-12 * total:
            break
    return total


def _resample_numpy(
    padded: array[float], taps: list[array[float]], up: int, down: int, phases: int, count: int
) -> array[float]:
    import numpy

    source = numpy.frombuffer(padded, dtype=numpy.float64)
    rows = numpy.array([list(row) for row in taps])
    windows = numpy.lib.stride_tricks.sliding_window_view(source, rows.shape[1])
    result = numpy.empty(count)
    for start in range(0, count, 2048):
        steps = numpy.arange(start, min(start + 2048, count), dtype=numpy.int64) * down
        picked = rows[(steps % up) * phases // up]
        result[start : start + len(steps)] = numpy.einsum("ij,ij->i", windows[steps // up], picked)
    return array("d", result.tobytes())
