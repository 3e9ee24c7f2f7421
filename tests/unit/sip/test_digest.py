"""Digest authentication, both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.challenge import Challenge, Credentials
from appliance.sip.digest import DigestAuthenticator, DigestClient, Verdict, respond
from appliance.sip.message import Headers, Request

START = Instant(1000.0, 1_800_000_000.0)


def entropy_from(seed: str) -> Callable[[int], bytes]:
    count = 0

    def entropy(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_128(f"{seed}{count}".encode()).digest(size)

    return entropy


class Text(bytes):
    """Entropy whose hexadecimal form is this very text, for the RFC's examples."""

    def __new__(cls, text: str) -> Text:
        return super().__new__(cls, text.encode())

    def hex(self, *_: object) -> str:
        return self.decode()


class Site:
    """An authenticator with two users and a clock moved by hand."""

    def __init__(self, **options: object) -> None:
        self.now = START
        self.asked: list[str] = []
        self.server = DigestAuthenticator(entropy_from("server"), "hako", **options)  # type: ignore[arg-type]

    def secret_of(self, username: str) -> str | None:
        self.asked.append(username)
        return {"201": "secret", "箱": "ひみつ"}.get(username)

    def challenge(self, which: int = 0, stale: bool = False) -> Headers:
        return Headers(self.server.challenge(self.now, stale)[which : which + 1])

    def check(self, request: Request) -> Verdict:
        return self.server.check(request, self.secret_of, self.now)

    def client(self, which: int = 0, user: str = "201", password: str = "secret") -> Phone:
        phone = Phone(user, password)
        phone.challenged(self.challenge(which))
        return phone


class Phone(DigestClient):
    """A client that makes whole requests."""

    __slots__ = ()

    def request(self, method: str = "REGISTER", uri: str = "sip:box") -> Request:
        header = self.authorize(method, uri, entropy_from("client"))
        assert header is not None
        return Request(method, uri, Headers((header,)))


def altered(request: Request, **changes: str | None) -> Request:
    """The request with parameters of its credentials changed, or left out when None."""
    given = Credentials.parse(request.headers.get("Authorization") or "")
    params = {name: value for name, value in (given.params | changes).items() if value is not None}
    return Request(request.method, request.uri, Headers((("Authorization", str(Credentials("digest", params))),)))


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm: str, expected: str) -> None:
    challenge = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    headers = Headers((("WWW-Authenticate", challenge),))
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    name, value = respond(headers, "GET", "/dir/index.html", "Mufasa", "Circle of Life", lambda size: Text(cnonce))
    given = Credentials.parse(value)
    assert (name, given["nc"], given["cnonce"], given["qop"]) == ("Authorization", "00000001", cnonce, "auth")
    assert given["response"] == expected
    assert given["opaque"] == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_the_example_of_rfc_2617_without_qop() -> None:
    headers = Headers(
        (("Proxy-Authenticate", 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'),)
    )
    name, value = respond(headers, "GET", "/dir/index.html", "Mufasa", "CircleOfLife", entropy_from("x"))
    assert name == "Proxy-Authorization"
    assert Credentials.parse(value)["response"] == "1949323746fe6a43ef61f9606e7febea"
    assert "qop" not in value


def test_challenges_come_in_the_order_that_old_phones_accept() -> None:
    challenges = Site().server.challenge(START)
    assert [name for name, _ in challenges] == ["WWW-Authenticate", "WWW-Authenticate"]
    parsed = [Challenge.parse(value) for _, value in challenges]
    assert [challenge.algorithm for challenge in parsed] == ["MD5", "SHA-256"]
    assert all(challenge.qops == ("auth",) and not challenge.stale for challenge in parsed)
    assert parsed[0]["nonce"] == parsed[1]["nonce"]


def test_challenge_variants() -> None:
    site = Site(algorithms=("SHA-256",))
    ((name, value),) = site.server.challenge(START, stale=True, proxy=True)
    assert name == "Proxy-Authenticate"
    assert Challenge.parse(value).stale


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("user", "password"), [("201", "secret"), ("箱", "ひみつ")])
def test_the_right_password(which: int, user: str, password: str) -> None:
    site = Site()
    assert site.check(site.client(which, user, password).request()) == Verdict("ok", user)


@pytest.mark.parametrize(("user", "password"), [("201", "wrong"), ("201", ""), ("999", "secret"), ("", "")])
def test_the_wrong_password_and_the_unknown_user_look_alike(user: str, password: str) -> None:
    site = Site()
    verdict = site.check(site.client(user=user, password=password).request())
    assert (verdict.kind, verdict.reason) == ("wrong", "unknown user or wrong password")
    assert site.asked == [user]


def test_missing() -> None:
    site = Site()
    assert site.check(Request("REGISTER", "sip:box")).kind == "missing"
    other = site.client().request()
    assert site.check(altered(other, realm="elsewhere")).kind == "missing"
    unknown = Request("REGISTER", "sip:box", Headers((("Authorization", "NoOneKnowsThisScheme opaque-data=here"),)))
    assert site.check(unknown).kind == "missing"


def test_each_count_once_in_any_order_within_the_window() -> None:
    site = Site()
    phone = site.client()
    requests = [phone.request() for _ in range(100)]
    assert site.check(requests[2]).kind == "ok"
    assert site.check(requests[0]).kind == "ok"
    assert site.check(requests[1]).kind == "ok"
    for replay in requests[:3]:
        assert site.check(replay).kind == "stale"
    assert site.check(requests[99]).kind == "ok"
    assert site.check(requests[98]).kind == "ok"
    assert site.check(requests[10]).kind == "stale"


def test_a_nonce_expires() -> None:
    site = Site(lifetime=300.0)
    phone = site.client()
    assert site.check(phone.request()).kind == "ok"
    site.now = START.later(300)
    assert site.check(phone.request()).kind == "ok"
    site.now = START.later(300.5)
    assert site.check(phone.request()).kind == "stale"
    phone.challenged(site.challenge(stale=True))
    assert site.check(phone.request()).kind == "ok"


def test_a_wall_clock_that_jumps_changes_nothing() -> None:
    site = Site()
    phone = site.client()
    site.now = Instant(START.mono + 1, START.wall + 10**8)
    assert site.check(phone.request()).kind == "ok"


def test_after_a_restart_the_right_password_is_only_stale() -> None:
    old = Site().client()
    site = Site()
    site.server = DigestAuthenticator(entropy_from("another"), "hako")
    assert site.check(old.request()).kind == "stale"
    assert site.check(altered(old.request(), response="0" * 32)).kind == "wrong"


def test_a_forged_nonce_is_never_ok() -> None:
    site = Site()
    phone = Phone("201", "secret")
    for nonce in ("", "x", "0" * 60, "f" * 60, "é"):
        phone.challenged(Headers((("WWW-Authenticate", f'Digest realm="hako", nonce="{nonce}", qop="auth"'),)))
        assert site.check(phone.request()).kind == "stale"


def test_without_qop_a_nonce_is_good_once() -> None:
    site = Site()
    old = DigestClient("201", "secret")
    challenge = (site.challenge().get("WWW-Authenticate") or "").replace(', qop="auth"', "")
    old.challenged(Headers((("WWW-Authenticate", challenge),)))
    for expected in ("ok", "stale"):
        header = old.authorize("REGISTER", "sip:box", entropy_from("c"))
        assert header is not None
        assert site.check(Request("REGISTER", "sip:box", Headers((header,)))).kind == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "MD5-sess"},
        {"algorithm": "SHA-512-256"},
        {"qop": "auth-int"},
        {"nc": None},
        {"nc": "1"},
        {"nc": "0000000g"},
        {"cnonce": None},
        {"uri": "sip:elsewhere"},
        {"uri": None},
        {"uri": "%"},
        {"response": None},
        {"response": "é" * 32},
        {"nc": "00000009"},
        {"username": "202"},
    ],
)
def test_altered_credentials_are_wrong(changes: dict[str, str | None]) -> None:
    site = Site()
    assert site.check(altered(site.client().request(), **changes)).kind == "wrong"


def test_session_variants_are_refused_by_name() -> None:
    site = Site()
    verdict = site.check(altered(site.client().request(), algorithm="md5-SESS"))
    assert "session variants are refused" in verdict.reason


def test_another_method_is_wrong() -> None:
    site = Site()
    request = site.client().request("REGISTER")
    request.method = "INVITE"
    assert site.check(request).kind == "wrong"


@pytest.mark.parametrize("uri", ["sip:202@box", "sip:202@BOX:5060", "sip:%3202@box;transport=udp"])
def test_phones_may_write_the_request_uri_otherwise(uri: str) -> None:
    site = Site()
    request = site.client().request("INVITE", uri)
    request.uri = "sip:202@box:5060;user=phone"
    assert site.check(request).kind == "ok"
    request = site.client().request("INVITE", uri)
    request.uri = "sip:203@box"
    assert site.check(request).kind == "wrong"


def test_credentials_may_name_the_server_alone_but_no_other_server() -> None:
    site = Site()
    for uri, kind in (("sip:box:5060", "ok"), ("sip:elsewhere", "wrong"), ("sip:@box", "wrong")):
        request = site.client().request("INVITE", uri)
        request.uri = "sip:202@box"
        assert site.check(request).kind == kind, uri


def test_a_number_without_a_host_as_request_uri() -> None:
    site = Site()
    request = site.client().request("INVITE", "tel:+81-3-1234-5678")
    request.uri = "tel:+81312345678"
    assert site.check(request).kind == "ok"
    request.uri = "tel:+81312345679"
    assert site.check(request).kind == "wrong"


def test_malformed_credentials_are_wrong_not_an_error() -> None:
    site = Site()
    for value in ("Digest", "Digest realm", 'Digest realm="hako', "", '"', "Digest ,,,", 'Digest realm="hako",'):
        request = Request("REGISTER", "sip:box", Headers((("Authorization", value),)))
        assert site.check(request).kind in ("wrong", "missing")


def test_memory_is_bounded_and_forgetting_allows_no_replay() -> None:
    site = Site(capacity=10)
    first = site.client()
    replay = first.request()
    assert site.check(replay).kind == "ok"
    for _ in range(50):
        site.now = site.now.later(0.01)
        assert site.check(site.client().request()).kind == "ok"
    assert len(site.server._used) <= 10
    assert site.check(replay).kind == "stale"
    assert site.check(first.request()).kind == "stale"
    site.now = site.now.later(0.01)
    assert site.check(site.client().request()).kind == "ok"


def test_unused_challenges_and_wrong_answers_cost_no_memory() -> None:
    site = Site()
    for _ in range(100):
        site.check(site.client(password="wrong").request())
    assert len(site.server._used) == 0


# --- our side --------------------------------------------------------------------------------------------------------
def test_client_counts_and_starts_again_with_a_new_nonce() -> None:
    site = Site()
    phone = site.client()
    assert [Credentials.parse(phone.request().headers.get("Authorization") or "")["nc"] for _ in range(3)] == [
        "00000001",
        "00000002",
        "00000003",
    ]
    phone.challenged(site.challenge())
    assert Credentials.parse(phone.request().headers.get("Authorization") or "")["nc"] == "00000001"


def test_client_takes_the_first_challenge_it_can_answer() -> None:
    client = DigestClient("u", "p")
    assert client.authorize("INVITE", "sip:x", entropy_from("c")) is None
    client.challenged(
        Headers(
            (
                ("WWW-Authenticate", "Basic realm=x"),
                ("WWW-Authenticate", 'Digest realm="broken'),
                ("WWW-Authenticate", 'Digest realm="a", nonce="1", algorithm=MD5-sess, qop="auth"'),
                ("WWW-Authenticate", 'Digest realm="b", nonce="2", qop="auth-int"'),
                ("WWW-Authenticate", 'Digest realm="c", nonce="3", algorithm=sha-256, qop="auth-int,auth"'),
                ("WWW-Authenticate", 'Digest realm="d", nonce="4"'),
            )
        )
    )
    header = client.authorize("INVITE", "sip:x", entropy_from("c"))
    assert header is not None
    given = Credentials.parse(header[1])
    assert (given["realm"], given["algorithm"], given["qop"]) == ("c", "sha-256", "auth")


@pytest.mark.parametrize(
    "value", ["Basic realm=x", 'Digest realm="a", nonce="1", algorithm=SHA-512', 'Digest realm="a"']
)
def test_client_without_a_challenge_it_can_answer(value: str) -> None:
    with pytest.raises(RemoteProtocolError):
        DigestClient("u", "p").challenged(Headers((("WWW-Authenticate", value),)))


@pytest.mark.parametrize(
    ("user_agent", "algorithms"),
    [
        ("baresip v1.0.0 (x86_64/linux)", ["MD5"]),
        ("baresip v3.5.0 (x86_64/linux)", ["MD5", "SHA-256"]),
        ("Yealink SIP-T46U 108.86.0.20", ["MD5", "SHA-256"]),
        ("", ["MD5", "SHA-256"]),
    ],
)
def test_a_phone_that_gives_up_at_a_second_challenge_gets_one(user_agent: str, algorithms: list[str]) -> None:
    headers = Site().server.challenge(Instant(1.0, 1.0), user_agent=user_agent)
    assert [Challenge.parse(value)["algorithm"] for _, value in headers] == algorithms
