"""What the call centre decides; the exchange carries it out in the order in which it is polled."""

from __future__ import annotations

import msgspec

from appliance.events import Event
from appliance.site.model import Destination


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Base of the decisions about a call that waits in a queue."""

    call: str
    queue: str


class Offer(Decision, frozen=True, gc=False):
    """Ring the agent's phone for this caller.

    Ends with exactly one of `offer_answered`, `offer_failed` (both told by the exchange) or a `WithdrawOffer`.
    """

    agent: str
    extension: str
    ring_seconds: float
    """For the exchange's information (an Expires header); the centre itself withdraws the offer when they are over."""


class WithdrawOffer(Decision, frozen=True, gc=False):
    """Stop ringing the agent's phone for this caller: it rang long enough, another answered, the caller is gone, …"""

    agent: str


class Redirect(Decision, frozen=True, gc=False):
    """The caller is no longer in the queue and goes on to `destination`."""

    destination: Destination
    outcome: str
    """overflow (nobody is logged in) or timeout (waited for the queue's longest time)"""


class AnnouncePosition(Decision, frozen=True, gc=False):
    """Tell the caller the place in the queue, from 1. Never decided while an offer rings, but on entry before the
    first."""

    position: int


Output = Decision | Event
"""What `CallCenter.poll` gives: events as they happen, each decision after the events that led to it."""
