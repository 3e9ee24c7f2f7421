"""A simulated day of calls, registrations and agents coming and going: when all is over, nothing of it is left."""

from __future__ import annotations

import functools
import gc
import sys
from collections import Counter

from tests.sim.day import Day
from tests.sim.network import ROUGH

HOURS = 24
FIRST = 4
"""By then everything that is made once has been made."""


class Count:
    """What Python holds in a quiet moment, without what the simulation itself remembers and what caches may hold."""

    def __init__(self, day: Day) -> None:
        world = day.world
        story, engine = world.box.story, world.engine
        for kept in (
            story.endings,
            story.ended_legs,
            story.answered,
            story.projection.dirty,
            engine.kinds,
            engine.dropped,
            engine.written,
            engine.played,
        ):
            kept.clear()
        story.projection.operations.clear()
        for one in gc.get_objects():
            if issubclass(type(one), functools._lru_cache_wrapper):  # not isinstance: it asks dead proxies
                one.cache_clear()
        gc.collect()
        everything = gc.get_objects()
        self.objects = len(everything)
        self.blocks = sys.getallocatedblocks()
        self.tables = (len(world.exchange.context.calls), len(world.exchange.context.rows), len(engine.rows))


def types() -> Counter[str]:
    """How many there are of each type."""
    return Counter(type(one).__name__ for one in gc.get_objects())


def quiet(day: Day) -> Count:
    """Lets the calls end that there are, and counts."""
    made, day.made = day.made, day.calls
    day.world.run(400.0)
    day.made = made
    return Count(day)


def test_a_day_leaves_nothing_behind() -> None:
    day = Day(7, calls=1_000_000, faults=ROUGH)
    day.pace = 90.0
    day.world.box.story.keep = False
    day._staff()
    for seconds, act in ((day.pace, day._call), (240.0, day._agent), (600.0, day._hang_up_one)):
        day._plan(seconds, act)
    counts, before = [], Counter[str]()
    for hour in range(HOURS):
        day.world.run(3200.0)
        counts.append(quiet(day))
        if hour == FIRST:
            before = types()
    early, late = counts[FIRST:12], counts[-8:]
    grown = (types() - before).most_common(12)
    assert day.world.box.story.counts["CallEnded"] > 500
    assert all(count.tables == counts[FIRST].tables for count in counts[FIRST:])
    # Registrations and their refreshes are under way at any moment: the least of some counts knows nothing of them.
    assert min(one.objects for one in late) < min(one.objects for one in early) + 300, grown
    assert min(one.blocks for one in late) < min(one.blocks for one in early) + 1000, grown
