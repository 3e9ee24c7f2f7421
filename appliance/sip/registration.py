"""Our registration at a carrier (RFC 3261 10.2): logs in, refreshes itself, and comes back after failures by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.client_transaction import ClientTransaction, Hop
from appliance.sip.digest import DigestClient
from appliance.sip.events import RegistrationChanged
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.message import Headers, Request, Response
from appliance.sip.timers import Alarm
from appliance.sip.uri import SipUri

if TYPE_CHECKING:
    from appliance.sip.session_layer import SessionLayer

SHORTEST_PAUSE, LONGEST_PAUSE = 15.0, 600.0
"""Seconds between attempts after a failure: doubled each time, and spread so that a street of boxes does not march."""


class Registration:
    """One address of ours at one registrar."""

    __slots__ = (
        "_advertise",
        "_alarm",
        "_call_id",
        "_contact_user",
        "_cseq",
        "_digest",
        "_directory",
        "_expires",
        "_failures",
        "_from",
        "_layer",
        "_pending",
        "_removed",
        "_target",
        "_uri",
        "aor",
        "flow",
        "id",
        "known",
        "reason",
        "state",
        "status",
    )

    def __init__(
        self,
        layer: SessionLayer,
        directory: dict[int, Registration],
        *,
        target: Flow | Hop,
        aor: str,
        uri: str,
        credentials: tuple[str, str] | None,
        expires: int,
        advertise: str,
        contact_user: str,
    ) -> None:
        self._layer, self._directory = layer, directory
        self.id = layer.next_id()
        self.aor = aor
        self.state: Literal["trying", "up", "down"] = "trying"
        self.status = 0
        """Status of the last final response, or 408 and 503 for none."""
        self.reason = ""
        self.flow: Flow | None = None
        """The flow that the registration went over, while it is up: calls of the carrier come by it."""
        self.known = False
        """The registrar has, or may still have, a contact of ours."""
        self._target, self._uri = target, uri
        self._from = NameAddr("", SipUri.parse(aor)).with_tag(layer.token())
        self._contact_user = contact_user or (SipUri.parse(aor).user or "")
        self._digest = DigestClient(*credentials) if credentials else None
        self._expires = expires
        self._advertise = advertise
        self._call_id = layer.token(16)
        self._cseq = 0
        self._failures = 0
        self._pending: ClientTransaction | None = None
        self._removed = False
        self._alarm: Alarm | None = None
        directory[self.id] = self

    def start(self, now: Instant) -> None:
        """Sends the first REGISTER."""
        self._send(now)

    def remove(self, now: Instant) -> None:
        """Logs out (Expires: 0) if we are in, and forgets the registration."""
        if self._removed:
            return
        self._removed = True
        self._layer.timers.cancel(self._alarm)
        self._alarm = None
        if self.state == "up":
            self._become("down", 200, "Removed")
            self._send(now)
        else:
            self._directory.pop(self.id, None)

    def remove_again(self, now: Instant) -> None:
        """Logs out once more, where the registrar has not answered that and may still have our contact."""
        if self._removed and self.known and self._pending is None:
            self._directory[self.id] = self
            self._send(now)

    def forget(self) -> None:
        """Ends it without a word to the registrar, where our credentials are no good any more."""
        self._removed, self._pending = True, None
        self._layer.timers.cancel(self._alarm)
        self._alarm = None
        self._directory.pop(self.id, None)

    def lose_flow(self, flow: Flow, now: Instant) -> None:
        """The connection of the registration closed: it is made anew at once."""
        if self.flow == flow and not self._removed:
            self.flow = None
            self._later(1.0, now)

    def fire(self, name: str, now: Instant) -> None:
        """Time to refresh, or to try again."""
        self._alarm = None
        if self._pending is None:
            self._send(now)

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """The registrar's word."""
        if response.status < 200 or transaction is not self._pending:
            return
        self._pending = None
        if self._try_again(transaction, response, now):
            return
        if self._removed:
            self.known = False
            self._directory.pop(self.id, None)
        elif response.status < 300:
            self._registered(transaction, response, now)
        else:
            self._failed(response.status, response.reason, response.retry_after, now)

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """The registrar does not answer."""
        if transaction is not self._pending:
            return
        self._pending = None
        if self._removed:
            self._directory.pop(self.id, None)
        else:
            self._failed(status, "No answer" if status == 408 else "Transport error", None, now)

    def _try_again(self, transaction: ClientTransaction, response: Response, now: Instant) -> bool:
        status = response.status
        if transaction.tries >= 2:
            return False
        if status in (401, 407) and self._digest is not None:
            if transaction.tries and not any(
                "stale=true" in value.lower()
                for name in ("WWW-Authenticate", "Proxy-Authenticate")
                for value in response.headers.values.get(name, ())
            ):
                return False
            try:
                self._digest.challenged(response.headers)
            except RemoteProtocolError:
                return False
        elif status == 423 and not self._removed:
            least = response.min_expires or 0
            if not self._expires < least <= 86_400:
                return False
            self._expires = least
        else:
            return False
        self._send(now, transaction.tries + 1)
        return True

    def _send(self, now: Instant, tries: int = 0) -> None:
        self._cseq += 1
        fields = Headers()
        values = fields.values
        values["Via"] = []
        values["Max-Forwards"] = ["70"]
        values["From"] = [str(self._from)]
        values["To"] = [f"<{self.aor}>"]
        values["Call-ID"] = [self._call_id]
        values["CSeq"] = [f"{self._cseq} REGISTER"]
        values["Contact"] = [""]
        values["Expires"] = ["0" if self._removed else str(self._expires)]
        values["User-Agent"] = [self._layer.user_agent]
        request = Request("REGISTER", self._uri, fields)
        if self._digest is not None:
            header = self._digest.authorize("REGISTER", self._uri, self._layer.transactions.entropy)
            if header is not None:
                fields.set(*header)
        # The next hop is looked up anew each time, but a log-in and a log-out go where the question came from.
        target = self.flow if self.flow is not None and (tries or self._removed) else self._target
        transaction = self._layer.transactions.send(
            request, target, self, "register", now, self._contact_user, self._advertise
        )
        transaction.tries = tries
        self._pending = transaction if transaction.state != "terminated" else None

    def _registered(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        self._failures = 0
        self.known = True
        self.flow = transaction.flow
        sent = transaction.request.headers.get("Contact") if transaction.request is not None else None
        granted = self._granted(response, sent or "")
        self._become("up", response.status, response.reason)
        # Some 80 % of what was granted, spread a little; never so short that it is a flood.
        self._later(max(granted * self._layer.dice(0.75, 0.85), min(granted, 10.0)), now)

    def _granted(self, response: Response, sent: str) -> float:
        """Seconds that the registrar gave our Contact (RFC 3261 10.2.4)."""
        default = self._expires if response.expires is None else response.expires
        try:
            contacts = response.contacts
        except RemoteProtocolError:
            return float(max(default, 1))
        ours = [contact for contact in contacts if contact.user == self._contact_user]
        # Several: other boxes of the same number, or an old address of ours. Those written as ours go before.
        ours = [contact for contact in ours if str(contact.uri) in sent] or ours
        granted = [int(value) for each in ours if (value := each.params.get("expires") or "").isdigit()]
        return float(max(min(granted, default=default), 1))

    def _failed(self, status: int, reason: str, retry_after: int | None, now: Instant) -> None:
        self.flow = None
        self._become("down", status, reason)
        pause = min(SHORTEST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
        pause *= self._layer.dice(0.8, 1.2)
        if retry_after is not None:
            pause = max(pause, min(float(retry_after), 3_600.0))
        self._later(pause, now)

    def _become(self, state: Literal["up", "down"], status: int, reason: str) -> None:
        changed = state != self.state or (state == "down" and status != self.status)
        self.state, self.status, self.reason = state, status, reason
        if changed:
            self._layer.out.append(RegistrationChanged(self, state, status, reason))

    def _later(self, seconds: float, now: Instant) -> None:
        self._layer.timers.cancel(self._alarm)
        self._alarm = self._layer.timers.set(now.mono + seconds, "register", self)
