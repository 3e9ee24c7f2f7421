"""The headers of digest authentication (RFC 3261 20.7, 20.27, RFC 7616): challenges and credentials."""

from __future__ import annotations

import re

import msgspec

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import TOKEN_CHARS, quote, unquote

_scheme = re.compile(rf"([{TOKEN_CHARS}]++)[ \t]*+")
_pair = re.compile(
    rf'[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+=[ \t]*+("[^"\\]*+(?>(?:\\.[^"\\]*+)*)"|[!#-+\--~]++)[ \t]*+(?>(?:,[ \t]*+)*)',
    re.DOTALL,
)
_UNQUOTED = frozenset(("algorithm", "qop", "nc", "stale"))


class AuthHeader(msgspec.Struct, frozen=True, gc=False):
    """Scheme and parameters; a scheme other than Digest is kept with whatever parameters could be read."""

    scheme: str
    """Lower case."""
    params: dict[str, str]
    """Lower-case names, quotes resolved; of a name given twice the first."""

    @staticmethod
    def parse(text: str) -> AuthHeader:
        """Reads one challenge or one set of credentials."""
        match = _scheme.match(text.strip(" \t"))
        if match is None:
            raise RemoteProtocolError("malformed authentication header")
        rest = text.strip(" \t")[match.end() :]
        params: dict[str, str] = {}
        position = 0
        while position < len(rest):
            pair = _pair.match(rest, position)
            if pair is None:
                if match[1].lower() == "digest":
                    raise RemoteProtocolError("malformed digest parameters")
                break
            params.setdefault(pair[1].lower(), unquote(pair[2]))
            position = pair.end()
        return AuthHeader(match[1].lower(), params)

    def __getitem__(self, name: str) -> str:
        return self.params.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.params


class Challenge(AuthHeader, frozen=True, gc=False):
    """A WWW-Authenticate or Proxy-Authenticate value."""

    @staticmethod
    def parse(text: str) -> Challenge:
        """Reads one challenge."""
        header = AuthHeader.parse(text)
        return Challenge(header.scheme, header.params)

    def __str__(self) -> str:
        return _format(self)

    @property
    def stale(self) -> bool:
        """Whether only the nonce was too old: the password need not be asked for again."""
        return self["stale"].lower() == "true"

    @property
    def algorithm(self) -> str:
        """As written, upper case; MD5 when not said."""
        return self["algorithm"].upper() or "MD5"

    @property
    def qops(self) -> tuple[str, ...]:
        """Qualities of protection offered; empty: the older RFC 2069."""
        return tuple(part for part in (piece.strip().lower() for piece in self["qop"].split(",")) if part)


class Credentials(AuthHeader, frozen=True, gc=False):
    """An Authorization or Proxy-Authorization value."""

    @staticmethod
    def parse(text: str) -> Credentials:
        """Reads one set of credentials."""
        header = AuthHeader.parse(text)
        return Credentials(header.scheme, header.params)

    def __str__(self) -> str:
        # qop is quoted in challenges only (RFC 7616 3.4), and old servers mind.
        return _format(self)


def _format(header: Challenge | Credentials) -> str:
    bare = _UNQUOTED if isinstance(header, Credentials) else _UNQUOTED - {"qop"}
    parts = [f"{name}={value}" if name in bare else f"{name}={quote(value)}" for name, value in header.params.items()]
    return "Digest " + ", ".join(parts)
