"""Session descriptions (RFC 8866): what is needed to agree on media, everything else kept as it came.

Lines end with CRLF when written; a bare LF is accepted when read, as RFC 8866 section 5 asks.
"""

from __future__ import annotations

import re

import msgspec

from appliance.errors import RemoteProtocolError

MAX_LINES = 500
MAX_MEDIA = 20
"""Bounds of one description; a phone with every codec and ICE candidate stays far below."""

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_REVERSED = {"sendonly": "recvonly", "recvonly": "sendonly"}

_media = re.compile(r"([!-~]++) ++([0-9]{1,5})(?:/([0-9]{1,5}))? ++([!-~]++)(?: ++([!-~][ -~]*+))?")
_connection = re.compile(r"IN ++(IP4|IP6) ++([0-9A-Za-z.:\-]{1,255})(?:/[0-9/]++)?", re.IGNORECASE)
_origin = re.compile(r"(\S++) ++([0-9]{1,20}) ++([0-9]{1,20}) ++IN ++(IP4|IP6) ++(\S++)", re.IGNORECASE)
_rtpmap = re.compile(r"([0-9]{1,3}) ++([!-.0-~]++)/([0-9]{1,9})(?:/([0-9]{1,3}))?")
_fmtp = re.compile(r"([0-9]{1,3}) ++([ -~]++)")
_rtcp = re.compile(r"([0-9]{1,5})(?: ++IN ++(?:IP4|IP6) ++([0-9A-Za-z.:\-]{1,255}))?", re.IGNORECASE)
_number = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5})?")

# RFC 3551 table 4: the payload numbers that need no rtpmap, as far as telephones use them.
_STATIC = {
    0: ("PCMU", 8000),
    3: ("GSM", 8000),
    4: ("G723", 8000),
    8: ("PCMA", 8000),
    9: ("G722", 8000),
    13: ("CN", 8000),
    15: ("G728", 8000),
    18: ("G729", 8000),
}


class Payload(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One RTP payload type with its meaning."""

    number: int
    codec: str
    """Encoding name as the registry spells it: PCMU, PCMA, G722, telephone-event, …"""
    clock: int = 8000
    fmtp: str = ""
    channels: int = 1

    def same_codec(self, other: Payload) -> bool:
        """Whether both mean the same encoding, whatever their numbers."""
        return (
            self.codec.lower() == other.codec.lower() and self.clock == other.clock and self.channels == other.channels
        )


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The o= line: who made this session, and which version of it this is."""

    user: str
    session_id: int
    version: int
    address: str

    def __str__(self) -> str:
        return f"{self.user} {self.session_id} {self.version} IN {_family(self.address)} {self.address}"


class Media(msgspec.Struct, gc=False):
    """One m= section."""

    kind: str
    """audio, video, image, application, …"""
    port: int
    """0: refused or taken out of use."""
    proto: str
    """RTP/AVP, RTP/SAVP, UDP/TLS/RTP/SAVPF, udptl, …"""
    formats: tuple[str, ...]
    """As written; payload numbers for RTP."""
    address: str | None = None
    """Of this section's own c= line."""
    direction: str | None = None
    """Of this section's own attribute."""
    attributes: list[tuple[str, str | None]] = []
    """All a= lines in order except the direction: (name, value or None)."""
    other: list[str] = []
    """i=, b=, k= lines as they came."""

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of this name; "" for one without value, None when absent."""
        for key, value in self.attributes:
            if key == name:
                return value or ""
        return None

    @property
    def is_rtp(self) -> bool:
        """Whether the formats are RTP payload numbers."""
        return "RTP/" in self.proto.upper()

    @property
    def payloads(self) -> list[Payload]:
        """The payload types in the order of preference; numbers without a known meaning are left out."""
        names: dict[int, tuple[str, int, int]] = {}
        formats: dict[int, str] = {}
        for key, value in self.attributes:
            if key == "rtpmap" and value and (match := _rtpmap.fullmatch(value.strip())):
                names[int(match[1])] = (match[2], int(match[3]), int(match[4] or 1))
            elif key == "fmtp" and value and (match := _fmtp.fullmatch(value.strip())):
                formats[int(match[1])] = match[2].strip()
        found = []
        for text in self.formats:
            number = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 128
            if number in names:
                name, clock, channels = names[number]
            elif number in _STATIC:
                (name, clock), channels = _STATIC[number], 1
            else:
                continue
            if number < 128:
                found.append(Payload(number, name, clock, formats.get(number, ""), channels))
        return found

    @property
    def rtcp(self) -> tuple[str | None, int] | None:
        """a=rtcp (RFC 3605): address if given, and port; None when it is not said."""
        match = _rtcp.fullmatch((self.attribute("rtcp") or "").strip())
        if match is None or not 0 < int(match[1]) < 65536:
            return None
        return match[2], int(match[1])

    @property
    def rtcp_mux(self) -> bool:
        """Whether RTCP may come on the RTP port (RFC 5761)."""
        return self.attribute("rtcp-mux") is not None

    @property
    def voip_metrics(self) -> bool:
        """Whether its sender wants the VoIP metrics of RFC 3611 (a=rtcp-xr, section 5)."""
        wanted = (value or "" for name, value in self.attributes if name == "rtcp-xr")
        return any(word.partition("=")[0] == "voip-metrics" for value in wanted for word in value.split())

    @property
    def ptime(self) -> int | None:
        """Milliseconds of audio a packet; None when not said or unusable."""
        return self._milliseconds("ptime")

    @property
    def maxptime(self) -> int | None:
        """Milliseconds of audio that a packet may have at most; None when not said or unusable."""
        return self._milliseconds("maxptime")

    def _milliseconds(self, name: str) -> int | None:
        text = self.attribute(name) or ""
        if _number.fullmatch(text) is None:
            return None
        value = int(float(text))
        return value if 0 < value <= 200 else None


class SessionDescription(msgspec.Struct, gc=False):
    """A whole description."""

    origin: Origin
    address: str | None = None
    """Of the session's c= line."""
    direction: str | None = None
    """Session-level direction attribute: the default of every section."""
    media: list[Media] = []
    name: str = "-"
    attributes: list[tuple[str, str | None]] = []
    timing: str = "0 0"

    @staticmethod
    def parse(data: bytes) -> SessionDescription:
        """Reads a description; RemoteProtocolError (400) when it is none. Unknown lines are passed over."""
        return _parse(data)

    def encode(self) -> bytes:
        """The description as bytes."""
        lines = ["v=0", f"o={self.origin}", f"s={self.name}"]
        if self.address is not None:
            lines.append(_connection_line(self.address))
        lines.append(f"t={self.timing}")
        lines += [_attribute_line(name, value) for name, value in self.attributes]
        if self.direction is not None:
            lines.append(f"a={self.direction}")
        for media in self.media:
            lines.append(f"m={media.kind} {media.port} {media.proto} {' '.join(media.formats)}")
            if media.address is not None:
                lines.append(_connection_line(media.address))
            lines += media.other
            lines += [_attribute_line(name, value) for name, value in media.attributes]
            if media.direction is not None:
                lines.append(f"a={media.direction}")
        lines.append("")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")

    def address_of(self, media: Media) -> str | None:
        """Where the section's packets are to go."""
        return media.address if media.address is not None else self.address

    def direction_of(self, media: Media) -> str:
        """The section's direction as its sender means it; sendrecv when not said (RFC 8866 6.7)."""
        return media.direction or self.direction or "sendrecv"


def reversed_direction(direction: str) -> str:
    """A direction as the other side sees it."""
    return _REVERSED.get(direction, direction)


def is_hold_address(address: str | None) -> bool:
    """Whether the address is the "nowhere" of RFC 2543: hold, media may be sent to us but not by us."""
    return address in ("0.0.0.0", "::")


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


def _connection_line(address: str) -> str:
    return f"c=IN {_family(address)} {address}"


def _attribute_line(name: str, value: str | None) -> str:
    return f"a={name}" if value is None else f"a={name}:{value}"


def _parse(data: bytes) -> SessionDescription:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise RemoteProtocolError("the session description is too long")
    if lines[0].rstrip() != "v=0":
        raise RemoteProtocolError("not a session description")
    description: SessionDescription | None = None
    media: Media | None = None
    for line in lines[1:]:
        kind, value = line[:2], line[2:].rstrip("\r \t")
        if kind == "o=":
            if description is not None:
                raise RemoteProtocolError("several o= lines")
            description = SessionDescription(_parse_origin(value))
        elif description is None:
            raise RemoteProtocolError("the o= line does not come first")
        elif kind == "m=":
            if len(description.media) >= MAX_MEDIA:
                raise RemoteProtocolError("too many media sections")
            media = _parse_media(value)
            description.media.append(media)
        elif kind == "c=":
            address = _parse_connection(value)
            if media is None:
                description.address = address
            elif media.address is None:
                media.address = address
        elif kind == "a=":
            _take_attribute(media or description, value)
        elif media is not None and kind in ("i=", "b=", "k="):
            media.other.append(kind + value)
        elif kind in ("s=", "t=") and media is None:
            _take_session_line(description, kind, value)
    if description is None:
        raise RemoteProtocolError("the session description has no o= line")
    return description


def _take_session_line(description: SessionDescription, kind: str, value: str) -> None:
    if kind == "s=":
        description.name = value
    else:
        description.timing = value


def _take_attribute(section: Media | SessionDescription, value: str) -> None:
    name, colon, rest = value.partition(":")
    if not colon and name in DIRECTIONS:
        section.direction = name
    else:
        section.attributes.append((name, rest if colon else None))


def _parse_origin(value: str) -> Origin:
    match = _origin.fullmatch(value)
    if match is None:
        # Phones have sent spaces in the user name and empty fields; nothing but version and id of the line is used.
        words = value.split()
        numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= 20]
        if len(words) < 4:
            raise RemoteProtocolError("malformed o= line")
        return Origin("-", numbers[0] if numbers else 0, numbers[1] if len(numbers) > 1 else 0, "0.0.0.0")
    return Origin(match[1], int(match[2]), int(match[3]), match[5])


def _parse_connection(value: str) -> str:
    match = _connection.fullmatch(value)
    if match is None:
        raise RemoteProtocolError("malformed c= line")
    return match[2]


def _parse_media(value: str) -> Media:
    match = _media.fullmatch(value)
    if match is None or int(match[2]) > 65535:
        raise RemoteProtocolError("malformed m= line")
    # A refused section without formats is against the grammar, but phones send it.
    return Media(match[1].lower(), int(match[2]), match[4], tuple((match[5] or "0").split()))
