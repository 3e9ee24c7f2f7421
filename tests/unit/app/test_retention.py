"""What is too old is forgotten: files, then what is known of them, in steps, at night, and never by default."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.app import retention
from appliance.app.retention import DAY, Retention
from appliance.store import tidying
from appliance.store.records import Filter
from tests.unit.app.keeper import Keeper, until


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path)
    yield made
    made.close()


def kept(keeper: Keeper, name: str, days: float, suffix: str = ".wav") -> Path:
    path = keeper.call(name, days * DAY).with_suffix(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    return path


async def test_by_default_nothing_is_ever_deleted(keeper: Keeper) -> None:
    path = kept(keeper, "c1", 9000)
    assert await Retention(keeper.box).forget(keeper.now.wall) == 0
    assert path.exists() and keeper.records.get("c1") is not None


async def test_old_recordings_go_and_their_records_stay(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    old = [kept(keeper, f"o{n}", 31 + n, ".opus" if n % 2 else ".wav") for n in range(5)]
    young = kept(keeper, "young", 29)
    keeper.configure(keep_recordings_days=30)
    assert await Retention(keeper.box).forget(keeper.now.wall) == 5
    assert not any(path.exists() for path in old) and young.exists()
    record = keeper.records.get("o3")
    assert record is not None and record.recording is None, "the page offers nothing to play"
    assert keeper.file_of("o3") == "" and keeper.file_of("young")
    assert [entry.event.__class__.__name__ for entry in keeper.records.events("o3")][-1] == "RecordingDeleted"


async def test_a_recording_goes_with_its_record_at_the_latest(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "STEP", 2)
    old = [kept(keeper, f"o{n}", 100 + n) for n in range(5)]
    young = kept(keeper, "young", 50)
    keeper.call("plain", 200 * DAY, recorded=False)
    keeper.configure(keep_records_days=90, keep_recordings_days=400)
    assert await Retention(keeper.box).forget(keeper.now.wall) == 5
    await until(lambda: [one.id for one in keeper.records.list(Filter(limit=50))[0]] == ["young"])
    assert young.exists() and not old[0].exists()


async def test_a_file_that_cannot_be_deleted_keeps_its_record(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = kept(keeper, "c1", 40), kept(keeper, "c2", 40)
    real = retention._delete
    monkeypatch.setattr(retention, "_delete", lambda root, path: "c1" not in path and real(root, path))
    keeper.configure(keep_records_days=30)
    assert await Retention(keeper.box).forget(keeper.now.wall) == 1
    keeper.ledger.flush()
    assert stuck.exists() and keeper.records.get("c1") is not None and keeper.file_of("c1")
    assert not other.exists()


def test_it_is_done_once_a_night_or_an_hour_after_a_start(keeper: Keeper) -> None:
    def at(day: int, hour: int) -> float:
        """Of the site's clock, nine hours ahead."""
        return datetime(2026, 11, day, hour, 30, tzinfo=UTC).timestamp() - 9 * 3600

    work = Retention(keeper.box)
    assert not work.due(at(20, 14), 600)
    assert work.due(at(20, 15), 4000), "an hour after the start"
    assert not work.due(at(20, 16), 8000)
    assert not work.due(at(21, 2), 40_000)
    assert work.due(at(21, 3), 44_000)
    assert not work.due(at(21, 4), 47_000)
    assert work.due(at(22, 4), 140_000)
