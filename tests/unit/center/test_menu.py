"""Menus: keys, silence, wrong keys, keys of several digits."""

from __future__ import annotations

import pytest

from appliance.center.dialogue import StopPrompt
from appliance.center.menu import MENU, Go, MenuRun, Play
from appliance.clock import Instant
from appliance.events import MenuEntered, MenuKey, MenuLeft
from appliance.site.model import Destination, Menu

SUPPORT = Destination(kind="queue", target="support")
SALES = Destination(kind="queue", target="sales")
DESK = Destination(kind="extension", target="201")
MAIN = Menu(
    id="main",
    prompt="Press 1.",
    keys={"1": SUPPORT, "2": DESK, "20": SALES, "*": DESK},
    default=SALES,
    retries=2,
    timeout_seconds=5,
)
T = Instant(100.0, 1000.0)
PROMPT = Play(text="Press 1.", file="")


def drain(run: MenuRun) -> list[object]:
    outputs: list[object] = []
    while (output := run.poll()) is not None:
        outputs.append(output)
    return outputs


@pytest.fixture
def run() -> MenuRun:
    run = MenuRun(MAIN, "c1")
    run.start(T)
    assert drain(run) == [MenuEntered(call="c1", menu="main"), PROMPT]
    return run


def left(outcome: str, destination: Destination) -> list[object]:
    return [
        MenuLeft(call="c1", menu="main", outcome=outcome, destination=str(destination)),
        Go(destination=destination, outcome=outcome),
    ]


def test_a_key_interrupts_the_prompt_and_goes_on(run: MenuRun) -> None:
    run.digit("1", T.later(1))
    assert drain(run) == [StopPrompt(), MenuKey(call="c1", menu="main", key="1"), *left("key", SUPPORT)]
    assert run.deadline() is None


def test_a_key_after_the_prompt(run: MenuRun) -> None:
    run.prompt_finished(T.later(3))
    assert run.deadline() == 108
    run.digit("*", T.later(7))
    assert drain(run) == [MenuKey(call="c1", menu="main", key="*"), *left("key", DESK)]


def test_silence_repeats_the_prompt_then_takes_the_default(run: MenuRun) -> None:
    now = T
    for _ in range(2):
        run.prompt_finished(now)
        now = now.later(5)
        run.timeout(now)
        assert drain(run) == [PROMPT]
    run.prompt_finished(now)
    run.timeout(now.later(4.9))
    assert drain(run) == []
    run.timeout(now.later(5))
    assert drain(run) == left("default", SALES)


def test_a_wrong_key_is_told_and_counts_as_a_try(run: MenuRun) -> None:
    for expected in ([PROMPT], [PROMPT], left("default", SALES)):
        run.digit("9", T)
        assert drain(run) == [StopPrompt(), MenuKey(call="c1", menu="main", key="9"), *expected]


def test_a_key_that_could_go_on_waits_a_moment(run: MenuRun) -> None:
    run.digit("2", T)
    assert drain(run) == [StopPrompt()]
    assert run.deadline() == 103
    run.timeout(T.later(3))
    assert drain(run) == [MenuKey(call="c1", menu="main", key="2"), *left("key", DESK)]


def test_two_digits(run: MenuRun) -> None:
    run.digit("2", T)
    run.digit("0", T.later(2))
    assert drain(run) == [StopPrompt(), MenuKey(call="c1", menu="main", key="20"), *left("key", SALES)]


def test_hash_ends_a_key_at_once(run: MenuRun) -> None:
    run.digit("2", T)
    run.digit("#", T)
    assert drain(run)[1:] == [MenuKey(call="c1", menu="main", key="2"), *left("key", DESK)]


def test_digits_that_lead_nowhere(run: MenuRun) -> None:
    run.digit("2", T)
    run.digit("7", T)
    assert drain(run) == [StopPrompt(), MenuKey(call="c1", menu="main", key="27"), PROMPT]


def test_hanging_up_leaves_and_what_comes_after_does_nothing(run: MenuRun) -> None:
    run.hangup(T)
    assert drain(run) == [MenuLeft(call="c1", menu="main", outcome="hangup")]
    run.digit("1", T)
    run.prompt_finished(T)
    run.timeout(T.later(1000))
    run.hangup(T)
    assert drain(run) == []
    assert run.deadline() is None


def test_a_prompt_whose_end_is_never_told_keeps_nobody_for_ever(run: MenuRun) -> None:
    now = T
    for _ in range(20):
        deadline = run.deadline()
        if deadline is None:
            break
        now = now.later(deadline - now.mono)
        run.timeout(now)
    assert run.state == "left"


def test_the_end_of_a_stopped_prompt_does_not_disturb_keying(run: MenuRun) -> None:
    run.digit("2", T)
    run.prompt_finished(T)
    assert run.deadline() == 103
    assert run.state == "keying"


def test_no_retries_and_no_keys() -> None:
    run = MenuRun(Menu(id="m", retries=0, default=SALES), "c1")
    run.start(T)
    run.prompt_finished(T)
    run.timeout(T.later(5))
    assert drain(run)[-1] == Go(destination=SALES, outcome="default")


def test_every_state_but_the_last_knows_hanging_up() -> None:
    assert {state for state, event in MENU.rows if event == "hangup"} == MENU.states - {"new", "left"}
