"""Which device a site file means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

AUTO = "auto"
OFF = "off"


class Device(NamedTuple):
    """A device of the sound system that has channels in the direction asked for."""

    number: int
    """PortAudio's."""
    name: str
    channels: int
    """Most at a time."""
    default: bool = False
    """The machine's own choice."""


def choose(devices: Sequence[Device], wanted: str) -> Device | None:
    """The device with exactly this name, else the first whose name has it as a part (case does not matter); for "auto"
    the machine's own choice, else the first. None: there is none."""
    if wanted == AUTO:
        return next((one for one in devices if one.default), devices[0] if devices else None)
    part = wanted.casefold()
    exact = next((one for one in devices if one.name.casefold() == part), None)
    return exact or next((one for one in devices if part in one.name.casefold()), None)
