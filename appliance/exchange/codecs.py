"""Which codecs a leg is offered or answered with, in which order: the same on both sides of a call where possible."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.errors import RemoteProtocolError
from appliance.exchange import audio
from appliance.sip.offer_answer import PCMA, PCMU, TELEPHONE_EVENT
from appliance.sip.sdp import Payload, SessionDescription

if TYPE_CHECKING:
    from appliance.exchange.leg import Leg


@lru_cache(maxsize=512)
def row_payload(payload: Payload) -> audio.Payload:
    """A negotiated payload type as a row of the desired table has it."""
    return audio.Payload(payload.number, payload.codec, payload.clock, payload.fmtp)


ALL: tuple[Payload, ...] = (PCMU, PCMA, TELEPHONE_EVENT)
"""What the engine can do, in the order in which it is offered when nothing speaks for another."""


def preferring(first: str) -> tuple[Payload, ...]:
    """All codecs, the one of this name first."""
    return tuple(sorted(ALL, key=lambda codec: codec.codec != first)) if first else ALL


def caller_codecs(caller: Leg) -> tuple[Payload, ...]:
    """All codecs in the order of the caller's own offer, those it did not offer last."""
    session = caller.session
    if caller.direction != "in" or session is None or session.request is None or not session.request.body:
        return ALL
    try:
        media = SessionDescription.parse(session.request.body).media
    except RemoteProtocolError:
        return ALL
    offered = [payload for section in media if section.kind == "audio" for payload in section.payloads]
    rank: dict[str, int] = {}
    for payload in offered:
        rank.setdefault(payload.codec.upper(), len(rank))
    return tuple(sorted(ALL, key=lambda codec: rank.get(codec.codec.upper(), 99)))


def codecs_for_peer(caller: Leg) -> tuple[Payload, ...]:
    """What to offer to the party that this caller is to be connected with."""
    return preferring(caller.codec) if caller.codec else caller_codecs(caller)
