"""Recording of a call: one recorder on its anchor leg, the outside party; internally the leg that began the call.

It runs while the call is bridged and nobody holds it; left is the anchor's party, right what it hears from our side,
never whisper or prompts. Which calls: the queue's rule, else the extension's, else the site's.
"""

from __future__ import annotations

import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from appliance.events import RecordingSegment, RecordingStarted, RecordingStopped
from appliance.exchange.audio import Recorder, RecorderStopped

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg


class CallRecorder:
    """The recorder of one call. It exists from the first bridge on, where the rule asks for it."""

    def __init__(self, context: Context, call: Call) -> None:
        self.context = context
        self.call: Call = weakref.proxy(call)
        """Whose part this is: a recorder does not keep its call alive."""
        self.row: Recorder | None = None
        self.id = ""
        self.failed = False
        self._error = ""
        self._media_time = 0.0
        self._running_since: float | None = None

    @property
    def recording(self) -> bool:
        """Whether audio is being written now."""
        return self.row is not None and self.row.running

    def _anchor(self) -> Leg | None:
        bridge = self.call.bridge
        return next((leg for leg in bridge if leg.trunk), None) or (bridge[0] if bridge else None)

    def rule(self) -> str:
        """never, on-demand or always, for the call as it is bridged now."""
        site = self.context.site
        if self.call.rule:
            return self.call.rule
        own = [self.context.phones.record_rule(leg.extension) for leg in self.call.bridge if leg.extension]
        return next((rule for rule in own if rule), site.site.record)

    def bridged(self) -> None:
        """The call was bridged: starts to record if it shall be, or goes on with the new party."""
        if self.row is None and not self.failed and self.rule() == "always":
            self._start()
        self.changed()

    def _start(self) -> None:
        anchor, now = self._anchor(), self.context.now
        if anchor is None:
            return
        try:
            zone = ZoneInfo(self.context.site.site.timezone)
        except (KeyError, ValueError, OSError):
            zone = ZoneInfo("UTC")
        day = datetime.fromtimestamp(now.wall, UTC).astimezone(zone).strftime("%Y/%m/%d")
        self.id = anchor.id
        path = f"{day}/{anchor.id}.wav"
        self.row = Recorder(
            id=self.context.next_row(),
            path=f"{self.context.recordings}/{path}",
            left=anchor.port_row,
            running=False,
            call=self.call.id,
            leg=anchor.id,
        )
        self.context.emit(RecordingStarted(recording=self.id, call=self.call.id, leg=anchor.id, path=path))

    def changed(self) -> None:
        """The bridge, or who holds it, changed."""
        row, anchor, now = self.row, self._anchor(), self.context.now.mono
        if row is None or anchor is None:
            return
        others = [leg for leg in self.call.bridge if leg is not anchor]
        running = not self.call.held
        right = tuple(leg.port_row for leg in others)
        if running == row.running and right == row.right:
            return
        if self._running_since is not None:
            self._media_time += now - self._running_since
        self._running_since = now if running else None
        if right != row.right:
            for leg in others:
                self.context.emit(
                    RecordingSegment(recording=self.id, offset=self._media_time, leg=leg.id, agent=leg.agent)
                )
        self.row = Recorder(
            id=row.id, path=row.path, left=row.left, right=right, running=running, call=row.call, leg=row.leg
        )
        self.context.media.put(self.row)

    def interrupted(self) -> None:
        """The media process died and goes on with the file: what it had not written yet is silence there."""
        if self.row is not None:
            self._error = "the media process was restarted; the moment in between is silent"

    def stop(self, reason: str) -> None:
        """The recording is over; how long it became is told by the media side, or reckoned here if that side died."""
        row, self.row = self.row, None
        if row is None:
            return
        self.context.media.drop(row.id)
        if self._running_since is not None:
            self._media_time += self.context.now.mono - self._running_since
        self.context.emit(
            RecordingStopped(
                recording=self.id,
                call=self.call.id,
                seconds=round(self._media_time, 3),
                reason=reason,
                error=self._error,
            )
        )

    def stopped(self, event: RecorderStopped) -> None:
        """The media side could go on no longer (disk full, failed); the call goes on."""
        if self.row is None or event.id != self.row.id:
            return
        self.row = None
        self.failed = True
        self.context.media.drop(event.id)
        self.context.emit(
            RecordingStopped(
                recording=self.id,
                call=self.call.id,
                seconds=event.seconds,
                reason=event.reason,
                error=event.error,
            )
        )
