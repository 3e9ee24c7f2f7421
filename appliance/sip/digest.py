"""Digest authentication (RFC 3261 section 22, RFC 7616, RFC 8760): who may register and call, and how we log in.

Server: MD5 is challenged first and SHA-256 second. RFC 7616 3.7 and RFC 8760 2.4 let a client use the topmost challenge
it supports; phones and tools that know MD5 only (Panasonic KX-HDV, older Grandstream and Snom, SIPp) take
the first header they see and then send nothing, or an MD5 sum labelled otherwise. So the order decides whether they can
register at all. A site whose phones all know SHA-256 gives `algorithms=("SHA-256", "MD5")` or leaves MD5 out.
baresip before 3 gives up (ENOSYS) when any challenge of a 401, first or not, is other than MD5: it is sent MD5 alone.

Only qop=auth is offered. The -sess variants are refused: they buy nothing where the server knows the secret, and their
session key has to be remembered. auth-int breaks with every box that rewrites SDP on the way.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from appliance.clock import Entropy, Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.challenge import Challenge, Credentials
from appliance.sip.message import Headers, Request
from appliance.sip.uri import SipUri, parse_uri

_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_MD5_ALONE = ("baresip v0.", "baresip v1.", "baresip v2.")
"""How the User-Agent of those begins that bear one challenge only. It weakens nothing: a client chooses anyway."""
_WINDOW = 64
WRONG_SECRET = "unknown user or wrong password"
"""Reason of a verdict whose credentials were as asked for, but not right."""
_nonce_format = re.compile(r"[0-9a-f]{12}[0-9a-f]{16}[0-9a-f]{32}")
_nc_format = re.compile(r"[0-9a-fA-F]{8}")


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a request's credentials are worth."""

    kind: str
    """ok; missing: none for our realm; stale: right, but the nonce is spent (challenge with stale=true); wrong."""
    username: str = ""
    """As given; only to be believed when ok."""
    reason: str = ""
    """For the log, in plain words."""


class _Use:
    """Which counts of one nonce were used: the highest, and a bit for each of the 64 below it (RFC 7616 3.4.6)."""

    __slots__ = ("highest", "seen")

    def __init__(self) -> None:
        self.highest = 0
        self.seen = 0

    def take(self, count: int) -> bool:
        """Whether the count is new; it is used from now on. Requests that overtake each other may come out of order."""
        ahead = count - self.highest
        if ahead > 0:
            self.seen = ((self.seen << ahead) | 1) & ((1 << _WINDOW) - 1) if ahead < _WINDOW else 1
            self.highest = count
            return True
        bit = 1 << -ahead
        if -ahead >= _WINDOW or self.seen & bit:
            return False
        self.seen |= bit
        return True


class DigestAuthenticator:
    """Challenges requests and checks the answers.

    A nonce carries its time and an HMAC, so that nothing is kept for challenges that nobody answers. Only nonces that
    were used with the right secret are remembered, at most `capacity`: when one has to be forgotten, every nonce as old
    as that becomes stale, so a count can never be used twice.
    """

    def __init__(
        self,
        entropy: Entropy,
        realm: str,
        lifetime: float = 300.0,
        algorithms: tuple[str, ...] = ("MD5", "SHA-256"),
        capacity: int = 4096,
    ) -> None:
        self.realm = realm
        self._entropy = entropy
        self._lifetime = lifetime
        self._algorithms = algorithms
        self._capacity = capacity
        self._key = entropy(32)
        self._nobody = entropy(16).hex()
        self._used: OrderedDict[str, _Use] = OrderedDict()
        self._forgotten = -1
        """Time of the newest nonce that was forgotten before its end, in milliseconds."""

    def challenge(
        self, now: Instant, stale: bool = False, proxy: bool = False, user_agent: str = ""
    ) -> list[tuple[str, str]]:
        """The headers of a 401 (407 with `proxy`), one for each algorithm, in the order they have to be sent.

        `user_agent` is that header of the request: some are known to bear one challenge only.
        """
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        nonce = self._new_nonce(now)
        tail = ', qop="auth", stale=true' if stale else ', qop="auth"'
        return [
            (name, f'Digest realm="{self.realm}", nonce="{nonce}", algorithm={algorithm}{tail}')
            for algorithm in self._algorithms
            if algorithm == "MD5" or not user_agent.startswith(_MD5_ALONE)
        ]

    def check(self, request: Request, secret_of: Callable[[str], str | None], now: Instant) -> Verdict:
        """Judges Authorization and Proxy-Authorization of the request. `secret_of`: a user's secret, None: unknown.

        An unknown user costs what a known one costs. Never raises: malformed credentials are wrong ones.
        """
        headers = request.headers.values
        for name in ("Authorization", "Proxy-Authorization"):
            for value in headers.get(name, ()):
                try:
                    credentials = Credentials.parse(value)
                except RemoteProtocolError as error:
                    return Verdict("wrong", reason=str(error))
                if credentials.scheme == "digest" and credentials["realm"] == self.realm:
                    return self._judge(credentials, request, secret_of, now)
        return Verdict("missing", reason="no digest credentials for this realm")

    def _judge(
        self, given: Credentials, request: Request, secret_of: Callable[[str], str | None], now: Instant
    ) -> Verdict:
        username = given["username"]
        algorithm = given["algorithm"].upper() or "MD5"
        if algorithm.endswith("-SESS"):
            return Verdict("wrong", username, f"{algorithm} is not offered: session variants are refused")
        if algorithm not in self._algorithms:
            return Verdict("wrong", username, f"algorithm {algorithm} was not offered")
        qop = given["qop"].lower()
        if qop not in ("", "auth") or (qop and (_nc_format.fullmatch(given["nc"]) is None or not given["cnonce"])):
            return Verdict("wrong", username, "qop, nc or cnonce is not as asked for")
        if not _same_uri(given["uri"], request.uri):
            return Verdict("wrong", username, "the credentials are for another URI")
        secret = secret_of(username)
        expected = _response(given, algorithm, request.method, secret if secret is not None else self._nobody)
        right = hmac.compare_digest(expected.encode(), given["response"].lower().encode("utf-8", "replace"))
        if secret is None or not right:
            return Verdict("wrong", username, WRONG_SECRET)
        return self._spend(given["nonce"], int(given["nc"], 16) if qop else 0, username, now)

    def _spend(self, nonce: str, count: int, username: str, now: Instant) -> Verdict:
        """Uses up one count of a nonce. Without qop (RFC 2069) there is no count, and the nonce is good for once."""
        issued = self._issued(nonce)
        clock = int(now.mono * 1000)
        if issued is None or not 0 <= clock - issued <= self._lifetime * 1000:
            return Verdict("stale", username, "the nonce is too old, or from before a restart")
        use = self._used.get(nonce)
        if use is None:
            if issued <= self._forgotten:
                return Verdict("stale", username, "the nonce may have been used before")
            self._make_room(clock)
            use = self._used[nonce] = _Use()
        elif count == 0:
            return Verdict("stale", username, "the nonce was used before, without a count")
        if not use.take(count or 1 << 32):
            return Verdict("stale", username, "this count of the nonce was used before")
        return Verdict("ok", username)

    def _make_room(self, clock: int) -> None:
        used = self._used
        while used:
            nonce = next(iter(used))
            issued = self._issued(nonce) or 0
            if clock - issued <= self._lifetime * 1000:
                if len(used) < self._capacity:
                    return
                self._forgotten = max(self._forgotten, issued)
            del used[nonce]

    def _new_nonce(self, now: Instant) -> str:
        head = f"{int(now.mono * 1000) & 0xFFFFFFFFFFFF:012x}{self._entropy(8).hex()}"
        return head + self._seal(head)

    def _seal(self, head: str) -> str:
        return hmac.new(self._key, f"{head}:{self.realm}".encode(), hashlib.sha256).hexdigest()[:32]

    def _issued(self, nonce: str) -> int | None:
        """When the nonce was made, in milliseconds of the monotonic clock; None: not made by us."""
        if _nonce_format.fullmatch(nonce) is None or not hmac.compare_digest(self._seal(nonce[:28]), nonce[28:]):
            return None
        return int(nonce[:12], 16)


class DigestClient:
    """Our log-in at one trunk: answers its challenges and counts the uses of its nonce for the requests that follow."""

    __slots__ = ("_challenge", "_count", "_header", "_password", "username")

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password
        self._challenge: Challenge | None = None
        self._header = ""
        self._count = 0

    def challenged(self, headers: Headers) -> None:
        """Takes the challenge of a 401 or 407: the first whose algorithm and qop we know (RFC 7616 3.7).

        RemoteProtocolError when there is none: the other side must be told nothing, the request has failed.
        """
        for name, answer in (("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization")):
            for value in headers.values.get(name, ()):
                try:
                    challenge = Challenge.parse(value)
                except RemoteProtocolError:
                    continue
                if challenge.scheme != "digest" or challenge.algorithm not in _HASHES or "nonce" not in challenge:
                    continue
                if challenge.qops and "auth" not in challenge.qops:
                    continue
                self._challenge, self._header, self._count = challenge, answer, 0
                return
        raise RemoteProtocolError("no digest challenge that we can answer")

    def authorize(self, method: str, uri: str, entropy: Entropy) -> tuple[str, str] | None:
        """The header for the next request, each call with the next count; None before the first challenge."""
        challenge = self._challenge
        if challenge is None:
            return None
        params = {
            "username": self.username,
            "realm": challenge["realm"],
            "nonce": challenge["nonce"],
            "uri": uri,
            "algorithm": challenge["algorithm"] or "MD5",
        }
        if challenge.qops:
            self._count += 1
            params |= {"cnonce": entropy(8).hex(), "qop": "auth", "nc": f"{self._count:08x}"}
        if "opaque" in challenge:
            params["opaque"] = challenge["opaque"]
        credentials = Credentials("digest", params)
        params["response"] = _response(credentials, challenge.algorithm, method, self._password)
        return self._header, str(credentials)


def respond(headers: Headers, method: str, uri: str, username: str, password: str, entropy: Entropy) -> tuple[str, str]:
    """The header (name, value) that answers the challenge in `headers`, once. For counting over a dialog: DigestClient.

    RemoteProtocolError when no challenge can be answered.
    """
    client = DigestClient(username, password)
    client.challenged(headers)
    header = client.authorize(method, uri, entropy)
    assert header is not None
    return header


def _response(given: Credentials, algorithm: str, method: str, secret: str) -> str:
    """The digest of RFC 7616 3.4.1 over the given parameters."""
    digest = _HASHES[algorithm]
    parts = [digest(f"{given['username']}:{given['realm']}:{secret}".encode("utf-8", "replace")), given["nonce"]]
    if given["qop"]:
        parts += [given["nc"], given["cnonce"], given["qop"]]
    parts.append(digest(f"{method}:{given['uri']}".encode("utf-8", "replace")))
    return digest(":".join(parts).encode("utf-8", "replace"))


def _same_uri(given: str, actual: str) -> bool:
    """Whether the digest's uri means the Request-URI, so that credentials for one call do not let another through.

    As RFC 3261 19.1.4 compares user and host (the parser has resolved escapes and case), with what programs do
    tolerated: port and parameters may be left out or differ (a changed transport, a default port), and the user may be
    left out where only the server is named (SIPp). Another user or host is another URI.
    """
    if given == actual:
        return True
    try:
        theirs, ours = parse_uri(given), parse_uri(actual)
    except RemoteProtocolError:
        return False
    if isinstance(theirs, SipUri) and isinstance(ours, SipUri):
        return theirs.host == ours.host and theirs.user in (ours.user, None)
    return theirs == ours
