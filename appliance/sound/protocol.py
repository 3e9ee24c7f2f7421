"""What the box and a sound process say to each other: JSON objects, one a line, on its standard input and output.

The process says `Ready` once, then `Alive` each second while the card moves samples, and `Failed` before it ends for a
reason of its own. It is told the engine's port once (`Engine`) and ends when its standard input does.
"""

from __future__ import annotations

import msgspec

PAYLOAD_TYPE = 96
"""Of L16, one channel, in both directions."""
PACKET_SECONDS = 0.02


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Base of the messages."""


class Ready(Message, frozen=True, tag="ready"):
    """The stream runs."""

    port: int
    """UDP port on 127.0.0.1."""
    clock: int
    """Samples a second: 16000 or 48000."""
    device: str


class Alive(Message, frozen=True, tag="alive"):
    """The card took or gave samples within the last second."""

    delay: float = 0.0
    """Seconds between a sample's arrival and its way to the card (output only)."""


class Failed(Message, frozen=True, tag="failed"):
    """The process ends."""

    why: str
    """no-pyaudio, no-card, not-found, refused, lost"""
    detail: str = ""
    """In the words of the sound system, for the log and the technician."""


class Devices(Message, frozen=True, tag="devices"):
    """Answer of a process that was only asked for a list."""

    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    why: str = ""
    """Why there are none: no-pyaudio, no-card."""


class Engine(Message, frozen=True, tag="engine"):
    """Where the engine sends and takes the RTP of this direction, on 127.0.0.1."""

    port: int


FromProcess = Ready | Alive | Failed | Devices

_encoder = msgspec.json.Encoder()
_from_process: msgspec.json.Decoder[FromProcess] = msgspec.json.Decoder(FromProcess)
_from_box = msgspec.json.Decoder(Engine)


def line(message: Message) -> bytes:
    """One message as it is written."""
    return _encoder.encode(message) + b"\n"


def read_process(text: bytes) -> FromProcess:
    """What a process said. Raises one of `errors.UNREADABLE`."""
    return _from_process.decode(text)


def read_box(text: bytes) -> Engine:
    """What the box said. Raises one of `errors.UNREADABLE`."""
    return _from_box.decode(text)
