"""What a box does before it takes its first call."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from appliance.app import addresses, configuring, demo
from appliance.app import box as box_module
from appliance.app import web as web_side
from appliance.app.box import Box
from appliance.app.restart import recover
from appliance.box.addresses import Address as LanAddress
from appliance.exchange.audio import AnyRow
from appliance.media.prompts import PromptLibrary, Readiness
from appliance.net import tcp
from appliance.options import Address, Options

PING = (
    b"OPTIONS sip:box SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKping;rport\r\nFrom: <sip:x@y>;tag=1\r\n"
    b"To: <sip:box>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No prompts, no audio: they take time and are not what this is about."""

    async def nothing(_box: Box) -> None:
        pass

    monkeypatch.setattr(Box, "_first_prompts", nothing)
    monkeypatch.setattr(Box, "_start_media", nothing)


async def test_no_sip_is_read_before_the_run_before_is_cleared_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    free = Address("127.0.0.1", 0)
    box = Box(Options(data=tmp_path, sip=free, web=free, rtp=(29000, 29019)))
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(0.3)
    connected: list[bool] = []

    async def clear_up(starting: Box, rows: dict[int, AnyRow] | None) -> None:
        await asyncio.to_thread(peer.sendto, PING, starting.sip_address)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(peer.recv, 4096)
        with contextlib.suppress(OSError):
            await asyncio.open_connection(*starting.sip_address)
            connected.append(True)
        await recover(starting, rows)

    monkeypatch.setattr(box_module, "recover", clear_up)
    await box.start()
    try:
        peer.settimeout(5.0)
        assert (await asyncio.to_thread(peer.recv, 4096)).startswith(b"SIP/2.0 200")
        assert not connected
        _, writer = await asyncio.open_connection(*box.sip_address)
        writer.close()
    finally:
        peer.close()
        await box.stop("test")


async def test_a_lost_configuration_is_a_fault_until_one_is_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    monkeypatch.setattr(configuring, "NEW_PROMPTS_SECONDS", 0.0)
    free = Address("127.0.0.1", 0)
    for name in ("config.json", "config.json.good"):
        (tmp_path / name).write_bytes(b"{")
    box = Box(Options(data=tmp_path, sip=free, web=free, rtp=(29000, 29019), sample=True))
    await box.start()
    try:
        assert [fault.id for fault in box.faults.views()] == ["config-lost"]
        assert (tmp_path / "config.json").read_bytes() == b"{"
        await box.configuring.apply_text(
            '[[users]]\nname = "ann"\npassword = "correct horse 9"\nrole = "admin"\n', "test"
        )
        assert not box.faults.views()
        assert (tmp_path / "config.json.damaged").read_bytes() == b"{"
    finally:
        await box.stop("test")


@pytest.mark.parametrize(("language", "said"), [("ja", "音声ガイダンスを準備しています"), ("en", "preparing the")])
async def test_what_the_first_start_waits_for_is_said_in_the_language_of_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    async def nothing(_box: Box) -> None:
        pass

    async def at_once(*_arguments: object, **_options: object) -> Readiness:
        return Readiness(0, 0, (), ())

    monkeypatch.setattr(Box, "_start_media", nothing)
    monkeypatch.setattr(PromptLibrary, "ready", at_once)
    free, notes = Address("127.0.0.1", 0), list[str]()
    options = Options(data=tmp_path, sip=free, web=free, rtp=(29000, 29019), sample=True, language=language)
    box = Box(msgspec.structs.replace(options, on_note=notes.append))
    await box.start()
    try:
        assert [line for line in notes if line.startswith(said)] == notes[-1:]
    finally:
        await box.stop("test")


@pytest.mark.parametrize(("language", "said"), [("ja", "Web 画面のログイン"), ("en", "web log-in")])
async def test_the_demo_says_its_log_in_in_the_language_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None, language: str, said: str
) -> None:
    async def silent(_options: Options) -> tuple[list[bytes], list[bytes]]:
        return [], []

    async def empty(_stage: demo.Stage) -> None:
        pass

    monkeypatch.setattr(demo, "_voices", silent)
    monkeypatch.setattr(demo.Stage, "open", empty)
    free, notes = Address("127.0.0.1", 0), list[str]()

    def ready(*_addresses: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    options = Options(data=tmp_path, sip=free, web=free, rtp=(29000, 29019), language=language)
    assert await demo._demo(msgspec.structs.replace(options, on_note=notes.append, on_ready=ready)) == 0
    assert notes[-1].startswith(said) and "admin" in notes[-1]


def everywhere(folder: Path) -> Box:
    """As `hako serve` begins without `--sip` and `--web`, but on free ports."""
    free = Address("", 0)
    return Box(Options(data=folder, sip=free, web=free, https=free, rtp=(29000, 29019)))


async def test_a_box_is_reached_by_ipv4_and_ipv6_and_says_an_address_people_can_type(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = everywhere(tmp_path)
    await box.start()
    try:
        port = box.sip_address[1]
        for host in ("127.0.0.1", "::1"):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.settimeout(5.0)
                peer.sendto(PING.replace(b"ping", b"v6") if ":" in host else PING, (host, port))
                assert (await asyncio.to_thread(peer.recv, 4096)).startswith(b"SIP/2.0 200")
            web, https = (urlsplit(urls[0]).port for urls in (box.web_urls(), box.https_urls()))
            for one in (port, web, https):
                _, writer = await asyncio.open_connection(host, one)
                writer.close()
        assert not box.faults.views()
        (sip, *_), (web_url, *_) = box.sip_addresses(), box.web_urls()
        host, _, said = sip.rpartition(":")
        assert int(said) == port and urlsplit(web_url).hostname == host
        assert host not in ("", "0.0.0.0") and ":" not in host, "IPv4 as long as there is any"
        lan = [LanAddress("eth0", "192.0.2.7"), LanAddress("eth0", "2001:db8::7")]
        monkeypatch.setattr(addresses, "lan_addresses", lambda: lan)
        every = [f"192.0.2.7:{port}", f"[2001:db8::7]:{port}"]
        told = [(one.use, one.address) for one in web_side.system(box).addresses if one.use.startswith("sip")]
        assert told == [(use, address) for use in ("sip-udp", "sip-tcp") for address in every]
    finally:
        await box.stop("test")


async def test_a_machine_without_ipv6_starts_as_before(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ipv4Alone(socket.socket):
        def __init__(self, family: int = socket.AF_INET, *rest: Any, **more: Any) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *rest, **more)

    monkeypatch.setattr(socket, "socket", Ipv4Alone)
    box = everywhere(tmp_path)
    await box.start()
    try:
        for port in (box.sip_address[1], *(urlsplit(url[0]).port for url in (box.web_urls(), box.https_urls()))):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
        assert not box.faults.views()
    finally:
        await box.stop("test")


async def test_tcp_that_is_refused_in_one_ip_version_is_served_in_the_other_and_the_fault_says_so(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 0))
        other.listen()
        free = Address("127.0.0.1", 0)
        box = Box(Options(data=tmp_path, sip=Address("", other.getsockname()[1]), web=free, rtp=(29000, 29019)))
        await box.start()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", box.sip_address[1])
            writer.close()
            (fault,) = box.faults.views()
            assert fault.id == "sip-tcp"
            monkeypatch.setattr(
                addresses, "lan_addresses", lambda: [LanAddress("e", "192.0.2.7"), LanAddress("e", "fd::7")]
            )
            served = [(use, host.rpartition(":")[0]) for use, host in box.sip_served()]
            assert served == [("udp", "192.0.2.7"), ("udp", "[fd::7]"), ("tcp", "192.0.2.7")]
            assert "off for IPv6" in fault.text["en"] and "IPv4" not in fault.text["en"]
            assert "ほかのプログラムが使用中です" in fault.text["ja"] and "in use" not in fault.text["ja"]
        finally:
            await box.stop("test")


async def test_a_free_port_is_one_that_is_free_for_tcp_too(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def listening(host: str, port: int) -> socket.socket:
        if not taken:
            taken.append(port)
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return bound(host, port)

    bound = tcp.listening
    monkeypatch.setattr(tcp, "listening", listening)
    free = Address("127.0.0.1", 0)
    box = Box(Options(data=tmp_path, sip=free, web=free, rtp=(29000, 29019)))
    await box.start()
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", box.sip_address[1])
        writer.close()
        assert box.sip_address[1] not in taken and not box.faults.views()
    finally:
        await box.stop("test")


@pytest.mark.parametrize(
    ("bound", "shown"),
    [
        ("", ["192.0.2.7"]),
        ("::", ["192.0.2.7"]),
        ("0.0.0.0", ["192.0.2.7"]),
        ("::1", ["[::1]"]),
        ("10.0.0.1", ["10.0.0.1"]),
    ],
)
def test_addresses_people_are_told(monkeypatch: pytest.MonkeyPatch, bound: str, shown: list[str]) -> None:
    both = [LanAddress("eth0", "192.0.2.7"), LanAddress("eth0", "2001:db8::7")]
    monkeypatch.setattr(addresses, "lan_addresses", lambda: both)
    assert addresses.shown_hosts(bound) == shown
    monkeypatch.setattr(addresses, "lan_addresses", lambda: both[1:])
    if bound in ("", "::"):
        assert addresses.shown_hosts(bound) == ["[2001:db8::7]"], "a network of IPv6 alone"
