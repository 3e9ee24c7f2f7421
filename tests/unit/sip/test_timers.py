"""The timer heap and the timer values."""

from __future__ import annotations

import random

from appliance.clock import Instant
from appliance.sip.timers import TimerHeap, Timers


class Target:
    def fire(self, name: str, now: Instant) -> None:
        raise AssertionError("the heap hands timers out, it does not run them")


def test_timers_come_in_order_of_time_and_then_of_setting() -> None:
    heap, first, second = TimerHeap(), Target(), Target()
    heap.set(5.0, "late", first)
    heap.set(1.0, "early", first)
    heap.set(1.0, "early too", second)
    assert heap.deadline() == 1.0
    assert heap.pop_due(0.9) is None
    assert heap.pop_due(1.0) == (first, "early")
    assert heap.pop_due(1.0) == (second, "early too")
    assert heap.pop_due(1.0) is None
    assert heap.deadline() == 5.0


def test_a_cancelled_timer_never_comes_and_is_no_deadline() -> None:
    heap, target = TimerHeap(), Target()
    alarm = heap.set(1.0, "x", target)
    heap.set(2.0, "y", target)
    heap.cancel(alarm)
    heap.cancel(alarm)
    heap.cancel(None)
    assert len(heap) == 1
    assert heap.deadline() == 2.0
    assert heap.pop_due(9.0) == (target, "y")
    heap.cancel(heap.set(3.0, "z", target))
    assert heap.deadline() is None
    assert len(heap) == 0


def test_a_fired_timer_can_be_cancelled_without_harm() -> None:
    heap, target = TimerHeap(), Target()
    alarm = heap.set(1.0, "x", target)
    heap.pop_due(1.0)
    heap.cancel(alarm)
    assert len(heap) == 0
    heap.set(2.0, "y", target)
    assert len(heap) == 1


def test_many_cancelled_timers_are_swept_out() -> None:
    heap, target, dice = TimerHeap(), Target(), random.Random(3)
    kept = []
    for number in range(5_000):
        alarm = heap.set(dice.uniform(0, 100), str(number), target)
        if number % 10:
            heap.cancel(alarm)
        else:
            kept.append(alarm.when)
    assert len(heap) == len(kept) == 500
    assert len(heap._heap) < 1_500
    seen = []
    while (when := heap.deadline()) is not None:
        assert heap.pop_due(when) is not None
        seen.append(when)
    assert seen == sorted(kept)


def test_derived_timers_follow_t1() -> None:
    assert Timers().transaction == 32.0
    assert Timers(t1=0.1).transaction == 6.4
    assert Timers(t1=0.1).completed_invite == 32.0, "timer D is at least 32 s"
    assert Timers(t1=1.0).completed_invite == 64.0
