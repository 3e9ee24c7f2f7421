"""The fault of an engine that runs late, from what it counts."""

from __future__ import annotations

from appliance.app.faults import Faults
from appliance.app.pace import Pace
from appliance.media.protocol import Figures


class Engine:
    def __init__(self) -> None:
        self.now = Figures()
        self.faults = Faults(lambda event: None, lambda: 0.0)
        self.pace = Pace(lambda: self.now, self.faults)

    def minute(self, ticks: int, late: int, lost: int = 0) -> list[str]:
        """So many more; gives the faults."""
        now = self.now
        self.now = Figures(ticks=now.ticks + ticks, late_ticks=now.late_ticks + late, lost_ticks=now.lost_ticks + lost)
        self.pace.look()
        return [fault.id for fault in self.faults.views()]


def test_late_turns_are_a_fault_until_a_minute_is_good() -> None:
    engine = Engine()
    assert engine.minute(3000, 10) == []
    assert engine.minute(3000, 60) == ["audio-late"]
    assert "2 %" in engine.faults.views()[0].text["en"]
    assert engine.minute(0, 0) == ["audio-late"], "nothing ran: nothing is known"
    assert engine.minute(3000, 0) == []
    assert engine.minute(2900, 0, lost=100) == ["audio-late"]


def test_a_new_engine_counts_from_nothing() -> None:
    engine = Engine()
    engine.minute(90_000, 0)
    engine.now = Figures()
    assert engine.minute(3000, 3000) == ["audio-late"]
    assert engine.minute(3000, 0) == []


def test_metrics_have_every_total() -> None:
    engine = Engine()
    engine.minute(3000, 7)
    values = {family.name: family.samples[0][1] for family in engine.pace.metrics()}
    assert values["hako_media_ticks_total"] == 3000 and values["hako_media_ticks_late_total"] == 7
    assert all(name.endswith("_total") for name in values)
