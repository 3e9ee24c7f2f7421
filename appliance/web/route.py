"""The route table's row. One declaration a route: what serves, guards and describes it (OpenAPI)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from aiohttp import web

from appliance.exchange.view import View
from appliance.web.problem import Problem

if TYPE_CHECKING:
    from appliance.web.context import WebContext
    from appliance.web.server import Server

ADMIN = frozenset({"admin"})
STAFF = frozenset({"admin", "supervisor"})
LIVE = STAFF | {"wallboard"}
"""Who sees live figures."""
OWN = STAFF | {"agent"}
"""An agent as well, for what is his own."""
EVERYONE = LIVE | {"agent"}
"""Whoever is logged in."""

JSON = "application/json"
SMALL_BODY = 64 * 1024
LARGE_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks."""

    name: str
    role: str
    by: str
    """As the ledger says it: `web:<user>` or `api:<token>`."""
    agent: str = ""
    language: str = ""
    bearer: bool = False
    """Known by a token, which no browser sends by itself."""

    @property
    def limited(self) -> bool:
        """True for an agent, who gets his own things only."""
        return self.role == "agent"


ANYBODY = Principal(name="", role="", by="web:")
"""Who is not logged in, on routes that are open to all."""


@dataclass(slots=True)
class Visit:
    """One request on its way to a handler: who asks, and what, decoded."""

    request: web.Request
    server: Server
    who: Principal
    query: Any
    """An object of the route's `query` type."""
    body: Any
    """An object of the route's `body` type."""

    @property
    def context(self) -> WebContext:
        return self.server.context

    def part(self, name: str) -> str:
        """A variable part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Visit], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    """Below `/api/v1`; `{id}` is variable."""
    roles: frozenset[str] | None
    """Who may; None: anybody, logged in or not."""
    handler: Handler
    """Gives an object of type `answer`, None, or a finished aiohttp response."""
    summary: str
    answer: Any = None
    """Type of the answer; None: 204 without content."""
    status: int = 200
    body: Any = None
    query: Any = None
    errors: tuple[int, ...] = ()
    """Statuses beyond those that role, query and body bring about."""
    media: str = JSON
    limit: int = SMALL_BODY
    """Largest body, in bytes."""
    socket: bool = False
    """A WebSocket: browsers let any page open one, so Origin is checked."""
    built: bool = True
    """False: promised for later; whatever is asked, the answer is 501."""


T = TypeVar("T")


class Page(View, Generic[T], frozen=True, kw_only=True):
    """A list. Subscribe to events with `?after=seq` to miss nothing that happened after it."""

    items: tuple[T, ...]
    next: str | None = None
    seq: int


async def _refuse(visit: Visit) -> NoReturn:
    raise Problem(501, "not_built", "This part of the box is not built yet.")


def not_built(method: str, path: str, roles: frozenset[str], summary: str) -> Route:
    """A route that the API promises and this version does not have."""
    return Route(method, path, roles, _refuse, f"{summary} (not built yet)", errors=(501,), built=False)
