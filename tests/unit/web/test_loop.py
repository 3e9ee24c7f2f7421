"""Nothing of the web server blocks the event loop, and it starts with its runner."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from blockbuster import blockbuster_ctx

from appliance.store.records import Recording
from appliance.web.app import make_app, make_runner
from tests.unit.web.fakebox import NOW, FakeBox, record_view
from tests.unit.web.helpers import API, Client, bearer, hear, log_in, wav

ADMIN = bearer("admin")


async def test_files_records_passwords_and_waveforms_are_read_in_threads(client: Client, box: FakeBox) -> None:
    (box.context.recordings / "a.wav").write_bytes(wav([(1, 2)] * 8000))
    box.records.rows = [record_view("c1", recording="r1")]
    box.records.sounds["r1"] = (Recording(id="r1", call="c1", started=NOW), "a.wav")
    box.context.pages.mkdir()
    (box.context.pages / "index.html").write_text("<!doctype html>")
    box.context.verify_password = None
    with blockbuster_ctx("appliance.web"):
        for path in ("/", "/records", "/healthz", "/metrics", "/api/v1/openapi.json"):
            assert (await client.get(path)).status == 200
        for path in ("records", "records/c1", "recordings/r1", "recordings/r1/audio", "recordings/r1/peaks"):
            assert (await client.get(f"{API}/{path}", headers=ADMIN)).status == 200, path
        assert (await log_in(client, "admin", "guess")).status == 401
        async with client.ws_connect(f"{API}/events?after=0", headers=ADMIN) as socket:
            await hear(socket, "panel")


async def test_a_long_replay_lets_the_loop_breathe(client: Client, box: FakeBox) -> None:
    from appliance.events import QueueEntered

    box.ledger.commit(*(QueueEntered(call=f"c{i}", queue="support", position=i) for i in range(5000)))
    turns = 0

    async def breathe() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(breathe())
    async with client.ws_connect(f"{API}/events?after=0", headers=ADMIN) as socket:
        while (await hear(socket))["type"] != "panel":
            pass
    task.cancel()
    assert turns > 5000 / 50


async def test_the_runner_serves(box: FakeBox) -> None:
    runner = make_runner(make_app(box.context))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/healthz") as response:
        assert response.status == 200
    await runner.cleanup()
