"""The OpenAPI document: complete, sound, and true to what is served."""

from __future__ import annotations

import re
from typing import Any

import pytest

from appliance.web.api import ROUTES
from appliance.web.feed import KINDS
from tests.unit.web.fakebox import FakeBox, call_view, record_view
from tests.unit.web.helpers import API, Client, bearer


@pytest.fixture
async def document(client: Client) -> dict[str, Any]:
    response = await client.get(f"{API}/openapi.json")
    assert response.status == 200
    body: dict[str, Any] = await response.json()
    return body


async def test_every_route_is_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    listed = {
        (method.upper(), path.removeprefix(API)) for path, methods in document["paths"].items() for method in methods
    }
    assert listed == {(route.method, route.path) for route in ROUTES}
    assert len(listed) == len(ROUTES), "no route is declared twice"


async def test_it_is_sound(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0" and document["info"]["title"] and document["info"]["version"]
    names: list[str] = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            assert operation["summary"] and operation["responses"] and operation["tags"]
            assert all(re.fullmatch(r"[1-5]\d\d", status) for status in operation["responses"])
            assert all(answer["description"] for answer in operation["responses"].values())
            given = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
            assert given == re.findall(r"\{(\w+)\}", path)
            assert all("schema" in one for one in operation.get("parameters", ()))
            assert ("requestBody" not in operation) or method != "get"
    assert len(set(names)) == len(names)
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in schemas)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values())) if value else own
    if isinstance(value, list):
        return set().union(*(references(inner) for inner in value)) if value else set()
    return set()


async def test_every_live_event_is_described(document: dict[str, Any]) -> None:
    live = document["components"]["schemas"]["LiveEvent"]
    assert set(live["discriminator"]["mapping"]) == {*KINDS.values(), "panel", "resync"}
    failed = document["components"]["schemas"]["DecisionFailedEvent"]
    assert "trace" not in failed["properties"] and {"type", "at", "seq"} <= set(failed["required"])


async def test_what_is_served_fits_what_is_said(client: Client, box: FakeBox, document: dict[str, Any]) -> None:
    box.exchange.live = {"c1": call_view("c1", agent="aiko")}
    box.records.rows = [record_view("c1", agent="aiko", recording="r1")]
    schemas = document["components"]["schemas"]
    for name in ("session", "calls", "records", "agents", "queues", "registrations", "trunks", "panel", "system"):
        said = document["paths"][f"{API}/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        fits(await (await client.get(f"{API}/{name}", headers=bearer("admin"))).json(), said, schemas)


def fits(value: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Checks the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        kinds = {"null": value is None}
        schema = next(one for one in schema["anyOf"] if kinds.get(one.get("type", ""), value is not None))
    kind = schema.get("type")
    known: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "number": (int, float),
    }
    if kind in known:
        assert isinstance(value, known[kind]), (value, schema)
    if kind == "object" and "properties" in schema:
        assert set(schema.get("required", ())) <= set(value) <= set(schema["properties"]), value
        for key, inner in value.items():
            fits(inner, schema["properties"][key], schemas)
    if kind == "array":
        for inner in value:
            fits(inner, schema["items"], schemas)
