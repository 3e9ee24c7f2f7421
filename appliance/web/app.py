"""Builds the aiohttp application: routes, error answers, security headers, static pages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from appliance.errors import CommandError, ConfigError
from appliance.net.listening import EVERYWHERE, everywhere
from appliance.web import api, authority, metrics, openapi
from appliance.web.context import WebContext
from appliance.web.dispatch import endpoint
from appliance.web.guard import Guarded
from appliance.web.pages import Pages
from appliance.web.problem import Problem, from_command, from_config, from_http, respond
from appliance.web.route import LARGE_BODY
from appliance.web.server import SERVER, Server
from appliance.web.unreadable import connections

PREFIX = "/api/v1"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "hako",
}

_log = logging.getLogger("hako.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(context: WebContext) -> web.Application:
    """The whole web server over `context`, ready for a runner or a test client."""
    server = Server(context, api.ROUTES)
    pages = Pages(context.pages, server.in_thread)
    app = web.Application(middlewares=[_errors(server, pages)], client_max_size=LARGE_BODY)
    app[SERVER] = server
    document = openapi.document(server.routes, PREFIX)
    for route in server.routes:
        handler = endpoint(route, server)
        app.router.add_route(route.method, PREFIX + route.path, handler)
        if route.method == "GET" and not route.socket:
            app.router.add_route("HEAD", PREFIX + route.path, handler)
    app.router.add_get(f"{PREFIX}/openapi.json", openapi.serve(document))
    app.router.add_get("/healthz", metrics.healthz(server))
    app.router.add_get("/metrics", metrics.serve(server))
    app.router.add_get("/ca.crt", authority.serve(server))
    app.on_response_prepare.append(_secure)
    app.on_startup.append(server.start)
    app.on_shutdown.append(server.stop)
    app.on_cleanup.append(server.close)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """The runner for real use: no access log, no signal handling, a short farewell."""
    return web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=75.0, shutdown_timeout=2.0)


async def listen(runner: web.AppRunner, host: str, port: int) -> tuple[asyncio.Server, ...]:
    """Opens the port of a runner that is set up ("" or "::" is every address, port 0 any free one). Raises OSError."""
    guard, serve, loop = runner.app[SERVER].guard, connections(runner), asyncio.get_running_loop()

    def connection() -> Guarded:
        return Guarded(guard, serve())

    if host in EVERYWHERE:
        return tuple([await loop.create_server(connection, sock=one) for one in everywhere(port)])
    return (await loop.create_server(connection, host, port),)


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    # aiohttp puts its own name and version in place of ours when the header is there already.
    response.headers["Server"] = SECURITY_HEADERS["Server"]


def _errors(server: Server, pages: Pages) -> Middleware:
    """Turns whatever a handler raises into an error answer, and serves the pages where no route is."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        server.guard.begun(request.transport)
        try:
            response = await _serve(request, handler, pages)
        except Problem as problem:
            response = respond(problem)
        except CommandError as error:
            response = respond(from_command(error))
        except ConfigError as error:
            response = respond(from_config(error))
        except web.HTTPException as error:
            response = respond(from_http(error))
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            server.failures += 1
            _log.exception("%s %s failed", request.method, request.path)
            response = respond(Problem(500, "internal", "The box could not answer this. Its log says why."))
        server.answered[response.status] = server.answered.get(response.status, 0) + 1
        return response

    return guard


async def _serve(request: web.Request, handler: Handler, pages: Pages) -> web.StreamResponse:
    error = request.match_info.http_exception
    if isinstance(error, web.HTTPNotFound) and not f"{request.path}/".startswith("/api/"):
        if request.method in ("GET", "HEAD"):
            return await pages.serve(request)
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
    return await handler(request)
