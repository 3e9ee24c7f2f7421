"""Recordings: what is known of one, its audio, its waveform."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from appliance.exchange.view import View
from appliance.media.recordings import find, locate
from appliance.store.records import Record, Recording
from appliance.web import audio
from appliance.web.api.records import record_for, zone_of
from appliance.web.problem import Problem, not_found
from appliance.web.route import OWN, Route, Visit
from appliance.web.waveforms import WaveformError


class PeaksQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    points: Annotated[int, msgspec.Meta(ge=10, le=4000)] = 800


class PeaksView(View, frozen=True, kw_only=True):
    """The waveform: the largest amplitude (0..1) of each of equally long stretches."""

    id: str
    seconds: float
    """What there is of it now."""
    complete: bool
    peaks: tuple[tuple[float, ...], ...]
    """A list a channel: the outside party, then our side."""


async def show(visit: Visit) -> Recording:
    return (await _find(visit))[0]


async def play(visit: Visit) -> web.StreamResponse:
    view, path = await _find(visit)
    visit.context.played(view.id)
    timezone = visit.context.system().timezone
    name = await visit.server.in_thread(lambda: file_name(view, visit.context.records.get(view.call), timezone))
    try:
        return await audio.send(visit.request, path, name, visit.server.in_thread)
    finally:
        visit.context.played(view.id)


def file_name(view: Recording, record: Record | None, timezone: str) -> str:
    """What the file is called where it is saved, without suffix: when by the site's clock, who called whom; the id
    where there is no record. Plain enough to stand in quotes (RFC 6266) and on any disk. May read the zone's file."""
    if record is None:
        return "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in view.id)[:80]
    when = datetime.fromisoformat(view.started).astimezone(zone_of(timezone))
    parties = (
        "".join(sign for sign in party if (sign.isascii() and sign.isalnum()) or sign == "+")
        for party in (record.from_, record.to)
    )
    return "_".join((when.strftime("%Y-%m-%d_%H%M"), *(party[:32] or "unknown" for party in parties)))


async def draw(visit: Visit) -> PeaksView:
    query: PeaksQuery = visit.query
    view, path = await _find(visit)
    try:
        wave = await visit.server.waveforms.of(path, query.points)
    except (OSError, WaveformError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Problem(404, "no_audio", f"The recording's file cannot be used: {why}.") from None
    return PeaksView(id=view.id, seconds=wave.seconds, complete=view.complete, peaks=wave.peaks)


async def _find(visit: Visit) -> tuple[Recording, Path]:
    """The recording and its file. Problem 404: it does not exist, or not for whoever asks."""
    name = visit.part("id")
    found = await visit.server.in_thread(lambda: visit.context.records.recording(name))
    if found is None:
        raise not_found("recording", name)
    view, relative = found
    if visit.who.limited:
        try:
            await record_for(visit, view.call)
        except Problem:
            raise not_found("recording", name) from None
    root = visit.context.recordings
    try:
        return view, await visit.server.in_thread(lambda: find(locate(root, relative)))
    except ValueError:
        raise not_found("recording", name) from None


ROUTES = (
    Route("GET", "/recordings/{id}", OWN, show, "A recording", Recording, errors=(404,)),
    Route(
        "GET",
        "/recordings/{id}/audio",
        OWN,
        play,
        "The audio of a recording, whole or in ranges: WAV, correct also while it grows, or Opus (audio/ogg) later",
        bytes,
        errors=(404, 416),
        media="audio/wav",
    ),
    Route(
        "GET",
        "/recordings/{id}/peaks",
        OWN,
        draw,
        "The waveform of a recording",
        PeaksView,
        query=PeaksQuery,
        errors=(404,),
    ),
)
