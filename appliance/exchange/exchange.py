"""The exchange: fed with datagrams, media events, commands and time; drained of what shall be sent, stored and told.

Whoever feeds it reads all its output before feeding it again (`poll` until None). An exception while deciding for a
call ends that call, with its trace in the ledger; all others go on.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

import msgspec

from appliance.center.center import CallCenter
from appliance.center.decisions import Decision
from appliance.clock import Entropy, Instant
from appliance.errors import CommandError
from appliance.events import DecisionFailed, KeysSent, Stamped
from appliance.exchange import audio, keys
from appliance.exchange.call import Call
from appliance.exchange.causes import HUNG_UP, INTERNAL, RESTART
from appliance.exchange.clicks import ClickToCall
from appliance.exchange.context import Context
from appliance.exchange.desk_codes import Pins
from appliance.exchange.keeping import Keeping
from appliance.exchange.kept import Before, Recovered
from appliance.exchange.leg import Leg
from appliance.exchange.media_events import MediaEvents
from appliance.exchange.outputs import Output
from appliance.exchange.phones import Phones
from appliance.exchange.ports import AudioPorts
from appliance.exchange.routing import Router
from appliance.exchange.sip_events import SipEvents
from appliance.exchange.sound import CardLink, SoundCard
from appliance.exchange.takeover import Takeover
from appliance.exchange.trunks import Trunks
from appliance.exchange.view import AgentView, CallGlance, CallView, QueueView, RegistrationView, SoundView, TrunkView
from appliance.exchange.views import agent_views, call_state, call_view, queue_views, registration_views, trunk_views
from appliance.exchange.waiting import Waiting
from appliance.sip.endpoint import Endpoint
from appliance.sip.events import CloseFlow, Resolve, Send
from appliance.sip.flow import Flow
from appliance.site.dialplan import DialPlan
from appliance.site.model import Site

Polled = Send | Resolve | CloseFlow | Stamped | Output
_PASSED_ON = (Send, Resolve, CloseFlow)
"""What the endpoint says that is for the drivers. A tuple, because a union is made anew each time it is asked."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How this box is set up, beside its site."""

    recordings: str
    """Absolute folder of recordings."""
    advertise: str = ""
    """Address to show in SDP where a trunk names no other; empty: the local address of each flow."""
    realm: str = "hako"
    """Digest realm."""
    browser_secret: str = ""
    """Digest secret of the telephones in browsers, which outlive a restart; empty: one is made when it is needed."""


class Exchange:
    """Everything that decides about calls, behind one feed-and-drain interface."""

    def __init__(
        self,
        site: Site,
        media: audio.Media,
        voice: audio.Voice,
        entropy: Entropy,
        options: Options,
        now: Instant,
        endpoint: Endpoint | None = None,
    ) -> None:
        context = Context(entropy, now, options.recordings, options.advertise)
        self.context = context
        context.contain = self._contain
        context.site = site
        context.plan = DialPlan(site)
        context.media = media
        context.voice = voice
        context.endpoint = endpoint or Endpoint(entropy)
        context.center = CallCenter(site, entropy)
        context.phones = Phones(context, options.realm, options.browser_secret)
        context.trunks = Trunks(context)
        context.router = Router(context)
        context.sound = SoundCard(context)
        context.pins = Pins(context)
        context.ports = AudioPorts(context)
        context.keeping = Keeping(context)
        self._sip = SipEvents(context)
        self._media = MediaEvents(context)
        self.failures = 0
        """Exceptions contained since the start."""
        context.phones.configure()
        context.router.configure()
        context.trunks.configure()

    # --- feeding -----------------------------------------------------------------------------------------------------
    def receive(self, flow: Flow, data: bytes, now: Instant) -> None:
        """Bytes that arrived on a flow: one datagram, or any piece of a stream."""
        self.context.now = now
        self.context.endpoint.receive(flow, data, now)

    def flow_failed(self, flow: Flow, reason: str, now: Instant) -> None:
        """A datagram could not be delivered (ICMP) or a connection broke or could not be made."""
        self.context.now = now
        self.context.endpoint.flow_failed(flow, reason, now)
        self._contain(None, lambda: self.context.phones.flow_failed(flow))
        self._contain(None, lambda: self.context.trunks.flow_failed(flow))

    def resolved(self, query: int, flows: list[Flow], now: Instant) -> None:
        """The answer to a `Resolve`; no flows: it failed."""
        self.context.now = now
        if query < 0:
            self._contain(None, lambda: self.context.trunks.resolved(query, flows))
        else:
            self.context.endpoint.resolved(query, flows, now)

    def browsers_lost(self, now: Instant) -> None:
        """The process of the telephones in browsers has ended: their calls end, their registrations go."""
        self.context.now = now
        self._contain(None, self.context.phones.browsers_lost)

    def addresses_changed(self, now: Instant) -> None:
        """This machine has other addresses than before."""
        self.context.now = now
        self._contain(None, self.context.trunks.look_again)

    def media_event(self, event: audio.AnyMediaEvent, now: Instant) -> None:
        """Something the media process reports."""
        self.context.now = now
        self._contain(self._media.call_of(event), lambda: self._media.handle(event))

    def pin_verified(self, token: int, ok: bool, now: Instant) -> None:
        """The answer to a `VerifyPin`."""
        self.context.now = now
        self.context.pins.answer(token, ok)

    def timeout(self, now: Instant) -> None:
        """Does what is due."""
        context = self.context
        context.now = now
        context.endpoint.timeout(now)
        self._contain(None, lambda: context.center.timeout(now))
        if (due := context.phones.registrar.deadline()) is not None and due <= now.mono:
            self._contain(None, context.phones.expire)
        while (due_alarm := context.timers.pop_due(now.mono)) is not None:
            target, name = due_alarm
            target.fire(name, now)

    def deadline(self) -> float | None:
        """Monotonic time at which `timeout` wants to be called; None: nothing is due."""
        context = self.context
        first = context.endpoint.deadline()
        for core in (context.center, context.timers, context.phones.registrar):
            when = core.deadline()
            if when is not None and (first is None or when < first):
                first = when
        return first

    # --- draining ----------------------------------------------------------------------------------------------------
    def poll(self) -> Polled | None:
        """The next thing that shall be done or told, in order; None: nothing is left."""
        context = self.context
        outputs, decisions, endpoint = context.outputs, context.decisions, context.endpoint
        while True:
            if outputs:
                return outputs.popleft()
            happened = endpoint.poll()
            if happened is not None:
                if isinstance(happened, _PASSED_ON):
                    return happened
                self._contain(self._sip.call_of(happened), lambda: self._sip.handle(happened))  # noqa: B023
                continue
            context.collect()
            if decisions:
                decision = decisions.popleft()
                self._contain(context.calls.get(decision.call), lambda: self._decided(decision))  # noqa: B023
            elif endpoint.faults:
                trace = endpoint.faults.popleft()
                self._failed("", trace, trace.rstrip().rpartition("\n")[2])
            elif not outputs:
                if not context.stirred:
                    return None
                self._settle()

    def _settle(self) -> None:
        """All that follows from an input is done: calls are in a state now, maybe another one than before."""
        context = self.context
        for number in context.stirred:
            call = context.calls.get(number)
            if call is None:
                context.keeping.call_gone(number)
                continue
            if (state := call_state(call)) != call.state:
                call.state, call.since = state, context.now
            context.keeping.call(call)
        context.stirred.clear()

    def _decided(self, decision: Decision) -> None:
        call = self.context.calls.get(decision.call)
        activity = call.origin.activity if call is not None and call.origin is not None else None
        if isinstance(activity, Waiting) and activity.queue.id == decision.queue:
            activity.decided(decision)

    def _contain(self, call: Call | None, action: Callable[[], None]) -> None:
        """Runs an action for a call; what it raises ends that call and nothing else."""
        try:
            action()
        except Exception as error:
            self._failed(call.id if call else "", traceback.format_exc(limit=-12), repr(error))
            if call is not None:
                try:
                    call.end(INTERNAL)
                except Exception as second:
                    self._failed(call.id, traceback.format_exc(limit=-12), repr(second))

    def _failed(self, call: str, trace: str, error: str) -> None:
        self.failures += 1
        self.context.emit(DecisionFailed(call=call, error=error, trace=trace))

    # --- configuration and restart -----------------------------------------------------------------------------------
    def configure(self, site: Site, now: Instant) -> None:
        """Another site from now on; calls in progress and waiting callers keep their old one."""
        context = self.context
        context.now = now
        context.site = site
        context.plan = DialPlan(site)
        context.center.configure(site, now)
        context.phones.configure()
        context.router.configure()
        context.trunks.configure()
        context.sound.configure()

    def take_over(self, before: Before, now: Instant) -> Recovered:
        """What the run before left: registrations, agents, calls that go on, dialogs to end. Before any other input."""
        self.context.now = now
        return Takeover(self.context, before).run()

    def shut_down(self, now: Instant) -> None:
        """Ends every call in an orderly way and takes back registrations at carriers."""
        self.context.now = now
        for call in list(self.context.calls.values()):
            self._contain(call, lambda: call.end(RESTART))  # noqa: B023
        self.context.trunks.shut_down()

    def flows_in_use(self) -> Iterator[Flow]:
        """The flows of registrations, trunks and calls: without them somebody could not be reached."""
        context = self.context
        for binding in context.phones.registrar.bindings():
            if binding.flow is not None:
                yield binding.flow
        for line in context.trunks.lines.values():
            yield from line.flows
        yield from context.endpoint.flows()

    # --- views -------------------------------------------------------------------------------------------------------
    def calls(self) -> list[CallView]:
        """Live calls, oldest first."""
        return [call_view(call) for call in self.context.calls.values()]

    def glances(self) -> list[CallGlance]:
        """Live calls, oldest first, as far as lamps show them."""
        return [CallGlance(call.kind, call.recorder.recording) for call in self.context.calls.values()]

    def agents(self) -> list[AgentView]:
        """All agents in file order."""
        return agent_views(self.context)

    def queues(self) -> list[QueueView]:
        """All queues in file order, without the day's figures (those are read from the ledger)."""
        return queue_views(self.context)

    def registrations(self) -> list[RegistrationView]:
        """All extensions with their contacts."""
        return registration_views(self.context)

    def trunks(self) -> list[TrunkView]:
        """All trunks."""
        return trunk_views(self.context)

    def sound(self) -> SoundView:
        """What the loudspeaker does and where music comes from."""
        return self.context.sound.view()

    # --- commands ----------------------------------------------------------------------------------------------------
    def hangup(self, call_id: str, now: Instant) -> None:
        """Ends a call; CommandError not_found."""
        self.context.now = now
        call = self.context.calls.get(call_id)
        if call is None:
            raise CommandError("not_found", f"There is no call {call_id} any more.")
        self._contain(call, lambda: call.end(HUNG_UP))

    def record(self, call_id: str, action: str, by: str, limited: bool, now: Instant) -> None:
        """Starts, stops, pauses or resumes the recording of a call (`CallRecorder.command`); CommandError."""
        self.context.now = now
        call = self.context.calls.get(call_id)
        if call is None:
            raise CommandError("not_found", f"There is no call {call_id} any more.")
        call.recorder.command(action, by, limited)
        self.context.stirred.add(call_id)

    def set_agent_status(self, agent: str, status: str, reason: str, by: str, now: Instant) -> None:
        """Sets what an agent chose; CommandError not_found, no_extension, invalid."""
        self.context.now = now
        self.context.center.set_status(agent, status, reason, "", by, now)

    def wrap_up_done(self, agent: str, by: str, now: Instant) -> None:
        """Ends an agent's wrap-up early; CommandError not_found."""
        self.context.now = now
        self.context.center.wrap_up_done(agent, by, now)

    def sound_linked(self, direction: str, link: CardLink | None, now: Instant) -> int:
        """The sound process of a direction ("output", "input") is there, or gone; the engine's UDP port for it, 0: none
        is free."""
        self.context.now = now
        return self.context.sound.linked(direction, link)

    def listen(self, call_id: str, by: str, now: Instant) -> None:
        """Has a conversation heard on the loudspeaker; CommandError not_found, not_talking, no_loudspeaker."""
        self.context.now = now
        self.context.sound.listen(call_id, by)

    def stop_listening(self, by: str, now: Instant) -> None:
        """No call is heard on the loudspeaker any more."""
        self.context.now = now
        self.context.sound.stop_listening(by, "stopped")

    def sound_test(self, now: Instant) -> None:
        """Plays a test tone on the loudspeaker; CommandError no_loudspeaker, busy."""
        self.context.now = now
        self.context.sound.test()

    def press_keys(self, call_id: str, pressed: str, leg_id: str, by: str, now: Instant) -> None:
        """Sends keys to a party of a call: to the leg `leg_id`, or (empty) to the party outside.

        CommandError not_found, not_connected.
        """
        self.context.now = now
        call = self.context.calls.get(call_id)
        if call is None:
            raise CommandError("not_found", f"There is no call {call_id} any more.")
        leg = _party_for_keys(call, leg_id)
        if leg is None:
            raise CommandError("not_connected", "Nobody is connected to whom keys could be sent.")
        self._contain(call, lambda: keys.press(leg, pressed))
        if leg.state == "ended":
            raise CommandError("not_connected", "The call ended in this moment: no keys were sent.")
        self.context.emit(KeysSent(call=call.id, leg=leg.id, count=len(pressed), by=by))

    def originate(self, extension: str, number: str, now: Instant, *, answering_machine: bool = False) -> str:
        """Rings an extension and, when it answers, dials the number for it; the call's id. `answering_machine`: says
        by an event whether a person or a machine answered.

        CommandError not_registered.
        """
        self.context.now = now
        if not self.context.phones.registered(extension):
            raise CommandError("not_registered", f"No phone is registered as {extension}.", "extension")
        click = ClickToCall(self.context, extension, number, judged=answering_machine)
        self._contain(click.call, click.begin)
        return click.call.id


def _party_for_keys(call: Call, leg_id: str) -> Leg | None:
    """The leg named; else the outside party of the conversation, or whoever was called; else the one outside that can
    be heard before it answers."""
    able = [leg for leg in call.legs if leg.negotiated is not None and leg.state != "ended" and keys.reachable(leg)]
    if leg_id:
        return next((leg for leg in able if leg.id == leg_id), None)
    bridge = [leg for leg in call.bridge if leg in able]
    outside = [leg for leg in bridge or able if leg.trunk and (bridge or leg.direction == "out")]
    return outside[-1] if outside else bridge[-1] if bridge else None
