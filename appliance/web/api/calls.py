"""Live calls."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.exchange.view import CallView, View
from appliance.web.api.own import agent_of, call_for, calls_for
from appliance.web.problem import Problem, invalid
from appliance.web.route import OWN, STAFF, Page, Route, Visit, not_built


class StartCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Click to call: the extension rings; when it is answered the number is called for it."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    extension: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """An agent may leave it out: the phone he sits at."""
    answering_machine: bool = False
    """Find out whether a person or a machine answers: `answered_by` of the call, events `answered-by` and
    `greeting-ended`."""


class PressKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys for the party outside, such as another company's menu. They go as that party's line needs them."""

    keys: Annotated[str, msgspec.Meta(pattern="^[0-9*#A-Da-d]{1,32}$")]
    leg: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Another party of the call."""


class RecordCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pause what may not be kept (a card's number), then resume. An agent may not stop what is always recorded."""

    action: Literal["start", "stop", "pause", "resume"]


class StartedCall(View, frozen=True, kw_only=True):
    id: str


async def show_all(visit: Visit) -> Page[CallView]:
    seq = visit.context.ledger.last_seq
    return Page(items=calls_for(visit), seq=seq)


async def show(visit: Visit) -> CallView:
    return call_for(visit, visit.part("id"))


async def start(visit: Visit) -> StartedCall:
    wanted: StartCall = visit.body
    agent = agent_of(visit)
    own = agent.extension if agent is not None else ""
    extension = wanted.extension or own
    if not extension:
        raise invalid("extension", "Which extension shall ring first?")
    if visit.who.limited and extension != own:
        raise Problem(403, "forbidden", "An agent starts calls at his own phone.", "extension")
    number = "".join(wanted.number.split())
    if not number or any(ord(sign) < 33 or ord(sign) == 127 for sign in number):
        raise invalid("number", "This is no number.")
    if number == extension:
        raise Problem(422, "own_number", "A phone cannot call itself.", "number")
    judged = wanted.answering_machine
    return StartedCall(
        id=await visit.context.command(
            lambda exchange, now: exchange.originate(extension, number, now, answering_machine=judged)
        )
    )


async def press_keys(visit: Visit) -> None:
    wanted: PressKeys = visit.body
    call, by = call_for(visit, visit.part("id")).id, visit.who.by
    keys = wanted.keys.upper()
    await visit.context.command(lambda exchange, now: exchange.press_keys(call, keys, wanted.leg, by, now))


async def hang_up(visit: Visit) -> None:
    call = call_for(visit, visit.part("id")).id
    await visit.context.command(lambda exchange, now: exchange.hangup(call, now))


async def record(visit: Visit) -> CallView:
    wanted: RecordCall = visit.body
    call, who = call_for(visit, visit.part("id")).id, visit.who
    await visit.context.command(lambda exchange, now: exchange.record(call, wanted.action, who.by, who.limited, now))
    return call_for(visit, call)


ROUTES = (
    Route("GET", "/calls", OWN, show_all, "Live calls", Page[CallView]),
    Route("POST", "/calls", OWN, start, "Start a call", StartedCall, 201, body=StartCall, errors=(404, 409)),
    Route("GET", "/calls/{id}", OWN, show, "A live call", CallView, errors=(404,)),
    Route("POST", "/calls/{id}/hangup", OWN, hang_up, "End a call", errors=(404, 409)),
    Route(
        "POST",
        "/calls/{id}/record",
        OWN,
        record,
        "Start, stop, pause or resume the recording of a call",
        CallView,
        body=RecordCall,
        errors=(404, 409),
    ),
    Route("POST", "/calls/{id}/keys", OWN, press_keys, "Press keys for a party", body=PressKeys, errors=(404, 409)),
    not_built("POST", "/calls/{id}/hold", OWN, "Hold a call"),
    not_built("POST", "/calls/{id}/transfer", OWN, "Transfer a call"),
    not_built("POST", "/calls/{id}/monitor", STAFF, "Listen to a call"),
)
