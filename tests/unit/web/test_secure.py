"""HTTPS as a browser meets it: the certificate, the cookie, the WebSocket, changes while it runs, and storms."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector

from appliance.box.authority import make
from appliance.box.certificate import Folder
from appliance.clock import system_now
from appliance.web.app import make_app, make_runner
from appliance.web.guard import Guard
from appliance.web.secure import SecureListener, server_context
from appliance.web.server import SERVER
from tests.unit.web.fakebox import FakeBox

LOG_IN = {"name": "admin", "password": "admin"}


class Served(NamedTuple):
    listener: SecureListener
    folder: Folder
    guard: Guard

    @property
    def url(self) -> str:
        return f"https://localhost:{self.listener.port}"

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder.authority))

    def session(self) -> ClientSession:
        return ClientSession(connector=TCPConnector(ssl=self.trusting()), cookie_jar=CookieJar(unsafe=True))


@pytest.fixture
async def served(box: FakeBox, tmp_path: Path) -> AsyncIterator[Served]:
    folder = Folder(tmp_path)
    make(folder, system_now().wall, ("localhost", "127.0.0.1"))
    context = replace(box.context, authority=folder.authority, https_port=lambda: 8443)
    app = make_app(context)
    guard = app[SERVER].guard = Guard(head_seconds=1.0)
    runner = make_runner(app)
    await runner.setup()
    listener = SecureListener(runner, "127.0.0.1", 0)
    listener.start(server_context(folder.box, folder.box_key))
    yield Served(listener, folder, guard)
    await listener.close()
    await runner.cleanup()


async def log_in(session: ClientSession, served: Served) -> str:
    async with session.post(f"{served.url}/api/v1/session", json=LOG_IN, headers={"Origin": served.url}) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["Set-Cookie"]


async def test_who_trusts_the_authority_logs_in_with_a_cookie_that_never_leaves_https(served: Served) -> None:
    async with served.session() as session:
        cookie = await log_in(session, served)
        assert cookie.startswith("__Host-hako_session=") and "Secure" in cookie and "HttpOnly" in cookie
        async with session.get(f"{served.url}/api/v1/session") as answer:
            assert answer.status == 200
        async with session.delete(f"{served.url}/api/v1/session", headers={"Origin": served.url}) as answer:
            assert answer.status == 204
        async with session.get(f"{served.url}/api/v1/session") as answer:
            assert answer.status == 401


async def test_pages_of_other_sites_may_not_use_the_log_in_by_https_either(served: Served) -> None:
    async with served.session() as session:
        await log_in(session, served)
        for origin in ("https://evil.example", f"https://localhost:{served.listener.port + 1}", "null"):
            async with session.delete(f"{served.url}/api/v1/session", headers={"Origin": origin}) as answer:
                assert answer.status == 403
        async with session.ws_connect(f"{served.url}/api/v1/events", headers={"Origin": served.url}) as socket:
            assert not socket.closed


async def test_the_authority_is_given_out_to_anybody(served: Served) -> None:
    async with served.session() as session:
        async with session.get(f"{served.url}/ca.crt") as answer:
            assert answer.status == 200 and answer.content_type == "application/x-x509-ca-cert"
            assert await answer.read() == served.folder.authority.read_bytes()
        async with session.get(f"{served.url}/api/v1/https") as answer:
            assert await answer.json() == {"port": 8443, "authority": True}


async def test_a_new_certificate_counts_for_new_connections_and_drops_no_old_one(served: Served) -> None:
    async with served.session() as session:
        await log_in(session, served)
        async with session.ws_connect(f"{served.url}/api/v1/events", headers={"Origin": served.url}) as socket:
            before = await peer_certificate(served)
            folder = served.folder
            await asyncio.to_thread(make, folder, system_now().wall, ("localhost", "127.0.0.1", "192.0.2.9"))
            served.listener.context = server_context(folder.box, folder.box_key)
            assert await peer_certificate(served) != before
            await socket.ping()
            assert not socket.closed


async def peer_certificate(served: Served) -> bytes:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", served.listener.port, ssl=served.trusting(), server_hostname="localhost"
    )
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    assert isinstance(found, bytes)
    return found


async def test_old_versions_of_tls_are_refused(served: Served) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", served.listener.port, ssl=old)


async def test_who_never_finishes_the_handshake_is_cut_off_and_counted(served: Served) -> None:
    port = served.listener.port
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for _, writer in opened:
        writer.write(b"\x16\x03\x01")
    for reader, _ in opened:
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
    for _, writer in opened:
        writer.write(b"GET / HTTP/1.1\r\n\r\n") if not writer.is_closing() else None
        writer.close()
    async with served.session() as session, session.get(f"{served.url}/healthz") as answer:
        assert answer.status in (200, 503)
    assert served.listener.failed == 20


async def test_a_storm_of_handshakes_is_taken_one_by_one_and_all_are_served(served: Served) -> None:
    async def one() -> int:
        async with served.session() as session, session.get(f"{served.url}/healthz") as answer:
            return answer.status

    statuses = await asyncio.gather(*(one() for _ in range(60)))
    assert set(statuses) <= {200, 503}
    assert served.guard.refused == 0


def test_a_certificate_with_a_passphrase_is_an_error_and_no_question(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    make(folder, system_now().wall, ("localhost",))
    folder.box_key.write_text("nonsense")
    with pytest.raises(ssl.SSLError):
        server_context(folder.box, folder.box_key)
