"""A whole site in one process: owns clock, network, box, phones, carriers and the dice, and lets a day of it pass."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from appliance.clock import Instant
from appliance.errors import CommandError
from appliance.exchange.exchange import Exchange
from appliance.sip import events as sip
from appliance.site.model import Site
from tests.sim import invariants, people
from tests.sim.box import ADDRESS, Box
from tests.sim.clock import Clock
from tests.sim.engine import Engine
from tests.sim.network import PERFECT, Address, Faults, Network
from tests.sim.party import Party, Plan, Reaction, TalkingCall
from tests.sim.phones import Carrier, Phone
from tests.sim.site import AGENTS, EXTENSIONS, changed
from tests.sim.voices import Voices

CARRIERS: dict[str, Address] = {"alpha": ("10.2.0.1", 5060), "beta": ("10.2.0.2", 5060), "gamma": ("10.2.0.3", 5060)}
LONGEST = 7_200.0
"""Seconds after which every call must be over."""
CHECK_EVERY = 25
"""Inputs of the box between two full looks at it; a look also follows each drain in which events were told."""


class Violation(AssertionError):
    """Something that must never be. Says when, and how to see it again."""


class World:
    """One seed, one course of events."""

    def __init__(
        self,
        seed: int,
        site: Site | Callable[[random.Random], Site],
        faults: Faults = PERFECT,
        trace: Callable[[str], None] | None = None,
        ports: range = range(10_000, 12_000),
    ) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.network = Network(self.clock, random.Random(self.dice.getrandbits(64)), faults)
        self.media: dict[Address, TalkingCall] = {}
        self.problems: list[str] = []
        self.parties: list[Party] = []
        self.phones: dict[str, list[Phone]] = {}
        self.carriers: dict[str, Carrier] = {}
        self.trace = trace
        self.strict = True
        """Whether the first problem ends the run."""
        self.check_every = CHECK_EVERY
        self._port = 30_000
        self.site = site(self.dice) if callable(site) else site
        self.box = Box(
            self.clock,
            self.network,
            random.Random(self.dice.getrandbits(64)),
            self.site,
            self.problem,
            self.media.__contains__,
            ports,
        )
        if trace is not None:
            self.box.trace = self._say
            self._tap()
        self.box.names["beta.example"] = CARRIERS["beta"][0]
        self.box.after_drain = self._look

    # --- what parties ask of it --------------------------------------------------------------------------------------
    @property
    def engine(self) -> Engine:
        """The media engine."""
        return self.box.engine

    @property
    def exchange(self) -> Exchange:
        """The exchange under test."""
        return self.box.exchange

    def now(self) -> Instant:
        """Both clocks."""
        return self.clock.now()

    def next_port(self) -> int:
        """A port that nobody used."""
        self._port += 2
        return self._port

    def problem(self, text: str) -> None:
        """Notes what must never be."""
        self.problems.append(f"{self.clock.mono - 1000:.3f}: {text}")
        if self.strict:
            raise Violation(f"seed {self.seed}, second {self.clock.mono - 1000:.3f}: {text}")

    def _look(self, told: bool) -> None:
        if told or self.box.inputs % self.check_every == 0:
            for text in invariants.at_rest(self.box):
                self.problem(text)

    # --- trace -------------------------------------------------------------------------------------------------------
    def _say(self, text: str) -> None:
        if self.trace is not None:
            self.trace(f"{self.clock.mono - 1000:10.3f}  {text}")

    def _tap(self) -> None:
        """Every message is told as it is sent."""
        carry = self.network.send

        def send(flow: sip.Flow, data: bytes) -> None:
            first, _, rest = data.partition(b"\r\n")
            lines = rest.partition(b"\r\n\r\n")[0].split(b"\r\n")
            fields = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
            }
            call_id = fields.get(b"call-id", b"")[:8].decode()
            cseq = fields.get(b"cseq", b"").decode()
            shown = first.decode("utf-8", "replace")
            self._say(
                f"{flow.local[0]}:{flow.local[1]} > {flow.remote[0]}:{flow.remote[1]}  {shown}  [{call_id} {cseq}]"
            )
            carry(flow, data)

        self.network.send = send  # type: ignore[method-assign]

    # --- building ----------------------------------------------------------------------------------------------------
    def phone(self, extension: str, *, transport: str = "udp", register: bool = True) -> Phone:
        """One more phone of an extension."""
        phone = Phone(self, extension, (f"10.1.{int(extension) % 256}.1", self.next_port()), ADDRESS, transport)
        self.phones.setdefault(extension, []).append(phone)
        self._join(phone)
        if register:
            phone.log_on()
        return phone

    def carrier(self, name: str, *, transport: str = "udp") -> Carrier:
        """The other side of a trunk."""
        carrier = Carrier(self, name, CARRIERS[name], ADDRESS, transport)
        self.carriers[name] = carrier
        self._join(carrier)
        return carrier

    def _join(self, party: Party) -> None:
        self.parties.append(party)
        if self.trace is not None:
            party.trace = lambda text: self._say(f"{party.name} {text}")

    # --- passing of time ---------------------------------------------------------------------------------------------
    def run(self, seconds: float) -> None:
        """Lets time pass."""
        self.clock.run(seconds)

    def until(self, true: Callable[[], bool], seconds: float = 600.0) -> bool:
        """Lets time pass until something is so; False: it never was."""
        end = self.clock.mono + seconds
        while not true():
            if self.clock.mono > end or not self.clock.step():
                return False
        return True

    def command(self, act: Callable[[Exchange, Instant], object]) -> object:
        """A command at the API; one that cannot be carried out is no problem."""
        try:
            return self.box.do(act)
        except CommandError as error:
            self._say(f"command refused: {error.code}")
            return None

    # --- the end -----------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """Waits until every call is over, logs everybody out and looks for what is left behind."""
        exchange = self.exchange
        if not self.until(lambda: not exchange.context.calls, LONGEST):
            left = [(call.id, call.destination, call.bridge) for call in exchange.context.calls.values()]
            self.problem(f"calls never end: {left}")
        for party in self.parties:
            party.unregister()
        for agent in exchange.agents():
            self.command(lambda box, now, agent=agent.id: box.set_agent_status(agent, "logged-out", "", "end", now))  # type: ignore[misc]
        self.box.do(lambda box, now: box.shut_down(now))
        self.box.do(lambda box, now: box.configure(msgspec.structs.replace(box.context.site, trunks=()), now))
        self.run(200.0)
        context = exchange.context
        if not self.until(lambda: not any(context.endpoint.counts()), 400.0):
            for text in invariants.at_end(self.box):
                self.problem(text)
        for text in invariants.at_end(self.box):
            self.problem(text)
        for party in self.parties:
            counts = party.endpoint.counts()
            if party.alive and (counts.sessions or counts.dialogs or counts.early):
                self.problem(f"{party.name} at {party.address} still has {counts}")
            if party.endpoint.faults:
                self.problem(f"{party.name}: {list(party.endpoint.faults)}")
        if self.media:
            self.problem(f"somebody still sends RTP: {list(self.media)[:3]}")


__all__ = ["AGENTS", "EXTENSIONS", "Plan", "Reaction", "Violation", "Voices", "World", "changed", "people"]
