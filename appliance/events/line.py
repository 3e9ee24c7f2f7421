"""Phones and trunks: who can be reached."""

from __future__ import annotations

from typing import ClassVar

from appliance.events.base import Event, Words


class PhoneRegistered(Event, frozen=True):
    """The extension has a contact it did not have before (a refresh is no event)."""

    extension: str
    contact: str
    address: str
    user_agent: str = ""


class PhoneUnregistered(Event, frozen=True):
    extension: str
    contact: str
    reason: str
    """removed, expired, replaced, unreachable"""
    remaining: int = 0
    """Contacts the extension still has."""


class TrunkUp(Event, frozen=True):
    trunk: str


class TrunkDown(Event, frozen=True):
    SCHEMA: ClassVar[int] = 2
    trunk: str
    reason: Words
