"""How calls end: reasons, their Q.850 causes and SIP statuses, and what an unsuccessful caller hears.

Q.850 values: ITU-T Q.850 (05/98) table 1. Status to cause follows RFC 3398 section 7.2.6.1, cause to status 8.2.6.1.
"""

from __future__ import annotations

import msgspec


class Ending(msgspec.Struct, frozen=True, gc=False):
    """One way for a call to end."""

    reason: str
    """The stable word of ledger and records."""
    cause: int
    status: int
    """SIP status that an unanswered caller is given."""
    tone: str = ""
    """Tone for a caller of the house: busy or congestion."""
    prompt: str = ""
    """Fixed prompt spoken instead of a tone."""
    warning: str = ""
    """For whoever set up the other side: goes with the SIP status (Warning, RFC 3261 section 20.43)."""


ANSWERED = Ending("answered", 16, 200)
ANNOUNCED = Ending("announcement", 16, 480)
"""The caller heard what the box had to say and spoke to nobody."""
CANCELLED = Ending("cancelled", 16, 487)
BUSY = Ending("busy", 17, 486, tone="busy")
NO_ANSWER = Ending("no-answer", 19, 480, prompt="no-answer")
NOT_REGISTERED = Ending("not-registered", 20, 480, prompt="not-registered")
UNREACHABLE = Ending("unreachable", 27, 480, prompt="not-registered")
REJECTED = Ending("rejected", 21, 603, tone="busy")
WRONG_NUMBER = Ending("wrong-number", 1, 404, prompt="wrong-number")
NO_CHANNEL = Ending("no-channel", 34, 503, prompt="all-lines-busy")
TRUNK_DOWN = Ending("trunk-down", 38, 503, prompt="all-lines-busy")
"""No trunk that could take the call is there at all (cause 38: network out of order)."""
NOT_ALLOWED = Ending("not-allowed", 21, 403, tone="congestion")
NO_CODEC = Ending("no-codec", 88, 488, tone="congestion")
NO_ENCRYPTION = Ending("no-encryption", 88, 488, tone="congestion")
FAILED = Ending("failed", 41, 500, prompt="failed")
LOOP = Ending("loop", 25, 483, tone="congestion")
VANISHED = Ending("vanished", 27, 408)
RESTART = Ending("restart", 41, 503)
INTERNAL = Ending("internal-error", 41, 500, tone="congestion")
PREEMPTED = Ending("preempted", 9, 503)
HUNG_UP = Ending("hung-up", 16, 480)
ABANDONED = Ending("abandoned", 16, 487)
CLOSED = Ending("closed", 16, 480)

_BY_STATUS: dict[int, Ending] = {
    404: WRONG_NUMBER,
    410: WRONG_NUMBER,
    484: WRONG_NUMBER,
    604: WRONG_NUMBER,
    408: UNREACHABLE,
    430: UNREACHABLE,
    480: NO_ANSWER,
    487: NO_ANSWER,
    482: LOOP,
    483: LOOP,
    486: BUSY,
    600: BUSY,
    403: REJECTED,
    603: REJECTED,
    607: REJECTED,
    488: NO_CODEC,
    606: NO_CODEC,
    503: NO_CHANNEL,
}


def ending_of(status: int, cause: int | None = None) -> Ending:
    """What a final SIP status of the called side (with the Q.850 cause of its Reason header, if any) means."""
    # A redirection that nobody followed is a party who does not take the call here.
    ending = REJECTED if 300 <= status < 400 else _BY_STATUS.get(status, FAILED)
    if cause is not None and cause != ending.cause and 1 <= cause <= 127:
        return Ending(ending.reason, cause, ending.status, ending.tone, ending.prompt)
    return ending


def ending_headers(ending: Ending) -> tuple[tuple[str, str], ...]:
    """The Reason header (RFC 3326) that carries the cause to the other side, and the warning where there is one."""
    reason = ("Reason", f"Q.850;cause={ending.cause}")
    return (reason, warning_header(ending.warning)) if ending.warning else (reason,)


def warning_header(text: str) -> tuple[str, str]:
    """A Warning header: 302, "incompatible transport protocol", is what RFC 3261 has for another profile of RTP."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return ("Warning", f'302 hako "{quoted}"')
