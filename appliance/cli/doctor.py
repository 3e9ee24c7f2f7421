"""`hako doctor`: one line a finding, each with its remedy. Exit status 1 when something is wrong."""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from typing import NamedTuple

from appliance.cli.client import Running, box
from appliance.cli.words import Speaker, speaker
from appliance.errors import HakoError
from appliance.events.base import Words
from appliance.store.lock import DataFolder


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: str
    """ok, warning or problem"""
    text: str
    remedy: str = ""


def run(arguments: argparse.Namespace) -> int:
    """Looks at everything and prints it, what is wrong first."""
    folder = DataFolder(arguments.data)
    say = speaker(folder.path)
    found = sorted(examine(folder, say), key=lambda finding: ("problem", "warning", "ok").index(finding.level))
    # The machine and the box that runs on it may say the same.
    once: dict[str, Finding] = {}
    for finding in found:
        once.setdefault(finding.text, finding)
    for finding in once.values():
        print(line(finding, say))
    return 1 if any(finding.level == "problem" for finding in found) else 0


def line(finding: Finding, say: Speaker) -> str:
    """A finding as the terminal shows it."""
    return f"{say('level-' + finding.level)}: {finding.text}" + (f" -> {finding.remedy}" if finding.remedy else "")


def examine(folder: DataFolder, say: Speaker) -> Iterator[Finding]:
    """Every finding about a box and its machine."""
    if not folder.path.is_dir():
        name = "folder-is-file" if folder.path.exists() else "no-folder"
        yield Finding("problem", say(name, folder=folder.path), say("give-folder"))
        return
    yield from _folder(folder, say)
    yield from _machine(folder, say)
    try:
        with box(folder) as running:
            if running is not None:
                yield from _running(running, say)
                yield from _site(running.ask("export", {"secrets": True})["text"], say)
            else:
                yield Finding("ok", say("stopped"))
                yield from _records(folder, say)
                yield from _configuration(folder, say)
    except HakoError as error:
        yield Finding("problem", error.said(say.language), say("start-once"))


def _folder(folder: DataFolder, say: Speaker) -> Iterator[Finding]:
    if not os.access(folder.path, os.W_OK):
        yield Finding("problem", say("unwritable", folder=folder.path), say("as-user"))
    if stat.S_IMODE(folder.path.stat().st_mode) & 0o077:
        yield Finding("warning", say("readable", folder=folder.path), f"chmod 700 {folder.path}")
    for path in sorted(folder.path.glob("*.damaged*")):
        if not path.name.endswith(("-wal", "-shm")):
            yield Finding("warning", say("set-aside", name=path.name), say("check-disk"))


def _machine(folder: DataFolder, say: Speaker) -> Iterator[Finding]:
    from appliance.box.health.survey import survey
    from appliance.media.speech import voices_off

    levels = {"ok": "ok", "warning": "warning"}
    for found in survey(folder.path, time.time()):
        yield Finding(levels.get(found.severity, "problem"), say.of(found.text), say.of(found.remedy))
    for off in voices_off():
        yield Finding("warning", say.of(off.text), say.of(off.remedy))
    yield _sound_card(say)


def _sound_card(say: Speaker) -> Finding:
    """What there is to play and listen with; nothing at all is no mistake of the box's."""
    from appliance.sound.client import Trouble, list_devices
    from appliance.sound.words import explain

    found = asyncio.run(list_devices())
    if found.outputs or found.inputs:
        outputs, inputs = (", ".join(names) or "-" for names in (found.outputs, found.inputs))
        return Finding("ok", say("sound-card", outputs=outputs, inputs=inputs))
    text, remedy = explain("output", Trouble(found.why or "no-card"))
    return Finding("ok", say.of(text), say.of(remedy))


def _running(running: Running, say: Speaker) -> Iterator[Finding]:
    status = running.ask("status", {})
    yield Finding("ok", say("running", version=status.get("version", "?"), sip=status.get("sip", "?")))
    for fault in status.get("faults", ()):
        yield Finding("problem", say.of(fault["text"]), say.of(fault["remedy"]))
    for one in status.get("refused", ()):
        yield Finding("warning", say("refused", **one), say("check-credentials"))
    for one in status.get("voice", ()):
        yield Finding("warning", say.of(one["text"]), say.of(one["remedy"]))
    for off in status.get("off", ()):
        yield Finding("warning", say.of(off["why"]), say.of(off["remedy"]))


def _records(folder: DataFolder, say: Speaker) -> Iterator[Finding]:
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
        yield Finding("ok", say("records-ok"))
    else:
        yield Finding("problem", say("records-damaged", why=found), say("records-remedy"))


def _configuration(folder: DataFolder, say: Speaker) -> Iterator[Finding]:
    from appliance.site.writer import write
    from appliance.store.config import ConfigStore

    damage: list[Words] = []
    store = ConfigStore(folder.config, time.time, damage.append)
    site, version = store.load()
    for text in damage:
        yield Finding("problem", say.of(text), say("config-remedy"))
    lost = store.lost(folder.records.exists()) if version == 0 else None
    if lost is not None:
        yield Finding("problem", say("config-lost", why=say.of(lost)))
    else:
        yield from _site(write(site, secrets=True), say)


def _site(text: str, say: Speaker) -> Iterator[Finding]:
    from appliance.site.reader import read

    reading = read(text)
    for problem in reading.errors:
        yield Finding("problem", say("config-problem", problem=say.problem(problem)), say("config-mend"))
    for warning in reading.warnings:
        yield Finding("warning", say("config-problem", problem=say.problem(warning)))
    if not reading.errors:
        yield Finding("ok", say("config-ok"))
