"""The strategies, seen through a queue that uses them."""

from __future__ import annotations

from collections import Counter

import pytest

from appliance.center.strategy import STRATEGIES
from appliance.site.model import Queue
from tests.unit.center.hall import Hall, site

AGENTS = dict.fromkeys(("aiko", "ben", "chie"), ("support",))


def hall_with(strategy: str, skills: dict[str, dict[str, int]] | None = None, wrap_up: float = 0) -> Hall:
    queue = Queue(id="support", strategy=strategy, wrap_up_seconds=wrap_up)
    return Hall(site(AGENTS, queue, skills=skills))


def serve(hall: Hall, call: str, seconds: float) -> str:
    """One call from entry to its end; returns who was asked."""
    (agent,) = hall.enter(call)
    hall.answer(call, agent)
    hall.advance(seconds)
    hall.hang_up(call, agent)
    return agent


def test_every_strategy_of_the_site_file_is_here() -> None:
    assert sorted(STRATEGIES) == [
        "least-calls",
        "least-talk",
        "linear",
        "longest-idle",
        "random",
        "ring-all",
        "round-robin",
        "skills",
    ]


def test_longest_idle() -> None:
    hall = hall_with("longest-idle")
    hall.log_in("chie", "aiko", "ben")
    assert [serve(hall, f"c{n}", 5) for n in range(4)] == ["chie", "aiko", "ben", "chie"]


def test_linear_always_begins_at_the_first() -> None:
    hall = hall_with("linear")
    hall.log_in("chie", "aiko", "ben")
    assert [serve(hall, f"c{n}", 5) for n in range(3)] == ["aiko"] * 3
    hall.enter("c3")
    hall.answer("c3", "aiko")
    assert hall.enter("c4") == ["ben"]


def test_round_robin_goes_on_after_the_last_one_offered_whoever_is_idle_longest() -> None:
    hall = hall_with("round-robin")
    hall.log_in("chie", "aiko", "ben")
    assert [serve(hall, f"c{n}", 5) for n in range(4)] == ["aiko", "ben", "chie", "aiko"]
    hall.phone("ben", "busy")
    assert [serve(hall, f"d{n}", 5) for n in range(2)] == ["chie", "aiko"]


def test_least_calls_and_a_newcomer_takes_turns() -> None:
    hall = hall_with("least-calls")
    hall.log_in("aiko", "ben")
    assert [serve(hall, f"c{n}", 5) for n in range(4)] == ["aiko", "ben", "aiko", "ben"]
    hall.log_in("chie")
    assert Counter(serve(hall, f"d{n}", 5) for n in range(6)) == {"aiko": 2, "ben": 2, "chie": 2}


def test_least_talk() -> None:
    hall = hall_with("least-talk")
    hall.log_in("aiko", "ben")
    assert [serve(hall, f"c{n}", seconds) for n, seconds in enumerate((100, 30, 30, 30, 30, 1))] == [
        "aiko",
        "ben",
        "ben",
        "ben",
        "ben",
        "aiko",
    ]


def test_random_reaches_everybody_and_is_the_same_for_the_same_entropy() -> None:
    runs = []
    for _ in range(2):
        hall = hall_with("random")
        hall.log_in("aiko", "ben", "chie")
        runs.append([serve(hall, f"c{n}", 5) for n in range(60)])
    assert runs[0] == runs[1]
    assert min(Counter(runs[0]).values()) > 8
    assert len(set(runs[0])) == 3


def test_skills_prefers_the_highest_level_then_who_is_idle_longest() -> None:
    hall = hall_with("skills", {"ben": {"support": 5}, "chie": {"support": 5, "other": 9}})
    hall.log_in("aiko", "ben", "chie")
    assert [serve(hall, f"c{n}", 5) for n in range(3)] == ["ben", "chie", "ben"]
    hall.phone("ben", "busy")
    hall.phone("chie", "busy")
    assert serve(hall, "c9", 5) == "aiko"


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_with_every_strategy_who_lets_it_ring_is_not_asked_again_at_once(strategy: str) -> None:
    hall = hall_with(strategy)
    hall.log_in("aiko", "ben", "chie")
    asked = hall.enter("c1")
    for agent in asked:
        hall.fail("c1", agent, "rejected")
    assert not set(asked) & set(hall.center.offered("c1"))
