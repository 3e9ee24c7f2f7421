"""The OpenAPI 3.1 document, made from the route table and the types that serve it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from appliance import __version__
from appliance.web import feed
from appliance.web.auth import COOKIE
from appliance.web.problem import ErrorView
from appliance.web.route import EVERYONE, JSON, Route

_REF = "#/components/schemas/{name}"
_VARIABLE = re.compile(r"\{(\w+)\}")
_MEANINGS = {
    400: "The request cannot be read",
    401: "Not logged in, or the log-in is wrong",
    403: "Not for this role, or asked by a page of another site",
    404: "There is no such thing",
    408: "The body did not arrive in time",
    409: "Not possible in the present state",
    413: "The body is too large",
    415: "The body is not JSON",
    416: "No such range",
    422: "A value cannot be used; `field` names it",
    429: "Too many; try again after Retry-After seconds",
    501: "Not built yet",
}
_DESCRIPTION = (
    "The call centre in a box. Log in with `POST /session` (a cookie) or send `Authorization: Bearer TOKEN`. "
    "Errors are `{error: {code, message, field?}}`. Lists are `{items, next, seq}`; subscribe to `/events?after=seq` "
    "to miss nothing. Times are RFC 3339 in UTC, durations seconds."
)


def document(routes: Sequence[Route], prefix: str) -> bytes:
    """The document as JSON."""
    answers = [route.answer for route in routes if route.answer not in (None, bytes)]
    bodies = [route.body for route in routes if route.body is not None]
    queries = [route.query for route in routes if route.query is not None]
    types = list(dict.fromkeys([*answers, *bodies, *queries, ErrorView]))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, schemas, strict=True))
    queried = {query: _schema(components, schema_of[query]) for query in queries}
    for query in queries:
        components.pop(query.__name__, None)
    components.update(_events())
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, schema_of, queried.get(route.query, {}))
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = operation
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Hako", "version": __version__, "description": _DESCRIPTION},
            "paths": paths,
            "components": {
                "schemas": dict(sorted(components.items())),
                "securitySchemes": {
                    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                    "token": {"type": "http", "scheme": "bearer"},
                },
            },
        }
    )


def serve(content: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler that gives out the document."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=JSON, headers={"Cache-Control": "no-cache"})

    return handle


def _operation(route: Route, schema_of: dict[Any, dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    resource = route.path.strip("/").split("/")[0]
    operation: dict[str, Any] = {
        "operationId": _name(route),
        "summary": route.summary,
        "tags": [resource],
        "responses": _responses(route, schema_of),
        "security": [{"session": []}, {"token": []}] if route.roles is not None else [],
    }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": schema}
        for name, schema in query.get("properties", {}).items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema_of[route.body]}}}
    if route.roles is not None and route.roles != EVERYONE:
        operation["description"] = f"For the roles {', '.join(sorted(route.roles))}."
    return operation


def _responses(route: Route, schema_of: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if not route.built:
        pass
    elif route.socket:
        responses["101"] = {"description": "A WebSocket; each message is a LiveEvent"}
    elif route.answer is None:
        responses["204"] = {"description": "Done"}
    elif route.answer is bytes:
        responses["200"] = {"description": "The whole", "content": {route.media: {}}}
        responses["206"] = {"description": "The range that was asked for", "content": {route.media: {}}}
    else:
        content = {route.media: {"schema": schema_of[route.answer]}}
        responses[str(route.status)] = {"description": "Done", "content": content}
    for status in sorted(_error_statuses(route)):
        responses[str(status)] = {
            "description": _MEANINGS[status],
            "content": {JSON: {"schema": {"$ref": _REF.format(name="ErrorView")}}},
        }
    return responses


def _error_statuses(route: Route) -> set[int]:
    statuses = set(route.errors)
    if route.roles is not None:
        statuses |= {401, 403}
    if route.body is not None:
        statuses |= {400, 403, 408, 413, 415, 422}
    elif route.method != "GET":
        statuses |= {403}
    if route.query is not None:
        statuses |= {422}
    return statuses


def _name(route: Route) -> str:
    """`POST /calls/{id}/hangup` is `postCallsIdHangup`."""
    words: list[str] = re.findall(r"[a-z]+", f"{route.method.lower()} {route.path}")
    return words[0] + "".join(word.capitalize() for word in words[1:])


def _schema(components: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself where it is a reference."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = components[name] if name else schema
    return found


def _events() -> dict[str, Any]:
    """A schema for each live event, and `LiveEvent` for any of them."""
    kinds = list(feed.KINDS)
    _, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    mapping: dict[str, str] = {}
    result: dict[str, Any] = {}
    for kind in kinds:
        schema = components[kind.__name__]
        name = f"{kind.__name__}Event"
        properties = {key: value for key, value in schema["properties"].items() if key not in feed.hidden(kind)}
        result[name] = _live(feed.KINDS[kind], properties, schema.get("description", ""))
        mapping[feed.KINDS[kind]] = _REF.format(name=name)
    lamps = {"type": "array", "items": {"$ref": _REF.format(name="LampView")}}
    result["PanelEvent"] = _live("panel", {"items": lamps}, "The lamps changed; no ledger entry.")
    result["ResyncEvent"] = _live("resync", {}, "What was asked for is no longer kept: fetch the lists again.")
    mapping |= {word.lower(): _REF.format(name=f"{word}Event") for word in ("Panel", "Resync")}
    result["LiveEvent"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return result


def _live(word: str, fields: dict[str, Any], description: str) -> dict[str, Any]:
    own = {
        "type": {"const": word},
        "at": {"type": "string", "format": "date-time"},
        "seq": {"type": "integer", "description": "Of the ledger's entry, or of the last one before"},
    }
    plain = {key: {k: v for k, v in value.items() if k != "default"} for key, value in fields.items()}
    schema: dict[str, Any] = {"type": "object", "properties": own | plain, "required": [*own, *plain]}
    if description:
        schema["description"] = description
    return schema
