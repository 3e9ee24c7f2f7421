"""Takes a request through its route: who asks, may he, is it our page, query, body, handler, answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from appliance.errors import UNREADABLE
from appliance.web.auth import check_origin, unauthenticated
from appliance.web.problem import Problem
from appliance.web.route import ANYBODY, JSON, Principal, Route, Visit
from appliance.web.server import Server

BODY_SECONDS = 15.0
"""How long a body may take to arrive."""

_encode = msgspec.json.Encoder().encode
_PATH = re.compile(r"^(.*?)(?: - at `(?:key in )?\$\.?(.*?)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?:unknown|required) field `([^`]*)`")


def endpoint(route: Route, server: Server) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route."""
    decoder = msgspec.json.Decoder(route.body) if route.body is not None else None

    async def handle(request: web.Request) -> web.StreamResponse:
        who = _admit(route, server, request)
        query = _query(route, request) if route.built else None
        body = None
        if decoder is not None:
            body = _decode(decoder, await _read(request, route.limit))
        elif request.body_exists:
            await _read(request, route.limit)
        result = await route.handler(Visit(request, server, who, query, body))
        if isinstance(result, web.StreamResponse):
            return result
        if result is None:
            return web.Response(status=204)
        response = web.Response(body=_encode(result), status=route.status, content_type=JSON)
        response.headers["Cache-Control"] = "no-store"
        return response

    return handle


def _admit(route: Route, server: Server, request: web.Request) -> Principal:
    if (route.socket or request.method not in ("GET", "HEAD")) and "Authorization" not in request.headers:
        check_origin(request)
    if route.roles is None:
        return ANYBODY
    who = server.door.identify(request)
    if who is None:
        raise unauthenticated()
    if who.role not in route.roles:
        raise Problem(403, "forbidden", f"The role {who.role} may not do this.")
    return who


def _query(route: Route, request: web.Request) -> Any:
    pairs = request.query
    if route.query is None:
        if pairs:
            raise Problem(422, "invalid", "This address takes no parameters.", next(iter(pairs)))
        return None
    for name in pairs:
        if len(pairs.getall(name)) > 1:
            raise Problem(422, "invalid", "This parameter is given more than once.", name)
    try:
        return msgspec.convert(dict(pairs), route.query, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


async def _read(request: web.Request, limit: int) -> bytes:
    """The whole body. Problem 413 when it is larger than `limit`, 408 when it does not arrive."""
    length = request.content_length
    if length is not None and length > limit:
        raise _too_large(limit)
    parts = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.content.iter_any():
                parts += part
                if len(parts) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise Problem(408, "timeout", "The body did not arrive in time.", hang_up=True) from None
    except (web.RequestPayloadError, ValueError):
        raise Problem(400, "bad_request", "The body cannot be read.", hang_up=True) from None
    if parts and request.content_type != JSON:
        raise Problem(415, "unsupported_media_type", f"The body must be {JSON}.")
    return bytes(parts)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"The body may have {limit} bytes.", hang_up=True)


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except UNREADABLE:
        raise Problem(400, "bad_json", "The body is not JSON.") from None


def _invalid(error: msgspec.ValidationError) -> Problem:
    """What msgspec found, with the key that it names."""
    match = _PATH.match(str(error))
    message, field = (match[1], match[2] or "") if match else (str(error), "")
    named = _NAMED.search(message)
    if named:
        field = f"{field}.{named[1]}" if field else named[1]
    return Problem(422, "invalid", f"{message[:300]}.", field[:200])
