"""Phones and trunks: who can be reached."""

from __future__ import annotations

from appliance.events.base import Event


class PhoneRegistered(Event):
    """The extension has a contact it did not have before (a refresh is no event)."""

    extension: str
    contact: str
    address: str
    user_agent: str = ""


class PhoneUnregistered(Event):
    extension: str
    contact: str
    reason: str
    """removed, expired, replaced, unreachable"""
    remaining: int = 0
    """Contacts the extension still has."""


class TrunkUp(Event):
    trunk: str


class TrunkDown(Event):
    trunk: str
    reason: str
