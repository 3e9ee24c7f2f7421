"""What is an agent's own: the rule that keeps an agent to it."""

from __future__ import annotations

from appliance.exchange.view import AgentView, CallView
from appliance.web.problem import not_found
from appliance.web.route import Visit


def agent_of(visit: Visit) -> AgentView | None:
    """The agent who asks, as the exchange sees him; None when whoever asks is no agent."""
    name = visit.who.agent
    return next((view for view in visit.context.exchange.agents() if view.id == name), None) if name else None


def is_own(call: CallView, agent: AgentView | None) -> bool:
    """Whether the agent takes part in the call, by name or by the phone he sits at."""
    if agent is None:
        return False
    if agent.id in (call.agent, *(leg.agent for leg in call.legs)):
        return True
    return bool(agent.extension) and any(leg.extension == agent.extension for leg in call.legs)


def calls_for(visit: Visit) -> tuple[CallView, ...]:
    """The live calls that whoever asks may see."""
    calls = visit.context.exchange.calls()
    if not visit.who.limited:
        return tuple(calls)
    agent = agent_of(visit)
    return tuple(call for call in calls if is_own(call, agent))


def call_for(visit: Visit, name: str) -> CallView:
    """One of them. Problem 404: there is none of this name for him."""
    call = next((call for call in calls_for(visit) if call.id == name), None)
    if call is None:
        raise not_found("live call", name)
    return call


def agent_for(visit: Visit, name: str) -> AgentView:
    """The agent of this name. Problem 404: there is none, or not for whoever asks."""
    agent = next((view for view in visit.context.exchange.agents() if view.id == name), None)
    if agent is None or (visit.who.limited and agent.id != visit.who.agent):
        raise not_found("agent", name)
    return agent
