"""The E-model (ITU-T G.107, 06/2015): from what is measured of a connection to what a listener would think of it.

`rating` is the whole algorithm of section 7; what a telephone exchange cannot know (loudness of the sets, noise of the
rooms) stands at the recommendation's default values. Pure computation, no state.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, log2, log10, sqrt

import msgspec


class Connection(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The parameters of G.107 table 2 with their default values; decibels unless said otherwise."""

    slr: float = 8.0
    """Send loudness rating."""
    rlr: float = 2.0
    """Receive loudness rating."""
    stmr: float = 15.0
    """Sidetone masking rating."""
    ds: float = 3.0
    """D-value of the telephone at the send side."""
    dr: float = 3.0
    telr: float = 65.0
    """Talker echo loudness rating."""
    wepl: float = 110.0
    """Weighted echo path loss."""
    t: float = 0.0
    """Mean one-way delay of the echo path, ms."""
    tr: float = 0.0
    """Round-trip delay in a four-wire loop, ms."""
    ta: float = 0.0
    """Absolute delay in an echo-free connection, ms."""
    qdu: float = 1.0
    """Quantization distortion units."""
    ie: float = 0.0
    """Equipment impairment factor of the codec."""
    bpl: float = 4.3
    """Packet-loss robustness of the codec."""
    ppl: float = 0.0
    """Packet loss, percent."""
    burst_r: float = 1.0
    """Burst ratio: mean length of the bursts of loss against that of random loss."""
    nc: float = -70.0
    """Circuit noise, dBm0p at the 0 dBr point."""
    nfor: float = -64.0
    """Noise floor at the receive side, dBmp."""
    ps: float = 35.0
    """Room noise at the send side, dB(A)."""
    pr: float = 35.0
    a: float = 0.0
    """Advantage factor."""
    st: float = 1.0
    """Delay sensitivity."""
    mt: float = 100.0
    """Delay that can just be perceived, ms."""


def _noise(c: Connection) -> float:
    """No: the sum of all noise, dBm0p (formulas 7-3 to 7-7)."""
    olr = c.slr + c.rlr
    send = c.ps - c.slr - c.ds - 100 + 0.004 * (c.ps - olr - c.ds - 14) ** 2
    effective = c.pr + 10 * log10(1 + 10 ** ((10 - (c.stmr + c.dr)) / 10))
    receive = c.rlr - 121 + effective + 0.008 * (effective - 35) ** 2
    return 10 * log10(sum(10 ** (level / 10) for level in (c.nc, send, receive, c.nfor + c.rlr)))


def _sidetone(c: Connection) -> float:
    """Ist: what a sidetone that is not the best one spoils (7-10, 7-11)."""
    masked = -10 * log10(10 ** (-c.stmr / 10) + exp(-c.t / 4) * 10 ** (-c.telr / 10))
    spoilt: float = (
        12 * (1 + ((masked - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((masked + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((masked - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    return spoilt


def _simultaneous(c: Connection, ro: float, no: float) -> float:
    """Is: what comes together with the voice (7-8 to 7-17)."""
    x = c.slr + c.rlr + 0.2 * (64 + no - c.rlr)
    loud: float = 20 * ((1 + (x / 8) ** 8) ** (1 / 8) - x / 8)
    q = 37 - 15 * log10(c.qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    quantizing: float = 15 * log10(1 + 10 ** ((ro - 100) / 15 + 46 / 8.4 - g / 9) + 10 ** (46 / 30 - g / 40))
    return loud + _sidetone(c) + quantizing


def _talker_echo(c: Connection, no: float) -> float:
    """Idte (7-20 to 7-25)."""
    terv = c.telr - 40 * log10((1 + c.t / 10) / (1 + c.t / 150)) + 6 * exp(-0.3 * c.t**2)
    if c.stmr < 9:
        terv += _sidetone(c) / 2
    roe, re = -1.5 * (no - c.rlr), 80 + 2.5 * (terv - 14)
    half = (roe - re) / 2
    echo = (half + sqrt(half**2 + 100) - 1) * (1 - exp(-c.t))
    return sqrt(echo**2 + _sidetone(c) ** 2) if c.stmr > 20 else echo


def _delay(c: Connection, ro: float, no: float) -> float:
    """Id: what is heard late (7-18 to 7-29)."""
    rle: float = 10.5 * (c.wepl + 7) * (c.tr + 1) ** -0.25
    half = (ro - rle) / 2
    late = 0.0
    if c.ta > c.mt:
        x = log2(c.ta / c.mt)
        six = 6 * c.st
        late += 25 * ((1 + x**six) ** (1 / six) - 3 * (1 + (x / 3) ** six) ** (1 / six) + 2)
    return _talker_echo(c, no) + half + sqrt(half**2 + 169) + late


def _equipment(c: Connection) -> float:
    """Ie-eff: what codec and lost packets spoil (7-30)."""
    if c.ppl <= 0:
        return c.ie
    return c.ie + (95 - c.ie) * c.ppl / (c.ppl / max(c.burst_r, 1e-6) + c.bpl)


@lru_cache(maxsize=4096)
def rating(c: Connection) -> float:
    """The transmission rating factor R (7-1): 93.2 with every default, below 50 hardly anybody would bear it."""
    no = _noise(c)
    ro = 15 - 1.5 * (c.slr + no)
    return ro - _simultaneous(c, ro, no) - _delay(c, ro, no) - _equipment(c) + c.a


def mos(r: float) -> float:
    """The mean opinion score (MOS-CQE) of a rating: 1 to 4.5 (formula B-4)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


class Codec(msgspec.Struct, frozen=True, gc=False):
    """What a codec does to a voice, and how well it hides what is lost."""

    ie: float
    bpl: float
    delay: float
    """Look-ahead, ms; the length of a packet comes on top."""


CODECS = {
    # G.113 appendix I: G.711 with the concealment of its own appendix I has 25.1; without, 4.3. Ours and that of
    # phones made for IP conceal like it.
    "PCMU": Codec(0, 25.1, 0),
    "PCMA": Codec(0, 25.1, 0),
    "L16": Codec(0, 25.1, 0),
    # The scale ends at telephone bandwidth: a wider one cannot win on it, so it loses nothing (G.113 rates G.722 on the
    # wideband scale of G.107.1 only). Concealment in two bands remembers more and recovers later than that of G.711.
    "G722": Codec(0, 15.0, 1.5),
    # Not in G.113. In-band correction (FEC) brings back most single losses, which is worth about what concealment is to
    # G.711; RFC 6716 section 2.1.7 has 6.5 ms of look-ahead by default.
    "OPUS": Codec(0, 25.1, 6.5),
}
_PLAIN = CODECS["PCMU"]


def codec(name: str) -> Codec:
    """By its name in SDP; one that is not known counts as G.711."""
    return CODECS.get(name.upper(), _PLAIN)


def burst_ratio(expected: int, lost: int, runs: int) -> float:
    """BurstR from counted packets (G.107 section 7.5, the two-state model): 1 for random loss, above in bursts."""
    if runs <= 0 or lost <= 0 or expected <= lost:
        return 1.0
    return max(1.0, lost / runs * (1 - lost / expected))


def score(name: str, *, loss: float, delay_ms: float, burst_r: float = 1.0) -> float:
    """MOS of one direction over one codec: `loss` 0..1, `delay_ms` from mouth to ear, without echo."""
    of = codec(name)
    # Rounded, so that calls alike need not be computed again and again.
    late = round(max(0.0, delay_ms))
    connection = Connection(
        t=late,
        tr=2 * late,
        ta=late,
        ie=of.ie,
        bpl=of.bpl,
        ppl=round(min(max(loss, 0.0), 1.0) * 100, 2),
        burst_r=round(burst_r, 2),
    )
    return mos(rating(connection))
