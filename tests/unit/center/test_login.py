"""The log-in dialogue."""

from __future__ import annotations

import pytest

from appliance.center.dialogue import StopPrompt
from appliance.center.login import LOGIN, LoginDone, LoginRun, Say, VerifyPin
from appliance.clock import Instant
from appliance.site.model import Agent

T = Instant(100.0, 1000.0)
AGENTS = (
    Agent(id="aiko", number="1", pin_hash="x"),
    Agent(id="ben", number="2"),
    Agent(id="chie", number="30", pin_hash="y"),
    Agent(id="dai", number="301", pin_hash="z"),
)
NUMBER, PIN, WRONG = (
    Say(prompts=("enter-agent",)),
    Say(prompts=("enter-pin",)),
    Say(prompts=("wrong-pin", "enter-agent")),
)


def drain(run: LoginRun) -> list[object]:
    outputs: list[object] = []
    while (output := run.poll()) is not None:
        outputs.append(output)
    return outputs


def key(run: LoginRun, digits: str, now: Instant = T) -> list[object]:
    for digit in digits:
        run.digit(digit, now)
    return drain(run)


@pytest.fixture
def run() -> LoginRun:
    run = LoginRun(AGENTS)
    run.start(T)
    assert drain(run) == [NUMBER]
    return run


def test_number_and_pin(run: LoginRun) -> None:
    assert key(run, "1") == [StopPrompt(), PIN]
    assert key(run, "1111#") == [StopPrompt(), VerifyPin(agent="aiko", pin="1111")]
    assert run.deadline() is None
    run.pin_verified(True, T)
    assert drain(run) == [LoginDone(outcome="login", agent="aiko")]


def test_a_hash_after_a_number_that_was_complete_is_no_empty_pin(run: LoginRun) -> None:
    assert key(run, "1#1111#") == [StopPrompt(), PIN, StopPrompt(), VerifyPin(agent="aiko", pin="1111")]


def test_a_pin_may_end_by_a_pause(run: LoginRun) -> None:
    key(run, "11111")
    assert run.deadline() == 104
    run.timeout(T.later(4))
    assert drain(run) == [VerifyPin(agent="aiko", pin="1111")]


def test_an_agent_without_pin_is_in_at_once(run: LoginRun) -> None:
    assert key(run, "2") == [StopPrompt(), LoginDone(outcome="login", agent="ben")]


def test_a_number_that_another_continues_ends_by_hash_or_pause(run: LoginRun) -> None:
    assert key(run, "30") == [StopPrompt()]
    run.timeout(T.later(4))
    assert drain(run) == [PIN]
    key(run, "9#")
    run.pin_verified(True, T)
    assert drain(run) == [LoginDone(outcome="login", agent="chie")]


def test_the_longer_number_is_complete_by_itself(run: LoginRun) -> None:
    assert key(run, "3019#")[-1] == VerifyPin(agent="dai", pin="9")


def test_star_begins_the_entry_anew(run: LoginRun) -> None:
    assert key(run, "30*1")[-1] == PIN
    assert key(run, "99*1111#")[-1] == VerifyPin(agent="aiko", pin="1111")


def test_three_wrong_pins_end_it(run: LoginRun) -> None:
    for expected in (WRONG, WRONG, LoginDone(outcome="failed")):
        key(run, "10#")
        run.pin_verified(False, T)
        assert drain(run) == [expected]


def test_an_unknown_number_is_asked_for_a_pin_and_fails(run: LoginRun) -> None:
    assert key(run, "77#") == [StopPrompt(), PIN]
    assert key(run, "1234#") == [StopPrompt(), WRONG]


def test_silence_fails_in_the_end(run: LoginRun) -> None:
    now = T
    for _ in range(3):
        run.prompt_finished(now)
        assert run.deadline() == now.mono + 10
        now = now.later(10)
        run.timeout(now)
    assert drain(run) == [WRONG, WRONG, LoginDone(outcome="failed")]


def test_a_prompt_whose_end_is_never_told_keeps_nobody_for_ever(run: LoginRun) -> None:
    now = T
    for _ in range(20):
        deadline = run.deadline()
        if deadline is None:
            break
        now = now.later(deadline - now.mono)
        run.timeout(now)
    assert drain(run)[-1] == LoginDone(outcome="failed")


def test_a_phone_where_somebody_is_logged_in_logs_out_at_once() -> None:
    run = LoginRun(AGENTS, present="aiko")
    run.start(T)
    assert drain(run) == [LoginDone(outcome="logout", agent="aiko")]
    assert key(run, "1#") == []


def test_hanging_up_changes_nothing(run: LoginRun) -> None:
    key(run, "11111#")
    run.hangup(T)
    run.pin_verified(True, T)
    run.timeout(T.later(1000))
    run.hangup(T)
    assert drain(run) == []


def test_an_endless_entry_is_bounded(run: LoginRun) -> None:
    key(run, "1" + "9" * 500)
    run.digit("#", T)
    (verify,) = drain(run)
    assert isinstance(verify, VerifyPin)
    assert len(verify.pin) == 32


def test_every_state_but_the_first_and_last_knows_hanging_up() -> None:
    assert {state for state, event in LOGIN.rows if event == "hangup"} == LOGIN.states - {"new", "done"}
