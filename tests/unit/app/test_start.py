"""What a box does before it takes its first call."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from appliance.app import box as box_module
from appliance.app import configuring
from appliance.app.box import Box
from appliance.app.restart import recover
from appliance.exchange.audio import AnyRow
from appliance.options import Address, Options

PING = (
    b"OPTIONS sip:box SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKping;rport\r\nFrom: <sip:x@y>;tag=1\r\n"
    b"To: <sip:box>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


async def test_no_sip_is_read_before_the_run_before_is_cleared_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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

    async def nothing(_box: Box) -> None:
        """No prompts, no audio: they take time and are not what this is about."""

    monkeypatch.setattr(box_module, "recover", clear_up)
    monkeypatch.setattr(Box, "_first_prompts", nothing)
    monkeypatch.setattr(Box, "_start_media", nothing)
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_box: Box) -> None:
        """No audio: it is not what this is about."""

    monkeypatch.setattr(Box, "_first_prompts", nothing)
    monkeypatch.setattr(Box, "_start_media", nothing)
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
