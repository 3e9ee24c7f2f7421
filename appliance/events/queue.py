"""Queues: a caller's wait from entry to leaving, and each offer to an agent."""

from __future__ import annotations

from appliance.events.base import Event


class QueueEntered(Event, frozen=True):
    call: str
    queue: str
    position: int
    priority: int = 0


class QueuePosition(Event, frozen=True):
    """The caller was told this position."""

    call: str
    queue: str
    position: int


class QueueOffered(Event, frozen=True):
    call: str
    queue: str
    agent: str
    waited: float


class QueueOfferEnded(Event, frozen=True):
    call: str
    queue: str
    agent: str
    outcome: str
    """answered, no-answer, rejected, busy, unreachable, withdrawn"""


class QueueLeft(Event, frozen=True):
    call: str
    queue: str
    outcome: str
    """answered, abandoned, overflow (nobody logged in), timeout (max_wait), ended (a supervisor or the box ended the
    call), restart (the box went down meanwhile)"""
    waited: float
    agent: str = ""
