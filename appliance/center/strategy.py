"""Which of the agents who are ready gets the caller: a small pure function a strategy.

Each is given the ready agents (at least one) and the queue's turn, and names the agents to ring, one except for
`ring-all`. Ties go to the agent who has been idle longest. Idle time counts since the agent's last call, missed
offer, own call, break or log-in, so an agent who let it ring is not first again; an offer withdrawn by us costs
nobody the place.

Counts of `least-calls` and `least-talk` are of all queues since the log-in; who logs in begins with the least of those
already there, so a newcomer takes turns with the others instead of catching up with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from appliance.center.agent import Agent
from appliance.clock import Entropy


class Turn(NamedTuple):
    """What a strategy may know of the queue."""

    queue: str
    last: int
    """`order` of the agent who was offered a caller of this queue last; -1: none yet."""
    entropy: Entropy


Strategy = Callable[[Collection[Agent], Turn], list[Agent]]


def _line(agent: Agent) -> int:
    return agent.line


def longest_idle(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """Who has been idle longest."""
    return [min(ready, key=_line)]


def ring_all(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """Everybody at once; the first to answer gets the caller."""
    return sorted(ready, key=_line)


def round_robin(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """The next in the order of the site file after the one who was offered a caller last."""
    return [min(ready, key=lambda agent: (agent.order <= turn.last, agent.order))]


def least_calls(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """Who has answered the fewest callers."""
    return [min(ready, key=lambda agent: (agent.calls, agent.line))]


def least_talk(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """Who has talked to callers for the shortest time in all."""
    return [min(ready, key=lambda agent: (agent.talk_seconds, agent.line))]


def random(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """Anybody, all alike."""
    dice = int.from_bytes(turn.entropy(4), "big")
    return [sorted(ready, key=_line)[dice % len(ready)]]


def linear(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """The first in the order of the site file."""
    return [min(ready, key=lambda agent: agent.order)]


def skills(ready: Collection[Agent], turn: Turn) -> list[Agent]:
    """Who has the highest level of the skill that bears the queue's id (0 without it)."""
    return [min(ready, key=lambda agent: (-agent.config.skills.get(turn.queue, 0), agent.line))]


STRATEGIES: dict[str, Strategy] = {
    "longest-idle": longest_idle,
    "ring-all": ring_all,
    "round-robin": round_robin,
    "least-calls": least_calls,
    "least-talk": least_talk,
    "random": random,
    "linear": linear,
    "skills": skills,
}
"""By the name used in the site file."""
