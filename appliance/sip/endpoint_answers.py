"""What the endpoint answers by itself: requests that no call, phone or carrier has to be asked about (RFC 3261 8.2)."""

from __future__ import annotations

from appliance.errors import RemoteProtocolError
from appliance.sip import names, subscription
from appliance.sip.message import Request, Response
from appliance.sip.session_layer import ALLOW, BODIES, SDP, SUPPORTED
from appliance.sip.uri import OtherUri

EXTENSIONS = frozenset(("100rel", "timer"))
"""Option tags that we understand in Require (RFC 3261 8.2.2.3)."""
REGISTER_EXTENSIONS = frozenset(("path",))
METHODS = f"{ALLOW}, REGISTER"
"""Allow outside a dialog."""
_IN_DIALOG = frozenset(("BYE", "UPDATE", "PRACK", "INFO"))
_KNOWN = frozenset(("INVITE", "OPTIONS", "REGISTER"))


def inspect(request: Request, to_tag: str, merged: bool) -> Response | None:
    """The refusal of a request outside a dialog, in the order of RFC 3261 8.2, or None when it may go on.

    OPTIONS, SUBSCRIBE and whatever makes no sense outside a dialog is answered here too.
    """
    method = request.method
    if method in _IN_DIALOG:
        return request.reply(481, to_tag=to_tag)
    if method in ("SUBSCRIBE", "NOTIFY"):
        return subscription.refuse(request, to_tag)
    if method not in _KNOWN:
        # RFC 3261 8.2.1 and 21.5.2: 405 for a method that exists, 501 for one that nobody has heard of.
        response = request.reply(405 if method in names.METHODS else 501, to_tag=to_tag)
        response.headers.values["Allow"] = [METHODS]
        return response
    if isinstance(request.request_uri, OtherUri):
        return request.reply(416, to_tag=to_tag)
    if merged:
        return request.reply(482, to_tag=to_tag)
    if request.max_forwards == 0 and method != "OPTIONS":
        return request.reply(483, to_tag=to_tag)
    return unsupported(request, to_tag) or bad_content(request, to_tag) or (options(request, to_tag))


def unsupported(request: Request, to_tag: str) -> Response | None:
    """420 for an extension that is required and that we do not know."""
    if "Require" not in request.headers.values:
        return None
    known = EXTENSIONS | REGISTER_EXTENSIONS if request.method == "REGISTER" else EXTENSIONS
    unknown = [tag for tag in request.require if tag not in known]
    if not unknown:
        return None
    response = request.reply(420, to_tag=to_tag)
    response.headers.values["Unsupported"] = [", ".join(unknown)]
    return response


def bad_content(request: Request, to_tag: str) -> Response | None:
    """415 for a body that an INVITE must not have (RFC 3261 8.2.3), 406 when we could not answer it acceptably."""
    if request.method != "INVITE":
        return None
    encodings = request.content_encodings if "Content-Encoding" in request.headers.values else ()
    if request.body and (encodings or not _is_sdp(request)):
        response = request.reply(415, to_tag=to_tag)
        response.headers.values["Accept"] = [BODIES]
        response.headers.values["Accept-Encoding"] = ["identity"]
        return response
    accept = request.accept
    if accept is not None and not any(
        (kind.type, kind.subtype) in (("application", "sdp"), ("application", "*"), ("*", "*")) for kind in accept
    ):
        return request.reply(406, to_tag=to_tag)
    return None


def _is_sdp(request: Request) -> bool:
    kind = request.content_type
    if kind is None:
        raise RemoteProtocolError("a body without Content-Type")
    return kind.name == SDP


def options(request: Request, to_tag: str) -> Response | None:
    """200 with what we can do: carriers and phones ping with OPTIONS (RFC 3261 11.2)."""
    if request.method != "OPTIONS":
        return None
    response = request.reply(200, to_tag=to_tag)
    values = response.headers.values
    values["Allow"] = [METHODS]
    values["Accept"] = [BODIES]
    values["Supported"] = [SUPPORTED]
    return response
