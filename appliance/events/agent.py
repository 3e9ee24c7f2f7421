"""Agents: status is what the person chose, state is what the system sees."""

from __future__ import annotations

from appliance.events.base import Event


class AgentStatusChanged(Event, frozen=True):
    agent: str
    status: str
    """logged-out, available or break"""
    reason: str = ""
    """Name of the break."""
    by: str = "phone"
    """phone, web:<user>, api:<token>, system"""
    extension: str = ""


class AgentStateChanged(Event, frozen=True):
    agent: str
    state: str
    """logged-out, idle, offered, talking, hold or wrap-up"""
    previous: str
    cause: str
    """What made it change: login, offer, answer, no-answer, rejected, hangup, wrap-up-over, own-call, …"""
    call: str = ""
    queue: str = ""
    by: str = ""
    """Who ended a wrap-up: phone, web:<user>, api:<token>; empty where nobody chose the state."""
