"""The configuration of the box: versions of the site in TinyDB, the newest is in force; and the API tokens beside it.

Every save is one document added in one atomic write, with a version number that a writer must know (optimistic
locking).
The last `KEEP` versions stay, so any of them can be put back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from tinydb import TinyDB
from tinydb.table import Document

from appliance.clock import rfc3339
from appliance.errors import CommandError
from appliance.events.base import Words
from appliance.site.diff import diff
from appliance.site.model import Site
from appliance.store.safe import SafeStorage

KEEP: Final = 30
"""Versions kept."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the configuration."""

    version: int
    at: str
    """RFC 3339"""
    by: str
    changes: tuple[str, ...] = ()
    """What it changed, in the words of the site file."""


class ConfigStore:
    """`config.json`. Blocks on the disk: call it in a thread. Thread-safe."""

    def __init__(self, path: Path, clock: Callable[[], float], on_fault: Callable[[Words], None] | None = None) -> None:
        """`clock` gives the wall time; `on_fault` is told when the file was damaged. Raises StoreError."""
        self.path = path
        self._clock = clock
        self.lock = threading.RLock()
        """Held while the file is read and written: a change of one table writes the others again with it."""
        self._storage = SafeStorage(path, on_fault)
        self._database = TinyDB(storage=lambda: self._storage)
        self._versions = self._database.table("versions")

    @property
    def database(self) -> TinyDB:
        """For the other tables of the file (`tokens`)."""
        return self._database

    def load(self) -> tuple[Site, int]:
        """The site in force and its version; an empty site and 0 on a fresh box. Skips versions that cannot be read."""
        with self.lock:
            for document in self._newest_first():
                try:
                    return msgspec.convert(document["site"], Site), document.doc_id
                except (msgspec.ValidationError, KeyError):
                    continue
            return Site(), 0

    def lost(self, in_use: bool) -> Words | None:
        """Why `load` found no version although there must be one; None on a fresh box. `in_use`: it has run before."""
        with self.lock:
            kept = len(self._newest_first())
        name = self.path.name
        if self._storage.lost is not None:
            return self._storage.lost
        if kept:
            return {
                "ja": f"{name} の設定はこのバージョンでは読めません。",
                "en": f"no configuration in {name} can be read by this version of Hako.",
            }
        if in_use:
            return {"ja": f"{name} がありません。", "en": f"{name} is not there."}
        return None

    def get(self, version: int) -> Site:
        """The site as it was at a version. Raises CommandError("unknown-version")."""
        with self.lock:
            document = self._versions.get(doc_id=version)
        if not isinstance(document, Document):
            raise CommandError(
                "unknown-version",
                f"version {version} of the configuration is not kept",
                "version",
                f"設定のバージョン {version} は残っていません",
            )
        return msgspec.convert(document["site"], Site)

    def save(self, site: Site, by: str, expected_version: int | None = None) -> int:
        """Puts a site in force. `expected_version` (None: whatever it is) is what the writer has seen.

        Returns the new version, or the present one when nothing changed. Raises CommandError("version-conflict"),
        StoreError (the old configuration stays).
        """
        with self.lock:
            present, version = self.load()
            self._expect(expected_version, version)
            changes = diff(present, site)
            if version and not changes:
                return version
            kept = self._newest_first()
            number = max([version, *(document.doc_id for document in kept)]) + 1
            fields = {
                "at": rfc3339(self._clock()),
                "by": by,
                "changes": list(changes),
                "site": msgspec.to_builtins(site),
            }
            self._versions.insert(Document(fields, doc_id=number))
            old = [document.doc_id for document in kept[KEEP - 1 :]]
            if old:
                self._versions.remove(doc_ids=old)
            return number

    def history(self, limit: int = KEEP) -> list[Change]:
        """The versions kept, newest first."""
        with self.lock:
            documents = self._newest_first()[:limit]
        return [
            Change(
                version=document.doc_id,
                at=str(document.get("at", "")),
                by=str(document.get("by", "")),
                changes=tuple(document.get("changes", ())),
            )
            for document in documents
        ]

    def undo(self, by: str, expected_version: int | None = None) -> int:
        """Puts back what was in force before the present version. Undone again, it comes back.

        Raises CommandError("nothing-to-undo"), CommandError("version-conflict"), StoreError.
        """
        with self.lock:
            versions = self._newest_first()
            if len(versions) < 2:
                raise CommandError(
                    "nothing-to-undo", "there is no earlier configuration", ja="これより前の設定はありません"
                )
            self._expect(expected_version, versions[0].doc_id)
            return self.save(self.get(versions[1].doc_id), by, versions[0].doc_id)

    @staticmethod
    def _expect(expected: int | None, version: int) -> None:
        if expected is not None and expected != version:
            text = f"the configuration is at version {version}, not {expected}: somebody changed it meanwhile"
            ja = f"設定はバージョン {version} です（{expected} ではありません）。その間に誰かが変更しました"
            raise CommandError("version-conflict", text, "version", ja)

    def _newest_first(self) -> list[Document]:
        documents: list[Any] = self._versions.all()
        return sorted(documents, key=lambda document: -document.doc_id)
