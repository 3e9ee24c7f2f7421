"""From counts of packets to what a person would say of a leg."""

from __future__ import annotations

import pytest

from appliance.exchange.audio import PortStats
from appliance.exchange.quality import LegQuality, word


def stats(**fields: object) -> PortStats:
    return PortStats(**({"id": 1, "codec": "PCMU", "round_trip_ms": 40.0} | fields))  # type: ignore[arg-type]


def test_an_undisturbed_leg_is_good_in_both_directions() -> None:
    leg = LegQuality()
    leg.take(stats(expected=250, packets=250, sent=250, reports=1, jitter_ms=2.0), 20, "PCMU")
    assert leg.received and leg.sent
    assert leg.received.delay_ms == pytest.approx(20 + 20 + 20), "packet, half a round trip, the listener's buffer"
    assert word(leg.received.mos) == word(leg.sent.mos) == "good"


def test_each_five_seconds_are_judged_by_what_came_in_them() -> None:
    leg = LegQuality()
    leg.take(stats(expected=250, packets=250), 20, "PCMU")
    leg.take(stats(expected=500, packets=450, lost=50), 20, "PCMU")
    assert leg.received and leg.received.loss == pytest.approx(0.2) and word(leg.received.mos) == "bad"
    leg.take(stats(expected=750, packets=700, lost=50), 20, "PCMU")
    assert leg.received.loss == 0 and word(leg.received.mos) == "good"
    whole = leg.whole_received(20)
    assert whole and whole.loss == pytest.approx(50 / 750)
    assert leg.worst_received and leg.worst_received < whole.mos < leg.received.mos


def test_what_came_too_late_counts_as_lost_and_our_own_buffer_as_delay() -> None:
    leg = LegQuality()
    leg.take(stats(expected=250, packets=250, late=25, playout_ms=80.0), 20, "PCMU")
    assert leg.received and leg.received.loss == pytest.approx(0.1) and leg.received.delay_ms == pytest.approx(120)


def test_losses_in_bursts_are_worse_than_scattered_ones() -> None:
    scattered, bursts = LegQuality(), LegQuality()
    scattered.take(stats(expected=1000, packets=950, lost=50, decided=1000, gone=50, runs=48), 20, "PCMU")
    bursts.take(stats(expected=1000, packets=950, lost=50, decided=1000, gone=50, runs=10), 20, "PCMU")
    assert scattered.received and bursts.received and bursts.received.mos < scattered.received.mos - 0.1


def test_what_the_party_gets_is_what_it_reports() -> None:
    leg = LegQuality()
    leg.take(stats(sent=250), 20, "PCMU")
    assert leg.sent is None and leg.received is None and leg.whole_sent(20, "PCMU") is None, "nothing was said"
    leg.take(stats(sent=500, reports=1, sent_fraction=0.08, sent_lost=20, sent_discarded=0.04), 20, "PCMU")
    assert leg.sent and leg.sent.loss == pytest.approx(0.12) and word(leg.sent.mos) == "bad"
    leg.take(stats(sent=750, reports=2, sent_fraction=0.0, sent_lost=20, sent_delay_ms=300.0), 20, "PCMU")
    assert leg.sent.loss == 0 and leg.sent.delay_ms == pytest.approx(340)
    whole = leg.whole_sent(20, "PCMU")
    assert whole and whole.loss == pytest.approx(20 / 750) and leg.worst_sent and leg.worst_sent < whole.mos


def test_a_pause_says_nothing_and_keeps_what_was_said() -> None:
    leg = LegQuality()
    leg.take(stats(expected=250, packets=250), 20, "PCMU")
    before = leg.received
    leg.take(stats(expected=255, packets=251, lost=4), 20, "PCMU")
    assert leg.received is before and leg.whole_received(20)


def test_a_new_media_process_counts_from_zero_and_the_call_goes_on() -> None:
    leg = LegQuality()
    leg.take(stats(expected=500, packets=450, lost=50, sent=500), 20, "PCMU")
    leg.take(stats(expected=250, packets=250, sent=250), 20, "PCMU")
    assert leg.received and leg.received.loss == 0
    whole = leg.whole_received(20)
    assert whole and whole.loss == pytest.approx(50 / 750)
