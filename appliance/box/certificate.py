"""The box's certificate for HTTPS: which names it must carry, when it must be made anew, where it lies.

Making one needs `cryptography`, which a small box has no memory for all day: `appliance.box.authority` does it in a
process of its own that ends at once. What it made is described in a file beside it, so that nobody has to parse X.509.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path

import msgspec

from appliance.box.addresses import lan_addresses

DAY = 86400.0
RENEW_SECONDS = 30 * DAY
"""So long before its end a certificate is made anew."""
MOST_NAMES = 60
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that is there. Times are seconds since 1970."""

    names: tuple[str, ...]
    """Host names and addresses it is good for."""
    begins: float
    ends: float
    authority_begins: float = 0.0
    authority_ends: float = 0.0
    authority: str = ""
    """SHA-256 of the authority's certificate, hexadecimal."""


class Folder:
    """The files of `tls/` in the data folder."""

    def __init__(self, data: Path) -> None:
        self.path = data / "tls"
        self.authority, self.authority_key = self.path / "ca.crt", self.path / "ca.key"
        self.box, self.box_key = self.path / "box.crt", self.path / "box.key"
        self.own, self.own_key = self.path / "server.crt", self.path / "server.key"
        """The site's own certificate, which goes before ours."""
        self.notes = self.path / "box.json"

    def issued(self) -> Issued | None:
        """What the box's certificate says; None: there is none, or not a whole one."""
        try:
            notes = msgspec.json.decode(self.notes.read_bytes(), type=Issued)
        except (OSError, msgspec.MsgspecError):
            return None
        files = (self.authority, self.authority_key, self.box, self.box_key)
        return notes if all(file.is_file() for file in files) else None


def wanted_names() -> tuple[str, ...]:
    """By what names and addresses browsers may reach this machine now, in a stable order."""
    host = socket.gethostname().lower()
    short = host.partition(".")[0]
    names = [name for name in dict.fromkeys((host, short, f"{short}.local", "localhost")) if _NAME.fullmatch(name)]
    addresses = ["127.0.0.1", "::1", *(one.address for one in lan_addresses())]
    return tuple(dict.fromkeys((*names, *addresses)))[:MOST_NAMES]


def is_address(name: str) -> bool:
    """Whether it is an IP address and no host name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def must_renew(issued: Issued | None, wanted: tuple[str, ...], wall: float) -> bool:
    """Whether a certificate has to be made: there is none, it lacks a name, or its time is not now.

    Names that are no longer wanted do no harm until the next renewal: an address that comes and goes must not make a
    certificate each time.
    """
    if issued is None or not set(wanted) <= set(issued.names):
        return True
    in_time = issued.begins <= wall < issued.ends - RENEW_SECONDS
    return not in_time or not authority_holds(issued, wall)


def authority_holds(issued: Issued, wall: float) -> bool:
    """Whether the authority may go on. One made while the clock was wrong (no network yet, no battery) may not."""
    return issued.authority_begins <= wall < issued.authority_ends - RENEW_SECONDS
