"""What the media process reports, handed to the leg or recorder it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.events import LegAudio, MediaRestarted
from appliance.exchange import audio, keys
from appliance.exchange.causes import FAILED
from appliance.exchange.listening import heard_speech, heard_tone, listen

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg


class MediaEvents:
    """Reads media events for the exchange."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def call_of(self, event: audio.AnyMediaEvent) -> Call | None:
        """The call an event is about, if it still lives."""
        leg = self.context.rows.get(event.id)
        return leg.call if leg is not None else None

    def handle(self, event: audio.AnyMediaEvent) -> None:
        """Carries out one event; those about rows that are gone are ignored."""
        context = self.context
        if isinstance(event, audio.PortStats):
            self._stats(event)
        elif isinstance(event, audio.RecorderStopped):
            recorder = context.recorders.get(event.id)
            if recorder is not None:
                recorder.stopped(event)
        elif isinstance(event, audio.EngineRestarted):
            context.emit(MediaRestarted(reason=event.reason))
            for recorder in list(context.recorders.values()):
                recorder.interrupted()
        elif not context.sound.handle(event):
            leg = context.rows.get(event.id)
            if leg is not None:
                self._of_leg(leg, event)

    def _of_leg(self, leg: Leg, event: audio.AnyMediaEvent) -> None:
        if isinstance(event, audio.Digit):
            keys.heard(leg, event.digit, keys.INBAND if event.inband else keys.RFC4733)
        elif isinstance(event, audio.Tone):
            heard_tone(leg, event)
        elif isinstance(event, audio.Speech):
            heard_speech(leg, event)
        elif isinstance(event, audio.PlayerFinished):
            if event.generation == leg.player_generation and leg.activity is not None:
                leg.activity.played()
        elif isinstance(event, audio.PortSilent):
            leg.check_alive()
        elif isinstance(event, audio.PortFailed) and not leg.reopen():
            leg.call.end(FAILED)

    def _stats(self, event: audio.PortStats) -> None:
        leg = self.context.rows.get(event.id)
        if leg is not None:
            leg.stats = event
            listen(leg)
        if not event.final:
            return
        ids = self.context.departed.pop(event.id, None)
        if ids is not None:
            self.context.emit(
                LegAudio(
                    leg=ids[0],
                    call=ids[1],
                    packets=event.packets,
                    lost=event.lost,
                    jitter_ms=round(event.jitter_ms, 1),
                    strangers=event.strangers,
                    unauthentic=event.unauthentic,
                    srtp=ids[2],
                    sent=event.sent,
                    last_heard=round(event.last_heard, 1),
                )
            )
