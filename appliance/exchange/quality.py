"""How well a leg can be heard, in both directions, each five seconds and over the whole call.

The engine counts (`audio.PortStats`), this says by the E-model (`emodel`) what a listener would think of it:

- *received*: what comes from the party, by our own reception: loss, what our jitter buffer had to leave out, its delay.
  A stream that is sent on packet by packet waits in the listener's buffer, which is taken to be as deep as a good one.
- *sent*: what the party gets of us, by its own receiver reports, and its VoIP metrics where it has them.

The delay of a leg is that of its codec and packets, half a round trip, and the jitter buffer.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from appliance.exchange import emodel
from appliance.exchange.audio import PortStats

LEAST_PACKETS = 40
"""Packets that an interval must have had to say something: nothing can be told of a pause."""
LEAST_BUFFER_MS = 20.0
GOOD, FAIR = 4.0, 3.6
"""MOS from which on people are satisfied, and from which on only some are not (G.107 annex B: R 80 and 70)."""


class Voice(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One direction of a leg over some time."""

    mos: float
    loss: float
    """Share of the packets that could not be heard, 0..1."""
    jitter_ms: float
    delay_ms: float


def word(mos: float) -> str:
    """good, fair or bad."""
    return "good" if mos >= GOOD else "fair" if mos >= FAIR else "bad"


def word_of(*scores: float | None) -> str:
    """The word for the worst of them; empty: none is known."""
    known = [mos for mos in scores if mos is not None]
    return word(min(known)) if known else ""


def _one_way(stats: PortStats) -> float:
    return max(0.0, stats.round_trip_ms) / 2


def _buffer(jitter_ms: float) -> float:
    """Delay of a listener's jitter buffer that nobody tells of."""
    return max(LEAST_BUFFER_MS, 2 * jitter_ms)


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0


_NOTHING = PortStats(id=0)


class _Mean:
    """Of a direction over the call."""

    __slots__ = ("delay", "least", "parts")

    def __init__(self) -> None:
        self.delay, self.parts = 0.0, 0
        self.least: float | None = None

    def add(self, voice: Voice) -> None:
        self.delay += voice.delay_ms
        self.parts += 1
        self.least = voice.mos if self.least is None else min(self.least, voice.mos)


class LegQuality:
    """Takes the figures of a leg's port as they come; totals of a media process that started anew count from zero."""

    __slots__ = ("_before", "_received", "_sent", "_sum", "received", "round_trip_ms", "sent")

    def __init__(self) -> None:
        self.received: Voice | None = None
        """The newest five seconds; None: nothing can be said yet."""
        self.sent: Voice | None = None
        self.round_trip_ms: float | None = None
        self._before = self._sum = _NOTHING
        """What processes before the present one had counted."""
        self._received, self._sent = _Mean(), _Mean()

    def take(self, stats: PortStats, packet_ms: int, send_codec: str) -> None:
        """The newest totals. `packet_ms`: of what is sent; `send_codec`: its codec."""
        before = self._before
        if stats.expected < before.expected or stats.sent < before.sent:
            self._sum = _added(self._sum, before)
            before = _NOTHING
        self._before = stats
        if stats.round_trip_ms >= 0:
            self.round_trip_ms = stats.round_trip_ms
        expected = stats.expected - before.expected
        if expected >= LEAST_PACKETS:
            self.received = self._judge(_difference(stats, before), packet_ms)
            self._received.add(self.received)
        if stats.reports > before.reports:
            self.sent = self._judge_sent(stats, stats.sent_fraction, packet_ms, send_codec)
            self._sent.add(self.sent)

    def _judge(self, stats: PortStats, packet_ms: float, delay_ms: float | None = None) -> Voice:
        loss = _share(stats.lost + stats.late, stats.expected)
        if delay_ms is None:
            buffer = stats.playout_ms if stats.playout_ms >= 0 else _buffer(stats.jitter_ms)
            delay_ms = emodel.codec(stats.codec).delay + packet_ms + _one_way(stats) + buffer
        burst = emodel.burst_ratio(stats.decided, stats.gone, stats.runs)
        mos = emodel.score(stats.codec, loss=loss, delay_ms=delay_ms, burst_r=burst)
        return Voice(mos=mos, loss=loss, jitter_ms=stats.jitter_ms, delay_ms=delay_ms)

    def _judge_sent(
        self, stats: PortStats, lost: float, packet_ms: float, codec: str, delay_ms: float | None = None
    ) -> Voice:
        loss = min(1.0, lost + max(0.0, stats.sent_discarded))
        if delay_ms is None:
            buffer = stats.sent_delay_ms if stats.sent_delay_ms >= 0 else _buffer(stats.sent_jitter_ms)
            delay_ms = emodel.codec(codec).delay + packet_ms + _one_way(stats) + buffer
        mos = emodel.score(codec, loss=loss, delay_ms=delay_ms)
        return Voice(mos=mos, loss=loss, jitter_ms=stats.sent_jitter_ms, delay_ms=delay_ms)

    # --- the whole call ----------------------------------------------------------------------------------------------
    def whole_received(self, packet_ms: int) -> Voice | None:
        """What came from the party over the whole call; None: too little to judge."""
        total = _added(self._sum, self._before)
        if total.expected < LEAST_PACKETS:
            return None
        mean = self._received
        return self._judge(total, packet_ms, mean.delay / mean.parts if mean.parts else None)

    def whole_sent(self, packet_ms: int, codec: str) -> Voice | None:
        """What the party got over the whole call, by its reports; None: it sent none."""
        mean = self._sent
        if not mean.parts:
            return None
        total = _added(self._sum, self._before)
        return self._judge_sent(
            self._before, _share(total.sent_lost, total.sent), packet_ms, codec, mean.delay / mean.parts
        )

    @property
    def worst_received(self) -> float | None:
        """MOS of the worst five seconds."""
        return self._received.least

    @property
    def worst_sent(self) -> float | None:
        return self._sent.least


class Departed(NamedTuple):
    """A leg that is over; the last figures of its port are still to come."""

    leg: str
    call: str
    quality: LegQuality
    unheard: str
    """Why it was not heard at its end."""
    unreached: str = ""
    """Why it heard nothing then."""
    packet_ms: int = 20
    codec: str = ""
    """That was sent to it."""
    extension: str = ""
    trunk: str = ""
    srtp: str = ""
    """SRTP suite of the leg."""


_TOTALS = ("packets", "lost", "expected", "late", "decided", "gone", "runs", "sent", "sent_lost")


def _added(first: PortStats, second: PortStats) -> PortStats:
    """The totals of both; the rest of the second."""
    totals = {name: getattr(first, name) + getattr(second, name) for name in _TOTALS}
    return msgspec.structs.replace(second, **totals)


def _difference(now: PortStats, before: PortStats) -> PortStats:
    """What came since; a packet that was lost may yet have come."""
    totals = {name: max(0, getattr(now, name) - getattr(before, name)) for name in _TOTALS}
    return msgspec.structs.replace(now, **totals)
