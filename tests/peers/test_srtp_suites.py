"""Each suite in a whole call: keys by SDP, the audio of a caller made by another implementation, other keys in the
middle, and what was not made with them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import time
from pathlib import Path

import pytest

from appliance.exchange.audio import SrtpKeys
from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset, received
from tests.peers.kit.phone import Phone
from tests.peers.kit.processes import until
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import secret
from tests.peers.kit.sound import ONE, TWO
from tests.unit.media import rtcp
from tests.unit.media.rtp import header, parse
from tests.unit.media.srtp import SUITES, Srtp, keys

pytestmark = pytest.mark.peer


class SecureHandset(Handset):
    """Sends and understands SRTP; the box's key comes with its SDP."""

    def __init__(self, hertz: int, suite: str) -> None:
        super().__init__(hertz)
        self.suite = suite
        self.ours = Srtp(keys(suite, 1))
        self.recorded: list[bytes] = []
        self.outwards = self._protected
        self.theirs: Srtp | None = None

    def _protected(self, packet: bytes) -> bytes:
        self.recorded.append(self.ours.protect(packet))
        return self.recorded[-1]

    def take_key(self, sipp: Sipp) -> None:
        """From the newest SDP that SIPp was given."""
        inline = re.findall(rf"^a=crypto:1 {self.suite} inline:(\S+)", received(sipp), re.MULTILINE)
        self.theirs = Srtp(SrtpKeys(self.suite, base64.b64decode(inline[-1])))

    def read(self) -> None:
        while True:
            try:
                data, _ = self.socket.recvfrom(2048)
            except (BlockingIOError, ConnectionRefusedError):
                return
            for counter in (0, 1):
                with contextlib.suppress(ValueError):
                    assert self.theirs is not None
                    self.received.append(parse(self.theirs.unprotect(data, counter), time.monotonic()))
                    break

    def send_again(self) -> int:
        """Packets that somebody recorded come once more; how many."""
        assert self.to is not None
        for packet in self.recorded[-6:]:
            self.socket.sendto(packet, self.to)
        return 6

    def send_rubbish(self) -> int:
        """What has another key, was cut short, or is RTCP with another key; how many."""
        assert self.to is not None
        wrong = Srtp(keys(self.suite, 9))
        plain = [header(0, self.sequence + 50 + number, 9, self.ssrc) + bytes(160) for number in range(4)]
        for packet in plain:
            self.socket.sendto(wrong.protect(packet), self.to)
            self.socket.sendto(self.ours.protect(packet)[:100], self.to)
            self.socket.sendto(packet, self.to)
        self.control.sendto(wrong.protect_report(rtcp.receiver_report(self.ssrc)), (self.to[0], self.to[1] + 1))
        return 3 * len(plain) + 1


@pytest.mark.parametrize("suite", SUITES)
async def test_a_suite_carries_a_call_and_takes_other_keys(box: Box, tmp_path: Path, suite: str) -> None:
    key, second = (base64.b64encode(keys(suite, number).key).decode() for number in (1, 2))
    async with (
        box.events() as feed,
        Phone(tmp_path, box.sip, "201", TWO, password=secret("201"), auto_answer=True) as called,
        SecureHandset(ONE, suite) as caller,
        Sipp(
            tmp_path,
            "caller-secure",
            box.sip,
            "0312345601",
            rtp=caller.port,
            suite=suite,
            key=key,
            key2=second,
            pause=4,
        ) as sipp,
    ):
        await until(lambda: "a=crypto:1" in received(sipp), 5, "keys of the box")
        caller.take_key(sipp)
        await caller.speak_to(sipp)
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        (call,) = await box.items("calls")
        assert [leg["srtp"] for leg in call["legs"]] == [suite, ""]
        rubbish, again = caller.send_rubbish(), caller.send_again()
        await until(lambda: "CSeq: 2 INVITE" in received(sipp), 8, "the answer to other keys")
        caller.take_key(sipp)
        caller.ours = Srtp(keys(suite, 2))
        await asyncio.sleep(0.7)  # what was heard before is out of the ears' window
        await asyncio.gather(caller.hears(TWO), called.hears(ONE))
        await called.hang_up()
        await sipp.done()
        told = await feed.until("leg-audio", call=call["id"], srtp=suite)
        assert rubbish <= told["unauthentic"] <= rubbish + 3, suite
        assert told["repeated"] == again
