"""What every event is, and an event as the ledger holds it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from appliance.clock import Instant

Words = dict[str, str]
"""A sentence for people by language, "ja" and "en"."""


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something that happened, in the past tense. Fields are plain data; ids are strings of the call-centre world."""

    SCHEMA: ClassVar[int] = 1
    """Raised when the meaning or shape of a field changes; `codec` keeps a decoder for each older number."""


class Stamped(msgspec.Struct, frozen=True, gc=False):
    """An event and when it happened, before it is committed."""

    at: Instant
    event: Event


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event as committed: `seq` rises by one, `boot` names the run of the box that wrote it."""

    seq: int
    at: float
    mono: float
    boot: str
    event: Event
