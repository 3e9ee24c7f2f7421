"""Backups: one zip file with a manifest of checksums; a restore verifies all of it before it writes anything.

In it: configuration, ledger and records, prompts, voicemail, whatever else belongs to the site; recordings when asked
for. Not in it: bindings and dialogs (they belong to a moment), logs, earlier backups, sockets and locks.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.clock import rfc3339
from appliance.errors import HakoError, reason
from appliance.events.base import Words
from appliance.media.recordings import find
from appliance.store.lock import DataFolder
from appliance.store.safe import sync_folder

MANIFEST: Final = "hako-backup.json"
FORMAT: Final = 1
_LEFT_OUT: Final = ("recordings", "backups", "log")
_LEFT_OUT_SUFFIXES: Final = (".sock", ".lock", ".pid", ".tmp", "-wal", "-shm", "-journal", ".part")
_MADE_AGAIN: Final = ("prompts/cache/",)
"""Spoken prompts: synthesised again from the configuration."""
_READY: Final = ".restore"
"""A restore that is verified and only needs to be moved into place; finished when the box next starts."""


class BackupError(HakoError):
    """A backup could not be made or is not good; the message says why. Nothing was changed."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    made: str
    """RFC 3339"""
    files: int
    bytes: int
    recordings: bool


def backup(folder: DataFolder, file: Path, wall: float, version: str, recordings: bool = False) -> Backup:
    """Writes a backup of a running or stopped box; `file` appears complete or not at all. Raises BackupError."""
    if not folder.config.exists():
        raise BackupError(
            f"{folder.path} is not the data folder of a box: there is no {folder.config.name}",
            f"{folder.path} は装置のデータフォルダーではありません（{folder.config.name} がありません）",
        )
    if recordings and file.absolute().is_relative_to(folder.recordings):
        raise BackupError(
            "a backup cannot be written among the recordings", "録音のフォルダーにはバックアップを書き込めません"
        )
    files: dict[str, dict[str, Any]] = {}
    descriptor, temporary = -1, ""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
        with (
            os.fdopen(descriptor, "wb") as target,
            tempfile.TemporaryDirectory(dir=folder.path, prefix=".backup-") as work,
        ):
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6, allowZip64=True) as archive:
                for path in _contents(folder, recordings):
                    source = _still(path, Path(work)) if path.suffix == ".db" else path
                    entry = _add(archive, _name(folder, path), source)
                    if entry is None and path.is_relative_to(folder.recordings):
                        # It became Opus since it was listed.
                        path = find(path)
                        entry = _add(archive, _name(folder, path), path) if _name(folder, path) not in files else None
                    if entry is not None:
                        files[_name(folder, path)] = entry
                manifest = {"format": FORMAT, "made": rfc3339(wall), "version": version, "recordings": recordings}
                archive.writestr(MANIFEST, json.dumps(manifest | {"files": files}, indent=1))
            target.flush()
            os.fsync(target.fileno())
        os.replace(temporary, file)
        sync_folder(file.absolute().parent)
    except OSError as error:
        _remove(temporary)
        raise BackupError(
            f"the backup could not be written to {file}: {error.strerror or error}",
            f"{file} にバックアップを書き込めません: {reason(error, 'ja')}",
        ) from None
    except sqlite3.Error as error:
        _remove(temporary)
        raise BackupError(
            f"the records could not be read: {error}", f"通話記録を読めません: {reason(error, 'ja')}"
        ) from None
    total = sum(entry["bytes"] for entry in files.values())
    return Backup(made=rfc3339(wall), files=len(files), bytes=total, recordings=recordings)


def _remove(path: str) -> None:
    if path:
        Path(path).unlink(missing_ok=True)


def _name(folder: DataFolder, path: Path) -> str:
    return path.relative_to(folder.path).as_posix()


def _contents(folder: DataFolder, recordings: bool) -> Iterator[Path]:
    """Files that belong to a backup. A recording may be gone by now, or be another file: it is listed all the same."""
    for top in sorted(folder.path.iterdir()):
        left_out = top.name in _LEFT_OUT and not (recordings and top.name == "recordings")
        if left_out or top.name.startswith(".") or top in (folder.state, folder.first_login) or ".damaged" in top.name:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            name = _name(folder, path)
            if name.startswith(_MADE_AGAIN) or name.endswith(_LEFT_OUT_SUFFIXES) or path.is_symlink():
                continue
            if path.is_file() or not path.exists():
                yield path


def _still(path: Path, work: Path) -> Path:
    """A copy of a database as it is at one moment, while others write."""
    copy = work / path.name
    source = sqlite3.connect(path, timeout=30)
    try:
        target = sqlite3.connect(copy)
        try:
            source.backup(target, pages=2000, sleep=0.01)
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
    finally:
        source.close()
    return copy


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any] | None:
    """Adds a file, reading it once; a file that vanished meanwhile is left out. Sound is not compressed again."""
    digest, size = hashlib.sha256(), 0
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return None
    info = zipfile.ZipInfo(name, time.localtime(max(os.fstat(source.fileno()).st_mtime, 315532800))[:6])
    info.external_attr = 0o600 << 16
    info.compress_type = zipfile.ZIP_STORED if path.suffix in (".wav", ".opus", ".mp3") else zipfile.ZIP_DEFLATED
    with source, archive.open(info, "w", force_zip64=True) as target:
        while block := source.read(1 << 20):
            digest.update(block)
            size += len(block)
            target.write(block)
    return {"sha256": digest.hexdigest(), "bytes": size}


def restore(file: Path, folder: DataFolder, wall: float) -> Backup:
    """Puts a backup into a stopped box's data folder; what it replaces is kept under `backups/`.

    Everything is unpacked beside the data, checked (checksums, databases, configuration) and only then moved into
    place; a power cut while moving is finished by `finish_restore` at the next start. Raises FolderInUse, BackupError.
    """
    folder.create()
    folder.lock()
    try:
        finish_restore(folder)
        work = Path(tempfile.mkdtemp(dir=folder.path, prefix=".unpack-"))
        try:
            manifest = _unpack(file, work)
            _verify(manifest, work)
            (work / MANIFEST).unlink(missing_ok=True)
            kept = f"before-restore-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(wall))}"
            (work / ".kept").write_text(kept)
            _sync_tree(work)
            os.rename(work, folder.path / _READY)
            sync_folder(folder.path)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        finish_restore(folder)
    except OSError as error:
        raise BackupError(
            f"the backup could not be restored: {error.strerror or error}",
            f"バックアップを復元できません: {reason(error, 'ja')}",
        ) from None
    finally:
        folder.unlock()
    files = manifest["files"]
    total = sum(entry["bytes"] for entry in files.values())
    return Backup(made=manifest["made"], files=len(files), bytes=total, recordings=bool(manifest.get("recordings")))


def finish_restore(folder: DataFolder) -> bool:
    """Moves a verified restore into place; called with the folder locked, before anything in it is opened.

    Whatever the restore brings replaces what is there; the old goes to `backups/before-restore-…`. True: there was one.
    """
    ready = folder.path / _READY
    if not ready.is_dir():
        return False
    kept = folder.backups / ((ready / ".kept").read_text().strip() or "before-restore")
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("state.db", "state.db-wal", "state.db-shm", "records.db-wal", "records.db-shm", "config.json.good"):
        if (folder.path / name).exists() and not (ready / name).exists():
            os.replace(folder.path / name, kept / name)
    for source in sorted(path for path in ready.rglob("*") if path.is_file() and path != ready / ".kept"):
        inside = source.relative_to(ready)
        target = folder.path / inside
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists():
            aside = kept / inside
            aside.parent.mkdir(parents=True, exist_ok=True)
            if not aside.exists():
                os.replace(target, aside)
        os.replace(source, target)
    sync_folder(folder.path)
    shutil.rmtree(ready)
    sync_folder(folder.path)
    return True


def _unpack(file: Path, work: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
                raise BackupError(f"{file} has no list of its files", f"{file} にファイルの一覧がありません")
            if manifest.get("format") != FORMAT:
                raise BackupError(
                    f"{file} was written by a newer Hako; update this box first",
                    f"{file} は新しい Hako のものです。先にこの装置を更新してください",
                )
            for name, entry in manifest["files"].items():
                target = work / name
                if name.startswith("/") or ".." in Path(name).parts or not target.is_relative_to(work):
                    raise BackupError(
                        f"{file} holds a file outside the data folder: {name}",
                        f"{file} にデータフォルダーの外のファイルがあります: {name}",
                    )
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _unpack_one(archive, name, entry, target)
            return manifest
    except FileNotFoundError:
        raise BackupError(f"there is no file {file}", f"{file} というファイルはありません") from None
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, EOFError, NotImplementedError) as error:
        raise BackupError(
            f"{file} is damaged or no backup of Hako: {error}",
            f"{file} は壊れているか、Hako のバックアップではありません: {error}",
        ) from None


def _unpack_one(archive: zipfile.ZipFile, name: str, entry: dict[str, Any], target: Path) -> None:
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as source, open(target, "xb", opener=_private) as copy:
        while block := source.read(1 << 20):
            digest.update(block)
            size += len(block)
            if size > entry["bytes"]:
                break
            copy.write(block)
    if size != entry["bytes"] or digest.hexdigest() != entry["sha256"]:
        raise BackupError(
            f"the backup is damaged: {name} is not what was saved",
            f"バックアップが壊れています: {name} が保存時と異なります",
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _verify(manifest: dict[str, Any], work: Path) -> None:
    from appliance.store.config import ConfigStore

    if "config.json" not in manifest["files"]:
        raise BackupError("the backup holds no configuration", "バックアップに設定がありません")
    damage: list[Words] = []
    store = ConfigStore(work / "config.json", lambda: 0.0, damage.append)
    if damage or store.load()[1] == 0:
        raise BackupError("the configuration in the backup cannot be read", "バックアップの設定を読めません")
    for path in work.glob("*.db"):
        database = sqlite3.connect(path)
        try:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            raise BackupError(
                f"{path.name} in the backup is damaged: {error}",
                f"バックアップの {path.name} が壊れています: {reason(error, 'ja')}",
            ) from None
        finally:
            database.close()
        if found is None or found[0] != "ok":
            raise BackupError(f"{path.name} in the backup is damaged", f"バックアップの {path.name} が壊れています")


def _sync_tree(work: Path) -> None:
    for path in work.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        else:
            sync_folder(path)
    sync_folder(work)
