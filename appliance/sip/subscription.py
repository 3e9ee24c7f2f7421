"""SUBSCRIBE and NOTIFY (RFC 6665). The box offers no event package yet, so every subscription is refused."""

from __future__ import annotations

from appliance.sip.message import Request, Response

PACKAGES: tuple[str, ...] = ()
"""Event packages on offer, for Allow-Events."""


def refuse(request: Request, to_tag: str) -> Response:
    """489 Bad Event with what would be good (RFC 6665 8.3.2); 481 for a NOTIFY that nobody asked for."""
    if request.method == "NOTIFY":
        return request.reply(481, to_tag=to_tag)
    response = request.reply(489, to_tag=to_tag)
    if PACKAGES:
        response.headers.set("Allow-Events", ", ".join(PACKAGES))
    return response
