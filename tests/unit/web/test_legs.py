"""How each leg of a call sounded, from the call's events."""

from __future__ import annotations

from appliance.events import Entry, LegAudio, LegStarted
from appliance.web.legs import legs_of


def test_packets_of_strangers_are_shown_beside_what_was_lost() -> None:
    started = LegStarted(leg="c-1", call="c", direction="in", extension="201")
    audio = LegAudio(leg="c-1", call="c", packets=480, lost=20, strangers=7)
    (leg,) = legs_of([Entry(1, 0.0, 0.0, "boot", started), Entry(2, 9.0, 9.0, "boot", audio)])
    assert (leg.extension, leg.strangers, leg.loss) == ("201", 7, 0.04)
