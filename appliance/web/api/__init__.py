"""The API's route table: one file a resource, each with its `ROUTES`; `ROUTES` here is all of them.

Handlers get a `Visit` and return an object of the declared type, or raise. May import what `appliance.web` may.
"""

from appliance.web.api import (
    agents,
    calls,
    config,
    events,
    https,
    later,
    lines,
    panel,
    phone,
    queues,
    recordings,
    records,
    session,
    sound,
    system,
)
from appliance.web.route import Route

ROUTES: tuple[Route, ...] = (
    *session.ROUTES,
    *calls.ROUTES,
    *records.ROUTES,
    *recordings.ROUTES,
    *agents.ROUTES,
    *queues.ROUTES,
    *lines.ROUTES,
    *panel.ROUTES,
    *sound.ROUTES,
    *phone.ROUTES,
    *system.ROUTES,
    *config.ROUTES,
    *https.ROUTES,
    *events.ROUTES,
    *later.ROUTES,
)

__all__ = ["ROUTES"]
