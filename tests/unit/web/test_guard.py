"""Clients that connect and say nothing, or say it slowly, or connect too often."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from appliance.web import guard as guarding
from appliance.web.app import listen, make_app, make_runner
from appliance.web.guard import Guard
from appliance.web.server import SERVER
from tests.unit.web.fakebox import FakeBox


@contextlib.asynccontextmanager
async def served(box: FakeBox, guard: Guard) -> AsyncIterator[int]:
    app = make_app(box.context)
    app[SERVER].guard = guard
    runner = make_runner(app)
    await runner.setup()
    (server,) = await listen(runner, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await runner.cleanup()


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(box: FakeBox) -> None:
    guard = Guard(head_seconds=0.2)
    async with served(box, guard) as port:
        silent, _writer = await asyncio.open_connection("127.0.0.1", port)
        slow, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        for reader in (silent, slow):
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
        assert guard.refused == 2


async def test_whoever_has_asked_once_may_idle(box: FakeBox) -> None:
    guard = Guard(head_seconds=0.1)
    async with served(box, guard) as port, ClientSession() as session:
        for _ in range(2):
            async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.status == 200
            await asyncio.sleep(0.2)
        assert guard.refused == 0


async def test_connections_are_counted_and_given_back(box: FakeBox) -> None:
    guard = Guard(most=3)
    async with served(box, guard) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, _writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert guard.refused == 1
        for _reader, writer in held:
            writer.close()
            await writer.wait_closed()
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(("address", "admitted"), [("192.0.2.7", 2), ("2001:db8::7", 2), ("127.0.0.1", 5), ("::1", 5)])
async def test_one_address_has_its_share_and_the_box_itself_has_no_limit(
    monkeypatch: pytest.MonkeyPatch, address: str, admitted: int
) -> None:
    monkeypatch.setattr(guarding, "MAX_OF_ADDRESS", 2)
    guard = Guard()
    assert sum(guard.admit(address, asyncio.Transport()) for _ in range(5)) == admitted


async def asked(port: int, request: bytes) -> tuple[bytes, dict[str, Any]]:
    """Status line and JSON of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], json.loads(body)["error"]


async def test_what_is_no_request_is_answered_in_json_with_one_line_in_the_log(
    box: FakeBox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with served(box, Guard()) as port:
        status, error = await asked(
            port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 200_000 + b"\r\n\r\n"
        )
        assert (status.split()[1], error["code"]) == (b"431", "too_large")
        for nonsense in (
            b"\x16\x03\x01 nonsense\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        ):
            status, error = await asked(port, nonsense)
            assert (status.split()[1], error["code"]) == (b"400", "bad_request")
    assert len(caplog.records) == 4 and not any(record.exc_info for record in caplog.records)
