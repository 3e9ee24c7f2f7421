"""Keys for SRTP in SDP: the attribute a=crypto (RFC 4568), its suites AES-CM (6.2) and AES-GCM (RFC 7714 14.2).

What is in an offer and not understood in full is passed over, as 5.1.2 asks: other suites, several keys or a key with
an MKI (we could not tell which packet is under which), and session parameters that change what is protected. A lifetime
binds whoever sends with that key: any is taken, none is given. Nothing here prints a key.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

import msgspec

from appliance.sip.sdp import Media

AES_CM_80 = "AES_CM_128_HMAC_SHA1_80"
AES_CM_32 = "AES_CM_128_HMAC_SHA1_32"
AES_GCM = "AEAD_AES_128_GCM"
KEY_BYTES = {AES_GCM: 28, AES_CM_80: 30, AES_CM_32: 30}
"""Our suites, in the order in which we offer them, with the bytes of master key and salt. GCM costs a third of the
others."""
MATERIAL = sum(KEY_BYTES.values())
"""Random bytes that `own_keys` wants."""

MAX_ATTRIBUTES = 32
"""a=crypto lines of one section that are looked at."""

_crypto = re.compile(
    r"(?P<tag>[0-9]{1,9})[ \t]++(?P<suite>[A-Za-z0-9_]{1,40})[ \t]++"
    r"inline:(?P<key>[A-Za-z0-9+/]{1,128}={0,2})(?:\|(?P<lifetime>2\^[0-9]{1,2}|[0-9]{1,15}))?"
    r"(?P<parameters>(?:[ \t]++[!-~]++)*+)[ \t]*+",
    re.IGNORECASE,
)
_harmless = re.compile(r"-[!-~]*+|WSH=[0-9]{2,6}|KDR=0", re.IGNORECASE)
"""Session parameters that may be there: what may be ignored, hints, and what is so anyway (6.3)."""


class Crypto(msgspec.Struct, frozen=True, gc=False):
    """One a=crypto line: a key that its sender sends with."""

    tag: int
    suite: str
    key: bytes
    """Master key and salt, `KEY_BYTES[suite]` of them."""

    def __repr__(self) -> str:
        return f"Crypto({self.tag}, {self.suite})"

    def __str__(self) -> str:
        """The attribute's value."""
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


class Secured(msgspec.Struct, frozen=True, gc=False):
    """What offer and answer agreed on."""

    suite: str
    ours: bytes
    """Key that we send with."""
    theirs: bytes

    def __repr__(self) -> str:
        return f"Secured({self.suite})"


def parse(value: str) -> Crypto | None:
    """One attribute's value; None: not one that we can use."""
    match = _crypto.fullmatch(value.strip()) if len(value) <= 1000 else None
    if match is None:
        return None
    suite = match["suite"].upper()
    if suite not in KEY_BYTES or match["lifetime"] in ("0", "2^0"):
        return None
    if not all(_harmless.fullmatch(word) for word in match["parameters"].split()):
        return None
    text = match["key"].rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Crypto(int(match["tag"]), suite, key) if len(key) == KEY_BYTES[suite] else None


def offered_in(media: Media) -> tuple[Crypto, ...]:
    """The usable a=crypto lines of a section, in their order of preference; of two with one tag the first."""
    values = [value for name, value in media.attributes if name == "crypto" and value][:MAX_ATTRIBUTES]
    found: dict[int, Crypto] = {}
    for value in values:
        crypto = parse(value)
        if crypto is not None:
            found.setdefault(crypto.tag, crypto)
    return tuple(found.values())


def own_keys(material: bytes) -> tuple[Crypto, ...]:
    """Keys of ours to offer or answer with, one a suite, from `MATERIAL` random bytes."""
    keys, start = [], 0
    for tag, (suite, size) in enumerate(KEY_BYTES.items(), 1):
        keys.append(Crypto(tag, suite, material[start : start + size]))
        start += size
    return tuple(keys)


def of_suite(keys: Iterable[Crypto], suite: str) -> Crypto | None:
    """The key for a suite."""
    return next((crypto for crypto in keys if crypto.suite == suite), None)
