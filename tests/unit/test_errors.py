"""Why something could not be done, in words that fit into a sentence of either language."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from pathlib import Path

import pytest

from appliance.app.https import CertificateError
from appliance.errors import HakoError, reason
from appliance.store.lock import DataFolder, FolderError

USUAL = ("ENOENT", "EACCES", "EPERM", "ENOSPC", "EROFS", "EIO", "EADDRINUSE", "EADDRNOTAVAIL", "ECONNREFUSED", "EMFILE")


@pytest.mark.parametrize("name", USUAL)
def test_the_systems_usual_errors_are_said_in_both_languages(name: str) -> None:
    number = getattr(errno, name)
    error = OSError(number, os.strerror(number), "/some/file")
    assert reason(error, "en") == os.strerror(number)
    assert not re.search("[A-Za-z]", reason(error, "ja"))


def test_what_has_no_words_of_its_own_keeps_those_it_came_with() -> None:
    assert reason(OSError(errno.EXDEV, "Invalid cross-device link"), "ja") == "Invalid cross-device link"
    assert reason(OSError("the helper ended with 1"), "ja") == "the helper ended with 1"
    assert reason(CertificateError("over", "有効期間外です"), "ja") == "有効期間外です"
    assert reason(HakoError("no", "いいえ"), "en") == "no"


def test_the_databases_errors_are_said_in_japanese_too(tmp_path: Path) -> None:
    damaged = tmp_path / "records.db"
    damaged.write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.DatabaseError) as failure:
        sqlite3.connect(damaged).execute("SELECT 1 FROM sqlite_master")
    assert reason(failure.value, "ja") == "データベースのファイルではありません"
    assert reason(failure.value, "en") == "file is not a database"


def test_a_message_is_in_one_language_throughout(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError) as failure:
        DataFolder(tmp_path / "file" / "below").create()
    assert failure.value.said("ja").endswith("フォルダーではありません")
    assert failure.value.said("en").endswith("Not a directory")
