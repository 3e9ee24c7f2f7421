"""The telephone's WebSocket: whose it is, what is let through, how it ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from appliance.errors import HakoError
from appliance.web.app import make_app
from appliance.web.context import BrowserPhone
from appliance.web.phone import BURST, Allowance
from tests.unit.web.fakebox import FakeBox
from tests.unit.web.helpers import API, Client, bearer, error, log_in

LINE = f"{API}/phone/line"


class FakePhones:
    """A process that says back what it is told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "p.sock"
        self.opened: list[tuple[str, str]] = []
        self.told: list[bytes] = []
        self.down = ""
        self.extension = "201"
        self.gone = asyncio.Event()

    def of(self, user: str) -> BrowserPhone:
        return BrowserPhone(extension=self.extension if user == "aiko" else "", available=True)

    async def open(self, phone: BrowserPhone, resume: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.down:
            raise HakoError(self.down)
        self.opened.append((phone.extension, resume))
        return await asyncio.open_unix_connection(os.fspath(self.path))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"type":"ready"}\n')
        while data := await reader.readline():
            self.told.append(data)
            if b"hang-up" in data:
                break
        writer.close()
        self.gone.set()


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[FakePhones]:
    phones = FakePhones(tmp_path)
    async with await asyncio.start_unix_server(phones.serve, phones.path):
        yield phones


@pytest.fixture
async def client(box: FakeBox, phones: FakePhones) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(replace(box.context, browser_phones=phones)))) as made:
        yield made


async def receive(socket: Any) -> Any:
    return await asyncio.wait_for(socket.receive(), 5)


async def test_messages_go_both_ways_and_pings_are_answered_here(client: Client, phones: FakePhones) -> None:
    await log_in(client, "aiko")
    async with client.ws_connect(f"{LINE}?resume=abc") as socket:
        assert (await receive(socket)).data == '{"type":"ready"}'
        await socket.send_str('{"type":"ping"}')
        assert (await receive(socket)).data == '{"type":"pong"}'
        await socket.send_str('{"type":"dial","number":"*43"}')
        await socket.send_str('{"type":"hang-up","call":"1"}')
        assert (await receive(socket)).data == 1001, "its process has ended the connection"
    assert phones.opened == [("201", "abc")]
    assert phones.told == [b'{"type":"dial","number":"*43"}\n', b'{"type":"hang-up","call":"1"}\n']


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("nonsense", 1007),
        ('{"type":"dial","number":"sip:evil@example.com"}', 1007),
        ('{"type":"dial","number":"1","more":1}', 1007),
        ('{"type":"open","extension":"202"}', 1007),
        ('{"type":"key","call":"1","key":"11"}', 1007),
        ('{"type":"offer","sdp":"' + "x" * 40_000 + '"}', 1007),
        ('{"type":"offer","sdp":"' + "x" * 60_000 + '"}', 1009),
    ],
)
async def test_what_is_no_message_ends_the_connection(client: Client, phones: FakePhones, said: str, code: int) -> None:
    await log_in(client, "aiko")
    async with client.ws_connect(LINE) as socket:
        await receive(socket)
        await socket.send_str(said)
        assert (await receive(socket)).data == code
    await asyncio.wait_for(phones.gone.wait(), 5)
    assert not phones.told


async def test_a_flood_ends_the_connection(client: Client, phones: FakePhones) -> None:
    await log_in(client, "aiko")
    async with client.ws_connect(LINE) as socket:
        await receive(socket)
        for _ in range(int(BURST) + 30):
            await socket.send_str('{"type":"key","call":"1","key":"1"}')
        assert (await receive(socket)).data == 1008


async def test_who_has_no_extension_has_no_line_and_programs_have_none(client: Client) -> None:
    await error(await client.get(LINE, headers=bearer("aiko")), 409, "no_extension")
    await log_in(client, "sato")
    assert (await (await client.get(f"{API}/phone")).json())["extension"] == ""
    await error(await client.get(LINE), 409, "no_extension")
    assert (await client.get(LINE, headers={"Origin": "https://evil.example"})).status == 403


async def test_a_process_that_cannot_be_had_is_said_in_words(client: Client, phones: FakePhones) -> None:
    phones.down = "its libraries are not installed"
    await log_in(client, "aiko")
    async with client.ws_connect(LINE) as socket:
        message = await receive(socket)
        assert "libraries" in message.data and '"restarting"' in message.data
        assert (await receive(socket)).data == 1013


def test_an_allowance_fills_again() -> None:
    allowance = Allowance(2.0, 3.0)
    assert [allowance.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert allowance.take(10.5) and not allowance.take(10.6)
