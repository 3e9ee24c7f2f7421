"""RFC 4475, oracle 2: what the box answers to each torture message, as declared beside the messages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from appliance.sip.events import IncomingRequest, IncomingSession
from appliance.sip.message import Response
from tests.unit.sip.net import Net

FOLDER = Path(__file__).parents[2] / "vectors" / "rfc4475"
OUTCOMES = tomllib.loads((FOLDER / "outcomes.toml").read_text())


def test_every_message_has_its_outcome() -> None:
    assert {path.stem for path in FOLDER.glob("*.dat")} == set(OUTCOMES)
    assert len(OUTCOMES) == 49


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_answer(name: str) -> None:
    expected = OUTCOMES[name]["answer"]
    net = Net()
    box = net.peer("box")
    wire = net.wire()
    wire.send(box, (FOLDER / f"{name}.dat").read_bytes())
    answers = [message for _, _, message in net.log if isinstance(message, Response)]
    statuses = [answer.status for answer in answers] + [int(data.split(b" ")[1]) for data in net.broken]
    handed_on = [event for event in box.events if isinstance(event, IncomingRequest | IncomingSession)]
    assert len(box.events) == len(handed_on) <= 1
    if expected == "accepted":
        assert len(handed_on) == 1
        assert statuses in ([], [100])
    elif expected == "ignored":
        assert not statuses
        assert not handed_on
    else:
        assert statuses == [expected]
        assert not handed_on
        assert expected != 420 or answers[0].unsupported
        assert expected not in (405, 501) or answers[0].allow or OUTCOMES[name]["parse"] != "request"
    assert not box.endpoint.faults
    assert "undefined" not in box.endpoint.seen


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_same_message_twice_and_byte_by_byte_leaves_nothing(name: str) -> None:
    data = (FOLDER / f"{name}.dat").read_bytes()
    net = Net()
    box = net.peer("box")
    wire = net.wire()
    for _ in range(2):
        wire.send(box, data)
        for index in range(len(data)):
            wire.send(box, data[index : index + 1], "tcp")
        net.connection += 1
    for event in list(box.events):
        if isinstance(event, IncomingSession):
            event.session.reject(404, net.now)
    net.run(100)
    counts = box.endpoint.counts()
    assert (counts.transactions, counts.sessions, counts.dialogs, counts.early, counts.timers) == (0, 0, 0, 0, 0)
    assert not box.endpoint.faults
