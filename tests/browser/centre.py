"""People around one real box: a carrier and desk phones that speak SIP and RTP, each with its own tone."""

from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType

from appliance.app.demo_phone import DemoCall, DemoPhone
from appliance.app.demo_rtp import Ticker, tone
from tests.browser.site import NUMBER, PHONES
from tests.peers.kit.box import Box
from tests.peers.kit.processes import until

CALLER_TONE, FIRST_PHONE_TONE = 440.0, 600.0


class Centre:
    """`async with Centre(box, carrier_port) as centre:` phones are registered and nobody calls."""

    def __init__(self, box: Box, carrier_port: int) -> None:
        self.box = box
        self.ticker = Ticker()
        self.carrier = DemoPhone("carrier", "", self.ticker, tone(CALLER_TONE), carrier_port)
        self.phones = {
            number: DemoPhone(number, secret, self.ticker, tone(FIRST_PHONE_TONE + 100 * place))
            for place, (number, secret) in enumerate(PHONES.items())
        }
        self.ringing: dict[str, DemoCall] = {}
        """The call that rings at a phone, by extension."""

    async def __aenter__(self) -> Centre:
        self._ticking = asyncio.get_running_loop().create_task(self.ticker.run())
        address = (self.box.host, self.box.sip_port)
        self.carrier.meet(address)
        for number, phone in self.phones.items():
            phone.meet(address)
            phone.on_call = partial(self.ringing.__setitem__, number)
            phone.register()
        try:
            await self._until_registered(True)
        except BaseException:
            self._go_home()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for phone in (self.carrier, *self.phones.values()):
            for call in list(phone.calls):
                call.hang_up()
        for live in await self.box.items("calls"):
            await self.box.call_api("POST", f"calls/{live['id']}/hangup")
        for agent in await self.box.items("agents"):
            await self.box.set_status(agent["id"], "logged-out")
        for phone in self.phones.values():
            phone.unregister()
        try:
            await self._until_registered(False)
        finally:
            self._go_home()

    def _go_home(self) -> None:
        self._ticking.cancel()
        for phone in (self.carrier, *self.phones.values()):
            phone.close()

    async def _until_registered(self, wanted: bool) -> None:
        for _ in range(150):
            seen = await self.box.items("registrations")
            if all(bool(one["contacts"]) == wanted for one in seen):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"phones do not {'register' if wanted else 'leave'}: {seen}\n{self.box.log()}")

    def caller(self, number: str = "09012345678", name: str = "") -> DemoCall:
        """Somebody calls the site's number."""
        return self.carrier.call(NUMBER, number, name)

    async def caller_in_queue(self, number: str, name: str = "") -> DemoCall:
        """Somebody calls and has pressed 1."""
        call = self.caller(number, name)
        await self.answered(call)
        call.stream.press("1")
        await self.until_call(number, "waiting", "ringing", "talking")
        return call

    async def until_call(self, number: str, *states: str) -> None:
        """Waits until the live call from this number is in one of these states."""
        for _ in range(100):
            if [one for one in await self.box.items("calls") if one["from"] == number and one["state"] in states]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"no call from {number} came into {states}: {await self.box.items('calls')}")

    async def answered(self, call: DemoCall) -> None:
        """Waits until the box has answered."""
        async with asyncio.timeout(8):
            await call.answered.wait()
        assert not call.ended.is_set(), "the box refused the call"

    async def talk(self, phone: str, number: str) -> DemoCall:
        """A desk phone calls another and they talk; the calling side's call."""
        call = self.phones[phone].call(number, phone)
        await self.pick_up(number)
        await self.answered(call)
        return call

    async def rings(self, phone: str) -> DemoCall:
        """Waits until a phone rings."""
        await until(lambda: phone in self.ringing, 15, f"{phone} rings")
        return self.ringing[phone]

    async def pick_up(self, phone: str) -> DemoCall:
        """Waits until a phone rings, and answers."""
        call = await self.rings(phone)
        del self.ringing[phone]
        self.phones[phone].answer(call)
        return call
