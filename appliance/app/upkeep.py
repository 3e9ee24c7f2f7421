"""What the box does about itself all the time: the heartbeat, the clock, the health of the machine."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from appliance.box.addresses import Address, lan_addresses
from appliance.box.health.survey import survey

if TYPE_CHECKING:
    from appliance.app.box import Box

log = logging.getLogger("hako.upkeep")

HEARTBEAT_SECONDS = 5
ADDRESSES_SECONDS = 3
"""How often our addresses are read. After a power cut the router may be there later than the box."""


class Upkeep:
    """Background work of one box."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._found: set[str] = set()
        self._addresses: list[Address] | None = None

    async def every_second(self) -> None:
        """Heartbeat, clock, and events that nobody was in a hurry to read; until cancelled."""
        box, beat = self.box, 0
        while True:
            box.core.watch_clock()
            box.deliver()
            if beat % HEARTBEAT_SECONDS == 0:
                box.state.alive(box.core.now().wall)
                if box.core.tcp is not None:
                    box.core.tcp.sweep()
            if beat % ADDRESSES_SECONDS == 0:
                await self.follow_addresses()
            beat += 1
            await asyncio.sleep(1.0)

    async def follow_addresses(self) -> None:
        """Calls show the address that routes to their party: another one here means to find every path anew."""
        found = await asyncio.to_thread(lan_addresses)
        if found == self._addresses:
            return
        self._addresses = found
        core = self.box.core
        if core.udp is not None:
            core.udp.forget_routes()
        core.do(lambda exchange, now: exchange.addresses_changed(now))
        self.box.https.look_soon()

    async def every_minute(self) -> None:
        """The machine's health becomes faults, and faults that are mended go; until cancelled."""
        while True:
            await self._look()
            self.box.pace.look()
            self.box.https.look_soon()
            await asyncio.sleep(60.0)

    async def _look(self) -> None:
        box = self.box
        site = box.exchange.context.site.site
        try:
            found = await asyncio.to_thread(survey, box.folder.path, box.core.now().wall, site)
        except OSError as error:
            log.warning("the machine's health cannot be read: %s", error)
            return
        wrong = {one.id: one for one in found if one.severity == "fault"}
        for fault in self._found - wrong.keys():
            box.faults.clear(fault)
        for fault, finding in wrong.items():
            box.faults.raise_(fault, finding.text, finding.remedy)
        self._found = set(wrong)
