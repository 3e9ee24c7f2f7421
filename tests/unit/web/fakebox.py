"""A box in memory for the web server: the real types, a clock moved by hand, a ledger that is a list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from appliance.clock import Instant
from appliance.errors import CommandError, ConfigError
from appliance.events import AgentStatusChanged, CallEnded, CallStarted, Entry, Event
from appliance.exchange.view import (
    AgentView,
    CallView,
    ContactView,
    FaultView,
    LampView,
    LegView,
    QueueView,
    RegistrationView,
    TrunkView,
)
from appliance.store.records import Filter, Record, Recording, RecordingRef
from appliance.web.context import (
    Account,
    BreakView,
    ConfigVersion,
    DeviceView,
    Metric,
    Readiness,
    SoundChange,
    SoundDevicesView,
    SoundStateView,
    SystemView,
    WebContext,
)

T = TypeVar("T")

NOW = "2026-11-21T09:00:00.000Z"
WALL = 1_795_251_600.0
USERS = {
    "admin": Account(name="admin", role="admin", password_hash="hash:admin"),
    "sato": Account(name="sato", role="supervisor", password_hash="hash:sato", language="ja"),
    "aiko": Account(name="aiko", role="agent", password_hash="hash:aiko", agent="aiko"),
    "wall": Account(name="wall", role="wallboard", password_hash="hash:wall"),
}
TOKENS = {f"token-{name}": Account(name=f"{name}-program", role=user.role) for name, user in USERS.items()}
TOKENS["token-aiko"] = Account(name="aiko-program", role="agent", agent="aiko")


async def verify(password_hash: str, password: str) -> bool:
    return password_hash == f"hash:{password}"


class FakeExchange:
    def __init__(self, box: FakeBox) -> None:
        self.box = box
        self.live: dict[str, CallView] = {}
        self.asked: list[tuple[object, ...]] = []
        self.heard = ("", "")
        """The call on the loudspeaker, and who chose it."""
        self.people = {
            name: AgentView(
                id=name,
                number=number,
                name=name.title(),
                status="available",
                state="idle",
                since=NOW,
                extension=extension,
                registered=True,
                queues=("support",),
            )
            for name, number, extension in (("aiko", "1", "201"), ("ben", "2", "202"))
        }

    def calls(self) -> Sequence[CallView]:
        return list(self.live.values())

    def agents(self) -> Sequence[AgentView]:
        return list(self.people.values())

    def queues(self) -> Sequence[QueueView]:
        return [
            QueueView(
                id="support",
                number="600",
                name="Support",
                waiting=1,
                longest_wait_seconds=3.5,
                agents_logged_in=2,
                agents_idle=1,
            )
        ]

    def registrations(self) -> Sequence[RegistrationView]:
        contact = ContactView(
            uri="sip:201@192.0.2.7:5060", address="192.0.2.7:5060", transport="udp", user_agent="baresip", expires=NOW
        )
        return [
            RegistrationView(extension="201", name="Desk 1", contacts=(contact,)),
            RegistrationView(extension="202", name="Desk 2", contacts=()),
        ]

    def trunks(self) -> Sequence[TrunkView]:
        return [TrunkView(id="carrier", host="203.0.113.5", state="up", channels=8, busy=1)]

    def hangup(self, call: str, now: Instant) -> None:
        if call not in self.live:
            raise CommandError("unknown_call", f"There is no call {call}.")
        del self.live[call]
        self.box.pending.append(CallEnded(call=call, cause=16, reason="answered"))

    def record(self, call: str, action: str, by: str, limited: bool, now: Instant) -> None:
        if action == "stop" and limited:
            raise CommandError("forbidden", "This call is always recorded; it can be paused.")
        self.live[call] = msgspec.structs.replace(
            self.live[call], recording=action in ("start", "resume"), recording_paused=action == "pause"
        )
        self.asked.append((call, action, by, limited))

    def set_agent_status(self, agent: str, status: str, reason: str, by: str, now: Instant) -> None:
        if status == "break" and reason == "Nonsense":
            raise CommandError("invalid_reason", "There is no such break.", "reason")
        view = self.people[agent]
        self.people[agent] = AgentView(
            id=agent,
            number=view.number,
            name=view.name,
            status=status,
            reason=reason,
            state="logged-out" if status == "logged-out" else "idle",
            since=NOW,
            extension=view.extension,
        )
        self.box.pending.append(AgentStatusChanged(agent=agent, status=status, reason=reason, by=by))

    def wrap_up_done(self, agent: str, by: str, now: Instant) -> None:
        raise CommandError("not-in-wrap-up", "The agent is not in wrap-up.")

    def listen(self, call_id: str, by: str, now: Instant) -> None:
        if call_id not in self.live:
            raise CommandError("not_found", f"There is no call {call_id}.")
        self.heard = (call_id, by)

    def stop_listening(self, by: str, now: Instant) -> None:
        self.heard = ("", by)

    def sound_test(self, now: Instant) -> None:
        if self.box.sound.state.paging:
            raise CommandError("busy", "Somebody is paging.")

    def press_keys(self, call: str, keys: str, leg: str, by: str, now: Instant) -> None:
        if leg == "nobody":
            raise CommandError("not_connected", "Nobody is connected to whom keys could be sent.")
        self.asked.append((call, keys, by, bool(leg)))

    def originate(self, extension: str, number: str, now: Instant, *, answering_machine: bool = False) -> str:
        if number == "000":
            raise CommandError("wrong-number", "Nothing answers to this number.", "number")
        name = f"c{len(self.live) + 100}"
        self.live[name] = call_view(name, extension=extension, to=number)
        self.box.pending.append(
            CallStarted(call=name, journey=name, kind="internal", caller=extension, called=number, extension=extension)
        )
        return name


def call_view(
    name: str, *, agent: str = "", extension: str = "", to: str = "600", caller: str = "0312345678"
) -> CallView:
    legs = (
        LegView(id=f"{name}.1", direction="in", state="talking", activity="bridge", number=caller),
        LegView(id=f"{name}.2", direction="out", state="talking", activity="bridge", agent=agent, extension=extension),
    )
    return CallView(
        id=name,
        journey=name,
        kind="inbound",
        from_=caller,
        to=to,
        agent=agent,
        state="talking",
        since=NOW,
        destination="queue:support",
        started=NOW,
        legs=legs,
    )


def record_view(name: str, *, agent: str = "", kind: str = "inbound", recording: str = "") -> Record:
    return Record(
        id=name,
        kind=kind,
        journey=name,
        from_="0398765432",
        to="0312345678",
        agent=agent,
        started=NOW,
        cause="answered",
        recording=RecordingRef(id=recording, seconds=2.0) if recording else None,
    )


class FakeLedger:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.readers: list[Callable[[Sequence[Entry]], None]] = []
        self.kept_from = 1
        self.reads = 0
        self.gap = 0
        """Numbers that were skipped after the last entry, as after an unclean end."""

    @property
    def last_seq(self) -> int:
        return (self.entries[-1].seq if self.entries else 0) + self.gap

    def after(self, seq: int, limit: int) -> Sequence[Entry] | None:
        self.reads += 1
        if seq + 1 < self.kept_from:
            return None
        return [entry for entry in self.entries if entry.seq > seq][:limit]

    def subscribe(self, reader: Callable[[Sequence[Entry]], None], waits: Callable[[], bool]) -> Callable[[], None]:
        self.readers.append(reader)
        return lambda: self.readers.remove(reader)

    def commit(self, *events: Event) -> list[Entry]:
        new = [
            Entry(seq=self.last_seq + 1 + i, at=WALL + i, mono=float(i), boot="b", event=event)
            for i, event in enumerate(events)
        ]
        self.entries += new
        self.gap = 0
        for reader in tuple(self.readers):
            reader(new)
        return new


class FakeRecords:
    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.sounds: dict[str, tuple[Recording, str]] = {}
        self.asked: list[Filter] = []
        self.told: list[Entry] = []

    def list(self, wanted: Filter) -> tuple[Sequence[Record], str | None]:
        self.asked.append(wanted)
        start = int(wanted.cursor.removeprefix("p")) if wanted.cursor else 0
        rows = [
            row
            for row in self.rows
            if (not wanted.agent or row.agent == wanted.agent) and (wanted.service or row.kind != "service")
        ]
        rest = rows[start : start + wanted.limit]
        more = start + wanted.limit < len(rows)
        return rest, f"p{start + wanted.limit}" if more else None

    def get(self, record: str) -> Record | None:
        return next((row for row in self.rows if row.id == record), None)

    def events(self, call: str) -> Sequence[Entry]:
        return [entry for entry in self.told if getattr(entry.event, "call", "") == call]

    def recording(self, recording: str) -> tuple[Recording, str] | None:
        return self.sounds.get(recording)


class FakeAccounts:
    def __init__(self) -> None:
        self.users = dict(USERS)
        self.tokens = {hashlib.sha256(secret.encode()).digest(): account for secret, account in TOKENS.items()}

    def user(self, name: str) -> Account | None:
        return self.users.get(name)

    def token(self, secret: str) -> Account | None:
        return self.tokens.get(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest())


class FakeConfiguration:
    def __init__(self) -> None:
        self.version = 7
        self.document: Mapping[str, Any] = {
            "site": {"name": "Acme"},
            "extensions": [{"number": "201", "password": "sip-secret"}],
            "agents": [{"id": "aiko", "pin_hash": "x", "pin": "1111"}],
            "users": [{"name": "admin", "password_hash": "y"}],
        }

    async def read(self) -> tuple[Mapping[str, Any], int]:
        return self.document, self.version

    async def write(self, document: Mapping[str, Any], version: int, by: str) -> int:
        if version != self.version:
            raise CommandError("version-conflict", f"The configuration is at version {self.version}.", "version")
        if "bogus" in document:
            raise ConfigError(["bogus: unknown key", "site.name: missing"])
        self.document, self.version = document, version + 1
        return self.version

    async def history(self, limit: int) -> Sequence[ConfigVersion]:
        return [ConfigVersion(version=7, at=NOW, by="web:admin", changes=("site.name",))][:limit]

    async def undo(self, version: int, by: str) -> int:
        return await self.write(self.document, version, by)


class FakeSound:
    def __init__(self) -> None:
        device = DeviceView(wanted="auto", device="USB Audio")
        self.state = SoundStateView(output=device, input=device, volume=80, music="built-in", music_now="built-in")
        self.changes: list[tuple[SoundChange, str]] = []

    def view(self) -> SoundStateView:
        return self.state

    async def devices(self) -> SoundDevicesView:
        return SoundDevicesView(outputs=("USB Audio", "HDMI"), inputs=("USB Audio",))

    async def change(self, change: SoundChange, by: str) -> None:
        if change.music not in (None, "built-in", "line-in"):
            raise ConfigError([f'sound.music: unknown source of music "{change.music}"'])
        self.changes.append((change, by))


class FakeBox:
    def __init__(self, root: Path) -> None:
        self.mono = 1000.0
        self.pending: list[Event] = []
        self.published: list[Event] = []
        self.exchange = FakeExchange(self)
        self.ledger = FakeLedger()
        self.records = FakeRecords()
        self.accounts = FakeAccounts()
        self.lamps = [lamp("status", "green", "on")]
        self.ready = Readiness(ready=True)
        self.sound = FakeSound()
        self.faults: tuple[FaultView, ...] = ()
        self.serial = 0
        (root / "recordings").mkdir()
        self.context = WebContext(
            exchange=self.exchange,
            command=self.command,
            ledger=self.ledger,
            records=self.records,
            recordings=root / "recordings",
            accounts=self.accounts,
            publish=self.published.append,
            panel=lambda: list(self.lamps),
            system=self.system,
            readiness=lambda: self.ready,
            metrics=self.metrics,
            configuration=None,
            sound=self.sound,
            pages=root / "pages",
            verify_password=verify,
            clock=lambda: Instant(self.mono, WALL + self.mono),
            entropy=self.entropy,
        )

    def entropy(self, count: int) -> bytes:
        self.serial += 1
        return hashlib.shake_128(str(self.serial).encode()).digest(count)

    async def command(self, act: Callable[[Any, Instant], T]) -> T:
        result = act(self.exchange, Instant(self.mono, WALL))
        self.ledger.commit(*self.pending)
        self.pending.clear()
        return result

    def system(self) -> SystemView:
        return SystemView(
            name='Acme "Support"',
            version="0.1.0",
            language="en",
            timezone="Asia/Tokyo",
            country="JP",
            started=NOW,
            uptime_seconds=12.5,
            ready=self.ready.ready,
            command="/opt/hako/.venv/bin/hako",
            data="/var/lib/hako",
            faults=self.faults,
            breaks=(BreakView(key="1", name="Lunch"),),
        )

    def metrics(self) -> Iterable[Metric]:
        return [Metric("hako_calls_started_total", "counter", "Calls begun.", [({"kind": 'in"bound\\\n'}, 3)])]


def lamp(name: str, color: str, mode: str) -> LampView:
    return LampView(id=name, label={"en": "Status", "ja": "状態"}, color=color, mode=mode, meaning={"en": "Well"})
