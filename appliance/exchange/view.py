"""What the exchange shows of itself: immutable snapshots for pages, API, lamps and tests. Field names are the API's."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from appliance.events.base import Words


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the snapshots. Times are RFC 3339 in UTC, durations seconds."""


class LegView(View, frozen=True, kw_only=True):
    id: str
    direction: str
    state: str
    """calling, ringing, talking (answered), held"""
    activity: str
    """dialling, menu, queue, offer, bridge, announcement, music, echo, code, page, idle"""
    extension: str = ""
    trunk: str = ""
    agent: str = ""
    number: str = ""
    name: str = ""
    codec: str = ""
    srtp: str = ""
    """SRTP suite that its audio is encrypted with, such as AES_CM_128_HMAC_SHA1_80; empty: it is not."""
    packets: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    mos: float | None = None
    """Mean opinion score of what came from the party in the newest five seconds; None: nothing can be said."""
    sent_mos: float | None = None
    """Of what the party got, by its own newest report."""
    quality: str = ""
    """good, fair or bad, by the worse of the two; empty: nothing can be said."""
    round_trip_ms: float | None = None
    unheard: str = ""
    """Why nothing is heard of the party although it is connected, as in `OneWayAudio.reason`; empty: it is heard."""
    unreached: str = ""
    """Why the party hears nothing, likewise; empty: it hears, as far as we know."""


class CallGlance(NamedTuple):
    """What lamps show of a call."""

    kind: str
    recording: bool


class CallView(View, frozen=True, kw_only=True):
    """A live call."""

    id: str
    journey: str
    kind: str
    from_: str = msgspec.field(name="from")
    to: str
    from_name: str = ""
    trunk: str = ""
    queue: str = ""
    agent: str = ""
    state: str
    """routing, menu, waiting, ringing, talking, held, announcement"""
    since: str
    """When `state` began."""
    destination: str
    started: str
    answered: str | None = None
    """When the first conversation began."""
    queued: str | None = None
    """When the caller entered `queue`: his waiting time counts from here, through offers that came to nothing."""
    position: int = 0
    """Place in the queue, from 1; 0 when not waiting."""
    recording: bool = False
    """What is said now is kept."""
    recording_paused: bool = False
    """Nothing that is said now may be kept, whether it is recorded otherwise or not."""
    record: str = ""
    """Its recording rule: never, on-demand or always."""
    loudspeaker: bool = False
    """It is heard on the loudspeaker."""
    answered_by: str = ""
    """Of a call that we made: human, machine or unknown; empty: not (yet) known, or nobody asked."""
    answered_cause: str = ""
    """Why: after-greeting-silence (a person spoke and waits), greeting, words, beep, fax, initial-silence, total."""
    judging: bool = False
    """It is being found out who answers, or will be as soon as somebody does."""
    fax: bool = False
    """A fax machine was heard."""
    legs: tuple[LegView, ...] = ()


class AgentView(View, frozen=True, kw_only=True):
    id: str
    number: str
    name: str
    status: str
    reason: str = ""
    state: str
    since: str | None
    """When `state` began; null: not since the box started."""
    extension: str = ""
    registered: bool = False
    queues: tuple[str, ...] = ()
    call: str = ""


class QueueView(View, frozen=True, kw_only=True):
    id: str
    number: str
    name: str
    waiting: int
    longest_wait_seconds: float
    agents_logged_in: int
    agents_idle: int
    offered_today: int = 0
    answered_today: int = 0
    abandoned_today: int = 0
    answered_in_level_today: int = 0


class ContactView(View, frozen=True, kw_only=True):
    uri: str
    address: str
    transport: str
    user_agent: str
    expires: str


class RegistrationView(View, frozen=True, kw_only=True):
    extension: str
    name: str
    contacts: tuple[ContactView, ...]
    busy: bool = False


class TrunkView(View, frozen=True, kw_only=True):
    id: str
    host: str
    state: str
    """up, down, registering (a trunk without registration is up until a ping or its name fails), unchecked (one that
    is not watched, before the first call)"""
    reason: Words = msgspec.field(default_factory=dict)
    """Why it is down, by language; empty when it is not."""
    channels: int
    busy: int


class SoundView(View, frozen=True, kw_only=True):
    """The loudspeaker and where music comes from."""

    loudspeaker: bool = False
    """There is one, and it plays."""
    line_in: bool = False
    """There is one, and it is listened to."""
    music: str = "built-in"
    """What callers hear now: built-in or line-in."""
    paging: str = ""
    """The extension that speaks through the loudspeaker now."""
    listening: str = ""
    """The call that is heard on it."""
    listening_by: str = ""
    ringing: str = ""
    """The call whose caller has waited too long."""


class FaultView(View, frozen=True, kw_only=True):
    """Something that is wrong now."""

    id: str
    text: Words
    """What, by language."""
    remedy: Words
    """What to do about it, by language; may be empty."""
    since: str


class LampView(View, frozen=True, kw_only=True):
    """One lamp of the front panel, real or drawn."""

    id: str
    label: Words
    """By language."""
    color: str
    """green, amber, red or off"""
    mode: str
    """off, on, slow (1 Hz blink), fast (4 Hz blink)"""
    meaning: Words
    """What it says right now, by language."""
