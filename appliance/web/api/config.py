"""The configuration as one document, with optimistic locking; secrets go in, never out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from appliance.exchange.view import View
from appliance.web.context import Configuration, ConfigVersion
from appliance.web.problem import Problem
from appliance.web.route import ADMIN, LARGE_BODY, Page, Route, Visit

SECRETS = frozenset({"password", "password_hash", "pin", "pin_hash", "secret", "token", "token_hash"})


class ConfigView(View, frozen=True, kw_only=True):
    version: int
    config: dict[str, Any]
    """The keys of the site file."""


class ConfigChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=0)]
    """The version that was changed; another one in the box is a conflict."""
    config: dict[str, Any]
    """The whole configuration. A secret that is left out keeps its value."""


class ConfigUndo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=0)]
    """The present version, which is undone."""


class NewVersion(View, frozen=True, kw_only=True):
    version: int


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


async def show(visit: Visit) -> ConfigView:
    document, version = await _store(visit).read()
    return ConfigView(version=version, config=without_secrets(document))


async def replace(visit: Visit) -> NewVersion:
    wanted: ConfigChange = visit.body
    return NewVersion(version=await _store(visit).write(wanted.config, wanted.version, visit.who.by))


async def history(visit: Visit) -> Page[ConfigVersion]:
    query: HistoryQuery = visit.query
    items = await _store(visit).history(query.limit)
    return Page(items=tuple(items), seq=visit.context.ledger.last_seq)


async def undo(visit: Visit) -> NewVersion:
    wanted: ConfigUndo = visit.body
    return NewVersion(version=await _store(visit).undo(wanted.version, visit.who.by))


def without_secrets(value: Any) -> Any:
    """The document without any secret, however deep it lies."""
    if isinstance(value, dict):
        return {key: without_secrets(inner) for key, inner in value.items() if key not in SECRETS}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return value


def _store(visit: Visit) -> Configuration:
    store = visit.context.configuration
    if store is None:
        raise Problem(501, "not_built", "This box cannot be configured here yet; use a site file and `hako apply`.")
    return store


ROUTES = (
    Route("GET", "/config", ADMIN, show, "The configuration", ConfigView, errors=(501,)),
    Route(
        "PUT",
        "/config",
        ADMIN,
        replace,
        "Replace the configuration",
        NewVersion,
        body=ConfigChange,
        errors=(409, 501),
        limit=LARGE_BODY,
    ),
    Route(
        "GET",
        "/config/history",
        ADMIN,
        history,
        "Versions of the configuration, newest first",
        Page[ConfigVersion],
        query=HistoryQuery,
        errors=(501,),
    ),
    Route("POST", "/config/undo", ADMIN, undo, "Undo the last change", NewVersion, body=ConfigUndo, errors=(409, 501)),
)
