"""A telephone between a page that says anything at any time and a box that does the same: nothing breaks or is left."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

pytest.importorskip("aiortc")

from appliance.clock import system_now
from appliance.net.user_agent import UserAgent
from appliance.sip import events as sip
from appliance.sip.header import NameAddr
from appliance.sip.offer_answer import OPUS, TELEPHONE_EVENT_48000, Local, answer, make_offer
from appliance.sip.session import Session
from appliance.sip.uri import SipUri
from appliance.webphone.line import MAX_CALLS, Line
from appliance.webphone.messages import (
    Answer,
    CallState,
    Closed,
    Dial,
    HangUp,
    Hold,
    Key,
    Offer,
    Open,
    Ping,
    Said,
    Told,
)

CODECS = (OPUS, TELEPHONE_EVENT_48000)


class OtherSide(UserAgent):
    """The box's place: takes, refuses, holds, calls and hangs up as the dice say."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__("127.0.0.1", 0, "test")
        self.dice = dice
        self.sessions: list[Session] = []

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.flow.local
        return host, port

    def local(self, direction: str = "sendrecv") -> Local:
        return Local("127.0.0.1", 9000, CODECS, direction=direction)  # type: ignore[arg-type]

    def happened(self, event: sip.Event) -> None:
        if isinstance(event, sip.IncomingSession):
            self.sessions.append(event.session)
        elif isinstance(event, sip.SessionOffer):
            if self.dice.random() < 0.3 or not event.body:
                event.session.refuse_offer(488, system_now())
            else:
                event.session.accept_offer(answer(self.local(), event.body)[0], system_now())
        elif isinstance(event, sip.SessionEnded) and event.session in self.sessions:
            self.sessions.remove(event.session)

    def act(self, line: Line) -> None:
        """One thing that a box does."""
        now, session = system_now(), self.dice.choice(self.sessions) if self.sessions else None
        does = self.dice.choice(["call", "ring", "answer", "refuse", "offer", "end"])
        if does == "call" and len(self.sessions) < 2 * MAX_CALLS:
            empty = self.dice.random() < 0.2
            self.sessions.append(
                self.endpoint.invite(
                    self.driver.flow_to(line.flow.local),
                    uri=f"sip:201@127.0.0.1:{line.flow.local[1]}",
                    from_=NameAddr("電話 ☎" * 30, SipUri("sip", "2" * 90, "127.0.0.1")),
                    to=NameAddr("", SipUri("sip", "201", "127.0.0.1")),
                    body=None if empty else make_offer(self.local()),
                    now=now,
                )
            )
        elif session is not None and session.direction == "in" and session.state not in ("confirmed", "answered"):
            request = session.request
            if does == "ring":
                session.ring(now)
            elif does == "answer" and request is not None:
                # Now and then with what is no description.
                body = answer(self.local(), request.body)[0] if self.dice.random() < 0.8 else b"v=0\r\nnonsense"
                session.answer(body, now)
            elif does == "refuse":
                session.reject(self.dice.choice([404, 486, 503]), now)
        elif session is not None and session.state == "confirmed" and does == "offer":
            direction = self.dice.choice(["sendrecv", "sendonly", "inactive"])
            session.offer(make_offer(self.local(direction)), now)
        elif session is not None and does == "end":
            session.terminate(now)
        self.drain()


def said(dice: random.Random) -> Said:
    """Anything that a page may say, about calls that there are and calls that there are not."""
    call = str(dice.randint(1, 12))
    return dice.choice(
        [
            Dial(number="204"),
            Answer(call=call),
            HangUp(call=call),
            Hold(call=call, on=dice.random() < 0.5),
            Key(call=call, key="5"),
            Ping(),
        ]
    )


def files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("seed", range(6))
async def test_anything_in_any_order_breaks_nothing_and_leaves_nothing(seed: int) -> None:
    dice, wrong = random.Random(seed), []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: wrong.append(context))
    before = files()
    box, told, ended = OtherSide(dice), [], asyncio.Event()
    tell = told.append
    opened = Open(extension="201", name="Desk", sip=box.address, credentials=("browser-201", "secret"))
    line = Line(opened, "token", lambda _line: ended.set())
    line.attach(opened, tell)
    for _ in range(250):
        dice.choice([lambda: line.said(said(dice)), lambda: box.act(line)])()
        if dice.random() < 0.05:
            line.detach(tell)
            line.attach(opened, tell)
        await asyncio.sleep(0.001)
        assert len(line.calls) <= MAX_CALLS
    assert not wrong
    states = [one.state for one in told if isinstance(one, CallState)]
    assert {"talking", "ended"} <= set(states)
    line.end("left")
    await asyncio.wait_for(ended.wait(), 5)
    assert isinstance(told[-1], Closed) and not line.calls
    box.close()
    await asyncio.sleep(0)
    assert not wrong and files() <= before


async def test_of_two_offers_the_newer_one_counts() -> None:
    from aiortc import RTCPeerConnection
    from aiortc.mediastreams import AudioStreamTrack

    told: list[Told] = []
    ended = asyncio.Event()
    opened = Open(extension="201", name="Desk", sip=("127.0.0.1", 9), credentials=("browser-201", "secret"))
    line = Line(opened, "token", lambda _line: ended.set())
    line.attach(opened, told.append)
    browsers = [RTCPeerConnection() for _ in range(2)]
    for browser in browsers:
        browser.addTrack(AudioStreamTrack())
        await browser.setLocalDescription(await browser.createOffer())
    for attempt, browser in enumerate(browsers, 1):
        line.said(Offer(sdp=browser.localDescription.sdp, attempt=attempt))
    line.said(Offer(sdp="nonsense", attempt=3))
    line.said(Offer(sdp=browsers[1].localDescription.sdp, attempt=4))
    for _ in range(200):
        if any(getattr(one, "attempt", 0) == 4 for one in told):
            break
        await asyncio.sleep(0.05)
    assert [one.attempt for one in told if hasattr(one, "attempt")] == [4]
    line.end("left")
    await asyncio.wait_for(ended.wait(), 5)
    for browser in browsers:
        await browser.close()
