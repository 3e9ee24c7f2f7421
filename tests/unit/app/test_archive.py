"""Finished recordings become Opus: in which order, when not, and what a sudden end leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.app import archive
from appliance.app.archive import Archive
from appliance.box.health import tools
from appliance.media import archive_worker, opus, recordings
from tests.unit.app.keeper import Keeper, until
from tests.unit.media.test_archive import recording


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path)
    yield made
    made.close()


def idle(keeper: Keeper) -> Archive:
    return Archive(keeper.box, lambda: False)


async def test_the_ledger_knows_the_opus_file_before_the_wav_goes(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recording(keeper.call("c1"), 8.0)
    steps: list[tuple[str, bool, bool]] = []
    commit = keeper.committed

    async def committed() -> None:
        await commit()
        steps.append((keeper.file_of("c1"), path.exists(), path.with_suffix(".opus").exists()))

    keeper.box.committed = committed  # type: ignore[method-assign]
    work = idle(keeper)
    assert await work.step()
    assert steps == [("2026/11/21/c1-1.opus", True, True)], "both are there when it is committed"
    assert not path.exists() and opus.read(path.with_suffix(".opus")).seconds == pytest.approx(8.0, abs=0.01)
    assert not await work.step(), "nothing is left to do"
    assert recordings.find(path) == path.with_suffix(".opus"), "who still holds the old name finds it"
    record = keeper.records.get("c1")
    assert record is not None and record.recording is not None and record.recording.seconds == 8.0


async def test_what_was_just_listened_to_keeps_its_file(keeper: Keeper) -> None:
    path = recording(keeper.call("c1"), 4.0)
    work = idle(keeper)
    work.played("c1-1")
    assert not await work.step() and path.exists()
    keeper.later(archive.PLAYED_SECONDS + 1)

    async def play_meanwhile() -> None:
        await until(path.with_suffix(".opus.part").exists)
        work.played("c1-1")

    playing = asyncio.create_task(play_meanwhile())
    assert await work.step()
    await playing
    assert path.exists() and keeper.file_of("c1").endswith(".wav"), "it was begun to play while it was converted"
    keeper.later(archive.PLAYED_SECONDS + 1)
    assert await work.step()
    assert not path.exists() and keeper.file_of("c1").endswith(".opus")


async def test_a_busy_box_lets_it_wait_but_not_without_bound(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [recording(keeper.call(f"c{n}", 100 - n), 1.0) for n in range(3)]
    work = Archive(keeper.box, lambda: True)
    assert not await work.step() and all(path.exists() for path in paths) and work.waiting == 3
    monkeypatch.setattr(archive, "BACKLOG", 2)
    assert await work.step() and not paths[0].exists(), "the oldest first"
    assert not await work.step()


async def test_it_is_left_alone_where_the_site_or_the_box_cannot(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recording(keeper.call("c1"), 1.0)
    keeper.configure(recording_format="wav")
    assert not await idle(keeper).step()
    keeper.configure(recording_format="opus")
    monkeypatch.setattr(tools.shutil, "which", lambda tool: None)
    assert not await idle(keeper).step() and path.exists()
    found = tools.check()
    assert found is not None and "opus-tools" in found.remedy["en"]


async def test_one_that_cannot_be_converted_holds_up_no_other(keeper: Keeper) -> None:
    bad, good = keeper.call("c1", 200), recording(keeper.call("c2", 100), 4.0)
    bad.write_bytes(b"RIFF, but not really")
    work = idle(keeper)
    while await work.step():
        pass
    assert bad.exists() and keeper.file_of("c1").endswith(".wav")
    assert not good.exists() and keeper.file_of("c2").endswith(".opus")
    assert "c1-1" in keeper.faults[archive.FAULT]["en"] and "c1-1" in keeper.faults[archive.FAULT]["ja"]
    recording(bad, 4.0)
    assert not await work.step(), "not before an hour"
    keeper.later(archive.RETRY_SECONDS + 1)
    assert await work.step() and not bad.exists() and keeper.faults == {}


async def test_what_a_sudden_end_left_is_cleared_up(keeper: Keeper) -> None:
    known, unknown = recording(keeper.call("c1"), 4.0), recording(keeper.call("c2"), 4.0)
    content = known.read_bytes()
    work = idle(keeper)
    assert await work.step() and await work.step()
    known.write_bytes(content)  # the end came between the commit and the deletion
    (known.parent / "c3-1.opus.part").write_bytes(b"cut off")
    (known.parent / "c4-1.wav").write_bytes(content)
    (known.parent / "c4-1.opus").write_bytes(b"made, but the ledger does not know it")
    again = asyncio.create_task(idle(keeper).keep())
    await until(lambda: not known.exists() and not (known.parent / "c3-1.opus.part").exists())
    again.cancel()
    assert known.with_suffix(".opus").exists() and unknown.with_suffix(".opus").exists()
    assert (known.parent / "c4-1.wav").exists(), "nothing goes that the ledger does not know elsewhere"


async def test_of_a_damaged_opus_file_and_its_wav_the_whole_one_stays(keeper: Keeper) -> None:
    """The ledger names the Opus file, but the disk kept less of it than it had said."""
    path = recording(keeper.call("c1"), 4.0)
    content = path.read_bytes()
    assert await idle(keeper).step()
    path.write_bytes(content)
    made = path.with_suffix(".opus")
    whole = made.read_bytes()
    for size in (0, 40, len(whole) // 2, len(whole) - 1):
        made.write_bytes(whole[:size])
        again = asyncio.create_task(idle(keeper).keep())
        await until(lambda: not (made.exists() and path.exists()))
        again.cancel()
        assert not made.exists() and path.read_bytes() == content
        assert recordings.find(made) == path, "who asks for the Opus file is given the WAV"


async def test_a_cut_at_any_byte_of_what_is_being_made_costs_nothing(keeper: Keeper) -> None:
    """A power cut while it is converted: the WAV is whole, and what was made of it is made again."""
    path = recording(keeper.call("c1"), 2.0)
    content = path.read_bytes()
    whole = archive_worker.archive(path).read_bytes()
    part, made = path.with_suffix(archive_worker.PART), path.with_suffix(".opus")
    for size in (*range(0, 300, 37), len(whole) // 2, len(whole) - 1):
        part.write_bytes(whole[:size])
        made.write_bytes(whole[:size])
        Archive(keeper.box)._sweep()
        assert not part.exists() and path.read_bytes() == content and keeper.file_of("c1").endswith(".wav")
    assert await idle(keeper).step()
    assert not path.exists() and recordings.duration(made) == pytest.approx(2.0, abs=0.01)


async def test_the_helper_ends_with_its_box(keeper: Keeper) -> None:
    path = recording(keeper.call("c1"), 120.0)
    task = asyncio.create_task(idle(keeper).step())
    await until(path.with_suffix(".opus.part").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert path.exists() and not path.with_suffix(".opus").exists()
