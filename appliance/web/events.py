"""Live events over WebSockets: every committed entry, in order, once, to each watcher who may see it.

A watcher first reads what it missed from the ledger and then, without a gap, what is committed from there on. What is
written to it waits in a bounded queue; who does not read is dropped and comes back with `?after=`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from aiohttp import WSCloseCode, WSMsgType, web

from appliance.events import AgentStatusChanged, Entry
from appliance.exchange.view import LampView
from appliance.web import feed
from appliance.web.context import WebContext
from appliance.web.problem import Problem
from appliance.web.route import LIVE, Principal
from appliance.web.threads import InThread

MAX_WATCHERS = 200
MAX_LINES = 2000
"""Messages that may wait for one watcher."""
MAX_BYTES = 1024 * 1024
MAX_REPLAY = 20_000
"""Entries that are read again for one watcher; who missed more must fetch the lists again."""
REPLAY_PAGE = 500
RUN = 50
"""Messages written to one watcher before the loop does something else."""
PING_SECONDS = 20.0
PANEL_SECONDS = 1.0
SETTLE_SECONDS = 0.05
"""How long lamps may change before they are looked at, so that a burst is one message."""

_log = logging.getLogger("hako.web")


class Watcher:
    """One open WebSocket and what waits to be written to it."""

    def __init__(
        self, who: Principal, socket: web.WebSocketResponse, still: Callable[[], bool], abort: Callable[[], None]
    ) -> None:
        """`still()`: the log-in holds; `abort()` cuts the connection."""
        self.who, self.socket, self.still, self._abort = who, socket, still, abort
        self.sent = 0
        """Number of the last entry that was considered for it."""
        self.lines: deque[bytes] = deque()
        self.bytes = 0
        self.ending = False
        self._run = 0
        self.wake = asyncio.Event()

    def put(self, line: bytes) -> bool:
        """Queues a message; False when that was too much and the watcher is cut off."""
        if self.ending:
            return True
        if len(self.lines) >= MAX_LINES or self.bytes + len(line) > MAX_BYTES:
            self.cut()
            return False
        self.lines.append(line)
        self.bytes += len(line)
        self.wake.set()
        return True

    def cut(self) -> None:
        """Ends it without a goodbye, which it would not read."""
        self.ending = True
        self.lines.clear()
        self._abort()

    async def write(self) -> None:
        """Writes what is queued, for as long as the connection lasts."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.lines:
                line = self.lines.popleft()
                self.bytes -= len(line)
                await self.send(line)

    async def send(self, line: bytes) -> None:
        """Writes one message now; waits while the connection is full, and lets others in now and then."""
        await self.socket.send_frame(line, WSMsgType.TEXT)
        self._run += 1
        if self._run % RUN == 0:
            await asyncio.sleep(0)

    async def goodbye(self, code: int, message: bytes) -> None:
        self.ending = True
        await self.socket.close(code=code, message=message)


class Hub:
    """Hands committed entries to the watchers, each written once for all of them."""

    def __init__(self, context: WebContext, in_thread: InThread) -> None:
        self._context, self._in_thread = context, in_thread
        self._watchers: set[Watcher] = set()
        self._open = 0
        self._involved: feed.Involved | None = None
        """Whose the calls are; kept while an agent watches."""
        self._seq = 0
        self._unsubscribe: Callable[[], None] | None = None
        self._tick: asyncio.Task[None] | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._panel_timer: asyncio.TimerHandle | None = None
        self._panel: list[LampView] = []
        self.dropped = 0
        """Watchers that did not read fast enough."""

    def __len__(self) -> int:
        return self._open

    # --- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Listens to the ledger from now on."""
        self._seq = self._context.ledger.last_seq
        self._unsubscribe = self._context.ledger.subscribe(self.committed, lambda: bool(self._watchers))
        self._tick = asyncio.create_task(self._keep_watch())

    async def stop(self) -> None:
        """Says goodbye to every watcher."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._tick is not None:
            self._tick.cancel()
        if self._panel_timer is not None:
            self._panel_timer.cancel()
        farewell = [watcher.goodbye(WSCloseCode.GOING_AWAY, b"the box stops") for watcher in tuple(self._watchers)]
        await asyncio.gather(*farewell, return_exceptions=True)

    async def _keep_watch(self) -> None:
        """Lamps also change without an entry; log-ins end."""
        while True:
            await asyncio.sleep(PANEL_SECONDS)
            if self._panel_timer is None and self._watchers:
                self._look_at_panel()
            self.recheck()

    def recheck(self) -> None:
        """Closes the connections whose log-in has ended."""
        for watcher in tuple(self._watchers):
            if not watcher.ending and not watcher.still():
                watcher.ending = True
                task = asyncio.create_task(watcher.goodbye(WSCloseCode.POLICY_VIOLATION, b"logged out"))
                self._goodbyes.add(task)
                task.add_done_callback(self._goodbyes.discard)

    # --- what happens -------------------------------------------------------------------------------------------------
    def committed(self, entries: Sequence[Entry]) -> None:
        """The ledger's reader."""
        for entry in entries:
            if entry.seq <= self._seq:
                continue
            self._seq = entry.seq
            if self._watchers:
                self._spread(entry)
        if self._watchers and self._panel_timer is None:
            self._panel_timer = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._look_at_panel)

    def _spread(self, entry: Entry) -> None:
        if self._involved is not None:
            if isinstance(entry.event, AgentStatusChanged):
                self._involved.moved(self._context.exchange.agents())
            self._involved.learn(entry.event)
        line: bytes | None = None
        for watcher in tuple(self._watchers):
            if entry.seq <= watcher.sent:
                continue
            watcher.sent = entry.seq
            if feed.may_see(watcher.who.role, watcher.who.agent, entry.event, self._involved):
                line = line or feed.message(entry)
                self.dropped += not watcher.put(line)
        if self._involved is not None:
            self._involved.forget(entry.event)

    def _look_at_panel(self) -> None:
        self._panel_timer = None
        watchers = [watcher for watcher in self._watchers if watcher.who.role in LIVE]
        if not watchers:
            return
        lamps = list(self._context.panel())
        if lamps != self._panel:
            self._panel = lamps
            line = feed.panel_message(lamps, self._context.clock().wall, self._seq)
            for watcher in watchers:
                self.dropped += not watcher.put(line)

    # --- one watcher --------------------------------------------------------------------------------------------------
    async def follow(
        self, request: web.Request, who: Principal, still: Callable[[], bool], after: int | None
    ) -> web.WebSocketResponse:
        """Serves one WebSocket until it ends. `after`: number of the last entry the client knows; None: from now on."""
        if self._open >= MAX_WATCHERS:
            raise Problem(429, "too_many", "Too many pages watch already.", headers={"Retry-After": "30"})
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=4096, compress=False, timeout=5.0)
        await socket.prepare(request)
        transport = request.transport
        watcher = Watcher(who, socket, still, transport.abort if transport is not None else lambda: None)
        self._open += 1
        writer = asyncio.create_task(self._attend(watcher, after))
        try:
            async for _ in socket:
                pass  # Clients have nothing to say; reading keeps pings answered.
        finally:
            self._open -= 1
            self._watchers.discard(watcher)
            if not any(other.who.limited for other in self._watchers):
                self._involved = None
            writer.cancel()
        return socket

    async def _attend(self, watcher: Watcher, after: int | None) -> None:
        try:
            kept = await self._catch_up(watcher, after)
            if not kept:
                watcher.put(feed.resync_message(self._context.clock().wall, self._seq))
            if watcher.who.role in LIVE:
                self._show_panel(watcher)
            await watcher.write()
        except ConnectionError:
            pass
        except Exception:
            _log.exception("a live connection failed")
        finally:
            self._watchers.discard(watcher)
            watcher.cut()

    def _show_panel(self, watcher: Watcher) -> None:
        """The panel as it is now; what the others were shown last stays the measure of what is new to them."""
        lamps = list(self._context.panel())
        if not any(other.who.role in LIVE for other in self._watchers if other is not watcher):
            self._panel = lamps
        watcher.put(feed.panel_message(lamps, self._context.clock().wall, self._seq))

    async def _catch_up(self, watcher: Watcher, after: int | None) -> bool:
        """Sends what was committed after `after` and joins the watchers without a gap; False: some of it is gone."""
        kept = True
        watcher.sent = self._seq if after is None else after
        if self._seq - watcher.sent > MAX_REPLAY or watcher.sent > max(self._seq, self._context.ledger.last_seq):
            kept, watcher.sent = False, self._seq
        involved = self._seeded() if watcher.who.limited else None
        while watcher.sent < self._seq:
            known = self._seq
            page = await self._in_thread(partial(self._read, watcher.sent, involved))
            if page is None:
                kept, watcher.sent = False, self._seq
                break
            if not page:
                watcher.sent = known  # Numbers jump after an unclean end: there is nothing in between.
            for entry in page:
                watcher.sent = entry.seq
                if feed.may_see(watcher.who.role, watcher.who.agent, entry.event, involved):
                    await watcher.send(feed.message(entry))
        if watcher.who.limited:
            self._involved = self._seeded()
        self._watchers.add(watcher)
        return kept

    def _read(self, seq: int, involved: feed.Involved | None) -> Sequence[Entry] | None:
        """The next entries; where it matters whose a call is that is over, its record says so (in a thread)."""
        page = self._context.ledger.after(seq, REPLAY_PAGE)
        if page and involved is not None:
            for entry in page:
                involved.learn(entry.event)
            calls = {getattr(entry.event, "call", "") for entry in page} - {""}
            for call in calls:
                if not involved.knows(call):
                    record = self._context.records.get(call)
                    involved.join(call, record.agent if record is not None else "")
        return page

    def _seeded(self) -> feed.Involved:
        involved = feed.Involved(tuple(self._context.exchange.agents()))
        involved.seed(self._context.exchange.calls())
        return involved
