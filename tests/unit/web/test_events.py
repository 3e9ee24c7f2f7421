"""Live events: nothing missed, nothing twice, to each what is his, and slow readers hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from appliance.events import (
    AgentStateChanged,
    AgentStatusChanged,
    CallEnded,
    CallStarted,
    ConfigChanged,
    DecisionFailed,
    Entry,
    Event,
    FaultRaised,
    LegEnded,
    LegStarted,
    LogIn,
    QueueEntered,
    QueueOffered,
    codec,
)
from appliance.exchange.view import AgentView
from appliance.web import events, feed
from appliance.web.server import SERVER
from tests.unit.web.fakebox import NOW, FakeBox, call_view, lamp, record_view
from tests.unit.web.helpers import API, Client, bearer, hear, log_in

ADMIN = bearer("admin")


def queue_event(number: int) -> QueueEntered:
    return QueueEntered(call=f"c{number}", queue="support", position=number)


async def numbers(socket: Any, count: int) -> list[int]:
    return [(await hear(socket, "queue-entered"))["seq"] for _ in range(count)]


async def test_an_event_is_one_object_with_type_at_seq_and_every_field(client: Client, box: FakeBox) -> None:
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as socket:
        assert (await hear(socket))["type"] == "panel"
        box.ledger.commit(CallStarted(call="c1", journey="j1", kind="inbound", caller="0312345678", called="600"))
        assert await hear(socket) == {
            "type": "call-started",
            "at": "2026-11-21T09:00:00.000Z",
            "seq": 1,
            "call": "c1",
            "journey": "j1",
            "kind": "inbound",
            "caller": "0312345678",
            "called": "600",
            "caller_name": "",
            "trunk": "",
            "extension": "",
        }


async def test_after_misses_nothing_and_repeats_nothing(client: Client, box: FakeBox) -> None:
    box.ledger.commit(*(queue_event(i) for i in range(1, 1201)))
    async with client.ws_connect(f"{API}/events?after=37", headers=ADMIN) as socket:
        assert await numbers(socket, 600) == list(range(38, 638))
        box.ledger.commit(*(queue_event(i) for i in range(1201, 1301)))
        assert await numbers(socket, 663) == list(range(638, 1301))


async def test_what_is_committed_while_catching_up_comes_once_and_in_order(client: Client, box: FakeBox) -> None:
    box.ledger.commit(*(queue_event(i) for i in range(1, 1001)))
    read = box.ledger.after

    def reading(seq: int, limit: int) -> Any:
        page = read(seq, limit)
        loop.call_soon_threadsafe(box.ledger.commit, queue_event(0))
        return page

    loop = asyncio.get_running_loop()
    box.ledger.after = reading  # type: ignore[method-assign]
    async with client.ws_connect(f"{API}/events?after=0", headers=ADMIN) as socket:
        got = await numbers(socket, 1002)
        assert got == list(range(1, 1003))


async def test_the_ledger_may_be_ahead_of_what_was_told(client: Client, box: FakeBox) -> None:
    box.ledger.commit(queue_event(1), queue_event(2))
    readers, box.ledger.readers = box.ledger.readers, []
    late = box.ledger.commit(queue_event(3))
    box.ledger.readers = readers
    async with client.ws_connect(f"{API}/events?after=3", headers=ADMIN) as socket:
        assert (await hear(socket))["type"] == "panel"
        for reader in readers:
            reader(late)
        box.ledger.commit(queue_event(4))
        assert await numbers(socket, 1) == [4]


@pytest.mark.parametrize("after", [3, 99])
async def test_what_is_too_old_or_from_another_ledger_is_a_resync(client: Client, box: FakeBox, after: int) -> None:
    box.ledger.commit(*(queue_event(i) for i in range(1, 11)))
    box.ledger.kept_from = 8
    async with client.ws_connect(f"{API}/events?after={after}", headers=ADMIN) as socket:
        message = await hear(socket)
        assert (message["type"], message["seq"]) == ("resync", 10)
        box.ledger.commit(queue_event(11))
        assert await numbers(socket, 1) == [11]


async def test_numbers_may_jump(client: Client, box: FakeBox) -> None:
    box.ledger.commit(queue_event(1), queue_event(2))
    box.ledger.gap = 1000
    box.ledger.commit(queue_event(3))
    box.ledger.gap = 1000
    client.app[SERVER].hub._seq = box.ledger.last_seq
    async with client.ws_connect(f"{API}/events?after=1", headers=ADMIN) as socket:
        assert await numbers(socket, 2) == [2, 1003]
        assert (await hear(socket))["type"] == "panel"
        box.ledger.commit(queue_event(4))
        assert await numbers(socket, 1) == [2004]


async def test_who_missed_too_much_is_not_replayed(
    client: Client, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_REPLAY", 5)
    box.ledger.commit(*(queue_event(i) for i in range(1, 11)))
    async with client.ws_connect(f"{API}/events?after=1", headers=ADMIN) as socket:
        assert (await hear(socket))["type"] == "resync"
    assert box.ledger.reads == 0


async def test_an_entry_is_written_once_for_all(client: Client, box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    plain = feed.message

    def counting(entry: Any) -> bytes:
        written.append(entry.seq)
        return plain(entry)

    monkeypatch.setattr(feed, "message", counting)
    box.ledger.commit(queue_event(1))
    sockets = [await client.ws_connect(f"{API}/events", headers=ADMIN) for _ in range(5)]
    for socket in sockets:
        await hear(socket, "panel")
    box.ledger.commit(queue_event(2))
    for socket in sockets:
        assert await numbers(socket, 1) == [2]
    assert written == [2], "nobody watched the first; the second was written once"


# --- who sees what ---------------------------------------------------------------------------------------------------
STORY: tuple[Event, ...] = (
    CallStarted(call="c1", journey="c1", kind="inbound", caller="0312345678", called="600"),
    CallStarted(call="c2", journey="c2", kind="inbound", caller="0398765432", called="600"),
    QueueEntered(call="c1", queue="support", position=1),
    QueueOffered(call="c1", queue="support", agent="aiko", waited=1.0),
    LegStarted(leg="c2.2", call="c2", direction="out", agent="ben", extension="202"),
    AgentStateChanged(agent="ben", state="talking", previous="idle", cause="answer", call="c1"),
    AgentStatusChanged(agent="aiko", status="available"),
    LegStarted(leg="c3.1", call="c3", direction="in", extension="201"),
    CallEnded(call="c3", cause=16, reason="answered"),
    FaultRaised(fault="disk-full", text={"ja": "満杯", "en": "The disk is full."}),
    LogIn(user="admin", ok=True, address="192.0.2.1"),
    ConfigChanged(version=2, by="admin", changes=()),
    CallEnded(call="c1", cause=16, reason="answered"),
    CallEnded(call="c2", cause=16, reason="answered"),
)
SEEN = {
    "admin": list(range(1, 15)),
    "sato": [*range(1, 11), 13, 14],
    "wall": [3, 4, 6, 7],
    "aiko": [4, 7, 8, 9, 13],
}


@pytest.mark.parametrize("role", SEEN)
async def test_each_role_sees_its_own_live(client: Client, box: FakeBox, role: str) -> None:
    async with client.ws_connect(f"{API}/events", headers=bearer(role)) as socket:
        await asyncio.sleep(0.05)
        box.ledger.commit(*STORY)
        got = await collect(socket)
    assert got == SEEN[role]


async def collect(socket: Any) -> list[int]:
    got: list[int] = []
    try:
        while True:
            message = await socket.receive_json(timeout=0.2)
            if message["type"] != "panel":
                got.append(message["seq"])
    except TimeoutError:
        return got


async def test_an_agent_who_comes_back_gets_his_own_again(client: Client, box: FakeBox) -> None:
    box.exchange.live = {"c8": call_view("c8", agent="aiko")}
    box.records.rows = [record_view("c9", agent="aiko"), record_view("c7", agent="ben")]
    box.ledger.commit(
        *STORY,
        LegEnded(leg="c8.1", call="c8", cause=16, reason="answered"),
        CallEnded(call="c9", cause=16, reason="answered"),
        CallEnded(call="c7", cause=16, reason="answered"),
    )
    async with client.ws_connect(f"{API}/events?after=0", headers=bearer("aiko")) as socket:
        got = await collect(socket)
    assert got == sorted([1, 3, *SEEN["aiko"], 15, 16]), "also how the calls he was offered later had begun"


async def test_an_agent_is_followed_to_another_phone(client: Client, box: FakeBox) -> None:
    async with client.ws_connect(f"{API}/events", headers=bearer("aiko")) as socket:
        await asyncio.sleep(0.05)
        box.exchange.people["aiko"] = AgentView(
            id="aiko", number="1", name="Aiko", status="available", state="idle", since=NOW, extension="209"
        )
        box.ledger.commit(
            AgentStatusChanged(agent="aiko", status="available", extension="209"),
            LegStarted(leg="c1.1", call="c1", direction="in", extension="201"),
            LegStarted(leg="c2.1", call="c2", direction="in", extension="209"),
        )
        assert await collect(socket) == [1, 3]


async def test_the_inside_of_a_failure_stays_inside(client: Client, box: FakeBox) -> None:
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as socket:
        await hear(socket, "panel")
        box.ledger.commit(DecisionFailed(call="c1", error="boom", trace="Traceback ..."))
        message = await hear(socket)
        assert message["error"] == "boom" and "trace" not in message


def test_what_a_newer_version_wrote_is_shown_as_it_was_and_to_the_administrator_alone() -> None:
    event = codec.decode("call-teleported", 3, b'{"call":"c1","to":"mars"}')
    shown = feed.shown(Entry(7, 0.0, 0.0, "boot", event))
    assert (shown["type"], shown["seq"], shown["to"]) == ("call-teleported", 7, "mars")
    assert [role for role in ("admin", "supervisor", "wallboard", "agent") if feed.may_see(role, "a", event, None)] == [
        "admin"
    ]


def test_every_event_has_a_name_and_hides_no_field_behind_type_at_or_seq() -> None:
    assert feed.KINDS[CallStarted] == "call-started" and feed.KINDS[LogIn] == "log-in"
    assert len(set(feed.KINDS.values())) == len(feed.KINDS)
    for kind in feed.KINDS:
        assert not {"type", "at", "seq"} & set(kind.__struct_fields__), kind


# --- lamps -----------------------------------------------------------------------------------------------------------
async def test_the_panel_comes_at_first_and_when_lamps_change(client: Client, box: FakeBox) -> None:
    box.ledger.commit(queue_event(1))
    async with client.ws_connect(f"{API}/events", headers=bearer("wall")) as socket:
        first = await hear(socket)
        assert first["type"] == "panel" and first["seq"] == 1 and first["items"][0]["color"] == "green"
        box.lamps = [lamp("status", "red", "fast")]
        box.ledger.commit(queue_event(2), queue_event(3))
        assert await numbers(socket, 2) == [2, 3]
        second = await hear(socket)
        assert second["type"] == "panel" and second["seq"] == 3 and second["items"][0]["mode"] == "fast"


async def test_lamps_that_stay_the_same_are_not_sent_again(client: Client, box: FakeBox) -> None:
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as socket:
        await hear(socket, "panel")
        for i in range(5):
            box.ledger.commit(queue_event(i))
            await asyncio.sleep(events.SETTLE_SECONDS * 1.5)
        kinds = [(await hear(socket))["type"] for _ in range(5)]
        assert kinds.count("panel") <= 1 and kinds.count("queue-entered") >= 4


async def test_lamps_that_change_without_an_entry_are_noticed(
    client: Client, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as socket:
        await hear(socket, "panel")
        box.lamps = [lamp("status", "amber", "slow")]
        while (await hear(socket, "panel"))["items"][0]["color"] != "amber":
            pass


# --- connections -----------------------------------------------------------------------------------------------------
async def test_a_slow_reader_is_dropped_and_holds_up_nobody(
    client: Client, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_LINES", 50)
    slow = await client.ws_connect(f"{API}/events", headers=ADMIN)
    await hear(slow, "panel")
    slow_transport = slow._response.connection.transport  # type: ignore[union-attr]
    slow_transport.pause_reading()  # type: ignore[union-attr]
    big = "x" * 100_000
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as quick:
        await hear(quick, "panel")
        for i in range(1, 301):
            box.ledger.commit(FaultRaised(fault=f"f{i}", text={"ja": big, "en": ""}))
            assert (await hear(quick, "fault-raised"))["seq"] == i
            if "dropped_total 1" in await (await client.get("/metrics")).text():
                break
        else:
            raise AssertionError("the slow reader was never dropped")
        box.ledger.commit(queue_event(1))
        assert len(await numbers(quick, 1)) == 1
    slow_transport.resume_reading()  # type: ignore[union-attr]
    while True:
        message = await asyncio.wait_for(slow.receive(), 5)
        if message.type is not WSMsgType.TEXT:
            break
    assert slow.closed
    await until(lambda: watchers(client, 0))


async def watchers(client: Client, count: int) -> bool:
    return f"hako_web_watchers {count}\n" in await (await client.get("/metrics")).text()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(200):
        if await true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


async def test_a_watcher_that_leaves_is_forgotten(client: Client, box: FakeBox) -> None:
    socket = await client.ws_connect(f"{API}/events", headers=bearer("aiko"))
    await until(lambda: watchers(client, 1))
    await socket.close()
    await until(lambda: watchers(client, 0))
    box.ledger.commit(queue_event(1))


async def test_what_clients_say_is_ignored_within_bounds(client: Client, box: FakeBox) -> None:
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as socket:
        await hear(socket, "panel")
        await socket.send_str("{")
        await socket.send_bytes(b"\x00")
        box.ledger.commit(queue_event(1))
        assert await numbers(socket, 1) == [1]
        await socket.send_str("x" * 100_000)
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_logging_out_closes_the_live_connection(client: Client) -> None:
    await log_in(client, "admin")
    async with client.ws_connect(f"{API}/events") as socket:
        await hear(socket, "panel")
        await client.delete(f"{API}/session")
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type is WSMsgType.CLOSE and message.data == 1008


async def test_a_role_taken_away_closes_the_live_connection(client: Client, box: FakeBox) -> None:
    async with client.ws_connect(f"{API}/events", headers=ADMIN) as socket:
        await hear(socket, "panel")
        box.accounts.tokens.clear()
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type is WSMsgType.CLOSE and message.data == 1008


async def test_other_sites_and_strangers_cannot_listen(client: Client) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(f"{API}/events")
    assert refused.value.status == 401
    await log_in(client, "admin")
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(f"{API}/events", origin="http://evil.example")
    assert refused.value.status == 403
    async with client.ws_connect(f"{API}/events", origin=f"http://{client.host}:{client.port}") as socket:
        await hear(socket, "panel")
    response = await client.get(f"{API}/events")
    assert response.status == 400 and "error" in await response.json()


async def test_watchers_are_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_WATCHERS", 2)
    sockets = [await client.ws_connect(f"{API}/events", headers=ADMIN) for _ in range(2)]
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(f"{API}/events", headers=ADMIN)
    assert refused.value.status == 429
    for socket in sockets:
        await socket.close()


async def test_stopping_says_goodbye(client: Client) -> None:
    socket = await client.ws_connect(f"{API}/events", headers=ADMIN)
    await hear(socket, "panel")
    closing = asyncio.create_task(client.server.close())
    message = await asyncio.wait_for(socket.receive(), 5)
    assert message.type is WSMsgType.CLOSE and message.data == 1001
    await socket.close()
    await closing
