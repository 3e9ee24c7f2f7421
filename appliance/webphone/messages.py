"""What a browser and its telephone say to each other: JSON objects, one a WebSocket message, told apart by `type`.

Between `hako` and the process the same objects go over a Unix socket, one a line; there the first line is an `Open`.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

SOCKET: Final = "webphone.sock"
LOCK: Final = "webphone.lock"
"""Both in the data folder."""
WATCH: Final = b"watch\n"
"""First line of the box's own connection, whose end means the end of the process; it is said back."""
MAX_LINE: Final = 48 * 1024
"""Bytes of one message: a session description has some 3 KB."""
MAX_SDP: Final = 32 * 1024

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
_Sdp = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SDP)]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Whose telephone this connection is. Never comes from a browser."""

    extension: str
    name: str
    sip: tuple[str, int]
    """Where the box's SIP is, as reached from this machine."""
    credentials: tuple[str, str]
    """Digest user and secret, good for this extension until the box starts again."""
    resume: str = ""
    """Token of an earlier connection whose calls go on."""


class _Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """From the browser."""


class Offer(_Said, frozen=True, kw_only=True, tag="offer"):
    """A new connection for the audio, all its candidates included; it takes the place of the one before."""

    sdp: _Sdp
    attempt: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] = 0
    """Comes back in the answer."""


class Dial(_Said, frozen=True, kw_only=True, tag="dial"):
    number: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#+]{1,40}$")]


class Answer(_Said, frozen=True, kw_only=True, tag="answer"):
    """Takes a call that rings; one that is talked on is held."""

    call: _Id


class HangUp(_Said, frozen=True, kw_only=True, tag="hang-up"):
    """Ends a call, or refuses it where it rings."""

    call: _Id


class Hold(_Said, frozen=True, kw_only=True, tag="hold"):
    call: _Id
    on: bool


class Key(_Said, frozen=True, kw_only=True, tag="key"):
    """A key of the telephone while talking (DTMF)."""

    call: _Id
    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-D*#]$")]


class Ping(_Said, frozen=True, kw_only=True, tag="ping"):
    """Answered with `Pong`: how a page notices that its network is another one."""


class Leave(_Said, frozen=True, kw_only=True, tag="leave"):
    """Takes no more calls here: calls end, the extension's other phones remain."""


Said = Offer | Dial | Answer | HangUp | Hold | Key | Ping | Leave


class _Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """To the browser."""


class Ready(_Told, frozen=True, kw_only=True, tag="ready"):
    """The first message. The calls that there are follow it."""

    token: str
    """`?resume=` of the next connection, within `GRACE_SECONDS`."""
    extension: str
    name: str
    resumed: bool


class Media(_Told, frozen=True, kw_only=True, tag="media"):
    """The answer to the `Offer` of this attempt. One that a newer offer has overtaken gets none."""

    sdp: str
    attempt: int = 0


class Registered(_Told, frozen=True, kw_only=True, tag="registered"):
    on: bool


class CallState(_Told, frozen=True, kw_only=True, tag="call"):
    """A call began or changed. The last one of it says `ended`."""

    call: str
    direction: str
    """in or out"""
    state: str
    """calling, ringing, early (the other side is heard before it answers), talking, held, ended"""
    number: str
    name: str = ""
    held_by_other: bool = False
    seconds: float = 0.0
    """Since it was answered."""
    status: int = 0
    """SIP status that it ended with."""
    by: str = ""
    """us or them, at its end"""


class Refused(_Told, frozen=True, kw_only=True, tag="refused"):
    """What was asked for cannot be done."""

    code: str
    """media, busy, no-such-call, number, restarting"""
    text: str


class Pong(_Told, frozen=True, kw_only=True, tag="pong"):
    """The answer to a `Ping`."""


class Closed(_Told, frozen=True, kw_only=True, tag="closed"):
    """The last message: this connection is over and need not be made again."""

    reason: str
    """left, replaced (another connection has resumed it), logged-out, expired"""


Told = Ready | Media | Registered | CallState | Refused | Pong | Closed

GRACE_SECONDS: Final = 45.0
"""How long calls wait for a browser whose connection is gone."""
IDLE_GRACE_SECONDS: Final = 6.0
"""The same for a telephone without a call: a closed tab shall not look like somebody who is there."""

_encoder = msgspec.json.Encoder()
_said: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_open = msgspec.json.Decoder(Open)


def line(message: Told | Said | Open) -> bytes:
    """As a line of the Unix socket; without its end it is the WebSocket's text."""
    return _encoder.encode(message) + b"\n"


def decode_said(data: bytes | str) -> Said:
    """A browser's message. Raises msgspec.MsgspecError."""
    return _said.decode(data)


def decode_open(data: bytes) -> Open:
    """The first line. Raises msgspec.MsgspecError."""
    return _open.decode(data)
