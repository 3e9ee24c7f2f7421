"""The pieces of RFC 3261's grammar (section 25.1) that headers share: tokens, quoted strings, parameters, lists.

Every function reads text of a remote party and raises RemoteProtocolError, nothing else, in time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from appliance.errors import RemoteProtocolError

Params = Mapping[str, str | None]
"""Header or URI parameters: lower-case name to value, None for a parameter without one. Never changed once made."""

NO_PARAMS: Params = {}

TOKEN_CHARS = r"A-Za-z0-9\-.!%*_+`'~"
"""token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")"""

# gen-value = token / host / quoted-string. Phones put "/", "@", "=" and the like into values too: what cannot end the
# value or start another element is let through, as long as it is visible ASCII.
_VALUE = r"[!#-+\--:=?-~]++"
# Atomic groups: before Python 3.11.5 a possessive repeat of a group keeps what its last, failed round consumed.
_QUOTED = r'"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"'

_token = re.compile(rf"[{TOKEN_CHARS}]+")
_quoted = re.compile(_QUOTED, re.DOTALL)
_plain_params = re.compile(rf"(?:;[{TOKEN_CHARS}]++(?:={_VALUE})?)*")
_param = re.compile(rf"[ \t]*+;[ \t]*+([{TOKEN_CHARS}]++)(?:[ \t]*+=[ \t]*+({_VALUE}|{_QUOTED}))?[ \t]*+", re.DOTALL)
_escaped_char = re.compile(r"\\(.)", re.DOTALL)
_control = re.compile(r"[\x00-\x1f\x7f]+")
_list_piece = re.compile(rf'(?>(?:[^,"<]++|{_QUOTED}|<[^>]*+>)+)', re.DOTALL)
_digits = re.compile(r"[0-9]{1,10}")


def is_token(text: str) -> bool:
    """Whether the text is one token."""
    return _token.fullmatch(text) is not None


def scrub(text: str) -> str:
    """The text fit for a page or a database: bytes that were not UTF-8 become U+FFFD, control characters a space."""
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text if text.isprintable() else _control.sub(" ", text)


def unquote(text: str) -> str:
    """The content of a quoted-string, backslashes resolved; text that does not start with a quote as it is."""
    if text[:1] != '"':
        return text
    inner = text[1:-1]
    if "\\" in inner:
        inner = _escaped_char.sub(r"\1", inner)
    return scrub(inner)


def quote(text: str) -> str:
    """The text as a quoted-string; control characters, line ends above all, become a space."""
    if not text.isprintable():
        text = _control.sub(" ", text)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def read_quoted(text: str, start: int) -> int:
    """The index after the quoted-string that starts at `start`."""
    match = _quoted.match(text, start)
    if match is None:
        raise RemoteProtocolError("a quoted string does not end")
    return match.end()


def parse_params(text: str) -> Params:
    """`;name=value;name` with all its rests and spaces; an empty parameter (`;;`) is an error.

    Of a name given twice the first counts: whoever appends a parameter cannot change one that is there.
    """
    if not text:
        return NO_PARAMS
    params: dict[str, str | None] = {}
    if _plain_params.fullmatch(text) is not None:
        for part in text[1:].split(";"):
            name, equals, value = part.partition("=")
            params.setdefault(name.lower(), value if equals else None)
        return params
    position, end = 0, len(text)
    while position < end:
        match = _param.match(text, position)
        if match is None:
            raise RemoteProtocolError("malformed parameters")
        name, value = match.groups()
        params.setdefault(name.lower(), None if value is None else unquote(value))
        position = match.end()
    return params


def format_params(params: Params) -> str:
    """`;name=value;name`, values quoted where they are no token."""
    text = ""
    for name, value in params.items():
        if value is None:
            text += f";{name}"
        elif _plain_params.fullmatch(f";{name}={value}") is not None:
            text += f";{name}={value}"
        else:
            text += f";{name}={quote(value)}"
    return text


def split_list(text: str) -> list[str]:
    """The elements of a comma-separated header value; commas in quotes and angle brackets do not separate.

    An empty element is left out, as a list extended by a careless sender often has one.
    """
    if "," not in text:
        return [text] if text else []
    if '"' not in text and "<" not in text:
        return [piece for piece in (part.strip() for part in text.split(",")) if piece]
    pieces: list[str] = []
    position, end = 0, len(text)
    while position < end:
        match = _list_piece.match(text, position)
        if match is None:
            if text[position] != ",":
                raise RemoteProtocolError("a quoted string or an angle bracket does not end")
            position += 1
            continue
        piece = match.group().strip()
        if piece:
            pieces.append(piece)
        position = match.end()
    return pieces


def parse_number(text: str, name: str, maximum: int = 0xFFFFFFFF) -> int:
    """A non-negative decimal of at most `maximum`; leading zeros are allowed (RFC 4475 3.1.1.1)."""
    text = text.strip(" \t")
    if len(text) > 10:
        text = text.lstrip("0") or "0"
    if _digits.fullmatch(text) is None:
        raise RemoteProtocolError(f"{name} is not a number or too large")
    number = int(text)
    if number > maximum:
        raise RemoteProtocolError(f"{name} is too large")
    return number
