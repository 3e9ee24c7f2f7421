"""`hako demo`: a box with synthetic callers and agents over real SIP and RTP, so that every page is alive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import tempfile
import wave
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import tomli_w
import uvloop

from appliance.app.addresses import port_problem
from appliance.app.box import Box
from appliance.app.demo_phone import DemoCall, DemoPhone
from appliance.app.demo_rtp import Ticker, speech, tone
from appliance.app.serve import announce, ends, set_up_log
from appliance.media.speech import SpeechHelper
from appliance.media.spoken import SpeechError
from appliance.options import Options
from appliance.site.sample import NUMBER, Sample, sample
from appliance.store.safe import write_file

CALLER_EVERY = (4.0, 14.0)
"""Seconds between two callers."""
PATIENCE = (12.0, 90.0)
"""Seconds that a caller waits before giving up."""

_LINES = {
    "en": (
        "Hello, my order has not arrived yet. Could you look where it is?",
        "Thank you for waiting. I am looking it up now, one moment please.",
    ),
    "ja": (
        "もしもし、注文した商品がまだ届かないのですが、調べていただけますか。",
        "お待たせいたしました。ただいまお調べいたしますので、少々お待ちください。",
    ),
}
_LOG_IN = {
    "en": "web log-in: admin, password {password}",
    "ja": "Web 画面のログイン: ユーザー名 admin、パスワード {password}",
}


def demo(options: Options) -> int:
    """Runs the demo until SIGINT or SIGTERM. Without a data folder it uses one of its own and removes it."""
    set_up_log()
    own = options.data == Path()
    folder = Path(tempfile.mkdtemp(prefix="hako-demo-")) if own else options.data
    try:
        return uvloop.run(_demo(msgspec.structs.replace(options, data=folder)))
    finally:
        if own:
            shutil.rmtree(folder, ignore_errors=True)


def _site(made: Sample, carrier_port: int) -> dict[str, Any]:
    """The sample site, livelier: shorter times, the carrier on our own port, all six phones staffed."""
    document = made.document
    document["trunks"][0]["port"] = carrier_port
    queue = document["queues"][0]
    queue["ring_seconds"], queue["wrap_up_seconds"] = 8, 6
    names = ("Aiko", "Ken", "Yui", "Sora")
    document["agents"] = [
        {"id": name.lower(), "number": str(place), "name": name, "extension": str(200 + place), "queues": ["support"]}
        for place, name in enumerate(names, 1)
    ]
    return document


async def _demo(options: Options) -> int:
    made = sample(os.urandom, options.language)
    ticker = Ticker()
    caller_voice, agent_voice = await _voices(options)
    carrier = DemoPhone("carrier", "", ticker, caller_voice)
    site_file = options.data / "demo.toml"
    options.data.mkdir(parents=True, exist_ok=True)
    write_file(site_file, tomli_w.dumps(_site(made, carrier.driver.address[1])).encode())
    box = Box(msgspec.structs.replace(options, site=site_file, sample=False))
    stop = asyncio.Event()
    for number in ends():
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await box.start()
    except OSError as error:
        raise port_problem(error, *box.listening) from error
    stage = Stage(box, made, ticker, carrier, agent_voice)
    await stage.open()
    box.note(_LOG_IN[options.language].format(password=made.users["admin"]))
    announce(box)
    await stop.wait()
    await stage.close()
    await box.stop("demo over")
    return 0


async def _voices(options: Options) -> tuple[list[bytes], list[bytes]]:
    """What callers and agents say, as packets; tones where no voice is installed."""
    helper = SpeechHelper()
    found: list[list[bytes]] = []
    for line, hertz in zip(_LINES[options.language], (440.0, 660.0), strict=True):
        path = options.data / f"voice-{len(found)}.wav"
        options.data.mkdir(parents=True, exist_ok=True)
        try:
            await helper.make({"kind": "speech", "segments": [[options.language, line]], "path": str(path)})
            found.append(speech(str(path)))
        except (SpeechError, OSError, EOFError, wave.Error):
            found.append(tone(hertz))
    await helper.close()
    return found[0], found[1]


class Stage:
    """The synthetic people around one box."""

    def __init__(self, box: Box, made: Sample, ticker: Ticker, carrier: DemoPhone, voice: list[bytes]) -> None:
        self.box, self.made, self.ticker, self.carrier = box, made, ticker, carrier
        self.dice = random.Random()
        self.phones = [DemoPhone(number, secret, ticker, voice) for number, secret in made.phones.items()]
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Phones register, agents log in, callers begin to call."""
        host, _, port = self.box.sip_addresses()[0].rpartition(":")
        address = (host.strip("[]"), int(port))
        self._spawn(self.ticker.run())
        self.carrier.meet(address)
        self.carrier.on_call = lambda call: self._spawn(self._handle(call))
        for phone in self.phones:
            phone.meet(address)
            phone.on_call = lambda call: self._spawn(self._handle(call))
            phone.register()
        await asyncio.sleep(0.5)
        for agent in self.box.exchange.agents():
            self._status(agent.id, "available", "")
        self._spawn(self._callers())
        self._spawn(self._colleagues())
        self._spawn(self._breaks())

    async def close(self) -> None:
        """Everybody goes home."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for phone in (*self.phones, self.carrier):
            phone.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _over(self, call: DemoCall, seconds: float) -> bool:
        """Waits for the call's end, at most so long; True when it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await call.ended.wait()
        return call.ended.is_set()

    async def _handle(self, call: DemoCall) -> None:
        """A phone rings: mostly it is answered, now and then nobody is there."""
        dice = self.dice
        if dice.random() < 0.1 or await self._over(call, dice.uniform(1.5, 6.0)):
            return
        call.phone.answer(call)
        if not await self._over(call, dice.uniform(15.0, 70.0)):
            call.hang_up()

    async def _callers(self) -> None:
        while True:
            self._spawn(self._caller())
            await asyncio.sleep(self.dice.uniform(*CALLER_EVERY))

    async def _caller(self) -> None:
        dice = self.dice
        number = f"0{dice.choice('789')}0{dice.randrange(10**8):08d}"
        call = self.carrier.call(NUMBER, number)
        if await self._over(call, dice.uniform(2.0, 6.0)):
            return
        call.stream.press("1")
        if not await self._over(call, dice.uniform(*PATIENCE) + dice.uniform(0.0, 60.0)):
            call.hang_up()

    async def _colleagues(self) -> None:
        """The two phones without an agent call each other and out."""
        first, second = self.phones[4:6]
        while True:
            await asyncio.sleep(self.dice.uniform(15.0, 40.0))
            number = self.dice.choice((second.user, "0311112222"))
            call = first.call(number, first.user)
            if not await self._over(call, self.dice.uniform(10.0, 30.0)):
                call.hang_up()

    async def _breaks(self) -> None:
        """Now and then an agent takes a break."""
        while True:
            await asyncio.sleep(self.dice.uniform(30.0, 60.0))
            agent = self.dice.choice(self.box.exchange.agents()).id
            reasons = [one.name for one in self.box.exchange.context.site.breaks]
            self._status(agent, "break", self.dice.choice(reasons) if reasons else "")
            await asyncio.sleep(self.dice.uniform(10.0, 25.0))
            self._status(agent, "available", "")

    def _status(self, agent: str, status: str, reason: str) -> None:
        self.box.core.do(lambda exchange, now: exchange.set_agent_status(agent, status, reason, "demo", now))
