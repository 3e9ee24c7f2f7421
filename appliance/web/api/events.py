"""The WebSocket of live events."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from appliance.web.route import EVERYONE, Route, Visit


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None
    """`seq` of a list, or of the last event seen; what was committed since comes first."""


async def follow(visit: Visit) -> web.WebSocketResponse:
    query: EventsQuery = visit.query
    still = visit.server.door.watch(visit.request, visit.who)
    return await visit.server.hub.follow(visit.request, visit.who, still, query.after)


ROUTES = (
    Route(
        "GET",
        "/events",
        EVERYONE,
        follow,
        "Live events (WebSocket), one JSON object a message: LiveEvent",
        status=101,
        query=EventsQuery,
        errors=(400, 429),
        socket=True,
    ),
)
