"""Slows down whoever guesses passwords, without ever shutting out the machine's own keyboard."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

FREE_TRIES = 3
"""Wrong passwords for one name from one address before the first wait."""
FREE_TRIES_OF_ADDRESS = 12
"""The same over all names."""
LONGEST_WAIT = 300.0
LONGEST_LOCAL_WAIT = 2.0
FORGET_SECONDS = 1800.0
MAX_ROWS = 4096


class _Row:
    __slots__ = ("failures", "last", "until")

    def __init__(self) -> None:
        self.failures = 0
        self.last = self.until = 0.0


class Throttle:
    """Counts wrong tries by (address, name) and by address; the wait doubles with each. Times are monotonic seconds."""

    def __init__(self, limit: int = MAX_ROWS) -> None:
        self._rows: OrderedDict[tuple[str, str], _Row] = OrderedDict()
        self._limit = limit
        self.refused = 0
        """Tries that were told to wait."""

    def __len__(self) -> int:
        return len(self._rows)

    def attempt(self, address: str, name: str, mono: float) -> float:
        """0: try now, and it counts as wrong until `succeeded` says otherwise (so tries side by side gain nothing);
        else the seconds to wait. A try that is told to wait does not count."""
        source, local = _source(address)
        keys = ((source, name.casefold()), (source, ""))
        wait = max((row.until - mono for key in keys if (row := self._rows.get(key))), default=0.0)
        if wait > 0:
            self.refused += 1
            return wait
        longest = LONGEST_LOCAL_WAIT if local else LONGEST_WAIT
        for key, free in zip(keys, (FREE_TRIES, FREE_TRIES_OF_ADDRESS), strict=True):
            row = self._row(key, mono)
            row.failures += 1
            row.last = mono
            beyond = row.failures - free
            row.until = mono + min(longest, 2.0 ** min(beyond, 12)) if beyond >= 0 else 0.0
        return 0.0

    def succeeded(self, address: str, name: str) -> None:
        """The last attempt was right: the name starts afresh, the address gets its try back."""
        source, _ = _source(address)
        self._rows.pop((source, name.casefold()), None)
        row = self._rows.get((source, ""))
        if row is not None:
            row.failures -= 1
            row.until = 0.0
            if row.failures <= 0:
                del self._rows[(source, "")]

    def _row(self, key: tuple[str, str], mono: float) -> _Row:
        row = self._rows.get(key)
        if row is not None and mono - row.last > FORGET_SECONDS:
            row.failures = 0
        if row is None:
            while len(self._rows) >= self._limit:
                self._rows.popitem(last=False)
            row = self._rows[key] = _Row()
        self._rows.move_to_end(key)
        return row


def _source(address: str) -> tuple[str, bool]:
    """Who one address stands for (an IPv6 neighbourhood is one), and whether it is this machine."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address, False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif not ip.is_loopback:
            return str(ipaddress.ip_network((ip, 64), strict=False)), False
    return str(ip), ip.is_loopback
