"""Synthetic phones and a synthetic carrier for the demo: real SIP and RTP over loopback, by the box's own SIP core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.app.demo_rtp import Stream, Ticker
from appliance.clock import system_now
from appliance.errors import RemoteProtocolError
from appliance.net.user_agent import UserAgent
from appliance.sip import events as sip
from appliance.sip.header import NameAddr
from appliance.sip.offer_answer import PCMU, TELEPHONE_EVENT, Local, Negotiated, accept, answer, make_offer
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


class DemoPhone(UserAgent):
    """A user agent of its own on its own UDP port."""

    def __init__(self, user: str, secret: str, ticker: Ticker, frames: list[bytes], port: int = 0) -> None:
        """`port` 0: any free one."""
        super().__init__("127.0.0.1", port, "Hako demo")
        self.user, self.secret = user, secret
        self.ticker, self.frames = ticker, frames
        self.calls: set[DemoCall] = set()
        self.on_call: Callable[[DemoCall], None] | None = None
        """What to do with a call that comes in; None: refuse it."""

    def register(self) -> None:
        """Registers, and again before it expires."""
        self.sign_on(self.user, (self.user, self.secret), 300)

    def unregister(self) -> None:
        """Takes the registration back, if there is one."""
        self.sign_off()

    def call(self, number: str, caller: str, name: str = "") -> DemoCall:
        """Calls a number at the box."""
        call = DemoCall(self, None)
        host, port = self.box
        call.session = self.endpoint.invite(
            self.flow,
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
        super().close()

    def happened(self, event: sip.Event) -> None:
        """What the box says."""
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
