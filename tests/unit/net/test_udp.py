"""The UDP driver under the loop it runs in: what it reads, and that errors of the network never stop it."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from appliance.net.addresses import LocalAddresses
from appliance.net.udp import UdpDriver
from appliance.sip.flow import Flow


class Ends:
    """A driver on loopback, a peer, and an address where nobody is."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.failed: list[tuple[str, int]] = []
        self.drains = 0
        self.driver = UdpDriver("127.0.0.1", 0, LocalAddresses(lambda: 0.0), self._receive, self._failed, self._drain)
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            self.nobody: tuple[str, int] = gone.getsockname()
        self.driver.start()

    def _receive(self, _flow: Flow, data: bytes) -> None:
        self.got.append(data)

    def _failed(self, flow: Flow, _reason: str) -> None:
        self.failed.append(flow.remote)

    def _drain(self) -> None:
        self.drains += 1

    def tell(self, data: bytes) -> None:
        self.peer.sendto(data, self.driver.address)

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(600):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"got {self.got[-3:]}, failed {self.failed}")


def in_loop(test: Callable[[Ends], Awaitable[None]], kind: str) -> None:
    async def run() -> None:
        ends = Ends()
        try:
            await test(ends)
        finally:
            ends.driver.close()
            ends.peer.close()

    if kind == "uvloop":
        uvloop.run(run())
    else:
        asyncio.run(run())


@pytest.mark.parametrize("kind", ["uvloop", "asyncio"])
def test_an_undeliverable_datagram_is_told_and_reading_goes_on(kind: str) -> None:
    async def test(ends: Ends) -> None:
        for number in range(20):
            ends.driver.send(ends.driver.flow_to(ends.nobody), b"to nobody")
            ends.tell(b"%d" % number)
            await ends.until(lambda number=number: len(ends.got) == number + 1)  # type: ignore[misc]
        await ends.until(lambda: bool(ends.failed))
        assert set(ends.failed) == {ends.nobody}
        assert ends.got == [b"%d" % number for number in range(20)]

    in_loop(test, kind)


@pytest.mark.parametrize("kind", ["uvloop", "asyncio"])
def test_an_error_alone_neither_spins_nor_deafens(kind: str) -> None:
    async def test(ends: Ends) -> None:
        ends.driver.send(ends.driver.flow_to(ends.nobody), b"to nobody")
        await ends.until(lambda: bool(ends.failed))
        drains = ends.drains
        await asyncio.sleep(0.05)
        assert ends.drains == drains, "the error was taken from the queue"
        ends.tell(b"still there?")
        await ends.until(lambda: ends.got == [b"still there?"])

    in_loop(test, kind)


@pytest.mark.parametrize("kind", ["uvloop", "asyncio"])
def test_a_burst_is_read_whole_and_empty_datagrams_do_no_harm(kind: str) -> None:
    async def test(ends: Ends) -> None:
        for number in range(300):
            ends.tell(b"" if number % 3 else b"%d" % number)
        await ends.until(lambda: len(ends.got) == 300)
        assert ends.got[297] == b"297"

    in_loop(test, kind)


class Troubled(socket.socket):
    """A socket that tells of errors as the kernel does when ICMP messages about another phone have come."""

    pending: list[OSError]
    queued: list[tuple[int, tuple[str, int]]]

    def sendto(self, *arguments: Any) -> int:
        if self.pending:
            raise self.pending.pop(0)
        return super().sendto(*arguments)

    def recvmsg(self, *arguments: Any) -> Any:
        if not self.queued:
            raise BlockingIOError
        code, remote = self.queued.pop(0)
        return b"", [(socket.IPPROTO_IP, 11, code.to_bytes(4, sys.byteorder) + bytes(12))], 0, remote


def troubled(ends: Ends) -> Troubled:
    own = ends.driver._socket
    found = Troubled(own.family, own.type, fileno=own.detach())
    found.pending, found.queued = [], []
    ends.driver._socket = found
    return found


@pytest.mark.parametrize("code", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED])
def test_an_error_about_one_phone_keeps_nothing_from_the_next(code: int) -> None:
    async def test(ends: Ends) -> None:
        own = troubled(ends)
        own.pending = [OSError(code, "pending")]
        own.queued = [(code, ends.nobody)] * 2
        ends.peer.bind(("127.0.0.1", 0))
        ends.peer.settimeout(2)
        ends.driver.send(ends.driver.flow_to(ends.peer.getsockname()), b"INVITE")
        assert ends.peer.recv(100) == b"INVITE"
        await ends.until(lambda: len(ends.failed) == 2)
        assert set(ends.failed) == {ends.nobody}

    in_loop(test, "uvloop")


def test_what_is_refused_each_time_is_told_as_failed() -> None:
    async def test(ends: Ends) -> None:
        troubled(ends).pending = [OSError(errno.EPERM, "the firewall") for _ in range(3)]
        ends.driver.send(ends.driver.flow_to(ends.nobody), b"INVITE")
        await ends.until(lambda: ends.failed == [ends.nobody])
        assert ends.driver.dropped == 1

    in_loop(test, "uvloop")


def test_a_datagram_too_large_for_the_way_fails_nobody() -> None:
    async def test(ends: Ends) -> None:
        troubled(ends).queued = [(errno.EMSGSIZE, ("127.0.0.9", 5060)), (errno.EHOSTUNREACH, ends.nobody)]
        ends.driver._read_errors()
        assert ends.failed == [ends.nobody]

    in_loop(test, "uvloop")


def test_another_address_of_ours_is_seen_once_the_routes_are_forgotten() -> None:
    ours = ["127.0.0.1"]

    class Changing(LocalAddresses):
        def towards(self, host: str) -> str:
            return ours[0]

    driver = UdpDriver("0.0.0.0", 0, Changing(lambda: 0.0), lambda *_: None, lambda *_: None, lambda: None)
    try:
        peer = ("192.0.2.1", 5060)
        assert driver.flow_to(peer).local[0] == "127.0.0.1"
        ours[0] = "192.0.2.20"
        driver.forget_routes()
        assert driver.flow_to(peer).local[0] == "192.0.2.20"
    finally:
        driver.close()
