"""Whether the audio keeps time: what the engine counts of itself, for `/metrics`, and a fault when it runs late."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from appliance.app.faults import Faults
from appliance.media.protocol import Figures
from appliance.web.context import Metric

LATE_SHARE = 0.01
"""Share of a minute's ticks that may be more than 5 ms late before people hear it."""
LEAST_TICKS = 500
"""Fewer say nothing: the engine ticks only while there is something to play or mix."""
LATE = "audio-late"

_TOTALS = (
    ("ticks", "hako_media_ticks_total", "Turns of the audio engine, 20 ms each."),
    ("late_ticks", "hako_media_ticks_late_total", "Turns that came more than 5 ms after their time."),
    ("lost_ticks", "hako_media_ticks_lost_total", "Turns left out because the machine stood still."),
    ("received", "hako_media_packets_received_total", "RTP packets taken from sockets."),
    ("forwarded", "hako_media_packets_forwarded_total", "RTP packets sent on as they came."),
    ("mixed", "hako_media_packets_mixed_total", "RTP packets made by the engine."),
    ("invalid", "hako_media_packets_invalid_total", "Datagrams that were no RTP that was agreed on."),
    ("send_failed", "hako_media_packets_refused_total", "Packets that the kernel did not take."),
    ("events_lost", "hako_media_events_lost_total", "Reports of the engine that nobody took in time."),
)


class Pace:
    """`look` once a minute."""

    def __init__(self, figures: Callable[[], Figures], faults: Faults) -> None:
        """`figures`: the newest of the engine."""
        self._figures, self._faults = figures, faults
        self._before = Figures()

    def look(self) -> None:
        """Raises or clears the fault by what happened since the last look."""
        now, before = self._figures(), self._before
        self._before = now
        if now.ticks < before.ticks:
            before = Figures()  # of an engine that was started anew
        ticks, lost = now.ticks - before.ticks, now.lost_ticks - before.lost_ticks
        late = now.late_ticks - before.late_ticks
        if ticks + lost < LEAST_TICKS:
            return
        if late + lost <= LATE_SHARE * (ticks + lost):
            self._faults.clear(LATE)
            return
        share = 100 * (late + lost) / (ticks + lost)
        text = {
            "ja": f"音声の処理が遅れています（この 1 分で {share:.0f} %）。通話の音が途切れることがあります。",
            "en": f"The audio runs late ({share:.0f} % of the last minute): calls may stutter.",
        }
        remedy = {
            "ja": "本体の負荷と温度を確認し、ほかのプログラムを止めてください。",
            "en": "Look at the load and the temperature of the box; end other programs on it.",
        }
        self._faults.raise_(LATE, text, remedy)

    def metrics(self) -> Iterable[Metric]:
        """Families of `/metrics`."""
        figures = self._figures()
        for name, family, text in _TOTALS:
            yield Metric(family, "counter", text, [({}, getattr(figures, name))])
