"""All checks in the order the doctor prints them."""

from __future__ import annotations

from pathlib import Path

from appliance.box.health import clock, disk, memory, power, temperature, tools, zone
from appliance.box.health.finding import Finding
from appliance.media.speech import Off
from appliance.site.model import SiteInfo


def survey(data: Path, wall: float, site: SiteInfo | None = None, newest: float = 0.0) -> list[Finding]:
    """Every check of the machine. Reads a few small files: some milliseconds, call it in a thread.

    `data` is the data folder, `wall` the clock, `newest` the latest time in the ledger (0: not known).
    """
    found = [disk.check(data), clock.check(wall, newest)]
    if site is not None:
        found.append(zone.check(site.timezone, site.country))
    found += [
        finding
        for finding in (memory.check(), temperature.check(), power.check(), tools.check())
        if finding is not None
    ]
    return found


def missing(off: Off) -> Finding:
    """Something that is off for want of a package, as a finding."""
    return Finding(id=off.id, severity="warning", text=dict(off.text), remedy=dict(off.remedy))
