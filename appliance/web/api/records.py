"""Call records: what was done on calls that are over; a single one also while its call goes on."""

from __future__ import annotations

import unicodedata
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal

import msgspec

from appliance.store.records import Filter, Record
from appliance.web import feed
from appliance.web.legs import LegVoice, legs_of
from appliance.web.problem import Problem, invalid, not_found
from appliance.web.route import OWN, Page, Route, Visit

Word = Annotated[str, msgspec.Meta(max_length=64)]


MOST_MOMENTS = 2000
BETWEEN_DIGITS = " -().\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}\N{MINUS SIGN}\N{HYPHEN}"
"""What people write within a number; the long vowel sign is what a Japanese keyboard makes of a hyphen."""


class RecordDetail(Record, frozen=True, kw_only=True):
    """A record with its story."""

    moments: tuple[dict[str, Any], ...]
    """The events of the call, each as a LiveEvent."""
    voice: tuple[LegVoice, ...]
    """How each leg sounded, once it is over."""


class RecordQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`from` and `to` are RFC 3339, or a date alone: that whole day at the site."""

    from_: Word = msgspec.field(name="from", default="")
    to: Word = ""
    agent: Word = ""
    queue: Word = ""
    number: Word = ""
    text: Word = ""
    """Found within a party's name or number."""
    kind: Literal["", "inbound", "outbound", "internal", "service"] = ""
    service: bool = False
    customer: Word = ""
    disposition: Word = ""
    cursor: Annotated[str, msgspec.Meta(max_length=256)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


async def show_all(visit: Visit) -> Page[Record]:
    query: RecordQuery = visit.query
    for name in ("customer", "disposition"):
        if getattr(query, name):
            raise Problem(501, "not_built", "Records cannot be searched by this yet.", name)
    agent = query.agent
    seq = visit.context.ledger.last_seq
    if visit.who.limited:
        if agent not in ("", visit.who.agent):
            raise Problem(403, "forbidden", "An agent sees his own records.", "agent")
        agent = visit.who.agent
        if not agent:
            return Page(items=(), seq=seq)
    number = "".join(sign for sign in unicodedata.normalize("NFKC", query.number) if sign not in BETWEEN_DIGITS)
    if query.number and not number:
        raise invalid("number", "This is no number.")
    timezone = visit.context.system().timezone
    zone = await visit.server.in_thread(lambda: zone_of(timezone))
    wanted = Filter(
        since=moment("from", query.from_, zone),
        until=moment("to", query.to, zone, end=True),
        agent=agent,
        queue=query.queue,
        number=number,
        text=query.text,
        kind=query.kind,
        service=query.service or query.kind == "service",
        cursor=query.cursor,
        limit=query.limit,
    )
    try:
        items, after = await visit.server.in_thread(lambda: visit.context.records.list(wanted))
    except (ValueError, OverflowError):
        raise invalid("cursor", "This cursor is not one of ours.") from None
    return Page(items=tuple(items), next=after, seq=seq)


async def show(visit: Visit) -> RecordDetail:
    record = await record_for(visit, visit.part("id"))

    def story() -> tuple[tuple[dict[str, Any], ...], tuple[LegVoice, ...]]:
        entries = visit.context.records.events(record.id)[:MOST_MOMENTS]
        return tuple(feed.shown(entry) for entry in entries), legs_of(entries)

    fields = {name: getattr(record, name) for name in Record.__struct_fields__}
    moments, voice = await visit.server.in_thread(story)
    return RecordDetail(**fields, moments=moments, voice=voice)


async def record_for(visit: Visit, name: str) -> Record:
    """The record of this call. Problem 404: there is none, or not for whoever asks."""
    record = await visit.server.in_thread(lambda: visit.context.records.get(name))
    if record is None or (visit.who.limited and (not visit.who.agent or record.agent != visit.who.agent)):
        raise not_found("record", name)
    return record


def moment(field: str, text: str, zone: tzinfo, *, end: bool = False) -> float | None:
    """Seconds since the epoch. A date alone is its first moment, or with `end` the first of the next day."""
    if not text:
        return None
    # In an address a `+` that nobody escaped arrives as a space.
    text = text.strip().replace(" ", "+")
    try:
        when = datetime.fromisoformat(text)
        if len(text) <= 10:
            when = (when + timedelta(days=1 if end else 0)).replace(tzinfo=zone)
        if when.tzinfo is None:
            raise invalid(field, "Say the time zone too: 2026-11-21T09:30:00Z.")
        return when.timestamp()
    except (ValueError, OverflowError):
        raise invalid(field, "This is no time as in RFC 3339: 2026-11-21T09:30:00Z.") from None


def zone_of(name: str) -> tzinfo:
    """The zone of the site; may read its file."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


ROUTES = (
    Route("GET", "/records", OWN, show_all, "Call records", Page[Record], query=RecordQuery, errors=(501,)),
    Route("GET", "/records/{id}", OWN, show, "A call record with its events", RecordDetail, errors=(404,)),
)
