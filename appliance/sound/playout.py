"""The buffer between the engine, which sends by its clock, and the card, which takes by its own.

No clock is read here: time passes as samples are taken. Two clocks of 100 ppm difference drift apart by 0.36 s an hour,
so a buffer that only stores runs dry or grows. This one watches how little it holds at the worst moment of each two
seconds and, where that is more than it needs (or less), plays the next blocks a few samples shorter (or longer), by at
most 0.3 %, which nobody hears. A gap that tears shows that more must be held: then it holds more, and less again after
a good minute.
"""

from __future__ import annotations

import threading
from array import array

STEP_SECONDS = 0.02
WINDOW_SECONDS = 2.0
GAP_SECONDS = 0.2
"""Packets that come again within this time after the buffer ran dry were late; after it, they are another stream."""
LONGEST_SECONDS = 0.5
"""What is more than this is thrown away at once: a card that stood still must not leave a delay behind."""
MOST_SPARE_SECONDS = 0.2
GOOD_SECONDS = 60.0
FINE, COARSE = 320, 100
"""One sample in so many is left out or added; coarse where there is far too much."""


class PlayBuffer:
    """`push` from the socket's thread, `take` from the card's."""

    def __init__(self, clock: int) -> None:
        """`clock`: samples a second."""
        self._clock = clock
        self._step = round(clock * STEP_SECONDS)
        self._lock = threading.Lock()
        self._held = array("h")
        self._playing = False
        self._idle = clock
        """Samples taken since it ran dry."""
        self._waited = 0
        """Samples taken while there were some, too few to begin with."""
        # A whole packet less is there as soon as the two clocks have slipped past each other.
        self._floor = self._step * 3 // 2
        self._spare = self._floor
        """What shall be left at the worst moment."""
        self._least = clock
        self._window = 0
        self._good = 0
        self._excess = 0
        """Samples to be rid of; negative: to be added."""
        self.torn = 0
        """How often it ran dry in the middle of a stream."""
        self.thrown = 0
        """Samples that were thrown away because there were far too many."""

    @property
    def delay(self) -> float:
        """Seconds of sound that it holds."""
        return len(self._held) / self._clock

    def push(self, samples: array[int]) -> None:
        """What came from the engine."""
        with self._lock:
            if not self._playing and not self._held and self._idle < self._clock * GAP_SECONDS:
                self.torn += 1
                self._good = 0
                self._spare = min(self._spare + self._step, round(self._clock * MOST_SPARE_SECONDS))
            self._held.extend(samples)
            surplus = len(self._held) - round(self._clock * LONGEST_SECONDS)
            if surplus > 0:
                surplus = len(self._held) - 3 * self._step
                del self._held[:surplus]
                self.thrown += surplus

    def take(self, count: int) -> array[int]:
        """Exactly `count` samples for the card; silence where there are none."""
        with self._lock:
            if not self._playing and not self._begins(count):
                self._idle += count
                return array("h", bytes(2 * count))
            wanted = count + self._correction(count)
            if len(self._held) < wanted:
                return self._run_dry(count)
            block = self._held[:wanted]
            del self._held[:wanted]
            self._watch(count)
            return block if wanted == count else stretch(block, count)

    def _begins(self, count: int) -> bool:
        enough = count + self._spare + self._step
        if len(self._held) < enough and self._waited < self._clock * GAP_SECONDS:
            self._waited += count if self._held else 0
            return False
        self._playing, self._waited = True, 0
        self._least, self._window, self._excess = self._clock, 0, 0
        return True

    def _run_dry(self, count: int) -> array[int]:
        block, self._held = self._held[:count], array("h")
        self._playing, self._idle = False, 0
        block.extend(array("h", bytes(2 * (count - len(block)))))
        return block

    def _correction(self, count: int) -> int:
        if not self._excess:
            return 0
        coarse = abs(self._excess) > 3 * self._step
        most = max(1, count // (COARSE if coarse else FINE))
        step = max(-most, min(most, self._excess))
        self._excess -= step
        return step

    def _watch(self, count: int) -> None:
        self._least = min(self._least, len(self._held))
        self._window += count
        self._good += count
        if self._window < self._clock * WINDOW_SECONDS:
            return
        middle = self._spare + 3 * self._step // 4
        outside = self._least < self._spare or self._least > self._spare + 3 * self._step // 2
        self._excess = self._least - middle if outside else 0
        self._least, self._window = self._clock, 0
        if self._good > self._clock * GOOD_SECONDS:
            self._good = 0
            self._spare = max(self._floor, self._spare - self._step // 2)


def stretch(block: array[int], count: int) -> array[int]:
    """The block with `count` samples instead, by linear interpolation; its ends stay where they are."""
    last = len(block) - 1
    if last < 1 or count < 2:
        return array("h", (block[0] if block else 0 for _ in range(count)))
    pace = last / (count - 1)
    stretched = array("h", bytes(2 * count))
    for place in range(count - 1):
        at = place * pace
        left = int(at)
        before = block[left]
        stretched[place] = round(before + (block[left + 1] - before) * (at - left))
    stretched[count - 1] = block[last]
    return stretched
