"""Writes the first inputs of the fuzz targets: `python tests/fuzz/engine/make_corpus.py`. What fuzzing found stays."""

from __future__ import annotations

import struct
from pathlib import Path

HERE = Path(__file__).parent / "corpus"


def rtp(kind: int, sequence: int, payload: bytes, flags: int = 0x80, extra: bytes = b"") -> bytes:
    return struct.pack("!BBHII", flags, kind, sequence, sequence * 160, 0x1234) + extra + payload


def conversation(*datagrams: tuple[int, int, bytes]) -> bytes:
    return b"".join(
        bytes([len(data) // 5 + 1, passed, flags]) + data.ljust((len(data) // 5 + 1) * 5, b"\0")
        for passed, flags, data in datagrams
    )


def secured(suite: int, *datagrams: tuple[int, int, bytes]) -> bytes:
    """For fuzz_srtp: 1 damaged, 2 report, 4 made with the key, 8 from elsewhere, 16 other keys first, 32 none then."""
    return bytes([suite]) + b"".join(
        bytes([(len(data) + 1) // 2, passed, done]) + data + bytes(len(data) % 2) for passed, done, data in datagrams
    )


AUDIO = bytes(range(160))
SR = struct.pack("!BBHIIIIII", 0x81, 200, 12, 7, 1, 2, 3, 4, 5) + struct.pack("!IIIIII", 9, 0x01000002, 3, 4, 5, 6)
XR = struct.pack("!BBHI", 0x80, 207, 13, 7) + struct.pack("!BBHI", 4, 0, 2, 9) + bytes(4)
XR += struct.pack("!BBHI", 7, 0, 8, 9) + bytes(range(28))
BYE = struct.pack("!BBHI", 0x81, 203, 1, 7)
WAV = b"RIFF\x34\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x10\0\0\0" + bytes(16)

INPUTS: dict[str, dict[str, bytes]] = {
    "rtp": {
        "plain": rtp(0, 1, AUDIO),
        "contributors": rtp(8, 2, AUDIO, 0x82, bytes(8)),
        "extension": rtp(0, 3, AUDIO, 0x90, struct.pack("!HH", 0xBEDE, 1) + bytes(4)),
        "padding": rtp(0, 4, AUDIO + b"\0\0\0\4", 0xA0),
        "rtcp": SR,
    },
    "rtcp": {"sender": SR, "bye": SR + BYE, "receiver": struct.pack("!BBHI", 0x80, 201, 1, 7), "metrics": SR + XR},
    "event": {"key": b"\5\x0a\1\x40", "end": b"\x0b\x8a\3\x20", "flash": b"\x10\x80\0\0"},
    "wav": {
        "plain": WAV,
        "list first": WAV[:12] + b"LIST\3\0\0\0abc\0" + WAV[12:],
        "extensible": WAV[:16] + b"\x28\0\0\0\xfe\xff" + WAV[22:36] + bytes(8) + b"\1\0" + bytes(14) + WAV[36:],
    },
    "noise": {
        "level": b"\x04\x28",
        "spectrum": b"\x04\x28" + bytes(range(100, 112)),
        "g722": b"\x05" + AUDIO,
        "opus": b"\x06\x78" + AUDIO[:60],
        "opus of 60 ms": b"\x0e\x1b\x03" + AUDIO,
        "linear": b"\x27" + AUDIO * 2,
    },
    "receive": {
        "opus": conversation(*((20, 6 | n % 2, rtp(96, 100 + n, b"\x78" + AUDIO[:40])) for n in range(9))),
        "g722": conversation(*((20, 6 | n % 2, rtp(9, 100 + n, AUDIO)) for n in range(9))),
        "noise": conversation(*((20, 6, rtp(13 if n % 3 == 2 else 0, 100 + n, AUDIO[20:21] * 160)) for n in range(9))),
        "wide key": conversation(
            *((20, 6, rtp(102, 50 + n, bytes([5, 0x8A if n > 3 else 10, 3, n]))) for n in range(7))
        ),
        "talk": conversation(*((20, 6 | n % 2, rtp(n % 2 * 8, 100 + n, AUDIO)) for n in range(12))),
        "stranger": conversation(*((20, 2, rtp(0, 7 + n, AUDIO)) for n in range(7))),
        "key": conversation(*((20, 6, rtp(101, 50 + n, bytes([5, 0x8A if n > 3 else 10, 1, n]))) for n in range(7))),
        "reports": conversation((20, 6, rtp(0, 1, AUDIO)), (5, 14, SR), (5, 15, BYE), (250, 22, rtp(0, 2, AUDIO))),
        "jumps": conversation(*((20, 6, rtp(0, n * 9000 % 65536, AUDIO)) for n in range(8))),
    },
    "srtp": {
        "talk": secured(0, *((1, 4, rtp(0, 100 + n, AUDIO)) for n in range(9))),
        "damaged": secured(2, *((1, 4 | n % 2, rtp(0, 100 + n, AUDIO)) for n in range(9))),
        "wrap": secured(1, *((1, 4, rtp(0, (65530 + n) % 65536, AUDIO)) for n in range(12))),
        "reports": secured(2, (1, 4, rtp(0, 1, AUDIO)), (1, 6, SR), (1, 7, SR), (1, 2, SR), (1, 6, SR + BYE)),
        "other keys": secured(0, *((1, 4 | 16 * (n == 4), rtp(0, 100 + n, AUDIO)) for n in range(9))),
        "plain and back": secured(1, *((1, (4, 48, 0, 20)[n // 3], rtp(0, 100 + n, AUDIO)) for n in range(12))),
        "garbage": secured(2, *((9, 0, rtp(0, n, AUDIO, 0x80 + n)) for n in range(8)), (1, 8, AUDIO)),
        "late": secured(2, (1, 4, rtp(0, 9, AUDIO)), (1, 4, rtp(0, 40000, AUDIO)), (9, 4, rtp(0, 3, AUDIO))),
    },
}


def main() -> None:
    """Writes one file an input."""
    for target, inputs in INPUTS.items():
        (HERE / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (HERE / target / name.replace(" ", "-")).write_bytes(data)


if __name__ == "__main__":
    main()
