"""The machine, its configuration and its log-ins."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from appliance.events.base import Event, Words


class BoxStarted(Event, frozen=True):
    version: str
    clean: bool
    """False when the run before this one ended without saying so (crash, power cut)."""


class BoxStopped(Event, frozen=True):
    reason: str


class ClockStepped(Event, frozen=True):
    """The wall clock moved against the monotonic one by `seconds` (forwards positive)."""

    seconds: float


class ConfigChanged(Event, frozen=True):
    version: int
    by: str
    changes: tuple[str, ...]


class FaultRaised(Event, frozen=True):
    """Something is wrong that a person should know, in plain words with the remedy."""

    SCHEMA: ClassVar[int] = 2
    fault: str
    """Stable id: disk-full, media-down, trunk:carrier, store-damaged, clock, …"""
    text: Words
    remedy: Words = msgspec.field(default_factory=dict)


class FaultCleared(Event, frozen=True):
    fault: str


class MediaRestarted(Event, frozen=True):
    reason: str


class LogIn(Event, frozen=True):
    user: str
    ok: bool
    address: str
    reason: str = ""
