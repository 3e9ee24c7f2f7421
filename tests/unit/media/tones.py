"""Telephone tones for tests, made from their definitions alone (ITU-T Q.23, T.30), and noise to put under them."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.media.rtp import RATE, Samples

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")


def amplitude(dbm0: float) -> float:
    """Of a sine with this level; a full-scale one has +3.14 dBm0 (G.711)."""
    return 32767 * 10 ** ((dbm0 - 3.14) / 20)


def sine(hertz: float, seconds: float, dbm0: float = -10.0) -> Samples:
    at = np.arange(round(seconds * RATE))
    return (amplitude(dbm0) * np.sin(2 * math.pi * hertz * at / RATE)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def key(digit: str, seconds: float = 0.07, dbm0: float = -10.0, twist: float = 0.0, off: float = 0.0) -> Samples:
    """A key; `twist`: how much louder the high tone is, dB; `off`: error of both frequencies, of the whole."""
    row = next(number for number, keys in enumerate(KEYS) if digit in keys)
    column = KEYS[row].index(digit)
    low = sine(LOW[row] * (1 + off), seconds, dbm0 - twist / 2)
    return low + sine(HIGH[column] * (1 + off), seconds, dbm0 + twist / 2)


def keys(digits: str, seconds: float = 0.07, pause: float = 0.07, **how: float) -> Samples:
    """Keys one after the other, with quiet around them."""
    parts = [silence(0.2)]
    for digit in digits:
        parts += [key(digit, seconds, **how), silence(pause)]
    return np.concatenate([*parts, silence(0.3)])


def noisy(samples: Samples, dbm0: float, seed: int = 1) -> Samples:
    """With white noise of this level under it."""
    spread = amplitude(dbm0) / math.sqrt(2)
    noise = np.random.default_rng(seed).normal(0, spread, len(samples))
    return np.clip(samples + noise, -32768, 32767).astype(np.int16)


def answer_tone(seconds: float, dbm0: float = -12.0, *, modem: bool = False) -> Samples:
    """2100 Hz; of a modem (ANSam, V.8) with 15 Hz amplitude modulation and a phase reversal each 450 ms."""
    at = np.arange(round(seconds * RATE))
    wave = np.sin(2 * math.pi * 2100 * at / RATE)
    if modem:
        wave *= 1 + 0.2 * np.sin(2 * math.pi * 15 * at / RATE)
        wave *= np.where((at // round(0.45 * RATE)) % 2, -1, 1)
    return (amplitude(dbm0) * wave).astype(np.int16)
