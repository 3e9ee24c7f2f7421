"""The loudspeaker over the API."""

from __future__ import annotations

import msgspec

from tests.unit.web.fakebox import FakeBox, call_view
from tests.unit.web.helpers import API, Client, bearer, error

ADMIN, SUPERVISOR = bearer("admin"), bearer("sato")


async def test_state_and_devices(client: Client) -> None:
    sound = await (await client.get(f"{API}/sound", headers=SUPERVISOR)).json()
    assert (sound["output"]["device"], sound["volume"], sound["music_now"]) == ("USB Audio", 80, "built-in")
    found = await (await client.get(f"{API}/sound/devices", headers=SUPERVISOR)).json()
    assert found == {"outputs": ["USB Audio", "HDMI"], "inputs": ["USB Audio"]}


async def test_a_supervisor_changes_the_volume_and_the_administrator_everything(client: Client, box: FakeBox) -> None:
    assert (await client.put(f"{API}/sound", json={"volume": 30}, headers=SUPERVISOR)).status == 200
    await error(await client.put(f"{API}/sound", json={"output": "HDMI"}, headers=SUPERVISOR), 403, "forbidden")
    wanted = {"output": "HDMI", "input": "off", "music": "line-in"}
    assert (await client.put(f"{API}/sound", json=wanted, headers=ADMIN)).status == 200
    changes = [(change.volume, change.output, by) for change, by in box.sound.changes]
    assert changes == [(30, None, "api:sato-program"), (None, "HDMI", "api:admin-program")]


async def test_what_cannot_be_is_said(client: Client, box: FakeBox) -> None:
    for wrong in ({"volume": 101}, {"volume": "loud"}, {"output": ""}, {"loudness": 3}):
        assert (await client.put(f"{API}/sound", json=wrong, headers=ADMIN)).status == 422, wrong
    await error(await client.put(f"{API}/sound", json={"music": "radio"}, headers=ADMIN), 422, "invalid_config")
    box.sound.state = msgspec.structs.replace(box.sound.state, paging="201")
    await error(await client.post(f"{API}/sound/test", headers=SUPERVISOR), 409, "busy")
    await error(await client.put(f"{API}/sound/listening", json={"call": "c9"}, headers=SUPERVISOR), 404, "not_found")


async def test_listening_names_who_listens(client: Client, box: FakeBox) -> None:
    box.exchange.live = {"c1": call_view("c1")}
    assert (await client.put(f"{API}/sound/listening", json={"call": "c1"}, headers=SUPERVISOR)).status == 200
    assert box.exchange.heard == ("c1", "api:sato-program")
    assert (await client.delete(f"{API}/sound/listening", headers=ADMIN)).status == 204
    assert box.exchange.heard == ("", "api:admin-program")


async def test_a_box_without_sound_says_so(client: Client, box: FakeBox) -> None:
    box.context.sound = None
    await error(await client.get(f"{API}/sound", headers=ADMIN), 501, "not_built")
