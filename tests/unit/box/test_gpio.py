"""Real lamps, on gpiozero's mock pins."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from gpiozero.pins.mock import MockFactory

from appliance.box.board import NONE, Board
from appliance.box.gpio import LampDriver, colors, lit
from appliance.exchange.view import LampView

BOARD = Board(
    name="test",
    title={},
    lamps={"fault": {"red": 27}, "agent1": {"red": 5, "green": 6}, "agent2": {"red": 7, "green": 8}},
)
TEXT = {"ja": "x", "en": "x"}


def lamp(name: str, color: str, mode: str = "on") -> LampView:
    return LampView(id=name, label=TEXT, color=color, mode=mode, meaning=TEXT)


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def shining(pins: MockFactory) -> set[int]:
    return {number for number in (27, 5, 6, 7, 8) if pins.pin(number).state}


def test_colours_of_the_lamps(pins: MockFactory) -> None:
    driver = LampDriver(BOARD, pins)
    driver.start()
    try:
        driver.show([lamp("fault", "red"), lamp("agent1", "amber"), lamp("agent2", "green")])
        until(lambda: shining(pins) == {27, 5, 6, 8})
        driver.show([lamp("agent1", "red"), lamp("agent2", "off", "off"), lamp("calls", "green")])
        until(lambda: shining(pins) == {5})
    finally:
        driver.close()
    assert driver.finding is None


def test_blinks_with_one_thread(pins: MockFactory) -> None:
    driver = LampDriver(BOARD, pins)
    before = threading.active_count()
    driver.start()
    try:
        driver.show([lamp("fault", "red", "fast"), lamp("agent1", "red", "slow"), lamp("agent2", "green")])
        until(lambda: shining(pins) >= {27, 8})
        until(lambda: 27 not in shining(pins))
        until(lambda: 27 in shining(pins))
        until(lambda: 5 not in shining(pins))
        assert threading.active_count() == before + 1
    finally:
        driver.close()
    assert threading.active_count() == before


def test_lamps_go_out_at_the_end(pins: MockFactory) -> None:
    driver = LampDriver(BOARD, pins)
    driver.start()
    driver.show([lamp("fault", "red")])
    until(lambda: shining(pins) == {27})
    driver.close()
    assert not shining(pins)
    assert pins.pin(27).function == "input"


def test_active_low_turns_the_pins_round(pins: MockFactory) -> None:
    driver = LampDriver(Board(name="low", title={}, active_low=True, lamps={"fault": {"red": 27}}), pins)
    driver.start()
    try:
        until(lambda: pins.pin(27).function == "output" and pins.pin(27).state)
        driver.show([lamp("fault", "red")])
        until(lambda: not pins.pin(27).state)
    finally:
        driver.close()


def test_without_pins_the_box_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # A back end that does not exist, as on a machine without GPIO.
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "none-such")
    driver = LampDriver(BOARD)
    driver.start()
    try:
        until(lambda: driver.finding is not None)
        driver.show([lamp("fault", "red")])
    finally:
        driver.close()
    assert driver.finding is not None
    assert driver.finding.id == "gpio"
    assert "--board none" in driver.finding.remedy["en"]
    assert set(driver.finding.text) == {"ja", "en"}


def test_a_board_without_lamps_starts_nothing() -> None:
    before = threading.active_count()
    driver = LampDriver(NONE)
    driver.start()
    driver.show([lamp("fault", "red")])
    assert threading.active_count() == before
    driver.close()
    assert driver.finding is None


def test_blink_periods() -> None:
    fast = [lit(lamp("a", "red", "fast"), tick) for tick in range(8)]
    slow = [lit(lamp("a", "red", "slow"), tick) for tick in range(8)]
    assert fast == [True, False] * 4
    assert slow == [True] * 4 + [False] * 4
    assert all(lit(lamp("a", "red"), tick) for tick in range(8))
    assert not any(lit(lamp("a", "off", "off"), tick) for tick in range(8))


def test_how_a_lamp_makes_a_colour() -> None:
    assert colors("amber", {"red": 1, "green": 2}) == {"red", "green"}
    assert colors("amber", {"red": 1, "green": 2, "amber": 3}) == {"amber"}
    assert colors("red", {"green": 2}) == {"green"}
