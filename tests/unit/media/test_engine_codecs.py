"""Codecs against each other: who is forwarded, who is transcoded, and what is left of the sound."""

from __future__ import annotations

import ctypes
import hashlib

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, continuous
from tests.unit.media.still import (
    CLOCK,
    CN,
    G722,
    L16,
    L16_8,
    L16_48,
    MS,
    OPUS,
    PCMA,
    PCMU,
    RATE,
    Coder,
    Sent,
    Still,
    amplitude,
    sine,
    stream,
)

MIX, ONE = 2, 1
KINDS = [PCMU, PCMA, G722, OPUS, L16, L16_48, L16_8]


def snr(wanted: Samples, got: Samples, most_delay: int) -> float:
    """Signal to noise in dB at the best delay."""
    body = wanted[2000:-2000].astype(float)
    best = -99.0
    for delay in range(most_delay):
        part = got[2000 + delay : 2000 + delay + len(body)].astype(float)
        if len(part) == len(body):
            best = max(best, 10 * np.log10((body**2).sum() / (((body - part) ** 2).sum() + 1)))
    return best


def test_g722_gives_the_bits_of_the_recommendation(loaded: ctypes.CDLL) -> None:
    """The sum was made with an independent coder of the Recommendation (bit for bit the same)."""
    seconds = np.arange(48000) / 16000
    said = 8000 * np.sin(2 * np.pi * 440 * seconds) + 6000 * np.sin(2 * np.pi * 5100 * seconds)
    coder = Coder(loaded, G722)
    coded = b"".join(coder.encode(part) for part in np.split(said.astype(np.int16), 150))
    heard = np.concatenate([coder.decode(coded[at : at + 160]) for at in range(0, len(coded), 160)])
    coder.close()
    assert len(coded) == 24000 and hashlib.sha256(coded).hexdigest()[:16] == "9de0913ab702b8cb"
    assert snr(said.astype(np.int16), heard, 60) > 20


@pytest.mark.parametrize(("low", "high"), [(8000, 16000), (8000, 48000), (16000, 48000)])
def test_resampling_keeps_the_band_and_nothing_else(loaded: ctypes.CDLL, low: int, high: int) -> None:
    def through(hertz: float, source: int, target: int) -> Samples:
        said = sine(hertz, 1.0, source, 16000)
        out = np.zeros(target + 2000, dtype=np.int16)
        made = loaded.still_resample(
            out.ctypes.data_as(ctypes.c_void_p),
            target,
            said.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(said)),
            source,
        )
        assert made == target
        return out[target // 10 : made - made % 100]

    for part in (0.05, 0.2, 0.4):
        up, down = through(part * low, low, high), through(part * low, high, low)
        assert amplitude(up, part * low, high) == pytest.approx(16000, rel=0.03)
        assert amplitude(down, part * low, low) == pytest.approx(16000, rel=0.03)
        image = amplitude(up, low - part * low, high)
        assert image < 16, "the image is 60 dB down"
    for part in (0.53, 0.7, 0.9):
        assert np.abs(through(part * low, high, low).astype(int)).max() <= 16 + 1, "what would alias is 60 dB down"


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_codec_to_every_other(still: Still, kind: int, to: int) -> None:
    a, b = still.port(kind), still.port(to)
    still.bridge(a, b)
    said = sine(1000, 1.0, RATE[kind])
    ptime = 10 if kind == L16_48 else 20
    still.run(1000 * MS, stream(still, a, kind, said, ptime=ptime))
    forwarded = kind == to or {kind, to} <= {PCMU, PCMA}
    assert still.playout(b)["hearing"] == (ONE if forwarded else MIX)
    heard = still.audio(b, to)[int(0.3 * RATE[to]) : int(0.9 * RATE[to])]
    assert amplitude(heard, 1000, RATE[to]) == pytest.approx(8000, rel=0.1)
    tone = amplitude(heard, 1000, RATE[to])
    rest = float(np.std(heard.astype(float))) ** 2 - tone**2 / 2
    assert rest < 0.01 * 8000**2, "nothing but the tone"
    continuous(still.heard[b])
    steps = {y.timestamp - x.timestamp for x, y in zip(still.heard[b][5:], still.heard[b][6:], strict=False)}
    assert steps == {CLOCK[to] * (10 if to == L16_48 else 20) // 1000}
    assert {packet.type for packet in still.heard[b]} == {to}


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60])
@pytest.mark.parametrize("to", [PCMA, G722, OPUS])
def test_the_length_of_packets_is_the_listeners(still: Still, to: int, ptime: int) -> None:
    a, b = still.port(L16_8), still.port(to, ptime=ptime)
    still.bridge(a, b)
    still.run(1000 * MS, stream(still, a, L16_8, sine(800, 1.0, 8000)))
    length = 20 if (to, ptime) == (OPUS, 30) else ptime
    steps = {y.timestamp - x.timestamp for x, y in zip(still.heard[b], still.heard[b][1:], strict=False)}
    assert steps == {CLOCK[to] // 1000 * length}
    assert amplitude(still.audio(b, to)[RATE[to] // 3 :], 800, RATE[to]) == pytest.approx(8000, rel=0.15)


def test_a_wide_band_stays_wide_and_a_narrow_one_costs_nothing_more(still: Still) -> None:
    a, b, c = still.port(OPUS), still.port(OPUS), still.port(PCMU)
    still.bridge(a, b, c)
    said = sine(9000, 1.0, 48000, 6000) + sine(1000, 1.0, 48000, 6000)
    packets = stream(still, a, OPUS, said) + stream(still, c, PCMU, sine(440, 1.0, 8000, 6000))
    still.run(1000 * MS, packets)
    wide, narrow = still.audio(b, OPUS)[16000:], still.audio(c, PCMU)[2700:]
    assert amplitude(wide, 9000, 48000) > 3000 and amplitude(wide, 440, 48000) > 4500
    assert amplitude(narrow, 1000, 8000) > 4500 and amplitude(narrow, 1000 - 9000 % 8000 + 1, 8000) < 200


def test_a_party_that_changes_its_codec_in_the_middle(still: Still) -> None:
    a, b = still.port(PCMU), still.port(PCMU)
    still.bridge(a, b)
    first = stream(still, a, PCMU, sine(440, 0.5, 8000))
    then = stream(still, a, G722, sine(850, 0.5, 16000), start=500 * MS, sequence=125, timestamp=7000 + 4000)
    last = stream(still, a, PCMA, sine(1400, 2.5, 8000), start=1000 * MS, sequence=150, timestamp=7000 + 8000)
    hearing = []
    for packets, until in ((first, 499), (then, 999), (last, 3500)):
        still.run(until * MS, packets)
        hearing.append(still.playout(b)["hearing"])
    assert hearing == [ONE, MIX, ONE]
    heard = still.audio(b, PCMU)
    assert amplitude(heard[1000:3500], 440, 8000) > 6000
    assert amplitude(heard[5200:7500], 850, 8000) > 6000
    assert amplitude(heard[-2500:], 1400, 8000) > 6000
    continuous(still.heard[b])


def test_comfort_noise_is_made_for_a_pause_and_said_in_one(still: Still) -> None:
    a, b, c = still.port(PCMU), still.port(G722), still.port(PCMU, noise=True)
    still.mix([(b, a, 1.0), (c, a, 0.5)])
    speech = stream(still, a, PCMU, sine(440, 0.4, 8000))
    head = speech[-1].data
    pause = (
        bytes([0x80, CN]) + (120).to_bytes(2, "big") + (7000 + 20 * 160).to_bytes(4, "big") + head[8:12] + bytes([40])
    )
    still.run(1500 * MS, [*speech, Sent(400 * MS, a, pause)])
    noise = still.audio(b, G722)[16000:20000].astype(float)
    assert 20 * np.log10(noise.std() / 32768) == pytest.approx(-40, abs=3), "as loud as the party said"
    assert {packet.type for packet in still.heard[c]} == {PCMU}, "what is heard is sent"
    silent = still.port(PCMU, noise=True)
    still.mix([(silent, a, 0.5)])
    still.run(3500 * MS, [])
    still.mix([(silent, b, 0.5)])
    before = len(still.heard[silent])
    still.run(5500 * MS, [])
    told = [packet for packet in still.heard[silent][before:] if packet.type == CN]
    assert 3 <= len(told) <= 5 and all(len(packet.payload) == 1 for packet in told)
    continuous(still.heard[silent])
