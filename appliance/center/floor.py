"""The floor: queues, who waits in them, which phones ring for whom. Brings waiting callers and ready agents
together."""

from __future__ import annotations

from collections import deque

from appliance.center.agent import Agent
from appliance.center.decisions import AnnouncePosition, Offer, Output, Redirect, WithdrawOffer
from appliance.center.queue import OUTCOMES, Entry, OpenOffer, Queue
from appliance.center.roster import Roster
from appliance.center.strategy import STRATEGIES, Turn
from appliance.center.timers import Timers
from appliance.clock import Entropy, Instant
from appliance.errors import CommandError, UndefinedTransition
from appliance.events import QueueEntered, QueueLeft, QueueOffered, QueueOfferEnded, QueuePosition
from appliance.site import model

SHORTEST_RING = 1.0
"""Seconds a phone rings at least, whatever is configured."""
IMPROVEMENT_SECONDS = 10.0
"""A better position is told within this time, and no caller is told positions more often."""
SHORTEST_ANNOUNCE = 1.0


class Floor:
    """The queues of the site and everybody who waits."""

    def __init__(self, roster: Roster, timers: Timers, out: deque[Output], entropy: Entropy) -> None:
        self._roster, self._timers, self._out, self._entropy = roster, timers, out, entropy
        self._serial = 0
        self.queues: dict[str, Queue] = {}
        """By id; closed ones are here until the last caller has left."""
        self.entries: dict[str, Entry] = {}
        """By call: everybody who waits."""

    def configure(self, site: model.Site) -> None:
        """Takes over the site's queues. A queue that is gone is closed and serves those who wait already."""
        old, self.queues = self.queues, {}
        for config in site.queues:
            queue = old.pop(config.id, None) or Queue(config)
            queue.config, queue.closed = config, False
            self.queues[config.id] = queue
        for queue in old.values():
            if queue.entries:
                queue.closed = True
                self.queues[queue.id] = queue
        self._roster.assign(self.queues.values())

    # --- callers ------------------------------------------------------------------------------------------------------
    def enter(self, call: str, queue_id: str, priority: int, now: Instant, extension: str = "") -> None:
        """A caller begins to wait; with nobody logged in who could take him he overflows at once."""
        queue = self.queues.get(queue_id)
        if queue is None or queue.closed:
            raise CommandError("unknown_queue", f'There is no queue "{queue_id}".', "queue")
        if call in self.entries:
            raise UndefinedTransition("Queue entry", self.entries[call].state, "enter")
        self._serial += 1
        entry = Entry(call, queue, priority, self._serial, now, extension)
        entry.move("enter")
        self.entries[call] = entry
        queue.add(entry)
        position = queue.position(entry)
        self._out.append(QueueEntered(call=call, queue=queue_id, position=position, priority=priority))
        if not self._can_be_served(entry):
            self._redirect(entry, "overflow", now)
            return
        if entry.config.max_wait_seconds > 0:
            entry.wait_timer = self._timers.start(now.mono + entry.config.max_wait_seconds, self._waited_out, entry)
        self._announce(entry, position, now)
        self._roster.dirty[queue] = None

    def _can_be_served(self, entry: Entry) -> bool:
        """Whether anybody is logged in to the queue besides who is himself the caller."""
        queue = entry.queue
        own = self._roster.at(entry.extension) if entry.extension else None
        return queue.logged_in > (own is not None and queue in own.queues)

    def leave(self, call: str, now: Instant, abandoned: bool = True) -> bool:
        """The caller hung up (`abandoned`) or was taken away; False when the call waits nowhere."""
        entry = self.entries.get(call)
        if entry is None:
            return False
        self._withdraw_all(entry, now)
        self._left(entry, "abandon" if abandoned else "end", now)
        return True

    def _waited_out(self, entry: Entry, now: Instant) -> None:
        self._withdraw_all(entry, now)
        self._redirect(entry, "timeout", now)

    def _redirect(self, entry: Entry, outcome: str, now: Instant) -> None:
        self._left(entry, outcome, now)
        destination = entry.config.overflow
        self._out.append(Redirect(call=entry.call, queue=entry.queue.id, destination=destination, outcome=outcome))

    def _left(self, entry: Entry, event: str, now: Instant, agent: str = "") -> None:
        """The one way out of a queue."""
        entry.move(event)
        queue = entry.queue
        queue.remove(entry)
        del self.entries[entry.call]
        self._timers.cancel(entry.wait_timer)
        self._timers.cancel(entry.announce_timer)
        waited = round(now.mono - entry.entered.mono, 3)
        outcome = OUTCOMES[entry.state]
        self._out.append(QueueLeft(call=entry.call, queue=queue.id, outcome=outcome, waited=waited, agent=agent))
        if queue.closed and not queue.entries:
            self._drop(queue)

    def _drop(self, queue: Queue) -> None:
        del self.queues[queue.id]
        self._roster.dirty.pop(queue, None)
        for agent in queue.members:
            agent.queues = tuple(other for other in agent.queues if other is not queue)

    # --- positions ----------------------------------------------------------------------------------------------------
    def _announce(self, entry: Entry, position: int, now: Instant) -> None:
        entry.announced, entry.announced_at = position, now.mono
        self._out.append(QueuePosition(call=entry.call, queue=entry.queue.id, position=position))
        self._out.append(AnnouncePosition(call=entry.call, queue=entry.queue.id, position=position))
        self._plan_announcement(entry, now)

    def _plan_announcement(self, entry: Entry, now: Instant) -> None:
        if entry.config.announce_seconds <= 0:
            return
        every = max(entry.config.announce_seconds, SHORTEST_ANNOUNCE)
        when = now.mono + min(every, IMPROVEMENT_SECONDS)
        regular = entry.announced_at + every
        if now.mono < regular < when:
            when = regular
        entry.announce_timer = self._timers.start(when, self._consider_announcement, entry)

    def _consider_announcement(self, entry: Entry, now: Instant) -> None:
        if entry.state == "waiting":
            position = entry.queue.position(entry)
            every = max(entry.config.announce_seconds, SHORTEST_ANNOUNCE)
            if position < entry.announced or now.mono >= entry.announced_at + every:
                self._announce(entry, position, now)
                return
        self._plan_announcement(entry, now)

    # --- offers -------------------------------------------------------------------------------------------------------
    def settle(self, now: Instant) -> None:
        """Decides everything that can be decided: afterwards no caller waits for whom an agent is ready."""
        dirty = self._roster.dirty
        if not dirty:
            return
        queues = tuple(dirty)
        dirty.clear()
        for queue in queues:
            # An offer that still rings, its agent having just been taken out of the queue, may yet be answered.
            for entry in tuple(queue.waiting) if queue.logged_in < 2 else ():
                if not self._can_be_served(entry):
                    self._redirect(entry, "overflow", now)
        while True:
            heads = [queue.waiting[0] for queue in queues if queue.waiting and queue.idle]
            if not heads:
                break
            self._serve(min(heads, key=_key) if len(heads) > 1 else heads[0], now)
        for queue in queues:
            if queue.idle and queue.entries:
                self._join(queue, now)

    def _serve(self, entry: Entry, now: Instant) -> None:
        queue = entry.queue
        turn = Turn(queue.id, queue.last, self._entropy)
        for agent in STRATEGIES[entry.config.strategy](queue.idle, turn):
            self._offer(entry, agent, now)

    def _join(self, queue: Queue, now: Instant) -> None:
        """Agents whom no other caller wants ring along for the first caller who rings everybody."""
        for entry in queue.entries:
            if entry.config.strategy == "ring-all":
                for agent in tuple(queue.idle):
                    self._offer(entry, agent, now)
                return

    def _offer(self, entry: Entry, agent: Agent, now: Instant) -> None:
        queue = entry.queue
        seconds = max(entry.config.ring_seconds, SHORTEST_RING)
        offer = OpenOffer(entry, agent)
        offer.timer = self._timers.start(now.mono + seconds, self._rang_out, offer)
        if not entry.offers:
            queue.rings(entry, True)
        entry.move("offer")
        entry.offers[agent.id] = offer
        queue.last = agent.order
        waited = round(now.mono - entry.entered.mono, 3)
        self._out.append(QueueOffered(call=entry.call, queue=queue.id, agent=agent.id, waited=waited))
        self._roster.offered(offer, now)
        self._out.append(
            Offer(call=entry.call, queue=queue.id, agent=agent.id, extension=agent.extension, ring_seconds=seconds)
        )

    def find_offer(self, call: str, agent: str) -> OpenOffer | None:
        """The open offer of this caller to this agent."""
        entry = self.entries.get(call)
        return entry.offers.get(agent) if entry is not None else None

    def answered(self, offer: OpenOffer, now: Instant) -> None:
        """The agent has the caller; every other phone stops ringing for this caller."""
        entry, agent = offer.entry, offer.agent
        del entry.offers[agent.id]
        self._timers.cancel(offer.timer)
        self._offer_ended(entry, agent, "answered")
        self._roster.answered(agent, entry.config.wrap_up_seconds, now)
        for other in tuple(entry.offers.values()):
            self._end(other, "withdrawn", now)
            self._withdraw(other)
        self._left(entry, "answer", now, agent.id)

    def failed(self, offer: OpenOffer, outcome: str, now: Instant, *, withdraw: bool) -> None:
        """The offer is over without an answer; `withdraw` when the phone still rings. The caller waits on."""
        entry = offer.entry
        self._end(offer, outcome, now)
        if withdraw:
            self._withdraw(offer)
        if entry.offers:
            entry.move("offer-over")
            return
        entry.move("last-offer-over")
        entry.queue.rings(entry, False)
        self._roster.dirty[entry.queue] = None

    def _rang_out(self, offer: OpenOffer, now: Instant) -> None:
        self.failed(offer, "no-answer", now, withdraw=True)

    def _withdraw_all(self, entry: Entry, now: Instant) -> None:
        for offer in tuple(entry.offers.values()):
            self.failed(offer, "withdrawn", now, withdraw=True)

    def _end(self, offer: OpenOffer, outcome: str, now: Instant) -> None:
        entry, agent = offer.entry, offer.agent
        del entry.offers[agent.id]
        self._timers.cancel(offer.timer)
        self._offer_ended(entry, agent, outcome)
        self._roster.offer_over(agent, outcome, now)

    def _offer_ended(self, entry: Entry, agent: Agent, outcome: str) -> None:
        self._out.append(QueueOfferEnded(call=entry.call, queue=entry.queue.id, agent=agent.id, outcome=outcome))

    def _withdraw(self, offer: OpenOffer) -> None:
        entry = offer.entry
        self._out.append(WithdrawOffer(call=entry.call, queue=entry.queue.id, agent=offer.agent.id))


def _key(entry: Entry) -> tuple[int, int]:
    return entry.key
