"""A user agent on the simulated network: the SIP core of the project as the other side, with a person's patience."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from appliance.clock import Instant
from appliance.errors import HakoError, RemoteProtocolError
from appliance.exchange.audio import RtpPort
from appliance.sip import events as sip
from appliance.sip.endpoint import Endpoint
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.offer_answer import (
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    Local,
    Negotiated,
    accept,
    answer,
    make_offer,
    refresh_offer,
)
from appliance.sip.registration import Registration
from appliance.sip.sdes import MATERIAL, own_keys
from appliance.sip.session import Session
from appliance.sip.uri import SipUri
from tests.sim.clock import Clock, Happening
from tests.sim.engine import Engine
from tests.sim.network import Address, Network

SETTLED_SECONDS = 35.0
"""After an answer was agreed on: longer than any message is repeated."""
GIVE_UP_SECONDS = 150.0
"""A phone stops ringing by itself: its address may have changed, and the CANCEL went to the old one."""


@dataclass
class Plan:
    """What a person does with a call."""

    patience: float = 60.0
    """Seconds after which an unanswered call of one's own is given up."""
    talk: float = 20.0
    """Seconds after which an answered call is hung up from this side."""
    holds: list[tuple[float, float, str]] = field(default_factory=list)
    """(seconds after the answer, seconds on hold, direction on hold)"""
    keys: list[tuple[float, str]] = field(default_factory=list)
    """(seconds after the answer, key)"""
    by_info: bool = False
    events: bool = True
    """The phone has telephone-events; False: its keys are tones in the audio."""
    vanish: float | None = None
    """Seconds after the answer at which the phone loses its power."""
    mute: float | None = None
    """Seconds after the answer from which on no RTP comes, although the phone is there."""
    rebind: float | None = None
    """Seconds after the answer at which the phone's address changes and it registers anew."""


@dataclass
class Reaction:
    """What a phone does with a call that comes in."""

    kind: str = "answer"
    """answer, status, redirect, forever, vanish, deaf, refuse-sdp"""
    ring: float | None = 0.1
    """Seconds until 180; None: never."""
    early: bool = False
    """183 with SDP."""
    after: float = 2.0
    """Seconds until the final answer."""
    status: int = 486
    target: str = ""
    plan: Plan = field(default_factory=Plan)


class Site(Protocol):
    """What a party knows of the world around it."""

    clock: Clock
    network: Network
    dice: random.Random
    media: dict[Address, TalkingCall]

    @property
    def engine(self) -> Engine: ...
    def next_port(self) -> int: ...


class TalkingCall:
    """One call as a party sees it."""

    def __init__(self, party: Party, session: Session | None, plan: Plan) -> None:
        self.party, self.session, self.plan = party, session, plan
        world = party.world
        self.media = (party.address[0], world.next_port())
        codecs = (PCMA, PCMU, TELEPHONE_EVENT) if world.dice.random() < 0.3 else (PCMU, PCMA, TELEPHONE_EVENT)
        keys = own_keys(world.dice.randbytes(MATERIAL)) if party.srtp != "off" else ()
        self.local = Local(self.media[0], self.media[1], codecs, session_id=self.media[1], srtp=party.srtp, keys=keys)
        self.infos: list[bytes] = []
        """Bodies of INFO that came."""
        self.body = b""
        self.negotiated: Negotiated | None = None
        self.status = 0
        """Final status."""
        self.progress: list[int] = []
        self.reason: int | None = None
        """Q.850 cause it was ended with."""
        self.up = False
        self.over = False
        self.by = ""
        self._planned: list[Happening] = []
        self.take(plan)

    def take(self, plan: Plan) -> None:
        """What the person will do, with which telephone."""
        self.plan = plan
        if not plan.events:
            self.local = msgspec.structs.replace(self.local, codecs=(PCMU, PCMA))

    # --- sound -------------------------------------------------------------------------------------------------------
    def talk(self, negotiated: Negotiated) -> None:
        """Agreed: RTP flows from here."""
        self.party.world.media[self.media] = self
        self.agreed(negotiated)

    def agreed(self, negotiated: Negotiated) -> None:
        """The outcome of an offer and its answer."""
        self.negotiated = negotiated
        suite = negotiated.secured.suite if negotiated.secured is not None else ""
        self.local = msgspec.structs.replace(self.local, suite=suite)
        # When the last message that was lost has been repeated.
        self.later(SETTLED_SECONDS, lambda: self._check_keys(negotiated))

    def _check_keys(self, negotiated: Negotiated) -> None:
        """The box sends with what we receive with, and the other way round: else nobody hears anything."""
        session = self.session
        if negotiated is not self.negotiated or session is None or session.state != "confirmed" or not self.up:
            return
        engine, secured = self.party.world.engine, negotiated.secured
        for row in engine.rows.values():
            if isinstance(row, RtpPort) and row.remote == self.media:
                wanted = (secured.theirs, secured.ours) if secured is not None else (None, None)
                has = tuple(keys.key if keys is not None else None for keys in (row.protect, row.unprotect))
                if has != wanted:
                    engine.problem(f"{self.party.name} and the box have other keys (row {row.id})")
                suites = {keys.suite for keys in (row.protect, row.unprotect) if keys is not None}
                if suites - {secured.suite if secured is not None else ""}:
                    engine.problem(f"{self.party.name} and the box have other suites (row {row.id})")

    def fall_silent(self) -> None:
        """No more RTP."""
        world = self.party.world
        if world.media.pop(self.media, None) is not None:
            world.engine.fell_silent(self.media)

    # --- the course of an answered call ------------------------------------------------------------------------------
    def answered(self) -> None:
        """Up: everything planned for the conversation is set."""
        self.up = True
        plan = self.plan
        self.later(plan.talk, self.hang_up)
        for at, seconds, direction in plan.holds:
            self.later(at, lambda direction=direction: self.redirect(direction))  # type: ignore[misc]
            self.later(at + seconds, lambda: self.redirect("sendrecv"))
        for at, key in plan.keys:
            self.later(at, lambda key=key: self.press(key))  # type: ignore[misc]
        if plan.vanish is not None:
            self.later(plan.vanish, self.party.vanish)
        if plan.mute is not None:
            self.later(plan.mute, self.fall_silent)
        if plan.rebind is not None:
            self.later(plan.rebind, self.party.move)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Does it in `seconds`, unless the call is over by then."""
        self._planned.append(self.party.world.clock.after(seconds, lambda: None if self.over else action()))

    def hang_up(self) -> None:
        """Ends the call, whatever its state."""
        if self.session is not None and not self.over:
            self.session.terminate(self.party.now())
            self.party.drain()

    def redirect(self, direction: str) -> None:
        """Hold, resume: a re-INVITE."""
        session = self.session
        if session is None or self.over or session.ended or not self.body:
            return
        self.local = msgspec.structs.replace(self.local, direction=direction)
        self.body = refresh_offer(self.local, self.body)
        session.offer(self.body, self.party.now())
        self.party.drain()

    def press(self, key: str) -> None:
        """A key, by telephone-event or INFO."""
        if self.session is None or self.over or self.session.ended:
            return
        if self.plan.by_info:
            if self.session.state == "confirmed":
                body = f"Signal={key}\r\nDuration=160\r\n".encode()
                self.session.info("application/dtmf-relay", body, self.party.now())
                self.party.drain()
        elif self.media in self.party.world.media:
            self.party.world.engine.key(self.media, key)

    def ended(self, event: sip.SessionEnded) -> None:
        """It is over."""
        self.over = True
        self.status, self.by, self.reason = event.status, event.by, event.cause
        self.forget()

    def forget(self) -> None:
        """Nothing of it goes on."""
        self.over = True
        self.fall_silent()
        for happening in self._planned:
            happening.cancel()
        self._planned.clear()


class Party:
    """A phone or a carrier: an endpoint of its own at its own address."""

    def __init__(self, world: Site, name: str, address: Address, box: Address, transport: str = "udp") -> None:
        self.world, self.name, self.address, self.box, self.transport = world, name, address, box, transport
        self.calls: dict[int, TalkingCall] = {}
        self.react: Callable[[TalkingCall, sip.IncomingSession], Reaction] = lambda call, event: Reaction()
        self.trace: Callable[[str], None] | None = None
        self.alive = True
        self.srtp = "off"
        """What the phone is set to: off, optional, required, as `Local` has it."""
        self.incoming = 0
        self.registration: Registration | None = None
        self._timer: Happening | None = None
        self._connection: Flow | None = None
        self.endpoint = self._fresh()
        world.network.attach(address, self)

    def _fresh(self) -> Endpoint:
        return Endpoint(random.Random(self.world.dice.getrandbits(64)).randbytes, user_agent=f"Sim {self.name}")

    def now(self) -> Instant:
        """Both clocks."""
        return self.world.clock.now()

    # --- what happens to it ------------------------------------------------------------------------------------------
    def receive(self, flow: Flow, data: bytes) -> None:
        """From the network."""
        if self.alive:
            if flow.transport == "tcp":
                self._connection = flow
            self.endpoint.receive(flow, data, self.now())
            self.drain()

    def flow_failed(self, flow: Flow, reason: str) -> None:
        """From the network."""
        if self.alive:
            if self._connection is not None and self._connection.connection == flow.connection:
                self._connection = None
            self.endpoint.flow_failed(flow, reason, self.now())
            self.drain()

    def flow(self) -> Flow:
        """The path to the box."""
        if self.transport == "udp":
            return Flow("udp", self.address, self.box)
        if self._connection is None:
            self._connection = self.world.network.connect(self.address, self.box)
        return self._connection or Flow("tcp", self.address, self.box, -1)

    def vanish(self) -> None:
        """No power: nothing is sent, heard or remembered."""
        if not self.alive:
            return
        self.alive = False
        if self.trace is not None:
            self.trace("vanishes")
        for call in self.calls.values():
            call.forget()
        self.calls.clear()
        self.world.network.detach(self.address)
        if self._connection is not None:
            self.world.network.deaf.add(self._connection.local)
        if self._timer is not None:
            self._timer.cancel()

    def come_back(self) -> None:
        """Power again: a new life at the same address."""
        if self.alive:
            return
        self.alive = True
        self._connection = None
        self.endpoint = self._fresh()
        self.registration = None
        self.world.network.attach(self.address, self)

    def move(self) -> None:
        """The address changes (a NAT forgets): calls go on over the old path, what comes goes over the new one."""

    # --- commands ----------------------------------------------------------------------------------------------------
    def register(self, secret: str, expires: int = 120) -> None:
        """Registers and stays so."""
        host, port = self.box
        self.registration = self.endpoint.register(
            self.flow() if self.transport == "udp" else (host, port, "tcp"),
            aor=f"sip:{self.name}@{host}",
            uri=f"sip:{host}",
            credentials=(self.name, secret),
            expires=expires,
            now=self.now(),
        )
        self.drain()

    def unregister(self) -> None:
        """Logs out."""
        if self.registration is not None and self.alive:
            self.registration.remove(self.now())
            self.registration = None
            self.drain()

    def call(
        self,
        number: str,
        caller: str,
        plan: Plan,
        secret: str = "",
        display: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> TalkingCall:
        """Calls a number at the box."""
        call = TalkingCall(self, None, plan)
        host = self.box[0]
        call.body = make_offer(call.local)
        call.session = self.endpoint.invite(
            self.flow() if self.transport == "udp" else (host, self.box[1], "tcp"),
            uri=f"sip:{number}@{host}",
            from_=NameAddr(display, SipUri("sip", caller, host)),
            to=NameAddr("", SipUri("sip", number, host)),
            body=call.body,
            now=self.now(),
            contact_user=caller,
            credentials=(caller, secret) if secret else None,
            headers=headers,
            owner=call,
        )
        self.calls[call.session.id] = call
        call.later(plan.patience, lambda: None if call.up else call.hang_up())
        self.drain()
        return call

    # --- draining ----------------------------------------------------------------------------------------------------
    def drain(self) -> None:
        """Carries out what the endpoint says."""
        endpoint, network = self.endpoint, self.world.network
        while self.endpoint is endpoint and (event := endpoint.poll()) is not None:
            if not self.alive:
                return
            if type(event) is sip.Send:
                network.send(event.flow, event.data)
            elif type(event) is sip.Resolve:
                self._resolve(event)
            elif type(event) is sip.CloseFlow:
                network.close(event.flow.connection)
            else:
                self._happened(event)
        if self.endpoint is endpoint:
            self._arm()

    def _arm(self) -> None:
        deadline = self.endpoint.deadline()
        timer = self._timer
        if timer is not None and timer.action is not None:
            if deadline is not None and timer.when <= deadline:
                return
            timer.cancel()
        self._timer = self.world.clock.at(deadline, self._ring) if deadline is not None else None

    def _ring(self) -> None:
        if self.alive:
            self.endpoint.timeout(self.now())
            self.drain()

    def _resolve(self, event: sip.Resolve) -> None:
        flow = self.flow()
        self.world.clock.after(0.001, lambda: self._resolved(event.query, [] if flow.connection == -1 else [flow]))

    def _resolved(self, query: int, flows: list[Flow]) -> None:
        if self.alive:
            self.endpoint.resolved(query, flows, self.now())
            self.drain()

    def _happened(self, event: sip.Event) -> None:
        if isinstance(event, sip.IncomingSession):
            self._incoming(event)
            return
        if isinstance(event, sip.IncomingRequest):
            self.asked(event)
            return
        session: Session | None = getattr(event, "session", None)
        call = session.owner if session is not None else None
        if not isinstance(call, TalkingCall) or session is None:
            return
        if isinstance(event, sip.SessionProgress):
            call.progress.append(event.status)
            if event.body:
                self._agree(call, event.body)
        elif isinstance(event, sip.SessionAnswered):
            if event.body and self._agree(call, event.body):
                call.answered()
            else:
                call.hang_up()
        elif isinstance(event, sip.SessionOffer):
            self._offered(call, session, event.body)
        elif isinstance(event, sip.SessionOfferAnswered):
            if event.body:
                self._agree(call, event.body)
        elif isinstance(event, sip.SessionInfo):
            call.infos.append(event.body)
        elif isinstance(event, sip.SessionEnded):
            call.ended(event)
            self.calls.pop(session.id, None)

    def asked(self, event: sip.IncomingRequest) -> None:
        """A request outside a dialog."""
        self.endpoint.respond(event.transaction, event.request.reply(405), self.now())

    # --- incoming calls ----------------------------------------------------------------------------------------------
    def _incoming(self, event: sip.IncomingSession) -> None:
        self.incoming += 1
        session = event.session
        call = TalkingCall(self, session, Plan())
        session.owner = call
        self.calls[session.id] = call
        reaction = self.react(call, event)
        call.take(reaction.plan)
        if reaction.kind == "vanish":
            self.world.clock.after(reaction.after, self.vanish)
        if reaction.ring is not None:
            call.later(reaction.ring, lambda: self._ring_back(call, reaction))
        call.later(GIVE_UP_SECONDS, lambda: self._reject(call, 480, ()))
        if reaction.kind in ("answer", "refuse-sdp"):
            call.later(reaction.after, lambda: self._answer(call, reaction))
        elif reaction.kind == "status":
            call.later(reaction.after, lambda: self._reject(call, reaction.status, ()))
        elif reaction.kind == "redirect":
            contact = ("Contact", f"<sip:{reaction.target}@{self.box[0]}>")
            call.later(reaction.after, lambda: self._reject(call, 302, (contact,)))

    def _ring_back(self, call: TalkingCall, reaction: Reaction) -> None:
        session = call.session
        if session is None or session.ended or session.state not in ("incoming", "early"):
            return
        if reaction.early and session.request is not None and session.request.body:
            if not call.body:
                self._accept_offer(call, session.request.body)
            session.ring(self.now(), 183, call.body or None)
        else:
            session.ring(self.now())
        self.drain()

    def _answer(self, call: TalkingCall, reaction: Reaction) -> None:
        session = call.session
        if session is None or session.ended or session.request is None or session.state not in ("incoming", "early"):
            return
        if not call.body and not self._accept_offer(call, session.request.body):
            session.reject(488, self.now())
        else:
            body = call.body if reaction.kind == "answer" else b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
            session.answer(body, self.now())
            call.answered()
        self.drain()

    def _accept_offer(self, call: TalkingCall, offer: bytes) -> bool:
        try:
            call.body, negotiated = answer(call.local, offer, call.body or None)
        except RemoteProtocolError:
            return False
        call.talk(negotiated)
        return True

    def _reject(self, call: TalkingCall, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        session = call.session
        if session is not None and not session.ended and session.state in ("incoming", "early"):
            session.reject(status, self.now(), headers=headers)
            self.drain()

    # --- the media of a call -----------------------------------------------------------------------------------------
    def _agree(self, call: TalkingCall, body: bytes) -> bool:
        try:
            call.talk(accept(call.local, body))
        except RemoteProtocolError:
            return False
        return True

    def _offered(self, call: TalkingCall, session: Session, body: bytes | None) -> None:
        try:
            if body is None:
                call.body = refresh_offer(call.local, call.body) if call.body else make_offer(call.local)
            else:
                call.body, negotiated = answer(call.local, body, call.body or None)
                call.agreed(negotiated)
            session.accept_offer(call.body, self.now())
        except RemoteProtocolError as error:
            session.refuse_offer(error.status, self.now())
        except HakoError:
            session.refuse_offer(488, self.now())
