"""The audio ports of the box: taken for legs, made free for an emergency call, and said aloud when they run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.events import FaultCleared, FaultRaised
from appliance.events.base import Words
from appliance.exchange.causes import PREEMPTED

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context, Deferred

FAULT = "rtp-ports"
SAID_SECONDS = 3600.0
"""How long after a call was last refused for want of a port the fault stands: someone has to see it."""

_TEXT: Words = {
    "ja": "音声ポートがすべて使用中のため、つながらなかった通話があります。",
    "en": "Every audio (RTP) port was in use, and a call could not be connected.",
}
_REMEDY: Words = {
    "ja": "`--rtp` の範囲を広げて起動してください（1 通話につき 4 ポート）。",
    "en": "Start the box with a wider `--rtp` range: a call takes four ports.",
}


class AudioPorts:
    """Gives legs their RTP ports. The last few are kept for emergency calls (`Media.allocate_port`)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._fault: Deferred | None = None
        """Takes the fault back; None while there is none."""

    def take(self, call: Call) -> int | None:
        """A port for a leg of this call; None: all are in use. An emergency call ends others for it if need be."""
        media = self._context.media
        port = media.allocate_port(reserved=call.emergency)
        if port is not None:
            return port
        self._say()
        while call.emergency and port is None and self._preempt():
            port = media.allocate_port(reserved=True)
        return port

    def _preempt(self) -> bool:
        """Ends the newest call that is no emergency and holds a port; False: there is none."""
        calls = self._context.calls
        for one in reversed(list(calls.values())):
            if not one.emergency and any(leg.port for leg in one.legs):
                self._context.contain(one, lambda: one.end(PREEMPTED))  # noqa: B023
                return True
        return False

    def _say(self) -> None:
        context = self._context
        if self._fault is not None:
            self._fault.cancel()
        else:
            context.emit(FaultRaised(fault=FAULT, text=_TEXT, remedy=_REMEDY))
        self._fault = context.after(SAID_SECONDS, None, self._past)

    def _past(self) -> None:
        self._fault = None
        self._context.emit(FaultCleared(fault=FAULT))
