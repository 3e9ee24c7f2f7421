"""Recordings: one file a call on its anchor leg; left that party, right what it hears from our side."""

from __future__ import annotations

from appliance.events.base import Event


class RecordingStarted(Event, frozen=True):
    recording: str
    call: str
    leg: str
    path: str
    """Relative to the data folder's `recordings/`."""


class RecordingSegment(Event, frozen=True):
    """From `offset` seconds of media time on, the right channel carries this leg (and agent)."""

    recording: str
    offset: float
    leg: str
    agent: str = ""


class RecordingStopped(Event, frozen=True):
    recording: str
    call: str
    seconds: float
    reason: str
    """ended, paused, disk-full, media-restart, box-restart, failed"""
    error: str = ""
