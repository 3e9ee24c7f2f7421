"""The state tables, their diagrams, and the timers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from appliance.center.agent import STATE, STATES_OF_STATUS, STATUS
from appliance.center.diagrams import TABLES, TRANSACTIONS, diagram, document
from appliance.center.queue import ENTRY, OUTCOMES
from appliance.center.table import Table
from appliance.center.timers import Timers
from appliance.clock import Instant
from appliance.errors import UndefinedTransition

CONTRACT_STATUSES = {"available", "break", "logged-out"}
CONTRACT_STATES = {"logged-out", "idle", "offered", "talking", "hold", "wrap-up"}


def test_statuses_and_states_are_those_of_the_contract() -> None:
    assert STATUS.states == CONTRACT_STATUSES
    assert STATE.states == CONTRACT_STATES
    assert set(STATES_OF_STATUS) == CONTRACT_STATUSES
    assert set().union(*STATES_OF_STATUS.values()) == CONTRACT_STATES


def test_every_status_can_be_chosen_in_every_status() -> None:
    assert all((state, choice) in STATUS.rows for state in STATUS.states for choice in STATUS.states)


def test_an_entry_leaves_with_one_of_the_outcomes_and_no_further() -> None:
    sources = {state for state, _ in ENTRY.rows}
    assert ENTRY.states - sources == set(OUTCOMES)


@pytest.mark.parametrize("table", TABLES + TRANSACTIONS, ids=lambda table: str(table.name))
def test_every_state_is_reached(table: Table) -> None:
    reached = {table.initial}
    for _ in table.rows:
        reached |= {target for (state, _), target in table.rows.items() if state in reached}
    assert reached == table.states


def test_what_is_not_in_a_table_is_a_typed_error() -> None:
    with pytest.raises(UndefinedTransition) as error:
        STATE.after("logged-out", "offer")
    assert (error.value.machine, error.value.state, error.value.event) == ("Agent state", "logged-out", "offer")


def test_the_diagrams_in_the_documentation_are_up_to_date() -> None:
    written = Path(__file__).parents[3] / "docs" / "states.md"
    assert written.read_text(encoding="utf-8") == document(), (
        "run: python -m appliance.center.diagrams > docs/states.md"
    )


def test_a_diagram_names_every_state_and_input() -> None:
    for table in TABLES + TRANSACTIONS:
        drawn = diagram(table)
        assert all(state in drawn for state in table.states)
        assert all(event in drawn for event in table.inputs)


# --- timers -----------------------------------------------------------------------------------------------------------
def test_timers_come_in_order_and_once() -> None:
    timers = Timers()
    done: list[object] = []
    for when in (3.0, 1.0, 2.0, 1.0):
        timers.start(when, lambda subject, now: done.append(subject), (when, len(timers)))
    assert timers.deadline() == 1.0
    while (timer := timers.due(Instant(2.5, 0))) is not None:
        timer.action(timer.subject, Instant(2.5, 0))
    assert done == [(1.0, 1), (1.0, 3), (2.0, 2)]
    assert timers.deadline() == 3.0


def test_cancelled_timers_leave_nothing_behind() -> None:
    timers = Timers()
    dice = random.Random(5)
    live = []
    for step in range(5000):
        live.append(timers.start(dice.random(), lambda subject, now: None, step))
        if len(live) > 10:
            timers.cancel(live.pop(dice.randrange(len(live))))
            timers.cancel(None)
    assert len(timers) == 10
    assert len(timers._heap) < 200
    assert timers.deadline() == min(timer.when for timer in live)
    for timer in live:
        timers.cancel(timer)
        timers.cancel(timer)
    assert timers.deadline() is None
    assert len(timers) == 0
