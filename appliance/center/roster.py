"""Everybody who works here: agents with status and state, and the phones they are logged in at.

The roster changes agents and says so by events; it marks the queues of agents who become ready in `dirty`, and the
floor (`appliance.center.floor`) then serves those queues.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from appliance.center.agent import (
    AVAILABLE,
    CAUSES,
    HOLD,
    IDLE,
    LOGGED_OUT,
    STATE,
    STATUS,
    TALKING,
    WRAP_UP,
    Agent,
    Phone,
)
from appliance.center.decisions import Output
from appliance.center.queue import OpenOffer, Queue
from appliance.center.timers import Timers
from appliance.clock import Instant
from appliance.errors import CommandError
from appliance.events import AgentStateChanged, AgentStatusChanged
from appliance.site import model

PAUSES = {"no-answer": 5.0, "rejected": 5.0, "busy": 5.0, "unreachable": 15.0, "withdrawn": 1.0}
"""Outcome of an offer → seconds before the agent is offered the next caller, so that others go first and a phone that
cannot be reached is not hammered. A withdrawn offer only waits for the phone to stop ringing: its next report of
"idle" ends the pause, the second is for a phone that never says so. A new registration ends the pause of an
unreachable one."""


class Roster:
    """The agents and phones of the site."""

    def __init__(self, out: deque[Output], timers: Timers) -> None:
        self._out = out
        self._timers = timers
        self._line = 0
        self._extensions: frozenset[str] = frozenset()
        self.agents: dict[str, Agent] = {}
        """By id, in the order of the site file; who was removed from it and still talks comes after."""
        self.phones: dict[str, Phone] = {}
        self.dirty: dict[Queue, None] = {}
        """Queues for which something may have to be decided."""

    # --- looking up ---------------------------------------------------------------------------------------------------
    def find(self, agent_id: str) -> Agent:
        """The configured agent of this id; raises `CommandError`."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.removed:
            raise CommandError("unknown_agent", f'There is no agent "{agent_id}".', "agent")
        return agent

    def at(self, extension: str) -> Agent | None:
        """Who is logged in at this extension."""
        phone = self.phones.get(extension)
        if phone is None:
            return None
        return next((agent for agent in phone.agents if agent.logged_in), None)

    def phone(self, extension: str) -> Phone:
        """What is known of the extension's phone."""
        phone = self.phones.get(extension)
        if phone is None:
            phone = self.phones[extension] = Phone(extension)
        return phone

    def place(self, agent: Agent, extension: str) -> str:
        """The extension to log in at: `extension`, or the present one, or the agent's own; raises `CommandError`."""
        wanted = extension or agent.extension or agent.config.extension
        if not wanted:
            raise CommandError(
                "no_extension", f"{agent.config.name or agent.id} has no phone: log in at one, or name it.", "extension"
            )
        if wanted not in self._extensions:
            raise CommandError("unknown_extension", f'There is no extension "{wanted}".', "extension")
        if agent.state in (TALKING, HOLD) and wanted != agent.extension:
            raise CommandError(
                "in_call", f"{agent.config.name or agent.id} is on a call at {agent.extension}.", "extension"
            )
        return wanted

    # --- status -------------------------------------------------------------------------------------------------------
    def log_in(self, agent: Agent, status: str, reason: str, extension: str, by: str, now: Instant) -> None:
        """Makes the agent available or on break at a phone where nobody else is logged in; no offer may be open."""
        self._set_status(agent, status, reason, extension, by)
        self._enter(agent, extension, "login", now)

    def restore(self, agent: Agent, status: str, reason: str, extension: str, now: Instant) -> None:
        """Puts the agent back where the ledger last saw the agent; only the state is news."""
        before, agent.status, agent.reason = agent.status, STATUS.after(agent.status, status), reason
        self._count(agent, before)
        self._enter(agent, extension, "restart", now)

    def _enter(self, agent: Agent, extension: str, event: str, now: Instant) -> None:
        if agent.phone is None or agent.phone.extension != extension:
            self._detach(agent)
            self._attach(agent, extension)
        self._to_end_of_line(agent)
        if agent.state == LOGGED_OUT:
            self._fair_start(agent)
        self._move(agent, event, now)
        self.follow(agent, now)

    def choose(self, agent: Agent, status: str, reason: str, by: str, now: Instant) -> None:
        """Changes between available and break, or the reason of the break, where the agent is logged in."""
        if self._set_status(agent, status, reason, agent.extension, by) != status:
            self._to_end_of_line(agent)
        self.refresh(agent)

    def log_out(self, agent: Agent, reason: str, by: str, now: Instant) -> None:
        """Logs the agent out; a call goes on and the state follows when it is over. No offer may be open."""
        if not agent.logged_in:
            return
        self._set_status(agent, LOGGED_OUT, reason, agent.extension, by)
        self._end_pause(agent)
        self.refresh(agent)
        self._timers.cancel(agent.wrap_up_timer)
        self._move(agent, "logout", now)
        if agent.state == LOGGED_OUT:
            self._gone(agent)

    def _set_status(self, agent: Agent, status: str, reason: str, extension: str, by: str) -> str:
        before, agent.status = agent.status, STATUS.after(agent.status, status)
        agent.reason = reason
        self._count(agent, before)
        self._out.append(AgentStatusChanged(agent=agent.id, status=status, reason=reason, by=by, extension=extension))
        return before

    def _count(self, agent: Agent, before: str) -> None:
        change = (agent.status != LOGGED_OUT) - (before != LOGGED_OUT)
        if not change:
            return
        for queue in agent.queues:
            queue.logged_in += change
            if change < 0:
                self.dirty[queue] = None

    def _fair_start(self, agent: Agent) -> None:
        others = [other for other in self.agents.values() if other.logged_in and other is not agent]
        agent.calls = min((other.calls for other in others), default=0)
        agent.talk_seconds = min((other.talk_seconds for other in others), default=0.0)
        agent.misses = 0

    def _attach(self, agent: Agent, extension: str) -> None:
        agent.phone, agent.extension = self.phone(extension), extension
        agent.phone.agents.append(agent)

    def _detach(self, agent: Agent) -> None:
        if agent.phone is not None:
            agent.phone.agents.remove(agent)
        agent.phone, agent.extension = None, ""

    def _gone(self, agent: Agent) -> None:
        agent.call = agent.queue = ""
        self._detach(agent)
        if agent.removed:
            self.agents.pop(agent.id, None)

    # --- readiness ----------------------------------------------------------------------------------------------------
    def refresh(self, agent: Agent) -> None:
        """Works out anew whether the agent may be offered a caller; a queue hears of an agent who becomes ready."""
        phone = agent.phone
        ready = (
            agent.status == AVAILABLE
            and agent.state == IDLE
            and not agent.pause
            and phone is not None
            and phone.registered
            and phone.activity == "idle"
        )
        if ready == agent.ready:
            return
        agent.ready = ready
        for queue in agent.queues:
            if ready:
                queue.idle[agent] = None
                self.dirty[queue] = None
            else:
                queue.idle.pop(agent, None)

    def _to_end_of_line(self, agent: Agent) -> None:
        self._line += 1
        agent.line = self._line

    def _pause(self, agent: Agent, why: str, now: Instant) -> None:
        self._timers.cancel(agent.pause_timer)
        agent.pause = why
        agent.pause_timer = self._timers.start(now.mono + PAUSES[why], self._pause_over, agent)

    def _pause_over(self, agent: Agent, now: Instant) -> None:
        self._end_pause(agent)
        self.refresh(agent)

    def _end_pause(self, agent: Agent) -> None:
        self._timers.cancel(agent.pause_timer)
        agent.pause, agent.pause_timer = "", None

    # --- state --------------------------------------------------------------------------------------------------------
    def _move(self, agent: Agent, event: str, now: Instant, by: str = "") -> None:
        previous = agent.state
        state = STATE.after(previous, event)
        if state == previous:
            return
        agent.state, agent.since = state, now
        self._out.append(
            AgentStateChanged(
                agent=agent.config.id,
                state=state,
                previous=previous,
                cause=CAUSES.get(event, event),
                call=agent.call,
                queue=agent.queue,
                by=by,
            )
        )

    def offered(self, offer: OpenOffer, now: Instant) -> None:
        """The agent's phone is about to ring for a caller."""
        agent, entry = offer.agent, offer.entry
        agent.offer, agent.call, agent.queue = offer, entry.call, entry.queue.id
        self._move(agent, "offer", now)
        self.refresh(agent)

    def answered(self, agent: Agent, wrap_up_seconds: float, now: Instant) -> None:
        """The agent answered the offered caller."""
        agent.offer, agent.wrap_up_seconds = None, wrap_up_seconds
        agent.calls += 1
        agent.misses = 0
        agent.talking_since = now.mono
        self._move(agent, "answer", now)

    def take_over(
        self,
        agent: Agent,
        extension: str,
        call: str,
        queue: str,
        wrap_up_seconds: float,
        talking_since: float,
        since: Instant,
        now: Instant,
    ) -> None:
        """The agent serves this call of a queue since before a restart."""
        if agent.phone is None:
            self._attach(agent, extension)
        agent.call, agent.queue = call, queue
        agent.wrap_up_seconds, agent.talking_since = wrap_up_seconds, talking_since
        self._move(agent, "taken-over", now)
        agent.since = since
        self.refresh(agent)

    def offer_over(self, agent: Agent, outcome: str, now: Instant) -> None:
        """The offer ended without an answer; unless we withdrew it the agent goes to the end of the line."""
        agent.offer = None
        self._move(agent, outcome, now)
        agent.call = agent.queue = ""
        if outcome != "withdrawn":
            self._to_end_of_line(agent)
            agent.misses += 1
        self._pause(agent, outcome, now)
        self.follow(agent, now)
        self.refresh(agent)

    def call_over(self, agent: Agent, now: Instant) -> None:
        """The agent's leg of the queue's call is over: wrap-up, then idle; after a log-out meanwhile neither."""
        agent.talk_seconds += now.mono - agent.talking_since
        if not agent.logged_in:
            self._move(agent, "over-after-logout", now)
            self._gone(agent)
        elif agent.wrap_up_seconds > 0:
            self._move(agent, "hangup", now)
            agent.wrap_up_timer = self._timers.start(now.mono + agent.wrap_up_seconds, self._wrap_up_over, agent)
        else:
            self._free(agent, "hangup-without-wrap-up", now)

    def _wrap_up_over(self, agent: Agent, now: Instant) -> None:
        self._free(agent, "wrap-up-over", now)
        self.follow(agent, now)

    def wrap_up_done(self, agent: Agent, by: str, now: Instant) -> bool:
        """Ends the wrap-up early, as `by` asked; False when the agent is in none."""
        if agent.state != WRAP_UP:
            return False
        self._timers.cancel(agent.wrap_up_timer)
        self._free(agent, "wrap-up-done", now, by)
        self.follow(agent, now)
        return True

    def _free(self, agent: Agent, event: str, now: Instant, by: str = "") -> None:
        self._move(agent, event, now, by)
        agent.call = agent.queue = ""
        self._to_end_of_line(agent)
        self.refresh(agent)

    # --- phones -------------------------------------------------------------------------------------------------------
    def follow(self, agent: Agent, now: Instant) -> None:
        """Brings the state in line with what the agent's phone does."""
        activity = agent.phone.activity if agent.phone is not None else "idle"
        if agent.state == IDLE and activity in ("talking", "hold"):
            self._move(agent, "own-call", now)
        if agent.state in (TALKING, HOLD):
            if not agent.call and activity in ("idle", "busy"):
                self._own_call_over(agent, now)
            elif activity == "hold" and agent.state == TALKING:
                self._move(agent, "hold", now)
            elif activity == "talking" and agent.state == HOLD:
                self._move(agent, "resume", now)
        self.refresh(agent)

    def _own_call_over(self, agent: Agent, now: Instant) -> None:
        if agent.logged_in:
            self._free(agent, "own-call-over", now)
        else:
            self._move(agent, "over-after-logout", now)
            self._gone(agent)

    def activity(self, phone: Phone, activity: str, now: Instant) -> None:
        """The phone does something else now. Offers must have been ended before when it is not idle."""
        phone.activity = activity
        for agent in tuple(phone.agents):
            if activity == "idle" and agent.pause == "withdrawn":
                self._end_pause(agent)
            self.follow(agent, now)

    def registered(self, phone: Phone, registered: bool, now: Instant) -> None:
        """The phone can be reached, or no longer."""
        phone.registered = registered
        for agent in phone.agents:
            if registered and agent.pause == "unreachable":
                self._end_pause(agent)
            self.refresh(agent)

    # --- configuration ------------------------------------------------------------------------------------------------
    def configure(self, site: model.Site, now: Instant) -> list[Agent]:
        """Takes over the site's agents and extensions; returns who has to be logged out (agent or phone removed)."""
        self._extensions = frozenset(extension.number for extension in site.extensions)
        old, self.agents = self.agents, {}
        for order, config in enumerate(site.agents):
            agent = old.pop(config.id, None)
            if agent is None:
                agent = Agent(config, order, now)
            agent.config, agent.order, agent.removed = config, order, False
            self.agents[config.id] = agent
        leaving: list[Agent] = []
        for agent in old.values():
            if agent.state != LOGGED_OUT:
                agent.removed = True
                self.agents[agent.id] = agent
                leaving.append(agent)
        leaving += [
            a for a in self.agents.values() if not a.removed and a.extension and a.extension not in self._extensions
        ]
        for extension, phone in tuple(self.phones.items()):
            if extension not in self._extensions and not phone.agents and phone.activity == "idle":
                del self.phones[extension]
        return [agent for agent in leaving if agent.logged_in]

    def assign(self, queues: Iterable[Queue]) -> None:
        """Works out anew who serves which queue; a closed queue keeps those of its members who are still here."""
        wanted = {agent: frozenset(agent.config.queues) for agent in self.agents.values() if not agent.removed}
        serving: dict[Agent, list[Queue]] = {agent: [] for agent in wanted}
        for queue in queues:
            if queue.closed:
                queue.members = tuple(agent for agent in queue.members if agent in wanted)
            else:
                queue.members = tuple(agent for agent, ids in wanted.items() if queue.id in ids)
            for agent in queue.members:
                serving[agent].append(queue)
            queue.logged_in = sum(agent.logged_in for agent in queue.members)
            queue.idle = {agent: None for agent in queue.members if agent.ready}
            self.dirty[queue] = None
        for agent, served in serving.items():
            agent.queues = tuple(served)
        for agent in self.agents.values():
            if agent.removed:
                agent.queues = ()
