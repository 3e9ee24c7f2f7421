"""A call: the legs of one conversation and its way there, from the first INVITE to the last BYE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.events import CallEnded, CallRouted, CallStarted, LegBridged
from appliance.exchange.audio import Link, Mix
from appliance.exchange.causes import ANSWERED, HUNG_UP, Ending
from appliance.exchange.leg import Leg
from appliance.exchange.listening import listen
from appliance.exchange.machines import Judging
from appliance.exchange.recording import CallRecorder

if TYPE_CHECKING:
    from appliance.exchange.context import Context

MAX_HOPS = 8
"""Steps of the dial plan (hours, redirections, overflow) after which a call is going round in circles."""


class Call:
    """Its record is opened here and closed by `end`, exactly once each."""

    def __init__(
        self,
        context: Context,
        kind: str,
        caller: str,
        called: str,
        *,
        caller_name: str = "",
        trunk: str = "",
        extension: str = "",
        journey: str = "",
        known_as: str = "",
    ) -> None:
        """`known_as`: the id of a call of before a restart, whose record is open."""
        self.context = context
        self.id = known_as or context.call_id()
        self.journey = journey or self.id
        self.kind = kind
        self.caller = caller
        self.called = called
        self.caller_name = caller_name
        self.trunk = trunk
        self.extension = extension
        self.legs: list[Leg] = []
        self.origin: Leg | None = None
        """The leg that the call began with."""
        self.bridge: tuple[Leg, ...] = ()
        self.destination = ""
        self.queue = ""
        self.agent = ""
        self.hops = 0
        self.emergency = False
        self.judged = False
        """Who answers the call that we make is to be found out: a person or a machine."""
        self.answered_by = ""
        """human, machine or unknown, once that is known."""
        self.answered_cause = ""
        """Why that is the verdict."""
        self.fax = False
        """A fax machine was heard."""
        self.rule = ""
        """Recording rule of the queue the call came through; empty: that of the parties."""
        self.started = context.now
        self.language = context.site.site.language
        """Spoken to its parties, to the end: a new configuration is for calls that begin under it."""
        self.state = ""
        """As the views show it; kept since `since` by `Exchange.poll`."""
        self.since = context.now
        self.queued: float | None = None
        """Wall time at which it entered `queue`."""
        self.talking_since: float | None = None
        self.ended = False
        self.legs_made = 0
        self.mix = 0
        """Row of the call's mix; 0: none."""
        self._mixed: tuple[Link, ...] = ()
        self.recorder = CallRecorder(context, self)
        context.calls[self.id] = self
        if known_as:
            return
        context.emit(
            CallStarted(
                call=self.id,
                journey=self.journey,
                kind=kind,
                caller=caller,
                called=called,
                caller_name=caller_name,
                trunk=trunk,
                extension=extension,
            )
        )

    def next_leg_id(self) -> str:
        """Id for one more leg."""
        self.legs_made += 1
        return f"{self.id}-{self.legs_made}"

    def routed(self, destination: str) -> bool:
        """Notes a step of the dial plan; False when there were too many of them."""
        self.destination = destination
        self.hops += 1
        self.context.emit(CallRouted(call=self.id, destination=destination))
        return self.hops <= MAX_HOPS

    # --- words -------------------------------------------------------------------------------------------------------
    def phrase(self, name: str) -> tuple[str, ...]:
        """A fixed prompt in the call's language; a beep while it is not ready, never silence."""
        return self.context.voice.fixed(name, self.language) or self.context.tone("beep")

    def text(self, text: str) -> tuple[str, ...]:
        """A text of the site file; () while it is not ready. One that came with another language is said in that."""
        voice = self.context.voice
        return voice.text(text, self.language) or voice.text(text, self.context.site.site.language)

    # --- audio -------------------------------------------------------------------------------------------------------
    def remix(self) -> None:
        """Brings the call's mix row to what its legs hear."""
        if self.context.sound.concerns(self):
            self.context.sound.settle()
        links = tuple(link for leg in self.legs for link in leg.links()) + self.recorder.notice.links()
        if links == self._mixed:
            return
        self._mixed = links
        if links:
            self.mix = self.mix or self.context.next_row()
            self.context.media.put(Mix(id=self.mix, links=links))
        elif self.mix:
            self.context.media.drop(self.mix)
            self.mix = 0

    def connect(self, first: Leg, second: Leg) -> None:
        """The two talk to each other from now on."""
        first.activity = second.activity = None
        for one in (first, second):
            one.heard_again()
            one.hears_again()
        self.bridge = (first, second)
        if self.talking_since is None:
            self.talking_since = self.context.now.wall
        self._hear_each_other()
        self.agent = self.agent or second.agent or first.agent
        self.context.emit(LegBridged(call=self.id, legs=(first.id, second.id), agent=second.agent or first.agent))
        self.recorder.follow()
        for leg in self.bridge:
            listen(leg)
        if self.judged and second.direction == "out":
            self.judged = False
            Judging(second).begin()

    def early_media(self, caller: Leg, called: Leg) -> None:
        """The caller hears what the called side sends before it answers."""
        caller.hear(called.port_row)

    def _hear_each_other(self) -> None:
        first, second = self.bridge
        for one, other in ((first, second), (second, first)):
            if one.held:
                one.hear()
            elif other.held:
                one.music()
            else:
                one.hear(other.port_row)

    def leg_held(self, leg: Leg) -> None:
        """A party of the bridge pressed hold or came back: the other hears music meanwhile."""
        if leg in self.bridge:
            for one in self.bridge:
                # Silence that is wanted is no fault; whether the party is heard after it shows anew.
                one.heard_again()
                one.hears_again()
            self._hear_each_other()
            self.recorder.follow()

    @property
    def held(self) -> bool:
        """Whether a party of the conversation holds it."""
        return any(leg.held for leg in self.bridge)

    def discard(self, leg: Leg) -> None:
        """Ends a leg that is not part of the conversation; the call goes on."""
        leg.hang_up(HUNG_UP)

    # --- the end -----------------------------------------------------------------------------------------------------
    def leg_gone(self, leg: Leg, ending: Ending) -> None:
        """A leg that belonged to the conversation, or that began the call, has ended: so does the call."""
        if self.ended:
            return
        if leg in self.bridge:
            self.end(ANSWERED if ending in (HUNG_UP, ANSWERED) else ending)
        elif leg is self.origin:
            self.end(ending)

    def end(self, ending: Ending) -> None:
        """Ends every leg and closes the record. What a step raises is raised at the end: no other step is left out."""
        if self.ended:
            return
        self.ended = True
        failure: Exception | None = None
        try:
            self.recorder.stop()
        except Exception as error:
            failure = error
        for leg in list(self.legs):
            try:
                leg.hang_up(ending)
            except Exception as error:
                failure = failure or error
                leg.free()
                self.context.center.forget(self.id, self.context.now)
        try:
            self.context.sound.call_ended(self)
        except Exception as error:
            failure = failure or error
        self.remix()
        if self.mix:
            self.context.media.drop(self.mix)
        self.context.stirred.add(self.id)
        self.context.calls.pop(self.id, None)
        self.context.emit(CallEnded(call=self.id, cause=ending.cause, reason=ending.reason))
        # Legs know their call: without these the whole of it would be left to the garbage collector, whose searches
        # hold the loop for tens of milliseconds.
        self.origin, self.bridge = None, ()
        if failure is not None:
            raise failure
