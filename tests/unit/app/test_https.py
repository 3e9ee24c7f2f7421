"""HTTPS of a box: what goes wrong is a fault, and mends itself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from appliance.app import https as module
from appliance.app.faults import Faults
from appliance.app.https import CERTIFICATE_FAULT, PORT_FAULT, Https
from appliance.box.authority import make
from appliance.box.certificate import DAY, Folder
from appliance.clock import system_now
from appliance.options import Address
from appliance.web.app import make_app, make_runner
from tests.unit.web.fakebox import FakeBox


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[web.AppRunner]:
    runner = make_runner(make_app(FakeBox(tmp_path).context))
    await runner.setup()
    yield runner
    await runner.cleanup()


def faults() -> Faults:
    return Faults(lambda _event: None, lambda: system_now().wall)


def present(held: Faults) -> set[str]:
    return {one.id for one in held.views()}


def names_served(port: int, authority: Path) -> set[str]:
    trusting = ssl.create_default_context(cafile=str(authority))
    trusting.check_hostname = False
    with socket.create_connection(("127.0.0.1", port), 5) as plain, trusting.wrap_socket(plain) as secure:
        certificate = secure.getpeercert() or {}
    return {str(value) for _, value in certificate.get("subjectAltName", ())}  # type: ignore[union-attr]


async def served(https: Https) -> set[str]:
    return await asyncio.to_thread(names_served, https.port, https.folder.authority)


async def test_a_new_address_of_the_machine_is_in_the_certificate_after_a_look(
    tmp_path: Path, runner: web.AppRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["localhost", "127.0.0.1"]
    monkeypatch.setattr(module, "wanted_names", lambda: tuple(names))
    held = faults()
    https = Https(tmp_path, Address("127.0.0.1", 0), held, lambda: system_now().wall)
    await https.start(runner)
    try:
        assert await served(https) == set(names)
        names.append("192.0.2.77")
        await https.look()
        assert await served(https) == set(names)
        assert not present(held)
    finally:
        await https.close()


async def test_a_port_in_use_is_a_fault_until_it_is_free(tmp_path: Path, runner: web.AppRunner) -> None:
    held = faults()
    with socket.create_server(("127.0.0.1", 0)) as other:
        https = Https(tmp_path, Address("127.0.0.1", other.getsockname()[1]), held, lambda: system_now().wall)
        await https.start(runner)
        assert present(held) == {PORT_FAULT} and https.port == 0
    await https.look()
    assert not present(held) and https.port
    await https.close()


async def test_off_is_off(tmp_path: Path, runner: web.AppRunner) -> None:
    https = Https(tmp_path, None, faults(), lambda: system_now().wall)
    await https.start(runner)
    assert https.port == 0 and not https.folder.path.exists()
    await https.close()


async def test_the_sites_own_certificate_goes_before_the_boxs_while_it_is_good(
    tmp_path: Path, runner: web.AppRunner
) -> None:
    other = Folder(tmp_path / "elsewhere")
    other.path.parent.mkdir()
    make(other, system_now().wall, ("pbx.example.com",))
    held, ahead = faults(), 0.0
    https = Https(tmp_path, Address("127.0.0.1", 0), held, lambda: system_now().wall + ahead)
    https.folder.path.mkdir()
    https.folder.own.write_bytes(other.box.read_bytes())
    https.folder.own_key.write_bytes(other.box_key.read_bytes())
    await https.start(runner)
    try:
        https_names = await asyncio.to_thread(names_served, https.port, other.authority)
        assert https_names == {"pbx.example.com"} and not present(held)
        ahead = 400 * DAY
        await https.look()
        assert present(held) == {CERTIFICATE_FAULT} and https.folder.issued() is not None
        ahead = 0.0
        await https.look()
        assert not present(held)
    finally:
        await https.close()


async def test_a_key_that_a_power_cut_has_mixed_up_is_made_again(tmp_path: Path, runner: web.AppRunner) -> None:
    https = Https(tmp_path, Address("127.0.0.1", 0), faults(), lambda: system_now().wall)
    await https.start(runner)
    await https.close()
    https.folder.box_key.write_bytes(https.folder.authority_key.read_bytes())
    again = Https(tmp_path, Address("127.0.0.1", 0), faults(), lambda: system_now().wall)
    await again.start(runner)
    assert again.port and "localhost" in await served(again)
    await again.close()


async def test_without_the_library_it_is_a_fault_with_its_remedy(
    tmp_path: Path, runner: web.AppRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    held = faults()
    https = Https(tmp_path, Address("127.0.0.1", 0), held, lambda: system_now().wall)
    await https.start(runner)
    assert present(held) == {CERTIFICATE_FAULT} and https.port == 0
    await https.close()
