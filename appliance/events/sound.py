"""The loudspeaker: who pages, which call is heard on it, when it rings for a waiting caller."""

from __future__ import annotations

from appliance.events.base import Event


class PageStarted(Event, frozen=True):
    """A phone speaks through the loudspeaker from now on."""

    call: str
    extension: str


class PageEnded(Event, frozen=True):
    call: str
    extension: str
    reason: str
    """hung-up (also: the time limit ended the call), no-loudspeaker"""


class ListeningStarted(Event, frozen=True):
    """Both parties of a call are heard on the loudspeaker: part of the audit trail."""

    call: str
    by: str
    """`web:<user>`, `api:<token>` or `phone:<extension>`"""


class ListeningStopped(Event, frozen=True):
    call: str
    by: str
    """As above; "box": the call ended, another one was chosen or the loudspeaker is gone."""
    reason: str
    """stopped, call-ended, replaced, no-loudspeaker"""


class LoudspeakerRang(Event, frozen=True):
    """It rings because this caller waits too long."""

    call: str
    queue: str
    waited: float


class LoudspeakerQuiet(Event, frozen=True):
    """Nobody waits that long any more, or it is time for quiet."""
