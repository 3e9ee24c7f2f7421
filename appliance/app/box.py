"""A box: everything built and tied together, started and stopped in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from appliance import __version__
from appliance.app import web as web_side
from appliance.app.addresses import reached_hosts, shown_hosts, tcp_fault
from appliance.app.archive import Archive
from appliance.app.configuring import Configuring, damaged, lost, warm
from appliance.app.control import handlers
from appliance.app.core import Core
from appliance.app.faults import Faults
from appliance.app.figures import Figures
from appliance.app.https import Https
from appliance.app.live import Live
from appliance.app.pace import Pace
from appliance.app.restart import recover
from appliance.app.retention import Retention
from appliance.app.sound import Sound
from appliance.app.unbuilt import unbuilt
from appliance.app.upkeep import Upkeep
from appliance.app.voice import VoiceWatch
from appliance.app.webphones import NO_WEB_PHONES, WebPhones, browser_secret
from appliance.box.board import load_board
from appliance.box.gpio import LampDriver
from appliance.box.health import tools
from appliance.box.health.finding import Finding
from appliance.box.health.survey import missing
from appliance.bus import Bus
from appliance.clock import system_now
from appliance.errors import reason
from appliance.events import (
    BoxStarted,
    BoxStopped,
    DecisionFailed,
    Entry,
    FaultCleared,
    FaultRaised,
    QueueEntered,
    QueueLeft,
)
from appliance.events.base import Words
from appliance.exchange.audio import AnyMediaEvent, AnyRow
from appliance.exchange.exchange import Exchange
from appliance.exchange.exchange import Options as ExchangeOptions
from appliance.media.client import EngineUnavailable, MediaClient
from appliance.media.hearing import hearing_off
from appliance.media.prompts import PromptLibrary
from appliance.media.table import DesiredTable
from appliance.net.addresses import LocalAddresses
from appliance.net.control import ControlServer
from appliance.net.dual import DualUdp
from appliance.net.listening import ATTEMPTS, EVERYWHERE
from appliance.net.names import Resolver
from appliance.net.tcp import TcpDriver
from appliance.net.udp import UdpDriver
from appliance.options import Address, Options
from appliance.site.model import Site
from appliance.store.apply import Opened, open_configuration
from appliance.store.background import Background
from appliance.store.backup import finish_restore
from appliance.store.config import ConfigStore
from appliance.store.ledger import Ledger
from appliance.store.lock import DataFolder
from appliance.store.records import Records
from appliance.store.secrets import verify
from appliance.store.state import SESSIONS, StateStore
from appliance.store.tokens import Tokens
from appliance.web.app import listen, make_app, make_runner

log = logging.getLogger("hako")

FIRST_PROMPTS_SECONDS = 45.0
"""How long the very first start waits for the prompts that a caller meets at once."""
MEDIA_AGAIN_SECONDS = 3.0
_PREPARING: Words = {
    "ja": "音声ガイダンスを準備しています（初回の起動だけです）…",
    "en": "preparing the spoken prompts (only on the first start) …",
}
READ_AT_ONCE = (QueueEntered, QueueLeft, FaultRaised, FaultCleared, DecisionFailed)
"""Events that figures or log show although nobody watches."""


class Box:
    """One running box. `start`, then `stop`; both in the loop that runs it."""

    def __init__(self, options: Options) -> None:
        """Opens the data folder and its stores. Blocks. Raises HakoError (folder in use, bad site file), OSError."""
        self.options = options
        self.folder = DataFolder(options.data)
        self.folder.create()
        self.folder.lock()
        finish_restore(self.folder)
        self._early_faults: list[tuple[str, Words, Words]] = []
        self.store = ConfigStore(
            self.folder.config, lambda: system_now().wall, lambda text: self._early_faults.append(damaged(text))
        )
        self.opened: Opened = open_configuration(
            self.store, self.folder, options.site, os.urandom, options.sample, options.language
        )
        if self.opened.lost is not None:
            self._early_faults.append(lost(self.opened.lost))
        warm(self.opened.site)
        self.tokens = Tokens(self.store, os.urandom, lambda: system_now().wall)
        self.configuring = Configuring(self)
        self.background = Background()
        self.state = StateStore(self.folder.state, self.background)
        self.started = system_now()
        self.ready = False
        self.board = load_board(options.board)
        self.sip_address = ("", 0)
        self._web_runner: web.AppRunner | None = None
        self._web_servers: tuple[asyncio.Server, ...] = ()
        self._web_port = 0
        self._tcp_refused: dict[str, OSError] = {}
        """Hosts on which SIP by TCP is not served."""
        self._tasks: list[asyncio.Task[None]] = []
        self._prompts_task: asyncio.Task[None] | None = None
        self.listening = ("", Address("", 0))
        """The option and address being listened on, for who has to say why that failed."""

    # --- starting ----------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Starts everything; returns when calls can be made. Raises HakoError or OSError, and nothing runs then."""
        try:
            await self._start()
        except BaseException:
            await self.stop("failed to start")
            raise

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        site = self.opened.site
        self.bus: Bus[Sequence[Entry]] = Bus(self._reader_failed)
        self._unread: deque[Sequence[Entry]] = deque()
        self.watched: Callable[[], bool] = lambda: False
        """Whether a page follows the events; set by the web side. Any thread may ask."""
        self.ledger = await asyncio.to_thread(
            Ledger,
            self.folder.records,
            os.urandom(6).hex(),
            self._committed,
            self._store_fault,
            self.state.last_alive,
            self.background,
        )
        self.records = Records(self.folder.records, site.site.country)
        low, high = self.options.rtp
        self.table = DesiredTable(range(low, high + 1))
        self.media = MediaClient(self.table, self.folder.path, self._media_events)
        self._held: dict[int, AnyRow] | None = None
        self._early_media: list[AnyMediaEvent] | None = []
        """What the media process told before the run before was cleared up; None: it is."""
        self.library = PromptLibrary(self.folder.prompts)
        self.exchange = Exchange(
            site,
            self.table,
            self.library,
            os.urandom,
            ExchangeOptions(
                recordings=str(self.folder.recordings),
                advertise=self.options.advertise,
                browser_secret=await asyncio.to_thread(browser_secret, self.state),
            ),
            system_now(),
        )
        self.core = Core(self.exchange, self.ledger, self.state, verify, self.media.flush)
        self.faults = Faults(self.core.emit, lambda: system_now().wall)
        for fault in self._early_faults:
            self.faults.raise_(*fault)
        self.web_phones = WebPhones(self)
        self.https = Https(self.folder.path, self.options.https, self.faults, lambda: system_now().wall)
        self.voice = VoiceWatch(self.faults, self.options.rtp)
        self.pace = Pace(lambda: self.media.figures, self.faults)
        self.lamps = LampDriver(self.board)
        self.sound = Sound(self)
        self.archive = Archive(self)
        self.core.restart_sound = self.sound.restart
        self.figures = Figures(self.records, lambda: self.exchange.context.site, system_now)
        self.live = Live(self.exchange, self.figures, self.board, self.lamps, self.faults.views, lambda: self.ready)
        self.core.changed = self.live.changed
        self.bus.subscribe("faults", self._note_faults)
        self.bus.subscribe("figures", self.figures.committed)
        self.bus.subscribe("voice", self.voice.committed)
        self.core.emit(BoxStarted(version=__version__, clean=self.ledger.clean))
        await self._start_sip()
        await self._start_media()
        await recover(self, self._held)
        await self.web_phones.adopt()
        early, self._early_media = self._early_media or [], None
        self.core.media_events(early)
        await self._listen()
        self.core.drain()
        await self._first_prompts()
        await self._start_web()
        self.control = ControlServer(self.folder.control, handlers(self))
        await self.control.start()
        self.lamps.start()
        upkeep = Upkeep(self)
        for work in (
            self.figures.keep(),
            self.live.keep_lamps(),
            upkeep.every_second(),
            upkeep.every_minute(),
            self.archive.keep(),
            Retention(self).keep(),
        ):
            self._tasks.append(self._loop.create_task(work))
        await self.sound.configure()
        self.ready = True
        self.live.changed()

    async def _start_sip(self) -> None:
        core, address = self.core, self.options.sip
        self.listening = ("--sip", address)
        for attempt in range(ATTEMPTS):
            udp = core.udp = self._udp(address)
            tcp = core.tcp = TcpDriver(core.receive, core.flow_failed, core.drain, self.exchange.flows_in_use)
            hosts = ["0.0.0.0" if address.host in EVERYWHERE else address.host]
            if isinstance(udp, DualUdp) and udp.ipv6 is not None:
                hosts.append("::")
            refused = await tcp.start(*hosts, port=udp.address[1])
            if not refused or address.port or attempt + 1 == ATTEMPTS:
                break
            # Whichever port is free was asked for, and this one is not free for TCP.
            udp.close()
            await tcp.close()
        self.sip_address = udp.address
        self._tcp_off(refused)
        self.mark_sip(self.exchange.context.site)
        core.resolver = Resolver(udp, tcp)

    def _udp(self, address: Address) -> UdpDriver | DualUdp:
        core, routes = self.core, LocalAddresses(lambda: system_now().mono)
        if address.host in EVERYWHERE:
            return DualUdp(address.port, routes, core.receive, core.flow_failed, core.drain)
        return UdpDriver(address.host, address.port, routes, core.receive, core.flow_failed, core.drain)

    def mark_sip(self, site: Site) -> None:
        """Marks what SIP sends for priority as the site says."""
        for driver in (self.core.udp, self.core.tcp):
            if driver is not None:
                driver.mark(site.site.dscp_signalling)

    async def _listen(self) -> None:
        """From now on SIP is read. Not before the run before is cleared up: its dialogs are ended, phones and agents
        are known again. What has arrived meanwhile waits in the socket."""
        assert self.core.udp is not None and self.core.tcp is not None
        self.core.udp.start()
        self._tcp_off(await self.core.tcp.serve())

    def _tcp_off(self, refused: dict[str, OSError]) -> None:
        """A fault, where the port cannot be had; in one IP version alone the other one is served."""
        self._tcp_refused |= refused
        if not self._tcp_refused:
            return
        text, remedy = tcp_fault(self.sip_address[1], self._tcp_refused, self.options.sip.host in EVERYWHERE)
        self.faults.raise_("sip-tcp", text, remedy)

    async def _start_media(self) -> None:
        try:
            rows = await self.media.start()
            self._held = {row.id: row for row in rows} if self.media.adopted else None
            self.faults.clear("media-down")
        except EngineUnavailable as error:
            text = {"ja": "音声エンジンを起動できず、音声が流れません。", "en": f"There is no audio: {error}."}
            remedy = {
                "ja": "`make setup` をもう一度実行してください。詳しくはログにあります。",
                "en": "Run `make setup` again; the log says more.",
            }
            self.faults.raise_("media-down", text, remedy)
            self._tasks.append(self._loop.create_task(self._media_later()))

    async def _media_later(self) -> None:
        while not self.media.pid:
            await asyncio.sleep(MEDIA_AGAIN_SECONDS)
            with contextlib.suppress(EngineUnavailable):
                await self.media.start()
        self.faults.clear("media-down")
        self.core.drain()

    async def _first_prompts(self) -> None:
        """What the cache has is there at once; what a caller meets first is waited for, the rest comes in time."""
        site = self.exchange.context.site
        try:
            missing_jobs = self.library.prepare(site)
        except OSError as error:
            text = {
                "ja": f"音声ガイダンスを読めません（{reason(error, 'ja')}）。",
                "en": f"The prompts cannot be read: {reason(error, 'en')}",
            }
            remedy = {"ja": "データフォルダーを確認してください。", "en": "Check the data folder."}
            self.faults.raise_("prompts", text, remedy)
            return
        if any(job.essential for job in missing_jobs):
            self.note(_PREPARING[site.site.language])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_PROMPTS_SECONDS):
                    await self.library.ready(site, essential_only=True)
        self.prepare_prompts()

    def prepare_prompts(self) -> None:
        """Makes, in the background, every prompt that the present site still lacks."""
        if self._prompts_task is not None:
            self._prompts_task.cancel()
        self._prompts_task = self._loop.create_task(self._prepare_prompts())

    async def _prepare_prompts(self) -> None:
        found = await self.library.ready(self.exchange.context.site)
        by_reason: dict[str, list[str]] = {}
        for problem in found.problems:
            by_reason.setdefault(problem.reason, []).append(problem.label)
        for why, labels in by_reason.items():
            log.warning("%d prompts are a beep (%s, …): %s", len(labels), labels[0], why)

    async def _start_web(self) -> None:
        sessions = await asyncio.to_thread(self.state.load, SESSIONS)
        app = make_app(web_side.context(self, sessions))
        self._web_runner = make_runner(app)
        await self._web_runner.setup()
        address = self.options.web
        self.listening = ("--web", address)
        self._web_servers = await listen(self._web_runner, address.host, address.port)
        self._web_port = self._web_servers[0].sockets[0].getsockname()[1]
        await self.https.start(self._web_runner)

    def _media_events(self, events: list[AnyMediaEvent]) -> None:
        """From the media client. What happened while we were away concerns calls that are not taken over yet."""
        if self._early_media is not None:
            self._early_media += events
        else:
            self.core.media_events(events)

    # --- stopping ----------------------------------------------------------------------------------------------------
    async def stop(self, reason: str, *, keep_calls: bool = False) -> None:
        """Ends calls in an orderly way, completes what is stored, ends the media process. May be called any time.

        `keep_calls`: plain conversations go on through the media process, for the next start to take them over.
        """
        self.ready = False
        for task in (*self._tasks, *((self._prompts_task,) if self._prompts_task else ())):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "control"):
            await self.control.stop()
        if hasattr(self, "web_phones"):
            await self.web_phones.stop(keep_calls=keep_calls)
        if hasattr(self, "core"):
            if not keep_calls:
                with contextlib.suppress(Exception):
                    self.core.do(lambda exchange, now: exchange.shut_down(now))
                    # BYE and un-REGISTER were sent; answers to them are worth a moment, not more.
                    await asyncio.sleep(0.2)
            await self.sound.close()
            await self.media.stop(shutdown=not keep_calls)
            self.core.emit(BoxStopped(reason=reason))
            self.core.close()
            if self.core.tcp is not None:
                await self.core.tcp.close()
            if self.core.udp is not None:
                self.core.udp.close()
        if hasattr(self, "https"):
            await self.https.close()
        for server in self._web_servers:
            server.close()
        if self._web_runner is not None:
            await self._web_runner.cleanup()
        if hasattr(self, "library"):
            await self.library.close()
            self.lamps.close()
        await asyncio.to_thread(self.background.close)
        if hasattr(self, "ledger"):
            await asyncio.to_thread(self.ledger.close)
        await asyncio.to_thread(self.state.close)
        self.folder.unlock()

    # --- events ------------------------------------------------------------------------------------------------------
    def _committed(self, entries: Sequence[Entry]) -> None:
        """In the ledger's thread. Wakes the loop only for readers who wait; others read within a second."""
        self._unread.append(entries)
        if self.watched() or any(isinstance(entry.event, READ_AT_ONCE) for entry in entries):
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.deliver)

    def deliver(self) -> None:
        """Hands what was committed to its readers."""
        while self._unread:
            self.bus.publish(self._unread.popleft())
        self.bus.deliver()

    def _reader_failed(self, reader: str, error: Exception) -> None:
        log.error("reader %s failed", reader, exc_info=error)

    def _note_faults(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.faults.noted(entry.event)
            if isinstance(entry.event, DecisionFailed):
                log.error("a decision failed (call %s)\n%s", entry.event.call or "none", entry.event.trace)

    def _store_fault(self, fault: str, text: Words, remedy: Words) -> None:
        """In the ledger's thread, or while it opens."""
        if not hasattr(self, "faults"):
            self._early_faults.append((fault, text, remedy))
            return
        with contextlib.suppress(RuntimeError):
            if text:
                self._loop.call_soon_threadsafe(self.faults.raise_, fault, text, remedy)
            else:
                self._loop.call_soon_threadsafe(self.faults.clear, fault)

    async def committed(self) -> None:
        """Returns once everything that happened so far is durable (or known not to be)."""
        done: asyncio.Future[None] = self._loop.create_future()

        def finish() -> None:
            if not done.done():
                done.set_result(None)

        def told() -> None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(finish)

        self.ledger.when_committed(self.core.ticket, told)
        await done

    # --- for people --------------------------------------------------------------------------------------------------
    def note(self, line: str) -> None:
        """A line for whoever started the box."""
        if self.options.on_note is not None:
            self.options.on_note(line)

    def off(self) -> list[Finding]:
        """What the box runs without."""
        found = [missing(one) for one in (*self.library.off, *hearing_off())]
        found += self.sound.off()
        found += unbuilt(self.table.abilities)
        if not self.web_phones.installed:
            found.append(NO_WEB_PHONES)
        if self.lamps.finding is not None:
            found.append(self.lamps.finding)
        if (programs := tools.check()) is not None:
            found.append(programs)
        if not (Path(web_side.__file__).parents[1] / "web" / "pages" / "index.html").exists():
            text = {"en": "The web pages are not built.", "ja": "画面がまだ作られていません。"}
            remedy = {"en": "Run `make setup`.", "ja": "`make setup` を実行してください。"}
            found.append(Finding(id="pages", severity="warning", text=text, remedy=remedy))
        return found

    def sip_addresses(self) -> list[str]:
        """HOST:PORT of SIP, for people and phones."""
        return [f"{host}:{self.sip_address[1]}" for host in shown_hosts(self.options.sip.host)]

    def sip_served(self) -> list[tuple[str, str]]:
        """Everywhere SIP is served: (udp or tcp, HOST:PORT), IPv4 first."""
        hosts, port = reached_hosts(self.options.sip.host), self.sip_address[1]
        if isinstance(self.core.udp, DualUdp) and self.core.udp.ipv6 is None:
            hosts = shown_hosts("0.0.0.0")
        no_tcp = {":" in host for host in self._tcp_refused}
        return [("udp", f"{host}:{port}") for host in hosts] + [
            ("tcp", f"{host}:{port}") for host in hosts if (":" in host) not in no_tcp
        ]

    def web_urls(self) -> list[str]:
        """Where the pages are."""
        return [f"http://{host}:{self._web_port}/" for host in shown_hosts(self.options.web.host)]

    def https_urls(self) -> list[str]:
        """Where the pages are by HTTPS; empty while they are not."""
        port = self.https.port
        return [f"https://{host}:{port}/" for host in shown_hosts(self.https.host)] if port else []
