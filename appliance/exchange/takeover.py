"""What a start does with what the run before left: plain bridged calls go on, every other dialog is ended.

A call is taken over when its record is open, both its dialogs are stored and the media process, if it lived on, still
holds the ports of both legs (without them the call had ended already). Its rows are stated again as they were, ids and
generations included, so that nothing changes for the engine and nobody hears a gap.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import msgspec

from appliance.events import CallTakenOver, DecisionFailed
from appliance.exchange.audio import RtpPort
from appliance.exchange.call import Call
from appliance.exchange.causes import INTERNAL, RESTART, ending_headers
from appliance.exchange.kept import Before, KeptCall, KeptLeg, Recovered
from appliance.exchange.leg import Leg
from appliance.exchange.listening import listen
from appliance.sip.offer_answer import refresh_offer

if TYPE_CHECKING:
    from appliance.exchange.context import Context
    from appliance.sip.session import Session

LOOK_SECONDS = 6.0
"""After a takeover: a party that has not been heard by then is asked whether it is still there. More than the five
seconds between two reports of the media process."""

MUSIC_SECONDS = 2.0


class Takeover:
    """One run's work, done before the first input."""

    def __init__(self, context: Context, before: Before) -> None:
        self.context, self.before = context, before
        self._left = dict(before.dialogs)
        """Dialogs that no call has taken."""
        self._failed: list[str] = []

    def run(self) -> Recovered:
        """All of it. Rows of calls that do not go on are not stated again: with the next frame they are gone."""
        context, before = self.context, self.before
        context.reserve_rows(max(before.rows or (), default=0))
        chosen = [kept for kept in before.calls if self._can(kept)]
        for kept in chosen:
            # Before anything else is given a port or a row.
            context.reserve_rows(kept.mix)
            for leg in kept.legs:
                context.reserve_rows(max(leg.port_row, *leg.hearing, leg.detector.id if leg.detector else 0))
                context.media.claim_port(leg.port)
        context.center.restore(before.agents, context.now)
        context.phones.restore(list(before.bindings))
        taken = tuple(kept.id for kept in chosen if self._take(kept))
        return Recovered(taken=taken, ended=self._end_others(), failed=tuple(self._failed))

    def _can(self, kept: KeptCall) -> bool:
        before = self.before
        return (
            kept.id in before.open_calls
            and all(leg.dialog in before.dialogs for leg in kept.legs)
            and (before.rows is None or all(leg.port_row in before.rows for leg in kept.legs))
        )

    # --- one call ----------------------------------------------------------------------------------------------------
    def _take(self, kept: KeptCall) -> bool:
        """False: something of it cannot be used after all; then nothing of it is left."""
        context = self.context
        call: Call | None = None
        sessions: list[Session] = []
        try:
            sessions.extend(self._session(leg) for leg in kept.legs)
            call = self._call(kept)
            for leg, session in zip(kept.legs, sessions, strict=True):
                self._leg(call, leg, session)
            self._join(call, kept)
        except Exception as error:
            context.emit(DecisionFailed(call=kept.id, error=repr(error), trace=traceback.format_exc(limit=-12)))
            if call is not None:
                self._give_up(call)
            for leg in kept.legs:
                context.media.release_port(leg.port)
            for session in sessions:
                session.terminate(context.now, headers=ending_headers(RESTART))
            return False
        return True

    def _give_up(self, call: Call) -> None:
        """Ends what there is of a call. Its recording is told, and mended, with those of all other calls."""
        context = self.context
        try:
            call.recorder.abandon()
            call.end(INTERNAL)
        except Exception as error:
            context.emit(DecisionFailed(call=call.id, error=repr(error), trace=traceback.format_exc(limit=-12)))
        if context.calls.pop(call.id, None) is None:
            self._failed.append(call.id)

    def _session(self, kept: KeptLeg) -> Session:
        context = self.context
        line = context.trunks.lines.get(kept.trunk)
        credentials = line.credentials if line is not None else None
        session = context.endpoint.restore(self._left[kept.dialog], context.now, credentials)
        del self._left[kept.dialog]
        return session

    def _call(self, kept: KeptCall) -> Call:
        call = Call(
            self.context,
            kept.kind,
            kept.caller,
            kept.called,
            caller_name=kept.caller_name,
            trunk=kept.trunk,
            extension=kept.extension,
            journey=kept.journey,
            known_as=kept.id,
        )
        call.destination, call.queue, call.agent = kept.destination, kept.queue, kept.agent
        call.rule, call.emergency, call.hops = kept.rule, kept.emergency, kept.hops
        call.started, call.state, call.since = kept.started, kept.state, kept.since
        call.queued, call.talking_since = kept.queued, kept.talking_since
        call.fax = kept.fax
        call.language = kept.language or call.language
        call.legs_made, call.mix = kept.legs_made, kept.mix
        return call

    def _leg(self, call: Call, kept: KeptLeg, session: Session) -> None:
        context = self.context
        leg = Leg(
            context,
            call,
            kept.direction,
            extension=kept.extension,
            trunk=kept.trunk,
            number=kept.number,
            name=kept.name,
            session=session,
            known_as=kept.id,
        )
        session.owner = leg
        leg.state, leg.answered_at, leg.ringing = "answered", kept.answered_at, True
        leg.agent, leg.held = kept.agent, kept.held
        leg.branches = [session] if kept.direction == "out" else []
        leg.port, leg.port_row, leg.port_generation = kept.port, kept.port_row, kept.port_generation
        leg.local, leg.local_ip, leg.negotiated = kept.local, kept.local_ip, kept.negotiated
        leg.body = session.local_sdp or b""
        leg.hearing, leg.playing, leg.player_generation = kept.hearing, kept.player, kept.player_generation
        leg.musical = kept.musical
        leg.dtmf, leg.presses = kept.dtmf or leg.dtmf, kept.presses
        leg.detector, leg.dscp = kept.detector, kept.dscp
        if kept.musical and kept.player is None:
            # The music came by the line-in, whose process is another one now.
            leg.hearing = ()
        context.rows[leg.port_row] = leg
        leg.put_rows()
        if kept.serving and kept.talking_since is not None:
            leg.serving = context.center.take_over(
                kept.agent,
                kept.extension,
                call.id,
                call.queue,
                kept.wrap_up,
                kept.talking_since.mono,
                kept.since or kept.talking_since,
                context.now,
            )
        leg.occupy()

    def _join(self, call: Call, kept: KeptCall) -> None:
        context = self.context
        by_id = {leg.id: leg for leg in call.legs}
        call.origin = by_id.get(kept.origin)
        call.bridge = tuple(by_id[one] for one in kept.bridge)
        call.remix()
        for leg in call.legs:
            listen(leg)
            self._play_on(call, leg)
        for leg in call.legs:
            if leg.session is not None:
                # At once: the CSeqs leapt, and must leap from there when the box dies again.
                context.keeping.session(leg.session)
        context.after(LOOK_SECONDS, call, lambda: self._look(call))
        # Last: nothing fails any more when the ledger is told.
        if kept.recorder is not None:
            call.recorder.restore(kept.recorder, kept.recorder.id in self.before.open_recordings)
            if self.before.rows is None and kept.recorder.row is not None:
                call.recorder.interrupted()
        context.emit(
            CallTakenOver(
                call=call.id,
                legs=tuple(leg.id for leg in call.bridge),
                held=tuple(leg.id for leg in call.bridge if leg.held),
                agent=next((leg.agent for leg in call.bridge if leg.serving), call.agent),
                answered=kept.talking_since or call.since.wall,
                away=round(self.before.away, 3),
            )
        )

    def _play_on(self, call: Call, leg: Leg) -> None:
        """Music from the line-in comes from there again, or is the box's own, as soon as either is ready."""
        if not leg.musical or leg.hearing:
            return
        if self.context.voice.music():
            leg.music()
        else:
            self.context.after(MUSIC_SECONDS, call, lambda: self._play_on(call, leg))

    def _look(self, call: Call) -> None:
        """A party that hung up or vanished while nobody listened is found out now."""
        for leg in call.legs:
            session, stats = leg.session, leg.stats
            if session is None or session.state != "confirmed":
                continue
            if self._differs(leg):
                # What was agreed on last did not reach the store any more: ask anew, which brings both sides to one.
                session.offer(refresh_offer(leg.local, leg.body) if leg.local else leg.body, self.context.now)
            elif leg.held or stats is None or not 0.0 <= stats.last_heard < LOOK_SECONDS:
                session.probe(self.context.now)

    def _differs(self, leg: Leg) -> bool:
        """Whether the engine holds another port than we remember. What keys were sent last is not remembered."""
        rows = self.before.rows
        if rows is None:
            return False
        held = rows.get(leg.port_row)
        return not isinstance(held, RtpPort) or leg.row() != msgspec.structs.replace(held, press="")

    # --- the others --------------------------------------------------------------------------------------------------
    def _end_others(self) -> int:
        """Ends every other dialog, answered or not, so that no carrier channel or phone hangs; how many there were."""
        context = self.context
        count = 0
        for snapshot in self._left.values():
            try:
                if snapshot.invite:
                    status, headers = RESTART.status, ending_headers(RESTART)
                    count += context.endpoint.end_unanswered(snapshot, status, context.now, headers)
                else:
                    context.endpoint.restore(snapshot, context.now).bye(context.now, ending_headers(RESTART))
                    count += 1
            except Exception as error:
                context.emit(DecisionFailed(call="", error=repr(error), trace="restore"))
        return count
