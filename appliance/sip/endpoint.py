"""The SIP endpoint: bytes and time in, events out. It owns every transaction, dialog, session and registration.

Feed it with `receive`, `flow_failed`, `resolved` and `timeout`, and with commands; after each, read `poll()` until it
is empty and ask `deadline()` when to call `timeout` (monotonic seconds). It never raises because of what a peer sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from appliance.clock import Instant
from appliance.sip.asked import Asked
from appliance.sip.client_transaction import Hop
from appliance.sip.digest import DigestClient
from appliance.sip.endpoint_receive import ReceivingEndpoint
from appliance.sip.events import Event
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.message import Headers, Request, Response
from appliance.sip.registration import Registration
from appliance.sip.restored import end_unanswered, restore_session
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.session import Session, SessionSnapshot
from appliance.sip.session_base import HeaderList
from appliance.sip.session_layer import add_headers, set_body
from appliance.sip.session_uac import OutboundSession

Target = Flow | tuple[str, int | None, str | None]
"""Where a request goes: a flow, or (host, port, transport) to be resolved."""


class Counts(NamedTuple):
    """What an endpoint holds."""

    transactions: int
    sessions: int
    dialogs: int
    registrations: int
    timers: int
    early: int


class Endpoint(ReceivingEndpoint):
    """A SIP user agent without I/O."""

    # -- out

    def poll(self) -> Event | None:
        """The next event, or None when all were read."""
        return self.events.popleft() if self.events else None

    def deadline(self) -> float | None:
        """When `timeout` must be called (monotonic seconds); None: nothing is waited for."""
        return self.layer.timers.deadline()

    def counts(self) -> Counts:
        """What is held now; all zero but registrations when every call is over and the timers ran out."""
        layer = self.layer
        return Counts(
            len(self.transactions),
            len(layer.sessions),
            len(layer.dialogs),
            len(self.registrations),
            len(layer.timers),
            sum(self._early.values()),
        )

    def flows(self) -> Iterator[Flow]:
        """The flows of sessions and of our registrations."""
        for session in self.layer.sessions.values():
            if session.flow is not None:
                yield session.flow
        for registration in self.registrations.values():
            if registration.flow is not None:
                yield registration.flow

    # -- commands

    def invite(
        self,
        target: Target,
        *,
        uri: str,
        from_: NameAddr,
        to: NameAddr,
        body: bytes | None,
        now: Instant,
        headers: HeaderList = (),
        contact_user: str = "",
        credentials: tuple[str, str] | None = None,
        advertise: str = "",
        call_id: str | None = None,
        owner: object = None,
        max_forwards: int = 70,
    ) -> Session:
        """Calls. `body` None: the callee offers (then `acknowledge`). `credentials`: user name and password.

        `max_forwards`: hops that are left; who passes a call on gives one less than it came with (RFC 7332 asks it of
        a B2BUA, else a loop through it never ends).
        """
        session = OutboundSession(
            self.layer,
            uri=uri,
            from_=from_,
            to=to,
            body=body,
            call_id=call_id or self.layer.token(16),
            headers=headers,
            contact_user=contact_user,
            advertise=advertise,
            max_forwards=max_forwards,
        )
        session.owner = owner
        if credentials is not None:
            session.digest = DigestClient(*credentials)
        session.start(_hop(target), now)
        return session

    def request(
        self,
        target: Target,
        method: str,
        uri: str,
        *,
        from_: NameAddr,
        to: NameAddr,
        now: Instant,
        headers: HeaderList = (),
        body: bytes | None = None,
        content_type: str = "text/plain",
        contact_user: str | None = None,
        credentials: tuple[str, str] | None = None,
        advertise: str = "",
    ) -> int:
        """Sends a request outside any dialog (OPTIONS); its end is a RequestDone with the number returned here."""
        self._asked += 1
        fields = Headers()
        values = fields.values
        values["Via"] = []
        values["Max-Forwards"] = ["70"]
        values["From"] = [str(from_ if from_.tag else from_.with_tag(self.layer.token()))]
        values["To"] = [str(to)]
        values["Call-ID"] = [self.layer.token(16)]
        values["CSeq"] = [f"1 {method}"]
        values["User-Agent"] = [self.layer.user_agent]
        add_headers(fields, list(headers))
        request = Request(method, uri, fields)
        set_body(request, body, content_type)
        asked = Asked(self.transactions, self._asked, DigestClient(*credentials) if credentials else None)
        self.transactions.send(request, _hop(target), asked, "request", now, contact_user, advertise)
        return asked.id

    def register(
        self,
        target: Target,
        *,
        aor: str,
        uri: str,
        credentials: tuple[str, str] | None,
        now: Instant,
        expires: int = 600,
        advertise: str = "",
        contact_user: str = "",
    ) -> Registration:
        """Registers at a carrier and stays registered. `aor`: our address there; `uri`: its registrar."""
        registration = Registration(
            self.layer,
            self.registrations,
            target=_hop(target),
            aor=aor,
            uri=uri,
            credentials=credentials,
            expires=expires,
            advertise=advertise,
            contact_user=contact_user,
        )
        registration.start(now)
        return registration

    def learned_host(self, flow: Flow) -> str:
        """Our address as the peer on this flow said it sees us (`received`, RFC 3581); "" while it has said nothing."""
        return self.transactions.learned.get(flow, "").rpartition(":")[0].strip("[]")

    def restore(
        self,
        snapshot: SessionSnapshot,
        now: Instant,
        credentials: tuple[str, str] | None = None,
        owner: object = None,
    ) -> Session:
        """A confirmed session of before a restart, ready for `bye` or `offer`. Raises RemoteProtocolError."""
        session = restore_session(self.layer, snapshot, now)
        session.owner = owner
        if credentials is not None:
            session.digest = DigestClient(*credentials)
        return session

    def end_unanswered(self, snapshot: SessionSnapshot, status: int, now: Instant, headers: HeaderList = ()) -> bool:
        """Ends a call of before a restart that rang. False: nobody can be told. Raises RemoteProtocolError."""
        return end_unanswered(self.layer, snapshot, status, now, headers)

    def respond(self, transaction: ServerTransaction, response: Response, now: Instant) -> None:
        """Answers an IncomingRequest. An answer that comes too late is dropped."""
        if transaction.answered:
            return
        if response.status > 100 and "Server" not in response.headers.values:
            response.headers.values["Server"] = [self.layer.user_agent]
        transaction.respond(response, now)


def _hop(target: Target) -> Flow | Hop:
    return target if isinstance(target, Flow) else Hop(*target)
