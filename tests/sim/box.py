"""The box under test: the real exchange on the real desired table, drained as `appliance.app.core` drains it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from appliance.clock import Instant
from appliance.events import Stamped
from appliance.exchange.exchange import Exchange, Options
from appliance.exchange.outputs import BindingsChanged, DropDialog, RestartSound, SaveDialog, VerifyPin
from appliance.media.table import DesiredTable
from appliance.sip.events import CloseFlow, Resolve, Send
from appliance.sip.flow import Flow
from appliance.site.model import Site
from tests.sim.clock import Clock, Happening
from tests.sim.engine import Engine, MediaAddress
from tests.sim.network import Address, Network
from tests.sim.story import Story
from tests.sim.voices import Voices

T = TypeVar("T")
ADDRESS: Address = ("10.0.0.1", 5060)
PIN = "pin:"
"""What the simulated PIN hashes begin with; the PIN follows."""


class Box:
    """Exchange, table, engine and the reader of events, on the simulated network."""

    def __init__(
        self,
        clock: Clock,
        network: Network,
        dice: random.Random,
        site: Site,
        problem: Callable[[str], None],
        sending: Callable[[MediaAddress], bool],
        ports: range = range(10_000, 12_000),
    ) -> None:
        self.clock, self.network, self.dice, self.problem = clock, network, dice, problem
        self.address = ADDRESS
        self.table = DesiredTable(ports)
        self.story = Story(problem)
        self.engine = Engine(clock, dice, self.table, self._media_event, sending, problem)
        self.names: dict[str, str] = {}
        """Name -> address, for look-ups."""
        self.dialogs: dict[str, bytes] = {}
        """What the store would hold."""
        self.after_drain: Callable[[bool], None] = lambda told: None
        """Called after each drain; `told`: whether events were told."""
        self.trace: Callable[[str], None] | None = None
        self.pin_seconds = 0.1
        self.inputs = 0
        self._timer: Happening | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            Send: lambda output: network.send(output.flow, output.data),
            Resolve: self._resolve,
            CloseFlow: lambda output: network.close(output.flow.connection, "closed by the box"),
            SaveDialog: self._save,
            DropDialog: self._drop,
            BindingsChanged: lambda output: None,
            VerifyPin: self._verify,
            RestartSound: lambda output: None,
        }
        network.attach(self.address, self)
        self.exchange = Exchange(
            site, self.table, Voices(), dice.randbytes, Options(recordings="/recordings"), clock.now()
        )
        self.drain()

    # --- feeding -----------------------------------------------------------------------------------------------------
    def receive(self, flow: Flow, data: bytes) -> None:
        """From the network."""
        self.exchange.receive(flow, data, self.clock.now())
        self.drain()

    def flow_failed(self, flow: Flow, reason: str) -> None:
        """From the network."""
        self.exchange.flow_failed(flow, reason, self.clock.now())
        self.drain()

    def _media_event(self, event: Any) -> None:
        if self.trace is not None:
            self.trace(f"media {event}")
        self.exchange.media_event(event, self.clock.now())
        self.drain()

    def do(self, act: Callable[[Exchange, Instant], T]) -> T:
        """A command of a person or program."""
        try:
            return act(self.exchange, self.clock.now())
        finally:
            self.drain()

    # --- draining ----------------------------------------------------------------------------------------------------
    def drain(self) -> None:
        """All output, then the media process, then the timer."""
        self.inputs += 1
        told = False
        poll, handlers = self.exchange.poll, self._handlers
        while (output := poll()) is not None:
            if type(output) is Stamped:
                told = True
                if self.trace is not None:
                    self.trace(f"event {output.event}")
                self.story.take(output)
            else:
                handlers[type(output)](output)
        self.engine.flush()
        self._arm()
        self.after_drain(told)

    def _arm(self) -> None:
        deadline = self.exchange.deadline()
        timer = self._timer
        if timer is not None and timer.action is not None:
            if deadline is not None and timer.when <= deadline:
                return
            timer.cancel()
        self._timer = self.clock.at(deadline, self._ring) if deadline is not None else None

    def _ring(self) -> None:
        self._timer = None
        deadline = self.exchange.deadline()
        if deadline is not None and deadline <= self.clock.mono:
            self.exchange.timeout(self.clock.now())
            after = self.exchange.deadline()
            if after is not None and after < self.clock.mono:
                self.problem(f"deadline {after} lies in the past of {self.clock.mono}")
        self.drain()

    # --- what the world outside does ---------------------------------------------------------------------------------
    def _resolve(self, output: Resolve) -> None:
        self.clock.after(self.dice.uniform(0.001, 0.2), lambda: self._resolved(output))

    def _resolved(self, output: Resolve) -> None:
        host = self.names.get(output.host, output.host)
        flows: list[Flow] = []
        if host:
            remote = (host, output.port or 5060)
            if (output.transport or "udp") == "udp":
                flows = [Flow("udp", self.address, remote)]
            else:
                connected = self.network.connect(self.address, remote)
                flows = [connected] if connected is not None else []
        self.exchange.resolved(output.query, flows, self.clock.now())
        self.drain()

    def _verify(self, output: VerifyPin) -> None:
        right = output.pin_hash == PIN + output.pin
        self.clock.after(self.dice.uniform(0.0, self.pin_seconds), lambda: self._verified(output.token, right))

    def _verified(self, token: int, right: bool) -> None:
        self.exchange.pin_verified(token, right, self.clock.now())
        self.drain()

    def _save(self, output: SaveDialog) -> None:
        self.dialogs[output.key] = output.snapshot

    def _drop(self, output: DropDialog) -> None:
        if self.dialogs.pop(output.key, None) is None:
            self.problem(f"dialog {output.key} is dropped and was never saved")
