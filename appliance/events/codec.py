"""Writes events for the ledger and reads them back, older schema numbers included.

An event is kept as its type word (`call-started`), its schema number and its fields as JSON. A field at its default is
left out. When an event's `SCHEMA` is raised, the step from the older number is added to `UPGRADES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

import appliance.events as _every_event  # noqa: F401  all subclasses of Event must be known below
from appliance.clock import rfc3339
from appliance.events.base import Entry, Event


class UnknownEvent(Event, frozen=True):
    """An event that this version of the software does not know (written by a newer one), kept as it was."""

    type: str
    fields: dict[str, Any]


def _word(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _concrete(base: type[Event]) -> Iterator[type[Event]]:
    for cls in base.__subclasses__():
        if cls is not UnknownEvent:
            yield cls
            yield from _concrete(cls)


TYPES: Final[dict[str, type[Event]]] = {_word(cls.__name__): cls for cls in _concrete(Event)}
"""Every event by its type word, as on the WebSocket and in the ledger."""

WORDS: Final[dict[type[Event], str]] = {cls: word for word, cls in TYPES.items()}


def _by_language(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """These fields were one sentence in the site's language; it stands for both languages."""

    def step(old: dict[str, Any]) -> dict[str, Any]:
        return old | {name: {"ja": old[name], "en": old[name]} for name in names if old.get(name)}

    return step


UPGRADES: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("fault-raised", 1): _by_language("text", "remedy"),
    ("trunk-down", 1): _by_language("reason"),
}
"""(type word, schema number) -> makes the fields of the next number from those of this one."""

_encoder = msgspec.json.Encoder()
_decoders = {cls: msgspec.json.Decoder(cls) for cls in TYPES.values()}
_fields = {cls: tuple(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)) for cls in TYPES.values()}

encode = _encoder.encode
"""encode(event) -> its fields as JSON bytes."""


def word(event: Event) -> str:
    """The type word of an event: `call-started`."""
    return event.type if isinstance(event, UnknownEvent) else WORDS[type(event)]


def decode(type_word: str, schema: int, data: bytes | str) -> Event:
    """The event from what was kept. Raises ValueError when the data is not what the type says."""
    cls = TYPES.get(type_word)
    if cls is None or schema > cls.SCHEMA:
        return UnknownEvent(type=type_word, fields=msgspec.json.decode(data, type=dict[str, Any]))
    if schema == cls.SCHEMA:
        return _decoders[cls].decode(data)
    fields = msgspec.json.decode(data, type=dict[str, Any])
    for number in range(schema, cls.SCHEMA):
        step = UPGRADES.get((type_word, number))
        if step is not None:
            fields = step(fields)
    return msgspec.convert(fields, cls)


def document(entry: Entry) -> dict[str, Any]:
    """An entry as the API shows it: `type`, `at` (RFC 3339), `seq`, then every field of the event."""
    event = entry.event
    shown: dict[str, Any] = {"type": word(event), "at": rfc3339(entry.at), "seq": entry.seq}
    if isinstance(event, UnknownEvent):
        return shown | event.fields
    for name, key in _fields[type(event)]:
        shown[key] = getattr(event, name)
    return shown
