"""A leg: one party's connection, with its SIP session and the audio of that party.

A leg hears what its `hearing` says: other legs (bridge), its own player (prompt, tone, music), itself (echo). The call
turns the hearing of its legs into one mix row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from appliance.errors import RemoteProtocolError
from appliance.events import LegAnswered, LegEnded, LegHeld, LegResumed, LegRinging, LegStarted, OneWayAudioEnded
from appliance.exchange import encryption, keys
from appliance.exchange.audio import Detector, Link, Player, PortStats, RtpPort
from appliance.exchange.causes import NO_CODEC, Ending, ending_headers, warning_header
from appliance.exchange.codecs import permitted, row_payload, with_opus
from appliance.exchange.listening import listen
from appliance.exchange.phones import in_browser
from appliance.exchange.quality import Departed, LegQuality
from appliance.sip.offer_answer import Local, Negotiated, accept, answer, make_offer, refresh_offer
from appliance.sip.sdes import Crypto, offered_in
from appliance.sip.sdp import Payload, SessionDescription

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.exchange.machines import Judging
    from appliance.sip.session import Session


class Activity(Protocol):
    """What a leg is doing; gets what happens on that leg."""

    name: str

    def digit(self, digit: str) -> None:
        """The party pressed a key."""

    def played(self) -> None:
        """The leg's player came to the end of its files."""

    def stop(self) -> None:
        """The leg goes away or does something else from now on: leave nothing behind."""


class Leg:
    """One party's connection. `session` is the incoming INVITE, or the branch of ours that was answered."""

    __slots__ = (
        "activity",
        "agent",
        "answered_at",
        "body",
        "branch_locals",
        "branches",
        "call",
        "context",
        "detector",
        "direction",
        "dscp",
        "dtmf",
        "extension",
        "hearing",
        "held",
        "id",
        "key_heard",
        "local",
        "local_ip",
        "machine",
        "musical",
        "name",
        "negotiated",
        "number",
        "offer",
        "player_generation",
        "playing",
        "port",
        "port_generation",
        "port_row",
        "pressed",
        "presses",
        "quality",
        "queue_offer",
        "ringing",
        "serving",
        "session",
        "state",
        "stats",
        "trunk",
        "unheard",
        "unreached",
    )

    def __init__(
        self,
        context: Context,
        call: Call,
        direction: str,
        *,
        extension: str = "",
        trunk: str = "",
        number: str = "",
        name: str = "",
        session: Session | None = None,
        queue_offer: bool = False,
        known_as: str = "",
    ) -> None:
        """`known_as`: the id of a leg of before a restart; whoever restores it fills in the rest, then `occupy`s."""
        self.queue_offer = queue_offer
        """A queue offers a caller to the agent at this phone."""
        self.serving = False
        """The agent at this phone took the call from a queue: wrap-up follows."""
        self.context = context
        self.call = call
        self.id = known_as or call.next_leg_id()
        self.direction = direction
        self.extension = extension
        self.trunk = trunk
        self.number = number
        self.name = name
        self.agent = context.center.agent_at(extension) if extension else ""
        self.session = session
        self.branches: list[Session] = []
        self.offer: object | None = None
        """The attempt that rings this leg, while it does."""
        self.state = "calling"
        """calling, ringing, answered, ended"""
        self.ringing = False
        self.held = False
        """The party holds the call."""
        self.activity: Activity | None = None
        self.port = 0
        self.port_row = 0
        self.port_generation = 0
        self.playing: Player | None = None
        """The row of what is played to the party."""
        self.player_generation = 0
        self.hearing: tuple[int, ...] = ()
        self.musical = False
        """It hears music on hold, from wherever that comes just now."""
        self.local: Local | None = None
        self.branch_locals: dict[Session, Local] = {}
        """Our side as it was offered to each branch that has not spoken yet."""
        self.local_ip = ""
        """Our address towards the party; its audio port is bound there."""
        self.body = b""
        """The SDP we gave last."""
        self.negotiated: Negotiated | None = None
        self.stats: PortStats | None = None
        self.dscp = 46
        self.quality = LegQuality()
        self.unheard = ""
        """Why the party is not heard although it is in a conversation (`OneWayAudio.reason`); empty: it is."""
        self.unreached = ""
        """Why it hears nothing, likewise."""
        self.answered_at = 0.0
        self.dtmf = keys.setting(self)
        """How this party's keys come and go, as the site file said when the leg began: auto, rfc4733, inband, info."""
        self.key_heard = ("", "", 0.0)
        """The key heard last, the way it came, when."""
        self.pressed = ""
        """The keys sent to the party last, and how many there were in all."""
        self.presses = 0
        self.detector: Detector | None = None
        """What is listened for on this leg; None: nothing."""
        self.machine: Judging | None = None
        """Judges who answered, while it does."""
        call.legs.append(self)
        if known_as:
            return
        context.emit(
            LegStarted(
                leg=self.id,
                call=call.id,
                direction=direction,
                extension=extension,
                trunk=trunk,
                agent=self.agent,
                number=number,
                sip_call_id=session.call_id if session else "",
            )
        )
        self.occupy()

    def occupy(self) -> None:
        """Takes the trunk's channel, or says that the phone has a leg."""
        if self.trunk:
            self.context.trunks.occupy(self.trunk, self)
        if self.extension:
            self.context.phones.leg_started(self)

    # --- the two addresses and the audio port ------------------------------------------------------------------------
    def open(self, local_ip: str, codecs: tuple[Payload, ...], *, plain: bool = False, browser: bool = False) -> bool:
        """Takes an RTP port; False when all are in use. `plain`: no SRTP, whatever the rule; `browser`: the phone is
        one in a browser."""
        if not self.port:
            port = self.context.ports.take(self.call)
            if port is None:
                return False
            self.port = port
            self.port_row = self.context.next_row()
            self.context.rows[self.port_row] = self
        self.local_ip = local_ip
        session = self.session
        if session is not None and session.request is not None and self.direction == "in":
            browser = bool(self.extension) and in_browser(session.request.user_agent, session.flow)
        allowed = permitted(self, codecs)
        local = Local(
            address=self.context.trunks.shown_address(self.trunk, local_ip),
            port=self.port,
            codecs=with_opus(allowed) if browser and "opus" in self.context.media.abilities else allowed,
            session_id=int.from_bytes(self.context.entropy(4), "big"),
            rtcp_mux=True,
            metrics=True,
        )
        # A telephone in a browser is on this machine: what is encrypted is its way to the browser.
        self.local = encryption.with_srtp(self, local, plain or browser)
        self.dscp = self.context.site.site.dscp_audio
        return True

    def row(self) -> RtpPort | None:
        """The leg's port as the desired table has it; None before anything is agreed on."""
        negotiated = self.negotiated
        if negotiated is None or self.session is None:
            return None
        protect, unprotect = encryption.row_keys(negotiated)
        return RtpPort(
            id=self.port_row,
            local=(self.local_ip, self.port),
            remote=negotiated.remote,
            remote_rtcp=negotiated.remote_rtcp,
            rtcp_mux=negotiated.rtcp_mux,
            send_metrics=negotiated.send_metrics,
            dscp=self.dscp,
            receive=tuple(map(row_payload, negotiated.receive)),
            send=row_payload(negotiated.send) if negotiated.send else None,
            send_events=row_payload(negotiated.send_events) if negotiated.send_events else None,
            send_noise=row_payload(negotiated.send_noise) if negotiated.send_noise else None,
            press=self.pressed,
            press_generation=self.presses,
            press_tones=keys.manner(self) == keys.INBAND,
            ptime=negotiated.ptime,
            sending="send" in negotiated.direction,
            receiving="recv" in negotiated.direction,
            timeout=0.0 if self.held else 30.0,
            generation=self.port_generation,
            protect=protect,
            unprotect=unprotect,
        )

    def put_rows(self) -> None:
        """States the leg's port, its detector and its player, if it has them, as they are (again)."""
        self._put_port()
        if self.detector is not None:
            self.context.media.put(self.detector)
        if self.playing is not None:
            self.context.rows[self.playing.id] = self
            self.context.media.put(self.playing)

    def _put_port(self) -> None:
        row = self.row()
        if row is not None:
            self.context.media.put(row)
            self.context.stirred.add(self.call.id)

    def _negotiate(self, negotiated: Negotiated) -> None:
        """Takes over the outcome of an offer/answer exchange and tells the media side and, about hold, the call."""
        before = self.negotiated
        self.negotiated = negotiated
        if self.local is not None:
            self.local = encryption.after(self.context, self.local, negotiated)
        if before is None or before.remote != negotiated.remote:
            self.port_generation += 1
        held = negotiated.held_by_remote
        changed = held != self.held
        self.held = held
        self._put_port()
        if before is None:
            self.call.remix()
        listen(self)
        if changed and self.state == "answered":
            self.context.emit(
                LegHeld(leg=self.id, call=self.call.id, by=self.id)
                if held
                else LegResumed(leg=self.id, call=self.call.id)
            )
            self.call.leg_held(self)
            self.phone_changed()

    @property
    def codec(self) -> str:
        """Name of the codec that we send to the party; empty before it is agreed."""
        return self.negotiated.codec if self.negotiated is not None else ""

    @property
    def srtp(self) -> str:
        """Suite that the leg's audio is encrypted with; empty: it is not, or nothing is agreed yet."""
        secured = self.negotiated.secured if self.negotiated is not None else None
        return secured.suite if secured is not None else ""

    def press_keys(self, pressed: str) -> None:
        """Has the engine send keys to the party, as telephone-events or tones."""
        self.pressed = (self.pressed + pressed)[-keys.MOST_KEYS :]
        self.presses += len(pressed)
        self._put_port()

    def heard_again(self) -> None:
        """The party is heard after all, or is no longer expected to be."""
        if self.unheard:
            self.unheard = ""
            self.context.emit(
                OneWayAudioEnded(leg=self.id, call=self.call.id, extension=self.extension, trunk=self.trunk)
            )

    def hears_again(self) -> None:
        """The party hears us after all, or is no longer expected to."""
        if self.unreached:
            self.unreached = ""
            self.context.emit(
                OneWayAudioEnded(
                    leg=self.id, call=self.call.id, extension=self.extension, trunk=self.trunk, direction="to"
                )
            )

    # --- hearing -----------------------------------------------------------------------------------------------------
    def links(self) -> tuple[Link, ...]:
        """This leg's part of its call's mix."""
        if self.negotiated is None or self.state == "ended":
            return ()
        return tuple(Link(self.port_row, source) for source in self.hearing)

    def hear(self, *sources: int) -> None:
        """From now on the party hears these rows, and its player stops."""
        self.musical = False
        self._drop_player()
        if sources != self.hearing:
            self.hearing = sources
            self.call.remix()

    def play(self, files: tuple[str, ...], *, loop: bool = False) -> None:
        """Plays files to the party instead of what it heard; the activity is told at the end, unless looped."""
        self.musical = False
        if not files:
            files = self.context.tone("beep")
        number = self.player or self.context.next_row()
        self.context.rows[number] = self
        self.player_generation += 1
        self.playing = Player(id=number, files=files, loop_from=0 if loop else -1, generation=self.player_generation)
        self.context.media.put(self.playing)
        if self.hearing != (number,):
            self.hearing = (number,)
            self.call.remix()

    def music(self) -> None:
        """From now on the party hears music on hold: the line-in where it is chosen and there, else our own."""
        line_in = self.context.sound.line_in
        if line_in:
            self.hear(line_in)
        else:
            self.play(self.context.voice.music(), loop=True)
        self.musical = True

    @property
    def player(self) -> int:
        """Row of the leg's player; 0: it has none."""
        return self.playing.id if self.playing is not None else 0

    def _drop_player(self) -> None:
        if self.playing is not None:
            self.context.media.drop(self.playing.id)
            self.context.rows.pop(self.playing.id, None)
            self.playing = None

    # --- an incoming leg ---------------------------------------------------------------------------------------------
    def ring(self) -> None:
        """Tells the caller that the other side rings."""
        if self.direction == "in" and self.state == "calling" and self.session is not None:
            self.session.ring(self.context.now)
            self.context.keeping.ringing(self.session)
            self.mark_ringing()

    def mark_ringing(self) -> None:
        """The other end of this leg is alerting (said once)."""
        if not self.ringing:
            self.ringing = True
            self.state = "ringing" if self.state == "calling" else self.state
            self.context.emit(LegRinging(leg=self.id, call=self.call.id))
            self.phone_changed()

    def _answer_body(self, codecs: tuple[Payload, ...]) -> bytes | None:
        """The SDP for the caller's INVITE: the answer to its offer, or our offer when it made none."""
        session = self.session
        if (
            session is None
            or session.flow is None
            or not self.open(session.flow.local[0], codecs)
            or self.local is None
        ):
            return None
        if not self.session_offered() or session.request is None:
            return make_offer(self.local)
        body, negotiated = answer(self.local, session.request.body)
        self._negotiate(negotiated)
        return body

    def prepare(self, codecs: tuple[Payload, ...]) -> bool:
        """Makes the caller's audio ready, with `codecs` in our order of preference; False: it cannot be."""
        if self.body:
            return True
        try:
            body = self._answer_body(codecs)
        except RemoteProtocolError:
            return False
        if body is None:
            return False
        self.body = body
        return True

    def early(self, codecs: tuple[Payload, ...]) -> bool:
        """Opens early media towards an unanswered caller (183 with SDP); False: only answering gives audio."""
        if self.session is None or self.state == "answered":
            return self.state == "answered"
        if not self.session_offered() or not self.prepare(codecs):
            return False
        self.session.ring(self.context.now, 183, self.body)
        self.context.keeping.ringing(self.session)
        return True

    def answer(self, codecs: tuple[Payload, ...]) -> bool:
        """Answers an incoming leg; False when no audio can be agreed (the caller must then be rejected)."""
        if self.state == "answered":
            return True
        if self.session is None or self.state == "ended" or not self.prepare(codecs):
            return False
        self.session.answer(self.body, self.context.now)
        self._mark_answered()
        return True

    def _mark_answered(self) -> None:
        self.state = "answered"
        self.answered_at = self.context.now.mono
        self.context.emit(LegAnswered(leg=self.id, call=self.call.id, codec=self.codec, srtp=self.srtp))
        listen(self)
        self.phone_changed()

    # --- an outgoing leg ---------------------------------------------------------------------------------------------
    def progress(self, session: Session, body: bytes) -> bool:
        """Early media of a branch; True when the party can be heard now (the first branch that speaks is heard)."""
        if self.session is not None and self.session is not session:
            return False
        return self._accept(session, body)

    def _accept(self, session: Session, body: bytes) -> bool:
        self.local = self.branch_locals.pop(session, self.local)
        if self.local is None:
            return False
        if session is not self.session and session.local_sdp and self.local.offers:
            # Each branch was offered keys of its own; the last one rung is not always this one.
            self.local = msgspec.structs.replace(self.local, keys=_offered_keys(session.local_sdp))
        try:
            negotiated = accept(self.local, body)
        except RemoteProtocolError:
            return False
        self.session = session
        # Each branch was offered a session and an address of its own; the last one rung is not always this one.
        self.body = session.local_sdp or self.body
        if session.flow is not None and session.flow.local[0] != self.local_ip:
            self.local_ip = session.flow.local[0]
            address = self.context.trunks.shown_address(self.trunk, self.local_ip)
            self.local = msgspec.structs.replace(self.local, address=address)
        self._negotiate(negotiated)
        return True

    def answered(self, session: Session, body: bytes | None) -> bool:
        """A branch answered: it is the leg now, the others end. False when its SDP is unusable."""
        if body:
            accepted = self._accept(session, body)
        else:
            accepted = self.session is session and self.negotiated is not None
        self.session = session
        self.cancel_branches(keep=session)
        if not accepted:
            return False
        self._mark_answered()
        return True

    def cancel_branches(self, keep: Session | None = None) -> None:
        """Ends every branch that has not answered."""
        for branch in self.branches:
            if branch is not keep:
                branch.owner = None
                branch.cancel(self.context.now)
        self.branches = [keep] if keep is not None else []
        self.branch_locals.clear()

    # --- renegotiation -----------------------------------------------------------------------------------------------
    def offered(self, body: bytes | None) -> None:
        """The party offers again (hold, resume, moved address); answers at once."""
        session, local = self.session, self.local
        if session is None or local is None:
            return
        now = self.context.now
        if body is None:
            self.body = refresh_offer(local, self.body)
            session.accept_offer(self.body, now)
            return
        try:
            self.body, negotiated = answer(local, body, self.body)
        except RemoteProtocolError as error:
            session.refuse_offer(error.status, now, (warning_header(str(error)),) if error.status == 488 else ())
            return
        session.accept_offer(self.body, now)
        self._negotiate(negotiated)

    def offer_answered(self, body: bytes) -> None:
        """The party answered an offer of ours (delayed in its INVITE or re-INVITE, or a check whether it is alive)."""
        if self.local is None:
            return
        try:
            negotiated = accept(self.local, body)
        except RemoteProtocolError:
            if self.negotiated is None:
                # The first offer was ours, and there is no other: nothing would ever be heard.
                self.call.end(NO_CODEC)
            return
        self._negotiate(negotiated)

    def session_offered(self) -> bool:
        """Whether the caller's INVITE carried an offer (then the body of its ACK means nothing)."""
        session = self.session
        return session is not None and session.request is not None and bool(session.request.body)

    def reopen(self) -> bool:
        """Moves to another RTP port after this one could not be bound; False: it cannot be moved any more."""
        if self.session is None or self.local is None or self.state != "answered":
            return False
        port = self.context.ports.take(self.call)
        if port is None:
            return False
        self.context.media.release_port(self.port)
        self.port = port
        self.local = msgspec.structs.replace(self.local, port=port)
        self._put_port()
        self.body = refresh_offer(self.local, self.body)
        self.session.offer(self.body, self.context.now)
        return True

    def check_alive(self) -> None:
        """Asks a silent party whether it is still there; a dialog that is not ends by itself."""
        session = self.session
        # A caller who has not acknowledged our answer yet is being asked already: the 2xx is repeated.
        if session is not None and session.state == "confirmed" and not self.held:
            session.probe(self.context.now)

    # --- the end -----------------------------------------------------------------------------------------------------
    def hang_up(self, ending: Ending) -> None:
        """We end this leg in the way its state asks for."""
        if self.state == "ended":
            return
        now, session = self.context.now, self.session
        headers = ending_headers(ending)
        if self.direction == "out" and self.state != "answered":
            self.cancel_branches()
        elif session is not None:
            session.owner = None
            # An answer that waits for the PRACK of our 183 has not been sent: then the INVITE is refused after all.
            session.terminate(now, ending.status if ending.status >= 300 else 480, headers)
        self.ended(ending, "us", 0 if self.state == "answered" else ending.status)

    def ended(self, ending: Ending, by: str, status: int = 0) -> None:
        """The leg is over on the SIP side: frees what it had and says so. The call decides what follows."""
        if self.state == "ended":
            return
        was_answered = self.state == "answered"
        self.state = "ended"
        if self.activity is not None:
            activity, self.activity = self.activity, None
            activity.stop()
        if not was_answered:
            self.cancel_branches()
        if self.session is not None:
            self.session.owner = None
        self._drop_player()
        self._stop_listening()
        context = self.context
        if self.port:
            if self.negotiated is not None:
                context.media.drop(self.port_row)
                context.departed[self.port_row] = Departed(
                    self.id,
                    self.call.id,
                    self.quality,
                    self.unheard,
                    self.unreached,
                    self.negotiated.ptime,
                    self.codec,
                    self.extension,
                    self.trunk,
                    self.srtp,
                )
                while len(context.departed) > 1000:
                    context.departed.pop(next(iter(context.departed)))
            context.rows.pop(self.port_row, None)
            context.media.release_port(self.port)
        if self in self.call.legs:
            self.call.legs.remove(self)
        context.emit(
            LegEnded(
                leg=self.id,
                call=self.call.id,
                cause=ending.cause,
                reason=ending.reason,
                by=by,
                status=status,
            )
        )
        if self.serving:
            self.serving = False
            context.center.talk_ended(self.call.id, self.agent, context.now)
        if self.trunk:
            context.trunks.vacate(self.trunk, self)
        if self.extension:
            context.phones.leg_ended(self)
        self.hearing = ()
        self.call.remix()

    def _stop_listening(self) -> None:
        if self.machine is not None:
            machine, self.machine = self.machine, None
            machine.stop()
        listen(self)

    def free(self) -> None:
        """After an error of ours in its end: it must still not hold a channel, a port or a phone."""
        self.state, self.activity, self.hearing = "ended", None, ()
        self._drop_player()
        self._stop_listening()
        context = self.context
        context.media.drop(self.port_row)
        context.media.release_port(self.port)
        context.rows.pop(self.port_row, None)
        if self in self.call.legs:
            self.call.legs.remove(self)
        context.trunks.vacate(self.trunk, self)
        context.phones.leg_ended(self)

    def phone_changed(self) -> None:
        """The leg's state says something new about the phone it is on."""
        if self.extension:
            self.context.phones.leg_changed(self)


def _offered_keys(body: bytes) -> tuple[Crypto, ...]:
    """The keys of an offer of ours."""
    return next((keys for media in SessionDescription.parse(body).media if (keys := offered_in(media))), ())
