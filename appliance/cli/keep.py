"""`hako backup`, `hako restore`, `hako token create`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from appliance import __version__
from appliance.cli.client import box
from appliance.store.lock import DataFolder


def run(arguments: argparse.Namespace) -> int:
    """Runs one of the three."""
    folder = DataFolder(arguments.data)
    if arguments.command == "backup":
        return backup(folder, arguments.file, arguments.recordings)
    if arguments.command == "restore":
        return restore(arguments.file, folder)
    return create_token(folder, arguments.name, arguments.role)


def backup(folder: DataFolder, file: Path, recordings: bool) -> int:
    """Saves a running or a stopped box. Reading beside a running box is safe: databases are copied as of one moment."""
    from appliance.store.backup import backup as save

    made = save(folder, file, time.time(), __version__, recordings)
    what = "with recordings" if made.recordings else "without recordings"
    print(f"{file}: {made.files} files, {_size(made.bytes)}, {what}")
    return 0


def restore(file: Path, folder: DataFolder) -> int:
    """Puts a backup back; the box must be stopped."""
    from appliance.store.backup import restore as put_back

    made = put_back(file, folder, time.time())
    print(f"{folder.path}: restored {made.files} files, {_size(made.bytes)}, of the backup made at {made.made}")
    print(f"what was there before is kept under {folder.backups}", file=sys.stderr)
    return 0


def create_token(folder: DataFolder, name: str, role: str) -> int:
    """Prints a new API token: the only time it is seen."""
    with box(folder) as running:
        if running is not None:
            secret: str = running.ask("token-create", {"name": name, "role": role})["token"]
        else:
            from appliance.store.config import ConfigStore
            from appliance.store.tokens import Tokens

            store = ConfigStore(folder.config, time.time)
            secret = Tokens(store, os.urandom, time.time).create(name, role)
    print(secret)
    return 0


def _size(count: int) -> str:
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1_000_000:.1f} MB"
