"""Typed header values: frozen, read with `parse`, written with `str` (RFC 3261 sections 20 and 25.1).

Typed values hold no undecodable bytes: display names are scrubbed, everything else is ASCII or an error.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import (
    NO_PARAMS,
    TOKEN_CHARS,
    Params,
    format_params,
    is_token,
    parse_number,
    parse_params,
    quote,
    read_quoted,
    scrub,
    split_list,
    unquote,
)
from appliance.sip.uri import SipUri, Uri, parse_uri

__all__ = [
    "CSeq",
    "MediaType",
    "NameAddr",
    "RAck",
    "Reason",
    "SessionExpires",
    "Via",
    "parse_name_addrs",
    "parse_tokens",
    "parse_vias",
    "split_list",
]

_via = re.compile(
    rf"SIP[ \t]*+/[ \t]*+2\.0[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)[ \t]++"
    r"(\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9._\-]++)(?:[ \t]*+:[ \t]*+([0-9]{1,5}))?[ \t]*+(?=;|$)",
    re.IGNORECASE,
)
_cseq = re.compile(r"([0-9]++)[ \t]++(\S++)")
_rack = re.compile(r"([0-9]++)[ \t]++([0-9]++)[ \t]++(\S++)")
_bare_display = re.compile(r'[^",;:<>\x00-\x08\x0a-\x1f\x7f]*')
_media_type = re.compile(rf"([{TOKEN_CHARS}]++)[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+(?=;|$)")
_token_first = re.compile(rf"([{TOKEN_CHARS}]++)[ \t]*+(?=;|$)")

_CACHED_LENGTH = 200


class NameAddr(msgspec.Struct, frozen=True, gc=False):
    """Who: From, To, Contact, Route and their like (name-addr or addr-spec, with parameters)."""

    display: str
    """Display name fit for showing, quotes resolved; "" when there is none."""
    uri: Uri
    params: Params = NO_PARAMS
    """Header parameters (not those of the URI)."""

    @staticmethod
    def parse(text: str) -> NameAddr:
        """Reads one value. White space inside the angle brackets is an error (RFC 4475 3.1.2.14)."""
        return _cached_name_addr(text) if len(text) <= _CACHED_LENGTH else _parse_name_addr(text)

    def __str__(self) -> str:
        text = f"<{self.uri}>" if not self.display else f"{quote(self.display)} <{self.uri}>"
        return text + format_params(self.params) if self.params else text

    @property
    def tag(self) -> str | None:
        """The tag of From and To; None when there is none yet."""
        return self.params.get("tag")

    @property
    def sip(self) -> SipUri:
        """The URI when it is sip or sips, else RemoteProtocolError 416."""
        if isinstance(self.uri, SipUri):
            return self.uri
        raise RemoteProtocolError("not a SIP URI", 416)

    @property
    def user(self) -> str:
        """User part or telephone number; "" when there is none."""
        return self.uri.user or ""

    def with_tag(self, tag: str) -> NameAddr:
        """The same with this tag."""
        return NameAddr(self.display, self.uri, {**self.params, "tag": tag})


def _parse_name_addr(text: str) -> NameAddr:
    text = text.strip(" \t")
    if text[:1] == '"':
        end = read_quoted(text, 0)
        display = unquote(text[:end])
        start = text.find("<", end)
        if start < 0 or text[end:start].strip(" \t"):
            raise RemoteProtocolError("a display name without an address in angle brackets")
    else:
        start = text.find("<")
        if start < 0:
            return _parse_addr_spec(text)
        display = text[:start].strip(" \t")
        if display:
            if _bare_display.fullmatch(display) is None:
                raise RemoteProtocolError("malformed display name")
            display = scrub(display)
    end = text.find(">", start)
    if end < 0:
        raise RemoteProtocolError("an angle bracket does not end")
    rest = text[end + 1 :]
    return NameAddr(display, parse_uri(text[start + 1 : end]), parse_params(rest) if rest else NO_PARAMS)


def _parse_addr_spec(text: str) -> NameAddr:
    """A URI without brackets: what follows the first semicolon belongs to the header (RFC 3261 section 20)."""
    semicolon = text.find(";")
    if semicolon < 0:
        uri, params = text, NO_PARAMS
    else:
        uri, params = text[:semicolon].rstrip(" \t"), parse_params(text[semicolon:])
    if "?" in uri or "," in uri:
        raise RemoteProtocolError("a URI with a question mark or comma needs angle brackets")
    return NameAddr("", parse_uri(uri), params)


class Via(msgspec.Struct, frozen=True, gc=False):
    """One hop of the way back (RFC 3261 20.42, rport RFC 3581)."""

    transport: str
    """Upper case: UDP, TCP, TLS, WS, …"""
    host: str
    """sent-by host, lower case, an IPv6 address without brackets."""
    port: int | None = None
    params: Params = NO_PARAMS

    @staticmethod
    def parse(text: str) -> Via:
        """Reads one via-parm."""
        return _cached_via(text) if len(text) <= _CACHED_LENGTH else _parse_via(text)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host}{port}{format_params(self.params)}"

    @property
    def branch(self) -> str:
        """The branch parameter; "" when there is none (RFC 2543)."""
        return self.params.get("branch") or ""

    @property
    def received(self) -> str | None:
        """Address that the request came from, as the next hop saw it."""
        return self.params.get("received")

    @property
    def rport(self) -> int | None:
        """Port that the request came from; None when absent, not yet filled in or unusable."""
        value = self.params.get("rport")
        if value is None or not value.isascii() or not value.isdigit() or len(value) > 5:
            return None
        return int(value) if 0 < int(value) < 65536 else None

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asked for the answer at its source port (RFC 3581 section 4)."""
        return "rport" in self.params

    def seen_from(self, address: str, port: int) -> Via:
        """This Via as the server passes it on: with `received`, and `rport` filled in where asked for."""
        params = dict(self.params)
        if "rport" in params:
            params["rport"] = str(port)
            params["received"] = address
        elif self.host != address.lower():
            params["received"] = address
        else:
            return self
        return Via(self.transport, self.host, self.port, params)


def _parse_via(text: str) -> Via:
    text = text.strip(" \t")
    match = _via.match(text)
    if match is None:
        raise RemoteProtocolError("malformed Via")
    transport, host, port_text = match.groups()
    port = None
    if port_text is not None:
        port = int(port_text)
        if not 0 < port < 65536:
            raise RemoteProtocolError("port out of range in Via")
    if host[0] == "[":
        host = host[1:-1]
    return Via(transport.upper(), host.lower(), port, parse_params(text[match.end() :]))


class CSeq(msgspec.Struct, frozen=True, gc=False):
    """Sequence number and method."""

    number: int
    method: str

    @staticmethod
    def parse(text: str) -> CSeq:
        """Reads the value; the number must be below 2**31 (RFC 3261 8.1.1.5)."""
        match = _cseq.fullmatch(text.strip(" \t"))
        if match is None or not is_token(match[2]):
            raise RemoteProtocolError("malformed CSeq")
        return CSeq(parse_number(match[1], "CSeq", 0x7FFFFFFF), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class RAck(msgspec.Struct, frozen=True, gc=False):
    """Which reliable provisional response a PRACK acknowledges (RFC 3262 7.2)."""

    rseq: int
    cseq: int
    method: str

    @staticmethod
    def parse(text: str) -> RAck:
        """Reads the value."""
        match = _rack.fullmatch(text.strip(" \t"))
        if match is None or not is_token(match[3]):
            raise RemoteProtocolError("malformed RAck")
        return RAck(parse_number(match[1], "RAck"), parse_number(match[2], "RAck", 0x7FFFFFFF), match[3])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


class SessionExpires(msgspec.Struct, frozen=True, gc=False):
    """Interval of the session timer and who refreshes (RFC 4028)."""

    seconds: int
    refresher: str | None = None
    """uac or uas; None: left to the other side."""

    @staticmethod
    def parse(text: str) -> SessionExpires:
        """Reads the value; unknown parameters are passed over."""
        number, semicolon, rest = text.partition(";")
        refresher = parse_params(semicolon + rest).get("refresher")
        refresher = refresher.lower() if refresher else None
        return SessionExpires(
            parse_number(number, "Session-Expires"), refresher if refresher in ("uac", "uas") else None
        )

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why a call ended (RFC 3326): `Q.850;cause=16;text="Terminated"`."""

    protocol: str
    cause: int | None = None
    text: str = ""

    @staticmethod
    def parse(text: str) -> Reason:
        """Reads one value."""
        text = text.strip(" \t")
        match = _token_first.match(text)
        if match is None:
            raise RemoteProtocolError("malformed Reason")
        params = parse_params(text[match.end() :])
        cause = params.get("cause")
        return Reason(
            match[1].upper() if match[1].lower() in ("sip", "q.850") else match[1],
            None if cause is None else parse_number(cause, "cause"),
            params.get("text") or "",
        )

    def __str__(self) -> str:
        text = self.protocol
        if self.cause is not None:
            text += f";cause={self.cause}"
        return f"{text};text={quote(self.text)}" if self.text else text


class MediaType(msgspec.Struct, frozen=True, gc=False):
    """Content-Type, or one range of Accept: type and subtype in lower case."""

    type: str
    subtype: str
    params: Params = NO_PARAMS

    @staticmethod
    def parse(text: str) -> MediaType:
        """Reads `application/sdp;charset=utf-8`."""
        text = text.strip(" \t")
        match = _media_type.match(text)
        if match is None:
            raise RemoteProtocolError("malformed media type")
        return MediaType(match[1].lower(), match[2].lower(), parse_params(text[match.end() :]))

    def __str__(self) -> str:
        return f"{self.type}/{self.subtype}{format_params(self.params)}"

    @property
    def name(self) -> str:
        """`application/sdp`, without parameters."""
        return f"{self.type}/{self.subtype}"


# From and To come in every message of a dialog, a Via in each response of a transaction, a Contact with each refresh:
# the latest short ones are remembered. Values never change, so sharing them is safe.
_cached_name_addr = lru_cache(maxsize=1024)(_parse_name_addr)
_cached_via = lru_cache(maxsize=1024)(_parse_via)


def parse_name_addrs(text: str) -> list[NameAddr]:
    """A comma-separated list of addresses (Contact without `*`, Route, Record-Route, Path, P-Asserted-Identity…)."""
    return [NameAddr.parse(piece) for piece in split_list(text)]


def parse_vias(text: str) -> list[Via]:
    """A comma-separated list of Via values."""
    return [Via.parse(piece) for piece in split_list(text)]


def parse_tokens(text: str) -> tuple[str, ...]:
    """A comma-separated list of tokens as written (option tags, methods)."""
    tokens = tuple(piece.strip(" \t") for piece in text.split(",")) if text else ()
    tokens = tuple(token for token in tokens if token)
    for token in tokens:
        if not is_token(token):
            raise RemoteProtocolError("malformed list of tokens")
    return tokens
