"""A box without calls: real ledger, records and files, for tests of what looks after recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from appliance.app.box import Box
from appliance.clock import Instant, system_now
from appliance.events import CallEnded, CallStarted, Event, RecordingStarted, RecordingStopped, Stamped
from appliance.site.model import SiteInfo
from appliance.store.ledger import Ledger
from appliance.store.records import Records


class Keeper:
    """`box` is what the code under test is given."""

    def __init__(self, root: Path, **site: Any) -> None:
        self.recordings = root / "recordings"
        self.recordings.mkdir(exist_ok=True)
        self.now = system_now()
        self.ledger = Ledger(root / "records.db", "boot")
        self.records = Records(root / "records.db")
        self.info = SiteInfo(timezone="Asia/Tokyo", **site)
        exchange = SimpleNamespace(context=SimpleNamespace(site=SimpleNamespace(site=self.info), calls={}))
        self.faults: dict[str, dict[str, str]] = {}
        faults = SimpleNamespace(
            raise_=lambda fault, text, remedy: self.faults.update({fault: text}),
            clear=lambda fault: self.faults.pop(fault, None),
        )
        core = SimpleNamespace(now=lambda: self.now, emit=self.emit)
        self.box = cast(
            Box,
            SimpleNamespace(
                exchange=exchange, core=core, ledger=self.ledger, records=self.records, committed=self.committed,
                folder=SimpleNamespace(recordings=self.recordings), started=self.now, faults=faults,
            ),
        )  # fmt: skip

    def emit(self, event: Event, ago: float = 0.0) -> None:
        self.ledger.append([Stamped(Instant(self.now.mono, self.now.wall - ago), event)])

    async def committed(self) -> None:
        assert await asyncio.to_thread(self.ledger.flush)

    def later(self, seconds: float) -> None:
        self.now = Instant(self.now.mono + seconds, self.now.wall + seconds)

    def call(self, name: str, ago: float = 100.0, *, recorded: bool = True) -> Path:
        """A finished call and where its recording lies (the file is the test's own)."""
        self.emit(CallStarted(call=name, journey=name, kind="inbound", caller="0312345678", called="600"), ago)
        path = f"2026/11/21/{name}-1.wav"
        if recorded:
            started = RecordingStarted(recording=f"{name}-1", call=name, leg=f"{name}-1", path=path)
            self.emit(started, ago)
        self.emit(CallEnded(call=name, cause=16, reason="answered"), ago)
        if recorded:
            self.emit(RecordingStopped(recording=f"{name}-1", call=name, seconds=8.0, reason="ended"), ago)
        assert self.ledger.flush()
        return self.recordings / path

    def file_of(self, name: str) -> str:
        """What the ledger says the file of this call's recording is; empty: it knows of none."""
        found = self.records.recording(f"{name}-1")
        return found[1] if found else ""

    def close(self) -> None:
        self.ledger.close()
        self.records.close()

    def configure(self, **site: Any) -> None:
        self.info = msgspec.structs.replace(self.info, **site)
        self.box.exchange.context.site = cast(Any, SimpleNamespace(site=self.info))


async def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits for something that happens outside the loop."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  files and threads set no event
            await asyncio.sleep(0.01)
