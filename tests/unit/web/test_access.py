"""Who may do what: the whole matrix, and that an agent gets only his own."""

from __future__ import annotations

import re

import msgspec
import pytest
from aiohttp import ClientResponse

from appliance.web.api import ROUTES
from appliance.web.route import Route
from tests.unit.web.fakebox import FakeBox, call_view, record_view
from tests.unit.web.helpers import API, Client, bearer, error

ALLOWED = {
    "admin": {
        "session", "calls", "records", "recordings", "agents", "queues", "registrations", "trunks", "panel", "system",
        "faults", "phone", "sound", "config", "events", "customers", "campaigns", "contacts", "scripts", "articles",
        "reports",
    },
    "sato": {
        "session", "calls", "records", "recordings", "agents", "queues", "registrations", "trunks", "panel", "system",
        "faults", "phone", "sound", "events", "customers", "campaigns", "contacts", "scripts", "articles", "reports",
    },
    "aiko": {
        "session", "calls", "records", "recordings", "agents", "queues", "registrations", "events", "customers",
        "phone", "scripts", "articles",
    },
    "wall": {"session", "agents", "queues", "panel", "phone", "events"},
}  # fmt: skip
"""Resources each role may read, written down again by hand so that a slip in the table is seen."""
MAY_CHANGE = {"admin", "sato", "aiko"}

GUARDED = [route for route in ROUTES if route.roles is not None]


def concrete(route: Route) -> str:
    return API + re.sub(r"\{\w+\}", "x1", route.path)


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_is_open_to_its_roles_and_closed_to_all_others(client: Client, route: Route) -> None:
    resource = route.path.split("/")[1]
    await error(await client.request(route.method, concrete(route)), 401, "unauthenticated")
    for name, resources in ALLOWED.items():
        response = await client.request(route.method, concrete(route), headers=bearer(name))
        allowed = resource in resources and (route.method == "GET" or name in MAY_CHANGE)
        if route.path.endswith("/monitor"):
            allowed = name in ("admin", "sato")
        assert (response.status not in (401, 403)) == allowed, (name, response.status)


async def test_an_agent_sees_and_ends_only_his_own_calls(client: Client, box: FakeBox) -> None:
    box.exchange.live = {
        "c1": call_view("c1", agent="aiko"),
        "c2": call_view("c2", agent="ben"),
        "c3": call_view("c3", extension="201"),
    }
    items = (await (await client.get(f"{API}/calls", headers=bearer("aiko"))).json())["items"]
    assert [call["id"] for call in items] == ["c1", "c3"]
    assert (await client.get(f"{API}/calls/c3", headers=bearer("aiko"))).status == 200
    await error(await client.get(f"{API}/calls/c2", headers=bearer("aiko")), 404, "not_found")
    await error(await client.post(f"{API}/calls/c2/hangup", headers=bearer("aiko")), 404, "not_found")
    assert "c2" in box.exchange.live
    assert (await client.post(f"{API}/calls/c1/hangup", headers=bearer("aiko"))).status == 204
    assert "c1" not in box.exchange.live


async def test_an_agent_changes_only_his_own_status(client: Client, box: FakeBox) -> None:
    body = {"status": "logged-out"}
    await error(await client.put(f"{API}/agents/ben/status", json=body, headers=bearer("aiko")), 404, "not_found")
    assert box.exchange.people["ben"].status == "available"
    assert (await client.put(f"{API}/agents/aiko/status", json=body, headers=bearer("aiko"))).status == 200
    items = (await (await client.get(f"{API}/agents", headers=bearer("aiko"))).json())["items"]
    assert [agent["id"] for agent in items] == ["aiko"]


async def test_an_agent_starts_calls_at_his_own_phone(client: Client, box: FakeBox) -> None:
    started = await client.post(f"{API}/calls", json={"number": "203"}, headers=bearer("aiko"))
    assert started.status == 201
    assert box.ledger.entries[-1].event.extension == "201"  # type: ignore[attr-defined]
    other = await client.post(f"{API}/calls", json={"number": "203", "extension": "202"}, headers=bearer("aiko"))
    await error(other, 403, "forbidden")


async def test_an_agent_reads_only_his_own_records(client: Client, box: FakeBox) -> None:
    box.records.rows = [record_view("c1", agent="aiko"), record_view("c2", agent="ben"), record_view("c3")]
    items = (await (await client.get(f"{API}/records", headers=bearer("aiko"))).json())["items"]
    assert [row["id"] for row in items] == ["c1"]
    await error(await client.get(f"{API}/records?agent=ben", headers=bearer("aiko")), 403, "forbidden")
    await error(await client.get(f"{API}/records/c2", headers=bearer("aiko")), 404, "not_found")
    await error(await client.get(f"{API}/records/c3", headers=bearer("aiko")), 404, "not_found")
    assert (await client.get(f"{API}/records/c1", headers=bearer("aiko"))).status == 200


async def test_an_agent_reads_the_names_of_his_queues_and_of_phones_but_not_where_these_are(
    client: Client, box: FakeBox
) -> None:
    queues = (await (await client.get(f"{API}/queues", headers=bearer("aiko"))).json())["items"]
    assert [queue["name"] for queue in queues] == ["Support"]
    box.exchange.people["aiko"] = msgspec.structs.replace(box.exchange.people["aiko"], queues=("sales",))
    assert (await (await client.get(f"{API}/queues", headers=bearer("aiko"))).json())["items"] == []
    await error(await client.get(f"{API}/queues/support", headers=bearer("aiko")), 404, "not_found")
    answer = await client.get(f"{API}/registrations", headers=bearer("aiko"))
    assert "192.0.2.7" not in await answer.text() and "baresip" not in await answer.text()
    phones = (await answer.json())["items"]
    assert [(phone["name"], len(phone["contacts"])) for phone in phones] == [("Desk 1", 1), ("Desk 2", 0)]


async def test_a_user_with_the_agent_role_but_no_agent_has_nothing(client: Client, box: FakeBox) -> None:
    box.accounts.tokens = {key: value for key, value in box.accounts.tokens.items() if value.name != "aiko-program"}
    box.accounts.users["lost"] = box.accounts.users["aiko"].__class__(
        name="lost", role="agent", password_hash="hash:lost"
    )
    box.exchange.live = {"c1": call_view("c1"), "c2": call_view("c2", agent="aiko")}
    box.records.rows = [record_view("c1"), record_view("c2", agent="aiko")]
    await client.post(f"{API}/session", json={"name": "lost", "password": "lost"})
    for path in ("calls", "records", "agents", "queues"):
        assert (await (await client.get(f"{API}/{path}")).json())["items"] == []
    await error(await client.get(f"{API}/records/c1"), 404, "not_found")


async def test_an_agent_pauses_the_recording_of_his_own_call_and_stops_none_that_is_always_made(
    client: Client, box: FakeBox
) -> None:
    box.exchange.live = {"c1": call_view("c1", agent="aiko"), "c2": call_view("c2", agent="ben")}

    async def ask(name: str, call: str, action: str) -> ClientResponse:
        return await client.post(f"{API}/calls/{call}/record", json={"action": action}, headers=bearer(name))

    response = await ask("aiko", "c1", "pause")
    assert response.status == 200 and (await response.json())["recording_paused"]
    await error(await ask("aiko", "c2", "pause"), 404, "not_found")
    await error(await ask("aiko", "c1", "stop"), 403, "forbidden")
    await error(await ask("wall", "c1", "pause"), 403, "forbidden")
    assert (await error(await ask("sato", "c1", "erase"), 422, "invalid"))["field"] == "action"
    assert (await ask("sato", "c1", "stop")).status == 200
    assert box.exchange.asked == [
        ("c1", "pause", "api:aiko-program", True),
        ("c1", "stop", "api:sato-program", False),
    ]


async def test_keys_are_pressed_by_whoever_may_see_the_call(client: Client, box: FakeBox) -> None:
    box.exchange.live = {"c1": call_view("c1", agent="aiko"), "c2": call_view("c2", agent="ben")}

    async def press(name: str, call: str, **body: str) -> ClientResponse:
        return await client.post(f"{API}/calls/{call}/keys", json=body, headers=bearer(name))

    assert (await press("aiko", "c1", keys="12#a")).status == 204
    await error(await press("aiko", "c2", keys="1"), 404, "not_found")
    await error(await press("wall", "c1", keys="1"), 403, "forbidden")
    for wrong in ("", "x", "1 2", "1" * 33, "１"):
        assert (await error(await press("sato", "c1", keys=wrong), 422, "invalid"))["field"] == "keys"
    await error(await press("sato", "c2", keys="1", leg="nobody"), 409, "not_connected")
    assert box.exchange.asked == [("c1", "12#A", "api:aiko-program", False)]


async def test_where_things_lie_on_the_box_is_for_administrators(client: Client) -> None:
    seen = [await (await client.get(f"{API}/system", headers=bearer(name))).json() for name in ("admin", "sato")]
    shown = [(system["command"], system["data"]) for system in seen]
    assert shown == [("/opt/hako/.venv/bin/hako", "/var/lib/hako"), ("", "")]
