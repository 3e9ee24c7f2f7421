"""Who is logged in with a browser: sessions bounded in number, ended by being idle.

They are kept in the store too, so that a restart of the box logs nobody out and a screen on the wall comes back by
itself after a power cut. Of cookie and password only digests are kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from appliance.clock import Entropy, Instant
from appliance.errors import UNREADABLE
from appliance.web.context import Account, SessionStore

IDLE_SECONDS = 12 * 3600.0
LONGEST_SECONDS = 30 * 86400.0
MAX_SESSIONS = 500
MAX_PER_USER = 20
KEEP_SECONDS = 600.0
"""How much younger than its last use a session may be in the store."""


class NoStore:
    """Sessions end with the process."""

    def load(self) -> Mapping[str, bytes]:
        return {}

    def put(self, key: str, data: bytes) -> None:
        """Keeps nothing."""

    def drop(self, key: str) -> None:
        """Has nothing."""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A session in the store; times of the wall clock, since the other one starts anew with the machine."""

    user: str
    password: bytes
    opened: float
    used: float


class Session:
    """One log-in. It ends when the user's password changes, too."""

    __slots__ = ("kept", "key", "opened", "password", "used", "user")

    def __init__(self, key: bytes, user: str, password: bytes, opened: float, used: float) -> None:
        self.key = key
        self.user = user
        self.password = password
        """Digest of the hash that the user's password had."""
        self.opened, self.used = opened, used
        """Monotonic seconds; before this process they may be negative."""
        self.kept = used
        """`used` as the store has it."""

    def still_of(self, account: Account) -> bool:
        """Whether the password is what it was at the log-in."""
        return hmac.compare_digest(self.password, _digest(account.password_hash))


class Sessions:
    """The sessions, least recently used first."""

    def __init__(
        self,
        entropy: Entropy,
        now: Instant,
        store: SessionStore | None = None,
        *,
        limit: int = MAX_SESSIONS,
        per_user: int = MAX_PER_USER,
    ) -> None:
        """Takes over what the store has."""
        self._entropy = entropy
        self._store = store or NoStore()
        self._limit, self._per_user = limit, per_user
        self._rows: OrderedDict[bytes, Session] = OrderedDict()
        self._restore(now)

    def __len__(self) -> int:
        return len(self._rows)

    def open(self, account: Account, now: Instant) -> str:
        """A new session; returns the cookie's value, of which only a digest is kept. The oldest ones make room."""
        secret = base64.urlsafe_b64encode(self._entropy(32)).rstrip(b"=").decode()
        same = [row for row in self._rows.values() if row.user == account.name]
        for old in same[: max(0, len(same) - self._per_user + 1)]:
            self.close(old)
        while len(self._rows) >= self._limit:
            self.close(next(iter(self._rows.values())))
        row = Session(_digest(secret), account.name, _digest(account.password_hash), now.mono, now.mono)
        self._rows[row.key] = row
        self._keep(row, now)
        return secret

    def find(self, secret: str, now: Instant) -> Session | None:
        """The session of this cookie, if it is still good; it counts as used."""
        if not 1 <= len(secret) <= 128:
            return None
        row = self._rows.get(_digest(secret))
        return row if row is not None and self.touch(row, now) else None

    def touch(self, row: Session, now: Instant) -> bool:
        """Counts the session as used now; False when it has ended meanwhile."""
        if self._rows.get(row.key) is not row:
            return False
        if now.mono - row.used > IDLE_SECONDS or now.mono - row.opened > LONGEST_SECONDS:
            self.close(row)
            return False
        row.used = now.mono
        self._rows.move_to_end(row.key)
        if row.used - row.kept > KEEP_SECONDS:
            self._keep(row, now)
        return True

    def close(self, row: Session) -> None:
        """Logs out."""
        if self._rows.pop(row.key, None) is not None:
            self._store.drop(row.key.hex())

    # --- the store ---------------------------------------------------------------------------------------------------
    def _keep(self, row: Session, now: Instant) -> None:
        row.kept = row.used
        started = now.wall - now.mono
        kept = Kept(row.user, row.password, started + row.opened, started + row.used)
        self._store.put(row.key.hex(), msgspec.msgpack.encode(kept))

    def _restore(self, now: Instant) -> None:
        found: list[tuple[bytes, Kept]] = []
        for key, data in self._store.load().items():
            try:
                found.append((bytes.fromhex(key), msgspec.msgpack.decode(data, type=Kept)))
            except (ValueError, *UNREADABLE):
                self._store.drop(key)
        found.sort(key=lambda one: one[1].used)
        for digest, kept in found:
            # A clock that stands before the time of use says nothing: such a session is taken to be in use.
            opened, used = (now.mono - max(0.0, now.wall - at) for at in (kept.opened, kept.used))
            self._rows[digest] = Session(digest, kept.user, kept.password, opened, used)
        for row in list(self._rows.values()):
            late = now.mono - row.used > IDLE_SECONDS or now.mono - row.opened > LONGEST_SECONDS
            if late or len(self._rows) > self._limit:
                self.close(row)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
