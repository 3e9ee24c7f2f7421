"""Dialogs (RFC 3261 12): what two user agents must remember to send each other requests, and where those go."""

from __future__ import annotations

from ipaddress import ip_address

import msgspec

from appliance.errors import RemoteProtocolError
from appliance.sip.client_transaction import Hop
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.message import Headers, Request, Response
from appliance.sip.uri import SipUri, parse_uri

DialogKey = tuple[str, str, str]
"""Call-ID, local tag, remote tag."""


_LEAP = 1_000


class DialogSnapshot(msgspec.Struct, frozen=True, gc=False):
    """A dialog as it is kept in a database."""

    call_id: str
    local: str
    remote: str
    local_tag: str
    remote_tag: str
    local_seq: int
    remote_seq: int | None
    target: str
    routes: tuple[str, ...]
    flow: Flow | None


class Dialog:
    """One dialog, early or confirmed. Its key is (Call-ID, local tag, remote tag)."""

    __slots__ = (
        "_reached",
        "call_id",
        "flow",
        "hop",
        "local",
        "local_seq",
        "local_tag",
        "remote",
        "remote_seq",
        "remote_tag",
        "routes",
        "target",
    )

    def __init__(self, snapshot: DialogSnapshot, reached: str = "") -> None:
        self.call_id = snapshot.call_id
        self.local, self.remote = snapshot.local, snapshot.remote
        self.local_tag, self.remote_tag = snapshot.local_tag, snapshot.remote_tag
        self.local_seq = snapshot.local_seq
        self.remote_seq = snapshot.remote_seq
        """CSeq of the last request of the peer; None before the first."""
        self.target = snapshot.target
        """Remote target: the peer's Contact."""
        self.routes = snapshot.routes
        self.flow = snapshot.flow
        """The flow that the dialog came by."""
        self._reached = reached
        self.hop: Flow | Hop = self._choose_hop()
        """Where the next request goes."""

    @property
    def key(self) -> DialogKey:
        """The dialog's name on our side."""
        return (self.call_id, self.local_tag, self.remote_tag)

    @property
    def secure(self) -> bool:
        """Whether the peer's target is a sips URI (RFC 3261 12.1)."""
        return self.target[:5].lower() == "sips:"

    @staticmethod
    def of_request(request: Request, local_tag: str, flow: Flow) -> Dialog:
        """The callee's side of the dialog that this INVITE opens (RFC 3261 12.1.1). Raises RemoteProtocolError."""
        contacts = request.contacts
        # A caller of RFC 2543 need not give a Contact: then it is reached as From says.
        target = contacts[0] if contacts else request.from_
        via = request.via
        return Dialog(
            DialogSnapshot(
                call_id=request.call_id,
                local=f"{request.headers.get('To')};tag={local_tag}",
                remote=request.headers.get("From") or "",
                local_tag=local_tag,
                remote_tag=request.from_.tag or "",
                local_seq=0,
                remote_seq=request.cseq.number,
                target=str(target.sip),
                routes=_routes(request.headers),
                flow=flow,
            ),
            f"{via.host}:{via.port or 5060}",
        )

    @staticmethod
    def of_response(response: Response, flow: Flow, uri: str) -> Dialog:
        """The caller's side of the dialog that this response opens (RFC 3261 12.1.2).

        `uri` is the Request-URI of the INVITE, the target until the callee says another. Raises RemoteProtocolError.
        """
        contacts = response.contacts
        return Dialog(
            DialogSnapshot(
                call_id=response.call_id,
                local=response.headers.get("From") or "",
                remote=response.headers.get("To") or "",
                local_tag=response.from_.tag or "",
                remote_tag=response.to.tag or "",
                local_seq=response.cseq.number,
                remote_seq=None,
                target=str(contacts[0].sip) if contacts else uri,
                routes=_routes(response.headers)[::-1],
                flow=flow,
            ),
            _host_port(uri),
        )

    @staticmethod
    def restored(snapshot: DialogSnapshot) -> Dialog:
        """The dialog of before a restart. A kept flow led to the next hop, so it does now.

        Requests after the last snapshot may have used higher CSeqs: a leap keeps ours above (RFC 3261 12.2.1.1 asks
        for no more than that they increase).
        """
        dialog = Dialog(snapshot)
        if snapshot.flow is not None:
            dialog._reached = _next_hop_address(dialog.routes, dialog.target)
            dialog.hop = snapshot.flow
        dialog.local_seq += _LEAP
        return dialog

    def refresh(self, message: Request | Response, flow: Flow | None = None) -> None:
        """Takes the peer's new target from a target refresh request or its 2xx (RFC 3261 12.2).

        `flow`: the one that the request came by, which is the dialog's from now on.
        """
        changed = False
        contacts = message.contacts
        if contacts:
            target = str(contacts[0].sip)
            changed = target != self.target and not self.routes
            self.target = target
        if flow is not None and flow != self.flow:
            self.flow, changed = flow, True
        if changed:
            if flow is not None:
                self._reached = f"{message.via.host}:{message.via.port or 5060}"
            self.hop = self._choose_hop()

    def confirm(self, response: Response) -> None:
        """The 2xx replaces route set and target of the early dialog (RFC 3261 13.2.2.4)."""
        self.routes = _routes(response.headers)[::-1]
        self.refresh(response)
        self.hop = self._choose_hop()

    def request(self, method: str, cseq: int | None = None) -> Request:
        """A new request within the dialog (RFC 3261 12.2.1.1), with the next CSeq unless one is given (ACK, CANCEL)."""
        if cseq is None:
            self.local_seq += 1
            cseq = self.local_seq
        headers = Headers()
        values = headers.values
        values["Via"] = []
        values["Max-Forwards"] = ["70"]
        uri = self.target
        if self.routes:
            routes = list(self.routes)
            if "lr" not in NameAddr.parse(routes[0]).sip.params:
                # A strict router of RFC 2543 wants to be the Request-URI and finds the target as the last Route.
                uri = str(NameAddr.parse(routes.pop(0)).uri)
                routes.append(f"<{self.target}>")
            values["Route"] = routes
        values["From"] = [self.local]
        values["To"] = [self.remote]
        values["Call-ID"] = [self.call_id]
        values["CSeq"] = [f"{cseq} {method}"]
        return Request(method, uri, headers)

    def snapshot(self) -> DialogSnapshot:
        """All of it, for a database."""
        return DialogSnapshot(
            self.call_id,
            self.local,
            self.remote,
            self.local_tag,
            self.remote_tag,
            self.local_seq,
            self.remote_seq,
            self.target,
            self.routes,
            self.flow if self.hop is self.flow else None,
        )

    def lose_flow(self, flow: Flow) -> None:
        """The connection is gone: the next request asks for a new one to the same target."""
        if self.flow == flow:
            self.flow = None
            self.hop = self._choose_hop()

    def find_flow(self, flow: Flow) -> None:
        """The peer is reached over this flow again, unless requests go by a route."""
        if not self.routes:
            self.flow = self.hop = flow

    def _choose_hop(self) -> Flow | Hop:
        """The flow that the dialog came by, as long as it leads to the next hop; else the next hop's own address.

        The flow leads there when the next hop names the node that sent the INVITE, or that we sent it to; when it
        names the flow's far end; or when it names an address that cannot be reached from here (behind a NAT).
        """
        uri = NameAddr.parse(self.routes[0]).sip if self.routes else parse_uri(self.target)
        flow = self.flow
        if not isinstance(uri, SipUri):
            if flow is not None:
                return flow
            raise RemoteProtocolError("the target is no SIP URI", 416)
        transport = uri.transport or ("tls" if uri.scheme == "sips" else None)
        if flow is None:
            return Hop(uri.host, uri.port, transport)
        if flow.transport != "udp":
            if uri.host == flow.remote[0] or flow.transport[:2] == "ws" or _same_host(self._reached, uri.host):
                return flow
        else:
            if (uri.host, uri.port or 5060) == flow.remote:
                return flow
            if f"{uri.host}:{uri.port or 5060}" == self._reached:
                return flow
        if _unreachable(uri.host, flow.remote[0]):
            return flow
        return Hop(uri.host, uri.port, transport)


def _routes(headers: Headers) -> tuple[str, ...]:
    if "Record-Route" not in headers.values:
        return ()
    routes = tuple(headers.get_all("Record-Route"))
    for route in routes:
        NameAddr.parse(route).sip  # noqa: B018 - refuse what could not be used later
    return routes


def _host_port(uri: str) -> str:
    parsed = parse_uri(uri)
    return f"{parsed.host}:{parsed.port or 5060}" if isinstance(parsed, SipUri) else ""


def _next_hop_address(routes: tuple[str, ...], target: str) -> str:
    return _host_port(str(NameAddr.parse(routes[0]).uri) if routes else target)


def _same_host(reached: str, host: str) -> bool:
    return reached.rpartition(":")[0] == host


def _unreachable(host: str, seen: str) -> bool:
    """Whether `host` is a private or made-up address while the peer is seen at a public one."""
    if host.endswith(".invalid"):
        return True
    try:
        return ip_address(host).is_private and not ip_address(seen).is_private
    except ValueError:
        return False
