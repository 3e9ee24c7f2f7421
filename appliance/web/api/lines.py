"""Lines: registered phones and trunks."""

from __future__ import annotations

import msgspec

from appliance.exchange.view import RegistrationView, TrunkView
from appliance.web.problem import not_found
from appliance.web.route import OWN, STAFF, Page, Route, Visit


def _registrations(visit: Visit) -> list[RegistrationView]:
    """Every extension; an agent learns who is at it and whether it is connected, not from where."""
    views = list(visit.context.exchange.registrations())
    if not visit.who.limited:
        return views
    replace = msgspec.structs.replace
    hidden = {"uri": "", "address": "", "transport": "", "user_agent": ""}
    return [replace(view, contacts=tuple(replace(one, **hidden) for one in view.contacts)) for view in views]


async def show_registrations(visit: Visit) -> Page[RegistrationView]:
    seq = visit.context.ledger.last_seq
    return Page(items=tuple(_registrations(visit)), seq=seq)


async def show_registration(visit: Visit) -> RegistrationView:
    name = visit.part("extension")
    for view in _registrations(visit):
        if view.extension == name:
            return view
    raise not_found("extension", name)


async def show_trunks(visit: Visit) -> Page[TrunkView]:
    seq = visit.context.ledger.last_seq
    return Page(items=tuple(visit.context.exchange.trunks()), seq=seq)


async def show_trunk(visit: Visit) -> TrunkView:
    name = visit.part("id")
    for view in visit.context.exchange.trunks():
        if view.id == name:
            return view
    raise not_found("trunk", name)


ROUTES = (
    Route("GET", "/registrations", OWN, show_registrations, "Extensions and their phones", Page[RegistrationView]),
    Route(
        "GET",
        "/registrations/{extension}",
        OWN,
        show_registration,
        "An extension and its phones",
        RegistrationView,
        errors=(404,),
    ),
    Route("GET", "/trunks", STAFF, show_trunks, "Trunks", Page[TrunkView]),
    Route("GET", "/trunks/{id}", STAFF, show_trunk, "A trunk", TrunkView, errors=(404,)),
)
