"""The loudspeaker and the line-in: how they stand, what is heard, which devices there are."""

from __future__ import annotations

from typing import Annotated

import msgspec

from appliance.web.context import SoundChange, SoundDesk, SoundDevicesView, SoundStateView
from appliance.web.problem import Problem
from appliance.web.route import STAFF, Route, Visit


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call whose parties shall be heard on the loudspeaker."""

    call: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


def _desk(visit: Visit) -> SoundDesk:
    desk = visit.context.sound
    if desk is None:
        raise Problem(501, "not_built", "This box has no sound.")
    return desk


async def show(visit: Visit) -> SoundStateView:
    return _desk(visit).view()


async def show_devices(visit: Visit) -> SoundDevicesView:
    return await _desk(visit).devices()


async def change(visit: Visit) -> SoundStateView:
    wanted: SoundChange = visit.body
    desk = _desk(visit)
    if visit.who.role != "admin" and any(
        value is not None for name, value in msgspec.structs.asdict(wanted).items() if name != "volume"
    ):
        raise Problem(403, "forbidden", "A supervisor may change the volume; the rest is the administrator's.")
    await desk.change(wanted, visit.who.by)
    return desk.view()


async def test(visit: Visit) -> None:
    await visit.context.command(lambda exchange, now: exchange.sound_test(now))


async def listen(visit: Visit) -> SoundStateView:
    wanted: Listen = visit.body
    by = visit.who.by
    await visit.context.command(lambda exchange, now: exchange.listen(wanted.call, by, now))
    return _desk(visit).view()


async def stop_listening(visit: Visit) -> None:
    by = visit.who.by
    await visit.context.command(lambda exchange, now: exchange.stop_listening(by, now))


ROUTES = (
    Route("GET", "/sound", STAFF, show, "Loudspeaker and line-in", SoundStateView, errors=(501,)),
    Route(
        "PUT",
        "/sound",
        STAFF,
        change,
        "Choose devices, volume, music",
        SoundStateView,
        body=SoundChange,
        errors=(409, 501),
    ),
    Route("GET", "/sound/devices", STAFF, show_devices, "The devices of this machine", SoundDevicesView, errors=(501,)),
    Route("POST", "/sound/test", STAFF, test, "Play a test tone on the loudspeaker", errors=(409,)),
    Route(
        "PUT",
        "/sound/listening",
        STAFF,
        listen,
        "Hear a call on the loudspeaker",
        SoundStateView,
        body=Listen,
        errors=(404, 409),
    ),
    Route("DELETE", "/sound/listening", STAFF, stop_listening, "Hear no call any more"),
)
