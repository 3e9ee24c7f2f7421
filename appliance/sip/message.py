"""Requests and responses: raw header values in order, typed views made when somebody asks for them.

Raw values are text as it came (unfolded; bytes that are not UTF-8 as surrogate escapes), so that what is echoed or
passed on is byte for byte what was sent. Typed properties of what `parse_message` returned do not raise: it has read
those that matter, and of the others (Supported, Allow, Reason, P-Asserted-Identity, …) unreadable values are left out.
Only `vias` may raise RemoteProtocolError, for the hops behind the top one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar, cast

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import is_token, parse_number, scrub, split_list
from appliance.sip.header import CSeq, MediaType, NameAddr, RAck, Reason, SessionExpires, Via, parse_tokens
from appliance.sip.headers import Headers
from appliance.sip.names import REASONS
from appliance.sip.uri import Uri, parse_uri

__all__ = ["NEEDED", "Headers", "Message", "Request", "Response"]

T = TypeVar("T")

_call_id = re.compile(r"[!-~]+")
_tag_param = re.compile(r";[ \t]*tag[ \t]*=", re.IGNORECASE)


class _Message:
    """What requests and responses share."""

    __slots__ = ("body", "headers")

    headers: Headers
    body: bytes

    def _read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The first value of a header, parsed once."""
        headers = self.headers
        cached = headers.typed.get(name)
        if cached is None:
            values = headers.values.get(name)
            if not values:
                return None
            cached = headers.typed[name] = parse(values[0])
        return cast(T, cached)

    def _read_all(self, name: str, parse: Callable[[list[str]], tuple[T, ...]]) -> tuple[T, ...]:
        """All values of a list header, parsed once."""
        headers = self.headers
        if name not in headers.values:
            return ()
        cached = headers.typed.get(name)
        if cached is None:
            cached = headers.typed[name] = parse(headers.get_all(name))
        return cast("tuple[T, ...]", cached)

    @property
    def via(self) -> Via:
        """The top Via."""
        return _required(self._read("Via", _parse_top_via), "Via")

    @property
    def vias(self) -> list[Via]:
        """All Vias, top first."""
        return [Via.parse(value) for value in self.headers.get_all("Via")]

    @property
    def from_(self) -> NameAddr:
        """Who sent the request."""
        return _required(self._read("From", NameAddr.parse), "From")

    @property
    def to(self) -> NameAddr:
        """Who the request was meant for."""
        return _required(self._read("To", NameAddr.parse), "To")

    @property
    def call_id(self) -> str:
        """Call-ID: visible ASCII without spaces."""
        return _required(self._read("Call-ID", _parse_call_id), "Call-ID")

    @property
    def cseq(self) -> CSeq:
        """Sequence number and method."""
        return _required(self._read("CSeq", CSeq.parse), "CSeq")

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """Contact addresses; empty for `Contact: *`, which `contact_star` tells."""
        return self._read_all("Contact", _parse_contacts)

    @property
    def contact_star(self) -> bool:
        """Whether Contact is `*` (all bindings, RFC 3261 10.2.2)."""
        return self.headers.get("Contact") == "*"

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        """Route set of the request, next hop first."""
        return self._read_all("Route", _parse_addresses)

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        """Record-Route as it stands."""
        return self._read_all("Record-Route", _parse_addresses)

    @property
    def paths(self) -> tuple[NameAddr, ...]:
        """Path of a registration (RFC 3327)."""
        return self._read_all("Path", _parse_addresses)

    @property
    def asserted_identities(self) -> tuple[NameAddr, ...]:
        """P-Asserted-Identity (RFC 3325); only to be believed from a trusted peer."""
        return self._read_all("P-Asserted-Identity", _parse_identities)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Reason values (RFC 3326)."""
        return self._read_all("Reason", _parse_reasons)

    @property
    def max_forwards(self) -> int | None:
        """Hops left, at most 255 (RFC 3261 20.22); None when not said."""
        return self._read("Max-Forwards", _parse_max_forwards)

    @property
    def expires(self) -> int | None:
        """Seconds, at most 2**32-1; None when absent or unreadable: then the default counts (10.3)."""
        return self._read_lenient("Expires")

    @property
    def min_expires(self) -> int | None:
        """Min-Expires of a 423, in seconds."""
        return self._read_lenient("Min-Expires")

    @property
    def retry_after(self) -> int | None:
        """Retry-After in seconds, comment and parameters left out; None when absent or unreadable."""
        return self._read_lenient("Retry-After")

    @property
    def require(self) -> tuple[str, ...]:
        """Option tags of Require, lower case."""
        return self._read_all("Require", _parse_required_options)

    @property
    def supported(self) -> tuple[str, ...]:
        """Option tags of Supported, lower case."""
        return self._read_all("Supported", _parse_options)

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Option tags of Unsupported, lower case."""
        return self._read_all("Unsupported", _parse_options)

    @property
    def allow(self) -> tuple[str, ...]:
        """Methods of Allow."""
        return self._read_all("Allow", _parse_token_list)

    @property
    def accept(self) -> tuple[MediaType, ...] | None:
        """Media ranges of Accept; None when the header is absent (then application/sdp is meant, RFC 3261 20.1)."""
        return None if "Accept" not in self.headers.values else self._read_all("Accept", _parse_media_types)

    @property
    def content_type(self) -> MediaType | None:
        """Type of the body."""
        return self._read("Content-Type", MediaType.parse)

    @property
    def content_encodings(self) -> tuple[str, ...]:
        """Content codings of the body, lower case, `identity` left out."""
        return tuple(option for option in self._read_all("Content-Encoding", _parse_options) if option != "identity")

    @property
    def session_expires(self) -> SessionExpires | None:
        """Session timer asked for or agreed."""
        return self._read("Session-Expires", SessionExpires.parse)

    @property
    def min_se(self) -> int | None:
        """Smallest session interval, in seconds."""
        return self._read("Min-SE", _parse_min_se)

    @property
    def rack(self) -> RAck | None:
        """What a PRACK acknowledges."""
        return self._read("RAck", RAck.parse)

    @property
    def rseq(self) -> int | None:
        """Number of a reliable provisional response."""
        return self._read("RSeq", _parse_rseq)

    @property
    def user_agent(self) -> str:
        """User-Agent of a request, Server of a response, fit for showing; "" when not said."""
        return scrub(self.headers.get("User-Agent") or self.headers.get("Server") or "")

    def _read_lenient(self, name: str) -> int | None:
        value = self.headers.get(name)
        digits = value.split(";", 1)[0].split("(", 1)[0].strip(" \t") if value else ""
        if not digits.isascii() or not digits.isdigit():
            return None
        # RFC 3261 20.19 allows up to 2**32-1; more is as good as that (RFC 4475 3.1.2.4).
        return int(digits) if len(digits) <= 9 else min(int(digits[:20]), 0xFFFFFFFF)

    def _encode(self, start_line: str) -> bytes:
        body = self.body
        lines = [start_line]
        for name, values in self.headers.values.items():
            if name != "Content-Length":
                for value in values:
                    lines.append(f"{name}: {value}")  # noqa: PERF401 - a comprehension is slower for one value a name
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


class Request(_Message):
    """A SIP request. `uri` is the Request-URI as text."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers | None = None, body: bytes = b"") -> None:
        self.method = method
        self.uri = uri
        self.headers = Headers() if headers is None else headers
        self.body = body

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"

    @property
    def request_uri(self) -> Uri:
        """The Request-URI, parsed."""
        return parse_uri(self.uri)

    def encode(self) -> bytes:
        """The message as bytes, Content-Length included."""
        return self._encode(f"{self.method} {self.uri} SIP/2.0")

    def reply(self, status: int, reason: str | None = None, to_tag: str | None = None) -> Response:
        """A response with Via, From, To, Call-ID and CSeq of this request (RFC 3261 8.2.6).

        `to_tag` is added unless To has a tag already; a 100 gets none.
        """
        theirs = self.headers.values
        headers = Headers()
        values = headers.values
        if "Via" in theirs:
            values["Via"] = list(theirs["Via"])
        for name in ("From", "To", "Call-ID", "CSeq"):
            if name in theirs:
                values[name] = theirs[name][:1]
        if status == 100:
            if "Timestamp" in theirs:
                values["Timestamp"] = theirs["Timestamp"][:1]
        elif to_tag and "To" in values and _tag_param.search(values["To"][0]) is None:
            values["To"] = [f"{values['To'][0]};tag={to_tag}"]
        return Response(status, reason, headers)


class Response(_Message):
    """A SIP response."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str | None = None, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        self.status = status
        self.reason = REASONS.get(status, "") if reason is None else reason
        """Reason phrase; the usual one when none is given."""
        self.headers = Headers() if headers is None else headers
        self.body = body

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"

    def encode(self) -> bytes:
        """The message as bytes, Content-Length included."""
        return self._encode(f"SIP/2.0 {self.status} {self.reason}")


Message = Request | Response


def _required(value: T | None, name: str) -> T:
    if value is None:
        raise RemoteProtocolError(f"{name} is missing")
    return value


def _parse_top_via(text: str) -> Via:
    if "," not in text:
        return Via.parse(text)
    pieces = split_list(text)
    if not pieces:
        raise RemoteProtocolError("malformed Via")
    return Via.parse(pieces[0])


def _parse_call_id(text: str) -> str:
    if _call_id.fullmatch(text) is None:
        raise RemoteProtocolError("malformed Call-ID")
    return text


NEEDED: dict[str, Callable[[str], object]] = {
    "Via": _parse_top_via,
    "From": NameAddr.parse,
    "To": NameAddr.parse,
    "Call-ID": _parse_call_id,
    "CSeq": CSeq.parse,
}
"""What every message must have (RFC 3261 8.1.1), and how the typed property of that name is read."""


def _parse_contacts(values: list[str]) -> tuple[NameAddr, ...]:
    if "*" in values:
        if len(values) > 1:
            raise RemoteProtocolError("Contact: * beside other contacts")
        return ()
    return tuple(NameAddr.parse(value) for value in values)


def _parse_addresses(values: list[str]) -> tuple[NameAddr, ...]:
    return tuple(NameAddr.parse(value) for value in values)


def _readable(parse: Callable[[str], T], values: list[str]) -> tuple[T, ...]:
    """The values that can be read."""
    found = []
    for value in values:
        try:
            found.append(parse(value))
        except RemoteProtocolError:
            continue
    return tuple(found)


def _parse_identities(values: list[str]) -> tuple[NameAddr, ...]:
    return _readable(NameAddr.parse, values)


def _parse_reasons(values: list[str]) -> tuple[Reason, ...]:
    return _readable(Reason.parse, values)


def _parse_media_types(values: list[str]) -> tuple[MediaType, ...]:
    return _readable(MediaType.parse, values)


def _parse_required_options(values: list[str]) -> tuple[str, ...]:
    return tuple(value.lower() for value in parse_tokens(",".join(values)))


def _parse_options(values: list[str]) -> tuple[str, ...]:
    return tuple(value.strip(" \t").lower() for value in values if is_token(value.strip(" \t")))


def _parse_token_list(values: list[str]) -> tuple[str, ...]:
    return tuple(value.strip(" \t") for value in values if is_token(value.strip(" \t")))


def _parse_max_forwards(text: str) -> int:
    return parse_number(text, "Max-Forwards", 255)


def _parse_min_se(text: str) -> int:
    return parse_number(text.split(";", 1)[0], "Min-SE")


def _parse_rseq(text: str) -> int:
    return parse_number(text, "RSeq")
