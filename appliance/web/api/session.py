"""Log-in with a browser."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from aiohttp import web

from appliance.events import LogIn
from appliance.exchange.view import View
from appliance.web.auth import COOKIE, SECURE_COOKIE, principal, unauthenticated
from appliance.web.problem import Problem
from appliance.web.route import EVERYONE, JSON, Principal, Route, Visit
from appliance.web.sessions import LONGEST_SECONDS


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class SiteView(View, frozen=True, kw_only=True):
    """The ways of the site, for those who may not see the system: its name, clock and number formats."""

    name: str
    language: str
    timezone: str
    country: str


class SessionView(View, frozen=True, kw_only=True):
    """Who is logged in."""

    name: str
    role: str
    """admin, supervisor, agent or wallboard"""
    agent: str = ""
    """Id of the agent that this user is."""
    language: str = ""
    """The user's own; empty: none is set, and the browser's goes before the site's."""
    site: SiteView


def _view(visit: Visit, who: Principal) -> SessionView:
    system = visit.context.system()
    site = SiteView(name=system.name, language=system.language, timezone=system.timezone, country=system.country)
    return SessionView(name=who.name, role=who.role, agent=who.agent, language=who.language, site=site)


async def log_in(visit: Visit) -> web.Response:
    """One answer for a wrong name and a wrong password, after the same time.

    A try that the throttle refuses is counted, not written down: nobody shall fill the ledger by knocking.
    """
    given: Credentials = visit.body
    server, context = visit.server, visit.context
    address = visit.request.remote or "local"
    wait = server.throttle.attempt(address, given.name, context.clock().mono)
    if wait > 0:
        seconds = math.ceil(wait)
        message = f"Too many wrong passwords. Try again in {seconds} s."
        raise Problem(429, "throttled", message, headers={"Retry-After": str(seconds)})
    account = context.accounts.user(given.name)
    fits = await server.passwords.check(account.password_hash if account else "", given.password)
    if account is None or not fits:
        context.publish(LogIn(user=given.name, ok=False, address=address, reason="wrong name or password"))
        raise unauthenticated("The name or the password is wrong.")
    server.throttle.succeeded(address, given.name)
    _end(visit)
    secret = server.door.sessions.open(account, context.clock())
    context.publish(LogIn(user=account.name, ok=True, address=address))
    view = _view(visit, principal(account, bearer=False))
    response = web.Response(status=200, body=msgspec.json.encode(view), content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    secure = visit.request.secure
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        secret,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=secure,
        max_age=int(LONGEST_SECONDS),
    )
    return response


async def show(visit: Visit) -> SessionView:
    return _view(visit, visit.who)


async def log_out(visit: Visit) -> web.Response:
    """Ends the session if there is one; no error when there is none."""
    _end(visit)
    response = web.Response(status=204)
    for name in (SECURE_COOKIE, COOKIE) if visit.request.secure else (COOKIE,):
        response.del_cookie(name, path="/", httponly=True, samesite="Strict", secure=visit.request.secure)
    return response


def _end(visit: Visit) -> None:
    """Ends the session that the request came with, if any."""
    given = visit.server.door.given(visit.request)
    for session in given:
        visit.server.door.sessions.close(session)
    if given:
        visit.server.hub.recheck()


ROUTES = (
    Route("POST", "/session", None, log_in, "Log in", SessionView, body=Credentials, errors=(401, 429)),
    Route("GET", "/session", EVERYONE, show, "Who is logged in", SessionView),
    Route("DELETE", "/session", None, log_out, "Log out"),
)
