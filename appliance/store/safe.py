"""Files that a power cut leaves either as they were or as they became, and a TinyDB storage made of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinydb.storages import Storage

from appliance.errors import HakoError
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


_LAST_GOOD = ("最後の正常な控えを使います。", "the last good copy is used.")
_EMPTY = ("正常な控えがないため、空の設定から始めます。", "there is no good copy, so it starts empty.")


class SafeStorage(Storage):
    """TinyDB's JSON, in a file replaced whole and a second copy of it (`….good`) for when the first is damaged."""

    def __init__(self, path: Path, on_damage: Callable[[Words], None] | None = None) -> None:
        """`on_damage` is told in words when the file was damaged and what is used instead."""
        self.path = path
        self.copy = path.with_name(path.name + ".good")
        self._on_damage = on_damage or (lambda text: None)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The tables; None when there are none yet. Falls back on the good copy."""
        data, damage = _load(self.path)
        if data is not None:
            return data
        good, _ = _load(self.copy)
        if damage:
            self._set_aside()
            ja, en = _LAST_GOOD if good is not None else _EMPTY
            name = self.path.name
            self._on_damage(
                {"ja": f"{name} が壊れていました（{damage}）。{ja}", "en": f"{name} was damaged ({damage}): {en}"}
            )
        if good is not None:
            self._put_back(good)
        return good

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Keeps the tables. Raises StoreError; the file is then as it was."""
        text = json.dumps(data, ensure_ascii=False, indent=1).encode()
        try:
            write_file(self.path, text)
        except OSError as error:
            raise StoreError(f"{self.path.name} could not be written: {error.strerror}") from None
        try:
            write_file(self.copy, text)
        except OSError:
            pass  # the file itself is safe; the copy stays one change behind

    def _put_back(self, data: dict[str, dict[str, Any]]) -> None:
        try:
            self.write(data)
        except StoreError:
            pass  # it is read from the copy again next time

    def _set_aside(self) -> None:
        try:
            os.replace(self.path, self.path.with_name(self.path.name + ".damaged"))
        except OSError:
            pass  # a file that cannot be moved is written over


def _load(path: Path) -> tuple[dict[str, dict[str, Any]] | None, str]:
    """(tables, "") or (None, what is wrong); (None, "") when there is no such file."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, str(error.strerror)
    except (ValueError, RecursionError):
        return None, "it is not JSON"
    if not isinstance(data, dict) or not all(isinstance(table, dict) for table in data.values()):
        return None, "it holds no tables"
    return data, ""
