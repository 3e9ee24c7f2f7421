"""Whole days from one seed each: nothing is left behind, and the same seed is the same day."""

from __future__ import annotations

import os

import pytest

from tests.sim.day import Day
from tests.sim.network import PERFECT, ROUGH

SEEDS = int(os.environ.get("HAKO_SIM_SEEDS", "0"))
"""More days than CI runs: `HAKO_SIM_SEEDS=200 pytest tests/sim`."""


def test_a_thousand_mixed_calls_leave_nothing_behind() -> None:
    world = Day(7, calls=1000, faults=ROUGH).run()
    counts = world.box.story.counts
    assert counts["CallStarted"] == counts["CallEnded"] > 800
    assert counts["LegStarted"] == counts["LegEnded"]
    assert counts["QueueEntered"] == counts["QueueLeft"] > 100
    assert counts["RecordingStarted"] == counts["RecordingStopped"] > 50
    assert not world.problems


@pytest.mark.parametrize("seed", [1, 2, 3, 1007, 2002, *range(10_000, 10_000 + SEEDS)])
def test_a_day_with_everything_thrown(seed: int) -> None:
    Day(seed, calls=250).run()


@pytest.mark.parametrize("seed", [4, 5])
def test_a_calm_day_without_loss(seed: int) -> None:
    world = Day(seed, calls=250, faults=PERFECT, calm=True).run()
    assert world.network.lost == 0
    assert world.exchange.failures == 0


@pytest.mark.parametrize("seed", [101, 700, 61078, *range(20_000, 20_000 + SEEDS)])
def test_a_day_on_which_the_box_is_killed_again_and_again(seed: int) -> None:
    world = Day(seed, calls=300, kills=True).run()
    assert world.box.run > 1
    assert not world.problems


def test_a_calm_day_with_kills_takes_every_conversation_over() -> None:
    world = Day(300, calls=300, faults=PERFECT, calm=True, kills=True).run()
    assert world.box.story.counts["CallTakenOver"] == world.box.taken > 0
    assert world.exchange.failures == 0


def test_the_same_seed_is_the_same_day() -> None:
    first, second = (Day(42, calls=120).run() for _ in range(2))
    assert first.box.story.fingerprint() == second.box.story.fingerprint()
    assert first.network.carried == second.network.carried
    other = Day(43, calls=120).run()
    assert other.box.story.fingerprint() != first.box.story.fingerprint()
