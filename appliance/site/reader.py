"""Makes a `Site` from a site file. Reports every problem, each with its path, its value and what would be right.

Three steps: the keys and values of each part (here, by the tables below), then what refers to what and which numbers
clash (`check`), then, when nothing is wrong, plain passwords become hashes; what the file leaves out of them keeps its
present value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from appliance.errors import ConfigError
from appliance.site import fields
from appliance.site.check import check
from appliance.site.fields import BAD, Problems, Reader, listed, meant, shown
from appliance.site.model import (
    Agent,
    Announcement,
    AnsweringMachine,
    Break,
    Codes,
    Destination,
    Extension,
    Group,
    Hours,
    Menu,
    Part,
    Queue,
    Route,
    Site,
    SiteInfo,
    Sound,
    Trunk,
    User,
)

HashSecret = Callable[[str, str], str]
"""(plain secret, present hash or "") -> the hash to keep: the present one where it fits the secret, else a new one."""

LANGUAGES: Final = ("ja", "en")
ROLES: Final = ("admin", "supervisor", "agent", "wallboard")
CODECS: Final = ("opus", "G722", "PCMU", "PCMA", "L16", "CN")
"""What can be said on the wire; CN is comfort noise, beside the others."""
RECORD_RULES: Final = ("never", "on-demand", "always")
RECORD_PAUSES: Final = ("silence", "cut")
SRTP_RULES: Final = ("off", "optional", "required")
RECORDING_FORMATS: Final = ("opus", "wav")
STRATEGIES: Final = (
    "longest-idle",
    "ring-all",
    "round-robin",
    "least-calls",
    "least-talk",
    "random",
    "linear",
    "skills",
)
MUSIC: Final = ("built-in", "line-in")
DTMF: Final = ("auto", "rfc4733", "inband", "info")
TRANSPORTS: Final = ("udp", "tcp", "tls")


class Reading(msgspec.Struct, frozen=True):
    """What came of reading a site file. `site` is None when there are errors."""

    site: Site | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """One kind of part: its keys, which of them must be there, and keys that become something else."""

    part: type[Part]
    keys: dict[str, Reader]
    required: tuple[str, ...] = ()
    secrets: dict[str, str] = {}
    """Key of a plain secret -> field of its hash."""


_record = fields.choice("recording rule", RECORD_RULES)
_codecs = fields.list_of(fields.choice("codec", CODECS), 10)
_srtp = fields.choice("rule for encrypted audio", SRTP_RULES)
_dtmf = fields.choice("way of sending keys", DTMF)
_strategy = fields.choice("strategy", STRATEGIES)
_hash_text = fields.secret

TABLES: Final[dict[str, Table]] = {
    "users": Table(
        User,
        {
            "name": fields.named,
            "password": fields.secret,
            "password_hash": _hash_text,
            "role": fields.choice("role", ROLES),
            "language": fields.optional(fields.choice("language", LANGUAGES)),
        },
        ("name", "role"),
        {"password": "password_hash"},
    ),
    "extensions": Table(
        Extension,
        {
            "number": fields.internal_number,
            "name": fields.text,
            "password": fields.secret,
            "record": fields.optional(_record),
            "srtp": _srtp,
            "user": fields.text,
            "dtmf": _dtmf,
        },
        ("number",),
    ),
    "agents": Table(
        Agent,
        {
            "id": fields.identifier,
            "number": fields.internal_number,
            "name": fields.text,
            "pin": fields.pin,
            "pin_hash": _hash_text,
            "extension": fields.optional(fields.internal_number),
            "user": fields.text,
            "queues": fields.list_of(fields.identifier),
            "skills": fields.table_of(fields.identifier, fields.whole(0, 100)),
        },
        ("id", "number"),
        {"pin": "pin_hash"},
    ),
    "queues": Table(
        Queue,
        {
            "id": fields.identifier,
            "number": fields.optional(fields.internal_number),
            "name": fields.text,
            "strategy": _strategy,
            "ring_seconds": fields.seconds(1, 600),
            "wrap_up_seconds": fields.seconds(0, 3600),
            "service_level_seconds": fields.seconds(1, 3600),
            "max_wait_seconds": fields.seconds(1, 86400),
            "announce_seconds": fields.seconds(0, 3600),
            "overflow": fields.destination,
            "record": fields.optional(_record),
            "loudspeaker_seconds": fields.seconds(0, 86400),
            "loudspeaker_hours": fields.optional(fields.identifier),
        },
        ("id",),
    ),
    "menus": Table(
        Menu,
        {
            "id": fields.identifier,
            "number": fields.optional(fields.internal_number),
            "prompt": fields.long_text,
            "prompt_file": fields.text,
            "timeout_seconds": fields.seconds(1, 60),
            "retries": fields.whole(0, 20),
            "default": fields.destination,
            "keys": fields.table_of(fields.dial_code, fields.destination),
        },
        ("id",),
    ),
    "announcements": Table(
        Announcement,
        {
            "id": fields.identifier,
            "text": fields.long_text,
            "file": fields.text,
            "number": fields.optional(fields.internal_number),
        },
        ("id",),
    ),
    "hours": Table(
        Hours,
        {
            "id": fields.identifier,
            "open": fields.list_of(fields.named),
            "holidays": fields.list_of(fields.named),
            "inside": fields.destination,
            "outside": fields.destination,
            "number": fields.optional(fields.internal_number),
        },
        ("id", "inside", "outside"),
    ),
    "groups": Table(
        Group,
        {
            "id": fields.identifier,
            "number": fields.optional(fields.internal_number),
            "name": fields.text,
            "members": fields.list_of(fields.internal_number),
            "strategy": _strategy,
            "ring_seconds": fields.seconds(1, 600),
        },
        ("id",),
    ),
    "trunks": Table(
        Trunk,
        {
            "id": fields.identifier,
            "host": fields.host,
            "port": fields.whole(1, 65535),
            "transport": fields.choice("transport", TRANSPORTS),
            "sources": fields.list_of(fields.named),
            "register": fields.boolean,
            "watch": fields.boolean,
            "username": fields.text,
            "password": fields.secret,
            "caller_id": fields.optional(fields.telephone),
            "channels": fields.whole(1, 1000),
            "advertise": fields.optional(fields.host),
            "codecs": _codecs,
            "srtp": _srtp,
            "numbers": fields.table_of(fields.telephone, fields.destination),
            "default": fields.destination,
            "dtmf": _dtmf,
            "fax": fields.optional_destination,
        },
        ("id", "host"),
    ),
    "routes": Table(
        Route,
        {"pattern": fields.named, "trunks": fields.list_of(fields.identifier)},
        ("pattern", "trunks"),
    ),
    "breaks": Table(Break, {"key": fields.break_key, "name": fields.named}, ("key", "name")),
}
"""Lists of the site file."""

SINGLES: Final[dict[str, Table]] = {
    "site": Table(
        SiteInfo,
        {
            "name": fields.named,
            "language": fields.choice("language", LANGUAGES),
            "timezone": fields.named,
            "country": fields.named,
            "codecs": _codecs,
            "record": _record,
            "record_pause": fields.choice("record_pause", RECORD_PAUSES),
            "recording_format": fields.choice("recording_format", RECORDING_FORMATS),
            "keep_recordings_days": fields.whole(0, 36_500),
            "keep_records_days": fields.whole(0, 36_500),
            "record_beep": fields.boolean,
            "record_key": fields.optional(fields.call_key),
            "dscp_audio": fields.whole(0, 63),
            "dscp_signalling": fields.whole(0, 63),
        },
    ),
    "codes": Table(Codes, dict.fromkeys(Codes.__struct_fields__, fields.dial_code)),
    "sound": Table(
        Sound,
        {
            "output": fields.named,
            "input": fields.named,
            "volume": fields.whole(0, 100),
            "music": fields.choice("source of music", MUSIC),
            "page_seconds": fields.seconds(5, 3600),
            "page_extensions": fields.list_of(fields.internal_number),
            "listen_extensions": fields.list_of(fields.internal_number),
        },
    ),
    "answering_machine": Table(
        AnsweringMachine,
        {
            "initial_silence_seconds": fields.seconds(0, 20),
            "greeting_seconds": fields.seconds(0, 20),
            "after_greeting_silence_seconds": fields.seconds(0, 10),
            "total_seconds": fields.seconds(0, 30),
            "minimum_word_seconds": fields.seconds(0, 2),
            "between_words_seconds": fields.seconds(0, 2),
            "maximum_words": fields.whole(0, 50),
        },
    ),
}
"""Tables that are there once."""

KEPT: Final = {"users": ("name", ("password_hash",)), "extensions": ("number", ("password",))} | {
    "agents": ("id", ("pin_hash",)),
    "trunks": ("id", ("password",)),
}
"""Secrets that a file may leave out: (key that names the part, fields that keep their present value)."""


STAND_INS: Final = {"inside": Destination(kind="hangup"), "outside": Destination(kind="hangup"), "trunks": ()}
"""For required keys that could not be read, so that the rest of the file is checked all the same; "" elsewhere."""


def unhashed(_plain: str, present: str) -> str:
    """Stands in for hashing where nothing is kept (`check`)."""
    return present or "$argon2-unhashed"


def read_toml(text: str | bytes) -> dict[str, Any]:
    """The file as plain data. Raises ConfigError with the line when it is no TOML."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        return tomllib.loads(text.removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise ConfigError([f"byte {error.start}: the file is not UTF-8 text; save it as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"not a site file (TOML): {error}"]) from None
    except RecursionError:
        raise ConfigError(["not a site file: nested too deeply"]) from None


def read(text: str | bytes, present: Site | None = None, hash_secret: HashSecret = unhashed) -> Reading:
    """Reads a site file. `present` gives the secrets that the file leaves out. Never raises for what is in the file."""
    try:
        document = read_toml(text)
    except ConfigError as error:
        return Reading(None, tuple(error.problems))
    if not document:
        # An editor that failed while saving leaves such a file: it must not take everything away.
        return Reading(None, ("the file is empty; a site has at least [site]",))
    return read_document(document, present, hash_secret)


def read_document(document: object, present: Site | None = None, hash_secret: HashSecret = unhashed) -> Reading:
    """The same for a site file already parsed (also as JSON, from the API)."""
    if not isinstance(document, Mapping):
        return Reading(None, ("the configuration is not a table",))
    problems = Problems()
    plain: dict[tuple[str, int], str] = {}
    parts: dict[str, Any] = {}
    known = [*SINGLES, *TABLES]
    for key in document:
        if key not in known:
            problems.error(str(key), f"unknown key; one of {listed(known)}{meant(str(key), known)}")
    for key, table in SINGLES.items():
        parts[key] = _part(problems, table, key, document.get(key, {}), plain, (key, 0))
    for key, table in TABLES.items():
        parts[key] = _parts(problems, table, key, document.get(key, []), plain)
    site = _keep_present(Site(**parts), present, plain)
    _check_whole(site, problems, plain, present is not None)
    if not problems.errors:
        return Reading(_hash(site, present, plain, hash_secret), (), tuple(problems.warnings))
    return Reading(None, tuple(problems.errors), tuple(problems.warnings))


def load(text: str | bytes, present: Site | None = None, hash_secret: HashSecret = unhashed) -> Site:
    """`read` for those who want the site or a ConfigError."""
    reading = read(text, present, hash_secret)
    if reading.site is None:
        raise ConfigError(list(reading.errors))
    return reading.site


def _check_whole(site: Site, problems: Problems, plain: Mapping[tuple[str, int], str], on_box: bool) -> None:
    """Adds what `check` finds, but for what only repeats that a value could not be read."""
    bad = problems.bad
    parts = {path.split(".", 1)[0] for path in bad}
    found = Problems()
    check(site, found, plain, on_box)
    for mine, theirs in ((problems.errors, found.errors), (problems.warnings, found.warnings)):
        for problem in theirs:
            path = problem.split(": ", 1)[0]
            if path not in parts and not any(path == one or path.startswith((one + ".", one + "[")) for one in bad):
                mine.append(problem)


def _parts(
    problems: Problems, table: Table, key: str, value: object, plain: dict[tuple[str, int], str]
) -> tuple[Part, ...]:
    if not isinstance(value, list):
        problems.error(key, f"{shown(value)} is not a list of tables; write [[{key}]]")
        return ()
    return tuple(
        _part(problems, table, f"{key}[{index}]", member, plain, (key, index)) for index, member in enumerate(value)
    )


def _part(
    problems: Problems,
    table: Table,
    path: str,
    value: object,
    plain: dict[tuple[str, int], str],
    place: tuple[str, int],
) -> Part:
    if not isinstance(value, dict):
        problems.error(path, f"{shown(value)} is not a table")
        value = {}
    found: dict[str, Any] = {}
    for key, member in value.items():
        reader = table.keys.get(key)
        if reader is None:
            problems.error(f"{path}.{key}", f"unknown key; one of {listed(table.keys)}{meant(key, table.keys)}")
            continue
        typed = reader(problems, f"{path}.{key}", member)
        if typed is BAD:
            continue
        if key in table.secrets:
            plain[place] = typed
        else:
            found[key] = typed
    for key in table.required:
        if key not in value and path not in problems.bad:
            problems.bad.add(f"{path}.{key}")
            problems.errors.append(f"{path}: {key} is missing")
        found.setdefault(key, STAND_INS.get(key, ""))
    for key, hashed in table.secrets.items():
        if hashed in table.part.__struct_fields__:
            if key in value and hashed in value:
                problems.error(path, f"{key} and {hashed} are both there; leave one out")
            found.setdefault(hashed, "")
    return table.part(**found)


def _keep_present(site: Site, present: Site | None, plain: Mapping[tuple[str, int], str]) -> Site:
    if present is None:
        return site
    changed: dict[str, Any] = {}
    for kind, (name, secrets) in KEPT.items():
        before = {getattr(part, name): part for part in getattr(present, kind)}
        parts = []
        for index, part in enumerate(getattr(site, kind)):
            old = before.get(getattr(part, name))
            if old is not None and (kind, index) not in plain:
                keep = {field: getattr(old, field) for field in secrets if not getattr(part, field)}
                part = msgspec.structs.replace(part, **keep)
            parts.append(part)
        changed[kind] = tuple(parts)
    return msgspec.structs.replace(site, **changed)


def _hash(site: Site, present: Site | None, plain: Mapping[tuple[str, int], str], hash_secret: HashSecret) -> Site:
    changed: dict[str, list[Any]] = {}
    for (kind, index), secret in plain.items():
        parts = changed.setdefault(kind, list(getattr(site, kind)))
        name, (hashed, *_) = KEPT[kind]
        key = getattr(parts[index], name)
        old = next((part for part in getattr(present, kind, ()) if getattr(part, name) == key), None)
        before = getattr(old, hashed) if old is not None else ""
        parts[index] = msgspec.structs.replace(parts[index], **{hashed: hash_secret(secret, before)})
    return msgspec.structs.replace(site, **{kind: tuple(parts) for kind, parts in changed.items()})
