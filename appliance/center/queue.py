"""A queue and its waiting callers. An entry is one caller's wait, from entering to leaving with exactly one outcome."""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import attrgetter

from appliance.center.agent import Agent
from appliance.center.table import Table
from appliance.center.timers import Timer
from appliance.clock import Instant
from appliance.site import model

ENTRY = Table(
    "Queue entry",
    "A caller's wait. With ring-all several offers ring at once.",
    "new",
    {
        ("new", "enter"): "waiting",
        ("waiting", "offer"): "ringing",
        ("ringing", "offer"): "ringing",
        ("ringing", "offer-over"): "ringing",
        ("ringing", "last-offer-over"): "waiting",
        ("ringing", "answer"): "answered",
        ("waiting", "abandon"): "abandoned",
        ("waiting", "end"): "ended",
        ("waiting", "timeout"): "timed-out",
        ("waiting", "overflow"): "overflowed",
    },
)

OUTCOMES = {
    "answered": "answered",
    "abandoned": "abandoned",
    "ended": "ended",
    "timed-out": "timeout",
    "overflowed": "overflow",
}
"""Final state of an entry → outcome of `QueueLeft`."""


class OpenOffer:
    """An agent's phone rings for a caller."""

    __slots__ = ("agent", "entry", "timer")

    def __init__(self, entry: Entry, agent: Agent) -> None:
        self.entry, self.agent = entry, agent
        self.timer: Timer | None = None
        """Ends the offer when the phone has rung long enough."""


class Entry:
    """A caller who waits. Keeps the queue's settings as they were on entry, whatever is configured meanwhile."""

    __slots__ = (
        "announce_timer",
        "announced",
        "announced_at",
        "call",
        "config",
        "entered",
        "extension",
        "key",
        "offers",
        "priority",
        "queue",
        "state",
        "wait_timer",
    )

    def __init__(self, call: str, queue: Queue, priority: int, serial: int, now: Instant, extension: str = "") -> None:
        self.call, self.queue, self.priority, self.entered = call, queue, priority, now
        self.extension = extension
        """The phone of the house that the caller calls from; whoever is logged in there cannot serve him."""
        self.config = queue.config
        self.key = (-priority, serial)
        """Order of service, in the queue and among queues: higher priority first, then who came first."""
        self.state = ENTRY.initial
        self.offers: dict[str, OpenOffer] = {}
        """By agent id; in the order in which they began to ring."""
        self.wait_timer: Timer | None = None
        self.announce_timer: Timer | None = None
        self.announced = 0
        """The position told last; 0: none."""
        self.announced_at = 0.0

    def move(self, event: str) -> None:
        """Follows the table."""
        self.state = ENTRY.after(self.state, event)


_key = attrgetter("key")


def _remove(entries: list[Entry], entry: Entry) -> None:
    place = bisect_left(entries, entry.key, key=_key)
    if place < len(entries) and entries[place] is entry:
        del entries[place]


class Queue:
    """A queue as it is now. Others read it; only the floor of the call centre changes it."""

    __slots__ = ("closed", "config", "entries", "idle", "last", "logged_in", "members", "waiting")

    def __init__(self, config: model.Queue) -> None:
        self.config = config
        """Settings for callers who enter from now on."""
        self.entries: list[Entry] = []
        """Everybody in the queue, in order of service, those for whom a phone rings included."""
        self.waiting: list[Entry] = []
        """Those of `entries` for whom no phone rings."""
        self.members: tuple[Agent, ...] = ()
        self.logged_in = 0
        """Members who are available or on break."""
        self.idle: dict[Agent, None] = {}
        """Members who are ready for a caller."""
        self.last = -1
        """`order` of the member who was offered a caller last."""
        self.closed = False
        """No longer in the configuration: nobody enters, whoever waits is served with the members of before."""

    @property
    def id(self) -> str:
        """The queue's id in the site file."""
        return self.config.id

    def add(self, entry: Entry) -> None:
        """Puts a new entry in its place."""
        insort(self.entries, entry, key=_key)
        insort(self.waiting, entry, key=_key)

    def remove(self, entry: Entry) -> None:
        """Takes an entry out."""
        _remove(self.entries, entry)
        _remove(self.waiting, entry)

    def rings(self, entry: Entry, ringing: bool) -> None:
        """Notes whether any phone rings for the entry."""
        if ringing:
            _remove(self.waiting, entry)
        else:
            insort(self.waiting, entry, key=_key)

    def position(self, entry: Entry) -> int:
        """Place of the entry, from 1."""
        return bisect_left(self.entries, entry.key, key=_key) + 1

    def longest_wait(self, now: Instant) -> float:
        """Seconds that the oldest caller has waited; 0 when nobody does."""
        if not self.entries:
            return 0.0
        return max(0.0, now.mono - min(entry.entered.mono for entry in self.entries))
