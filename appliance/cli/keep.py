"""`hako backup`, `hako restore`, `hako token create|list|revoke`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from appliance import __version__
from appliance.cli.client import box
from appliance.cli.words import speaker
from appliance.store.config import ConfigStore
from appliance.store.lock import DataFolder
from appliance.store.tokens import Token, Tokens


def run(arguments: argparse.Namespace) -> int:
    """Runs one of them."""
    folder = DataFolder(arguments.data)
    if arguments.command == "backup":
        return backup(folder, arguments.file, arguments.recordings)
    if arguments.command == "restore":
        return restore(arguments.file, folder)
    if arguments.action == "create":
        return create_token(folder, arguments.name, arguments.role)
    if arguments.action == "revoke":
        return revoke_token(folder, arguments.name)
    return list_tokens(folder)


def backup(folder: DataFolder, file: Path, recordings: bool) -> int:
    """Saves a running or a stopped box. Reading beside a running box is safe: databases are copied as of one moment."""
    from appliance.store.backup import backup as save

    made = save(folder, file, time.time(), __version__, recordings)
    say = speaker(folder.path)
    what = say("with-recordings" if made.recordings else "without-recordings")
    print(say("backed-up", file=file, files=made.files, size=_size(made.bytes), what=what))
    return 0


def restore(file: Path, folder: DataFolder) -> int:
    """Puts a backup back; the box must be stopped."""
    from appliance.store.backup import restore as put_back

    made = put_back(file, folder, time.time())
    say = speaker(folder.path)
    print(say("restored", folder=folder.path, files=made.files, size=_size(made.bytes), made=made.made))
    print(say("kept-before", folder=folder.backups), file=sys.stderr)
    return 0


def create_token(folder: DataFolder, name: str, role: str) -> int:
    """Prints a new API token: the only time it is seen."""
    with box(folder) as running:
        if running is not None:
            secret: str = running.ask("token-create", {"name": name, "role": role})["token"]
        else:
            secret = _tokens(folder).create(name, role)
    print(secret)
    return 0


def list_tokens(folder: DataFolder) -> int:
    """Prints one line a token: name, role, when it was made."""
    with box(folder) as running:
        if running is not None:
            found = [Token(**one) for one in running.ask("token-list", {})["tokens"]]
        else:
            found = list(_tokens(folder).list())
    width = max((len(token.name) for token in found), default=0)
    for token in found:
        print(f"{token.name:<{width}}  {token.role:<10}  {token.created}")
    return 0


def revoke_token(folder: DataFolder, name: str) -> int:
    """Whoever has the token is nobody from now on."""
    with box(folder) as running:
        if running is not None:
            running.ask("token-revoke", {"name": name})
        else:
            _tokens(folder).revoke(name)
    print(speaker(folder.path)("revoked", name=name))
    return 0


def _tokens(folder: DataFolder) -> Tokens:
    return Tokens(ConfigStore(folder.config, time.time), os.urandom, time.time)


def _size(count: int) -> str:
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1_000_000:.1f} MB"
