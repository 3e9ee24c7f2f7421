"""Log-in, log-out, the cookie, the throttle, Origin."""

from __future__ import annotations

import os

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from appliance.clock import Instant
from appliance.events import LogIn
from appliance.web.app import make_app
from appliance.web.context import Account
from appliance.web.sessions import IDLE_SECONDS, Sessions
from tests.unit.web.fakebox import USERS, FakeBox
from tests.unit.web.helpers import API, Client, bearer, error, log_in


async def test_a_log_in_sets_a_cookie_that_scripts_cannot_read_and_other_sites_cannot_send(
    client: Client, box: FakeBox
) -> None:
    response = await log_in(client, "sato")
    assert response.status == 200
    site = {"name": 'Acme "Support"', "language": "en", "timezone": "Asia/Tokyo", "country": "JP"}
    expected = {"name": "sato", "role": "supervisor", "agent": "", "language": "ja", "site": site}
    assert await response.json() == expected
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert (await (await client.get(f"{API}/session")).json())["name"] == "sato"
    assert box.published == [LogIn(user="sato", ok=True, address="127.0.0.1")]


async def test_nothing_without_a_log_in(client: Client) -> None:
    detail = await error(await client.get(f"{API}/session"), 401, "unauthenticated")
    assert detail["message"]
    await error(await client.get(f"{API}/calls"), 401, "unauthenticated")


async def test_a_wrong_name_and_a_wrong_password_look_the_same(client: Client, box: FakeBox) -> None:
    wrong_password = await error(await log_in(client, "admin", "guess"), 401, "unauthenticated")
    wrong_name = await error(await log_in(client, "nobody", "guess"), 401, "unauthenticated")
    assert wrong_password == wrong_name
    assert [event.ok for event in box.published if isinstance(event, LogIn)] == [False, False]


async def test_a_user_without_a_password_cannot_log_in(client: Client, box: FakeBox) -> None:
    box.accounts.users["ghost"] = Account(name="ghost", role="admin")
    await error(await log_in(client, "ghost", ""), 401, "unauthenticated")


async def test_logging_out_ends_the_session_itself(client: Client) -> None:
    await log_in(client, "admin")
    secret = next(iter(client.session.cookie_jar)).value
    assert (await client.delete(f"{API}/session")).status == 204
    again = await client.get(f"{API}/session", headers={"Cookie": f"hako_session={secret}"})
    await error(again, 401, "unauthenticated")
    assert (await client.delete(f"{API}/session")).status == 204


async def test_an_idle_session_ends_and_a_used_one_goes_on(client: Client, box: FakeBox) -> None:
    await log_in(client, "admin")
    for _ in range(3):
        box.mono += IDLE_SECONDS - 1
        assert (await client.get(f"{API}/session")).status == 200
    box.mono += IDLE_SECONDS + 1
    await error(await client.get(f"{API}/session"), 401, "unauthenticated")


async def test_a_changed_password_role_or_user_counts_at_once(client: Client, box: FakeBox) -> None:
    await log_in(client, "sato")
    box.accounts.users["sato"] = Account(name="sato", role="wallboard", password_hash="hash:sato")
    await error(await client.get(f"{API}/calls"), 403, "forbidden")
    box.accounts.users["sato"] = Account(name="sato", role="wallboard", password_hash="hash:other")
    await error(await client.get(f"{API}/queues"), 401, "unauthenticated")
    await log_in(client, "admin")
    del box.accounts.users["admin"]
    await error(await client.get(f"{API}/queues"), 401, "unauthenticated")


async def test_guessing_gets_slower_but_the_right_password_works_after_the_wait(client: Client, box: FakeBox) -> None:
    for _ in range(3):
        await error(await log_in(client, "admin", "guess"), 401, "unauthenticated")
    response = await log_in(client, "admin")
    await error(response, 429, "throttled")
    wait = int(response.headers["Retry-After"])
    assert 1 <= wait <= 2, "this machine itself never waits longer than two seconds"
    assert (await log_in(client, "sato")).status == 200, "another name is not concerned"
    box.mono += wait
    assert (await log_in(client, "admin")).status == 200


async def test_knocking_does_not_fill_the_ledger(client: Client, box: FakeBox) -> None:
    for _ in range(30):
        await log_in(client, "admin", "guess")
    assert len(box.published) == 3
    assert "hako_web_logins_throttled_total 27\n" in await (await client.get("/metrics")).text()


async def test_logging_in_again_ends_the_session_before(client: Client) -> None:
    await log_in(client, "sato")
    secret = next(iter(client.session.cookie_jar)).value
    await log_in(client, "admin")
    client.session.cookie_jar.clear()
    again = await client.get(f"{API}/session", headers={"Cookie": f"hako_session={secret}"})
    await error(again, 401, "unauthenticated")


async def test_the_cookie_stays_on_https_when_it_came_by_https(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.BaseRequest, "secure", property(lambda request: True))
    assert "Secure" in (await log_in(client, "sato")).headers["Set-Cookie"]


async def test_requests_of_other_sites_are_refused(client: Client) -> None:
    await log_in(client, "admin")
    host = f"{client.host}:{client.port}"
    for origin in ("http://evil.example", "null", f"http://{client.host}:1", "http://[", "ftp://x"):
        for method, path in (("DELETE", "/session"), ("POST", "/calls"), ("POST", "/session"), ("GET", "/events")):
            response = await client.request(method, f"{API}{path}", headers={"Origin": origin}, json={})
            await error(response, 403, "foreign_origin")
    response = await client.post(f"{API}/calls", headers={"Sec-Fetch-Site": "cross-site"}, json={})
    await error(response, 403, "foreign_origin")
    start = {"extension": "201", "number": "202"}
    assert (await client.post(f"{API}/calls", headers={"Origin": f"http://{host}"}, json=start)).status == 201
    assert (await client.post(f"{API}/calls", json=start)).status == 201, "a program says no Origin"


async def test_a_program_with_a_token_may_ask_from_any_page(client: Client) -> None:
    headers = bearer("admin") | {"Origin": "https://crm.example"}
    response = await client.post(f"{API}/calls", headers=headers, json={"extension": "201", "number": "202"})
    assert response.status == 201


async def test_a_bad_token_is_not_rescued_by_a_cookie(client: Client) -> None:
    await log_in(client, "admin")
    for value in ("Bearer nonsense", "Basic YTpi", "Bearer", ""):
        await error(await client.get(f"{API}/calls", headers={"Authorization": value}), 401, "unauthenticated")


async def test_argon2_hashes_are_checked_in_a_thread(box: FakeBox) -> None:
    import argon2

    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    box.context.verify_password = None
    box.accounts.users["admin"] = Account(name="admin", role="admin", password_hash=hasher.hash("open sesame"))
    async with TestClient(TestServer(make_app(box.context)), cookie_jar=CookieJar(unsafe=True)) as client:
        assert (await log_in(client, "admin", "open sesame")).status == 200
        await error(await log_in(client, "admin", "guess"), 401, "unauthenticated")
        await error(await log_in(client, "nobody", "guess"), 401, "unauthenticated")
        box.accounts.users["admin"] = Account(name="admin", role="admin", password_hash="damaged")
        await error(await log_in(client, "admin", "guess"), 401, "unauthenticated")


def test_sessions_are_bounded_in_all_and_by_user() -> None:
    serial = iter(range(10_000))
    sessions = Sessions(lambda count: next(serial).to_bytes(count, "big"), at(0.0), limit=10, per_user=4)
    first = sessions.open(USERS["sato"], at(0.0))
    own = [sessions.open(USERS["admin"], at(float(i))) for i in range(6)]
    assert [sessions.find(secret, at(6.0)) is not None for secret in own] == [False, False, True, True, True, True]
    assert sessions.find(first, at(6.0)) is not None
    for i in range(20):
        sessions.open(Account(name=f"u{i}", role="agent", password_hash="x"), at(7.0))
    assert len(sessions) == 10
    assert sessions.find(own[-1], at(8.0)) is None and sessions.find("x" * 1000, at(8.0)) is None


def test_log_ins_outlive_the_process() -> None:
    kept: dict[str, bytes] = {}
    before = Sessions(os.urandom, at(50.0), Shelf(kept))
    used, idle, out = (before.open(USERS["sato"], at(50.0)) for _ in range(3))
    closing = before.find(out, at(60.0))
    assert closing is not None
    before.close(closing)
    assert before.find(used, at(9 * 3600.0)) is not None
    kept["zz"] = kept["00"] = b"damaged"
    assert used not in repr(kept) and USERS["sato"].password_hash not in repr(kept)
    # The machine was started again: its monotonic clock too.
    after = Sessions(os.urandom, Instant(5.0, at(14 * 3600.0).wall), Shelf(kept))
    assert after.find(used, Instant(6.0, at(14 * 3600.0).wall)) is not None
    assert after.find(idle, Instant(6.0, 0.0)) is None and after.find(out, Instant(6.0, 0.0)) is None
    assert len(kept) == len(after) == 1
    row = after.find(used, Instant(7.0, 0.0))
    assert row is not None and row.still_of(USERS["sato"]) and not row.still_of(USERS["admin"])
    assert after.find(used, Instant(13 * 3600.0, 0.0)) is None and not kept


class Shelf:
    """A store of log-ins."""

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.load = lambda: dict(kept)
        self.put = kept.__setitem__
        self.drop = lambda key: kept.pop(key, None) and None


def at(mono: float) -> Instant:
    return Instant(mono, 1_700_000_000.0 + mono)


def test_the_clock_is_the_boxes(box: FakeBox) -> None:
    assert box.context.clock() == Instant(box.mono, box.context.clock().wall)
