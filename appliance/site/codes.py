"""The dial codes: what each is called, what follows it, and whether this version acts on it."""

from __future__ import annotations

from typing import Final, NamedTuple

from appliance.site.model import Codes

PARK_SLOTS: Final = tuple(f"70{slot}" for slot in range(1, 10))
"""Numbers that fetch a parked call; no other number may be or begin with one of them."""


class Code(NamedTuple):
    """One dial code of the contract."""

    name: str
    """Field of `Codes` and key of `[codes]`."""
    takes: str
    """What follows the code: "" nothing, "digit?" a digit if anything, "extension?", "extension", "number"."""
    built: bool
    """False: the code is accepted and answered with the "not built" announcement."""


CODES: Final = (
    Code("agent", "", True),
    Code("agent_break", "digit?", True),
    Code("available", "", True),
    Code("wrap_up_done", "", True),
    Code("monitor", "extension", False),
    Code("whisper", "extension", False),
    Code("barge", "extension", False),
    Code("pickup_group", "", False),
    Code("pickup", "extension", False),
    Code("park", "", False),
    Code("forward_on", "number", False),
    Code("forward_off", "", False),
    Code("dnd_on", "", False),
    Code("dnd_off", "", False),
    Code("voicemail", "", False),
    Code("page", "", True),
    Code("listen", "extension?", True),
    Code("echo", "", True),
    Code("music", "", True),
    Code("address", "", True),
)


def dialled(codes: Codes, code: Code) -> str:
    """What is dialled for this code at this site."""
    value: str = getattr(codes, code.name)
    return value


def may_follow(code: Code, rest: str) -> bool:
    """Whether `rest` (never empty) is what this code takes after it."""
    if code.takes == "digit?":
        return len(rest) == 1 and rest.isdigit()
    if code.takes == "number":
        return rest.lstrip("+").isdigit()
    return code.takes in ("extension", "extension?") and rest.isdigit()
