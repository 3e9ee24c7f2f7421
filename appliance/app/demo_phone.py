"""Synthetic phones and a synthetic carrier for the demo: real SIP and RTP over loopback, by the box's own SIP core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from appliance.app.demo_rtp import Stream, Ticker
from appliance.clock import system_now
from appliance.errors import RemoteProtocolError
from appliance.net.addresses import LocalAddresses
from appliance.net.udp import UdpDriver
from appliance.sip import events as sip
from appliance.sip.endpoint import Endpoint
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.offer_answer import PCMU, TELEPHONE_EVENT, Local, Negotiated, accept, answer, make_offer
from appliance.sip.registration import Registration
from appliance.sip.session import Session
from appliance.sip.uri import SipUri


class DemoCall:
    """One call of a synthetic party."""

    def __init__(self, phone: DemoPhone, session: Session | None) -> None:
        self.phone = phone
        self.session = session
        self.stream = Stream(phone.host)
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        phone.calls.add(self)
        self.local = Local(phone.host, self.stream.port, (PCMU, TELEPHONE_EVENT))

    def talk(self, negotiated: Negotiated) -> None:
        """Begins to send."""
        self.stream.remote = negotiated.remote
        if negotiated.send_events is not None:
            self.stream.event_payload = negotiated.send_events.number
        self.stream.frames = self.phone.frames
        self.phone.ticker.streams.add(self.stream)
        self.answered.set()

    def over(self) -> None:
        """The call has ended."""
        self.phone.ticker.streams.discard(self.stream)
        self.phone.calls.discard(self)
        self.stream.close()
        self.answered.set()
        self.ended.set()

    def hang_up(self) -> None:
        """Ends the call from this side."""
        if self.session is None or self.session.ended:
            return
        now = system_now()
        if self.session.state not in ("calling", "early"):
            self.session.bye(now)
        elif self.session.direction == "out":
            self.session.cancel(now)
        else:
            self.session.reject(603, now)
        self.phone.drain()


class DemoPhone:
    """A user agent of its own on its own UDP port."""

    def __init__(self, user: str, secret: str, ticker: Ticker, frames: list[bytes], port: int = 0) -> None:
        """`port` 0: any free one."""
        self.user, self.secret = user, secret
        self.host = "127.0.0.1"
        self.ticker, self.frames = ticker, frames
        self.endpoint = Endpoint(os.urandom, user_agent="Hako demo")
        self.driver = UdpDriver(
            self.host, port, LocalAddresses(lambda: system_now().mono), self._receive, self._failed, self.drain
        )
        self.driver.start()
        self.calls: set[DemoCall] = set()
        self.on_call: Callable[[DemoCall], None] | None = None
        """What to do with a call that comes in; None: refuse it."""
        self._timer: asyncio.TimerHandle | None = None
        self._registration: Registration | None = None
        self.meet(("127.0.0.1", 5060))

    def meet(self, box: tuple[str, int]) -> None:
        """Says where the box is."""
        self.box = box
        self._flow = self.driver.flow_to(box)

    def register(self) -> None:
        """Registers, and again before it expires."""
        self._registration = self.endpoint.register(
            self._flow,
            aor=f"sip:{self.user}@{self.box[0]}",
            uri=f"sip:{self.box[0]}:{self.box[1]}",
            credentials=(self.user, self.secret),
            expires=300,
            now=system_now(),
        )
        self.drain()

    def unregister(self) -> None:
        """Takes the registration back, if there is one."""
        if self._registration is not None:
            self._registration.remove(system_now())
            self._registration = None
            self.drain()

    def call(self, number: str, caller: str, name: str = "") -> DemoCall:
        """Calls a number at the box."""
        call = DemoCall(self, None)
        host, port = self.box
        call.session = self.endpoint.invite(
            self._flow,
            uri=f"sip:{number}@{host}:{port}",
            from_=NameAddr(name, SipUri("sip", caller, self.host)),
            to=NameAddr("", SipUri("sip", number, host)),
            body=make_offer(call.local),
            now=system_now(),
            contact_user=caller,
            credentials=(self.user, self.secret) if self.secret else None,
            owner=call,
        )
        self.drain()
        return call

    def answer(self, call: DemoCall) -> None:
        """Takes a call that came in."""
        session = call.session
        if session is None or session.ended or session.request is None:
            return
        try:
            body, negotiated = answer(call.local, session.request.body)
        except RemoteProtocolError as error:
            session.reject(error.status, system_now())
        else:
            session.answer(body, system_now())
            call.talk(negotiated)
        self.drain()

    def close(self) -> None:
        """Hangs up and leaves."""
        for call in list(self.calls):
            call.over()
        if self._timer is not None:
            self._timer.cancel()
        self.driver.close()

    # --- the driver's side -------------------------------------------------------------------------------------------
    def _receive(self, flow: Flow, data: bytes) -> None:
        self.endpoint.receive(flow, data, system_now())

    def _failed(self, flow: Flow, reason: str) -> None:
        self.endpoint.flow_failed(flow, reason, system_now())

    def drain(self) -> None:
        """Carries out what the endpoint says."""
        while (event := self.endpoint.poll()) is not None:
            if isinstance(event, sip.Send):
                self.driver.send(event.flow, event.data)
            elif isinstance(event, sip.Resolve):
                self.endpoint.resolved(event.query, [self._flow], system_now())
            else:
                self._happened(event)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.endpoint.deadline()
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.001, deadline - system_now().mono), self._due)

    def _due(self) -> None:
        self._timer = None
        self.endpoint.timeout(system_now())
        self.drain()

    def _happened(self, event: sip.Event) -> None:
        if isinstance(event, sip.IncomingSession):
            call = DemoCall(self, event.session)
            event.session.owner = call
            if self.on_call is None:
                event.session.reject(480, system_now())
            else:
                event.session.ring(system_now())
                self.on_call(call)
            return
        call_of = getattr(getattr(event, "session", None), "owner", None)
        if not isinstance(call_of, DemoCall):
            return
        if isinstance(event, sip.SessionAnswered) and event.body:
            call_of.talk(accept(call_of.local, event.body))
        elif isinstance(event, sip.SessionOffer) and event.body:
            event.session.accept_offer(answer(call_of.local, event.body)[0], system_now())
        elif isinstance(event, sip.SessionEnded):
            call_of.over()
