"""How loud a party is, in the figures of its port."""

from __future__ import annotations

import pytest

from appliance.exchange.audio import PortStats
from tests.unit.media.engine_box import EngineBox
from tests.unit.media.rtp import run


@pytest.mark.parametrize(("amplitude", "level"), [(8000, -15.3), (0, -90.0)])
def test_the_level_of_a_party_is_told(box: EngineBox, amplitude: int, level: float) -> None:
    party = box.party(440, amplitude=amplitude)
    run(0.5, [party])
    number = box.id(party)
    box.put(drop=[number])
    stats = box.wait(PortStats, where=lambda one: one.id == number and one.final)
    assert stats.level == pytest.approx(level, abs=1.0)


def test_the_level_of_who_says_nothing_is_none(box: EngineBox) -> None:
    number = box.id(box.party())
    box.put(drop=[number])
    assert box.wait(PortStats, where=lambda one: one.id == number and one.final).level == -127.0
