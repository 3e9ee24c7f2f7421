"""Recording of a call: one recorder on its anchor leg, the outside party; internally the leg that began the call.

It runs while the call is bridged and nobody holds it; left is the anchor's party, right what it hears from our side,
never whisper or prompts. Which calls: the queue's rule, else the extension's, else the site's, as they were when the
call began. By "on-demand" somebody starts and stops it; a pause is for what may not be kept (a card's number).
"""

from __future__ import annotations

import contextlib
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from appliance.errors import CommandError
from appliance.events import RecordingPaused, RecordingResumed, RecordingSegment, RecordingStarted, RecordingStopped
from appliance.exchange.audio import Recorder, RecorderStopped
from appliance.exchange.kept import KeptRecorder
from appliance.exchange.notice import RecordingNotice

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context, Deferred
    from appliance.exchange.leg import Leg

ACTIONS: Final = ("start", "stop", "pause", "resume")
CLOSING_SECONDS: Final = 60.0
"""How long the media side may take to say that a file is complete; then its length is as we reckon it."""
KEY_SECONDS: Final = 3.0
"""Between two keys of the record key."""
_WIDE: Final = frozenset({"G722", "opus"})


class CallRecorder:
    """The recorder of one call. It exists from the first bridge on where the rule asks for it, or a person does."""

    def __init__(self, context: Context, call: Call) -> None:
        self.context = context
        self.call: Call = weakref.proxy(call)
        """Whose part this is: a recorder does not keep its call alive."""
        self.notice = RecordingNotice(context, call)
        self.row: Recorder | None = None
        self.id = ""
        self.failed = False
        self.paused = False
        """Nothing that is said now may be kept."""
        self.wanted: bool | None = None
        """Somebody started or stopped it; None: as the rule says."""
        self._site = context.site
        self._extensions = context.phones.extensions
        self._call_id = ""
        self._row_id = 0
        self._how, self._by = "", ""
        """How it is paused, as the ledger says; who asked last."""
        self._error = ""
        self._media_time = 0.0
        self._passing_since: float | None = None
        self._closing: Deferred | None = None
        self._keys, self._key_at = "", 0.0

    # --- how it stands -----------------------------------------------------------------------------------------------
    @property
    def recording(self) -> bool:
        """Whether audio is being written now."""
        return self.row is not None and self.row.running

    def _anchor(self) -> Leg | None:
        bridge = self.call.bridge
        return next((leg for leg in bridge if leg.trunk), None) or (bridge[0] if bridge else None)

    def rule(self) -> str:
        """never, on-demand or always, for the call as it is bridged now."""
        if self.call.rule:
            return self.call.rule
        for leg in self.call.bridge or self.call.legs:
            extension = self._extensions.get(leg.extension) if leg.extension else None
            if extension is not None and extension.record:
                return extension.record
        return self._site.site.record

    def _asked_for(self) -> bool:
        rule = self.rule()
        return rule != "never" and (rule == "always" if self.wanted is None else self.wanted)

    # --- what people and programs ask for ----------------------------------------------------------------------------
    def command(self, action: str, by: str, limited: bool) -> None:
        """start, stop, pause or resume. What is so already stays so.

        `limited`: an agent asks, who may not stop what is always recorded. CommandError invalid, recording_off,
        forbidden, recording_failed.
        """
        rule = self.rule()
        if action not in ACTIONS:
            raise CommandError("invalid", f"Unknown action {action!r}; one of {', '.join(ACTIONS)}.", "action")
        if action == "start":
            if rule == "never":
                raise CommandError("recording_off", "The rule for this call is that it is never recorded.")
            if self.failed:
                raise CommandError("recording_failed", "The recording of this call broke off; it cannot go on.")
            self.wanted, self.paused = True, False
        elif action == "stop":
            if limited and rule == "always":
                raise CommandError("forbidden", "This call is always recorded; it can be paused.")
            self.wanted = False
        else:
            self.paused = action == "pause"
        self._by = by
        self.follow()

    def from_phone(self, on: bool, by: str) -> None:
        """A phone's record key: starts and stops where that is its user's choice, else resumes and pauses. CommandError
        as `command`."""
        always = self.rule() == "always"
        if on and (self.failed or not always):
            self.command("start", by, True)
        else:
            self.command(("resume" if on else "pause") if always else "stop", by, True)

    def key(self, digit: str, by: str) -> None:
        """A key that one of our phones pressed during the conversation."""
        wanted, now = self._site.site.record_key, self.context.now.mono
        if not wanted:
            return
        self._keys = (self._keys if now - self._key_at <= KEY_SECONDS else "") + digit
        self._keys, self._key_at = self._keys[-len(wanted) :], now
        if self._keys == wanted:
            self._keys = ""
            # Keys have no way to show why not.
            with contextlib.suppress(CommandError):
                self.from_phone(not self.recording, by)

    # --- the course of the call --------------------------------------------------------------------------------------
    def follow(self) -> None:
        """Brings the recorder to what is wanted, after each change of the bridge, a hold or what is asked."""
        was_kept = self.row is not None and not self._how
        if self.row is None and not self.failed and self.call.bridge and self._asked_for():
            self._start()
        row, anchor = self.row, self._anchor()
        if row is None or anchor is None:
            return
        others = [leg for leg in self.call.bridge if leg is not anchor]
        right = tuple(leg.port_row for leg in others)
        wanted, policy = self._asked_for(), self._site.site.record_pause
        how = "stop" if not wanted else policy if self.paused else ""
        running = not self.call.held and not how
        silent = not self.call.held and how == "silence"
        self._count(running or silent)
        if right != row.right:
            for leg in others:
                self.context.emit(
                    RecordingSegment(recording=self.id, offset=self._media_time, leg=leg.id, agent=leg.agent)
                )
        self._tell(how)
        if (running, silent, right) != (row.running, row.silent, row.right):
            self.row = msgspec.structs.replace(row, right=right, running=running, silent=silent)
            self.context.media.put(self.row)
        if not how and not was_kept:
            self.notice.sound()

    def _tell(self, how: str) -> None:
        """Says in the ledger that it was paused, stopped or resumed. Hold is no pause: the ledger has it already."""
        if how == self._how:
            return
        self._how, offset = how, round(self._media_time, 3)
        if how:
            event = RecordingPaused(recording=self.id, call=self._call_id, offset=offset, how=how, by=self._by)
            self.context.emit(event)
        else:
            self.context.emit(RecordingResumed(recording=self.id, call=self._call_id, offset=offset, by=self._by))

    def _count(self, passing: bool) -> None:
        """Adds up media time; from now on it passes or not."""
        now = self.context.now.mono
        if self._passing_since is not None:
            self._media_time += now - self._passing_since
        self._passing_since = now if passing else None

    def _start(self) -> None:
        anchor, now = self._anchor(), self.context.now
        if anchor is None:
            return
        try:
            zone = ZoneInfo(self._site.site.timezone)
        except (KeyError, ValueError, OSError):
            zone = ZoneInfo("UTC")
        day = datetime.fromtimestamp(now.wall, UTC).astimezone(zone).strftime("%Y/%m/%d")
        self.id, self._call_id = anchor.id, self.call.id
        path = f"{day}/{anchor.id}.wav"
        # The file's rate stays what it is at the start; who joins later with another codec is resampled.
        wide = any(leg.codec in _WIDE for leg in self.call.bridge)
        self.row = Recorder(
            id=self.context.next_row(),
            path=f"{self.context.recordings}/{path}",
            left=anchor.port_row,
            running=False,
            rate=16000 if wide else 8000,
            call=self.call.id,
            leg=anchor.id,
        )
        self._row_id = self.row.id
        self.context.recorders[self._row_id] = self
        self.context.emit(
            RecordingStarted(recording=self.id, call=self.call.id, leg=anchor.id, path=path, rate=self.row.rate)
        )

    # --- over a restart of the box -----------------------------------------------------------------------------------
    def kept(self) -> KeptRecorder | None:
        """The recorder as plain data, for a restart; None: there never was one."""
        if not self.id and not self.failed:
            return None
        return KeptRecorder(
            id=self.id,
            row=self.row,
            failed=self.failed,
            error=self._error,
            media_time=self._media_time,
            passing_since=self._passing_since,
            paused=self.paused,
            wanted=self.wanted,
            how=self._how,
            by=self._by,
        )

    def restore(self, kept: KeptRecorder, known: bool) -> None:
        """The recorder of before a restart goes on. `known`: the ledger has its recording as open."""
        self.id, self.row, self.failed, self._error = kept.id, kept.row, kept.failed, kept.error
        self._media_time, self._passing_since = kept.media_time, kept.passing_since
        self.paused, self.wanted, self._how, self._by = kept.paused, kept.wanted, kept.how, kept.by
        self._call_id = self.call.id
        if self.row is None:
            return
        self._row_id = self.row.id
        self.context.recorders[self._row_id] = self
        self.context.reserve_rows(self.row.id)
        self.context.media.put(self.row)
        if not known:
            # It was begun moments before the box died, and the ledger had no time to keep that.
            path = self.row.path.removeprefix(f"{self.context.recordings}/")
            self.context.emit(
                RecordingStarted(recording=self.id, call=self.call.id, leg=self.row.leg, path=path, rate=self.row.rate)
            )

    def abandon(self) -> None:
        """The call could not be taken over after all. What becomes of the file is told by who clears up."""
        row, self.row = self.row, None
        if row is not None:
            self.context.recorders.pop(row.id, None)
            self.context.media.drop(row.id)

    # --- its end -----------------------------------------------------------------------------------------------------
    def interrupted(self) -> None:
        """The media process died. While the call lives it goes on with the file: what it had not written yet is silence
        there. A file that was being completed is as complete as it will be."""
        self._error = "the media process was restarted; the moment in between is silent"
        self.context.stirred.add(self._call_id)
        if self.row is None:
            self._finish("media-restart", self._media_time, self._error)

    def stop(self) -> None:
        """The call is over. `RecordingStopped` follows when the media side says that the file is whole on the disk."""
        self.notice.end()
        row, self.row = self.row, None
        if row is None:
            return
        self._count(False)
        self.context.media.drop(row.id)
        self._closing = self.context.after(
            CLOSING_SECONDS, None, lambda: self._finish("ended", self._media_time, "its end was not confirmed")
        )

    def stopped(self, event: RecorderStopped) -> None:
        """The file is complete: the call ended, or the media side could go on no longer (then the call goes on)."""
        row, self.row = self.row, None
        if row is not None:
            self.failed = True
            self.context.media.drop(row.id)
            self._finish(event.reason, event.seconds, event.error)
        else:
            self._finish(event.reason, event.seconds, event.error or self._error)

    def _finish(self, reason: str, seconds: float, error: str) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self.context.recorders.pop(self._row_id, None) is None:
            return
        self.context.emit(
            RecordingStopped(
                recording=self.id, call=self._call_id, seconds=round(seconds, 3), reason=reason, error=error
            )
        )
