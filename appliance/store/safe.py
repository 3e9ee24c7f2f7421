"""Files that a power cut leaves either as they were or as they became, and a TinyDB storage made of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinydb.storages import Storage

from appliance.errors import HakoError, reason
from appliance.events.base import Words


class StoreError(HakoError):
    """Something could not be kept; what was there before still is. The message says why in plain words."""


def write_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replaces a file whole: temporary file, fsync, rename, fsync of the folder. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes renames in this folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_NO_JSON: Words = {"ja": "JSON ではありません", "en": "it is not JSON"}
_NO_TABLES: Words = {"ja": "中身が設定ではありません", "en": "it holds no tables"}


def _unread(error: OSError) -> Words:
    return {"ja": f"読み込めません: {reason(error, 'ja')}", "en": f"it cannot be read: {error.strerror}"}


class SafeStorage(Storage):
    """TinyDB's JSON, in a file replaced whole and a second copy of it (`….good`) for when the first is damaged.

    A file that cannot be read stays where it is until something is to be written in its place; then it is set aside.
    """

    def __init__(self, path: Path, on_damage: Callable[[Words], None] | None = None) -> None:
        """`on_damage` is told in words when the file was damaged and the good copy is used instead."""
        self.path = path
        self.copy = path.with_name(path.name + ".good")
        self.lost: Words | None = None
        """Why nothing could be read at all, when the file or its copy is there; as of the last `read`."""
        self._on_damage = on_damage or (lambda text: None)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The tables; None when there are none, or none that can be read (`lost`). Falls back on the good copy."""
        self.lost = None
        data, damage = _load(self.path)
        if data is not None:
            return data
        good, copy_damage = _load(self.copy)
        name = self.path.name
        if good is None:
            why = damage or copy_damage
            if why:
                self.lost = {
                    "ja": f"{name} もその控えも使えません（{why['ja']}）。",
                    "en": f"neither {name} nor its copy can be used ({why['en']}).",
                }
            return None
        if damage:
            self._on_damage(
                {
                    "ja": f"{name} が壊れていました（{damage['ja']}）。最後の正常な控えを使います。",
                    "en": f"{name} was damaged ({damage['en']}): the last good copy is used.",
                }
            )
        self._put_back(good)
        return good

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Keeps the tables. Raises StoreError; the file is then as it was."""
        text = json.dumps(data, ensure_ascii=False, indent=1).encode()
        try:
            _set_aside(self.path)
            write_file(self.path, text)
        except OSError as error:
            raise StoreError(
                f"{self.path.name} could not be written: {error.strerror}",
                f"{self.path.name} に書き込めません: {reason(error, 'ja')}",
            ) from None
        try:
            _set_aside(self.copy)
            write_file(self.copy, text)
        except OSError:
            pass  # the file itself is safe; the copy stays one change behind

    def _put_back(self, data: dict[str, dict[str, Any]]) -> None:
        try:
            self.write(data)
        except StoreError:
            pass  # it is read from the copy again next time


def _set_aside(path: Path) -> None:
    """Moves a file that cannot be read out of the way, under a name that nothing has. Raises OSError."""
    if _load(path)[1] is None:
        return
    number, aside = 1, path.with_name(path.name + ".damaged")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    os.replace(path, aside)


def _load(path: Path) -> tuple[dict[str, dict[str, Any]] | None, Words | None]:
    """(tables, None) or (None, what is wrong); (None, None) when there is no such file."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, _unread(error)
    except (ValueError, RecursionError):
        return None, _NO_JSON
    if not isinstance(data, dict) or not all(isinstance(table, dict) for table in data.values()):
        return None, _NO_TABLES
    return data, None
