"""Bytes to messages: datagrams and streams, with limits (RFC 3261 sections 7 and 18.3, RFC 5626 keep-alives)."""

from __future__ import annotations

import re
from collections.abc import Callable

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import scrub
from appliance.sip.message import NEEDED, Headers, Message, Request, Response
from appliance.sip.names import CANONICAL, METHODS, canonical
from appliance.sip.uri import SipUri

MAX_MESSAGE = 65535
"""Bytes of one message, body included."""
MAX_LINES = 200
"""Header lines of one message."""

_request_line = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]{1,64}) ([!-~]++) SIP/2\.0", re.IGNORECASE)
_status_line = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.IGNORECASE | re.DOTALL)
_version = re.compile(r"SIP/[0-9]{1,5}\.[0-9]{1,5}", re.IGNORECASE)
_method = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]{1,64}")
_fold = re.compile(r"\r\n[ \t]++")
_name = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]++)[ \t]*+")
_length_lines = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:[ \t]*+([^\r\n]*+)", re.IGNORECASE)

_SINGLE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Type")
"""Headers that may come once only (RFC 3261 7.3.1; Content-Length twice with the same value is let pass)."""
_CHECKED: dict[str, Callable[[Message], object]] = {
    "Contact": lambda message: message.contacts,
    "Content-Type": lambda message: message.content_type,
    "Min-SE": lambda message: message.min_se,
    "Path": lambda message: message.paths,
    "RAck": lambda message: message.rack,
    "Record-Route": lambda message: message.record_routes,
    "Require": lambda message: message.require,
    "Route": lambda message: message.routes,
    "RSeq": lambda message: message.rseq,
    "Session-Expires": lambda message: message.session_expires,
}
"""What is read at once where it is present, so that these properties never raise later."""


class MalformedMessage(RemoteProtocolError):
    """What came is no valid message. `partial` can be answered: `partial.reply(status)`; None: drop it in silence.

    Never set for responses and ACK, which are not answered (RFC 3261 8.1.3, 17.1.1.3).
    """

    def __init__(self, message: str, status: int = 400, partial: Request | None = None) -> None:
        super().__init__(message, status)
        self.partial = partial


class Ping:
    """A keep-alive on a stream (RFC 5626 4.4.1): answer with CRLF."""

    __slots__ = ()


PING = Ping()
_PING_OCTETS = b"\r\n\r\n"
PONG = b"\r\n"
"""The answer to a ping on a stream."""


def is_keep_alive(data: bytes) -> bool:
    """Whether a datagram is nothing but filler that phones send to keep a NAT open; it is dropped."""
    return not data.strip(b"\r\n\0 \t")


def parse_message(data: bytes, stream: bool = False) -> Message:
    """Reads one message; raises MalformedMessage and nothing else.

    `stream`: `data` is a frame of StreamFramer. In a datagram, bytes after Content-Length are dropped and a missing
    Content-Length means the rest (RFC 3261 18.3). Text that is not UTF-8 is kept as surrogate escapes.
    """
    message: Message | None = None
    try:
        if len(data) > MAX_MESSAGE:
            raise RemoteProtocolError("the message is too large", 513)
        if data[:1] in (b"\r", b"\n"):
            data = data.lstrip(b"\r\n")
        head, separator, body = data.partition(b"\r\n\r\n")
        if not separator:
            raise RemoteProtocolError("the headers do not end")
        start, _, rest = _decode(head).partition("\r\n")
        message, trouble = _parse_start(start)
        repeated = _parse_headers(rest, message.headers.values)
        if trouble is not None:
            raise trouble
        message.body = _cut_body(message.headers, body, stream)
        _check(message, repeated)
        return message
    except RemoteProtocolError as error:
        raise MalformedMessage(str(error), error.status, _answerable(message)) from None


def _decode(head: bytes) -> str:
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("utf-8", "surrogateescape")


def _parse_start(line: str) -> tuple[Message, RemoteProtocolError | None]:
    """The message of this start line, and what is wrong with the line if it can be answered nevertheless."""
    match = _request_line.fullmatch(line)
    if match is not None:
        return Request(match[1], match[2]), None
    match = _status_line.fullmatch(line)
    if match is not None:
        return Response(int(match[1]), scrub(match[2] or "")), None
    method, _, rest = line.strip(" \t").partition(" ")
    uri, _, version = rest.rpartition(" ")
    if _method.fullmatch(method) is None or _version.fullmatch(version) is None:
        raise RemoteProtocolError("neither a request nor a response")
    if version[4:] != "2.0":
        return Request(method, uri), RemoteProtocolError("unknown SIP version", 505)
    return Request(method, uri), RemoteProtocolError("malformed request line")


def _parse_headers(text: str, values: dict[str, list[str]]) -> bool:
    """Fills `values` (as `Headers.values`); whether any name came more than once."""
    if not text:
        return False
    if "\r\n " in text or "\r\n\t" in text:
        text = _fold.sub(" ", text)
    lines = text.split("\r\n")
    if len(lines) > MAX_LINES:
        raise RemoteProtocolError("too many header lines", 513)
    repeated = False
    for line in lines:
        name, colon, value = line.partition(":")
        known = CANONICAL.get(name)
        if known is None or not colon:
            match = _name.fullmatch(name)
            if match is None or not colon:
                raise RemoteProtocolError("malformed header line")
            known = canonical(match[1])
        value = value.strip(" \t")
        if known in values:
            values[known].append(value)
            repeated = True
        else:
            values[known] = [value]
    if not len(lines) - 1 == text.count("\n") == text.count("\r"):
        raise RemoteProtocolError("a bare line end in a header")
    return repeated


def _cut_body(headers: Headers, body: bytes, stream: bool) -> bytes:
    lengths = headers.values.get("Content-Length")
    if lengths is None:
        return b"" if stream else body
    if len(set(lengths)) > 1:
        raise RemoteProtocolError("several Content-Length")
    text = lengths[0]
    if not text.isascii() or not text.isdigit():
        raise RemoteProtocolError("Content-Length is not a number")
    if len(text) > 9 or int(text) > len(body):
        raise RemoteProtocolError("the body is shorter than Content-Length")
    length = int(text)
    return body if length == len(body) else body[:length]


def _check(message: Message, repeated: bool) -> None:
    """Reads what transactions, dialogs and sessions go by, and refuses what would make two readers differ."""
    values = message.headers.values
    if repeated:
        for name in _SINGLE:
            if len(values.get(name, ())) > 1:
                raise RemoteProtocolError(f"several {name}")
    typed = message.headers.typed
    for name, parse in NEEDED.items():
        if name not in values:
            raise RemoteProtocolError(f"{name} is missing")
        typed[name] = parse(values[name][0])
    for name in _CHECKED.keys() & values.keys():
        _CHECKED[name](message)
    if isinstance(message, Request):
        if message.cseq.method != message.method:
            # RFC 4475 3.1.2.18: an unknown method goes before the mismatch.
            raise RemoteProtocolError("the method of CSeq differs", 400 if message.method in METHODS else 501)
        uri = message.request_uri
        if isinstance(uri, SipUri) and uri.headers:
            raise RemoteProtocolError("headers in the Request-URI")
        _ = message.max_forwards


def _answerable(message: Message | None) -> Request | None:
    if isinstance(message, Request) and message.method != "ACK" and "Via" in message.headers.values:
        return message
    return None


class StreamFramer:
    """Cuts a stream into messages by Content-Length; holds at most one message."""

    __slots__ = ("_buffer", "_line_ends", "_lost", "_need", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._line_ends = 0
        """How many octets of a ping have come."""
        self._scanned = 0
        self._need = 0
        self._lost = False

    def feed(self, data: bytes) -> list[bytes | Ping]:
        """The frames that are complete now, each for `parse_message(frame, stream=True)`.

        RemoteProtocolError: the boundaries are lost and the connection must be closed; frames before the fault were
        returned by earlier calls, or are in the error's `frames`.
        """
        frames: list[bytes | Ping] = []
        try:
            self._feed(data, frames)
        except RemoteProtocolError as error:
            self._lost = True
            self._buffer.clear()
            raise FramingLost(str(error), error.status, frames) from None
        return frames

    def _feed(self, data: bytes, frames: list[bytes | Ping]) -> None:
        if self._lost:
            raise RemoteProtocolError("framing was lost before")
        buffer = self._buffer
        buffer += data
        while buffer:
            if not self._need:
                if self._skip_line_ends(frames):
                    return
                self._line_ends = 0
                end = buffer.find(b"\r\n\r\n", self._scanned)
                if end < 0:
                    if len(buffer) > MAX_MESSAGE:
                        raise RemoteProtocolError("the headers do not end", 513)
                    self._scanned = max(0, len(buffer) - 3)
                    return
                self._need = end + 4 + _content_length(bytes(buffer[: end + 2]))
                if self._need > MAX_MESSAGE:
                    raise RemoteProtocolError("the message is too large", 513)
            if len(buffer) < self._need:
                return
            frames.append(bytes(buffer[: self._need]))
            del buffer[: self._need]
            self._need = self._scanned = 0

    def _skip_line_ends(self, frames: list[bytes | Ping]) -> bool:
        """Takes line ends off the front, a double CRLF being a ping; whether nothing is left.

        Octet by octet, so that it never matters how the stream was cut. A lone CRLF is a pong and means nothing.
        """
        buffer = self._buffer
        if self._scanned or buffer[0] not in b"\r\n":
            return False
        start = len(buffer)
        for index, octet in enumerate(buffer):
            if octet == _PING_OCTETS[self._line_ends]:
                self._line_ends += 1
                if self._line_ends == len(_PING_OCTETS):
                    frames.append(PING)
                    self._line_ends = 0
            elif octet in b"\r\n":
                self._line_ends = 1 if octet == _PING_OCTETS[0] else 0
            else:
                start = index
                break
        del buffer[:start]
        return not buffer


class FramingLost(RemoteProtocolError):
    """A stream whose message boundaries are lost. `frames` were complete before the fault."""

    def __init__(self, message: str, status: int, frames: list[bytes | Ping]) -> None:
        super().__init__(message, status)
        self.frames = frames


def _content_length(head: bytes) -> int:
    """Content-Length of a head that ends with one CRLF; 0 when there is none."""
    if b"\r\n " in head or b"\r\n\t" in head:
        head = re.sub(rb"\r\n[ \t]++", b" ", head)
    found = {text.rstrip(b" \t") for text in _length_lines.findall(head)}
    if not found:
        return 0
    text = found.pop()
    if found or not text.isdigit() or len(text) > 9:
        raise RemoteProtocolError("Content-Length does not say where the message ends")
    return int(text)
