"""Bodies of several parts (RFC 2046 5.1, in SIP RFC 5621): the session description in them.

Carriers that speak SIP-I (ITU-T Q.1912.5) send their ISUP message beside the SDP, some phones a picture or a
location. The box has a use for the SDP alone.
"""

from __future__ import annotations

import re

from appliance.errors import RemoteProtocolError
from appliance.sip.header import MediaType
from appliance.sip.message import Request, Response

MAX_PARTS = 16
MAX_DEPTH = 3
_PLAIN = ("", "7bit", "8bit", "binary")
_boundary_format = re.compile(r"[ -~]{1,70}")
_header_end = re.compile(rb"\r?\n\r?\n")


def unwrap(message: Request | Response) -> None:
    """Puts the SDP of a body of several parts in its place, with its type; any other body stays as it is."""
    kind = message.headers.get("Content-Type") if message.body else None
    if kind is None or kind.lstrip()[:10].lower() != "multipart/":
        return
    sdp = sdp_part(kind, message.body, MAX_DEPTH)
    if sdp is not None:
        message.body = sdp
        message.headers.set("Content-Type", "application/sdp")
        message.headers.set("Content-Length", str(len(sdp)))


def sdp_part(kind: str, body: bytes, depth: int) -> bytes | None:
    """The SDP in a body of this type, the last of several that are alternatives; None: there is none to be found."""
    try:
        media = MediaType.parse(kind)
    except RemoteProtocolError:
        return None
    if media.name == "application/sdp":
        return body
    if media.type != "multipart" or not depth:
        return None
    found: bytes | None = None
    for part in _parts(media.params.get("boundary") or "", body):
        type_, encoding, content = _read(part)
        if encoding not in _PLAIN:
            continue
        sdp = sdp_part(type_, content, depth - 1)
        if sdp is not None:
            found = sdp
            if media.subtype != "alternative":
                break
    return found


def _parts(boundary: str, body: bytes) -> list[bytes]:
    """The parts between the boundary's lines; what comes before the first and after the last is nobody's."""
    if _boundary_format.fullmatch(boundary) is None:
        return []
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    parts: list[bytes] = []
    start = -1
    for match in line.finditer(body):
        if start >= 0:
            parts.append(body[start : match.start()])
        if match[1] or len(parts) >= MAX_PARTS:
            break
        start = match.end()
    return parts


def _read(part: bytes) -> tuple[str, str, bytes]:
    """(type, transfer encoding, content) of one part. Without a type it is text (RFC 2046 5.1)."""
    # The line end after the boundary belongs to it; a part without headers begins with an empty line.
    end = _header_end.search(part)
    if end is None:
        return "text/plain", "", b""
    kind, encoding = "text/plain", ""
    for field in re.sub(rb"\r?\n[ \t]+", b" ", part[: end.start()]).splitlines():
        name, _, value = field.partition(b":")
        if name.strip().lower() == b"content-type":
            kind = value.decode("utf-8", "replace").strip()
        elif name.strip().lower() == b"content-transfer-encoding":
            encoding = value.decode("utf-8", "replace").strip().lower()
    return kind, encoding, part[end.end() :]
