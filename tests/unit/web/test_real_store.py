"""The web server over the real ledger and records: what it acknowledges is on the disk, also after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from appliance.clock import Instant
from appliance.events import CallEnded, CallStarted, Entry, Event, QueueEntered, Stamped
from appliance.store.ledger import Ledger
from appliance.store.records import Records
from appliance.web.app import make_app
from tests.unit.web.fakebox import WALL, FakeBox
from tests.unit.web.helpers import API, Client, bearer, hear

ADMIN = bearer("admin")


class Reader:
    """The ledger as the loop sees it."""

    def __init__(self, path: Path, boot: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._readers: list[Callable[[Sequence[Entry]], None]] = []
        self.ledger = Ledger(path, boot, on_commit=self._committed)

    def _committed(self, entries: Sequence[Entry]) -> None:
        self._loop.call_soon_threadsafe(self._tell, list(entries))

    def _tell(self, entries: Sequence[Entry]) -> None:
        for reader in self._readers:
            reader(entries)

    @property
    def last_seq(self) -> int:
        return self.ledger.last_seq

    def after(self, seq: int, limit: int) -> Sequence[Entry] | None:
        return self.ledger.after(seq, limit)

    def subscribe(self, reader: Callable[[Sequence[Entry]], None], waits: Callable[[], bool]) -> Callable[[], None]:
        self._readers.append(reader)
        return lambda: self._readers.remove(reader)

    def append(self, *events: Event) -> None:
        self.ledger.append([Stamped(Instant(float(i), WALL + i), event) for i, event in enumerate(events)])


@asynccontextmanager
async def running(box: FakeBox, path: Path, boot: str) -> AsyncIterator[tuple[Client, Reader]]:
    reader = Reader(path, boot)
    records = Records(path)
    box.context.ledger, box.context.records = reader, records
    try:
        async with TestClient(TestServer(make_app(box.context))) as client:
            yield client, reader
    finally:
        records.close()
        reader.ledger.close()


def call(name: str) -> tuple[Event, ...]:
    return (
        CallStarted(call=name, journey=name, kind="inbound", caller="0312345678", called="600"),
        QueueEntered(call=name, queue="support", position=1),
        CallEnded(call=name, cause=16, reason="answered"),
    )


async def test_live_events_and_records_agree(box: FakeBox, tmp_path: Path) -> None:
    async with running(box, tmp_path / "records.db", "boot-1") as (client, reader):
        async with client.ws_connect(f"{API}/events?after=0", headers=ADMIN) as socket:
            for i in range(40):
                reader.append(*call(f"c{i}"))
            ended = [(await hear(socket, "call-ended"))["call"] for _ in range(40)]
            assert ended == [f"c{i}" for i in range(40)]
        listed: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await (await client.get(f"{API}/records?limit=7&cursor={cursor}", headers=ADMIN)).json()
            listed += [record["id"] for record in page["items"]]
            cursor = page["next"]
        assert sorted(listed) == sorted(ended)
        record = await (await client.get(f"{API}/records/c7", headers=ADMIN)).json()
        assert [moment["type"] for moment in record["moments"]] == ["call-started", "queue-entered", "call-ended"]
        for cursor in ("stolen", "1:", "nan:1", "1e999:1", f"1.0:{'9' * 40}", ":", "'; DROP TABLE records"):
            response = await client.get(f"{API}/records", params={"cursor": cursor}, headers=ADMIN)
            assert response.status < 500, cursor
        for text in ('"', "'", "%", "_", "*", "NEAR(", "a OR b", "\x00", "日本"):
            for name in ("text", "number", "agent", "queue"):
                response = await client.get(f"{API}/records", params={name: text}, headers=ADMIN)
                assert response.status in (200, 422), (name, text)


async def test_a_client_goes_on_where_it_was_after_a_crash_of_the_box(box: FakeBox, tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    async with running(box, path, "boot-1") as (client, reader):
        reader.append(*call("c1"))
        socket = await client.ws_connect(f"{API}/events?after=0", headers=ADMIN)
        seq = (await hear(socket, "queue-entered"))["seq"]
    async with running(box, path, "boot-2") as (client, reader):
        socket = await client.ws_connect(f"{API}/events?after={seq}", headers=ADMIN)
        assert (await hear(socket))["type"] == "call-ended"
        assert (await hear(socket))["type"] == "panel"
        reader.append(*call("c2"))
        assert (await hear(socket))["call"] == "c2"
