"""The throttle by itself, with a clock moved by hand."""

from __future__ import annotations

import pytest

from appliance.web.throttle import FREE_TRIES, FREE_TRIES_OF_ADDRESS, LONGEST_WAIT, Throttle


def test_the_wait_doubles_up_to_five_minutes() -> None:
    throttle, mono, waits = Throttle(), 0.0, []
    for _ in range(30):
        wait = throttle.attempt("192.0.2.1", "admin", mono)
        if wait:
            waits.append(wait)
            mono += wait
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert waits[8:] == [256] + [LONGEST_WAIT] * (len(waits) - 9)


def test_a_try_while_waiting_does_not_count() -> None:
    throttle = Throttle()
    for _ in range(FREE_TRIES):
        assert throttle.attempt("192.0.2.1", "admin", 0.0) == 0
    wait = throttle.attempt("192.0.2.1", "admin", 0.0)
    for _ in range(100):
        assert throttle.attempt("192.0.2.1", "admin", 0.0) == wait > 0
    assert throttle.attempt("192.0.2.1", "admin", wait) == 0


def test_tries_side_by_side_gain_nothing() -> None:
    throttle = Throttle()
    allowed = sum(throttle.attempt("192.0.2.1", "admin", 0.0) == 0 for _ in range(50))
    assert allowed == FREE_TRIES


def test_many_names_from_one_address_are_slowed_down_too() -> None:
    throttle = Throttle()
    allowed = sum(throttle.attempt("192.0.2.1", f"name{i}", 0.0) == 0 for i in range(100))
    assert allowed == FREE_TRIES_OF_ADDRESS


@pytest.mark.parametrize("local", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_the_machine_itself_never_waits_longer_than_two_seconds(local: str) -> None:
    throttle = Throttle()
    for i in range(50):
        throttle.attempt(local, "admin", i * 2.0)
    assert throttle.attempt(local, "admin", 98.0) <= 2.0
    assert throttle.attempt(local, "admin", 100.1) == 0.0


def test_an_ipv6_neighbourhood_is_one_source() -> None:
    throttle = Throttle()
    allowed = sum(throttle.attempt(f"2001:db8::{i:x}", "admin", 0.0) == 0 for i in range(1, 50))
    assert allowed == FREE_TRIES
    assert throttle.attempt("2001:db8:1::1", "admin", 0.0) == 0


def test_success_starts_the_name_afresh() -> None:
    throttle = Throttle()
    for _ in range(200):
        assert throttle.attempt("192.0.2.1", "admin", 0.0) == 0
        throttle.succeeded("192.0.2.1", "admin")
    assert len(throttle) == 0


def test_old_mistakes_are_forgotten() -> None:
    throttle = Throttle()
    for _ in range(FREE_TRIES):
        throttle.attempt("192.0.2.1", "admin", 0.0)
    for _ in range(FREE_TRIES):
        assert throttle.attempt("192.0.2.1", "admin", 4000.0) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle(limit=100)
    for i in range(5000):
        throttle.attempt(f"10.0.{i // 250}.{i % 250}", "admin", 0.0)
    assert len(throttle) <= 100
