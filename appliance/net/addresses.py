"""Which of our addresses routes to a peer: asked of the kernel, remembered for a while."""

from __future__ import annotations

import socket
from collections.abc import Callable

KEEP_SECONDS = 30.0
KEEP_ENTRIES = 4096


class LocalAddresses:
    """Finds the local address that the kernel would send from to reach a host. Sends nothing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}

    def towards(self, host: str) -> str:
        """Our address towards a literal IP address; the loopback address when there is no route."""
        now = self._clock()
        known = self._known.get(host)
        if known is not None and known[1] > now:
            return known[0]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((host, 9))
                address: str = probe.getsockname()[0]
        except OSError:
            address = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        if len(self._known) >= KEEP_ENTRIES:
            self._known.clear()
        self._known[host] = (address, now + KEEP_SECONDS)
        return address

    def forget(self) -> None:
        """They changed: the kernel is asked anew."""
        self._known.clear()
