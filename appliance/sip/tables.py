"""The transaction machines as data: (state, input) -> (next state, actions).

Sources: RFC 3261 17.1.1.2 (figure 5), 17.1.2.2 (6), 17.2.1 (7), 17.2.2 (8), as replaced by RFC 6026 7 and 8 (Accepted,
timers L and M). Inputs are response classes ("1xx", "2xx", "3xx+", "final"), requests, "timer X" and "transport error".
Actions are methods of the transaction, run in order after the state has changed. A pair that is not here is an
`UndefinedTransition`.
"new" and "resolving" are ours: a request whose next hop has to be looked up first waits in "resolving" (RFC 3263).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Table = dict[tuple[str, str], tuple[str, tuple[str, ...]]]

_GONE = "terminated"
_FAIL = ("tell_transport_error", "terminate")
_TIMEOUT = ("tell_timeout", "terminate")

INVITE_CLIENT: Table = {
    ("new", "resolve"): ("resolving", ("start_b",)),
    ("new", "send"): ("calling", ("send", "start_a", "start_b")),
    ("resolving", "send"): ("calling", ("send", "start_a")),
    ("resolving", "timer B"): (_GONE, _TIMEOUT),
    ("resolving", "abandon"): (_GONE, ("terminate",)),
    ("resolving", "transport error"): (_GONE, _FAIL),
    ("calling", "1xx"): ("proceeding", ("stop_timers", "limit_orphan", "pass_response")),
    ("calling", "2xx"): ("accepted", ("stop_timers", "start_m", "pass_final")),
    ("calling", "3xx+"): ("completed", ("stop_timers", "send_ack", "start_d", "pass_final")),
    ("calling", "timer A"): ("calling", ("send", "restart_a")),
    ("calling", "timer B"): (_GONE, _TIMEOUT),
    ("calling", "transport error"): (_GONE, _FAIL),
    ("calling", "abandon"): (_GONE, ("terminate",)),
    ("proceeding", "1xx"): ("proceeding", ("pass_response",)),
    ("proceeding", "2xx"): ("accepted", ("stop_timers", "start_m", "pass_final")),
    ("proceeding", "3xx+"): ("completed", ("stop_timers", "send_ack", "start_d", "pass_final")),
    ("proceeding", "transport error"): (_GONE, _FAIL),
    ("proceeding", "abandon"): (_GONE, ("terminate",)),
    ("completed", "1xx"): ("completed", ()),
    ("completed", "2xx"): ("completed", ()),
    ("completed", "3xx+"): ("completed", ("repeat_ack",)),
    ("completed", "timer D"): (_GONE, ("terminate",)),
    ("completed", "transport error"): (_GONE, ("terminate",)),
    ("accepted", "1xx"): ("accepted", ()),
    ("accepted", "2xx"): ("accepted", ("pass_response",)),
    ("accepted", "3xx+"): ("accepted", ()),
    ("accepted", "timer M"): (_GONE, ("terminate",)),
    ("accepted", "transport error"): ("accepted", ()),
}

NON_INVITE_CLIENT: Table = {
    ("new", "resolve"): ("resolving", ("start_f",)),
    ("new", "send"): ("trying", ("send", "start_e", "start_f")),
    ("resolving", "send"): ("trying", ("send", "start_e")),
    ("resolving", "timer F"): (_GONE, _TIMEOUT),
    ("resolving", "transport error"): (_GONE, _FAIL),
    ("trying", "1xx"): ("proceeding", ("pass_response",)),
    ("trying", "final"): ("completed", ("stop_timers", "start_k", "pass_final")),
    ("trying", "timer E"): ("trying", ("send", "restart_e")),
    ("trying", "timer F"): (_GONE, _TIMEOUT),
    ("trying", "transport error"): (_GONE, _FAIL),
    ("proceeding", "1xx"): ("proceeding", ("pass_response",)),
    ("proceeding", "final"): ("completed", ("stop_timers", "start_k", "pass_final")),
    ("proceeding", "timer E"): ("proceeding", ("send", "restart_e_slow")),
    ("proceeding", "timer F"): (_GONE, _TIMEOUT),
    ("proceeding", "transport error"): (_GONE, _FAIL),
    ("completed", "1xx"): ("completed", ()),
    ("completed", "final"): ("completed", ()),
    ("completed", "timer K"): (_GONE, ("terminate",)),
    ("completed", "transport error"): (_GONE, ("terminate",)),
}

INVITE_SERVER: Table = {
    ("proceeding", "request"): ("proceeding", ("send",)),
    ("proceeding", "send 1xx"): ("proceeding", ("keep", "send")),
    ("proceeding", "send 2xx"): ("accepted", ("keep", "send", "start_l")),
    ("proceeding", "send 3xx+"): ("completed", ("keep", "send", "start_g", "start_h")),
    ("proceeding", "transport error"): (_GONE, _FAIL),
    ("proceeding", "ACK"): ("proceeding", ()),
    ("completed", "request"): ("completed", ("send",)),
    ("completed", "timer G"): ("completed", ("send", "restart_g")),
    ("completed", "timer H"): (_GONE, _TIMEOUT),
    ("completed", "ACK"): ("confirmed", ("stop_timers", "start_i")),
    ("completed", "transport error"): (_GONE, ("terminate",)),
    ("confirmed", "request"): ("confirmed", ()),
    ("confirmed", "ACK"): ("confirmed", ()),
    ("confirmed", "timer I"): (_GONE, ("terminate",)),
    ("confirmed", "transport error"): (_GONE, ("terminate",)),
    ("accepted", "request"): ("accepted", ()),
    ("accepted", "send 2xx"): ("accepted", ("keep", "send")),
    ("accepted", "ACK"): ("accepted", ("pass_ack",)),
    ("accepted", "timer L"): (_GONE, ("terminate",)),
    ("accepted", "transport error"): ("accepted", ()),
}

NON_INVITE_SERVER: Table = {
    ("trying", "request"): ("trying", ()),
    ("trying", "send 1xx"): ("proceeding", ("keep", "send")),
    ("trying", "send final"): ("completed", ("stop_timers", "keep", "send", "start_j")),
    ("trying", "transport error"): (_GONE, _FAIL),
    ("trying", "unanswered"): (_GONE, ("terminate",)),
    ("proceeding", "unanswered"): (_GONE, ("terminate",)),
    ("proceeding", "request"): ("proceeding", ("send",)),
    ("proceeding", "send 1xx"): ("proceeding", ("keep", "send")),
    ("proceeding", "send final"): ("completed", ("stop_timers", "keep", "send", "start_j")),
    ("proceeding", "transport error"): (_GONE, _FAIL),
    ("completed", "request"): ("completed", ("send",)),
    ("completed", "send final"): ("completed", ()),
    ("completed", "timer J"): (_GONE, ("terminate",)),
    ("completed", "transport error"): (_GONE, ("terminate",)),
}

Rows = dict[tuple[str, str], tuple[str, tuple[Callable[..., None], ...]]]


def bind(table: Table, owner: Any) -> Rows:
    """The table with the owner's methods in place of their names (`_name`), looked up once and not for each message."""
    return {key: (state, tuple(getattr(owner, f"_{name}") for name in names)) for key, (state, names) in table.items()}
