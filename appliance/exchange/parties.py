"""Names and numbers in SIP addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.sip.header import NameAddr
from appliance.sip.uri import SipUri, TelUri

if TYPE_CHECKING:
    from appliance.sip.message import Request
    from appliance.sip.uri import OtherUri


@lru_cache(maxsize=2048)
def party(number: str, host: str, name: str = "") -> NameAddr:
    """The address of a number at a host."""
    return NameAddr(name, SipUri("sip", number or None, host))


def number_of(uri: SipUri | TelUri | OtherUri) -> str:
    """What a person would dial to reach the URI; empty where there is nothing to dial."""
    if isinstance(uri, SipUri):
        # A telephone-subscriber as user part brings its parameters along (RFC 3261 19.1.6).
        return (uri.user or "").partition(";")[0]
    return uri.number if isinstance(uri, TelUri) else ""


def hop_of(uri: str) -> tuple[str, int | None, str | None]:
    """Where to connect to for a contact whose connection is gone. Raises RemoteProtocolError."""
    parsed = SipUri.parse(uri)
    return parsed.host, parsed.port, parsed.params.get("transport")


def called_number(request: Request) -> str:
    """What was dialled: user part or number of the Request-URI."""
    return number_of(request.request_uri)
