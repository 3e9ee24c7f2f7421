"""Whatever comes in: an answer in JSON, below 500, and nothing of our insides in it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.web import dispatch
from appliance.web.api import ROUTES
from appliance.web.app import make_app
from appliance.web.route import SMALL_BODY, Route
from tests.unit.web.fakebox import FakeBox, FakeConfiguration, call_view, record_view
from tests.unit.web.helpers import API, Client, bearer, error

ADMIN = bearer("admin")
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 1, "password": "x"}, "name"),
        ({"name": "admin"}, "password"),
        ({"name": "admin", "password": ["x"]}, "password"),
        ({"name": "", "password": "x"}, "name"),
        ({"name": "n" * 65, "password": "x"}, "name"),
        ({"name": "admin", "password": "x", "role": "admin"}, "role"),
        ([], ""),
        ("admin", ""),
    ],
)
async def test_wrong_types_are_named(client: Client, body: Any, field: str) -> None:
    detail = await error(await client.post(f"{API}/session", json=body), 422, "invalid")
    assert detail.get("field", "") == field


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b'{"name": NaN}', b'{"name":"\\ud800', b"[" * 60_000, b"null"]
)
async def test_what_is_no_json(client: Client, body: bytes) -> None:
    response = await client.post(f"{API}/session", data=body, headers=JSON)
    assert response.status in (400, 422)
    assert (await response.json())["error"]["code"] in ("bad_json", "invalid")


async def test_a_body_must_say_that_it_is_json(client: Client) -> None:
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = await client.post(
            f"{API}/session", data=b'{"name":"a","password":"b"}', headers={"Content-Type": media}
        )
        await error(response, 415, "unsupported_media_type")


async def test_a_huge_body_is_refused_by_its_length_and_by_its_bytes(client: Client) -> None:
    big = b" " * (SMALL_BODY + 1)
    await error(await client.post(f"{API}/session", data=big, headers=JSON), 413, "too_large")

    async def chunks() -> Any:
        for _ in range(SMALL_BODY // 8192 + 2):
            yield b" " * 8192

    await error(await client.post(f"{API}/session", data=chunks(), headers=JSON), 413, "too_large")
    response = await client.post(f"{API}/agents/aiko/wrap-up-done", data=big, headers=ADMIN | JSON)
    await error(response, 413, "too_large")


async def test_a_body_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "BODY_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = f"POST {API}/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    writer.write(head.encode())
    status = await asyncio.wait_for(reader.readline(), 5)
    assert b" 408 " in status
    writer.close()


async def test_unknown_addresses_and_methods(client: Client) -> None:
    for path in ("/api", "/api/", "/api/v1", "/api/v2/calls", "/api/v1/nothing", "/api/v1/calls/a/b/c/d"):
        await error(await client.get(path), 404, "not_found")
        await error(await client.post(path), 404, "not_found")
    for method, path in (("PUT", "calls"), ("PATCH", "session"), ("OPTIONS", "queues"), ("DELETE", "openapi.json")):
        response = await client.request(method, f"{API}/{path}", headers=ADMIN)
        await error(response, 405, "method_not_allowed")
        assert "GET" in response.headers["Allow"]


async def test_a_bug_is_a_plain_500_and_is_counted(client: Client, box: FakeBox) -> None:
    def broken() -> Any:
        raise RuntimeError("secret inside")

    box.exchange.calls = broken  # type: ignore[method-assign]
    response = await client.get(f"{API}/calls", headers=ADMIN)
    detail = await error(response, 500, "internal")
    assert "secret" not in detail["message"] and "Traceback" not in await response.text()
    box.exchange.calls = lambda: []  # type: ignore[method-assign]
    assert "hako_web_failures_total 1" in await (await client.get("/metrics")).text()


async def test_every_answer_has_the_security_headers(client: Client) -> None:
    for path in (
        "/",
        "/api/v1/calls",
        "/api/v1/session",
        "/healthz",
        "/metrics",
        "/nothing.js",
        "/api/v1/openapi.json",
    ):
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "hako"


async def test_raw_nonsense_gets_a_4xx(client: Client) -> None:
    for raw in (
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /api/v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /api/v1/calls HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\n\r\nzz\r\n",
        b"GET /api/v1/calls HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n",
        b"GET /api/v1/%zz%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(raw)
        status = await asyncio.wait_for(reader.readline(), 5)
        assert re.match(rb"HTTP/1\.[01] 4\d\d ", status), (raw[:60], status)
        writer.close()


# --- fuzz ------------------------------------------------------------------------------------------------------------
_word = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["x1", "c1", "r1", "aiko", "support", "2026-11-21", "true", "-1", "9" * 30]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _word,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_word, inner, max_size=4),
    max_leaves=8,
)


def _bodies(route: Route) -> st.SearchStrategy[Any]:
    if route.body is None:
        return st.none() | _json
    names: tuple[str, ...] = route.body.__struct_encode_fields__
    near = st.fixed_dictionaries({}, optional=dict.fromkeys(names, _json))
    plausible = st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from([*("admin", "aiko"), "\x00", "x" * 64]),
            "password": _word,
            "number": _word,
            "extension": st.sampled_from(["201", ""]),
            "status": st.sampled_from(["available", "break", "logged-out"]),
            "reason": _word,
            "version": st.integers(-1, 2**70),
            "config": st.dictionaries(_word, _json, max_size=3),
        },
    ).map(lambda made: {key: value for key, value in made.items() if key in names})
    return near | plausible | _json


def _queries(route: Route) -> st.SearchStrategy[dict[str, str]]:
    names = route.query.__struct_encode_fields__ if route.query is not None else ()
    return st.dictionaries(st.sampled_from([*names, "other"]), _word, max_size=4)


_requests = st.sampled_from([route for route in ROUTES if not route.socket]).flatmap(
    lambda route: st.tuples(
        st.just(route),
        st.lists(_word, min_size=3, max_size=3),
        _queries(route),
        _bodies(route),
        st.sampled_from(["admin", "sato", "aiko", "wall"]),
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=st.lists(_requests, min_size=1, max_size=5))
def test_no_request_ends_in_a_server_error(tmp_path_factory: pytest.TempPathFactory, asked: list[Any]) -> None:
    asyncio.run(_ask(tmp_path_factory.mktemp("box"), asked))


async def _ask(root: Path, asked: list[Any]) -> None:
    from urllib.parse import quote

    box = FakeBox(root)
    box.context.configuration = FakeConfiguration()
    box.exchange.live = {"c1": call_view("c1", agent="aiko")}
    box.records.rows = [record_view("c1", agent="aiko", recording="r1")]
    async with TestClient(TestServer(make_app(box.context))) as client:
        for route, parts, query, body, role in asked:
            words = iter(parts)
            path = re.sub(r"\{\w+\}", lambda _: quote(next(words), safe="") or "x1", route.path)  # noqa: B023
            if "/." in path:
                continue
            response = await client.request(route.method, f"{API}{path}", params=query, json=body, headers=bearer(role))
            assert response.status < 500 or response.status == 501, (route.method, path, query, body)
            if response.status >= 400:
                assert set((await response.json())["error"]) >= {"code", "message"}
            if response.status == 501:
                assert not route.built or query
