"""The day's figures are right at the moment an event is told, and stay those of the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.app.figures import Figures
from appliance.clock import Instant
from appliance.events import Entry, Event, QueueEntered, QueueLeft
from appliance.site.model import Queue, Site, SiteInfo
from appliance.store.figures import QueueDay
from appliance.store.ledger import Ledger
from appliance.store.records import Records
from tests.unit.store.helpers import WALL, at, started

SITE = Site(
    site=SiteInfo(name="x", timezone="Asia/Tokyo"),
    queues=(Queue(id="support", number="600", name="Support", service_level_seconds=20),),
)


class Box:
    """A ledger with the figures as its reader, as in the box."""

    def __init__(self, path: Path) -> None:
        self.told: list[Entry] = []
        self.wall = WALL
        self.ledger = Ledger(path / "records.db", "boot-1", self._commit)
        self.records = Records(path / "records.db")
        self.figures = Figures(self.records, lambda: SITE, lambda: Instant(0.0, self.wall))

    def _commit(self, entries: Sequence[Entry]) -> None:
        self.told += entries

    def write(self, seconds: float, *events: Event) -> None:
        self.ledger.append(at(seconds, *events))
        assert self.ledger.flush()

    def tell(self) -> QueueDay:
        """The loop hears of what was committed."""
        told, self.told = self.told, []
        self.figures.committed(told)
        return self.figures.of("support")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.records.close()
    box.ledger.close()


def entered(call: str) -> QueueEntered:
    return QueueEntered(call=call, queue="support", position=1)


def left(call: str, outcome: str, waited: float) -> QueueLeft:
    return QueueLeft(call=call, queue="support", outcome=outcome, waited=waited)


async def test_each_visit_is_counted_when_it_is_told(box: Box) -> None:
    await box.figures.read()
    box.write(0, started("a"), entered("a"))
    assert box.tell() == QueueDay(offered=1)
    box.write(9, left("a", "abandoned", 9))
    assert box.tell() == QueueDay(offered=1, abandoned=1)
    for call, outcome, waited in (("b", "answered", 20.0), ("c", "answered", 20.5), ("d", "timeout", 600.0)):
        box.write(10, started(call), entered(call), left(call, outcome, waited))
    expected = QueueDay(offered=4, answered=2, abandoned=1, answered_in_level=1, redirected=1, waited_seconds=40.5)
    assert box.tell() == expected
    await box.figures.read()
    assert box.figures.of("support") == expected


async def test_nothing_is_counted_twice_or_missed_however_reading_and_telling_overlap(box: Box) -> None:
    box.write(0, started("a"), entered("a"))
    await box.figures.read()
    assert box.tell() == QueueDay(offered=1), "it was read before it was told"
    box.write(5, left("a", "abandoned", 5))
    await box.figures.read()
    assert box.figures.of("support") == QueueDay(offered=1, abandoned=1)
    assert box.tell() == QueueDay(offered=1, abandoned=1)


async def test_a_visit_is_of_the_day_on_which_it_began(box: Box) -> None:
    await box.figures.read()
    box.write(0, started("a"), entered("a"))
    assert box.tell().offered == 1
    box.wall = WALL + 86_400
    await box.figures.read()
    assert box.figures.of("support") == QueueDay()
    box.write(86_400, left("a", "abandoned", 86_400))
    assert box.tell() == QueueDay()
