"""Backups and the data folder's lock."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.site.model import Extension, Site
from appliance.store import backup as backing
from appliance.store.backup import MANIFEST, BackupError, backup, finish_restore, restore
from appliance.store.config import ConfigStore
from appliance.store.ledger import Ledger
from appliance.store.lock import DataFolder, FolderError, FolderInUse
from appliance.store.records import Records
from tests.unit.store.helpers import WALL, conversation


def config(folder: DataFolder) -> ConfigStore:
    return ConfigStore(folder.config, lambda: WALL)


def numbers(folder: DataFolder) -> list[str]:
    return [extension.number for extension in config(folder).load()[0].extensions]


@pytest.fixture
def box(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "box")
    folder.create()
    config(folder).save(Site(extensions=(Extension(number="201", password="secret"),)), "x")
    ledger = Ledger(folder.records, "b")
    ledger.append(conversation("c1", 0, 5))
    ledger.close()
    (folder.prompts / "main.wav").write_bytes(b"RIFF" + bytes(1000))
    (folder.recordings / "2026" / "11").mkdir(parents=True)
    (folder.recordings / "2026" / "11" / "c1.wav").write_bytes(b"RIFF" + os.urandom(1000))
    (folder.path / "state.db").write_bytes(b"of the moment")
    return folder


def save(box: DataFolder, tmp_path: Path, recordings: bool = False) -> Path:
    file = tmp_path / "box.hako"
    backup(box, file, WALL, "0.1.0", recordings)
    return file


def test_what_goes_in_and_what_does_not(box: DataFolder, tmp_path: Path) -> None:
    file = save(box, tmp_path)
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as archive:
        assert set(archive.namelist()) == {
            "config.json",
            "config.json.good",
            "records.db",
            "prompts/main.wav",
            MANIFEST,
        }
    with zipfile.ZipFile(save(box, tmp_path, recordings=True)) as archive:
        assert "recordings/2026/11/c1.wav" in archive.namelist()
    assert [one.name for one in box.path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("when", ["after it was listed", "as it is being added"])
def test_a_recording_that_becomes_opus_meanwhile_is_in_the_backup(
    box: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    folder = box.recordings / "2026" / "11"
    (folder / "b1.wav").write_bytes(b"RIFF" + bytes(100))
    (folder / "c2.wav").write_bytes(b"RIFF" + bytes(100))
    add = backing._add

    def meanwhile(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any] | None:
        if name.endswith("b1.wav" if when == "after it was listed" else "c1.wav"):
            (folder / "c1.wav").unlink()
            (folder / "c1.opus").write_bytes(b"OggS")
            (folder / "c2.wav").unlink()  # retention: gone for good
        return add(archive, name, path)

    monkeypatch.setattr(backing, "_add", meanwhile)
    other = DataFolder(tmp_path / "other")
    restore(save(box, tmp_path, recordings=True), other, WALL)
    assert sorted(path.name for path in other.recordings.rglob("*.*")) == ["b1.wav", "c1.opus"]


def test_any_other_file_that_vanishes_meanwhile_is_left_out(
    box: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = backing._add

    def meanwhile(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any] | None:
        (box.prompts / "main.wav").unlink(missing_ok=True)
        return add(archive, name, path)

    monkeypatch.setattr(backing, "_add", meanwhile)
    with zipfile.ZipFile(save(box, tmp_path)) as archive:
        assert set(archive.namelist()) == {"config.json", "config.json.good", "records.db", MANIFEST}


def test_a_backup_comes_back_on_another_box(box: DataFolder, tmp_path: Path) -> None:
    file = save(box, tmp_path, recordings=True)
    other = DataFolder(tmp_path / "other")
    restored = restore(file, other, WALL)
    assert restored.recordings and restored.files == 5
    assert numbers(other) == ["201"]
    assert Records(other.records).get("c1") is not None
    assert (other.recordings / "2026/11/c1.wav").read_bytes() == (box.recordings / "2026/11/c1.wav").read_bytes()
    assert other.config.stat().st_mode & 0o077 == 0


def test_a_restore_keeps_what_it_replaces(box: DataFolder, tmp_path: Path) -> None:
    file = save(box, tmp_path)
    config(box).save(Site(), "somebody")
    restore(file, box, WALL)
    assert numbers(box) == ["201"]
    (kept,) = box.backups.iterdir()
    assert ConfigStore(kept / "config.json", lambda: WALL).load() == (Site(), 2)
    assert (kept / "state.db").exists() and not box.state.exists()
    assert (box.recordings / "2026/11/c1.wav").exists()


def test_a_running_box_can_be_saved_but_not_restored(box: DataFolder, tmp_path: Path) -> None:
    ledger = Ledger(box.records, "b2")
    box.lock()
    try:
        ledger.append(conversation("c2", 100, 5))
        ledger.flush()
        file = save(box, tmp_path)
        with pytest.raises(FolderInUse) as failure:
            restore(file, DataFolder(box.path), WALL)
        assert failure.value.pid == os.getpid()
    finally:
        box.unlock()
        ledger.close()
    other = DataFolder(tmp_path / "other")
    restore(file, other, WALL)
    assert Records(other.records).get("c2") is not None


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        place = archive.getinfo("records.db").header_offset + 200
    data[place] ^= 0xFF
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def rewrite(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    def act(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(members)
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)

    return act


def swap(members: dict[str, bytes]) -> None:
    members["config.json"] = b'{"versions": {}}'


def outside(members: dict[str, bytes]) -> None:
    manifest = json.loads(members[MANIFEST])
    manifest["files"]["../evil"] = {"sha256": "", "bytes": 0}
    members[MANIFEST] = json.dumps(manifest).encode()
    members["../evil"] = b""


def newer(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b'"format": 1', b'"format": 2')


@pytest.mark.parametrize(
    "spoil",
    [
        flip,
        cut,
        rewrite(swap),
        rewrite(outside),
        rewrite(newer),
        rewrite(lambda members: members.pop("records.db") and None),
        rewrite(lambda members: members.pop(MANIFEST) and None),
        lambda file: file.write_bytes(b"no zip"),
        lambda file: file.unlink(),
    ],
)
def test_a_backup_that_is_not_good_changes_nothing(
    box: DataFolder, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    file = save(box, tmp_path)
    spoil(file)
    config(box).save(Site(), "somebody")
    before = {path: path.read_bytes() for path in box.path.rglob("*") if path.is_file() and path != box.lock_file}
    with pytest.raises(BackupError):
        restore(file, box, WALL)
    after = {path: path.read_bytes() for path in box.path.rglob("*") if path.is_file() and path != box.lock_file}
    assert before == after
    assert not (tmp_path / "evil").exists()


def test_a_restore_cut_off_while_moving_is_finished_at_the_next_start(
    box: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(box, tmp_path)
    config(box).save(Site(), "somebody")
    real, count = os.replace, 0

    class PowerCut(BaseException):
        pass

    def replace(source: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise PowerCut
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(backing.os, "replace", replace)
        with pytest.raises(PowerCut):
            restore(file, box, WALL)
    again = DataFolder(box.path)
    again.lock()
    assert finish_restore(again)
    assert numbers(box) == ["201"]
    assert sqlite3.connect(box.records).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not finish_restore(again)
    again.unlock()


def test_a_backup_that_cannot_be_written_leaves_no_half_file(box: DataFolder, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="could not be written"):
        backup(box, tmp_path / "no" / "such" / "folder.hako", WALL, "0.1.0")
    with pytest.raises(BackupError, match="not the data folder"):
        backup(DataFolder(tmp_path / "empty"), tmp_path / "x.hako", WALL, "0.1.0")
    assert not (tmp_path / "x.hako").exists()


def test_one_process_has_the_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "box")
    folder.create()
    assert folder.path.stat().st_mode & 0o077 == 0
    assert not folder.locked()
    folder.lock()
    assert folder.locked() and DataFolder(folder.path).locked()
    program = "import sys; from appliance.store.lock import *; DataFolder(sys.argv[1]).lock()"
    other = subprocess.run([sys.executable, "-c", program, str(folder.path)], capture_output=True, text=True)
    assert f"is in use by a running box (process {os.getpid()})" in other.stderr
    folder.unlock()
    assert not folder.locked()
    assert subprocess.run([sys.executable, "-c", program, str(folder.path)], check=False).returncode == 0


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot be made"):
        DataFolder(tmp_path / "file" / "box").create()
