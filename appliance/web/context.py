"""What the web server needs of the box: Protocols that the composition root fills in with the real things.

Two worlds meet here. What is marked *loop* is called in the event loop and must return at once; what is marked *thread*
may block and is called in a worker thread of the web server.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from appliance.clock import Entropy, Instant, system_now
from appliance.events.base import Entry, Event, Words
from appliance.exchange.view import (
    AgentView,
    CallView,
    FaultView,
    LampView,
    QueueView,
    RegistrationView,
    TrunkView,
    View,
)
from appliance.store.records import Filter, Record, Recording

T = TypeVar("T")


class Exchange(Protocol):
    """The running exchange. Views are snapshots (*loop*); commands raise `CommandError`, inside `Command` only."""

    def calls(self) -> Sequence[CallView]: ...
    def agents(self) -> Sequence[AgentView]: ...
    def queues(self) -> Sequence[QueueView]: ...
    def registrations(self) -> Sequence[RegistrationView]: ...
    def trunks(self) -> Sequence[TrunkView]: ...
    def hangup(self, call: str, now: Instant) -> None: ...
    def record(self, call: str, action: str, by: str, limited: bool, now: Instant) -> None: ...
    def set_agent_status(self, agent: str, status: str, reason: str, by: str, now: Instant) -> None: ...
    def wrap_up_done(self, agent: str, by: str, now: Instant) -> None: ...
    def press_keys(self, call: str, keys: str, leg: str, by: str, now: Instant) -> None:
        """Sends keys to a party of the call; `leg` "": the one outside."""

    def originate(self, extension: str, number: str, now: Instant, *, answering_machine: bool = False) -> str:
        """Rings `extension`, then calls `number` for it; the id of the call."""

    def listen(self, call_id: str, by: str, now: Instant) -> None: ...
    def stop_listening(self, by: str, now: Instant) -> None: ...
    def sound_test(self, now: Instant) -> None: ...


class Command(Protocol):
    """Runs `act(exchange, now)` in the loop, drains the cores, returns its result once what it caused is committed."""

    async def __call__(self, act: Callable[[Exchange, Instant], T]) -> T: ...


class Ledger(Protocol):
    @property
    def last_seq(self) -> int:
        """Number of the last committed entry, 0 when there is none (*loop*)."""

    def after(self, seq: int, limit: int) -> Sequence[Entry] | None:
        """The first `limit` committed entries above `seq`, in order (*thread*); None: some are no longer kept.

        Numbers rise but need not be without gaps.
        """

    def subscribe(self, reader: Callable[[Sequence[Entry]], None], waits: Callable[[], bool]) -> Callable[[], None]:
        """`reader` gets each batch of committed entries, in order (*loop*): at once while it `waits` (asked in any
        thread), else within about a second. Returns how to end that."""


class Records(Protocol):
    """The read side of the call records (*thread*); `appliance.store.records.Records` is one."""

    def list(self, wanted: Filter) -> tuple[Sequence[Record], str | None]:
        """Newest first; the second value is the cursor of the next page. ValueError: the cursor is not one of ours."""

    def get(self, record: str) -> Record | None: ...

    def events(self, call: str) -> Sequence[Entry]:
        """Everything the ledger holds of a call, in order."""

    def recording(self, recording: str) -> tuple[Recording, str] | None:
        """The recording and its path, relative to the recordings folder."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may use the web: a user of the site, or a token."""

    name: str
    role: str
    """admin, supervisor, agent or wallboard"""
    password_hash: str = ""
    """Argon2 PHC; empty for tokens."""
    language: str = ""
    agent: str = ""
    """Id of the agent whose `user` this is; empty: none."""


class Accounts(Protocol):
    """Log-ins as configured now (*loop*)."""

    def user(self, name: str) -> Account | None: ...

    def token(self, secret: str) -> Account | None:
        """Whose bearer token this is; compares digests, not the secrets."""


class AddressView(View, frozen=True, kw_only=True):
    """Where the box is reached."""

    use: str
    """sip-udp, sip-tcp, web, rtp"""
    address: str


class OffView(View, frozen=True, kw_only=True):
    """Something the box started without."""

    feature: str
    """Stable id: gpio, speech-ja, speech-en, pages, …"""
    name: Words
    """What people call it, by language."""
    why: Words
    """By language."""
    remedy: Words = msgspec.field(default_factory=dict)
    """How to have it, by language; may be empty."""


class BreakView(View, frozen=True, kw_only=True):
    """A reason for a break that agents may choose."""

    key: str
    name: str


class SystemView(View, frozen=True, kw_only=True):
    name: str
    """Of the site."""
    version: str
    language: str
    timezone: str
    country: str
    started: str
    uptime_seconds: float
    ready: bool
    board: str = ""
    command: str = ""
    """How the command is called on the box, such as `/opt/hako/.venv/bin/hako`; "" for who is no administrator."""
    data: str = ""
    """The data folder, for its `--data`; likewise."""
    addresses: tuple[AddressView, ...] = ()
    off: tuple[OffView, ...] = ()
    faults: tuple[FaultView, ...] = ()
    loudspeaker: bool = False
    """There is a loudspeaker, and it plays."""
    breaks: tuple[BreakView, ...] = ()


class Readiness(View, frozen=True, kw_only=True):
    """Whether calls can be made; `why` names what stands in the way."""

    ready: bool
    why: tuple[str, ...] = ()


class Metric(msgspec.Struct, frozen=True):
    """One family of `/metrics`. `samples` are (labels, value)."""

    name: str
    kind: str
    """counter (name ends in _total), gauge or histogram"""
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]
    suffixes: Sequence[str] = ()
    """Of a histogram: what follows the name in each sample."""


class ConfigVersion(View, frozen=True, kw_only=True):
    version: int
    at: str
    by: str
    changes: tuple[str, ...] = ()


class Configuration(Protocol):
    """The stored configuration. Errors: `ConfigError` (not valid), `CommandError("version-conflict", …)`."""

    async def read(self) -> tuple[Mapping[str, Any], int]:
        """The site as a document with the site file's keys, without secrets, and its version."""

    async def write(self, document: Mapping[str, Any], version: int, by: str) -> int:
        """Replaces the configuration if it is still at `version`; secrets left out keep theirs. The new version."""

    async def history(self, limit: int) -> Sequence[ConfigVersion]: ...

    async def undo(self, version: int, by: str) -> int:
        """Goes back to what was before `version`, which must be the present one. The new version."""


class DeviceView(View, frozen=True, kw_only=True):
    """One direction of the sound card."""

    wanted: str
    """As in the site file: auto, off, or a part of a device's name."""
    device: str = ""
    """The device in use; empty: none."""
    why: Words = msgspec.field(default_factory=dict)
    """Why none is in use although one is wanted, by language."""
    remedy: Words = msgspec.field(default_factory=dict)


class SoundStateView(View, frozen=True, kw_only=True):
    """Loudspeaker and line-in: what is chosen, and what is so now."""

    output: DeviceView
    input: DeviceView
    volume: int
    """Percent."""
    music: str
    """What is chosen: built-in or line-in."""
    music_now: str
    """What callers hear: while the line-in is away it is the built-in music."""
    paging: str = ""
    """Extension that speaks through the loudspeaker."""
    listening: str = ""
    """Id of the call that is heard on it."""
    listening_by: str = ""
    ringing: str = ""
    """Id of the call for which it rings."""


class SoundDevicesView(View, frozen=True, kw_only=True):
    """Names of the devices of this machine."""

    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


class SoundChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall be other in `[sound]` of the site file; what is left out stays."""

    output: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    input: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    volume: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    music: Annotated[str, msgspec.Meta(max_length=20)] | None = None


class SoundDesk(Protocol):
    """The sound card of the box."""

    def view(self) -> SoundStateView:
        """How it stands (*loop*)."""

    async def devices(self) -> SoundDevicesView:
        """Looks for devices; takes a moment."""

    async def change(self, change: SoundChange, by: str) -> None:
        """Changes the configuration. Raises ConfigError, CommandError."""


class BrowserPhone(View, frozen=True, kw_only=True):
    """The telephone that somebody may have in the browser."""

    extension: str = ""
    """Empty: none, as no extension is this user's."""
    name: str = ""
    available: bool = False
    why: Words = msgspec.field(default_factory=dict)
    """Why it is not available, by language."""
    remedy: Words = msgspec.field(default_factory=dict)


class BrowserPhones(Protocol):
    """Telephones in browsers."""

    def of(self, user: str) -> BrowserPhone:
        """The one of this user (*loop*)."""

    async def open(self, phone: BrowserPhone, resume: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that speaks `appliance.webphone.messages`, one a line. HakoError when there can be none now."""


class SessionStore(Protocol):
    """Where sessions outlive the process."""

    def load(self) -> Mapping[str, bytes]:
        """What is kept."""

    def put(self, key: str, data: bytes) -> None: ...
    def drop(self, key: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class WebContext:
    """The box as the web server sees it."""

    exchange: Exchange
    command: Command
    ledger: Ledger
    records: Records
    recordings: Path
    """The recordings folder."""
    accounts: Accounts
    publish: Callable[[Event], None]
    """Puts an event of the web server itself (`LogIn`) into the ledger (*loop*)."""
    panel: Callable[[], Sequence[LampView]]
    """The front panel now (*loop*)."""
    system: Callable[[], SystemView]
    readiness: Callable[[], Readiness]
    metrics: Callable[[], Iterable[Metric]]
    """Counters and gauges of the box beside those made from the views (*loop*)."""
    played: Callable[[str], None] = lambda _recording: None
    """A recording is being sent to somebody (*loop*): its file must stay what it is for a while."""
    configuration: Configuration | None = None
    """None: answers 501."""
    browser_phones: BrowserPhones | None = None
    """None: the box has none."""
    authority: Path | None = None
    """Certificate of the box's own authority, given out as `/ca.crt`; None: it has none."""
    https_port: Callable[[], int] = lambda: 0
    """Where the pages are by HTTPS; 0: nowhere (*loop*)."""
    sound: SoundDesk | None = None
    """None: answers 501."""
    sessions: SessionStore | None = None
    """Where log-ins outlive the process; None: they do not."""
    pages: Path = Path(__file__).parent / "pages"
    """The built pages."""
    verify_password: Callable[[str, str], Awaitable[bool]] | None = None
    """`(password_hash, password)`; None: Argon2 in the web server's own thread, one at a time."""
    clock: Callable[[], Instant] = system_now
    entropy: Entropy = os.urandom
