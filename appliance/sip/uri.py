"""SIP, tel and other URIs (RFC 3261 section 19, RFC 3966)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

import msgspec

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import NO_PARAMS, Params

# user = 1*( unreserved / escaped / user-unreserved ). "#" and a few others belong escaped, but phones send them bare.
_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/%#^`{|}\[\]]"
_PASSWORD = r"[A-Za-z0-9\-_.!~*'()&=+$,%]"
_PARAM = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$%]"
# A value may hold "=" and "@" bare: the padding of base64, a user at a host. Against the grammar, but phones do it.
_VALUE = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$%=@]"
_HEADER = r"[A-Za-z0-9\-_.!~*'()\[\]/?:+$%]"
_sip = re.compile(
    rf"(?:({_USER}++)(?::({_PASSWORD}*+))?@)?"
    r"(\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9._\-]++)(?::([0-9]{1,5}))?"
    rf"((?>(?:;{_PARAM}++(?:={_VALUE}++)?)*))"
    rf"(?:\?({_HEADER}++={_HEADER}*+(?>(?:&{_HEADER}++={_HEADER}*+)*)))?"
)
_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):([!-;=?-~]++)")
_tel = re.compile(rf"(\+?[0-9A-Fa-f*#().\-]++)((?>(?:;{_PARAM}++(?:={_VALUE}++)?)*))")
_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})")
_separators = str.maketrans("", "", "-.() ")

_not_user = re.compile(r"[^A-Za-z0-9\-_.!~*'()&=+$,;?/]")
_not_password = re.compile(r"[^A-Za-z0-9\-_.!~*'()&=+$,]")
_not_param = re.compile(r"[^A-Za-z0-9\-_.!~*'()\[\]/:&+$]")
_not_value = re.compile(r"[^A-Za-z0-9\-_.!~*'()\[\]/:&+$=@]")
_not_header = re.compile(r"[^A-Za-z0-9\-_.!~*'()\[\]/?:+$]")

_CACHED_LENGTH = 200
_MUST_AGREE = ("user", "ttl", "method", "maddr", "transport")


class SipUri(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A sip or sips URI. Equality is that of RFC 3261 section 19.1.4; `str` writes it with the escapes it needs."""

    scheme: str
    """sip or sips"""
    user: str | None
    """Escapes resolved; None when there is no user part. May hold any character, NUL included."""
    host: str
    """Lower case; an IPv6 address without its brackets."""
    port: int | None = None
    params: Params = NO_PARAMS
    """URI parameters, escapes resolved."""
    headers: tuple[tuple[str, str], ...] = ()
    """What follows the question mark, escapes resolved."""
    password: str | None = None

    @staticmethod
    def parse(text: str) -> SipUri:
        """Reads a sip or sips URI; any other is an error."""
        uri = parse_uri(text)
        if not isinstance(uri, SipUri):
            raise RemoteProtocolError("not a SIP URI", 416)
        return uri

    def __str__(self) -> str:
        text = self.scheme + ":"
        if self.user is not None:
            text += _escape(self.user, _not_user)
            if self.password is not None:
                text += ":" + _escape(self.password, _not_password)
            text += "@"
        text += f"[{self.host}]" if ":" in self.host else self.host
        if self.port is not None:
            text += f":{self.port}"
        for name, value in self.params.items():
            text += ";" + _escape(name, _not_param)
            if value is not None:
                text += "=" + _escape(value, _not_value)
        if self.headers:
            pairs = (f"{_escape(name, _not_header)}={_escape(value, _not_header)}" for name, value in self.headers)
            text += "?" + "&".join(pairs)
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SipUri):
            return NotImplemented
        return (
            self.scheme == other.scheme
            and self.user == other.user
            and self.host == other.host
            and self.port == other.port
            and self.password == other.password
            and (self.params == other.params or _params_agree(self.params, other.params))
            and (self.headers == other.headers or _header_set(self) == _header_set(other))
        )

    def __hash__(self) -> int:
        return hash((self.scheme, self.user, self.host, self.port))

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case."""
        value = self.params.get("transport")
        return value.lower() if value else None

    @property
    def address(self) -> SipUri:
        """The address of record: scheme, user and host alone."""
        return SipUri(self.scheme, self.user, self.host)


class TelUri(msgspec.Struct, frozen=True, gc=False):
    """A telephone number (RFC 3966)."""

    number: str
    """Without visual separators; starts with + when global."""
    params: Params = NO_PARAMS

    def __str__(self) -> str:
        text = "tel:" + self.number
        for name, value in self.params.items():
            text += ";" + _escape(name, _not_param)
            if value is not None:
                text += "=" + _escape(value, _not_value)
        return text

    def __hash__(self) -> int:
        return hash(self.number)

    @property
    def user(self) -> str:
        """The number, so that a caller's number is found alike in both kinds of URI."""
        return self.number


class OtherUri(msgspec.Struct, frozen=True, gc=False):
    """A URI of a scheme that the box does not use; answered 416 as a Request-URI."""

    scheme: str
    """Lower case."""
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"

    @property
    def user(self) -> None:
        """Nobody the box knows."""
        return None


Uri = SipUri | TelUri | OtherUri


def parse_uri(text: str) -> Uri:
    """Reads a URI; RemoteProtocolError when it is none."""
    return _cached_parse(text) if len(text) <= _CACHED_LENGTH else _parse(text)


def _parse(text: str) -> Uri:
    match = _scheme.fullmatch(text)
    if match is None:
        raise RemoteProtocolError("malformed URI")
    scheme, rest = match[1].lower(), match[2]
    if scheme in ("sip", "sips"):
        return _parse_sip(scheme, rest)
    if scheme == "tel":
        match = _tel.fullmatch(rest)
        if match is None:
            raise RemoteProtocolError("malformed tel URI")
        number = match[1].translate(_separators)
        if not number.strip("+"):
            raise RemoteProtocolError("a tel URI without a number")
        if _bad_escape.search(match[2]):
            raise RemoteProtocolError("malformed escape in a URI")
        return TelUri(number, _parse_params(match[2]))
    return OtherUri(scheme, rest)


# The same phones call and register over and over: a thousand short URIs are remembered, long ones never.
_cached_parse = lru_cache(maxsize=1024)(_parse)


def _parse_sip(scheme: str, rest: str) -> SipUri:
    match = _sip.fullmatch(rest)
    if match is None:
        raise RemoteProtocolError("malformed SIP URI")
    user, password, host, port_text, param_text, header_text = match.groups()
    if "%" in rest:
        if _bad_escape.search(rest):
            raise RemoteProtocolError("malformed escape in a URI")
        user = user and _unescape(user)
        password = password and _unescape(password)
    port = None
    if port_text is not None:
        port = int(port_text)
        if not 0 < port < 65536:
            raise RemoteProtocolError("port out of range in a URI")
    if host[0] == "[":
        host = _ipv6(host[1:-1])
    params = _parse_params(param_text) if param_text else NO_PARAMS
    headers: tuple[tuple[str, str], ...] = ()
    if header_text:
        pairs = (pair.partition("=") for pair in header_text.split("&"))
        headers = tuple((_unescape(name), _unescape(value)) for name, _, value in pairs)
    return SipUri(scheme, user, host.lower(), port, params, headers, password)


@lru_cache(maxsize=256)
def _ipv6(text: str) -> str:
    """An address as the kernel writes it, so that two ways of writing it are one host (RFC 5952)."""
    try:
        return str(IPv6Address(text))
    except ValueError:
        return text


def _parse_params(text: str) -> Params:
    params: dict[str, str | None] = {}
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        params.setdefault(_unescape(name).lower(), _unescape(value) if equals else None)
    return params


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError("an escaped part of a URI is not UTF-8") from None


def _escape(text: str, forbidden: re.Pattern[str]) -> str:
    if forbidden.search(text) is None:
        return text
    return forbidden.sub(_percent, text)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _params_agree(left: Params, right: Params) -> bool:
    """Parameters in both must match; of those in one only, some must not be missing in the other."""
    for name, value in left.items():
        if name in right:
            theirs = right[name]
            if (value or "").lower() != (theirs or "").lower():
                return False
        elif name in _MUST_AGREE:
            return False
    return not any(name in _MUST_AGREE and name not in left for name in right)


def _header_set(uri: SipUri) -> frozenset[tuple[str, str]]:
    return frozenset((name.lower(), value) for name, value in uri.headers)
