"""What `hako` and the media process say to each other: msgpack messages, each behind its length in four bytes.

`hako` states the desired table (`Frame`); the media process reports (`Reports`), says what it holds (`Held`) and what
it counted (`Figures`).
"""

from __future__ import annotations

import struct

import msgspec

from appliance.errors import UNREADABLE, HakoError
from appliance.exchange.audio import ABILITIES, AnyMediaEvent, AnyRow

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message: room for a full table of 20,000 rows, and a bound on what a broken peer can make us keep."""

LINGER = 120.0
"""Seconds that the media process goes on without a controller."""


class Message(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type", omit_defaults=True):
    """Base of the messages."""


class Frame(Message, frozen=True, tag="frame"):
    """A change of the desired table. First `drop`, then `put`, applied as one; the same frame twice changes nothing."""

    rev: int
    """Rises by one with each frame of one controller."""
    full: bool = False
    """True: `put` is the whole table; rows that are not in it are dropped."""
    put: tuple[AnyRow, ...] = ()
    drop: tuple[int, ...] = ()


class Dump(Message, frozen=True, tag="dump"):
    """Asks for `Held`."""


class Shutdown(Message, frozen=True, tag="shutdown"):
    """Asks the process to drop everything, complete its recordings and end."""


class Held(Message, frozen=True, tag="held"):
    """What the media process holds: told to each new controller, and on `Dump`."""

    pid: int
    rev: int
    rows: tuple[AnyRow, ...] = ()
    abilities: frozenset[str] = ABILITIES
    """What this engine was built with."""


class Reports(Message, frozen=True, tag="reports"):
    """Events, in the order they happened."""

    events: tuple[AnyMediaEvent, ...]


class Figures(Message, frozen=True, tag="figures"):
    """What the engine counted of itself since it started: told now and then while it has something to do."""

    ticks: int = 0
    late_ticks: int = 0
    """Came more than 5 ms after their time."""
    lost_ticks: int = 0
    """Were left out because the machine stood still."""
    received: int = 0
    """RTP packets taken from sockets."""
    forwarded: int = 0
    mixed: int = 0
    """RTP packets made by ticks."""
    invalid: int = 0
    send_failed: int = 0
    events_lost: int = 0
    rows: int = 0
    wakes: int = 0


FromControl = Frame | Dump | Shutdown
FromEngine = Held | Reports | Figures

_encoder = msgspec.msgpack.Encoder()
_from_control = msgspec.msgpack.Decoder(FromControl)
_from_engine = msgspec.msgpack.Decoder(FromEngine)
_LENGTH = struct.Struct("!I")


class ProtocolError(HakoError):
    """The other process sent what this version does not understand."""


def encode(message: Message) -> bytes:
    """One message without its length."""
    return _encoder.encode(message)


def decode_control(data: bytes) -> FromControl:
    """Reads what a controller sent; raises ProtocolError."""
    try:
        message: FromControl = _from_control.decode(data)
    except UNREADABLE as error:
        raise ProtocolError(str(error)) from None
    return message


def decode_engine(data: bytes) -> FromEngine:
    """Reads what the media process sent; raises ProtocolError."""
    try:
        message: FromEngine = _from_engine.decode(data)
    except UNREADABLE as error:
        raise ProtocolError(str(error)) from None
    return message


def packed(data: bytes) -> bytes:
    """The message as it goes over the socket."""
    return _LENGTH.pack(len(data)) + data


class Unpacker:
    """Cuts the byte stream of the socket into messages."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Takes bytes as they came; gives the messages that are complete. Raises ProtocolError when one is too long."""
        self._buffer += data
        messages: list[bytes] = []
        start, have = 0, len(self._buffer)
        while have - start >= 4:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            if length > MAX_MESSAGE:
                raise ProtocolError(f"a message of {length} bytes")
            if have - start - 4 < length:
                break
            messages.append(bytes(self._buffer[start + 4 : start + 4 + length]))
            start += 4 + length
        if start:
            del self._buffer[:start]
        return messages
