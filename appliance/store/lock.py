"""The data folder: its layout, and the lock that says which process it belongs to."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from appliance.errors import HakoError, reason

FOLDERS: Final = ("recordings", "voicemail", "prompts", "backups", "log")


class FolderError(HakoError):
    """The data folder cannot be used; the message says why and what helps."""


class FolderInUse(FolderError):
    """Another process has the folder. `pid` is its number, 0 when unknown."""

    def __init__(self, path: Path, pid: int) -> None:
        who = f" (process {pid})" if pid else ""
        super().__init__(f"{path} is in use by a running box{who}", f"{path} は動作中の装置{who}が使っています")
        self.pid = pid


class DataFolder:
    """Paths under one data folder. Making the object touches nothing."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        self.config = self.path / "config.json"
        self.records = self.path / "records.db"
        self.state = self.path / "state.db"
        self.recordings = self.path / "recordings"
        self.voicemail = self.path / "voicemail"
        self.prompts = self.path / "prompts"
        self.backups = self.path / "backups"
        self.log = self.path / "log"
        self.control = self.path / "control.sock"
        self.first_login = self.path / "first-login.txt"
        self.lock_file = self.path / "hako.lock"
        self._lock: int | None = None

    def create(self) -> None:
        """Makes the folder and what belongs in it, for its owner only. Raises FolderError."""
        if self.path.exists() and not self.path.is_dir():
            raise FolderError(
                f"{self.path} is a file; --data names the folder of the box's data",
                f"{self.path} はファイルです。--data には装置のデータフォルダーを指定してください",
            )
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stat.S_IMODE(self.path.stat().st_mode) & 0o077 and self.path.stat().st_uid == os.getuid():
                self.path.chmod(0o700)
            for name in FOLDERS:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise FolderError(
                f"{self.path} cannot be made: {error.strerror}", f"{self.path} を作れません: {reason(error, 'ja')}"
            ) from None

    def lock(self) -> None:
        """Takes the folder for this process until it ends. Raises FolderInUse, FolderError."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderError(
                f"{self.lock_file} cannot be opened: {error.strerror}",
                f"{self.lock_file} を開けません: {reason(error, 'ja')}",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise FolderInUse(self.path, self.holder()) from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # a full disk: the lock holds all the same, only its holder's number is not told
        self._lock = descriptor

    def unlock(self) -> None:
        """Gives the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def locked(self) -> bool:
        """Whether a process (this one included) holds the folder now."""
        if self._lock is not None:
            return True
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def holder(self) -> int:
        """Process number of who holds the folder, 0 when nobody says."""
        try:
            return int(self.lock_file.read_text().strip() or 0)
        except (OSError, ValueError):
            return 0
