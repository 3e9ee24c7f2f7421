"""Who asks, and whether the page that asks is ours."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web

from appliance.web.context import Account, WebContext
from appliance.web.problem import Problem
from appliance.web.route import Principal
from appliance.web.sessions import Session, Sessions

COOKIE = "hako_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""By HTTPS. Cookies know no ports: one name for both would have the browser refuse the log-in by HTTP once a secure
cookie of that name is there. By HTTPS the plain one counts as well, so that who changes over stays logged in."""
ROLES = frozenset({"admin", "supervisor", "agent", "wallboard"})


class Doorkeeper:
    """Finds the one who asks, by bearer token or by cookie. Users are looked up each time: changes count at once."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self.sessions = Sessions(context.entropy, context.clock(), context.sessions)

    def identify(self, request: web.Request) -> Principal | None:
        """None: not logged in. Problem 401: a token that is not good (the cookie is not tried then)."""
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, secret = header.partition(" ")
            account = self._context.accounts.token(secret.strip()) if scheme.lower() == "bearer" else None
            if account is None or account.role not in ROLES:
                raise unauthenticated("This token is not valid.")
            return principal(account, bearer=True)
        session = self.session(request)
        return self.who(session) if session is not None else None

    def session(self, request: web.Request) -> Session | None:
        """The session of the request's cookie."""
        return next(iter(self.given(request)), None)

    def given(self, request: web.Request) -> list[Session]:
        """The sessions of all cookies of the request, the one that counts first."""
        now = self._context.clock()
        secrets = [request.cookies.get(name) for name in ((SECURE_COOKIE, COOKIE) if request.secure else (COOKIE,))]
        found = [self.sessions.find(secret, now) for secret in secrets if secret]
        return [session for session in found if session is not None]

    def who(self, session: Session) -> Principal | None:
        """The session's user as configured now; None (and the session ends) when removed or given another password."""
        account = self._context.accounts.user(session.user)
        if account is None or not session.still_of(account) or account.role not in ROLES:
            self.sessions.close(session)
            return None
        return principal(account, bearer=False)

    def watch(self, request: web.Request, who: Principal) -> Callable[[], bool]:
        """How an open connection asks whether the log-in it was made with still holds; asking counts as use."""
        if who.bearer:
            secret = request.headers["Authorization"].partition(" ")[2].strip()

            def token_holds() -> bool:
                account = self._context.accounts.token(secret)
                return account is not None and principal(account, bearer=True) == who

            return token_holds
        session = self.session(request)
        return lambda: session is not None and self._holds(session, who)

    def _holds(self, session: Session, who: Principal) -> bool:
        return self.sessions.touch(session, self._context.clock()) and self.who(session) == who


def principal(account: Account, *, bearer: bool) -> Principal:
    """The account as the one who asks."""
    return Principal(
        name=account.name,
        role=account.role,
        by=f"{'api' if bearer else 'web'}:{account.name}",
        agent=account.agent,
        language=account.language,
        bearer=bearer,
    )


def unauthenticated(message: str = "Log in first.") -> Problem:
    return Problem(401, "unauthenticated", message, headers={"WWW-Authenticate": 'Bearer realm="hako"'})


def check_origin(request: web.Request) -> None:
    """Problem 403 when a page of another site made the browser ask.

    Browsers say where such a request comes from; what says nothing of it is a program, which has no borrowed cookie.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        same = request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
    else:
        scheme = origin.partition("://")[0]
        ours = _authority(f"{scheme}://{request.headers.get('Host', '')}")
        same = ours is not None and _authority(origin) == ours
    if not same:
        raise Problem(403, "foreign_origin", "This request was made by a page of another site.")


def _authority(url: str) -> tuple[str, int] | None:
    """Host and port of a URL; None when it has none (`null`, damaged)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return host, port or (443 if parts.scheme == "https" else 80)
