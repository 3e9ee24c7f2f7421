"""SIP's sockets on both IP versions, and the priority mark of what they send."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from appliance.net.addresses import LocalAddresses
from appliance.net.dual import DualUdp
from appliance.net.listening import everywhere
from appliance.net.tcp import TcpDriver
from appliance.net.udp import UdpDriver
from appliance.sip.flow import Flow

RECEIVED_MARK = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_RECVTOS),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS),
}


class Heard:
    """What a driver handed over."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[Flow, bytes]] = []

    def receive(self, flow: Flow, data: bytes) -> None:
        self.datagrams.append((flow, data))

    async def until(self, count: int) -> None:
        for _ in range(1000):
            if len(self.datagrams) >= count:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{len(self.datagrams)} of {count} datagrams came")


def peer(host: str) -> socket.socket:
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    found.bind((host, 0))
    found.settimeout(5)
    found.setsockopt(*RECEIVED_MARK[found.family], 1)
    return found


def mark_of(at: socket.socket) -> int:
    _, ancillary, _, _ = at.recvmsg(2048, 256)
    return next(data[0] >> 2 for _, _, data in ancillary)


async def test_each_peer_is_met_in_its_own_ip_version_on_one_port() -> None:
    heard = Heard()
    driver = DualUdp(0, LocalAddresses(lambda: 0.0), heard.receive, lambda *_: None, lambda: None)
    driver.start()
    driver.mark(24)
    try:
        for count, host in enumerate(("127.0.0.1", "::1"), 1):
            with peer(host) as phone:
                phone.sendto(b"hello", (host, driver.address[1]))
                await heard.until(count)
                flow, _ = heard.datagrams[-1]
                assert (flow.local, flow.remote) == ((host, driver.address[1]), phone.getsockname()[:2])
                assert driver.flow_to(flow.remote) == flow
                driver.send(flow, b"answer")
                assert mark_of(phone) == 24
    finally:
        driver.close()


async def test_a_port_that_is_taken_in_one_version_is_refused_and_a_free_one_is_found() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 0))
        port = other.getsockname()[1]
        with pytest.raises(OSError):
            DualUdp(port, LocalAddresses(lambda: 0.0), lambda *_: None, lambda *_: None, lambda: None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("0.0.0.0", port))  # nothing of the failed attempt holds it


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_is_sent_carries_the_mark_and_a_refused_mark_is_no_error(host: str) -> None:
    driver = UdpDriver(host, 0, LocalAddresses(lambda: 0.0), lambda *_: None, lambda *_: None, lambda: None)
    driver.start()
    try:
        with peer(host) as phone:
            for dscp in (24, 0, 46):
                driver.mark(dscp)
                driver.send(driver.flow_to(phone.getsockname()[:2]), b"x")
                assert mark_of(phone) == dscp
        driver.mark(1000)
    finally:
        driver.close()


def tcp_mark(of: socket.socket) -> int:
    level, option = (
        (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        if of.family == socket.AF_INET6
        else (socket.IPPROTO_IP, socket.IP_TOS)
    )
    return of.getsockopt(level, option) >> 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_tcp_listens_in_both_versions_and_marks_its_connections(host: str) -> None:
    heard = Heard()
    driver = TcpDriver(heard.receive, lambda *_: None, lambda: None, lambda: ())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    driver.mark(26)
    await driver.start("0.0.0.0", "::", port=port)
    await driver.serve()
    try:
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"hello")
        await heard.until(1)
        flow, _ = heard.datagrams[0]
        assert flow.remote[0] == host and flow.local == (host, port)
        marks = []
        for connection in driver.connections.values():
            assert connection.transport is not None
            own = connection.transport.get_extra_info("socket")
            with socket.socket(fileno=socket.dup(own.fileno())) as same:
                marks.append(tcp_mark(same))
        assert marks == [26]
        writer.close()
        back = await driver.connect(host, port)
        assert back is not None and back.remote == (host, port)
    finally:
        await driver.close()


async def test_where_tcp_is_refused_in_one_version_the_other_is_served_and_named() -> None:
    heard = Heard()
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        driver = TcpDriver(heard.receive, lambda *_: None, lambda: None, lambda: ())
        refused = await driver.start("127.0.0.1", "::1", port=port)
        assert set(refused) == {"::1"} and refused["::1"].errno == errno.EADDRINUSE
        assert driver.address == ("127.0.0.1", port)
        assert await driver.serve() == {}
        driver.mark(26)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            await heard.until(1)
            writer.close()
        finally:
            await driver.close()


async def test_a_port_that_was_lost_between_taking_and_serving_is_named_too() -> None:
    driver = TcpDriver(Heard().receive, lambda *_: None, lambda: None, lambda: ())
    assert await driver.start("127.0.0.1", port=0) == {}
    assert driver.address is not None
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(driver.address)
        other.listen()
        refused = await driver.serve()
    assert {host: error.errno for host, error in refused.items()} == {"127.0.0.1": errno.EADDRINUSE}
    await driver.close()


def test_every_address_is_one_port_in_both_versions() -> None:
    found = everywhere(0)
    try:
        ports = {one.getsockname()[1] for one in found}
        assert [one.family for one in found] == [socket.AF_INET, socket.AF_INET6] and len(ports) == 1
        with pytest.raises(OSError):
            for one in found:
                one.listen()
            everywhere(ports.pop())
    finally:
        for one in found:
            one.close()


def test_without_ipv6_it_is_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without(family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, *rest: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, kind, *rest)

    monkeypatch.setattr("appliance.net.listening.socket.socket", without)
    (one,) = everywhere(0)
    assert one.family == socket.AF_INET and one.getsockname()[0] == "0.0.0.0"
    one.close()
