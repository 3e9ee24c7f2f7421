"""The box under test: the real exchange on the real desired table, drained as `appliance.app.core` drains it.

It can be killed between any two of its outputs and started again; `restart` does what `appliance.app.restart` does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from appliance.clock import Instant
from appliance.errors import CommandError
from appliance.events import AgentStatusChanged, CallEnded, Event, QueueLeft, RecordingStopped, Stamped
from appliance.exchange.causes import RESTART
from appliance.exchange.exchange import Exchange, Options
from appliance.exchange.kept import Before, KeptCall, Recovered, plain
from appliance.exchange.outputs import (
    BindingsChanged,
    DropCall,
    DropDialog,
    RestartSound,
    SaveCall,
    SaveDialog,
    VerifyPin,
)
from appliance.media.table import DesiredTable
from appliance.sip.events import CloseFlow, Resolve, Send
from appliance.sip.flow import Flow
from appliance.sip.registrar import Binding
from appliance.sip.session import SessionSnapshot
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
        self.ports = ports
        self.table = DesiredTable(ports)
        self.story = Story(problem)
        self.engine = Engine(clock, dice, self.table, self._media_event, sending, problem)
        self.names: dict[str, str] = {}
        """Name -> address, for look-ups."""
        self.dialogs: dict[str, bytes] = {}
        self.calls: dict[str, bytes] = {}
        self.bindings: dict[str, Binding] = {}
        """What the store would hold."""
        self.statuses: dict[str, AgentStatusChanged] = {}
        """What each agent last chose, as the ledger has it."""
        self.run = 0
        """Which life of the process this is."""
        self.dead = False
        self.fuse: int | None = None
        """After so many more outputs the process is killed."""
        self.taken = 0
        """Calls that were taken over, in all."""
        self._died = 0.0
        self._whole = True
        """Nothing was lost with the process: everything that was done is stored."""
        self._engine_run = 0
        self._haste = random.Random(1)
        """How long the store's thread takes; its own dice, so that it changes nothing else in a run."""
        self._unwritten: list[tuple[float, dict[str, Any], str, Any]] = []
        """Writes that the store's thread has not carried out yet: (when it does, store, key, what)."""
        self._early_media: list[Any] = []
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
            SaveCall: lambda output: self._write(self.calls, output.key, output.kept),
            DropCall: lambda output: self._write(self.calls, output.key, None),
            BindingsChanged: self._bindings,
            VerifyPin: self._verify,
            RestartSound: lambda output: None,
        }
        network.attach(self.address, self)
        self.exchange = self._made(site)
        self.drain()

    def _made(self, site: Site) -> Exchange:
        options = Options(recordings="/recordings")
        return Exchange(site, self.table, Voices(), self.dice.randbytes, options, self.clock.now())

    # --- feeding -----------------------------------------------------------------------------------------------------
    def receive(self, flow: Flow, data: bytes) -> None:
        """From the network."""
        if self.dead:
            return
        self.exchange.receive(flow, data, self.clock.now())
        self.drain()

    def flow_failed(self, flow: Flow, reason: str) -> None:
        """From the network."""
        if self.dead:
            return
        self.exchange.flow_failed(flow, reason, self.clock.now())
        self.drain()

    def _media_event(self, event: Any) -> None:
        if self.trace is not None:
            self.trace(f"media {event}")
        if self.dead:
            self._early_media.append(event)
            return
        self.exchange.media_event(event, self.clock.now())
        self.drain()

    def do(self, act: Callable[[Exchange, Instant], T]) -> T:
        """A command of a person or program. CommandError while the process is dead."""
        if self.dead:
            raise CommandError("away", "The box is away.")
        try:
            return act(self.exchange, self.clock.now())
        finally:
            self.drain()

    # --- draining ----------------------------------------------------------------------------------------------------
    def drain(self) -> None:
        """All output, then the media process, then the timer."""
        self.inputs += 1
        told: list[Stamped] = []
        poll, handlers = self.exchange.poll, self._handlers
        while (output := poll()) is not None:
            if self.fuse is not None:
                self.fuse -= 1
                if self.fuse <= 0:
                    self.kill(whole=False)
                    return
            if type(output) is Stamped:
                told.append(output)
            else:
                handlers[type(output)](output)
        for stamped in told:
            self._tell(stamped)
        self.engine.flush()
        self._arm()
        self.after_drain(bool(told))

    def _tell(self, stamped: Stamped) -> None:
        if self.trace is not None:
            self.trace(f"event {stamped.event}")
        if isinstance(stamped.event, AgentStatusChanged):
            self.statuses[stamped.event.agent] = stamped.event
        self.story.take(stamped)

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
        if self.dead:
            return
        deadline = self.exchange.deadline()
        if deadline is not None and deadline <= self.clock.mono:
            self.exchange.timeout(self.clock.now())
            after = self.exchange.deadline()
            if after is not None and after < self.clock.mono:
                self.problem(f"deadline {after} lies in the past of {self.clock.mono}")
        self.drain()

    # --- what the world outside does ---------------------------------------------------------------------------------
    def _resolve(self, output: Resolve) -> None:
        run = self.run
        self.clock.after(
            self.dice.uniform(0.001, 0.2), lambda: self._resolved(output) if run == self.run and not self.dead else None
        )

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
        run = self.run
        self.clock.after(
            self.dice.uniform(0.0, self.pin_seconds),
            lambda: self._verified(output.token, right) if run == self.run and not self.dead else None,
        )

    def _verified(self, token: int, right: bool) -> None:
        self.exchange.pin_verified(token, right, self.clock.now())
        self.drain()

    def _save(self, output: SaveDialog) -> None:
        self._write(self.dialogs, output.key, output.snapshot)

    def _drop(self, output: DropDialog) -> None:
        waiting = any(store is self.dialogs and key == output.key for _, store, key, _ in self._unwritten)
        if output.key not in self.dialogs and not waiting:
            self.problem(f"dialog {output.key} is dropped and was never saved")
        self._write(self.dialogs, output.key, None)

    def _bindings(self, output: BindingsChanged) -> None:
        for change in output.changes:
            key = f"{change.binding.extension} {change.binding.uri}"
            self._write(self.bindings, key, None if change.kind == "removed" else change.binding)

    def _write(self, store: dict[str, Any], key: str, what: Any) -> None:
        """The store writes together what comes within a moment."""
        self._written()
        self._unwritten.append((self.clock.mono + self._haste.uniform(0.0, 0.06), store, key, what))

    def _written(self) -> None:
        """The writer carries out what it had time for, in order."""
        while self._unwritten and self._unwritten[0][0] <= self.clock.mono:
            _, store, key, what = self._unwritten.pop(0)
            if what is None:
                store.pop(key, None)
            else:
                store[key] = what

    def stored(self) -> int:
        """Dialogs and calls that are in the store, once its thread has nothing left to do."""
        while self._unwritten:
            self.clock.run(0.05)
            self._written()
        return len(self.dialogs) + len(self.calls)

    # --- death and return --------------------------------------------------------------------------------------------
    def kill(self, whole: bool = True) -> None:
        """`kill -9`: whatever the process knew is gone, what the store's thread had not written as well.

        `whole`: it had carried out all that it had decided.
        """
        self._written()
        self._whole = whole and not self._unwritten
        self.dead, self.fuse, self._died = True, None, self.clock.mono
        self._engine_run = self.engine.restarts
        if self.trace is not None:
            self.trace(f"the box is killed; {len(self._unwritten)} writes are lost")
        self._unwritten.clear()
        self.run += 1
        if self._timer is not None:
            self._timer.cancel()
        for number, connection in list(self.network.connections.items()):
            if self.address[0] in (connection.ends[0][0], connection.ends[1][0]):
                self.network.close(number, "the box died")

    def restart(self, site: Site) -> Recovered:
        """A new process on what the store, the ledger and the media process hold."""
        self.dead = False
        self.table = DesiredTable(self.ports)
        rows = dict(self.engine.rows) if self.engine.restarts == self._engine_run else None
        self.engine.adopt(self.table)
        old = self.exchange.context.calls.values()
        by_line_in = any(leg.musical and leg.playing is None for call in old for leg in call.legs)
        talking = {call.id for call in self.exchange.context.calls.values() if plain(call)} if self._whole else set()
        self.exchange = self._made(site)
        now, story = self.clock.now(), self.story
        before = Before(
            calls=tuple(msgspec.msgpack.decode(data, type=KeptCall) for data in self.calls.values()),
            dialogs={key: msgspec.msgpack.decode(data, type=SessionSnapshot) for key, data in self.dialogs.items()},
            open_calls=frozenset(story.calls),
            open_recordings=frozenset(story.recordings),
            rows=rows,
            bindings=tuple(self.bindings.values()),
            agents=tuple((one.agent, one.status, one.reason, one.extension) for one in self.statuses.values()),
            away=now.mono - self._died,
        )
        stored = frozenset(self.calls), frozenset(self.dialogs)
        recovered = self.exchange.take_over(before, now)
        taken = frozenset(recovered.taken)
        told = taken.union(recovered.failed)
        self.taken += len(taken)
        story.restarted(taken)
        closing: list[Event] = [
            RecordingStopped(recording=recording, call=call, seconds=1.0, reason="box-restart")
            for recording, call in story.recordings.items()
            if call not in taken
        ]
        closing += [
            QueueLeft(call=call, queue=queue, outcome="restart", waited=0.0)
            for call, queue in story.waiting.items()
            if call not in told
        ]
        closing += [
            CallEnded(call=call, cause=RESTART.cause, reason=RESTART.reason) for call in story.calls if call not in told
        ]
        self.drain()
        on = {leg.dialog for kept in before.calls if kept.id in taken for leg in kept.legs}
        for number in stored[0] - taken:
            self.calls.pop(number, None)
        for key in stored[1] - on:
            self.dialogs.pop(key, None)
        if talking - taken:
            self.problem(f"calls that talked are not taken over: {talking - taken}")
        if self._whole and rows is not None and self.engine.changes and not by_line_in:
            self.problem(f"rows of calls that go on are another way: {self.engine.changes}")
        for event in closing:
            self._tell(Stamped(now, event))
        early, self._early_media = self._early_media, []
        for event in early:
            self._media_event(event)
        return recovered
