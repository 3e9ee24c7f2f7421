"""What a start does about the run before, on a real ledger and a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from appliance.app.box import Box
from appliance.app.restart import recover
from appliance.app.webphones import browser_secret
from appliance.clock import Instant, system_now
from appliance.events import CallEnded, CallStarted, DecisionFailed, Event, RecordingStarted, RecordingStopped, Stamped
from appliance.exchange.kept import Before, Recovered
from appliance.store.ledger import Ledger
from appliance.store.state import BOX, CALLS, DIALOGS, StateStore
from tests.unit.exchange.test_takeover import internal

TakeOver = Callable[[Before, Instant], Recovered]


class Restarted:
    """A box that talked when it was killed; `box` is what the code under test is given."""

    def __init__(self, root: Path) -> None:
        self.folder = root
        office, _, _ = internal()
        office.run(0.1)
        office.box.stored()
        (self.call,) = office.box.calls
        self.dialogs = set(office.box.dialogs)
        ledger = Ledger(root / "records.db", "first")
        path = f"2026/11/25/{self.call}-1.wav"
        for event in (
            CallStarted(call=self.call, journey=self.call, kind="internal", caller="201", called="202"),
            RecordingStarted(recording=f"{self.call}-1", call=self.call, leg=f"{self.call}-1", path=path),
        ):
            ledger.append([Stamped(system_now(), event)])
        ledger.close()
        self.state = StateStore(root / "state.db")
        self.state.put(CALLS, self.call, office.box.calls[self.call])
        for key, data in office.box.dialogs.items():
            self.state.put(DIALOGS, key, data)
        self.state.put(DIALOGS, "in;other", next(iter(office.box.dialogs.values())))
        self.told: list[Event] = []
        self.given: list[Before] = []

    async def starts(self, take_over: TakeOver) -> None:
        """One start; `take_over` is the exchange's part of it."""
        ledger = Ledger(self.folder / "records.db", "next")

        def given(before: Before, now: Instant) -> Recovered:
            self.given.append(before)
            return take_over(before, now)

        exchange = SimpleNamespace(take_over=given)
        core = SimpleNamespace(now=system_now, emit=self.told.append, do=lambda act: act(exchange, system_now()))
        folder = SimpleNamespace(recordings=self.folder)
        box: Any = SimpleNamespace(
            core=core, ledger=ledger, state=self.state, folder=folder, sip_address=("127.0.0.1", 5060)
        )
        try:
            await recover(cast(Box, box), {1: cast(Any, None)})
        finally:
            ledger.close()

    def stored(self, kind: str) -> set[str]:
        return set(self.state.load(kind))

    def kinds(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[Restarted]:
    one = Restarted(tmp_path)
    one.state.put(BOX, "sip", b"127.0.0.1:5060")
    machine = Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    one.state.put(BOX, "machine", machine)
    yield one
    one.state.close()


async def test_a_call_that_goes_on_stays_stored_and_all_else_is_dropped(restarted: Restarted) -> None:
    await restarted.starts(lambda before, now: Recovered(taken=tuple(one.id for one in before.calls), ended=1))
    assert restarted.stored(CALLS) == {restarted.call}
    assert restarted.stored(DIALOGS) == restarted.dialogs
    assert not restarted.told


async def test_killed_before_it_is_done_everything_is_still_there(restarted: Restarted) -> None:
    class Killed(BaseException):
        pass

    def killed(before: Before, now: Instant) -> Recovered:
        raise Killed

    with pytest.raises(Killed):
        await restarted.starts(killed)
    assert restarted.stored(CALLS) == {restarted.call}
    assert restarted.stored(DIALOGS) == {*restarted.dialogs, "in;other"}
    assert [one.id for one in restarted.given[0].calls] == [restarted.call]


async def test_a_call_of_another_place_is_not_taken_by_the_start_after_the_next_one(restarted: Restarted) -> None:
    restarted.state.put(BOX, "sip", b"192.0.2.1:5060")

    class Killed(BaseException):
        pass

    def killed(before: Before, now: Instant) -> Recovered:
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            await restarted.starts(killed)
    assert [before.calls for before in restarted.given] == [(), ()]


async def test_a_call_that_ended_while_it_was_taken_over_is_told_once_and_its_recording_too(
    restarted: Restarted,
) -> None:
    await restarted.starts(lambda before, now: Recovered(taken=(), ended=2, failed=(restarted.call,)))
    assert not restarted.kinds(CallEnded)
    assert len(restarted.kinds(RecordingStopped)) == 1
    assert not restarted.stored(CALLS) and not restarted.stored(DIALOGS)


async def test_what_cannot_be_taken_over_does_not_keep_the_box_from_starting(restarted: Restarted) -> None:
    def broken(before: Before, now: Instant) -> Recovered:
        raise msgspec.ValidationError("not what it was")

    await restarted.starts(broken)
    assert len(restarted.kinds(DecisionFailed)) == len(restarted.kinds(CallEnded)) == 1
    assert not restarted.stored(CALLS) and not restarted.stored(DIALOGS)


def test_telephones_in_browsers_prove_themselves_to_the_next_run_as_well(tmp_path: Path) -> None:
    state = StateStore(tmp_path / "state.db")
    made = browser_secret(state)
    assert len(made) == 48 and browser_secret(state) == made
    state.close()
    after = StateStore(tmp_path / "state.db")
    assert browser_secret(after) == made
    after.put(BOX, "browsers", b"damaged")
    assert len(browser_secret(after)) == 48
    after.close()
