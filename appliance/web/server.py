"""What the handlers share: the context, log-ins, the live event hub and the threads that may block."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp import web

from appliance.web.auth import Doorkeeper
from appliance.web.context import WebContext
from appliance.web.events import Hub
from appliance.web.guard import Guard
from appliance.web.passwords import Passwords
from appliance.web.route import Route
from appliance.web.throttle import Throttle
from appliance.web.waveforms import Waveforms

T = TypeVar("T")


class Server:
    """One web server. `routes` is its route table, which also makes the OpenAPI document."""

    def __init__(self, context: WebContext, routes: Sequence[Route]) -> None:
        self.context = context
        self.routes = tuple(routes)
        self.door = Doorkeeper(context)
        self.throttle = Throttle()
        self.passwords = Passwords(context.verify_password)
        self._readers = ThreadPoolExecutor(2, "web-read")
        self.guard = Guard()
        self.hub = Hub(context, self.in_thread)
        self.waveforms = Waveforms(self.in_thread)
        self.answered: dict[int, int] = {}
        """Answers by status, for `/metrics`."""
        self.telephones: Counter[str] = Counter()
        """Open telephones in browsers, by user."""
        self.failures = 0
        """Requests that ended with an exception of ours."""

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Runs what may block (SQLite, files) in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def start(self, app: web.Application) -> None:
        self.hub.start()

    async def stop(self, app: web.Application) -> None:
        await self.hub.stop()

    async def close(self, app: web.Application) -> None:
        self.passwords.close()
        self._readers.shutdown(wait=False, cancel_futures=True)


SERVER: web.AppKey[Server] = web.AppKey("server", Server)
