"""Feeds the exchange from the event loop and carries out what it says: the drain after every change.

One thread, one order: an input, all output, then the next input. Readers of events are served after the ledger has
committed them (`appliance.bus`), never from inside a drain.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from math import ceil
from typing import Any, Protocol, TypeVar

import msgspec

from appliance.box.health.clock import StepWatch
from appliance.clock import Instant, system_now
from appliance.events import ClockStepped, Event, Stamped
from appliance.exchange.exchange import Exchange
from appliance.exchange.outputs import (
    BindingsChanged,
    DropCall,
    DropDialog,
    RestartSound,
    SaveCall,
    SaveDialog,
    VerifyPin,
)
from appliance.net.dual import DualUdp
from appliance.net.names import Resolver
from appliance.net.tcp import TcpDriver
from appliance.net.udp import UdpDriver
from appliance.sip.events import CloseFlow, Resolve, Send
from appliance.sip.flow import Flow
from appliance.store.state import BINDINGS, CALLS, DIALOGS

log = logging.getLogger("hako.core")

T = TypeVar("T")
SLOW_DRAIN_SECONDS = 0.005
"""The loop must not be held longer than this; what is, is counted."""
GRAIN_SECONDS = 0.04
"""Timers ring at multiples of this: those of many calls at once, since waking costs more than what most of them do. No
timer of SIP or of a call is finer (T1 is half a second); audio keeps its own time."""


class Journal(Protocol):
    """The ledger's writing side."""

    def append(self, events: list[Stamped]) -> int: ...


class Keeper(Protocol):
    """The store of bindings and dialogs."""

    def put(self, kind: str, key: str, data: bytes) -> None: ...
    def drop(self, kind: str, key: str) -> None: ...


class Core:
    """The running exchange on its drivers. Every method is called in the loop's thread."""

    def __init__(
        self,
        exchange: Exchange,
        journal: Journal,
        keeper: Keeper,
        verify_pin: Callable[[str, str], bool],
        flush_media: Callable[[], None],
        clock: Callable[[], Instant] = system_now,
    ) -> None:
        self.exchange = exchange
        self._journal = journal
        self._verify_pin = verify_pin
        self._flush_media = flush_media
        self._keeper = keeper
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.udp: UdpDriver | DualUdp | None = None
        self.tcp: TcpDriver | None = None
        self.resolver: Resolver | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called after a drain in which something happened (for lamps)."""
        self.restart_sound: Callable[[str], None] = lambda direction: None
        """Called with "output" or "input"."""
        self.ticket = 0
        """The journal's ticket of the newest event."""
        self.slow_drains = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._encoder = msgspec.msgpack.Encoder()
        self._tasks: set[asyncio.Task[None]] = set()
        self._steps = StepWatch()
        self._handlers: dict[type, Callable[[Any], None]] = {
            Resolve: self._resolve,
            CloseFlow: self._close_flow,
            SaveDialog: lambda output: keeper.put(DIALOGS, output.key, output.snapshot),
            DropDialog: lambda output: keeper.drop(DIALOGS, output.key),
            SaveCall: lambda output: keeper.put(CALLS, output.key, output.kept),
            DropCall: lambda output: keeper.drop(CALLS, output.key),
            BindingsChanged: self._save_bindings,
            VerifyPin: self._check_pin,
            RestartSound: lambda output: self.restart_sound(output.direction),
        }

    def now(self) -> Instant:
        """Both clocks, read now."""
        return self._clock()

    # --- feeding -----------------------------------------------------------------------------------------------------
    def receive(self, flow: Flow, data: bytes) -> None:
        """From the drivers; they call `drain` next."""
        self.exchange.receive(flow, data, self._clock())

    def flow_failed(self, flow: Flow, reason: str) -> None:
        """From the drivers; they call `drain` next."""
        self.exchange.flow_failed(flow, reason, self._clock())

    def media_events(self, events: list[Any]) -> None:
        """From the media client."""
        now = self._clock()
        for event in events:
            self.exchange.media_event(event, now)
            self._drain_outputs()
        self.drain()

    def do(self, act: Callable[[Exchange, Instant], T]) -> T:
        """Runs a command and drains, also when it raises."""
        try:
            return act(self.exchange, self._clock())
        finally:
            self.drain()

    def emit(self, event: Event) -> None:
        """Puts an event of the box itself (log-in, fault, start) into the ledger."""
        self.changed()
        self.ticket = self._journal.append([Stamped(self._clock(), event)])

    # --- draining ----------------------------------------------------------------------------------------------------
    def drain(self) -> None:
        """Carries out all output, tells the media process, sets the timer."""
        started = time.monotonic()
        self._drain_outputs()
        self._flush_media()
        self._arm()
        if time.monotonic() - started > SLOW_DRAIN_SECONDS:
            self.slow_drains += 1

    def _drain_outputs(self) -> None:
        stamped: list[Stamped] = []
        poll = self.exchange.poll
        while (output := poll()) is not None:
            if type(output) is Send:
                self._send(output)
            elif type(output) is Stamped:
                stamped.append(output)
            else:
                self._handlers[type(output)](output)
        if stamped:
            self.ticket = self._journal.append(stamped)
            self.changed()

    def _send(self, output: Send) -> None:
        flow = output.flow
        if flow.transport == "udp":
            if self.udp is not None:
                self.udp.send(flow, output.data)
        elif self.tcp is not None:
            self.tcp.send(flow, output.data)

    def _close_flow(self, output: CloseFlow) -> None:
        if self.tcp is not None:
            self.tcp.close_flow(output.flow)

    def _resolve(self, output: Resolve) -> None:
        if self.resolver is None:
            return
        flows = self.resolver.at_once(output.host, output.port, output.transport)
        if flows is not None:
            self.exchange.resolved(output.query, flows, self._clock())
        else:
            self._spawn(self._resolve_later(output))

    async def _resolve_later(self, output: Resolve) -> None:
        assert self.resolver is not None
        flows = await self.resolver.flows(output.host, output.port, output.transport)
        self.exchange.resolved(output.query, flows, self._clock())
        self.drain()

    def _save_bindings(self, output: BindingsChanged) -> None:
        for change in output.changes:
            binding = change.binding
            key = f"{binding.extension} {binding.uri}"
            if change.kind == "removed":
                self._keeper.drop(BINDINGS, key)
            else:
                self._keeper.put(BINDINGS, key, self._encoder.encode(binding))

    def _check_pin(self, output: VerifyPin) -> None:
        self._spawn(self._check_pin_later(output))

    async def _check_pin_later(self, output: VerifyPin) -> None:
        right = await asyncio.to_thread(self._verify_pin, output.pin_hash, output.pin)
        self.exchange.pin_verified(output.token, right, self._clock())
        self.drain()

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background work of the core failed", exc_info=error)

    # --- time --------------------------------------------------------------------------------------------------------
    def _arm(self) -> None:
        deadline = self.exchange.deadline()
        if deadline is None:
            return
        # A timer that rings too early costs one look; one moved for every message would cost more.
        if self._timer is not None and self._timer_at <= deadline:
            return
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock().mono
        # What is overdue (a decision put off to the next turn of the loop) is due at once.
        self._timer_at = ceil(deadline / GRAIN_SECONDS) * GRAIN_SECONDS if deadline > now else now
        self._timer = self._loop.call_later(self._timer_at - now, self._ring)

    def _ring(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        now = self._clock()
        deadline = self.exchange.deadline()
        if deadline is not None and deadline <= now.mono + 0.001:
            # The loop's clock has a coarse grain: what is due within a millisecond is due.
            self.exchange.timeout(Instant(max(now.mono, deadline), now.wall))
        self.drain()

    def watch_clock(self) -> None:
        """Once a second: notes when the wall clock was set (NTP after a start without a clock, a person)."""
        step = self._steps.feed(self._clock())
        if step:
            self.emit(ClockStepped(seconds=round(step, 3)))
            log.warning("the wall clock was set by %+.1f s", step)

    def close(self) -> None:
        """Stops the timer and what runs in the background."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
