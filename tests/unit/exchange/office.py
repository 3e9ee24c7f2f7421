"""A small office on the simulator's world without loss: desks, a carrier, and what each party hears."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance import events as ev
from appliance.exchange.audio import Mix, Player, Recorder, RtpPort
from appliance.sip import events as sip
from appliance.site.model import (
    Agent,
    Announcement,
    Break,
    Extension,
    Group,
    Hours,
    Menu,
    Queue,
    Route,
    Site,
    SiteInfo,
)
from tests.sim.box import PIN
from tests.sim.party import Plan, Reaction, TalkingCall
from tests.sim.phones import Carrier, Phone, secret_of
from tests.sim.site import destination, trunk
from tests.sim.world import World

LONG = Plan(patience=1000.0, talk=1000.0)


def site(**changes: Any) -> Site:
    """An office of six desks, two agents, one queue, two trunks."""
    fields: dict[str, Any] = {
        "site": SiteInfo(name="Office", language="en", timezone="Asia/Tokyo", record="never"),
        "extensions": tuple(
            Extension(number=number, name=f"Desk {number}", password=secret_of(number))
            for number in ("201", "202", "203", "204", "205", "206")
        ),
        "agents": (
            Agent(id="aiko", number="1", pin_hash=f"{PIN}1111", extension="201", queues=("support",)),
            Agent(id="ben", number="2", pin_hash=f"{PIN}2222", extension="202", queues=("support",)),
        ),
        "queues": (
            Queue(
                id="support",
                number="600",
                ring_seconds=10,
                wrap_up_seconds=5,
                announce_seconds=0,
                max_wait_seconds=60,
                overflow=destination("announcement:busy"),
            ),
        ),
        "menus": (
            Menu(
                id="main",
                number="790",
                prompt="welcome",
                timeout_seconds=3,
                retries=1,
                default=destination("extension:206"),
                keys={"1": destination("queue:support"), "2": destination("extension:203")},
            ),
        ),
        "announcements": (
            Announcement(id="busy", text="all busy"),
            Announcement(id="hello", text="hello", number="700"),
        ),
        "hours": (
            Hours(
                id="office",
                open=("mon-fri 09:00-18:00",),
                holidays=("2026-11-25",),
                inside=destination("extension:203"),
                outside=destination("announcement:busy"),
            ),
        ),
        "groups": (Group(id="sales", number="610", members=("203", "204", "205"), ring_seconds=20),),
        "trunks": (
            trunk("alpha", "10.2.0.1", channels=2, caller_id="0312345601"),
            trunk("gamma", "10.2.0.3", channels=2),
        ),
        "routes": (Route(pattern="0XXXXXXXXX", trunks=("alpha", "gamma")),),
        "breaks": (Break(key="1", name="Lunch"),),
    }
    return Site(**{**fields, **changes})


def inbound(text: str, **changes: Any) -> Site:
    """The office with every call of trunk alpha going to one destination."""
    plain = site(**changes)
    first, *others = plain.trunks
    first = msgspec.structs.replace(first, numbers={}, default=destination(text))
    return msgspec.structs.replace(plain, trunks=(first, *others))


class Office(World):
    """Everything goes right but what a test makes go wrong."""

    def __init__(self, configured: Site | None = None, ports: range = range(10_000, 12_000)) -> None:
        super().__init__(1, configured or site(), ports=ports)
        self.check_every = 1
        self.alpha: Carrier = self.carrier("alpha")
        self.gamma: Carrier = self.carrier("gamma")
        self.run(0.5)

    # --- parties -----------------------------------------------------------------------------------------------------
    def desk(self, extension: str, kind: str = "answer", **reaction: Any) -> Phone:
        """A registered phone that reacts in this way."""
        phone = self.phone(extension)
        self.reacts(phone, kind, **reaction)
        self.run(0.2)
        return phone

    def reacts(self, party: Phone | Carrier, kind: str = "answer", **reaction: Any) -> None:
        """How the party takes calls from now on."""

        def react(call: TalkingCall, event: sip.IncomingSession) -> Reaction:
            return Reaction(**{"kind": kind, "after": 1.0, "plan": LONG, **reaction})

        party.react = react

    def available(self, *agents: str) -> None:
        """Agents log in, a second apart."""
        for agent in agents:
            self.box.do(lambda box, now, agent=agent: box.set_agent_status(agent, "available", "", "test", now))  # type: ignore[misc]
            self.run(1.0)

    def comes_in(self, number: str = "0312345600", caller: str = "0901111222", plan: Plan = LONG) -> TalkingCall:
        """Somebody outside calls."""
        call = self.alpha.dial_in(number, caller, plan)
        self.run(0.3)
        return call

    def dials(self, phone: Phone, number: str, plan: Plan = LONG) -> TalkingCall:
        """A desk calls."""
        call = phone.dial(number, plan)
        self.run(0.3)
        return call

    # --- what can be heard -------------------------------------------------------------------------------------------
    def hears(self, call: TalkingCall) -> set[str]:
        """Short names of the files, and names of the parties, that a party hears now."""
        rows = self.engine.rows
        ports = [row for row in rows.values() if isinstance(row, RtpPort) and row.remote == call.media]
        heard: set[str] = set()
        for mix in rows.values():
            if isinstance(mix, Mix) and ports:
                for link in mix.links:
                    if link.listener == ports[0].id:
                        heard |= self._names(link.source)
        return heard

    def _names(self, source: int) -> set[str]:
        row = self.engine.rows[source]
        if isinstance(row, Player):
            return {short(file) for file in row.files}
        assert isinstance(row, RtpPort)
        party = self.media.get(row.remote) if row.remote is not None else None
        return {party.party.name if party is not None else "somebody silent"}

    def played(self) -> list[str]:
        """Everything that was played to anybody, in order."""
        return [short(file) for files in self.engine.played for file in files]

    def recorders(self) -> list[Recorder]:
        """Recorders that exist now."""
        return [row for row in self.engine.rows.values() if isinstance(row, Recorder)]

    # --- what is told ------------------------------------------------------------------------------------------------
    def told(self, kind: type[Any]) -> list[Any]:
        """Events of a kind."""
        return [one.event for one in self.box.story.events if isinstance(one.event, kind)]

    def ending(self) -> tuple[str, int]:
        """Reason and cause of the call that ended last."""
        event: ev.CallEnded = self.told(ev.CallEnded)[-1]
        return event.reason, event.cause

    def state(self, agent: str) -> str:
        """An agent's state."""
        return next(one.state for one in self.exchange.agents() if one.id == agent)


def short(file: str) -> str:
    """`/fixed/en/busy.wav` as "busy"; hold music as "music"; a position as "position 1"."""
    parts = file.strip("/").removesuffix(".wav").split("/")
    if parts[0] == "music":
        return "music"
    return f"position {parts[-1]}" if parts[0] == "position" else parts[-1]
