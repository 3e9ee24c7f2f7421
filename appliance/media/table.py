"""The desired table: what audio shall exist, and what changed since the media process was last told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from appliance.exchange.audio import ABILITIES, AnyRow
from appliance.media.protocol import Frame, encode

KEPT_PORTS = 4
"""Ports kept for emergency calls, two for each; fewer where the range is small."""


class DesiredTable:
    """Implements `exchange.audio.Media`. No I/O: whoever owns the socket takes `frame()` after each drain."""

    def __init__(self, ports: range) -> None:
        """`ports` is the RTP range; its even numbers whose odd neighbour is inside too are given to legs."""
        self._rows: dict[int, AnyRow] = {}
        self._put: dict[int, AnyRow] = {}
        self._dropped: dict[int, None] = {}
        self._ports = ports
        self._free = deque(port for port in ports if port % 2 == 0 and port + 1 in ports)
        self._used: set[int] = set()
        self._kept = min(KEPT_PORTS, len(self._free) // 10)
        self.rev = 0
        """Number of the last frame taken."""
        self.abilities = ABILITIES
        """What the engine can do beside what each can; the client learns it from the media process."""

    # --- Media ----------------------------------------------------------------------------------------------------
    def put(self, row: AnyRow) -> None:
        """States that this row shall exist, as it is. The same row again costs nothing."""
        if self._rows.get(row.id) != row:
            self._rows[row.id] = row
            self._put[row.id] = row

    def drop(self, row_id: int) -> None:
        """States that this row shall not exist; unknown ids are ignored."""
        if self._rows.pop(row_id, None) is not None:
            self._put.pop(row_id, None)
            self._dropped[row_id] = None

    def allocate_port(self, *, reserved: bool = False) -> int | None:
        """The even port that has been free for longest; None: all in use but those kept for emergency calls.

        `reserved`: those too.
        """
        if len(self._free) <= (0 if reserved else self._kept):
            return None
        port = self._free.popleft()
        self._used.add(port)
        return port

    def claim_port(self, port: int) -> None:
        """Takes this very port, which a leg of the run before uses; also one outside the range of now."""
        if port in self._free:
            self._free.remove(port)
        self._used.add(port)

    def release_port(self, port: int) -> None:
        """Gives the port back, to the end of the line; what was not allocated is ignored."""
        if port in self._used:
            self._used.discard(port)
            if port in self._ports:
                self._free.append(port)

    # --- what the client takes ------------------------------------------------------------------------------------
    @property
    def changed(self) -> bool:
        """Whether `frame` has something to tell."""
        return bool(self._put or self._dropped)

    def frame(self) -> bytes | None:
        """The changes since the last `frame()` or `full()` as one message; None when there are none."""
        if not self._put and not self._dropped:
            return None
        self.rev += 1
        message = Frame(rev=self.rev, put=tuple(self._put.values()), drop=tuple(self._dropped))
        self._put.clear()
        self._dropped.clear()
        return encode(message)

    def full(self) -> bytes:
        """The whole table as one message, for a media process that is new or was lost from sight."""
        self._put.clear()
        self._dropped.clear()
        self.rev += 1
        return encode(Frame(rev=self.rev, full=True, put=tuple(self._rows.values())))

    # --- for checks -----------------------------------------------------------------------------------------------
    def rows(self) -> Iterator[AnyRow]:
        """All rows as they shall be."""
        return iter(self._rows.values())

    def row(self, row_id: int) -> AnyRow | None:
        """The row with this id."""
        return self._rows.get(row_id)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ports_used(self) -> int:
        """How many ports are allocated now."""
        return len(self._used)
