"""Recordings: one file a call on its anchor leg; left that party, right what it hears from our side."""

from __future__ import annotations

from appliance.events.base import Event


class RecordingStarted(Event, frozen=True):
    recording: str
    call: str
    leg: str
    path: str
    """Relative to the data folder's `recordings/`."""
    rate: int = 8000
    """Samples a second of the file."""


class RecordingSegment(Event, frozen=True):
    """From `offset` seconds of media time on, the right channel carries this leg (and agent)."""

    recording: str
    offset: float
    leg: str
    agent: str = ""


class RecordingPaused(Event, frozen=True):
    """At `offset` seconds of media time somebody had the recording paused or stopped; the call goes on."""

    recording: str
    call: str
    offset: float
    how: str
    """silence: the file goes on with silence; cut: it stands still until it is resumed; stop: until it is started"""
    by: str
    """web:NAME, api:NAME or phone:EXTENSION"""


class RecordingResumed(Event, frozen=True):
    """What is said from now on is recorded again, at `offset` seconds of media time."""

    recording: str
    call: str
    offset: float
    by: str


class RecordingStopped(Event, frozen=True):
    recording: str
    call: str
    seconds: float
    reason: str
    """ended, disk-full, media-restart, box-restart, failed"""
    error: str = ""


class RecordingConverted(Event, frozen=True):
    """Some time after the call its WAV file became an Opus file with the same sound."""

    recording: str
    call: str
    path: str
    """Relative to the data folder's `recordings/`."""
    bytes: int
    before: int
    """Bytes of the WAV file."""


class RecordingDeleted(Event, frozen=True):
    """Its time was over (`keep_recordings_days`): the file is gone."""

    recording: str
    call: str
    days: int
