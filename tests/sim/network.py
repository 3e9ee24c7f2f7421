"""A network that delays, loses, reorders and doubles datagrams, cuts streams into pieces and breaks connections."""

from __future__ import annotations

import random
from typing import Protocol

import msgspec

from appliance.sip.flow import Flow
from tests.sim.clock import Clock

Address = tuple[str, int]


class Faults(msgspec.Struct, frozen=True):
    """How bad the network is. Probabilities are for each datagram."""

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.002
    """Seconds that every packet takes."""
    jitter: float = 0.0
    """Seconds that a packet may take longer: datagrams overtake each other."""
    slow: float = 0.0
    """Probability of a packet that takes up to three seconds."""
    unreachable: float = 0.0
    """Probability that a datagram to nobody is answered by ICMP."""


PERFECT = Faults()
ROUGH = Faults(loss=0.03, duplication=0.02, delay=0.004, jitter=0.05, slow=0.004, unreachable=0.5)
AWFUL = Faults(loss=0.2, duplication=0.1, delay=0.02, jitter=0.4, slow=0.02, unreachable=1.0)


class Host(Protocol):
    """Whoever is attached."""

    def receive(self, flow: Flow, data: bytes) -> None: ...
    def flow_failed(self, flow: Flow, reason: str) -> None: ...


class Connection:
    """One stream; `last` keeps each direction in order."""

    __slots__ = ("ends", "last", "number", "open")

    def __init__(self, number: int, one: Address, other: Address) -> None:
        self.number = number
        self.ends = (one, other)
        self.open = True
        self.last = {one: 0.0, other: 0.0}


class Network:
    """Carries bytes between hosts by address."""

    def __init__(self, clock: Clock, dice: random.Random, faults: Faults) -> None:
        self.clock, self.dice, self.faults = clock, dice, faults
        self.hosts: dict[Address, Host] = {}
        self.deaf: set[Address] = set()
        """Addresses whose packets vanish, both ways (a firewall, a dead line)."""
        self.unheard: set[Address] = set()
        """Addresses whose packets vanish on their way out only."""
        self.connections: dict[int, Connection] = {}
        self.carried = 0
        self.lost = 0
        self._ephemeral = 20_000

    def attach(self, address: Address, host: Host) -> None:
        """The host hears what is sent to the address."""
        self.hosts[address] = host

    def detach(self, address: Address) -> None:
        """Nobody hears it any more."""
        self.hosts.pop(address, None)

    def send(self, flow: Flow, data: bytes) -> None:
        """Puts bytes on their way."""
        self.carried += 1
        if flow.transport == "udp":
            self._datagram(flow, data)
        else:
            self._stream(flow, data)

    # --- datagrams ---------------------------------------------------------------------------------------------------
    def _datagram(self, flow: Flow, data: bytes) -> None:
        faults, chance = self.faults, self.dice.random
        copies = 1
        if faults.loss and chance() < faults.loss:
            copies = 0
            self.lost += 1
        elif faults.duplication and chance() < faults.duplication:
            copies = 2
        for _ in range(copies):
            self.clock.after(self._delay(), lambda: self._deliver(flow, data))

    def _delay(self) -> float:
        faults, dice = self.faults, self.dice
        delay = faults.delay + (dice.random() * faults.jitter if faults.jitter else 0.0)
        if faults.slow and dice.random() < faults.slow:
            delay += dice.random() * 3.0
        return delay

    def _deliver(self, flow: Flow, data: bytes) -> None:
        if flow.local in self.deaf or flow.remote in self.deaf or flow.local in self.unheard:
            return
        host = self.hosts.get(flow.remote)
        if host is not None:
            host.receive(Flow("udp", flow.remote, flow.local), data)
            return
        sender = self.hosts.get(flow.local)
        if sender is not None and self.dice.random() < self.faults.unreachable:
            sender.flow_failed(flow, "port unreachable")

    # --- streams -----------------------------------------------------------------------------------------------------
    def connect(self, local: Address, remote: Address) -> Flow | None:
        """A new connection from a host to another; None: nobody takes it."""
        if remote not in self.hosts or remote in self.deaf or local in self.deaf:
            return None
        self._ephemeral += 1
        here = (local[0], self._ephemeral)
        connection = Connection(self._ephemeral, here, remote)
        self.connections[connection.number] = connection
        self.hosts[here] = self.hosts[local]
        return Flow("tcp", here, remote, connection.number)

    def _stream(self, flow: Flow, data: bytes) -> None:
        connection = self.connections.get(flow.connection)
        if connection is None or not connection.open:
            self.clock.after(0.001, lambda: self._tell(flow.local, flow, "not connected"))
            return
        cut = self.dice.randrange(1, len(data)) if len(data) > 1 and self.dice.random() < 0.1 else len(data)
        for piece in (data[:cut], data[cut:]):
            if piece:
                when = max(connection.last[flow.local], self.clock.mono + self._delay())
                connection.last[flow.local] = when
                self.clock.at(when, lambda piece=piece: self._deliver_stream(connection, flow, piece))  # type: ignore[misc]

    def _deliver_stream(self, connection: Connection, flow: Flow, data: bytes) -> None:
        host = self.hosts.get(flow.remote)
        if connection.open and host is not None and not {flow.local, flow.remote} & self.deaf:
            host.receive(Flow("tcp", flow.remote, flow.local, flow.connection), data)

    def _tell(self, address: Address, flow: Flow, reason: str) -> None:
        host = self.hosts.get(address)
        if host is not None:
            host.flow_failed(flow, reason)

    def close(self, number: int, reason: str = "connection reset") -> None:
        """Breaks a connection; both ends hear of it."""
        connection = self.connections.pop(number, None)
        if connection is None:
            return
        connection.open = False
        one, other = connection.ends
        for here, there in ((one, other), (other, one)):
            flow = Flow("tcp", here, there, number)
            self.clock.after(self._delay(), lambda flow=flow: self._tell(flow.local, flow, reason))  # type: ignore[misc]
        self.clock.after(10.0, lambda: self.hosts.pop(one, None))
