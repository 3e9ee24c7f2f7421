"""Queues and their figures now."""

from __future__ import annotations

from appliance.exchange.view import QueueView
from appliance.web.problem import not_found
from appliance.web.route import LIVE, Page, Route, Visit


async def show_all(visit: Visit) -> Page[QueueView]:
    seq = visit.context.ledger.last_seq
    return Page(items=tuple(visit.context.exchange.queues()), seq=seq)


async def show(visit: Visit) -> QueueView:
    name = visit.part("id")
    for queue in visit.context.exchange.queues():
        if queue.id == name:
            return queue
    raise not_found("queue", name)


ROUTES = (
    Route("GET", "/queues", LIVE, show_all, "Queues with their live figures", Page[QueueView]),
    Route("GET", "/queues/{id}", LIVE, show, "A queue", QueueView, errors=(404,)),
)
