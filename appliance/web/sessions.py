"""Who is logged in with a browser: sessions in memory, bounded in number, ended by being idle."""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict

from appliance.clock import Entropy
from appliance.web.context import Account

IDLE_SECONDS = 12 * 3600.0
LONGEST_SECONDS = 30 * 86400.0
MAX_SESSIONS = 500
MAX_PER_USER = 20


class Session:
    """One log-in. It ends when the user's password changes, too."""

    __slots__ = ("key", "opened", "password_hash", "used", "user")

    def __init__(self, key: bytes, account: Account, mono: float) -> None:
        self.key = key
        self.user = account.name
        self.password_hash = account.password_hash
        self.opened = self.used = mono


class Sessions:
    """The sessions, least recently used first. Times are monotonic seconds."""

    def __init__(self, entropy: Entropy, limit: int = MAX_SESSIONS, per_user: int = MAX_PER_USER) -> None:
        self._entropy = entropy
        self._limit, self._per_user = limit, per_user
        self._rows: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def open(self, account: Account, mono: float) -> str:
        """A new session; returns the cookie's value, of which only a digest is kept. The oldest ones make room."""
        secret = base64.urlsafe_b64encode(self._entropy(32)).rstrip(b"=").decode()
        key = _digest(secret)
        same = [row.key for row in self._rows.values() if row.user == account.name]
        for old in same[: max(0, len(same) - self._per_user + 1)]:
            del self._rows[old]
        while len(self._rows) >= self._limit:
            self._rows.popitem(last=False)
        self._rows[key] = Session(key, account, mono)
        return secret

    def find(self, secret: str, mono: float) -> Session | None:
        """The session of this cookie, if it is still good; it counts as used."""
        if not 1 <= len(secret) <= 128:
            return None
        row = self._rows.get(_digest(secret))
        return row if row is not None and self.touch(row, mono) else None

    def touch(self, row: Session, mono: float) -> bool:
        """Counts the session as used now; False when it has ended meanwhile."""
        if self._rows.get(row.key) is not row:
            return False
        if mono - row.used > IDLE_SECONDS or mono - row.opened > LONGEST_SECONDS:
            del self._rows[row.key]
            return False
        row.used = mono
        self._rows.move_to_end(row.key)
        return True

    def close(self, row: Session) -> None:
        """Logs out."""
        self._rows.pop(row.key, None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
