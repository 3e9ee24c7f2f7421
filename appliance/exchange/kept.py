"""A conversation as plain data: what is kept of a plain bridged call, so that a restarted box goes on with it.

Beside each call its two dialogs are kept (`SessionSnapshot`, by `dialog_key`). All of it is made and read by one
machine between two starts of it, so times of the monotonic clock stay true. Fields that a later version adds need a
default: an upgrade must be able to read what the version before it has kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.clock import Instant
from appliance.exchange.audio import AnyRow, Detector, Player, Recorder
from appliance.sip.offer_answer import Local, Negotiated
from appliance.sip.registrar import Binding
from appliance.sip.session import SessionSnapshot

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.leg import Leg
    from appliance.sip.session import Session


class KeptLeg(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """An answered, bridged leg."""

    id: str
    direction: str
    dialog: str
    """Key of its dialog in the store."""
    extension: str = ""
    trunk: str = ""
    number: str = ""
    name: str = ""
    agent: str = ""
    serving: bool = False
    wrap_up: float = 0.0
    """Seconds of wrap-up that follow, where the agent serves a queue's caller."""
    since: Instant | None = None
    """When that agent's state last changed (a hold changes it)."""
    talking_since: Instant | None = None
    """When that agent's conversation began."""
    answered_at: float
    port: int
    port_row: int
    port_generation: int = 0
    player: Player | None = None
    """What the party hears, when that is no other party (music)."""
    player_generation: int = 0
    hearing: tuple[int, ...] = ()
    musical: bool = False
    held: bool = False
    dtmf: str = ""
    presses: int = 0
    """How many times we sent keys. Which, is not kept: they may be a PIN or a card's number."""
    detector: Detector | None = None
    dscp: int = 46
    local: Local
    local_ip: str
    negotiated: Negotiated


class KeptRecorder(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The call's recorder, if it has or had one."""

    id: str
    row: Recorder | None = None
    failed: bool = False
    error: str = ""
    media_time: float = 0.0
    passing_since: float | None = None
    paused: bool = False
    wanted: bool | None = None
    how: str = ""
    by: str = ""


class KeptCall(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A call of two legs that talk to each other."""

    id: str
    journey: str
    kind: str
    caller: str
    called: str
    caller_name: str = ""
    trunk: str = ""
    extension: str = ""
    destination: str = ""
    queue: str = ""
    agent: str = ""
    rule: str = ""
    emergency: bool = False
    fax: bool = False
    language: str = ""
    hops: int = 0
    started: Instant
    state: str = ""
    since: Instant
    queued: float | None = None
    talking_since: float | None = None
    origin: str = ""
    """Id of the leg that the call began with."""
    legs: tuple[KeptLeg, ...]
    """In the order of the bridge's mix."""
    bridge: tuple[str, ...]
    legs_made: int
    mix: int = 0
    recorder: KeptRecorder | None = None


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the run before left behind, as the store and the media process have it."""

    calls: tuple[KeptCall, ...] = ()
    dialogs: dict[str, SessionSnapshot] = {}
    """By key."""
    open_calls: frozenset[str] = frozenset()
    """Calls whose records are open."""
    open_recordings: frozenset[str] = frozenset()
    rows: dict[int, AnyRow] | None = None
    """What a media process that lived on holds; None: there is none, its audio is made anew."""
    bindings: tuple[Binding, ...] = ()
    agents: tuple[tuple[str, str, str, str], ...] = ()
    """(agent, status, reason, extension)"""
    away: float = 0.0
    """Seconds since the last sign of life of the run before."""


class Recovered(msgspec.Struct, frozen=True):
    """What became of it."""

    taken: tuple[str, ...]
    """Calls that go on."""
    ended: int
    """Dialogs that were ended."""
    failed: tuple[str, ...] = ()
    """Calls that should have gone on and could not: the ledger has their end already, but not their recordings'."""


def dialog_key(session: Session) -> str:
    """Under which a session's dialog is kept."""
    return f"{session.direction};{session.call_id}"


def plain(call: Call) -> bool:
    """Whether it is two parties who talk to each other and nothing else: what a restarted box can go on with."""
    return (
        len(call.bridge) == 2
        and len(call.legs) == 2
        and not call.ended
        and all(_whole(leg) and leg in call.bridge for leg in call.legs)
    )


def _whole(leg: Leg) -> bool:
    session = leg.session
    return (
        leg.state == "answered"
        and leg.activity is None
        and leg.local is not None
        and leg.negotiated is not None
        and session is not None
        and session.dialog is not None
        and not session.ended
    )


def keep(call: Call) -> KeptCall:
    """The call as plain data; only for one that is `plain`."""
    return KeptCall(
        id=call.id,
        journey=call.journey,
        kind=call.kind,
        caller=call.caller,
        called=call.called,
        caller_name=call.caller_name,
        trunk=call.trunk,
        extension=call.extension,
        destination=call.destination,
        queue=call.queue,
        agent=call.agent,
        rule=call.rule,
        emergency=call.emergency,
        fax=call.fax,
        language=call.language,
        hops=call.hops,
        started=call.started,
        state=call.state,
        since=call.since,
        queued=call.queued,
        talking_since=call.talking_since,
        origin=call.origin.id if call.origin is not None else "",
        legs=tuple(_keep_leg(leg) for leg in call.legs),
        bridge=tuple(leg.id for leg in call.bridge),
        legs_made=call.legs_made,
        mix=call.mix,
        recorder=call.recorder.kept(),
    )


def _keep_leg(leg: Leg) -> KeptLeg:
    assert leg.session is not None and leg.local is not None and leg.negotiated is not None
    agent = leg.context.center.agent(leg.agent) if leg.serving else None
    since = agent.since if agent is not None else None
    return KeptLeg(
        id=leg.id,
        direction=leg.direction,
        dialog=dialog_key(leg.session),
        extension=leg.extension,
        trunk=leg.trunk,
        number=leg.number,
        name=leg.name,
        agent=leg.agent,
        serving=leg.serving,
        wrap_up=agent.wrap_up_seconds if agent is not None else 0.0,
        since=since,
        talking_since=_earlier(since, agent.talking_since) if agent is not None and since is not None else None,
        answered_at=leg.answered_at,
        port=leg.port,
        port_row=leg.port_row,
        port_generation=leg.port_generation,
        player=leg.playing,
        player_generation=leg.player_generation,
        hearing=leg.hearing,
        musical=leg.musical,
        held=leg.held,
        dtmf=leg.dtmf,
        presses=leg.presses,
        detector=leg.detector,
        dscp=leg.dscp,
        local=leg.local,
        local_ip=leg.local_ip,
        negotiated=leg.negotiated,
    )


def _earlier(known: Instant, mono: float) -> Instant:
    """Both clocks at a reading of the monotonic one."""
    return Instant(mono, known.wall - (known.mono - mono))
