"""INVITE and CANCEL as they are written, and what is read from the refusal of a call."""

from __future__ import annotations

from appliance.errors import RemoteProtocolError
from appliance.sip.header import NameAddr
from appliance.sip.message import Headers, Request, Response
from appliance.sip.session_layer import ALLOW, SUPPORTED, SessionLayer, cause_of


def make_invite(
    layer: SessionLayer, uri: str, from_: NameAddr, to: NameAddr, call_id: str, max_forwards: int
) -> Request:
    """An INVITE without body. Via and Contact are filled in when the flow is known; From gets a tag if it has none."""
    fields = Headers()
    values = fields.values
    values["Via"] = []
    values["Max-Forwards"] = [str(max_forwards)]
    values["From"] = [str(from_ if from_.tag else from_.with_tag(layer.token()))]
    values["To"] = [str(to)]
    values["Call-ID"] = [call_id]
    values["CSeq"] = ["1 INVITE"]
    values["Contact"] = [""]
    values["Allow"] = [ALLOW]
    values["Supported"] = [SUPPORTED]
    values["User-Agent"] = [layer.user_agent]
    return Request("INVITE", uri, fields)


def make_cancel(layer: SessionLayer, invite: Request) -> Request:
    """CANCEL has the Request-URI, Via, From, To, Call-ID, Route and CSeq number of its INVITE (RFC 3261 9.1)."""
    old = invite.headers.values
    headers = Headers()
    values = headers.values
    for name in ("Via", "Max-Forwards", "From", "To", "Call-ID", "Route"):
        if name in old:
            values[name] = list(old[name])
    values["CSeq"] = [f"{invite.cseq.number} CANCEL"]
    values["User-Agent"] = [layer.user_agent]
    return Request("CANCEL", invite.uri, headers)


def safe_cause(response: Response) -> int | None:
    """The Q.850 cause of a refusal; None when there is none, or none that can be read."""
    try:
        return cause_of(response)
    except RemoteProtocolError:
        return None


def by_preference(response: Response) -> list[NameAddr]:
    """The contacts of a redirection, highest q first (RFC 3261 8.1.3.4); none when they cannot be read."""
    try:
        contacts = list(response.contacts)
    except RemoteProtocolError:
        return []
    return sorted(contacts, key=_quality, reverse=True)


def _quality(contact: NameAddr) -> float:
    try:
        return float(contact.params.get("q") or "1")
    except ValueError:
        return 1.0
