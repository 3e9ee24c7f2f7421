"""`hako doctor`: one line a finding, each with its remedy. Exit status 1 when something is wrong."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from appliance.cli.client import Running, box
from appliance.cli.main import spoken_language
from appliance.errors import HakoError
from appliance.events.base import Words
from appliance.store.lock import DataFolder


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: str
    """ok, warning or problem"""
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {self.text}" + (f" -> {self.remedy}" if self.remedy else "")


def run(arguments: argparse.Namespace) -> int:
    """Looks at everything and prints it, what is wrong first."""
    folder = DataFolder(arguments.data)
    found = sorted(examine(folder), key=lambda finding: ("problem", "warning", "ok").index(finding.level))
    for finding in found:
        print(finding)
    return 1 if any(finding.level == "problem" for finding in found) else 0


def examine(folder: DataFolder) -> Iterator[Finding]:
    """Every finding about a box and its machine."""
    if not folder.path.is_dir():
        yield Finding("problem", f"there is no data folder {folder.path}", "give the box's own with --data")
        return
    yield from _folder(folder)
    yield from _machine(folder)
    try:
        with box(folder) as running:
            if running is not None:
                yield from _running(running)
                yield from _site(running.ask("export", {"secrets": True})["text"])
            else:
                yield Finding("ok", "the box is stopped")
                yield from _records(folder)
                yield from _configuration(folder)
    except HakoError as error:
        yield Finding("problem", str(error), "start the box once with `hako serve`, or look at its log")


def _folder(folder: DataFolder) -> Iterator[Finding]:
    if not os.access(folder.path, os.W_OK):
        yield Finding("problem", f"{folder.path} cannot be written", "run as the box's user")
    if stat.S_IMODE(folder.path.stat().st_mode) & 0o077:
        yield Finding("warning", f"{folder.path} can be read by other users", f"chmod 700 {folder.path}")
    for path in sorted(folder.path.glob("*.damaged*")):
        if not path.name.endswith(("-wal", "-shm")):
            yield Finding("warning", f"{path.name} was found damaged and set aside", "check the disk or SD card")


def _machine(folder: DataFolder) -> Iterator[Finding]:
    from appliance.box.health.survey import survey

    language = spoken_language()
    levels = {"ok": "ok", "warning": "warning"}
    for found in survey(folder.path, time.time()):
        text, remedy = found.text, found.remedy
        yield Finding(
            levels.get(found.severity, "problem"), text.get(language, text["en"]), remedy.get(language, remedy["en"])
        )
    if shutil.which("espeak-ng") is None:
        yield Finding("warning", "English prompts are off: espeak-ng is missing", "apt-get install espeak-ng")
    if importlib.util.find_spec("pyopenjtalk") is None:
        yield Finding("warning", "Japanese prompts are off: pyopenjtalk-plus is missing", "make setup")


def _running(running: Running) -> Iterator[Finding]:
    status = running.ask("status", {})
    yield Finding("ok", f"the box runs (version {status.get('version', '?')}, SIP {status.get('sip', '?')})")
    faults = status.get("faults", ())
    for fault in faults:
        yield Finding("problem", _said(fault["text"]), _said(fault["remedy"]))
    for one in status.get("refused", ()):
        text = "{address} was refused (lately {times} times): {method} as {caller}: {why}".format(**one)
        yield Finding("warning", text, "if it is a phone of yours, check its user name and password")
    for off in status.get("off", ()):
        yield Finding("warning", _said(off["why"]), _said(off["remedy"]))


def _said(words: Mapping[str, str]) -> str:
    """In the language of whoever sits here."""
    return words.get(spoken_language()) or words.get("en", "")


def _records(folder: DataFolder) -> Iterator[Finding]:
    if not folder.records.exists():
        return
    try:
        database = sqlite3.connect(folder.records)
        try:
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            database.close()
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        yield Finding("ok", "the call records are sound")
    else:
        text = f"the call records are damaged ({found})"
        yield Finding("problem", text, "start the box: it keeps the file aside and begins a new one; restore a backup")


def _configuration(folder: DataFolder) -> Iterator[Finding]:
    from appliance.site.writer import write
    from appliance.store.config import ConfigStore

    damage: list[Words] = []
    site, _version = ConfigStore(folder.config, time.time, damage.append).load()
    for text in damage:
        yield Finding("problem", _said(text), "look whether the configuration is right; restore a backup if not")
    yield from _site(write(site, secrets=True))


def _site(text: str) -> Iterator[Finding]:
    from appliance.site.reader import read

    reading = read(text)
    for problem in reading.errors:
        yield Finding("problem", f"configuration: {problem}", "hako export, mend it, hako apply")
    for warning in reading.warnings:
        yield Finding("warning", f"configuration: {warning}")
    if not reading.errors:
        yield Finding("ok", "the configuration is right")
