"""The typed configuration: what a site file says, validated, with every default filled in.

Frozen objects; the inside of the box never meets a dict. `reader` makes a `Site` from parsed TOML or stored documents
and reports every problem; `writer` makes TOML from a `Site`. Keys are those of the contract's site file.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every configuration object."""


class Destination(Part, frozen=True):
    """Where a call goes next: `extension:201` is kind "extension", target "201"; `music`, `hangup` have no target."""

    kind: str
    """extension, queue, menu, group, hours, announcement, voicemail, conference, number, music, hangup"""
    target: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else self.kind


NOWHERE = Destination(kind="")
"""Where a key that may be left out names no destination; written as an empty text."""


class SiteInfo(Part, frozen=True):
    name: str = "Hako"
    language: str = "en"
    """ja or en: prompts, tones of announcements, first language of the pages."""
    timezone: str = "UTC"
    country: str = "JP"
    """ISO 3166: number formats, tones, emergency numbers."""
    codecs: tuple[str, ...] = ("opus", "G722", "PCMU", "PCMA")
    """What phones are offered and may use, best first. A trunk has its own list."""
    record: str = "never"
    """Rule for calls of extensions and trunks: never, on-demand, always; a queue's own rule goes before."""
    record_pause: str = "silence"
    """What a pause leaves in the file: silence (of the pause's length) or cut (nothing)."""
    recording_format: str = "opus"
    """What finished recordings become: opus or wav (they stay as they are)."""
    keep_recordings_days: int = 0
    """Recordings older than this are deleted at night; 0: never."""
    keep_records_days: int = 0
    """Call records older than this are deleted at night, their recordings with them; 0: never."""
    record_beep: bool = False
    """Both parties hear a short tone when recording starts, and when it goes on after a pause."""
    record_key: str = ""
    """Keys by which a phone starts and stops recording during a call; empty: none."""
    dscp_audio: int = 46
    """Differentiated services code point of RTP and RTCP, 0..63: expedited forwarding (RFC 4594)."""
    dscp_signalling: int = 24
    """The same of SIP: class selector 3."""


class User(Part, frozen=True):
    name: str
    password_hash: str
    """Argon2id in PHC form."""
    role: str
    """admin, supervisor, agent or wallboard"""
    language: str = ""


class Extension(Part, frozen=True):
    number: str
    name: str = ""
    password: str = ""
    """SIP digest secret; empty: no phone can register."""
    record: str = ""
    """Overrides the site's rule for this extension's calls; empty: the site's."""
    srtp: str = "optional"
    """Encrypted audio: off; optional (taken when the phone offers it, not offered); required."""
    user: str = ""
    """Web log-in that may take this extension's calls in a browser, beside the agent who sits there."""
    dtmf: str = "auto"
    """How this phone's keys come and go: auto, rfc4733, inband, info."""


class Agent(Part, frozen=True):
    id: str
    number: str
    name: str = ""
    pin_hash: str = ""
    """`scrypt$N$r$p$salt$hash` or Argon2 PHC; checked outside the core. Empty: no PIN is asked for."""
    extension: str = ""
    user: str = ""
    queues: tuple[str, ...] = ()
    skills: Mapping[str, int] = {}


class Queue(Part, frozen=True):
    id: str
    number: str = ""
    name: str = ""
    strategy: str = "longest-idle"
    ring_seconds: float = 20
    wrap_up_seconds: float = 10
    service_level_seconds: float = 20
    max_wait_seconds: float = 600
    announce_seconds: float = 30
    """How often a waiting caller is told the position; 0: only once, on entry."""
    overflow: Destination = Destination(kind="announcement", target="busy")
    record: str = ""
    """never, on-demand, always; empty: the site's rule"""
    loudspeaker_seconds: float = 0
    """While a caller has waited longer the loudspeaker rings; 0: never."""
    loudspeaker_hours: str = ""
    """It rings only while these hours are open; empty: always."""


class Menu(Part, frozen=True):
    id: str
    number: str = ""
    prompt: str = ""
    prompt_file: str = ""
    timeout_seconds: float = 5
    retries: int = 2
    default: Destination = Destination(kind="hangup")
    keys: Mapping[str, Destination] = {}


class Announcement(Part, frozen=True):
    id: str
    text: str = ""
    file: str = ""
    number: str = ""


class Hours(Part, frozen=True):
    id: str
    open: tuple[str, ...] = ()
    """`mon-fri 09:00-18:00`, `sat,sun 10:00-12:00`; local time of the site."""
    holidays: tuple[str, ...] = ()
    """`2026-12-31` or every year `12-31`."""
    inside: Destination = Destination(kind="hangup")
    outside: Destination = Destination(kind="hangup")
    number: str = ""


class Group(Part, frozen=True):
    id: str
    number: str = ""
    name: str = ""
    members: tuple[str, ...] = ()
    strategy: str = "ring-all"
    ring_seconds: float = 30


class Trunk(Part, frozen=True):
    id: str
    host: str
    port: int = 5060
    transport: str = "udp"
    sources: tuple[str, ...] = ()
    """Further addresses or networks that calls may come from."""
    register: bool = False
    watch: bool = True
    """Whether a trunk that does not register is asked regularly whether it is there (OPTIONS)."""
    username: str = ""
    password: str = ""
    caller_id: str = ""
    channels: int = 8
    advertise: str = ""
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    """G.711 unless said otherwise: it is what every carrier takes, and nothing has to be transcoded for it."""
    srtp: str = "optional"
    """Encrypted audio, as an extension's."""
    numbers: Mapping[str, Destination] = {}
    """Called number -> destination; compared after E.164 normalisation."""
    default: Destination = Destination(kind="announcement", target="closed")
    dtmf: str = "auto"
    """How keys come and go over this line. auto: as telephone-events (RFC 4733) where both sides have them, else as
    tones in the audio; INFO is understood too."""
    fax: Destination = NOWHERE
    """Where a call goes that begins with the tone of a fax machine, as long as nobody has answered it."""


class Route(Part, frozen=True):
    pattern: str
    trunks: tuple[str, ...] = ()


class Break(Part, frozen=True):
    key: str
    name: str


class Codes(Part, frozen=True):
    """Dial codes; a field's value is what is dialled (a prefix where the contract shows EXT, NUMBER or a digit)."""

    agent: str = "*60"
    agent_break: str = "*61"
    available: str = "*62"
    wrap_up_done: str = "*63"
    monitor: str = "*31"
    whisper: str = "*32"
    barge: str = "*33"
    pickup_group: str = "*8"
    pickup: str = "**"
    park: str = "*70"
    forward_on: str = "*72"
    forward_off: str = "*73"
    dnd_on: str = "*78"
    dnd_off: str = "*79"
    voicemail: str = "*97"
    page: str = "*88"
    listen: str = "*89"
    echo: str = "*43"
    music: str = "*44"
    address: str = "*99"


class Sound(Part, frozen=True):
    """The sound card: a loudspeaker and a line-in."""

    output: str = "auto"
    """auto: the machine's own choice, where it has a card; off; or a part of the device's name."""
    input: str = "off"
    """off, auto, or a part of the device's name."""
    volume: int = 80
    """Of the loudspeaker, percent."""
    music: str = "built-in"
    """What callers on hold and in queues hear: built-in, or line-in (while it is there)."""
    page_seconds: float = 60
    """A page is ended after this time."""
    page_extensions: tuple[str, ...] = ()
    """Who may page; empty: every phone of the house."""
    listen_extensions: tuple[str, ...] = ()
    """Phones that may have a call heard on the loudspeaker by dial code; empty: none."""


class AnsweringMachine(Part, frozen=True):
    """How a person is told from a machine on a call that the box makes. 0: as fits the site's language
    (`center.answering_machine.BY_LANGUAGE`)."""

    initial_silence_seconds: float = 0
    """Nothing is said for this long: not sure."""
    greeting_seconds: float = 0
    """Whoever speaks for longer before the first pause is a machine."""
    after_greeting_silence_seconds: float = 0
    """Whoever waits for this long after the first words is a person."""
    total_seconds: float = 0
    """Not sure when nothing was decided by then."""
    minimum_word_seconds: float = 0
    """Shorter sounds are noise."""
    between_words_seconds: float = 0
    """Silence between two words."""
    maximum_words: int = 0
    """Whoever says more of them is a machine."""


class Site(Part, frozen=True):
    """A whole valid configuration. Order within a list is the file's order and matters (trunks, routes)."""

    site: SiteInfo = SiteInfo()
    users: tuple[User, ...] = ()
    extensions: tuple[Extension, ...] = ()
    agents: tuple[Agent, ...] = ()
    queues: tuple[Queue, ...] = ()
    menus: tuple[Menu, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    hours: tuple[Hours, ...] = ()
    groups: tuple[Group, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    routes: tuple[Route, ...] = ()
    breaks: tuple[Break, ...] = ()
    codes: Codes = Codes()
    sound: Sound = Sound()
    answering_machine: AnsweringMachine = AnsweringMachine()
