"""One call of a browser's telephone: its SIP session, its audio towards the engine, and what the page is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.net.rtp import Packet
from appliance.sip.offer_answer import (
    OPUS,
    TELEPHONE_EVENT_48000,
    Local,
    Negotiated,
    accept,
    answer,
    make_offer,
    refresh_offer,
)
from appliance.sip.session import Session
from appliance.webphone.audio import CallAudio
from appliance.webphone.messages import CallState

CODECS = (OPUS, TELEPHONE_EVENT_48000)
"""What browsers all have; the engine turns it into what the other party has."""

State = Literal["calling", "ringing", "early", "talking", "held", "ended"]


class PhoneCall:
    """A call from its first message to its end. `session` is set right after it is made."""

    session: Session

    def __init__(
        self,
        identity: str,
        direction: Literal["in", "out"],
        number: str,
        name: str,
        host: str,
        heard: Callable[[PhoneCall, Packet], None],
        clock: Callable[[], float],
    ) -> None:
        """Raises NoPort."""
        self.id, self.direction, self.number, self.name = identity, direction, number, name
        self.state: State = "calling" if direction == "out" else "ringing"
        self.wants_hold = False
        """What the page asked for last."""
        self.answered_at = 0.0
        self.audio = CallAudio(host, lambda packet: heard(self, packet), clock)
        self._negotiated: Negotiated | None = None
        self._clock = clock

    @property
    def host(self) -> str:
        return self.audio.host

    def local(self) -> Local:
        """Our side of the audio now."""
        return Local(self.host, self.audio.port, CODECS, direction="sendonly" if self.wants_hold else "sendrecv")

    def offer(self) -> bytes:
        """The description of an outgoing call."""
        return make_offer(self.local())

    def told(self, status: int = 0, by: str = "") -> CallState:
        """The call as the page is told."""
        return CallState(
            call=self.id,
            direction=self.direction,
            state=self.state,
            number=self.number,
            name=self.name,
            held_by_other=self._negotiated is not None and self._negotiated.held_by_remote,
            seconds=round(self._clock() - self.answered_at, 1) if self.answered_at else 0.0,
            status=status,
            by=by,
        )

    # --- ours --------------------------------------------------------------------------------------------------------
    def take(self, now: Instant) -> None:
        """Answers a call that rings. Raises RemoteProtocolError."""
        request = self.session.request
        if self.state != "ringing" or request is None:
            return
        body, negotiated = answer(self.local(), request.body)
        self.session.answer(body, now)
        self._talks(negotiated)

    def hold(self, on: bool, now: Instant) -> None:
        """Asks for hold or its end; `state` follows the answer."""
        if self.state not in ("talking", "held") or on == self.wants_hold or self.session.local_sdp is None:
            return
        self.wants_hold = on
        self.session.offer(refresh_offer(self.local(), self.session.local_sdp), now)

    def over(self) -> None:
        """The session has ended."""
        self.state = "ended"
        self.audio.close()

    # --- theirs ------------------------------------------------------------------------------------------------------
    def progress(self, status: int, body: bytes | None) -> None:
        """It rings there, or is heard before it answers."""
        if body:
            self._agree(accept(self.local(), body))
            self.state = "early"
        elif self.state == "calling" and status == 180:
            self.state = "ringing"

    def answered(self, body: bytes | None) -> None:
        """Our call is taken. Raises RemoteProtocolError."""
        if body is None:
            raise RemoteProtocolError("an answer without a description", 488)
        self._talks(accept(self.local(), body))

    def offered(self, body: bytes | None, now: Instant) -> None:
        """The other side changes the audio."""
        before = self.session.local_sdp
        try:
            if not body:
                ours = refresh_offer(self.local(), before) if before is not None else self.offer()
                self.session.accept_offer(ours, now)
                return
            ours, negotiated = answer(self.local(), body, before)
        except RemoteProtocolError as error:
            self.session.refuse_offer(error.status, now)
            return
        self.session.accept_offer(ours, now)
        self._agree(negotiated)

    def offer_answered(self, body: bytes | None) -> None:
        """Our change of the audio is agreed."""
        if body:
            self._agree(accept(self.local(), body))
        if self.state in ("talking", "held"):
            self.state = "held" if self.wants_hold else "talking"

    def offer_refused(self) -> None:
        """It stays as it was."""
        self.wants_hold = self.state == "held"

    def _talks(self, negotiated: Negotiated) -> None:
        self._agree(negotiated)
        self.state = "talking"
        self.answered_at = self._clock()

    def _agree(self, negotiated: Negotiated) -> None:
        self._negotiated = negotiated
        self.audio.agree(negotiated)
