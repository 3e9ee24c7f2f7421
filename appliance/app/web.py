"""Fills in what the web server needs of the box (`appliance.web.context`)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from appliance import __version__
from appliance.box.health.finding import Finding
from appliance.clock import Instant, rfc3339
from appliance.events import Entry
from appliance.events.base import Words
from appliance.site.writer import document
from appliance.store.state import SESSIONS, StateStore
from appliance.web.context import (
    Account,
    AddressView,
    BreakView,
    ConfigVersion,
    Exchange,
    Metric,
    OffView,
    Readiness,
    SystemView,
    WebContext,
)

if TYPE_CHECKING:
    from appliance.app.box import Box

T = TypeVar("T")


class LedgerReader:
    """`appliance.web.context.Ledger` over the box's ledger."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._numbers = 0

    @property
    def last_seq(self) -> int:
        return self._box.ledger.last_seq

    def after(self, seq: int, limit: int) -> Sequence[Entry] | None:
        return self._box.ledger.after(seq, limit)

    def subscribe(self, reader: Callable[[Sequence[Entry]], None], waits: Callable[[], bool]) -> Callable[[], None]:
        self._numbers += 1
        name = f"web-{self._numbers}"
        self._box.bus.subscribe(name, reader)
        self._box.watched = waits
        return lambda: self._box.bus.unsubscribe(name)


class Accounts:
    """Users of the site and tokens of the box."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def user(self, name: str) -> Account | None:
        site = self._box.exchange.context.site
        user = next((one for one in site.users if one.name == name), None)
        if user is None:
            return None
        agent = next((one.id for one in site.agents if one.user == name), "")
        return Account(
            name=user.name, role=user.role, password_hash=user.password_hash, language=user.language, agent=agent
        )

    def token(self, secret: str) -> Account | None:
        token = self._box.tokens.check(secret)
        return Account(name=f"token {token.name}", role=token.role) if token is not None else None


class Settings:
    """`appliance.web.context.Configuration` over the store; every change is put in force at once."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def read(self) -> tuple[Mapping[str, Any], int]:
        site, version = await asyncio.to_thread(self._box.store.load)
        return document(site, secrets=False), version

    async def write(self, document: Mapping[str, Any], version: int, by: str) -> int:
        return (await self._box.configuring.apply_document(document, by, version)).version

    async def history(self, limit: int) -> Sequence[ConfigVersion]:
        changes = await asyncio.to_thread(self._box.store.history, limit)
        return [
            ConfigVersion(version=one.version, at=one.at, by=one.by, changes=one.changes) for one in changes[:limit]
        ]

    async def undo(self, version: int, by: str) -> int:
        return await self._box.configuring.undo(version, by)


class Commands:
    """Runs commands so that the answer leaves after what they caused is committed."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def __call__(self, act: Callable[[Exchange, Instant], T]) -> T:
        result = self._box.core.do(lambda _exchange, now: act(self._box.live, now))
        await self._box.committed()
        return result


_OFF_NAMES: dict[str, Words] = {
    "gpio": {"ja": "ランプとボタン（GPIO）", "en": "Lamps and buttons (GPIO)"},
    "inband-keys": {"ja": "音声の中のプッシュ音", "en": "Keys as tones in the audio"},
    "speech-ja": {"ja": "日本語の音声合成", "en": "Japanese speech"},
    "speech-en": {"ja": "英語の音声合成", "en": "English speech"},
    "sound-output": {"ja": "スピーカー", "en": "Loudspeaker"},
    "sound-input": {"ja": "ライン入力", "en": "Line-in"},
    "opus-tools": {"ja": "録音の圧縮（Opus）", "en": "Recordings as Opus"},
    "pages": {"ja": "Web 画面", "en": "Web pages"},
    "opus": {"ja": "Opus 音声コーデック", "en": "The codec Opus"},
    "srtp": {"ja": "音声の暗号化（SRTP）", "en": "Encrypted audio (SRTP)"},
    "webphone": {"ja": "ブラウザーの電話", "en": "Telephone in the browser"},
}
"""What people call the things that may be off."""


_NO_PANEL = Finding(
    id="gpio",
    severity="ok",
    text={
        "ja": "この本体にはランプがないため、前面パネルは画面にだけ表示されます。",
        "en": "This machine has no lamps of its own: the front panel is on the pages only.",
    },
    remedy={
        "ja": "Raspberry Pi にパネルを付けたら `hako serve --board pi4-panel` で起動してください。",
        "en": "With a panel on a Raspberry Pi, start with `hako serve --board pi4-panel`.",
    },
)


def _off(box: Box) -> tuple[OffView, ...]:
    found = box.off()
    if not box.board.lamps:
        found.append(_NO_PANEL)
    return tuple(OffView(feature=one.id, name=_name_of(one.id), why=one.text, remedy=one.remedy) for one in found)


def _name_of(feature: str) -> Words:
    return _OFF_NAMES.get(feature, {"ja": feature, "en": feature})


def system(box: Box) -> SystemView:
    """What the box is and how it stands."""
    site = box.exchange.context.site.site
    now = box.core.now()
    addresses = [AddressView(use=f"sip-{transport}", address=address) for transport, address in box.sip_served()] + [
        AddressView(use="web", address=url) for url in (*box.web_urls(), *box.https_urls())
    ]
    return SystemView(
        name=site.name,
        version=__version__,
        language=site.language,
        timezone=site.timezone,
        country=site.country,
        started=rfc3339(box.started.wall),
        uptime_seconds=round(now.mono - box.started.mono, 1),
        ready=box.ready,
        board=box.board.name,
        command=str(Path(sys.executable).with_name("hako")),
        data=str(box.folder.path.absolute()),
        addresses=tuple(addresses),
        off=_off(box),
        faults=box.faults.views(),
        loudspeaker=box.exchange.sound().loudspeaker,
        breaks=tuple(BreakView(key=one.key, name=one.name) for one in box.exchange.context.site.breaks),
    )


def readiness(box: Box) -> Readiness:
    """Whether calls can be made."""
    why = []
    if not box.ready:
        why.append("the box is starting")
    if not box.media.pid:
        why.append("the media process is not there")
    return Readiness(ready=not why, why=tuple(why))


def metrics(box: Box) -> Iterable[Metric]:
    """Counters that no view shows."""
    endpoint = box.exchange.context.endpoint
    counts = endpoint.counts()
    held = [({"what": name}, float(value)) for name, value in counts._asdict().items()]
    seen = [({"what": name}, float(value)) for name, value in endpoint.seen.items()]
    phones = box.exchange.context.phones
    return [
        Metric("hako_sip_held", "gauge", "What the SIP endpoint holds.", held),
        Metric("hako_sip_odd_total", "counter", "SIP messages that were dropped or refused by kind.", seen),
        Metric("hako_sip_refused_total", "counter", "Requests without valid credentials.", [({}, phones.refused)]),
        Metric("hako_failures_total", "counter", "Exceptions contained to a call.", [({}, box.exchange.failures)]),
        Metric("hako_media_restarts_total", "counter", "Restarts of the media process.", [({}, box.media.restarts)]),
        Metric("hako_media_rows", "gauge", "Rows of the desired table.", [({}, len(box.table))]),
        Metric("hako_rtp_ports_used", "gauge", "RTP ports in use.", [({}, box.table.ports_used)]),
        Metric(
            "hako_slow_drains_total", "counter", "Drains that held the loop over 5 ms.", [({}, box.core.slow_drains)]
        ),
        Metric("hako_ledger_seq", "gauge", "Number of the last committed event.", [({}, box.ledger.last_seq)]),
        *box.voice.metrics(),
        *box.pace.metrics(),
    ]


class KeptSessions:
    """`appliance.web.context.SessionStore` in the box's state."""

    def __init__(self, state: StateStore, kept: Mapping[str, bytes]) -> None:
        """`kept`: what the state had at the start; reading it blocks."""
        self._state, self._kept = state, kept

    def load(self) -> Mapping[str, bytes]:
        """What the run before has left."""
        return self._kept

    def put(self, key: str, data: bytes) -> None:
        self._state.put(SESSIONS, key, data)

    def drop(self, key: str) -> None:
        self._state.drop(SESSIONS, key)


def context(box: Box, sessions: Mapping[str, bytes]) -> WebContext:
    """The whole context. `sessions`: what is kept of log-ins."""
    return WebContext(
        exchange=box.live,
        command=Commands(box),
        ledger=LedgerReader(box),
        records=box.records,
        recordings=box.folder.recordings,
        accounts=Accounts(box),
        publish=box.core.emit,
        panel=box.live.panel,
        system=lambda: system(box),
        readiness=lambda: readiness(box),
        metrics=lambda: metrics(box),
        played=box.archive.played,
        configuration=Settings(box),
        browser_phones=box.web_phones,
        authority=box.https.folder.authority,
        https_port=lambda: box.https.port,
        sound=box.sound,
        sessions=KeptSessions(box.state, sessions),
    )
