"""The telephone in the browser: whose it is, and the WebSocket by which the page uses it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from appliance.web.context import BrowserPhone
from appliance.web.phone import follow
from appliance.web.problem import Problem
from appliance.web.route import EVERYONE, Route, Visit


class LineQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    resume: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """`token` of the connection before, whose calls go on."""


def _phone(visit: Visit) -> BrowserPhone:
    phones = visit.context.browser_phones
    # A program's token is nobody's ear.
    return phones.of("" if visit.who.bearer else visit.who.name) if phones is not None else BrowserPhone()


async def show(visit: Visit) -> BrowserPhone:
    return _phone(visit)


async def line(visit: Visit) -> web.WebSocketResponse:
    query: LineQuery = visit.query
    phone = _phone(visit)
    if not phone.extension:
        raise Problem(409, "no_extension", phone.why.get("en", "This box has no telephones in browsers."))
    if not phone.available:
        raise Problem(409, "unavailable", phone.why.get("en", ""))
    return await follow(visit, phone, query.resume)


ROUTES = (
    Route("GET", "/phone", EVERYONE, show, "The telephone that whoever asks may have in the browser", BrowserPhone),
    Route(
        "GET",
        "/phone/line",
        EVERYONE,
        line,
        "That telephone (WebSocket); messages in docs/web-phone.md",
        status=101,
        query=LineQuery,
        errors=(400, 409, 429),
        socket=True,
    ),
)
