"""How each leg of a call sounded, read from the call's events."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.events import Entry, LegAudio, LegMoved, LegStarted, OneWayAudio
from appliance.exchange.quality import word_of
from appliance.exchange.view import View


class LegVoice(View, frozen=True, kw_only=True):
    """A leg's audio over its whole life. Mean opinion scores are 1 to 4.5, by the E-model."""

    leg: str
    extension: str = ""
    trunk: str = ""
    agent: str = ""
    number: str = ""
    codec: str = ""
    """That the party sent."""
    quality: str = ""
    """good, fair or bad, by the worse direction; empty: nothing is known."""
    mos: float | None = None
    """Of what came from the party."""
    mos_min: float | None = None
    """Of the worst five seconds."""
    sent_mos: float | None = None
    """Of what the party got, by its own reports."""
    sent_mos_min: float | None = None
    loss: float = 0.0
    """Share of the party's packets that were lost or came too late, 0..1."""
    sent_loss: float = 0.0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    strangers: int = 0
    """Packets from an address that was not the party's, or was not taken for it yet: dropped."""
    unheard: str = ""
    """Why nothing was heard of the party for a time, as `OneWayAudio.reason`; empty: it was heard."""
    unreached: str = ""
    """Why it heard nothing for a time."""


def legs_of(entries: Iterable[Entry]) -> tuple[LegVoice, ...]:
    """The legs whose figures are complete, in the order in which they began."""
    started: dict[str, LegStarted] = {}
    audio: dict[str, LegAudio] = {}
    reasons: dict[tuple[str, str], str] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, LegStarted):
            started[event.leg] = event
        elif isinstance(event, LegAudio):
            audio[event.leg] = event
            started.setdefault(event.leg, LegStarted(leg=event.leg, call=event.call, direction=""))
        elif isinstance(event, OneWayAudio):
            reasons[event.leg, event.direction] = event.reason
        elif isinstance(event, LegMoved):
            started.pop(event.leg, None)
    return tuple(
        _voice(begin, audio[leg], reasons.get((leg, "from"), ""), reasons.get((leg, "to"), ""))
        for leg, begin in started.items()
        if leg in audio
    )


def _voice(begin: LegStarted, audio: LegAudio, unheard: str, unreached: str) -> LegVoice:
    expected = audio.packets + audio.lost
    return LegVoice(
        leg=audio.leg,
        extension=begin.extension or audio.extension,
        trunk=begin.trunk or audio.trunk,
        agent=begin.agent,
        number=begin.number,
        codec=audio.codec,
        quality=word_of(audio.mos, audio.sent_mos),
        mos=audio.mos,
        mos_min=audio.mos_min,
        sent_mos=audio.sent_mos,
        sent_mos_min=audio.sent_mos_min,
        loss=round((audio.lost + audio.late) / expected, 4) if expected else 0.0,
        sent_loss=audio.sent_loss,
        jitter_ms=audio.jitter_ms,
        round_trip_ms=audio.round_trip_ms,
        strangers=audio.strangers,
        unheard=audio.unheard or unheard,
        unreached=audio.unreached or unreached,
    )
