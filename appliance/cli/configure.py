"""`hako check`, `hako apply`, `hako export`: the site file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from appliance.cli.client import box
from appliance.cli.main import spoken_language
from appliance.errors import ConfigError, HakoError
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
        raise HakoError(f"{file}: {error.strerror}") from None


def check(file: Path) -> int:
    """Prints every problem and every warning of a site file."""
    reading = read(_read_file(file))
    for problem in reading.errors:
        print(f"{file}: {problem}")
    for warning in reading.warnings:
        path, _, message = warning.partition(": ")
        print(f"{file}: {path}: warning: {message}")
    return 1 if reading.errors else 0


def apply(file: Path, folder: DataFolder) -> int:
    """Makes the box of this folder match a site file; prints what changes."""
    text = _read_file(file)
    try:
        changes, warnings = _apply(text, folder)
    except ConfigError as error:
        for problem in error.problems:
            print(f"{file}: {problem}")
        print("nothing was changed", file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"{file}: {warning}", file=sys.stderr)
    print("\n".join(changes) if changes else "no change: the box is like this already")
    return 0


def _apply(text: bytes, folder: DataFolder) -> tuple[list[str], list[str]]:
    if not folder.path.exists():
        # A bad file leaves not even a folder behind.
        load(text)
        print(f"{folder.path} is new: a box that starts there begins with this site", file=sys.stderr)
    with box(folder, create=True) as running:
        if running is not None:
            read_toml(text)
            answer = running.ask("apply", {"text": text.decode("utf-8-sig")})
            return list(answer["changes"]), list(answer["warnings"])
        from appliance.store.apply import apply_text
        from appliance.store.config import ConfigStore

        applied = apply_text(ConfigStore(folder.config, time.time, _say), text, "hako apply")
        return list(applied.changes), list(applied.warnings)


def export(folder: DataFolder, secrets: bool) -> int:
    """Prints the configuration of the box of this folder."""
    with box(folder) as running:
        if running is not None:
            text: str = running.ask("export", {"secrets": secrets})["text"]
        else:
            from appliance.site.writer import write
            from appliance.store.config import ConfigStore

            site, _version = ConfigStore(folder.config, time.time, _say).load()
            text = write(site, secrets)
    sys.stdout.write(text)
    return 0


def _say(text: Mapping[str, str]) -> None:
    print(f"hako: {text.get(spoken_language()) or text['en']}", file=sys.stderr)
