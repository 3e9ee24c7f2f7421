"""One outgoing RTP stream made of several: browsers come back with new ones, and keys are pressed in between."""

from __future__ import annotations

FRESH = 3000
"""A jump of sequence numbers beyond this is a new stream (RFC 3550 A.1, MAX_DROPOUT)."""
_UNWRAP = 1 << 15


class Numbering:
    """Sequence numbers and timestamps of a stream of ours. Gaps and late packets of a source stay what they are, so
    that the one jitter buffer, the engine's or the browser's, sees the network as it is."""

    def __init__(self, sequence: int, timestamp: int, clock: int = 48000, frame: int = 960) -> None:
        """The first packet gets these numbers. `clock` in Hz, `frame` in its samples."""
        self._clock, self._frame = clock, frame
        self.sequence, self.timestamp = sequence - 1 & 0xFFFF, timestamp - frame & 0xFFFFFFFF
        """Of the newest packet."""
        self._at = 0.0
        self._source: tuple[int, int] | None = None
        """SSRC and sequence of the newest packet of the source."""
        self._shift = (0, 0)
        self._between = False

    def take(self, ssrc: int, sequence: int, timestamp: int, now: float) -> tuple[int, int]:
        """The numbers of a packet of the source; `now` in seconds of any clock that only rises."""
        step = 0
        if self._source is not None and self._source[0] == ssrc:
            step = (sequence - self._source[1] + _UNWRAP & 0xFFFF) - _UNWRAP
        if self._source is None or self._source[0] != ssrc or abs(step) > FRESH:
            passed = max(self._frame, int((now - self._at) * self._clock)) if self._at else self._frame
            self._shift = self.sequence + 1 - sequence, self.timestamp + passed - timestamp
            step = 1
        elif self._between and step > 0:
            self._shift = self.sequence + step - sequence, self._shift[1]
        out = sequence + self._shift[0] & 0xFFFF, timestamp + self._shift[1] & 0xFFFFFFFF
        if step > 0:
            self._source, self._between = (ssrc, sequence), False
            (self.sequence, self.timestamp), self._at = out, now
        return out

    def skip(self, ssrc: int, sequence: int, timestamp: int, now: float) -> None:
        """A packet of the source that is not sent, because something of ours is in its place."""
        if self._source is not None and self._source[0] == ssrc:
            self._source = ssrc, sequence
            self.timestamp, self._at = timestamp + self._shift[1] & 0xFFFFFFFF, now
            self._between = True

    def own(self) -> int:
        """The sequence number of a packet of ours; its timestamp is ours to choose."""
        self.sequence = self.sequence + 1 & 0xFFFF
        self._between = True
        return self.sequence
