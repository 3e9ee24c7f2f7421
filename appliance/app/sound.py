"""The sound card of a box: keeps its two processes, tells the exchange what is there, and people what is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from appliance.box.health.finding import Finding
from appliance.errors import CommandError
from appliance.exchange.sound import CardLink
from appliance.site.writer import document
from appliance.sound.client import SoundProcess, list_devices
from appliance.sound.devices import AUTO
from appliance.sound.words import explain
from appliance.web.context import DeviceView, SoundChange, SoundDevicesView, SoundStateView

if TYPE_CHECKING:
    from appliance.app.box import Box

ABSENT = ("no-card", "no-pyaudio")
"""On a box whose site asks for no certain card these are no fault."""


class Sound:
    """`appliance.web.context.SoundDesk` over the box's sound processes."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._processes = {way: self._process(way) for way in ("output", "input")}
        self._applying = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def _process(self, way: str) -> SoundProcess:
        def linked(link: CardLink | None) -> int:
            number: int = self._box.core.do(lambda exchange, now: exchange.sound_linked(way, link, now))
            return number

        return SoundProcess(way, linked, lambda: self._changed(way))

    # --- life --------------------------------------------------------------------------------------------------------
    async def configure(self) -> None:
        """Takes over the devices of the present site."""
        async with self._applying:
            sound = self._box.exchange.context.site.sound
            await self._processes["output"].want(sound.output)
            await self._processes["input"].want(sound.input)
        for way in self._processes:
            self._changed(way)

    def configure_soon(self) -> None:
        """The same, without waiting until a process that is in the way has ended."""
        task = asyncio.get_running_loop().create_task(self.configure())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def restart(self, way: str) -> None:
        """The process of this direction shall be linked anew."""
        self._processes[way].restart()

    async def close(self) -> None:
        """Ends both processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(process.close() for process in self._processes.values()))

    # --- what is not there -------------------------------------------------------------------------------------------
    def _expected(self, way: str) -> bool:
        """Whether it is a fault when there is no card at all."""
        process, sound = self._processes[way], self._box.exchange.context.site.sound
        chosen = process.wanted != AUTO or (way == "input" and sound.music == "line-in")
        return chosen or process.seen

    def _changed(self, way: str) -> None:
        faults, trouble = self._box.faults, self._processes[way].trouble
        if trouble is None or (trouble.why in ABSENT and not self._expected(way)):
            faults.clear(f"sound-{way}")
        else:
            faults.raise_(f"sound-{way}", *explain(way, trouble))

    def off(self) -> list[Finding]:
        """What the box runs without, where that is no fault."""
        found = []
        for way, process in self._processes.items():
            trouble = process.trouble
            if trouble is not None and trouble.why in ABSENT and not self._expected(way):
                text, remedy = explain(way, trouble)
                found.append(Finding(id=f"sound-{way}", severity="ok", text=text, remedy=remedy))
        return found

    # --- for the pages -----------------------------------------------------------------------------------------------
    def view(self) -> SoundStateView:
        """See `SoundDesk`."""
        box = self._box
        now, sound = box.exchange.sound(), box.exchange.context.site.sound
        return SoundStateView(
            output=self._device("output"),
            input=self._device("input"),
            volume=sound.volume,
            music=sound.music,
            music_now=now.music,
            paging=now.paging,
            listening=now.listening,
            listening_by=now.listening_by,
            ringing=now.ringing,
        )

    def _device(self, way: str) -> DeviceView:
        process = self._processes[way]
        wanted: str = getattr(self._box.exchange.context.site.sound, way)
        if process.trouble is None:
            return DeviceView(wanted=wanted, device=process.device)
        why, remedy = explain(way, process.trouble)
        return DeviceView(wanted=wanted, why=why, remedy=remedy)

    async def devices(self) -> SoundDevicesView:
        """See `SoundDesk`."""
        found = await list_devices()
        return SoundDevicesView(outputs=found.outputs, inputs=found.inputs)

    async def change(self, change: SoundChange, by: str) -> None:
        """See `SoundDesk`."""
        wanted = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
        for _ in range(3):
            site, version = await asyncio.to_thread(self._box.store.load)
            asked = document(site, secrets=False)
            asked["sound"] = {**asked.get("sound", {}), **wanted}
            try:
                await self._box.configuring.apply_document(asked, by, version)
            except CommandError as error:
                if error.code == "version-conflict":
                    continue
                raise
            return
        raise CommandError("version-conflict", "The configuration is being changed by somebody else; try again.")
