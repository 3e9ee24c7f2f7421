"""Opus: as wide as what is heard; copies of lost packets (in-band FEC) are sent when the party reports loss, and used
when packets do not come."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.unit.media.rtcp import Block, receiver_report
from tests.unit.media.rtp import Packet, Samples
from tests.unit.media.still import L16, L16_8, L16_48, MS, OPUS, PCMU, RATE, Coder, Sent, Still, amplitude, sine, stream


def syllables(seconds: float, rate: int) -> Samples:
    """A voice whose pitch and loudness change all the time, so that what was lost cannot be guessed from before."""
    at = np.arange(int(seconds * rate)) / rate
    dice = np.random.default_rng(11)
    steps = np.repeat(dice.uniform(110, 260, int(seconds * 12) + 1), rate // 12)[: len(at)]
    loud = np.repeat(dice.uniform(0.2, 1, int(seconds * 12) + 1), rate // 12)[: len(at)]
    phase = 2 * np.pi * np.cumsum(steps) / rate
    wave = sum(np.sin(n * phase + n) / n for n in range(1, 14))
    smooth = np.convolve(loud, np.ones(rate // 200) / (rate // 200), mode="same")
    return (4500 * wave * smooth).astype(np.int16)


def spectrum_error(wanted: Samples, got: Samples, rate: int) -> float:
    """How far short-time spectra lie apart, dB, at the best delay."""

    def bands(sound: Samples) -> Samples:
        n = rate // 50
        parts = sound[: len(sound) // n * n].reshape(-1, n).astype(float) * np.hanning(n)
        power = np.abs(np.fft.rfft(parts, axis=1)[:, 1 : 3600 * n // rate]) ** 2
        return 10 * np.log10(
            power.reshape(len(parts), -1, 1)[:, : power.shape[1] // 4 * 4].reshape(len(parts), -1, 4).mean(2) + 1e4
        )

    best = 99.0
    for delay in range(0, rate // 8, rate // 1000):
        part = got[delay : delay + len(wanted)]
        if len(part) == len(wanted):
            best = min(best, float(np.abs(bands(wanted) - bands(part)).mean()))
    return best


def has_copy(still: Still, packets: list[Packet]) -> float:
    """In how many of the packets is one of the packet before ?"""
    return float(np.mean([still.c.still_opus_copy(p.payload, len(p.payload)) for p in packets]))


@pytest.mark.parametrize(("source", "wide"), [(L16_8, 4000), (L16, 8000), (L16_48, 20000)])
def test_what_is_sent_is_as_wide_as_what_is_heard(still: Still, source: int, wide: int) -> None:
    """Narrow, wide and full band, as the packets themselves say, and as they sound."""
    a, b = still.port(source), still.port(OPUS)
    still.mix([(b, a, 1.0)])
    dice = np.random.default_rng(5)
    said = dice.normal(0, 3000, RATE[source] * 2).astype(np.int16)
    still.run(2000 * MS, stream(still, a, source, said, ptime=10 if source == L16_48 else 20))
    configurations = {packet.payload[0] >> 3 for packet in still.heard[b][10:]}
    band = {0: 4000, 4: 6000, 8: 8000, 12: 12000, 14: 20000, 16: 4000, 20: 8000, 24: 12000, 28: 20000}
    said_bands = {band[max(start for start in band if start <= number)] for number in configurations}
    assert max(said_bands) == wide
    heard = still.audio(b, OPUS)[24000:]
    power = np.abs(np.fft.rfft(heard.astype(float))) ** 2
    hertz = np.fft.rfftfreq(len(heard), 1 / 48000)
    upper = power[(hertz > 0.7 * wide) & (hertz < 0.9 * wide)].mean()
    assert upper > 0.05 * power[(hertz > 300) & (hertz < 3000)].mean(), "up to there"
    assert power[hertz > 1.3 * wide].sum() < 0.01 * power.sum(), "and no further"


@pytest.mark.parametrize("source", [PCMU, L16, OPUS])
def test_copies_are_sent_while_the_party_reports_loss(still: Still, source: int) -> None:
    a, b = still.port(source), still.port(OPUS)
    still.mix([(b, a, 0.9)])
    packets = stream(still, a, source, syllables(9.0, RATE[source]))

    def shares(until: int) -> float:
        before = len(still.heard[b])
        start = still.now
        still.run(until * MS, [one for one in packets if start <= one.at < until * MS])
        return has_copy(still, still.heard[b][before + 25 :])

    def report(fraction: float) -> None:
        ssrc = still.heard[b][-1].ssrc
        block = Block(ssrc, int(fraction * 256), 40, still.heard[b][-1].sequence, 0, 0, 0)
        still.run(still.now, [Sent(still.now, b, receiver_report(99, block))])

    assert shares(3000) == 0, "nobody pays for copies on a line without loss"
    report(0.10)
    assert shares(6000) > 0.7
    report(0.0)
    assert shares(9000) < 0.05


@pytest.mark.parametrize("percent", [5, 10])
def test_a_lost_packet_is_heard_from_its_copy_in_the_next(still: Still, percent: int) -> None:
    said = syllables(8.0, 48000)

    def error(fec: int) -> float:
        a, b = still.port(OPUS), still.port(L16)
        still.mix([(b, a, 1.0)], number=1000 + a)
        start, dice = still.now, random.Random(3)
        packets = stream(still, a, OPUS, said, fec=fec, start=start, ssrc=a)
        kept = [p for number, p in enumerate(packets) if number < 50 or dice.random() * 100 > percent]
        still.run(start + 8200 * MS, kept)
        clean = Coder(still.c, OPUS, fec)
        decoded = np.concatenate([clean.decode(p.data[12:]) for p in packets])[::3]
        clean.close()
        return spectrum_error(decoded[16000:112000], still.audio(b, L16)[16000:], 16000)

    without, copied = error(0), error(25)
    assert copied < 0.7 * without, f"{copied:.2f} dB with copies, {without:.2f} without"


def test_a_tone_of_nine_kilohertz_is_heard_through_a_conference(still: Still) -> None:
    a, b, c = still.port(OPUS), still.port(OPUS), still.port(OPUS)
    still.bridge(a, b, c)
    said = sine(9000, 1.0, 48000, 5000) + sine(600, 1.0, 48000, 5000)
    still.run(1000 * MS, stream(still, a, OPUS, said))
    for party in (b, c):
        assert amplitude(still.audio(party, OPUS)[16000:], 9000, 48000) > 2500
