"""What the media process reports, handed to the leg or recorder it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.events import LegAudio, MediaRestarted, OneWayAudio
from appliance.exchange import audio, keys
from appliance.exchange.causes import FAILED
from appliance.exchange.listening import heard_speech, heard_tone, listen
from appliance.sip.transaction import host_port

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg
    from appliance.exchange.quality import Departed


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
            for talking in dict.fromkeys(context.rows.values()):
                # The new process knows of no silence: what still is, it tells again.
                talking.heard_again()
                talking.hears_again()
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
        elif isinstance(event, audio.PortUnheard):
            self._unheard(leg, event)
        elif isinstance(event, audio.PortHeard):
            leg.heard_again()
        elif isinstance(event, audio.PortUnreached):
            self._unreached(leg, event)
        elif isinstance(event, audio.PortReached):
            leg.hears_again()
        elif isinstance(event, audio.PortFailed) and not leg.reopen():
            leg.call.end(FAILED)

    def _stats(self, event: audio.PortStats) -> None:
        leg = self.context.rows.get(event.id)
        if leg is not None and leg.negotiated is not None:
            leg.stats = event
            listen(leg)
            leg.quality.take(event, leg.negotiated.ptime, leg.codec)
        if not event.final:
            return
        gone = self.context.departed.pop(event.id, None)
        if gone is not None:
            gone.quality.take(event, gone.packet_ms, gone.codec)
            self.context.emit(leg_audio(gone, event))

    # --- one-way audio -----------------------------------------------------------------------------------------------
    def _unheard(self, leg: Leg, event: audio.PortUnheard) -> None:
        call, negotiated = leg.call, leg.negotiated
        # Whoever holds, or said that he would not send, is silent by his own wish.
        if leg not in call.bridge or call.held or negotiated is None or "recv" not in negotiated.direction:
            return
        leg.unheard = event.reason
        remote = negotiated.remote
        self._one_way(
            leg,
            event.reason,
            expected=host_port(*remote) if remote is not None else "",
            source=event.source,
            payload_type=event.payload_type,
            seconds=round(event.seconds, 1),
        )

    def _unreached(self, leg: Leg, event: audio.PortUnreached) -> None:
        call, negotiated = leg.call, leg.negotiated
        if leg not in call.bridge or call.held or negotiated is None or "send" not in negotiated.direction:
            return
        leg.unreached = event.reason
        self._one_way(leg, event.reason, direction="to", expected=event.to)

    def _one_way(self, leg: Leg, reason: str, **seen: Any) -> None:
        """`seen`: further fields of the event."""
        self.context.emit(
            OneWayAudio(
                leg=leg.id,
                call=leg.call.id,
                extension=leg.extension,
                trunk=leg.trunk,
                number=leg.number,
                browser=_in_browser(leg),
                reason=reason,
                **seen,
            )
        )


def _in_browser(leg: Leg) -> bool:
    return bool(leg.extension) and leg.session is not None and leg.context.phones.browser_at(leg.session.flow)


def leg_audio(gone: Departed, stats: audio.PortStats) -> LegAudio:
    """What the ledger keeps of a leg's audio."""
    quality = gone.quality
    received, sent = quality.whole_received(gone.packet_ms), quality.whole_sent(gone.packet_ms, gone.codec)
    return LegAudio(
        leg=gone.leg,
        call=gone.call,
        extension=gone.extension,
        trunk=gone.trunk,
        packets=stats.packets,
        lost=stats.lost,
        jitter_ms=round(stats.jitter_ms, 1),
        strangers=stats.strangers,
        unauthentic=stats.unauthentic,
        repeated=stats.repeated,
        srtp=gone.srtp,
        sent=stats.sent,
        last_heard=round(stats.last_heard, 1),
        codec=stats.codec,
        late=stats.late,
        mos=_score(received.mos if received is not None else None),
        mos_min=_score(quality.worst_received),
        sent_mos=_score(sent.mos if sent is not None else None),
        sent_mos_min=_score(quality.worst_sent),
        sent_loss=round(sent.loss, 4) if sent is not None else 0.0,
        round_trip_ms=round(quality.round_trip_ms, 1) if quality.round_trip_ms is not None else None,
        unheard=gone.unheard,
        unreached=gone.unreached,
    )


def _score(mos: float | None) -> float | None:
    return round(mos, 2) if mos is not None else None
