"""The audio of a party whose signalling SIPp does: sends its tone to where it hears from, keeps all it hears."""

from __future__ import annotations

import asyncio
import re
import time

from tests.peers.kit.processes import until
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.sound import heard, loudness, sounds
from tests.unit.media.rtp import RATE, Party, Samples, parse


class Handset(Party):
    """`async with Handset(...) as handset:` speaks and listens until the end of the block."""

    def __init__(self, hertz: int, *, codec: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__(hertz=hertz, payload_type=codec, host=host)
        self.talking = True
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return self.address[1]

    async def __aenter__(self) -> Handset:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
        self.close()

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            self.read()
            if self.to is not None and self.talking:
                self.send_frame()
            # A telephone's clock does not stand still while this process has to wait for the processor.
            due = max(due + 0.02, time.monotonic() - 2.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def read(self) -> None:
        """Takes in what has come; a party that knows no address yet answers to where it is spoken to from."""
        while True:
            try:
                data, source = self.socket.recvfrom(2048)
            except (BlockingIOError, ConnectionRefusedError):
                break
            self.to = self.to or source
            self.received.append(parse(data, time.monotonic()))

    async def speak_to(self, sipp: Sipp) -> None:
        """Takes the address from the last SDP that SIPp was given."""

        def found() -> tuple[str, int] | None:
            hosts = re.findall(r"^c=IN IP4 (\S+)", received(sipp), re.MULTILINE)
            ports = re.findall(r"^m=audio (\d+)", received(sipp), re.MULTILINE)
            return (hosts[-1], int(ports[-1])) if hosts and ports else None

        self.to = await until(found, 5, "an SDP from the box")

    async def press(self, digit: str) -> None:
        """A key as RFC 4733 events of 100 ms."""
        self.talking = False
        await asyncio.sleep(0.02)
        self.send_event("0123456789*#ABCD".index(digit), 101)
        self.talking = True

    def lately(self, seconds: float = 0.6) -> Samples:
        """What was heard in the last seconds; silence where nothing came."""
        since = time.monotonic() - seconds
        return self.audio(packets=[one for one in self.received if one.at >= since])[-int(seconds * RATE) :]

    async def hears(self, *tones: int, seconds: float = 5.0) -> None:
        """Waits until exactly these tones are heard; with none, something that is nobody's tone."""
        wanted = set(tones)
        await until(
            lambda: heard(self.lately()) == wanted and (bool(wanted) or sounds(self.lately())),
            seconds,
            lambda: f"{wanted} heard; hears {heard(self.lately())}, loudness {loudness(self.lately()):.0f}",
        )


def received(sipp: Sipp) -> str:
    """The messages SIPp was sent, one after the other."""
    parts = re.split(r"^-{20,}.*$", sipp.trace(), flags=re.MULTILINE)
    return "\n".join(part for part in parts if "message received" in part).replace("\r", "")
