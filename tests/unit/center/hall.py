"""A call centre for tests: a site, a clock moved by hand, what came out, and checks that must always hold."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, TypeVar

from appliance.center.agent import STATES_OF_STATUS
from appliance.center.center import CallCenter
from appliance.center.decisions import Offer, Output, WithdrawOffer
from appliance.clock import Instant
from appliance.events import AgentStateChanged, QueueOfferEnded
from appliance.site.model import Agent, Destination, Extension, Queue, Site

T = TypeVar("T")
BUSY = Destination(kind="announcement", target="busy")


def site(
    agents: Mapping[str, tuple[str, ...]], *queues: Queue, skills: Mapping[str, Mapping[str, int]] | None = None
) -> Site:
    """Agents by id with their queues; agent number n sits at extension 200 + n."""
    return Site(
        extensions=tuple(Extension(number=str(201 + place)) for place in range(len(agents) + 2)),
        agents=tuple(
            Agent(
                id=name,
                number=str(place + 1),
                extension=str(201 + place),
                queues=served,
                skills=(skills or {}).get(name, {}),
            )
            for place, (name, served) in enumerate(agents.items())
        ),
        queues=queues or (Queue(id="support"),),
    )


class Hall:
    """Drives a call centre and reads all its output after every input."""

    def __init__(self, configuration: Site | None = None, seed: int = 1) -> None:
        self.site = configuration or site({"aiko": ("support",), "ben": ("support",), "chie": ("support",)})
        self.center = CallCenter(self.site, random.Random(seed).randbytes)
        self.now = Instant(1000.0, 1_800_000_000.0)
        self.log: list[Output] = []
        self.new: list[Output] = []
        """What came out of the last input (or of a whole `advance`)."""
        self.ringing: dict[str, str] = {}
        """Agent → call, from decisions and events alone."""

    def do(self, name: str, *arguments: Any) -> Any:
        """One input at the present time."""
        self.new = []
        result = getattr(self.center, name)(*arguments, self.now)
        told = [(arguments[0], arguments[1])] if name in ("offer_answered", "offer_failed") and result else []
        self.drain(told)
        return result

    def drain(self, told: list[tuple[str, str]]) -> None:
        """Reads everything; `told`: the offer whose end the input itself reported."""
        ended: list[tuple[str, str]] = []
        withdrawn: list[tuple[str, str]] = []
        while (output := self.center.poll()) is not None:
            self.log.append(output)
            self.new.append(output)
            if isinstance(output, Offer):
                assert output.agent not in self.ringing, f"{output.agent} is offered two callers at once"
                self.ringing[output.agent] = output.call
                self._check_offered(output)
            elif isinstance(output, QueueOfferEnded):
                assert self.ringing.pop(output.agent) == output.call
                ended.append((output.call, output.agent))
            elif isinstance(output, WithdrawOffer):
                withdrawn.append((output.call, output.agent))
        assert sorted(ended) == sorted(withdrawn + told), "each offer ends by report or by being withdrawn, never both"
        self._check_agents()

    def _check_offered(self, offer: Offer) -> None:
        states = [o for o in self.log if isinstance(o, AgentStateChanged) and o.agent == offer.agent]
        assert states[-1].state == "offered"
        assert states[-1].call == offer.call

    def _check_agents(self) -> None:
        for agent in self.center.agents():
            assert agent.state in STATES_OF_STATUS[agent.status]
            assert (agent.state == "offered") == (agent.offer is not None)
            for queue in agent.queues:
                assert (agent in queue.idle) == agent.ready
            if agent.ready:
                assert agent.registered
                assert agent.phone is not None
                assert agent.phone.activity == "idle"
                assert not any(queue.waiting for queue in agent.queues), "a caller waits while an agent is ready"

    def advance(self, seconds: float) -> None:
        """Moves the clock, stopping at every deadline on the way."""
        new: list[Output] = []
        end = self.now.mono + seconds
        while (deadline := self.center.deadline()) is not None and deadline <= end:
            self.now = self.now.later(max(0.0, deadline - self.now.mono))
            self.do("timeout")
            new += self.new
            after = self.center.deadline()
            assert after is None or after > self.now.mono, "the deadline did not move on"
        self.now = self.now.later(end - self.now.mono)
        self.new = new

    def of(self, kind: type[T]) -> list[T]:
        """Those of the last outputs that are of this kind."""
        return [output for output in self.new if isinstance(output, kind)]

    def all(self, kind: type[T]) -> list[T]:
        return [output for output in self.log if isinstance(output, kind)]

    # --- everyday moves -----------------------------------------------------------------------------------------------
    def log_in(self, *agents: str) -> None:
        """Registers the phones and logs the agents in, a second apart."""
        for agent in agents:
            found = self.center.agent(agent)
            assert found is not None
            self.do("phone_registered", found.config.extension, True)
            self.do("set_status", agent, "available", "", "", "phone")
            self.advance(1)

    def status(self, agent: str, status: str, reason: str = "", extension: str = "") -> None:
        self.do("set_status", agent, status, reason, extension, "phone")

    def enter(self, call: str, queue: str = "support", priority: int = 0) -> list[str]:
        """A caller enters; returns the agents who ring."""
        self.do("enter", call, queue, priority)
        return self.center.offered(call)

    def phone(self, agent: str, activity: str) -> None:
        found = self.center.agent(agent)
        assert found is not None
        self.do("phone_activity", found.extension, activity)

    def answer(self, call: str, agent: str) -> bool:
        """The agent's phone answers, and then reports that it talks."""
        answered: bool = self.do("offer_answered", call, agent)
        if answered:
            new = self.new
            self.phone(agent, "talking")
            self.new = new + self.new
        return answered

    def fail(self, call: str, agent: str, outcome: str) -> bool:
        failed: bool = self.do("offer_failed", call, agent, outcome)
        return failed

    def hang_up(self, call: str, agent: str) -> None:
        """The conversation ends, in the order in which the exchange says so."""
        found = self.center._roster.agents[agent]
        extension = found.extension
        self.do("talk_ended", call, agent)
        new = self.new
        self.do("phone_activity", extension, "idle")
        self.new = new + self.new

    def state(self, agent: str) -> str:
        found = self.center.agent(agent)
        assert found is not None
        return found.state
