"""Short words for what the tests of the web server do over and over."""

from __future__ import annotations

import asyncio
import struct
from array import array
from typing import Any

from aiohttp import ClientResponse, ClientWebSocketResponse, web
from aiohttp.test_utils import TestClient

Client = TestClient[web.Request, web.Application]
API = "/api/v1"


def bearer(role: str) -> dict[str, str]:
    """Headers of the program that has the role of this user (admin, sato, aiko, wall)."""
    return {"Authorization": f"Bearer token-{role}"}


async def log_in(client: Client, name: str, password: str | None = None) -> ClientResponse:
    return await client.post(f"{API}/session", json={"name": name, "password": name if password is None else password})


async def error(response: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The error of an answer that must be this one."""
    body = await response.json()
    assert (response.status, body["error"]["code"]) == (status, code), body
    assert set(body["error"]) <= {"code", "message", "field", "problems"}
    detail: dict[str, Any] = body["error"]
    return detail


async def hear(socket: ClientWebSocketResponse, kind: str | None = None) -> dict[str, Any]:
    """The next message, or the next of this type."""
    while True:
        message: dict[str, Any] = await asyncio.wait_for(socket.receive_json(), 5)
        if kind is None or message["type"] == kind:
            return message


def wav(frames: list[tuple[int, int]], *, claims: int | None = None) -> bytes:
    """A stereo WAV; `claims` is the data size its header says."""
    data = array("h", [value for frame in frames for value in frame]).tobytes()
    size = len(data) if claims is None else claims
    form = struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
    return (
        struct.pack("<4sI4s4sI16s4sI", b"RIFF", min(36 + size, 0xFFFFFFFF), b"WAVE", b"fmt ", 16, form, b"data", size)
        + data
    )
