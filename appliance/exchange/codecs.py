"""Which codecs a leg is offered or answered with, in which order: the same on both sides of a call where possible."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.errors import RemoteProtocolError
from appliance.exchange import audio
from appliance.sip.offer_answer import (
    CN,
    G722,
    L16,
    OPUS,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    TELEPHONE_EVENT_16000,
    TELEPHONE_EVENT_48000,
)
from appliance.sip.sdp import Payload, SessionDescription

if TYPE_CHECKING:
    from appliance.exchange.leg import Leg


@lru_cache(maxsize=512)
def row_payload(payload: Payload) -> audio.Payload:
    """A negotiated payload type as a row of the desired table has it."""
    return audio.Payload(payload.number, payload.codec, payload.clock, payload.fmtp)


_EVENTS = (TELEPHONE_EVENT_48000, TELEPHONE_EVENT_16000, TELEPHONE_EVENT)
ALL: tuple[Payload, ...] = (OPUS, G722, PCMU, PCMA, L16, CN, *_EVENTS)
"""What the engine can do, in the order in which it is offered when nothing speaks for another."""
PLAIN = (PCMU, PCMA)
"""What every party has, and what costs nothing to turn into each other."""
_ASIDE = (CN, *_EVENTS)
_BY_NAME = {codec.codec.upper(): codec for codec in ALL}


@lru_cache(maxsize=512)
def _among(codecs: tuple[Payload, ...], names: tuple[str, ...]) -> tuple[Payload, ...]:
    """Of `codecs` those that the list names; where that leaves no voice, the list itself. Keys and pauses go along."""
    voices = tuple(codec for codec in codecs if codec not in _ASIDE and codec.codec in names)
    voices = voices or tuple(_BY_NAME[name.upper()] for name in names if name != CN.codec) or PLAIN
    aside = (CN,) if CN.codec in names else ()
    # Keys on the clock of each codec (RFC 4733 2.1), and on that of old for who knows no other.
    clocks = {voice.clock for voice in voices} | {TELEPHONE_EVENT.clock}
    return voices + aside + tuple(events for events in _EVENTS if events.clock in clocks)


@lru_cache(maxsize=512)
def _without_events(codecs: tuple[Payload, ...]) -> tuple[Payload, ...]:
    return tuple(codec for codec in codecs if codec.codec != TELEPHONE_EVENT.codec)


def permitted(leg: Leg, codecs: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """Of `codecs` those that the site file allows on this leg and the engine has, in their order. A party whose keys
    shall come another way is not asked for telephone-events."""
    allowed = _permitted(leg, codecs)
    if leg.dtmf in ("inband", "info"):
        allowed = _without_events(allowed)
    return allowed if "opus" in leg.context.media.abilities else _without_opus(allowed)


@lru_cache(maxsize=64)
def _without_opus(codecs: tuple[Payload, ...]) -> tuple[Payload, ...]:
    left = tuple(codec for codec in codecs if codec not in (OPUS, TELEPHONE_EVENT_48000))
    return left if any(codec not in _ASIDE for codec in left) else PLAIN + left


def _permitted(leg: Leg, codecs: tuple[Payload, ...]) -> tuple[Payload, ...]:
    site = leg.context.site
    for trunk in site.trunks if leg.trunk else ():
        if trunk.id == leg.trunk:
            return _among(codecs, trunk.codecs)
    return _among(codecs if codecs != ALL else _ordered(site.site.codecs), site.site.codecs)


@lru_cache(maxsize=64)
def with_opus(codecs: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """The codecs, and at their end Opus: a telephone in a browser has no other, whatever the site has otherwise."""
    voices = tuple(codec for codec in codecs if codec not in _ASIDE)
    aside = tuple(codec for codec in _ASIDE if codec in codecs or codec is TELEPHONE_EVENT_48000)
    return voices + (() if OPUS in voices else (OPUS,)) + aside


@lru_cache(maxsize=16)
def _ordered(names: tuple[str, ...]) -> tuple[Payload, ...]:
    return tuple(_BY_NAME[name.upper()] for name in names)


def _offered(caller: Leg) -> tuple[Payload, ...]:
    """Our codecs among those that the caller offered, in the caller's order; () when it offered none."""
    session = caller.session
    if caller.direction != "in" or session is None or session.request is None or not session.request.body:
        return ()
    return _voices_in(session.request.body)


@lru_cache(maxsize=64)
def _voices_in(body: bytes) -> tuple[Payload, ...]:
    """The same of an offer; asked several times while its call is set up."""
    try:
        media = SessionDescription.parse(body).media
    except RemoteProtocolError:
        return ()
    offered = [payload for section in media if section.kind == "audio" for payload in section.payloads]
    found = (next((codec for codec in ALL if codec.same_codec(payload)), None) for payload in offered)
    return tuple(dict.fromkeys(codec for codec in found if codec is not None and codec not in _ASIDE))


def following(caller: Leg, codec: str) -> tuple[Payload, ...]:
    """What to answer the caller with when the other end uses this codec: nothing that would have to be transcoded,
    unless the caller has nothing else."""
    offered = _offered(caller)
    wanted = _BY_NAME.get(codec.upper())
    alike = ((wanted,) if wanted is not None else ()) + (PLAIN if wanted in PLAIN or wanted is None else ())
    chosen = tuple(dict.fromkeys(one for one in alike if not offered or one in offered))
    return (chosen or offered or ALL) + _ASIDE


def caller_codecs(caller: Leg) -> tuple[Payload, ...]:
    """What to answer a caller with who speaks to the box itself. Plain ones where the caller has them: what the box
    says has no more, and agents and trunks that the caller comes to later mostly have them too."""
    offered = _offered(caller)
    plain = tuple(codec for codec in offered if codec in PLAIN)
    return (plain or offered or ALL) + _ASIDE if offered else ALL


def codecs_for_peer(caller: Leg) -> tuple[Payload, ...]:
    """What to offer to the party that this caller is to be connected with: what the caller has, and what all have."""
    agreed = _BY_NAME.get(caller.codec.upper()) if caller.codec else None
    voices = (agreed,) if agreed is not None else _offered(caller)
    return tuple(dict.fromkeys((*voices, *PLAIN, *_ASIDE))) if voices else ALL
