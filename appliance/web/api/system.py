"""The machine and what is wrong with it."""

from __future__ import annotations

import msgspec

from appliance.exchange.view import FaultView
from appliance.web.context import SystemView
from appliance.web.route import STAFF, Page, Route, Visit


async def show(visit: Visit) -> SystemView:
    system = visit.context.system()
    if visit.who.role == "admin":
        return system
    # Where things lie on the box is of use to those alone who may type commands there.
    return msgspec.structs.replace(system, command="", data="")


async def show_faults(visit: Visit) -> Page[FaultView]:
    seq = visit.context.ledger.last_seq
    return Page(items=visit.context.system().faults, seq=seq)


ROUTES = (
    Route("GET", "/system", STAFF, show, "The box: version, addresses, what is off, faults", SystemView),
    Route("GET", "/faults", STAFF, show_faults, "Faults present, each with its remedy", Page[FaultView]),
)
