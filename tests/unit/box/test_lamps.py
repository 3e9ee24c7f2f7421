"""What the front panel says, from the views alone."""

from typing import Any

import pytest

from appliance.box.board import NONE, Board
from appliance.box.lamps import panel
from appliance.exchange.view import (
    AgentView,
    CallView,
    ContactView,
    FaultView,
    LampView,
    QueueView,
    RegistrationView,
    TrunkView,
)

SINCE = "2026-11-21T09:00:00.000Z"


def lamps(board: Board = NONE, ready: bool = True, **views: Any) -> dict[str, LampView]:
    names = ("calls", "agents", "queues", "registrations", "trunks", "faults")
    shown = panel(board, *(views.get(name, ()) for name in names), ready=ready)
    assert len({lamp.id for lamp in shown}) == len(shown)
    for lamp in shown:
        assert set(lamp.label) == set(lamp.meaning) == {"ja", "en"}
        assert all(lamp.label.values()) and all(lamp.meaning.values())
        assert (lamp.color == "off") == (lamp.mode == "off")
    return {lamp.id: lamp for lamp in shown}


def light(lamp: LampView) -> str:
    return f"{lamp.color} {lamp.mode}"


def call(recording: bool = False, kind: str = "inbound") -> CallView:
    return CallView(
        id="c", journey="j", kind=kind, from_="1", to="2", state="talking", destination="", started=SINCE,
        since=SINCE,
        recording=recording,
    )  # fmt: skip


def agent(state: str, status: str = "available", registered: bool = True, **more: Any) -> AgentView:
    return AgentView(
        id="aiko", number="1", name="Aiko", status=status, state=state, since=SINCE, registered=registered, **more
    )


def queue(waiting: int, longest: float) -> QueueView:
    return QueueView(
        id="q", number="600", name="Q", waiting=waiting, longest_wait_seconds=longest, agents_logged_in=1, agents_idle=0
    )


def trunk(name: str, state: str) -> TrunkView:
    return TrunkView(id=name, host="203.0.113.5", state=state, channels=8, busy=2)


def test_an_empty_box_at_rest() -> None:
    shown = lamps()
    assert {name: light(lamp) for name, lamp in shown.items()} == {
        "ready": "green on",
        "trunk": "off off",
        "calls": "off off",
        "waiting": "off off",
        "recording": "off off",
        "fault": "off off",
    }


def test_not_ready_blinks() -> None:
    assert light(lamps(ready=False)["ready"]) == "amber slow"


def test_ready_counts_the_phones() -> None:
    contact = ContactView(uri="sip:201@192.0.2.9", address="192.0.2.9:5060", transport="udp", user_agent="", expires="")
    phones = (
        RegistrationView(extension="201", name="", contacts=(contact,)),
        RegistrationView(extension="202", name="", contacts=()),
    )
    assert "1 of 2" in lamps(registrations=phones)["ready"].meaning["en"]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("up",), "green on"),
        (("unchecked",), "off off"),
        (("up", "unchecked"), "green on"),
        (("up", "down"), "amber slow"),
        (("down", "registering"), "red fast"),
    ],
)
def test_trunk(states: tuple[str, ...], expected: str) -> None:
    trunks = tuple(trunk(f"t{number}", state) for number, state in enumerate(states))
    assert light(lamps(trunks=trunks)["trunk"]) == expected


def test_a_trunk_that_is_down_is_named() -> None:
    assert "carrier" in lamps(trunks=(trunk("carrier", "down"),))["trunk"].meaning["ja"]


@pytest.mark.parametrize(
    ("longest", "expected"), [(0, "on"), (19.9, "on"), (20, "slow"), (59, "slow"), (60, "fast"), (4000, "fast")]
)
def test_waiting_blinks_faster_the_longer_somebody_waits(longest: float, expected: str) -> None:
    shown = lamps(queues=(queue(2, longest), queue(1, 0), queue(0, 9999)))["waiting"]
    assert light(shown) == f"amber {expected}"
    assert shown.meaning["en"].startswith("3 waiting")


def test_calls_and_recording() -> None:
    shown = lamps(calls=(call(), call(recording=True)))
    assert light(shown["calls"]) == "green on" and light(shown["recording"]) == "red on"
    assert light(lamps(calls=(call(kind="service"),))["calls"]) == "off off"
    assert "recording" in shown and light(lamps(calls=(call(),))["recording"]) == "off off"


def test_fault_says_the_first_and_how_many() -> None:
    faults = tuple(
        FaultView(id=f"f{n}", text={"ja": f"異常{n}。", "en": f"Fault {n}."}, remedy={}, since=SINCE) for n in range(3)
    )
    shown = lamps(faults=faults)["fault"]
    assert light(shown) == "red slow"
    assert shown.meaning == {"ja": "異常0。 ほか 2 件", "en": "Fault 0. (and 2 more)"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("idle", "green on"),
        ("offered", "amber fast"),
        ("talking", "red on"),
        ("hold", "red slow"),
        ("wrap-up", "amber on"),
        ("logged-out", "off off"),
    ],
)
def test_agent_states(state: str, expected: str) -> None:
    status = "logged-out" if state == "logged-out" else "available"
    assert light(lamps(agents=(agent(state, status),))["agent1"]) == expected


def test_agent_on_break_says_why_and_still_talks_red() -> None:
    shown = lamps(agents=(agent("idle", "break", reason="Lunch"), agent("talking", "break", reason="Lunch")))
    assert light(shown["agent1"]) == "amber slow" and "Lunch" in shown["agent1"].meaning["en"]
    assert light(shown["agent2"]) == "red on"


def test_an_idle_agent_without_a_phone_is_seen() -> None:
    shown = lamps(agents=(agent("idle", registered=False),))["agent1"]
    assert light(shown) == "green slow"
    assert "not connected" in shown.meaning["en"]


def test_as_many_agents_as_the_board_has_lamps_for() -> None:
    agents = tuple(agent("idle") for _ in range(10))
    assert "agent8" in lamps(agents=agents) and "agent9" not in lamps(agents=agents)
    small = Board(name="small", title={}, agents=2)
    assert [name for name in lamps(small, agents=agents) if name.startswith("agent")] == ["agent1", "agent2"]
