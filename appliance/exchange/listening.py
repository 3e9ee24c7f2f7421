"""What is listened for on a leg, as a row of the desired table, and what follows from what was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.events import FaxDetected
from appliance.exchange.audio import Detector, Speech, Tone
from appliance.exchange.keys import hears_tones
from appliance.site.model import NOWHERE, Destination

if TYPE_CHECKING:
    from appliance.exchange.leg import Leg

FAX_SECONDS = 60.0
"""After its answer a calling fax machine has been heard by then; later only people are there."""


def listen(leg: Leg) -> None:
    """Brings the leg's detector to what it is doing now."""
    context, before = leg.context, leg.detector
    wanted = _wanted(leg, before.id if before is not None else 0)
    if wanted == before:
        return
    leg.detector = wanted
    if wanted is not None:
        context.media.put(wanted)
    elif before is not None:
        context.media.drop(before.id)


def _wanted(leg: Leg, row: int) -> Detector | None:
    if leg.negotiated is None or leg.state == "ended":
        return None
    machine = leg.machine
    keys, tones = hears_tones(leg), machine is not None or _fax_may_call(leg)
    if not keys and not tones:
        return None
    return Detector(
        id=row or leg.context.next_row(),
        port=leg.port_row,
        keys=keys,
        tones=tones,
        speech=machine is not None,
        hangover=machine.hangover if machine is not None else 60,
    )


def _fax_may_call(leg: Leg) -> bool:
    call = leg.call
    if not leg.trunk or leg is not call.origin or leg.direction != "in" or leg.state != "answered" or call.fax:
        return False
    if leg.context.now.mono - leg.answered_at > FAX_SECONDS:
        return False
    # In transit from one carrier to another it is the called side's business.
    return not any(other.trunk for other in call.bridge if other is not leg)


def heard_tone(leg: Leg, event: Tone) -> None:
    """A fax machine calls or answers, or a machine beeps."""
    if leg.machine is not None:
        leg.machine.tone(event.tone)
    call = leg.call
    if event.tone == "beep" or call.fax or call.ended:
        return
    call.fax = True
    destination = _fax_destination(leg) if event.tone == "cng" and leg is call.origin and not call.bridge else NOWHERE
    leg.context.emit(FaxDetected(call=call.id, leg=leg.id, tone=event.tone, to=str(destination)))
    if destination != NOWHERE:
        leg.context.router.send(leg, destination)
    listen(leg)


def _fax_destination(leg: Leg) -> Destination:
    return next((trunk.fax for trunk in leg.context.site.trunks if trunk.id == leg.trunk), NOWHERE)


def heard_speech(leg: Leg, event: Speech) -> None:
    """The party began or ceased to speak."""
    if leg.machine is not None:
        leg.machine.speech(event.speaking, event.at)
