"""The wall clock: is it plausible, does it agree with what was written before, did it step?

A Raspberry Pi has no battery-backed clock: until the network gives the time it starts where it was switched off.
"""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.box.health.finding import Finding
from appliance.clock import Instant

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""Hako did not exist before."""
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_SLACK = 60.0
_REMEDY = {
    "ja": "ネットワークの時刻サーバー（NTP）に届くか確認してください。営業時間と記録の時刻に影響します。",
    "en": "Check that a time server (NTP) can be reached; business hours and the times of records depend on it.",
}


def check(wall: float, newest: float = 0.0) -> Finding:
    """`wall` is the clock now, `newest` the latest time in the ledger (0: nothing was written yet)."""
    shown = _shown(wall)
    if not EARLIEST <= wall <= LATEST:
        text = {"ja": f"時計が {shown} を指しています。", "en": f"The clock says {shown}, which cannot be."}
        return Finding(id="clock", severity="fault", text=text, remedy=_REMEDY)
    if wall < newest - _SLACK:
        text = {
            "ja": f"時計が {shown} を指していますが、最後の記録は {_shown(newest)} です。",
            "en": f"The clock says {shown}, but the last record was written at {_shown(newest)}.",
        }
        return Finding(id="clock", severity="fault", text=text, remedy=_REMEDY)
    return Finding(id="clock", severity="ok", text={"ja": f"時計は {shown} です。", "en": f"The clock says {shown}."})


def _shown(wall: float) -> str:
    try:
        return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{wall:.0f}"


class StepWatch:
    """Notices when the wall clock moves against the monotonic one. Pure: fed with readings."""

    def __init__(self, threshold: float = 2.0) -> None:
        """Moves under `threshold` seconds between two readings are the usual steering by NTP."""
        self._threshold = threshold
        self._last: Instant | None = None

    def feed(self, now: Instant) -> float:
        """Seconds the wall clock jumped since the last reading (forwards positive), 0.0 when it did not."""
        last, self._last = self._last, now
        if last is None:
            return 0.0
        jump = (now.wall - last.wall) - (now.mono - last.mono)
        return jump if abs(jump) >= self._threshold else 0.0
