"""How the pages are reached by HTTPS: asked before the log-in, by the page that explains the certificate."""

from __future__ import annotations

from appliance.exchange.view import View
from appliance.web.route import Route, Visit


class HttpsView(View, frozen=True, kw_only=True):
    port: int
    """0: HTTPS is off."""
    authority: bool
    """Whether `/ca.crt` is there to be trusted."""


async def show(visit: Visit) -> HttpsView:
    path = visit.context.authority
    there = path is not None and await visit.server.in_thread(path.is_file)
    return HttpsView(port=visit.context.https_port(), authority=there)


ROUTES = (Route("GET", "/https", None, show, "The port of HTTPS, and whether the box has an authority", HttpsView),)
