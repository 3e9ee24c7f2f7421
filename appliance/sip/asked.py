"""A request of ours outside any dialog (OPTIONS to a carrier), from its sending to its RequestDone."""

from __future__ import annotations

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.client_transaction import ClientTransaction
from appliance.sip.digest import DigestClient
from appliance.sip.events import RequestDone
from appliance.sip.message import Request, Response
from appliance.sip.transaction import TransactionLayer


class Asked:
    """Waits for the answer, and logs in once when challenged."""

    __slots__ = ("digest", "id", "transactions")

    def __init__(self, transactions: TransactionLayer, number: int, digest: DigestClient | None) -> None:
        self.transactions, self.id, self.digest = transactions, number, digest

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """A response came."""
        if response.status >= 200 and not self._log_in(transaction, response, now):
            self.transactions.out.append(RequestDone(self.id, response.status, response))

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """None came, or it could not be sent."""
        self.transactions.out.append(RequestDone(self.id, status, None))

    def _log_in(self, transaction: ClientTransaction, response: Response, now: Instant) -> bool:
        """Whether a challenged request goes out once more with credentials."""
        request = transaction.request
        if response.status not in (401, 407) or self.digest is None or request is None or transaction.tries:
            return False
        try:
            self.digest.challenged(response.headers)
        except RemoteProtocolError:
            return False
        header = self.digest.authorize(request.method, request.uri, self.transactions.entropy)
        assert header is not None and transaction.flow is not None
        fields = request.headers.copy()
        fields.remove("Via")
        fields.set("CSeq", f"{request.cseq.number + 1} {request.method}")
        fields.set(*header)
        again = Request(request.method, request.uri, fields, request.body)
        successor = self.transactions.send(
            again, transaction.flow, self, "request", now, transaction.contact, transaction.advertise
        )
        successor.tries = 1
        return True
