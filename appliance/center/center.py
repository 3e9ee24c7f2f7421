"""The call centre as others see it: inputs in, decisions and events out, in order.

Whoever feeds it reads everything that `poll` gives before feeding it again, and calls `timeout` at `deadline`.
Nothing here reads a clock or blocks. The phone reports (`phone_activity`) leave out the leg of an open offer;
`offer_answered` comes before the report that counts the answered leg.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from appliance.center.agent import ACTIVITIES, AVAILABLE, HOLD, IDLE, LOGGED_OUT, STATUS, TALKING, Agent
from appliance.center.decisions import Output
from appliance.center.floor import Floor
from appliance.center.queue import Queue
from appliance.center.roster import Roster
from appliance.center.timers import Timers
from appliance.clock import Entropy, Instant
from appliance.errors import CommandError, HakoError
from appliance.events import AgentStatusChanged
from appliance.site import model

OFFER_FAILURES = frozenset({"no-answer", "rejected", "busy", "unreachable"})


class CallCenter:
    """Agents, queues and the callers who wait. Starts with everybody logged out and every phone unregistered."""

    def __init__(self, site: model.Site, entropy: Entropy) -> None:
        self._out: deque[Output] = deque()
        self._timers = Timers()
        self._roster = Roster(self._out, self._timers)
        self._floor = Floor(self._roster, self._timers, self._out, entropy)
        start = Instant(0.0, 0.0)
        self._roster.configure(site, start)
        self._floor.configure(site)
        self._roster.dirty.clear()

    # --- the core's clockwork -----------------------------------------------------------------------------------------
    def poll(self) -> Output | None:
        """The next decision or event; None when everything has been read."""
        return self._out.popleft() if self._out else None

    def deadline(self) -> float | None:
        """Monotonic time of the next `timeout`; None when nothing is awaited."""
        return self._timers.deadline()

    def timeout(self, now: Instant) -> None:
        """Does what is due at `now`; afterwards `deadline` is later than `now`."""
        while (timer := self._timers.due(now)) is not None:
            timer.action(timer.subject, now)
            self._floor.settle(now)

    def configure(self, site: model.Site, now: Instant) -> None:
        """Takes over another configuration.

        Callers who wait keep the settings of their queue as they were on entry, and calls keep theirs. Who serves a
        queue follows the new configuration at once; a queue that is gone takes nobody in any more and its callers are
        served by the members of before. Agents whose id or phone is gone are logged out; their calls go on.
        """
        leaving = self._roster.configure(site, now)
        self._floor.configure(site)
        for agent in leaving:
            self._log_out(agent, "", "system", now)
        self._floor.settle(now)

    # --- agents -------------------------------------------------------------------------------------------------------
    def set_status(self, agent: str, status: str, reason: str, extension: str, by: str, now: Instant) -> None:
        """An agent logs in, out, takes a break (`reason` is its name) or comes back.

        `extension` is the phone to use; "" is the present one, else the agent's own. Whoever else is logged in there
        is logged out. During a call the status changes at once and the state when the call is over (see `agent`); an
        open offer is withdrawn when the agent is no longer available at that phone. Repeating the present status does
        nothing. Raises `CommandError`: unknown_agent, bad_status, no_extension, unknown_extension, in_call.
        """
        who = self._roster.find(agent)
        if status not in STATUS.states:
            wanted = ", ".join(sorted(STATUS.states))
            raise CommandError("bad_status", f'There is no status "{status}"; one of {wanted}.', "status")
        if status == LOGGED_OUT:
            self._log_out(who, reason, by, now)
        else:
            self._log_in(who, status, "" if status == AVAILABLE else reason, extension, by, now)
        self._floor.settle(now)

    def _log_in(self, agent: Agent, status: str, reason: str, extension: str, by: str, now: Instant) -> None:
        place = self._roster.place(agent, extension)
        moves = not agent.logged_in or agent.extension != place
        if not moves and agent.status == status and agent.reason == reason:
            return
        other = self._roster.at(place)
        if other is not None and other is not agent:
            self._log_out(other, "", by, now)
        if moves or status != AVAILABLE:
            self._withdraw(agent, "withdrawn", now)
        if moves:
            self._roster.log_in(agent, status, reason, place, by, now)
        else:
            self._roster.choose(agent, status, reason, by, now)

    def _log_out(self, agent: Agent, reason: str, by: str, now: Instant) -> None:
        self._withdraw(agent, "withdrawn", now)
        self._roster.log_out(agent, reason, by, now)

    def _withdraw(self, agent: Agent, outcome: str, now: Instant) -> None:
        if agent.offer is not None:
            self._floor.failed(agent.offer, outcome, now, withdraw=True)

    def wrap_up_done(self, agent: str, by: str, now: Instant) -> bool:
        """Ends the agent's wrap-up early; False when there is none. Raises `CommandError` unknown_agent."""
        done = self._roster.wrap_up_done(self._roster.find(agent), by, now)
        self._floor.settle(now)
        return done

    def restore(self, statuses: Iterable[tuple[str, str, str, str]], now: Instant) -> None:
        """After a restart: (agent, status, reason, extension) as the ledger last saw them, for everybody known then.

        Tells the states (cause "restart") but not the statuses, which are no news, except where one cannot be kept
        because the phone is gone.
        """
        for agent_id, status, reason, extension in statuses:
            agent = self._roster.agents.get(agent_id)
            if agent is None or status == LOGGED_OUT or status not in STATUS.states or agent.logged_in:
                continue
            try:
                place = self._roster.place(agent, extension)
            except CommandError:
                self._out.append(AgentStatusChanged(agent=agent_id, status=LOGGED_OUT, by="system"))
                continue
            other = self._roster.at(place)
            if other is not None:
                self._log_out(other, "", "system", now)
            self._roster.restore(agent, status, reason, place, now)
        self._floor.settle(now)

    def take_over(
        self,
        agent: str,
        extension: str,
        call: str,
        queue: str,
        wrap_up_seconds: float,
        talking_since: float,
        since: Instant,
        now: Instant,
    ) -> bool:
        """After `restore`: the agent has been talking to a queue's caller, all through a restart.

        `talking_since`: monotonic time of the answer; `since`: of the last change of the agent's state. Told before
        the phone's activity. False: nobody of that name is there, or is at another phone; the leg is then like any
        other of its phone.
        """
        who = self.agent(agent)
        if who is None or who.state not in (IDLE, LOGGED_OUT) or who.extension not in ("", extension):
            return False
        self._roster.take_over(who, extension, call, queue, wrap_up_seconds, talking_since, since, now)
        self._floor.settle(now)
        return True

    # --- phones -------------------------------------------------------------------------------------------------------
    def phone_registered(self, extension: str, registered: bool, now: Instant) -> None:
        """Whether the extension has any contact. Repeat it on every refresh: it ends the pause of an unreachable
        phone."""
        phone = self._roster.phone(extension)
        if not registered:
            for agent in tuple(phone.agents):
                self._withdraw(agent, "unreachable", now)
        self._roster.registered(phone, registered, now)
        self._floor.settle(now)

    def phone_activity(self, extension: str, activity: str, now: Instant) -> None:
        """What the phone does over all its legs but that of an open offer.

        idle: no leg at all · busy: rings, dials, or uses a service of the box (dial codes, echo) · talking · hold. A
        phone that is not idle any more while an offer rings loses the offer (outcome busy).
        """
        if activity not in ACTIVITIES:
            raise HakoError(f'phone_activity: "{activity}" is none of {", ".join(sorted(ACTIVITIES))}')
        phone = self._roster.phone(extension)
        if activity != "idle":
            for agent in tuple(phone.agents):
                self._withdraw(agent, "busy", now)
        self._roster.activity(phone, activity, now)
        self._floor.settle(now)

    # --- callers ------------------------------------------------------------------------------------------------------
    def enter(self, call: str, queue: str, priority: int, now: Instant, extension: str = "") -> None:
        """A caller comes into a queue; a higher `priority` goes before. The call leaves with exactly one `QueueLeft`.

        `extension`: the phone of the house that he calls from. The agent at that phone does not count as one who could
        take him: where there is no other, he goes to the overflow.
        Raises `CommandError` unknown_queue, and `UndefinedTransition` for a call that waits already.
        """
        self._floor.enter(call, queue, priority, now, extension)
        self._floor.settle(now)

    def leave(self, call: str, now: Instant, abandoned: bool = True) -> bool:
        """The caller hung up (`abandoned`) or was taken away while waiting (outcome "ended": nobody's figure).

        False when the call waits nowhere (any more).
        """
        left = self._floor.leave(call, now, abandoned)
        self._floor.settle(now)
        return left

    def offer_answered(self, call: str, agent: str, now: Instant) -> bool:
        """The agent's phone answered. False: the offer was open no longer (withdrawn, timed out, the caller gone), and
        the exchange hangs up that leg."""
        offer = self._floor.find_offer(call, agent)
        if offer is None:
            return False
        self._floor.answered(offer, now)
        self._floor.settle(now)
        return True

    def offer_failed(self, call: str, agent: str, outcome: str, now: Instant) -> bool:
        """The leg of the offer is over: no-answer, rejected, busy or unreachable. The caller goes on to the next agent.

        False when the offer was open no longer: nothing happens.
        """
        if outcome not in OFFER_FAILURES:
            raise HakoError(f'offer_failed: "{outcome}" is none of {", ".join(sorted(OFFER_FAILURES))}')
        offer = self._floor.find_offer(call, agent)
        if offer is None:
            return False
        self._floor.failed(offer, outcome, now, withdraw=False)
        self._floor.settle(now)
        return True

    def talk_ended(self, call: str, agent: str, now: Instant) -> bool:
        """The agent's leg of the queue's call is over; False when the agent does not talk in that call (any more)."""
        who = self._roster.agents.get(agent)
        if who is None or who.call != call or who.state not in (TALKING, HOLD):
            return False
        self._roster.call_over(who, now)
        self._floor.settle(now)
        return True

    def forget(self, call: str, now: Instant) -> None:
        """The call is gone altogether: whatever it still is here (waiting, talking) ends. Harmless when it is
        nothing."""
        self.leave(call, now)
        for agent in [agent for agent in self._roster.agents.values() if agent.call == call]:
            self.talk_ended(call, agent.id, now)

    # --- looking (read only) ------------------------------------------------------------------------------------------
    def agents(self) -> list[Agent]:
        """Every configured agent in the order of the site file."""
        return [agent for agent in self._roster.agents.values() if not agent.removed]

    def agent(self, agent_id: str) -> Agent | None:
        """The agent of this id."""
        agent = self._roster.agents.get(agent_id)
        return None if agent is None or agent.removed else agent

    def agent_at(self, extension: str) -> str:
        """Id of the agent who is logged in at this extension; "" when nobody is."""
        agent = self._roster.at(extension)
        return agent.id if agent is not None else ""

    def queues(self) -> list[Queue]:
        """Every queue; closed ones, whose last callers still wait, come last."""
        return list(self._floor.queues.values())

    def queue(self, queue_id: str) -> Queue | None:
        """The queue of this id."""
        return self._floor.queues.get(queue_id)

    def position(self, call: str) -> int:
        """The caller's place in the queue, from 1; 0 when the call does not wait."""
        entry = self._floor.entries.get(call)
        return entry.queue.position(entry) if entry is not None else 0

    def offered(self, call: str) -> list[str]:
        """Ids of the agents whose phones ring for this caller."""
        entry = self._floor.entries.get(call)
        return list(entry.offers) if entry is not None else []
