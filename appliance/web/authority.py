"""`/ca.crt`: the certificate of the box's own authority, for browsers to trust. Open to all, by HTTP and HTTPS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from appliance.web.problem import Problem
from appliance.web.server import Server

MEDIA = "application/x-x509-ca-cert"
"""With this type Firefox and iOS offer to trust it; the others save it as a file."""
HEADERS = {"Cache-Control": "no-cache", "Content-Disposition": 'inline; filename="hako-ca.crt"'}


def serve(server: Server) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler that gives out the certificate (DER and PEM are both understood; this is PEM)."""
    path = server.context.authority

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            content = await server.in_thread(path.read_bytes) if path is not None else b""
        except OSError:
            content = b""
        if not content:
            raise Problem(404, "not_found", "This box has made no certificate authority: HTTPS is off.")
        return web.Response(body=content, content_type=MEDIA, headers=HEADERS)

    return handle
