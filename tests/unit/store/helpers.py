"""Things the store's tests share."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.clock import Instant
from appliance.events import CallEnded, CallStarted, Event, LegBridged, LegEnded, LegStarted, Stamped

WALL = 1_795_255_200.0
"""2026-11-21 10:00:00 UTC"""


def at(seconds: float, *events: Event, wall: float = WALL) -> list[Stamped]:
    """Events `seconds` after the start of the day's work."""
    return [Stamped(Instant(1000.0 + seconds, wall + seconds), event) for event in events]


def started(call: str, **fields: str) -> CallStarted:
    """A call from outside, unless said otherwise."""
    usual = {
        "journey": f"j-{call}",
        "kind": "inbound",
        "caller": "0901112222",
        "called": "0312345678",
        "trunk": "carrier",
    }
    return CallStarted(call=call, **(usual | fields))


def conversation(call: str, begin: float, talk: float, **fields: str) -> list[Stamped]:
    """A whole call: rings 2 s, talks, ends."""
    a, b = f"{call}-a", f"{call}-b"
    return [
        *at(begin, started(call, **fields), LegStarted(leg=a, call=call, direction="in")),
        *at(begin + 2, LegBridged(call=call, legs=(a, b))),
        *at(
            begin + 2 + talk,
            LegEnded(leg=a, call=call, cause=16, reason="normal"),
            LegEnded(leg=b, call=call, cause=16, reason="normal"),
            CallEnded(call=call, cause=16, reason="answered"),
        ),
    ]


def calls_of(stamped: Iterable[Stamped]) -> list[str]:
    """The call of each event."""
    return [getattr(one.event, "call", "") for one in stamped]
