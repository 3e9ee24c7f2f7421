"""Carries messages between a page and its telephone's process: admits, bounds and checks them, understands none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from appliance.errors import UNREADABLE, HakoError
from appliance.web.context import BrowserPhone
from appliance.web.problem import Problem
from appliance.web.route import Visit
from appliance.webphone.messages import (
    MAX_LINE,
    Leave,
    Offer,
    Ping,
    Pong,
    Refused,
    Said,
    Told,
    decode_said,
    line,
)

MAX_OF_USER = 6
MAX_CONNECTIONS = 60
PER_SECOND, BURST = 12.0, 40.0
OFFERS_PER_SECOND, OFFERS_BURST = 0.5, 6.0
"""A new connection costs the box a key exchange and some sockets."""
CHECK_SECONDS = 5.0
"""How often the log-in is looked at."""
HEARTBEAT_SECONDS = 10.0

Holds = Callable[[], bool]


class Allowance:
    """A bucket of `burst` that fills at `rate` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, 0.0

    def take(self, now: float) -> bool:
        """Whether one more is allowed."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) if self._at else self._burst
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


async def follow(visit: Visit, phone: BrowserPhone, resume: str) -> web.WebSocketResponse:
    """Serves one page's telephone until either side ends it."""
    user, phones, telephones = visit.who.name, visit.context.browser_phones, visit.server.telephones
    if telephones[user] >= MAX_OF_USER or telephones.total() >= MAX_CONNECTIONS:
        raise Problem(429, "too_many", "Too many telephones are open already.", headers={"Retry-After": "30"})
    assert phones is not None
    still = visit.server.door.watch(visit.request, visit.who)
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=MAX_LINE, compress=False, timeout=3.0)
    telephones[user] += 1
    try:
        await socket.prepare(visit.request)
        try:
            reader, writer = await phones.open(phone, resume)
        except HakoError as error:
            await _tell(socket, Refused(code="restarting", text=str(error)))
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"no telephone now")
            return socket
        try:
            await _carry(socket, reader, writer, lambda: still() and phones.of(user).extension == phone.extension)
        finally:
            writer.close()
    finally:
        telephones[user] -= 1
        if not telephones[user]:
            del telephones[user]
    return socket


async def _carry(
    socket: web.WebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, still: Holds
) -> None:
    tasks = {
        asyncio.create_task(work)
        for work in (_to_page(socket, reader), _from_page(socket, writer), _log_in_holds(writer, still))
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        code = next((one for one in results if isinstance(one, int)), WSCloseCode.GOING_AWAY)
        with contextlib.suppress(ConnectionError):
            await socket.close(code=code)


async def _to_page(socket: web.WebSocketResponse, reader: asyncio.StreamReader) -> int:
    with contextlib.suppress(ConnectionError, ValueError):
        while (data := await reader.readline()).endswith(b"\n"):
            await socket.send_str(data[:-1].decode())
    return WSCloseCode.GOING_AWAY


async def _from_page(socket: web.WebSocketResponse, writer: asyncio.StreamWriter) -> int:
    messages, offers = Allowance(PER_SECOND, BURST), Allowance(OFFERS_PER_SECOND, OFFERS_BURST)
    clock = asyncio.get_running_loop().time
    with contextlib.suppress(ConnectionError):
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                return WSCloseCode.UNSUPPORTED_DATA
            try:
                said: Said = decode_said(frame.data)
            except UNREADABLE:
                return WSCloseCode.INVALID_TEXT
            if not messages.take(clock()) or (isinstance(said, Offer) and not offers.take(clock())):
                return WSCloseCode.POLICY_VIOLATION
            if isinstance(said, Ping):
                await _tell(socket, Pong())
                continue
            writer.write(line(said))
            await writer.drain()
    return WSCloseCode.OK


async def _log_in_holds(writer: asyncio.StreamWriter, still: Holds) -> int:
    while True:
        if not still():
            break
        await asyncio.sleep(CHECK_SECONDS)
    # Whoever has logged out, or lost the extension, has no telephone any more.
    writer.write(line(Leave()))
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    await asyncio.sleep(0.2)
    return WSCloseCode.POLICY_VIOLATION


async def _tell(socket: web.WebSocketResponse, message: Told) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.send_str(line(message)[:-1].decode())
