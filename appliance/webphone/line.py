"""A browser's telephone: a SIP phone of its extension whose ear and mouth are a WebRTC connection.

The page may lose its connection and come back with its token: calls go on meanwhile, and a new peer connection takes
the place of the old one under the same calls. Only one call has the audio at a time; the others are held.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import singledispatchmethod
from typing import Any

from appliance.clock import system_now
from appliance.errors import RemoteProtocolError
from appliance.net.rtp import Packet
from appliance.net.user_agent import UserAgent
from appliance.sip import events as sip
from appliance.sip.header import NameAddr
from appliance.sip.session import Session
from appliance.sip.uri import SipUri, TelUri
from appliance.webphone.audio import NoPort
from appliance.webphone.call import PhoneCall
from appliance.webphone.messages import (
    GRACE_SECONDS,
    IDLE_GRACE_SECONDS,
    Answer,
    Closed,
    Dial,
    HangUp,
    Hold,
    Key,
    Leave,
    Media,
    Offer,
    Open,
    Ping,
    Pong,
    Ready,
    Refused,
    Registered,
    Said,
    Told,
)
from appliance.webphone.peer import Peer, PeerError

log = logging.getLogger("hako.webphone")

USER_AGENT = "Hako web phone"
MAX_CALLS = 4
EXPIRES = 120
"""Seconds of a registration: what is left of a process that was killed."""
FAREWELLS = 30
"""Tries to take a registration back, a second apart."""

Tell = Callable[[Told], None]


class Line(UserAgent):
    """One browser. `ended` is called once, when nothing of it is left."""

    def __init__(self, opened: Open, token: str, ended: Callable[[Line], None]) -> None:
        """Raises OSError when there is no UDP port."""
        super().__init__(opened.sip[0], 0, USER_AGENT)
        self.token, self.extension, self.name = token, opened.extension, opened.name
        self.calls: dict[str, PhoneCall] = {}
        self.over = False
        self._credentials = opened.credentials
        self._registered = False
        self._ended = ended
        self._tell: Tell | None = None
        self._peer: Peer | None = None
        self._offered: Offer | None = None
        """The page's newest."""
        self._active: PhoneCall | None = None
        """The call that has the audio."""
        self._number = 0
        self._grace: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.meet(opened.sip)
        self.sign_on(self.extension, self._credentials, EXPIRES)

    # --- the page's connection ---------------------------------------------------------------------------------------
    def attach(self, opened: Open, tell: Tell) -> None:
        """A page is there, or there again."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        resumed, before = opened.resume == self.token, self._tell
        if before is not None:
            before(Closed(reason="replaced"))
        self._tell = tell
        if (opened.sip, opened.credentials) != (self.box, self._credentials):
            # The box was started again: with the old credentials a farewell would be a wrong password.
            self._credentials, self._registered = opened.credentials, False
            self.meet(opened.sip)
            self.forget_sign_on()
            self.sign_on(self.extension, self._credentials, EXPIRES)
        elif not self._registered:
            # The box did not answer a while ago: now it does, and nobody waits for the next try.
            self.forget_sign_on()
            self.sign_on(self.extension, self._credentials, EXPIRES)
        tell(Ready(token=self.token, extension=self.extension, name=self.name, resumed=resumed))
        tell(Registered(on=self._registered))
        for call in self.calls.values():
            tell(call.told())

    def detach(self, tell: Tell) -> None:
        """That page's connection is gone; another may have taken its place."""
        if self._tell is tell and not self.over:
            self._tell = None
            self._wait_for_page()

    def _wait_for_page(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
        seconds = GRACE_SECONDS if self.calls else IDLE_GRACE_SECONDS
        self._grace = asyncio.get_running_loop().call_later(seconds, self.end, "expired")

    def tell(self, message: Told) -> None:
        """To the page, if there is one."""
        if self._tell is not None:
            self._tell(message)

    # --- what the page says ------------------------------------------------------------------------------------------
    @singledispatchmethod
    def said(self, message: Said) -> None:
        """Does what the page asks for; what cannot be done is told."""
        raise TypeError(message)

    @said.register
    def _(self, _message: Ping) -> None:
        self.tell(Pong())

    @said.register
    def _(self, _message: Leave) -> None:
        self.end("left")

    @said.register
    def _(self, message: Offer) -> None:
        self._spawn(self._connect(message))

    @said.register
    def _(self, message: Dial) -> None:
        if len(self.calls) >= MAX_CALLS:
            return self.tell(Refused(code="busy", text="There are too many calls at this phone."))
        self._hold_others(None)
        host, _ = self.box
        try:
            call = self._new_call("out", message.number, "")
        except NoPort as error:
            return self.tell(Refused(code="busy", text=str(error)))
        call.session = self.endpoint.invite(
            self.flow,
            uri=str(SipUri("sip", message.number, host, port=self.box[1])),
            from_=NameAddr(self.name, SipUri("sip", self.extension, host)),
            to=NameAddr("", SipUri("sip", message.number, host)),
            body=call.offer(),
            now=system_now(),
            contact_user=self.extension,
            credentials=self._credentials,
            owner=call,
        )
        self._active = call
        self.tell(call.told())
        self.drain()

    @said.register
    def _(self, message: Answer) -> None:
        call = self._call(message.call)
        if call is None:
            return
        self._hold_others(call)
        try:
            call.take(system_now())
        except RemoteProtocolError as error:
            call.session.reject(error.status, system_now())
        else:
            self._active = call
            self.tell(call.told())
        self.drain()

    @said.register
    def _(self, message: HangUp) -> None:
        call = self._call(message.call)
        if call is not None:
            self._hang_up(call)
            self.drain()

    @said.register
    def _(self, message: Hold) -> None:
        call = self._call(message.call)
        if call is not None:
            if not message.on:
                self._hold_others(call)
                self._active = call
            call.hold(message.on, system_now())
            self.drain()

    @said.register
    def _(self, message: Key) -> None:
        call = self._call(message.call)
        if call is not None and not call.audio.press(message.key):
            self.tell(Refused(code="busy", text="The other side takes no keys."))

    def _call(self, identity: str) -> PhoneCall | None:
        call = self.calls.get(identity)
        if call is None:
            self.tell(Refused(code="no-such-call", text="That call is over."))
        return call

    # --- calls -------------------------------------------------------------------------------------------------------
    def _new_call(self, direction: Any, number: str, name: str) -> PhoneCall:
        self._number += 1
        call = PhoneCall(str(self._number), direction, number, name, self.host, self._heard_call, time.monotonic)
        self.calls[call.id] = call
        return call

    def _hold_others(self, than: PhoneCall | None) -> None:
        for call in self.calls.values():
            if call is not than:
                call.hold(True, system_now())

    def _hang_up(self, call: PhoneCall) -> None:
        call.session.terminate(system_now(), 603)

    def happened(self, event: sip.Event) -> None:
        """What the box says."""
        if isinstance(event, sip.RegistrationChanged):
            self._registered = event.state == "up"
            self.tell(Registered(on=self._registered))
            return
        if isinstance(event, sip.IncomingSession):
            self._rings(event.session)
            return
        call = getattr(getattr(event, "session", None), "owner", None)
        if not isinstance(call, PhoneCall):
            return
        try:
            self._call_happened(call, event)
        except RemoteProtocolError as error:
            log.warning("a call is ended: %s", error)
            call.session.terminate(system_now(), error.status)

    def _call_happened(self, call: PhoneCall, event: sip.Event) -> None:
        status, by = 0, ""
        if isinstance(event, sip.SessionProgress):
            call.progress(event.status, event.body)
        elif isinstance(event, sip.SessionAnswered):
            call.answered(event.body)
        elif isinstance(event, sip.SessionOffer):
            call.offered(event.body, system_now())
        elif isinstance(event, sip.SessionOfferAnswered):
            call.offer_answered(event.body)
        elif isinstance(event, sip.SessionOfferRefused):
            call.offer_refused()
        elif isinstance(event, sip.SessionEnded):
            call.over()
            self.calls.pop(call.id, None)
            if self._active is call:
                self._active = None
            if self._tell is None and not self.calls and not self.over:
                self._wait_for_page()
            status, by = event.status, event.by
        else:
            return
        self.tell(call.told(status, by))

    def _rings(self, session: Session) -> None:
        now = system_now()
        if self.over or len(self.calls) >= MAX_CALLS or self._tell is None:
            session.reject(486 if self._tell is not None else 480, now)
            return
        caller = session.remote_party
        uri = caller.uri
        number = (uri.user or "") if isinstance(uri, SipUri | TelUri) else ""
        try:
            call = self._new_call("in", number[:64], (caller.display or "")[:64])
        except NoPort:
            session.reject(486, now)
            return
        call.session, session.owner = session, call
        session.ring(now)
        self.tell(call.told())

    # --- audio -------------------------------------------------------------------------------------------------------
    async def _connect(self, offer: Offer) -> None:
        """The page offers a new connection: it takes the place of the present one."""
        self._offered = offer
        self._part()
        peer = Peer(self._heard_browser, self._peer_changed)
        try:
            answer = await peer.answer(offer.sdp)
        except PeerError as error:
            await peer.close()
            if offer is self._offered:
                self.tell(Refused(code="media", text=str(error)))
            return
        if self.over or offer is not self._offered:
            # The page waits for another one's answer already.
            await peer.close()
            return
        self._peer = peer
        self.tell(Media(sdp=answer, attempt=offer.attempt))

    def _part(self) -> None:
        """Gives the present connection up; what it takes to end it holds nobody up."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self._spawn(peer.close())

    def _peer_changed(self, peer: Peer) -> None:
        if peer is self._peer and peer.state in ("failed", "closed"):
            self._part()

    def _heard_browser(self, packet: Packet) -> None:
        if self._active is not None:
            self._active.audio.send(packet)

    def _heard_call(self, call: PhoneCall, packet: Packet) -> None:
        if call is self._active and self._peer is not None:
            self._peer.send(packet, time.monotonic())

    # --- the end -----------------------------------------------------------------------------------------------------
    def end(self, reason: str) -> None:
        """Ends its calls, takes its registration back and tells the page."""
        if self.over:
            return
        self.over = True
        if self._grace is not None:
            self._grace.cancel()
        for call in list(self.calls.values()):
            self._hang_up(call)
        self.sign_off()
        self.drain()
        self.tell(Closed(reason=reason))
        self._tell = None
        # Answers to BYE and un-REGISTER are worth a moment.
        asyncio.get_running_loop().call_later(0.5, self._leave, FAREWELLS)

    def _leave(self, farewells: int) -> None:
        if farewells and self.sign_off_again():
            # The box is being started again, and knows our registration from before.
            asyncio.get_running_loop().call_later(1.0, self._leave, farewells - 1)
            return
        for call in list(self.calls.values()):
            call.over()
        self.close()
        self._part()
        self._ended(self)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a browser's connection failed", exc_info=error)
