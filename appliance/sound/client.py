"""Keeps a sound process alive from the box's event loop: started when there is a card, again after a crash.

The process holds nothing that must outlive it: it ends with the box (end of its standard input) and a new one is told
everything anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from appliance.errors import UNREADABLE
from appliance.exchange.sound import CardLink
from appliance.sound.devices import OFF
from appliance.sound.protocol import Alive, Devices, Engine, Failed, FromProcess, Ready, line, read_process

log = logging.getLogger("hako.sound")

START_SECONDS = 15.0
ALIVE_SECONDS = 5.0
"""A process that says nothing for so long hangs."""
LOOK_SECONDS = 1.0
"""How often it is looked, without a process, whether a card came or went."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Between two tries to start a process that ends at once."""
LIVED_SECONDS = 10.0
"""A process that ran so long begins the pauses anew."""
MODULE = (sys.executable, "-m", "appliance.sound.process")


class Trouble(NamedTuple):
    """Why nothing is bridged."""

    why: str
    """As `Failed.why`; also crashed, hangs, no-port."""
    detail: str = ""


def hindrance() -> Trouble | None:
    """What stands in the way of starting a process at all, as far as that can be told without one."""
    if importlib.util.find_spec("pyaudio") is None:
        return Trouble("no-pyaudio")
    return None if any(cards()) else Trouble("no-card")


def cards() -> tuple[str, str]:
    """The kernel's sound cards, and which sound server listens: both empty where there can be no sound. Another value
    than before means that something was plugged in or out."""
    try:
        kernel = Path("/proc/asound/cards").read_text()
    except OSError:
        kernel = ""
    server = os.environ.get("PULSE_SERVER", "")
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    path = server.removeprefix("unix:") or f"{runtime}/pulse/native"
    with contextlib.suppress(OSError):
        server = f"{path} {os.stat(path).st_ino}"
    return kernel if "[" in kernel else "", server


class SoundProcess:
    """One direction of the card. Everything in the loop's thread."""

    def __init__(
        self,
        direction: str,
        linked: Callable[[CardLink | None], int],
        changed: Callable[[], None],
    ) -> None:
        """`linked` is told when a process is ready (it gives the engine's port, 0: none is free) and when it is gone;
        `changed` when `trouble` or `device` are other ones."""
        self.direction = direction
        self.wanted = OFF
        self.trouble: Trouble | None = None
        """Why nothing is bridged although it is wanted."""
        self.device = ""
        """Name of the device in use."""
        self.seen = False
        """It worked once since `want`."""
        self.pid = 0
        self.starts = 0
        self.delay = 0.0
        self._linked, self._changed = linked, changed
        self._task: asyncio.Task[None] | None = None

    async def want(self, wanted: str) -> None:
        """Which device shall be used from now on: "off", "auto" or a part of its name."""
        if wanted == self.wanted:
            return
        await self.close()
        self.wanted, self.seen = wanted, False
        if wanted != OFF:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    def restart(self) -> None:
        """Ends the process that runs; another one follows."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Ends the process."""
        self.wanted = OFF
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._tell(None)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            trouble, there = hindrance(), cards()
            if trouble is not None:
                self._tell(trouble)
                await asyncio.sleep(LOOK_SECONDS)
                continue
            began = time.monotonic()
            trouble = await self._live()
            if trouble != self.trouble:  # not again at every try
                log.warning("the sound process (%s) ended: %s %s", self.direction, *trouble)
            self._tell(trouble)
            pause = FIRST_PAUSE if time.monotonic() - began > LIVED_SECONDS else min(pause * 2, LONGEST_PAUSE)
            for _ in range(max(1, round(pause / LOOK_SECONDS))):
                await asyncio.sleep(min(LOOK_SECONDS, pause))
                if cards() != there:
                    break

    def _tell(self, trouble: Trouble | None, device: str = "") -> None:
        if (trouble, device) != (self.trouble, self.device):
            self.trouble, self.device = trouble, device
            self._changed()

    async def _live(self) -> Trouble:
        """Runs one process until its end; why it ended."""
        try:
            process = await _start(self.direction, "--device", self.wanted)
        except OSError as error:
            return Trouble("crashed", str(error))
        self.pid = process.pid
        self.starts += 1
        linked = False
        try:
            assert process.stdin is not None
            while True:
                try:
                    told = await asyncio.wait_for(_next(process), ALIVE_SECONDS if linked else START_SECONDS)
                except TimeoutError:
                    return Trouble("hangs")
                if told is None:
                    return Trouble("crashed", f"status {process.returncode}")
                if isinstance(told, Failed):
                    return Trouble(told.why, told.detail)
                if isinstance(told, Alive):
                    self.delay = told.delay
                elif isinstance(told, Ready) and not linked:
                    port = self._linked(CardLink(told.port, told.clock))
                    linked = True
                    if not port:
                        return Trouble("no-port")
                    process.stdin.write(line(Engine(port=port)))
                    self.seen = True
                    self._tell(None, told.device)
        finally:
            self.pid, self.delay = 0, 0.0
            if linked:
                self._linked(None)
            await _end(process)


async def list_devices() -> Devices:
    """What devices this machine has, asked of a process of its own. Never raises."""
    trouble = hindrance()
    if trouble is not None:
        return Devices(why=trouble.why)
    try:
        process = await _start("list")
    except OSError:
        return Devices(why="crashed")
    try:
        told = await asyncio.wait_for(_next(process), START_SECONDS)
    except TimeoutError:
        return Devices(why="hangs")
    finally:
        await _end(process)
    return told if isinstance(told, Devices) else Devices(why="crashed")


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    return await asyncio.create_subprocess_exec(
        *MODULE,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # PortAudio's libraries tell there what they all tried; what matters comes as `Failed`.
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        # Ctrl-C on the box's terminal is for the box.
        start_new_session=True,
    )


async def _next(process: asyncio.subprocess.Process) -> FromProcess | None:
    """The next thing it says; None: it says no more. What is not understood is passed over."""
    assert process.stdout is not None
    while True:
        try:
            text = await process.stdout.readline()
        except ValueError:  # a line longer than any message of ours
            return None
        if not text:
            return None
        with contextlib.suppress(*UNREADABLE):
            return read_process(text)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asks the process to end by closing its input; kills it when it does not."""
    try:
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1.0)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
