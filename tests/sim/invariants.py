"""What must hold whenever the box is at rest (after any drain), and what must be left when everything is over."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.center.agent import STATES_OF_STATUS, Agent
from appliance.exchange.audio import Detector, Mix, Player, Recorder, RtpPort
from appliance.exchange.call import Call
from appliance.exchange.guesses import Guesses
from appliance.exchange.leg import Leg
from appliance.exchange.waiting import Waiting
from tests.sim.box import Box

SILENT = frozenset({"code", "menu", "page"})
"""Activities that listen to a caller in silence between prompts, or have the room listen to him."""


def at_rest(box: Box) -> Iterator[str]:
    """Everything wrong with the box now that its output has been read."""
    context = box.exchange.context
    calls = context.calls
    legs = {leg for call in calls.values() for leg in call.legs}
    for call in calls.values():
        yield from _call(call)
    for row, leg in context.rows.items():
        if leg not in legs:
            yield f"row {row} belongs to the dead leg {leg.id}"
    for extension, of_phone in context.phones.legs.items():
        for leg in of_phone:
            if leg not in legs:
                yield f"phone {extension} has the dead leg {leg.id}"
    for line in context.trunks.lines.values():
        for leg in line.legs:
            if leg not in legs:
                yield f"trunk {line.config.id} has the dead leg {leg.id}"
    if len(context.departed) > 1000:
        yield f"{len(context.departed)} departed rows"
    yield from _table(box, legs)
    yield from _sessions(box, legs)
    yield from _center(box)


def _call(call: Call) -> Iterator[str]:
    if call.ended:
        yield f"{call.id} has ended and is still listed"
    if not call.legs and call.origin is not None:
        yield f"{call.id} has no leg and lives"
    for leg in call.legs:
        if leg.state == "ended":
            yield f"{leg.id} has ended and is still in its call"
        if leg.state == "answered" and leg.session is None:
            yield f"{leg.id} is answered without a session"
        if leg.direction == "out" and leg.state != "answered" and leg.offer is None:
            yield f"{leg.id} rings for nobody"
    bridge = call.bridge
    for leg in bridge:
        if leg not in call.legs:
            yield f"{leg.id} is bridged and not in its call"
        if leg.activity is not None:
            yield f"{leg.id} is bridged and in {leg.activity.name}"
    if call.held and any(leg.unheard for leg in call.legs):
        yield f"{call.id} is held and somebody is said to be silent"
    if len(bridge) == 2 and not call.held:
        for one, other in (bridge, bridge[::-1]):
            if one.hearing != (other.port_row,):
                yield f"one-way audio: {one.id} hears {one.hearing}, not {other.port_row}"
    for leg in call.legs:
        if leg.state != "answered" or leg.held or leg.hearing or leg.negotiated is None:
            continue
        if leg.activity is None or leg.activity.name not in SILENT:
            yield f"{leg.id} hears silence ({leg.activity.name if leg.activity else 'no activity'})"
    origin = call.origin
    if origin is not None and not bridge and origin.activity is None and origin.state != "ended":
        yield f"{call.id}: its caller does nothing and waits for nothing"


def _table(box: Box, legs: set[Leg]) -> Iterator[str]:
    context = box.exchange.context
    ports = {leg.port_row: leg for leg in legs if leg.port_row}
    players = {leg.player for leg in legs if leg.player}
    players |= {call.recorder.notice.row for call in context.calls.values()} - {0}
    recorders = {call.recorder.row.id for call in context.calls.values() if call.recorder.row is not None}
    detectors = {leg.detector.id for leg in legs if leg.detector is not None}
    mixes = {call.mix for call in context.calls.values() if call.mix}
    card = context.sound.rows()
    for row in box.table.rows():
        known = (
            (isinstance(row, RtpPort) and row.id in ports)
            or (isinstance(row, Player) and row.id in players)
            or (isinstance(row, Recorder) and row.id in recorders)
            or (isinstance(row, Mix) and row.id in mixes)
            or row.id in card
            or (isinstance(row, Detector) and row.id in detectors)
        )
        if not known:
            yield f"{type(row).__name__} {row.id} belongs to nobody"
    lines = sum(isinstance(box.table.row(row), RtpPort) for row in card)
    if box.table.ports_used != len(ports) + lines:
        yield f"{box.table.ports_used} RTP ports are in use by {len(ports)} legs and {lines} sound ports"
    for row_id, leg in ports.items():
        row = box.table.row(row_id)
        if leg.state == "answered" and leg.negotiated is not None and row is None:
            yield f"{leg.id} is answered and has no port row"
        if isinstance(row, RtpPort) and row.local[1] != leg.port:
            yield f"{leg.id} has port {leg.port} and its row {row.local[1]}"


def _sessions(box: Box, legs: set[Leg]) -> Iterator[str]:
    for session in box.exchange.context.endpoint.layer.sessions.values():
        owner = session.owner
        if isinstance(owner, Leg):
            if owner not in legs:
                yield f"{session} is owned by the dead leg {owner.id}"
        elif not session.ended and not isinstance(owner, Guesses):
            yield f"{session} is nobody's"


def _center(box: Box) -> Iterator[str]:
    exchange = box.exchange
    context, center = exchange.context, exchange.context.center
    for queue in center.queues():
        for entry in queue.entries:
            call = context.calls.get(entry.call)
            if call is None:
                yield f"{entry.call} waits in {queue.id} and is gone"
            elif call.origin is None or call.origin.activity is None or call.origin.activity.name != "queue":
                yield f"{entry.call} waits in {queue.id} and does something else"
    for agent in center.agents():
        if agent.state not in STATES_OF_STATUS[agent.status]:
            yield f"{agent.id} is {agent.status} and {agent.state}"
        of_phone = context.phones.legs.get(agent.extension, set())
        if agent.state == "offered":
            if agent.call not in context.calls:
                yield f"{agent.id} is offered {agent.call}, which is gone"
            others = [leg for leg in of_phone if not leg.queue_offer]
            if others:
                yield f"{agent.id} is offered a call while on {others[0].id}"
            if len([leg for leg in of_phone if leg.queue_offer]) != 1 and not _about_to_fail(box, agent):
                yield f"{agent.id} is offered a call and the phone rings {len(of_phone)} times"
        elif agent.state in ("talking", "hold"):
            if agent.call and agent.call not in context.calls:
                yield f"{agent.id} talks in {agent.call}, which is gone"
            if not any(leg.state == "answered" for leg in of_phone):
                yield f"{agent.id} is {agent.state} and the phone has no conversation"
            if agent.call and not any(leg.serving and leg.call.id == agent.call for leg in of_phone):
                yield f"{agent.id} serves {agent.call} with no leg"
        elif any(leg.queue_offer for leg in of_phone):
            yield f"{agent.id} is {agent.state} and the phone rings for a queue"
        if agent.ready:
            if of_phone:
                yield f"{agent.id} counts as ready with legs {[leg.id for leg in of_phone]}"
            if not context.phones.registered(agent.extension):
                yield f"{agent.id} counts as ready at {agent.extension}, which is not registered"
            if any(queue.waiting for queue in agent.queues):
                yield f"{agent.id} is ready while somebody waits"
    for extension in context.phones.extensions:
        phone = center._roster.phones.get(extension)
        if phone is not None and phone.activity != context.phones.activity(extension):
            yield f"the centre takes phone {extension} for {phone.activity}; {context.phones.activity(extension)}"
        if phone is not None and phone.registered != context.phones.registered(extension):
            yield f"the centre takes phone {extension} for registered={phone.registered}"


def _about_to_fail(box: Box, agent: Agent) -> bool:
    """Whether the offer could not ring at all (no RTP port, phone gone): told at the next beat of the clock."""
    call = box.exchange.context.calls.get(agent.call)
    activity = call.origin.activity if call is not None and call.origin is not None else None
    attempt = activity.offers.get(agent.id) if isinstance(activity, Waiting) else None
    return attempt is not None and not attempt.legs


def at_end(box: Box) -> Iterator[str]:
    """What is left behind when every call is over and every timer has run out."""
    exchange = box.exchange
    context, story = exchange.context, box.story
    counts = context.endpoint.counts()
    for name in ("transactions", "sessions", "dialogs", "timers", "early"):
        if getattr(counts, name):
            yield f"the endpoint still has {getattr(counts, name)} {name}"
    for name in ("calls", "rows"):
        left = getattr(context, name)
        if left:
            yield f"context.{name} is left: {list(left)[:5]}"
    if len(box.table) or box.engine.rows:
        yield f"the table has {len(box.table)} rows, the engine {len(box.engine.rows)}"
    if box.table.ports_used:
        yield f"{box.table.ports_used} RTP ports are not released"
    if context.phones.legs or any(line.legs for line in context.trunks.lines.values()):
        yield "phones or trunks have legs left"
    if context.pins._waiting:
        yield f"{len(context.pins._waiting)} PINs wait"
    if box.stored():
        yield f"{len(box.dialogs)} dialogs and {len(box.calls)} calls are left in the store"
    if exchange.failures or context.endpoint.faults:
        yield f"{exchange.failures} failures; {list(context.endpoint.faults)}"
    for what, left in (
        ("calls", story.calls),
        ("legs", story.legs),
        ("queue visits", story.waiting),
        ("offers", story.offers),
        ("recordings", story.recordings),
        ("menu visits", story.menus),
        ("records", story.projection.open),
    ):
        if left:
            yield f"{what} never ended: {list(left)[:5]}"
    records = {record.call for record in story.projection.dirty.values()}
    if len(story.projection.dirty) != len(records) or records != set(story.endings):
        yield f"{len(story.projection.dirty)} records of {len(story.endings)} calls"
    for record in story.projection.dirty.values():
        if record.talk < 0 or record.hold < 0 or record.wait < 0:
            yield f"record {record.call} has negative times"
