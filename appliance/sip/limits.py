"""The bounds of an endpoint: what one peer, or all together, may make us hold."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, gc=False):
    """Counts beyond which new work is answered 503 with Retry-After; what exists goes on."""

    transactions: int = 50_000
    """Live transactions of all peers; one lasts about 64*T1, so this is some 500 calls a second."""
    absorbing: int = 16_000
    """Answered non-INVITE requests that are kept for their repetitions. Beyond, the oldest goes before timer J: with
    1,500 log-ins a second that is after 5 s, when a repetition is rare and is answered anew."""
    sessions: int = 2_000
    """Sessions of all peers, whatever their state."""
    early_per_source: int = 100
    """INVITEs of one source address that we have not answered finally."""
    retry_after: int = 5
    """Seconds, for Retry-After."""
    learned_addresses: int = 1_024
    """Peers for which we remember the address that they see us at."""


class SessionTimerPolicy(msgspec.Struct, frozen=True, gc=False):
    """Session timers (RFC 4028), seconds."""

    expires: int = 1_800
    minimum: int = 90
    """The Min-SE that we insist on; 90 is the least the RFC allows."""
