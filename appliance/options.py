"""How a box was started: what the command line says and the composition root needs. May import nothing of Hako."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec


class Address(msgspec.Struct, frozen=True):
    """Where to listen. Port 0 means any free port; the empty host, or `::`, every address of the machine, IPv4 and
    IPv6; `0.0.0.0` every IPv4 address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What `serve`, `run` and `demo` were asked for."""

    data: Path
    """The data folder; the empty path: a temporary one (demo)."""
    site: Path | None = None
    """Seeds an empty data folder; on one in use only its differences are reported."""
    sample: bool = False
    """Seed an empty folder with the sample site."""
    language: str = "ja"
    """Of a site that is made now."""
    sip: Address = Address("", 5060)
    web: Address = Address("", 8080)
    https: Address | None = None
    """The pages by HTTPS; None: not."""
    rtp: tuple[int, int] = (16384, 17383)
    """Lowest and highest UDP port for audio."""
    advertise: str = ""
    """Our address as the other side must see it; empty: the local address that routes to it."""
    board: str = ""
    """Name of the board in `hw/boards`; empty: found out, or none."""
    on_ready: Callable[[str, str, tuple[str, ...], str], None] | None = None
    """(SIP host:port, web URL, first log-ins or (), HTTPS URL or "") once calls can be made."""
    on_note: Callable[[str], None] | None = None
    """Lines for the person who started it: warnings, what is off, how a site file differs."""
