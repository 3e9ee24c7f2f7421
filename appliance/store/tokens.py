"""API tokens: shown once, kept as a digest. A token is 256 random bits, so a plain SHA-256 of it gives nothing away."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.clock import Entropy, rfc3339
from appliance.errors import CommandError
from appliance.store.config import ConfigStore

PREFIX: Final = "hako_"
ROLES: Final = ("admin", "supervisor", "agent", "wallboard")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """Who a token speaks for."""

    id: int
    name: str
    role: str
    created: str
    """RFC 3339"""


class Tokens:
    """The tokens of a box, held in memory; changes go to `config.json` at once."""

    def __init__(self, config: ConfigStore, entropy: Entropy, clock: Callable[[], float]) -> None:
        self._table = config.database.table("tokens")
        self._entropy, self._clock = entropy, clock
        self._lock = config.lock
        self._by_digest: dict[str, Token] = {}
        for document in self._table.all():
            token = Token(
                id=document.doc_id,
                name=str(document.get("name", "")),
                role=str(document.get("role", "")),
                created=str(document.get("created", "")),
            )
            self._by_digest[str(document.get("digest", ""))] = token

    def create(self, name: str, role: str) -> str:
        """Makes a token and returns its secret, the only time it is seen. Raises CommandError, StoreError."""
        if role not in ROLES:
            roles = ", ".join(ROLES)
            ja = f"「{role}」という権限はありません。{roles} のどれかです"
            raise CommandError("bad-role", f'unknown role "{role}"; one of {roles}', "role", ja)
        if not name.strip() or len(name) > 80:
            ja = "トークンには 80 文字以内の名前が必要です"
            raise CommandError("bad-name", "a token needs a name of at most 80 characters", "name", ja)
        with self._lock:
            if any(token.name == name for token in self._by_digest.values()):
                ja = f"トークン「{name}」はすでにあります"
                raise CommandError("name-taken", f'there is a token "{name}" already', "name", ja)
            secret = PREFIX + base64.urlsafe_b64encode(self._entropy(32)).rstrip(b"=").decode()
            fields = {"name": name, "role": role, "digest": _digest(secret), "created": rfc3339(self._clock())}
            number = self._table.insert(dict(fields))
            self._by_digest[fields["digest"]] = Token(id=number, name=name, role=role, created=fields["created"])
        return secret

    def check(self, secret: str) -> Token | None:
        """Whose token this is; None: nobody's. A dictionary access, for the event loop."""
        return self._by_digest.get(_digest(secret)) if len(secret) < 200 else None

    def list(self) -> tuple[Token, ...]:
        """Every token, oldest first."""
        return tuple(sorted(self._by_digest.values(), key=lambda token: token.id))

    def revoke(self, name: str) -> None:
        """Makes a token worthless. Raises CommandError when there is none of that name."""
        with self._lock:
            for digest, token in self._by_digest.items():
                if token.name == name:
                    self._table.remove(doc_ids=[token.id])
                    del self._by_digest[digest]
                    return
        ja = f"トークン「{name}」はありません"
        raise CommandError("unknown-token", f'there is no token "{name}"', "name", ja)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
