"""An agent: the status the person chose, the state the system sees, and the tables that say how they change.

Status and state are kept apart. Choosing a break during a call or wrap-up changes the status at once; the state stays
what it is until the call and its wrap-up are over, then the agent is idle on break. Logging out during a call changes
the status at once too; the state follows when the call ends, without wrap-up. Logging out during wrap-up ends the
wrap-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.center.table import Table
from appliance.clock import Instant
from appliance.site import model

if TYPE_CHECKING:
    from appliance.center.queue import OpenOffer, Queue
    from appliance.center.timers import Timer

LOGGED_OUT, AVAILABLE, BREAK = "logged-out", "available", "break"
IDLE, OFFERED, TALKING, HOLD, WRAP_UP = "idle", "offered", "talking", "hold", "wrap-up"

STATUS = Table(
    "Agent status",
    "What the person chose, at a phone or on the page.",
    LOGGED_OUT,
    {
        (LOGGED_OUT, "available"): AVAILABLE,
        (LOGGED_OUT, "break"): BREAK,
        (LOGGED_OUT, "logged-out"): LOGGED_OUT,
        (AVAILABLE, "available"): AVAILABLE,
        (AVAILABLE, "break"): BREAK,
        (AVAILABLE, "logged-out"): LOGGED_OUT,
        (BREAK, "available"): AVAILABLE,
        (BREAK, "break"): BREAK,
        (BREAK, "logged-out"): LOGGED_OUT,
    },
)

STATE = Table(
    "Agent state",
    "What the system sees. `own-call` is any conversation of the agent's phone that is not a queue's;\n"
    "`login` of somebody who is logged in already is a move to another phone; `taken-over` is a queue's call that\n"
    "went on while the box was away.",
    LOGGED_OUT,
    {
        (LOGGED_OUT, "login"): IDLE,
        (LOGGED_OUT, "restart"): IDLE,
        (LOGGED_OUT, "taken-over"): TALKING,
        (IDLE, "login"): IDLE,
        (IDLE, "logout"): LOGGED_OUT,
        (IDLE, "offer"): OFFERED,
        (IDLE, "own-call"): TALKING,
        (IDLE, "taken-over"): TALKING,
        (OFFERED, "answer"): TALKING,
        (OFFERED, "no-answer"): IDLE,
        (OFFERED, "rejected"): IDLE,
        (OFFERED, "busy"): IDLE,
        (OFFERED, "unreachable"): IDLE,
        (OFFERED, "withdrawn"): IDLE,
        (TALKING, "hold"): HOLD,
        (TALKING, "hangup"): WRAP_UP,
        (TALKING, "hangup-without-wrap-up"): IDLE,
        (TALKING, "own-call-over"): IDLE,
        (TALKING, "login"): TALKING,
        (TALKING, "logout"): TALKING,
        (TALKING, "over-after-logout"): LOGGED_OUT,
        (HOLD, "resume"): TALKING,
        (HOLD, "hangup"): WRAP_UP,
        (HOLD, "hangup-without-wrap-up"): IDLE,
        (HOLD, "own-call-over"): IDLE,
        (HOLD, "login"): HOLD,
        (HOLD, "logout"): HOLD,
        (HOLD, "over-after-logout"): LOGGED_OUT,
        (WRAP_UP, "wrap-up-over"): IDLE,
        (WRAP_UP, "wrap-up-done"): IDLE,
        (WRAP_UP, "login"): WRAP_UP,
        (WRAP_UP, "logout"): LOGGED_OUT,
    },
)

CAUSES = {"hangup-without-wrap-up": "hangup", "own-call-over": "hangup", "over-after-logout": "logout"}
"""Inputs that the ledger knows by a shorter word; all others are their own cause."""

STATES_OF_STATUS = {
    LOGGED_OUT: frozenset({LOGGED_OUT, TALKING, HOLD}),
    AVAILABLE: frozenset({IDLE, OFFERED, TALKING, HOLD, WRAP_UP}),
    BREAK: frozenset({IDLE, TALKING, HOLD, WRAP_UP}),
}
"""Every combination of status and state that can be."""

ACTIVITIES = frozenset({"idle", "busy", "talking", "hold"})
"""What a phone does, over all its legs but that of an open offer: busy is ringing, dialling, or a service of the
box."""


class Phone:
    """What is known of an extension's phone, and who is logged in there."""

    __slots__ = ("activity", "agents", "extension", "registered")

    def __init__(self, extension: str) -> None:
        self.extension = extension
        self.registered = False
        self.activity = "idle"
        self.agents: list[Agent] = []
        """Who is logged in there (one at most) and those who logged out and still talk."""


class Agent:
    """One agent. Others read it; only the roster and the floor of the call centre change it."""

    __slots__ = (
        "call",
        "calls",
        "config",
        "extension",
        "line",
        "misses",
        "offer",
        "order",
        "pause",
        "pause_timer",
        "phone",
        "queue",
        "queues",
        "ready",
        "reason",
        "removed",
        "since",
        "state",
        "status",
        "talk_seconds",
        "talking_since",
        "wrap_up_seconds",
        "wrap_up_timer",
    )

    def __init__(self, config: model.Agent, order: int, now: Instant) -> None:
        self.config = config
        self.order = order
        """Place in the site file."""
        self.status = STATUS.initial
        self.reason = ""
        """Name of the break."""
        self.state = STATE.initial
        self.since = now
        """When the state began."""
        self.extension = ""
        """Where the agent is logged in, or still talks after logging out."""
        self.phone: Phone | None = None
        self.line = 0
        """Place in the line of the idle: the smallest has been idle longest."""
        self.call = ""
        """The queue's caller that is offered, talked to or wrapped up."""
        self.queue = ""
        """Id of the queue of `call`."""
        self.queues: tuple[Queue, ...] = ()
        self.offer: OpenOffer | None = None
        self.ready = False
        """True when the next caller may be offered: available, idle, phone registered and without a leg, no pause."""
        self.pause = ""
        """Why nothing is offered for a few seconds: an offer's outcome; empty when there is no pause."""
        self.pause_timer: Timer | None = None
        self.wrap_up_seconds = 0.0
        self.wrap_up_timer: Timer | None = None
        self.calls = 0
        self.talk_seconds = 0.0
        self.talking_since = 0.0
        self.misses = 0
        """Offers in a row that were not answered."""
        self.removed = False
        """No longer in the configuration; only here until the present call is over."""

    @property
    def id(self) -> str:
        """The agent's id in the site file."""
        return self.config.id

    @property
    def logged_in(self) -> bool:
        """True on break as well."""
        return self.status != LOGGED_OUT

    @property
    def registered(self) -> bool:
        """True when the phone where the agent is logged in can be reached."""
        return self.phone is not None and self.phone.registered
