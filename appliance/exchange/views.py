"""Makes the snapshots of `view` from the exchange's own objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.clock import rfc3339
from appliance.exchange.phones import address_of
from appliance.exchange.quality import word_of
from appliance.exchange.view import (
    AgentView,
    CallView,
    ContactView,
    LegView,
    QueueView,
    RegistrationView,
    TrunkView,
)

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg


def leg_view(leg: Leg) -> LegView:
    """One leg."""
    state = leg.state
    if state == "answered":
        state = "held" if leg.held else "talking"
    if leg.activity is not None:
        activity = leg.activity.name
    elif leg in leg.call.bridge:
        activity = "bridge"
    else:
        activity = "offer" if leg.queue_offer else "idle"
    stats = leg.stats
    negotiated = leg.negotiated
    return LegView(
        id=leg.id,
        direction=leg.direction,
        state=state,
        activity=activity,
        extension=leg.extension,
        trunk=leg.trunk,
        agent=leg.agent,
        number=leg.number,
        name=leg.name,
        codec=negotiated.send.codec if negotiated and negotiated.send else "",
        srtp=leg.srtp,
        packets=stats.packets if stats else 0,
        lost=stats.lost if stats else 0,
        jitter_ms=stats.jitter_ms if stats else 0.0,
        mos=round(received.mos, 2) if (received := leg.quality.received) is not None else None,
        sent_mos=round(sent.mos, 2) if (sent := leg.quality.sent) is not None else None,
        round_trip_ms=round(trip, 1) if (trip := leg.quality.round_trip_ms) is not None else None,
        quality=word_of(received.mos if received else None, sent.mos if sent else None),
        unheard=leg.unheard,
        unreached=leg.unreached,
    )


def call_state(call: Call) -> str:
    """routing, menu, waiting, ringing, talking, held or announcement."""
    if call.bridge:
        return "held" if call.held else "talking"
    if any(leg.direction == "out" and leg.ringing and leg is not call.origin for leg in call.legs):
        return "ringing"
    activity = call.origin.activity if call.origin is not None else None
    if activity is None:
        return "routing"
    return {"queue": "waiting", "menu": "menu", "dialling": "routing"}.get(activity.name, "announcement")


def call_view(call: Call) -> CallView:
    """One live call."""
    return CallView(
        id=call.id,
        journey=call.journey,
        kind=call.kind,
        from_=call.caller,
        to=call.called,
        from_name=call.caller_name,
        trunk=call.trunk,
        queue=call.queue,
        agent=call.agent,
        state=call.state or call_state(call),
        since=rfc3339(call.since.wall),
        destination=call.destination,
        started=rfc3339(call.started.wall),
        answered=rfc3339(call.talking_since) if call.talking_since is not None else None,
        queued=rfc3339(call.queued) if call.queued is not None else None,
        position=call.context.center.position(call.id),
        recording=call.recorder.recording,
        recording_paused=call.recorder.paused,
        record=call.recorder.rule(),
        loudspeaker=call.context.sound.listening is call,
        answered_by=call.answered_by,
        answered_cause=call.answered_cause,
        judging=not call.answered_by and (call.judged or any(leg.machine is not None for leg in call.legs)),
        fax=call.fax,
        legs=tuple(leg_view(leg) for leg in call.legs),
    )


def registration_views(context: Context) -> list[RegistrationView]:
    """Every extension with where it is registered."""
    phones = context.phones
    return [
        RegistrationView(
            extension=extension.number,
            name=extension.name,
            contacts=tuple(
                ContactView(
                    uri=binding.uri,
                    address=address_of(binding),
                    transport=binding.flow.transport if binding.flow is not None else "",
                    user_agent=binding.user_agent,
                    expires=rfc3339(binding.expires),
                )
                for binding in phones.bindings(extension.number)
            ),
            busy=bool(phones.legs.get(extension.number)),
        )
        for extension in context.site.extensions
    ]


def trunk_views(context: Context) -> list[TrunkView]:
    """Every trunk with how it stands."""
    return [
        TrunkView(
            id=line.config.id,
            host=line.config.host,
            state=line.state,
            reason=line.reason,
            channels=line.config.channels,
            busy=len(line.legs),
        )
        for line in context.trunks.lines.values()
    ]


def agent_views(context: Context) -> list[AgentView]:
    """Every agent with status and state."""
    return [
        AgentView(
            id=agent.id,
            number=agent.config.number,
            name=agent.config.name or agent.id,
            status=agent.status,
            reason=agent.reason,
            state=agent.state,
            since=rfc3339(agent.since.wall) if agent.since.wall else None,
            extension=agent.extension or agent.config.extension,
            registered=context.phones.registered(agent.extension or agent.config.extension),
            queues=agent.config.queues,
            call=agent.call or context.phones.call_at(agent.extension),
        )
        for agent in context.center.agents()
    ]


def queue_views(context: Context) -> list[QueueView]:
    """Every queue as it is now; the day's figures are read from the ledger by whoever shows them."""
    return [
        QueueView(
            id=queue.id,
            number=queue.config.number,
            name=queue.config.name or queue.id,
            waiting=len(queue.entries),
            longest_wait_seconds=round(queue.longest_wait(context.now), 1),
            agents_logged_in=queue.logged_in,
            agents_idle=len(queue.idle),
        )
        for queue in context.center.queues()
    ]
