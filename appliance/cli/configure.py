"""`hako check`, `hako apply`, `hako export`: the site file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.cli.client import box
from appliance.cli.words import Speaker, speaker, terminal_language
from appliance.errors import ConfigError, HakoError, reason
from appliance.site.reader import load, read, read_toml
from appliance.store.lock import DataFolder


def run(arguments: argparse.Namespace) -> int:
    """Runs one of the three."""
    if arguments.command == "check":
        return check(arguments.file)
    folder = DataFolder(arguments.data)
    if arguments.command == "apply":
        return apply(arguments.file, folder)
    return export(folder, arguments.secrets)


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise HakoError(f"{file}: {reason(error, 'en')}", f"{file}: {reason(error, 'ja')}") from None


def check(file: Path) -> int:
    """Prints every problem and every warning of a site file."""
    say = Speaker(terminal_language())
    reading = read(_read_file(file))
    for problem in reading.errors:
        print(f"{file}: {say.problem(problem)}")
    for warning in reading.warnings:
        path, _, message = say.problem(warning).partition(": ")
        print(f"{file}: {path}: {say('warning')}: {message}")
    if not reading.errors:
        # Not on standard output: a line there is a problem or a warning.
        print(say("check-ok", file=file), file=sys.stderr)
    return 1 if reading.errors else 0


def apply(file: Path, folder: DataFolder) -> int:
    """Makes the box of this folder match a site file; prints what changes."""
    text = _read_file(file)
    say = speaker(folder.path)
    try:
        changes, warnings = _apply(text, folder)
    except ConfigError as error:
        for problem in error.problems:
            print(f"{file}: {say.problem(problem)}")
        print(say("nothing-changed"), file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"{file}: {say.problem(warning)}", file=sys.stderr)
    print("\n".join(changes) if changes else say("no-change"))
    return 0


def _apply(text: bytes, folder: DataFolder) -> tuple[list[str], list[str]]:
    if not folder.path.exists():
        # A bad file leaves not even a folder behind.
        load(text)
        print(speaker()("new-folder", folder=folder.path), file=sys.stderr)
    with box(folder, create=True) as running:
        if running is not None:
            read_toml(text)
            answer = running.ask("apply", {"text": text.decode("utf-8-sig")})
            return list(answer["changes"]), list(answer["warnings"])
        from appliance.store.apply import apply_text
        from appliance.store.config import ConfigStore

        applied = apply_text(ConfigStore(folder.config, time.time, _tell(folder)), text, "hako apply")
        return list(applied.changes), list(applied.warnings)


def export(folder: DataFolder, secrets: bool) -> int:
    """Prints the configuration of the box of this folder."""
    with box(folder) as running:
        if running is not None:
            text: str = running.ask("export", {"secrets": secrets})["text"]
        else:
            from appliance.site.writer import write
            from appliance.store.config import ConfigStore

            store = ConfigStore(folder.config, time.time, _tell(folder))
            site, version = store.load()
            lost = store.lost(folder.records.exists()) if version == 0 else None
            if lost is not None:
                say = speaker(folder.path)
                raise HakoError(say("config-lost", why=say.of(lost)))
            text = write(site, secrets)
    sys.stdout.write(text)
    return 0


def _tell(folder: DataFolder) -> Callable[[Mapping[str, str]], None]:
    say = speaker(folder.path)
    return lambda text: print(f"hako: {say.of(text)}", file=sys.stderr)
