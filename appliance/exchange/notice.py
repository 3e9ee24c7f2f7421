"""The tone by which the parties of a conversation learn that it is recorded from now on, where the site wants one.

Both hear it on top of each other for as long as it lasts. A recording has what parties say, not what they hear, so it
is not in the file.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

from appliance.exchange.audio import Link, Player

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context

SECONDS: Final = 0.5
"""One period of the tone, its pause included."""
GAIN: Final = 0.7
"""It is heard beside speech, and must not startle."""


class RecordingNotice:
    """That of one call."""

    def __init__(self, context: Context, call: Call) -> None:
        self.context = context
        self._call: Call = weakref.proxy(call)
        self.row = 0
        """Of the player that says it; 0: nothing is said now."""
        self._sounds = 0
        """How many were begun."""

    def sound(self) -> None:
        """Says it now."""
        context = self.context
        files = context.tone("beep") if context.site.site.record_beep else ()
        if not files:
            return
        self._sounds += 1
        self.row = self.row or context.next_row()
        context.media.put(Player(id=self.row, files=files, generation=self._sounds))
        self._call.remix()
        number = self._sounds
        context.after(SECONDS, None, lambda: self.end() if number == self._sounds else None)

    def links(self) -> tuple[Link, ...]:
        """Who hears it."""
        if not self.row:
            return ()
        return tuple(Link(leg.port_row, self.row, GAIN) for leg in self._call.bridge if leg.port_row and not leg.held)

    def end(self) -> None:
        """It is over, or the call is."""
        row, self.row = self.row, 0
        if not row:
            return
        self.context.media.drop(row)
        if not self._call.ended:
            self._call.remix()
