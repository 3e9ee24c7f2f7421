"""Agents: what they chose (status) and what the system sees (state)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.exchange.view import AgentView
from appliance.web.api.own import agent_for
from appliance.web.route import EVERYONE, OWN, Page, Route, Visit


class StatusChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    status: Literal["available", "break", "logged-out"]
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Name of the break."""


async def show_all(visit: Visit) -> Page[AgentView]:
    seq = visit.context.ledger.last_seq
    agents = visit.context.exchange.agents()
    if visit.who.limited:
        agents = [view for view in agents if view.id == visit.who.agent]
    return Page(items=tuple(agents), seq=seq)


async def show(visit: Visit) -> AgentView:
    return agent_for(visit, visit.part("id"))


async def set_status(visit: Visit) -> AgentView:
    wanted: StatusChange = visit.body
    agent, by = agent_for(visit, visit.part("id")).id, visit.who.by
    await visit.context.command(
        lambda exchange, now: exchange.set_agent_status(agent, wanted.status, wanted.reason, by, now)
    )
    return agent_for(visit, agent)


async def wrap_up_done(visit: Visit) -> AgentView:
    agent, by = agent_for(visit, visit.part("id")).id, visit.who.by
    await visit.context.command(lambda exchange, now: exchange.wrap_up_done(agent, by, now))
    return agent_for(visit, agent)


ROUTES = (
    Route("GET", "/agents", EVERYONE, show_all, "Agents", Page[AgentView]),
    Route("GET", "/agents/{id}", EVERYONE, show, "An agent", AgentView, errors=(404,)),
    Route(
        "PUT",
        "/agents/{id}/status",
        OWN,
        set_status,
        "Log an agent in or out, or send him on a break",
        AgentView,
        body=StatusChange,
        errors=(404, 409),
    ),
    Route(
        "POST", "/agents/{id}/wrap-up-done", OWN, wrap_up_done, "End an agent's wrap-up", AgentView, errors=(404, 409)
    ),
)
