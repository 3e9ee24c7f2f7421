"""A SIP user agent on a UDP port of its own: the box's SIP core with a socket and a timer. Phones are made of it."""

from __future__ import annotations

import asyncio
import os

from appliance.clock import system_now
from appliance.net.addresses import LocalAddresses
from appliance.net.udp import UdpDriver
from appliance.sip import events as sip
from appliance.sip.endpoint import Endpoint
from appliance.sip.flow import Flow
from appliance.sip.registration import Registration
from appliance.sip.uri import SipUri


class UserAgent:
    """What happens comes to `happened`, which a subclass has. Belongs to one asyncio loop."""

    def __init__(self, host: str, port: int, name: str) -> None:
        """Binds at once (port 0: any free one; OSError when it cannot). `name`: the User-Agent header."""
        self.host = host
        self.endpoint = Endpoint(os.urandom, user_agent=name)
        self.driver = UdpDriver(
            host, port, LocalAddresses(lambda: system_now().mono), self._receive, self._failed, self.drain
        )
        self.driver.start()
        self.box = ("127.0.0.1", 5060)
        self.flow = self.driver.flow_to(self.box)
        self._timer: asyncio.TimerHandle | None = None
        self._registration: Registration | None = None
        self._left: Registration | None = None
        """That was taken back last."""

    def meet(self, box: tuple[str, int]) -> None:
        """Says where the box is."""
        self.box = box
        self.flow = self.driver.flow_to(box)

    def sign_on(self, extension: str, credentials: tuple[str, str], expires: int) -> None:
        """Registers as a phone of the extension, and again before it expires (seconds)."""
        host, port = self.box
        self._registration = self.endpoint.register(
            self.flow,
            aor=str(SipUri("sip", extension, host)),
            uri=str(SipUri("sip", None, host, port=port)),
            credentials=credentials,
            expires=expires,
            now=system_now(),
        )
        self.drain()

    def sign_off(self) -> None:
        """Takes the registration back, if there is one."""
        if self._registration is not None:
            self._left, self._registration = self._registration, None
            self._left.remove(system_now())
            self.drain()

    def sign_off_again(self) -> bool:
        """Once more, where the box has not answered that. False: there is no need."""
        if self._left is None or not self._left.known:
            return False
        self._left.remove_again(system_now())
        self.drain()
        return True

    def forget_sign_on(self) -> None:
        """The same without a word: who was signed on with is another one now."""
        if self._registration is not None:
            self._registration.forget()
            self._registration = None

    def happened(self, event: sip.Event) -> None:
        """Anything but what is sent and looked up."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives the port back."""
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
                self.endpoint.resolved(event.query, [self.flow], system_now())
            else:
                self.happened(event)
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
