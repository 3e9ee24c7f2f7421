"""Reads every event as it is told and knows which stories are open: what begins must end, once, and in order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from appliance import events as ev
from appliance.events import Entry, Event, Stamped
from appliance.store.projection import Projection


class Story:
    """All events of a run. `problem` is told of what must not be."""

    def __init__(self, problem: Callable[[str], None]) -> None:
        self.problem = problem
        self.events: list[Stamped] = []
        self.keep = True
        self.calls: dict[str, ev.CallStarted] = {}
        """Open calls."""
        self.legs: dict[str, str] = {}
        """Open leg -> call."""
        self.endings: dict[str, ev.CallEnded] = {}
        self.ended_legs: set[str] = set()
        self.answered: set[str] = set()
        self.waiting: dict[str, str] = {}
        """Call -> queue."""
        self.offers: dict[str, str] = {}
        """Agent -> call that is offered."""
        self.recordings: dict[str, str] = {}
        """Open recording -> call."""
        self.pauses: set[str] = set()
        self.menus: dict[str, str] = {}
        """Call -> menu."""
        self.states: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.projection = Projection()
        self._digest = hashlib.sha256()
        self._seq = 0
        self._readers: dict[type[Event], Callable[[Any], None]] = {
            ev.CallStarted: self._call_started,
            ev.CallEnded: self._call_ended,
            ev.LegStarted: self._leg_started,
            ev.LegEnded: self._leg_ended,
            ev.LegAnswered: self._leg_answered,
            ev.LegBridged: self._bridged,
            ev.QueueEntered: self._queue_entered,
            ev.QueueLeft: self._queue_left,
            ev.QueueOffered: self._offered,
            ev.QueueOfferEnded: self._offer_ended,
            ev.RecordingStarted: self._recording_started,
            ev.RecordingStopped: self._recording_stopped,
            ev.RecordingSegment: self._segment,
            ev.RecordingPaused: self._paused,
            ev.RecordingResumed: self._paused,
            ev.MenuEntered: self._menu_entered,
            ev.MenuLeft: self._menu_left,
            ev.AgentStateChanged: self._agent_state,
            ev.DecisionFailed: self._failed,
        }

    def take(self, stamped: Stamped) -> None:
        """One event."""
        event = stamped.event
        if self.keep:
            self.events.append(stamped)
        self._seq += 1
        name = type(event).__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        self._digest.update(f"{stamped.at.mono:.6f} {event!r}\n".encode())
        reader = self._readers.get(type(event))
        if reader is not None:
            reader(event)
        self.projection.apply(Entry(self._seq, stamped.at.wall, stamped.at.mono, "sim", event))

    def restarted(self, taken: frozenset[str]) -> None:
        """The box died and is back with these calls: of all others nothing more is told but their ends."""
        self.legs = {leg: call for leg, call in self.legs.items() if call in taken}
        self.menus.clear()
        self.offers.clear()
        self.states.clear()

    def fingerprint(self) -> str:
        """The same for the same course of events."""
        return self._digest.hexdigest()[:16]

    def _expect(self, true: bool, text: str) -> None:
        if not true:
            self.problem(text)

    def _call_started(self, event: ev.CallStarted) -> None:
        self._expect(event.call not in self.calls and event.call not in self.endings, f"{event.call} starts twice")
        self.calls[event.call] = event

    def _call_ended(self, event: ev.CallEnded) -> None:
        call = event.call
        self._expect(self.calls.pop(call, None) is not None, f"{call} ends without being open")
        self.endings[call] = event
        left = [leg for leg, of in self.legs.items() if of == call]
        self._expect(not left, f"{call} ended before its legs {left}")
        self._expect(call not in self.waiting, f"{call} ended before it left queue {self.waiting.get(call)}")
        self._expect(call not in self.menus, f"{call} ended before it left menu {self.menus.get(call)}")
        self._expect(call not in self.offers.values(), f"{call} ended before its offer")
        self._expect(1 <= event.cause <= 127 and bool(event.reason), f"{call} ended without a cause: {event}")

    def _leg_started(self, event: ev.LegStarted) -> None:
        self._expect(event.leg not in self.legs and event.leg not in self.ended_legs, f"{event.leg} starts twice")
        self._expect(event.call in self.calls, f"{event.leg} starts outside its call")
        self.legs[event.leg] = event.call

    def _leg_ended(self, event: ev.LegEnded) -> None:
        self._expect(self.legs.pop(event.leg, None) is not None, f"{event.leg} ends without being open")
        self.ended_legs.add(event.leg)

    def _leg_answered(self, event: ev.LegAnswered) -> None:
        self._expect(event.leg in self.legs, f"{event.leg} answers after its end")
        self._expect(event.leg not in self.answered, f"{event.leg} answers twice")
        self.answered.add(event.leg)

    def _bridged(self, event: ev.LegBridged) -> None:
        for leg in event.legs:
            self._expect(leg in self.legs, f"{leg} is bridged after its end")
            self._expect(leg in self.answered, f"{leg} is bridged unanswered")
        self._expect(event.call not in self.waiting, f"{event.call} talks and waits")

    def _queue_entered(self, event: ev.QueueEntered) -> None:
        self._expect(event.call in self.calls, f"{event.call} waits without being open")
        self._expect(event.call not in self.waiting, f"{event.call} waits twice")
        self.waiting[event.call] = event.queue

    def _queue_left(self, event: ev.QueueLeft) -> None:
        self._expect(self.waiting.pop(event.call, None) == event.queue, f"{event.call} leaves a queue it is not in")

    def _offered(self, event: ev.QueueOffered) -> None:
        other = self.offers.get(event.agent)
        self._expect(other is None, f"{event.agent} is offered {event.call} while offered {other}")
        self._expect(event.call in self.waiting, f"{event.agent} is offered {event.call}, which does not wait")
        self._expect(
            self.states.get(event.agent) == "idle", f"{event.agent} is offered while {self.states.get(event.agent)}"
        )
        self.offers[event.agent] = event.call

    def _offer_ended(self, event: ev.QueueOfferEnded) -> None:
        self._expect(self.offers.pop(event.agent, None) == event.call, f"{event.agent}: offer of {event.call} not open")

    def _recording_started(self, event: ev.RecordingStarted) -> None:
        self._expect(event.recording not in self.recordings, f"recording {event.recording} starts twice")
        self._expect(event.call in self.calls, f"recording {event.recording} without its call")
        self.recordings[event.recording] = event.call

    def _recording_stopped(self, event: ev.RecordingStopped) -> None:
        self._expect(
            self.recordings.pop(event.recording, None) == event.call, f"recording {event.recording} was not open"
        )
        self._expect(event.seconds >= 0, f"recording {event.recording} of {event.seconds} s")

    def _paused(self, event: ev.RecordingPaused | ev.RecordingResumed) -> None:
        """The file stands still or goes on; said of a recording that is there, and of a change only."""
        self._expect(event.recording in self.recordings, f"pause of {event.recording}, which is not open")
        paused = isinstance(event, ev.RecordingPaused)
        self._expect(paused or event.recording in self.pauses, f"{event.recording} is resumed twice")
        (self.pauses.add if paused else self.pauses.discard)(event.recording)

    def _segment(self, event: ev.RecordingSegment) -> None:
        self._expect(event.recording in self.recordings, f"segment of {event.recording}, which is not open")

    def _menu_entered(self, event: ev.MenuEntered) -> None:
        self._expect(event.call not in self.menus, f"{event.call} is in two menus")
        self.menus[event.call] = event.menu

    def _menu_left(self, event: ev.MenuLeft) -> None:
        self._expect(self.menus.pop(event.call, None) == event.menu, f"{event.call} leaves a menu it is not in")

    def _agent_state(self, event: ev.AgentStateChanged) -> None:
        before = self.states.get(event.agent, "logged-out")
        self._expect(before == event.previous, f"{event.agent} was {before}, not {event.previous}")
        self.states[event.agent] = event.state

    def _failed(self, event: ev.DecisionFailed) -> None:
        self.problem(f"decision failed for {event.call}: {event.error}\n{event.trace}")
