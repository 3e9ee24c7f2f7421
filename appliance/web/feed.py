"""Live events as messages: how an entry is written, and who may see which.

Pure: no sockets, no clock. `Involved` answers for an agent which calls are his.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from appliance import events
from appliance.clock import rfc3339
from appliance.events import Entry, Event, codec
from appliance.exchange.view import AgentView, CallView, LampView

MAX_CALLS = 5000
"""Calls whose agents are remembered."""

_encode = msgspec.json.Encoder().encode

KINDS: Mapping[type[Event], str] = codec.WORDS
"""Event class to its name on the wire: `CallStarted` is `call-started`."""

NOT_FOR_SUPERVISOR = frozenset({events.LogIn, events.ConfigChanged, codec.UnknownEvent})
"""Users and configuration are the administrator's; so is what a newer version wrote and this one cannot judge."""
FOR_WALLBOARD = frozenset(
    {
        events.AgentStateChanged,
        events.AgentStatusChanged,
        events.QueueEntered,
        events.QueueLeft,
        events.QueueOffered,
        events.QueueOfferEnded,
    }
)
"""Live figures, without anybody's number."""
_HIDDEN: Mapping[type[Event], frozenset[str]] = {events.DecisionFailed: frozenset({"trace"})}
"""Fields that stay in the box."""


def hidden(kind: type[Event]) -> frozenset[str]:
    """The fields of this event that are not sent."""
    return _HIDDEN.get(kind, frozenset())


def message(entry: Entry) -> bytes:
    """The entry as its JSON message."""
    return _encode(shown(entry))


def shown(entry: Entry) -> dict[str, Any]:
    """The entry as the API shows it: `type`, `at`, `seq` and every field of the event."""
    left_out = hidden(type(entry.event))
    return {name: value for name, value in codec.document(entry).items() if name not in left_out}


def panel_message(lamps: Sequence[LampView], at: float, seq: int) -> bytes:
    """The front panel as a message. It is no ledger entry; `seq` is that of the last one."""
    return _encode({"type": "panel", "at": rfc3339(at), "seq": seq, "items": lamps})


def resync_message(at: float, seq: int) -> bytes:
    """What is asked for is no longer kept: fetch the lists again; events follow from `seq` on."""
    return _encode({"type": "resync", "at": rfc3339(at), "seq": seq})


class Involved:
    """Which agents have to do with which call, from the live views and then from event to event."""

    def __init__(self, agents: Sequence[AgentView]) -> None:
        self._calls: dict[str, set[str]] = {}
        self._at: dict[str, str] = {}
        self.moved(agents)

    def moved(self, agents: Sequence[AgentView]) -> None:
        """Agents sit at these extensions now."""
        self._at = {view.extension: view.id for view in agents if view.extension and view.status != "logged-out"}

    def seed(self, calls: Iterable[CallView]) -> None:
        """Starts from the calls as they are now."""
        for call in calls:
            agents = {call.agent, *(leg.agent for leg in call.legs)}
            agents.update(self._at.get(leg.extension, "") for leg in call.legs)
            self.join(call.id, *agents)

    def join(self, call: str, *agents: str) -> None:
        """These agents have to do with the call; "" is nobody."""
        found = {agent for agent in agents if agent}
        if call and found and (call in self._calls or len(self._calls) < MAX_CALLS):
            self._calls.setdefault(call, set()).update(found)

    def learn(self, event: Event) -> None:
        """Takes over what the event says of a call and an agent."""
        call = getattr(event, "call", "")
        if not call:
            return
        agent = getattr(event, "agent", "")
        extension = getattr(event, "extension", "")
        self.join(call, agent, self._at.get(extension, "") if extension else "")
        if isinstance(event, events.LegMoved):
            self.join(event.to_call, *self._calls.get(call, ()))

    def forget(self, event: Event) -> None:
        """After its last event a call is nobody's."""
        if isinstance(event, events.CallEnded):
            self._calls.pop(event.call, None)

    def knows(self, call: str) -> bool:
        """Whether some agent is known to have to do with the call."""
        return call in self._calls

    def concerns(self, agent: str, event: Event) -> bool:
        """Whether the event is about this agent or a call of his."""
        if not agent:
            return False
        if getattr(event, "agent", "") == agent:
            return True
        call = getattr(event, "call", "")
        return agent in self._calls.get(call, ()) and not isinstance(event, events.AgentStateChanged)


def may_see(role: str, agent: str, event: Event, involved: Involved | None) -> bool:
    """Whether this role gets the event."""
    kind = type(event)
    if role == "admin":
        return True
    if role == "supervisor":
        return kind not in NOT_FOR_SUPERVISOR
    if role == "wallboard":
        return kind in FOR_WALLBOARD
    return role == "agent" and involved is not None and involved.concerns(agent, event)
