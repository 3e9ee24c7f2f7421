"""The resources: what they answer, and how they refuse."""

from __future__ import annotations

import pytest

from appliance.events import DecisionFailed, QueueEntered
from appliance.exchange.view import FaultView
from tests.unit.web.fakebox import NOW, FakeBox, FakeConfiguration, call_view, record_view
from tests.unit.web.helpers import API, Client, bearer, error

ADMIN = bearer("admin")


async def test_lists_have_items_next_and_seq(client: Client, box: FakeBox) -> None:
    box.exchange.live = {"c1": call_view("c1", agent="aiko")}
    for name in ("calls", "agents", "queues", "registrations", "trunks", "panel", "faults", "records"):
        body = await (await client.get(f"{API}/{name}", headers=ADMIN)).json()
        assert set(body) == {"items", "next", "seq"}, name
        assert body["next"] is None and body["seq"] == 0
    call = (await (await client.get(f"{API}/calls", headers=ADMIN)).json())["items"][0]
    assert call["from"] == "0312345678" and call["legs"][1]["agent"] == "aiko" and call["answered"] is None


async def test_one_of_each(client: Client, box: FakeBox) -> None:
    box.exchange.live = {"c1": call_view("c1")}
    for path in ("calls/c1", "agents/aiko", "queues/support", "registrations/202", "trunks/carrier"):
        assert (await client.get(f"{API}/{path}", headers=ADMIN)).status == 200, path
        missing = path.split("/")[0] + "/nothing"
        await error(await client.get(f"{API}/{missing}", headers=ADMIN), 404, "not_found")


async def test_a_command_is_acknowledged_with_what_it_made(client: Client, box: FakeBox) -> None:
    response = await client.post(f"{API}/calls", json={"extension": "201", "number": "03 1234 5678"}, headers=ADMIN)
    assert response.status == 201
    name = (await response.json())["id"]
    assert box.exchange.live[name].to == "0312345678"
    assert box.ledger.last_seq == 1, "what the command caused was committed before the answer"


async def test_a_refused_command_says_why(client: Client, box: FakeBox) -> None:
    wrong = await client.post(f"{API}/calls", json={"extension": "201", "number": "000"}, headers=ADMIN)
    assert (await error(wrong, 409, "wrong_number"))["field"] == "number"
    itself = await client.post(f"{API}/calls", json={"extension": "201", "number": "2 01"}, headers=ADMIN)
    assert (await error(itself, 422, "own_number"))["field"] == "number"
    wrap_up = await client.post(f"{API}/agents/aiko/wrap-up-done", headers=ADMIN)
    await error(wrap_up, 409, "not_in_wrap_up")
    body = {"status": "break", "reason": "Nonsense"}
    reason = await client.put(f"{API}/agents/aiko/status", json=body, headers=ADMIN)
    assert (await error(reason, 422, "invalid_reason"))["field"] == "reason"


@pytest.mark.parametrize("typed", ["０３（１２３４）５６７８", "０３ー１２３４ー５６７８", "03-1234-5678"])
async def test_a_number_is_searched_as_a_japanese_keyboard_types_it(client: Client, box: FakeBox, typed: str) -> None:
    assert (await client.get(f"{API}/records", params={"number": typed}, headers=ADMIN)).status == 200
    assert box.records.asked[-1].number == "0312345678"


async def test_status_is_set_in_the_name_of_whoever_asks(client: Client, box: FakeBox) -> None:
    body = {"status": "break", "reason": "Lunch"}
    response = await client.put(f"{API}/agents/ben/status", json=body, headers=bearer("sato"))
    assert response.status == 200
    view = await response.json()
    assert (view["status"], view["reason"]) == ("break", "Lunch")
    assert box.ledger.entries[-1].event.by == "api:sato-program"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("records?from=yesterday", "from"),
        ("records?to=2026-11-21T10:00:00", "to"),
        ("records?to=9999-12-31", "to"),
        ("records?limit=0", "limit"),
        ("records?limit=501", "limit"),
        ("records?limit=ten", "limit"),
        ("records?kind=strange", "kind"),
        ("records?service=perhaps", "service"),
        ("records?cursor=stolen", "cursor"),
        ("records?number=---", "number"),
        ("records?agnet=aiko", "agnet"),
        ("records?agent=a&agent=b", "agent"),
        (f"records?queue={'q' * 65}", "queue"),
        ("calls?state=talking", "state"),
        ("events?after=-1", "after"),
        ("events?after=x", "after"),
    ],
)
async def test_a_bad_parameter_is_named(client: Client, path: str, field: str) -> None:
    assert (await error(await client.get(f"{API}/{path}", headers=ADMIN), 422, "invalid"))["field"] == field


async def test_record_filters_reach_the_store(client: Client, box: FakeBox) -> None:
    query = (
        "from=2026-11-21T00:00:00%2B09:00&to=2026-11-21&agent=aiko&queue=support&number=03-1234&kind=inbound&limit=7"
    )
    assert (await client.get(f"{API}/records?{query}", headers=ADMIN)).status == 200
    asked = box.records.asked[-1]
    midnight = 1_795_186_800.0
    assert asked.since == midnight, "09:00 in Tokyo is midnight UTC, so 00:00 there is 15:00 UTC of the day before"
    assert asked.until == midnight + 86400, "a date alone is the whole day at the site"
    assert (asked.agent, asked.queue, asked.number, asked.kind, asked.limit) == (
        "aiko", "support", "031234", "inbound", 7,
    )  # fmt: skip
    await client.get(f"{API}/records?from=2026-11-21T00:00:00+09:00", headers=ADMIN)
    assert box.records.asked[-1].since == midnight, "a plus sign that was not escaped is understood"


async def test_service_calls_are_hidden_unless_asked_for(client: Client, box: FakeBox) -> None:
    box.records.rows = [record_view("c1"), record_view("c2", kind="service")]
    for query, expected in (("", ["c1"]), ("?service=true", ["c1", "c2"]), ("?kind=service", ["c1", "c2"])):
        items = (await (await client.get(f"{API}/records{query}", headers=ADMIN)).json())["items"]
        assert [row["id"] for row in items] == expected


async def test_records_are_paged_without_gap_or_repetition(client: Client, box: FakeBox) -> None:
    box.records.rows = [record_view(f"c{i}") for i in range(23)]
    seen, cursor = [], ""
    while True:
        body = await (await client.get(f"{API}/records?limit=5&cursor={cursor}", headers=ADMIN)).json()
        seen += [row["id"] for row in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert seen == [f"c{i}" for i in range(23)]


async def test_a_record_comes_with_its_story(client: Client, box: FakeBox) -> None:
    box.records.rows = [record_view("c1")]
    box.records.told = box.ledger.commit(
        QueueEntered(call="c1", queue="support", position=2),
        QueueEntered(call="c2", queue="support", position=1),
        DecisionFailed(call="c1", error="boom", trace="Traceback"),
    )
    body = await (await client.get(f"{API}/records/c1", headers=ADMIN)).json()
    assert body["id"] == "c1" and body["from"] == "0398765432"
    assert [(moment["type"], moment["seq"]) for moment in body["moments"]] == [
        ("queue-entered", 1),
        ("decision-failed", 3),
    ]
    assert body["moments"][0]["position"] == 2 and "trace" not in body["moments"][1]


async def test_search_by_what_is_not_built_is_refused_and_not_ignored(client: Client) -> None:
    response = await client.get(f"{API}/records?customer=7", headers=ADMIN)
    assert (await error(response, 501, "not_built"))["field"] == "customer"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "calls/c1/hold"), ("POST", "calls/c1/transfer"),
        ("POST", "calls/c1/monitor"), ("GET", "customers"), ("GET", "customers/1?q=x"), ("POST", "campaigns"),
        ("GET", "contacts"), ("GET", "scripts"), ("GET", "articles"), ("GET", "reports/agents?from=x"),
        ("GET", "config"), ("GET", "config/history"),
    ],
)  # fmt: skip
async def test_what_is_not_built_says_so(client: Client, method: str, path: str) -> None:
    await error(await client.request(method, f"{API}/{path}", headers=ADMIN), 501, "not_built")


FULL = {"ja": "ディスクがいっぱいです。", "en": "The disk is full."}


async def test_system_and_faults(client: Client, box: FakeBox) -> None:
    box.faults = (FaultView(id="disk-full", text=FULL, remedy={"ja": "消す。", "en": "Delete recordings."}, since=NOW),)
    body = await (await client.get(f"{API}/system", headers=ADMIN)).json()
    assert body["version"] == "0.1.0" and body["faults"][0]["remedy"]["en"] == "Delete recordings."
    faults = await (await client.get(f"{API}/faults", headers=ADMIN)).json()
    assert faults["items"] == body["faults"]


async def test_the_configuration_comes_without_secrets(client: Client, box: FakeBox) -> None:
    box.context.configuration = FakeConfiguration()
    response = await client.get(f"{API}/config", headers=ADMIN)
    text = await response.text()
    assert "sip-secret" not in text and "hash" not in text and "1111" not in text
    body = await response.json()
    assert body["version"] == 7 and body["config"]["extensions"] == [{"number": "201"}]


async def test_the_configuration_is_locked_by_its_version(client: Client, box: FakeBox) -> None:
    box.context.configuration = FakeConfiguration()
    change = {"version": 7, "config": {"site": {"name": "New"}}}
    assert await (await client.put(f"{API}/config", json=change, headers=ADMIN)).json() == {"version": 8}
    await error(await client.put(f"{API}/config", json=change, headers=ADMIN), 409, "version_conflict")
    bad = {"version": 8, "config": {"bogus": 1}}
    detail = await error(await client.put(f"{API}/config", json=bad, headers=ADMIN), 422, "invalid_config")
    assert detail["field"] == "bogus" and detail["problems"] == ["bogus: unknown key", "site.name: missing"]
    history = await (await client.get(f"{API}/config/history?limit=1", headers=ADMIN)).json()
    assert history["items"][0]["by"] == "web:admin"
    assert (await client.post(f"{API}/config/undo", json={"version": 8}, headers=ADMIN)).status == 200
    await error(await client.post(f"{API}/config/undo", json={"version": 8}, headers=ADMIN), 409, "version_conflict")
