"""Queues and their figures now."""

from __future__ import annotations

from appliance.exchange.view import QueueView
from appliance.web.problem import not_found
from appliance.web.route import EVERYONE, Page, Route, Visit


def _seen(visit: Visit) -> list[QueueView]:
    """All queues; for an agent those he serves."""
    queues = list(visit.context.exchange.queues())
    if not visit.who.limited:
        return queues
    own = {queue for agent in visit.context.exchange.agents() if agent.id == visit.who.agent for queue in agent.queues}
    return [queue for queue in queues if queue.id in own]


async def show_all(visit: Visit) -> Page[QueueView]:
    seq = visit.context.ledger.last_seq
    return Page(items=tuple(_seen(visit)), seq=seq)


async def show(visit: Visit) -> QueueView:
    name = visit.part("id")
    for queue in _seen(visit):
        if queue.id == name:
            return queue
    raise not_found("queue", name)


ROUTES = (
    Route("GET", "/queues", EVERYONE, show_all, "Queues with their live figures", Page[QueueView]),
    Route("GET", "/queues/{id}", EVERYONE, show, "A queue", QueueView, errors=(404,)),
)
