"""Menus (IVR)."""

from __future__ import annotations

from appliance.events.base import Event


class MenuEntered(Event, frozen=True):
    call: str
    menu: str


class MenuKey(Event, frozen=True):
    call: str
    menu: str
    key: str


class MenuLeft(Event, frozen=True):
    call: str
    menu: str
    outcome: str
    """key, default (no valid key in all tries), hangup"""
    destination: str = ""
