"""The front panel: its lamps, real or drawn."""

from __future__ import annotations

from appliance.exchange.view import LampView
from appliance.web.route import LIVE, Page, Route, Visit


async def show(visit: Visit) -> Page[LampView]:
    return Page(items=tuple(visit.context.panel()), seq=visit.context.ledger.last_seq)


ROUTES = (Route("GET", "/panel", LIVE, show, "The lamps of the front panel", Page[LampView]),)
