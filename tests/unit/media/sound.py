"""Measures sound in tests."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

from appliance.media import wav


def sine(frequency: float, seconds: float, amplitude: float = 0.5, rate: int = 8000) -> array[float]:
    return array("d", (amplitude * math.sin(2 * math.pi * frequency * n / rate) for n in range(round(seconds * rate))))


def power_at(samples: array[float], frequency: float, rate: int = 8000) -> float:
    """Power of one frequency in dB against a full-scale sine (a single bin of the Fourier transform)."""
    turn = 2 * math.pi * frequency / rate
    real = sum(value * math.cos(turn * n) for n, value in enumerate(samples))
    imaginary = sum(value * math.sin(turn * n) for n, value in enumerate(samples))
    amplitude = 2 * math.hypot(real, imaginary) / len(samples)
    return 20 * math.log10(max(amplitude, 1e-10))


def peak_db(samples: array[float]) -> float:
    return 20 * math.log10(max(max(samples), -min(samples), 1e-10))


def load(path: str | Path) -> array[float]:
    samples, rate = wav.read_mono(Path(path))
    assert rate == 8000
    return samples
