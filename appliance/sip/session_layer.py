"""What the sessions of an endpoint share: transactions, the directory of dialogs, and what we say about ourselves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.clock import Instant
from appliance.sip.client_transaction import ClientTransaction
from appliance.sip.dialog import DialogKey
from appliance.sip.events import Event
from appliance.sip.limits import Limits, SessionTimerPolicy
from appliance.sip.message import Headers, Request, Response
from appliance.sip.timers import TimerHeap
from appliance.sip.transaction import TransactionLayer

if TYPE_CHECKING:
    from appliance.sip.session import Session

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"
"""Methods of a session. REFER and SUBSCRIBE are absent: they are refused."""
SUPPORTED = "100rel, timer"
SDP = "application/sdp"
BODIES = f"{SDP}, multipart/mixed, multipart/alternative"
"""What an INVITE may carry, as Accept says it: SDP, alone or among other parts (`multipart`)."""


class SessionLayer:
    """Shared by all sessions of one endpoint."""

    __slots__ = (
        "_serial",
        "dialogs",
        "limits",
        "out",
        "policy",
        "resumed",
        "sessions",
        "timers",
        "transactions",
        "user_agent",
    )

    def __init__(
        self, transactions: TransactionLayer, user_agent: str, policy: SessionTimerPolicy, limits: Limits
    ) -> None:
        self.transactions = transactions
        self.timers: TimerHeap = transactions.timers
        self.out: deque[Event] = transactions.out
        self.user_agent = user_agent
        self.policy = policy
        self.limits = limits
        self.dialogs: dict[DialogKey, Session] = {}
        self.sessions: dict[int, Session] = {}
        self.resumed: dict[str, Session] = {}
        """By Call-ID: sessions of before a restart whose 2xx nobody has acknowledged yet."""
        self._serial = 0

    def next_id(self) -> int:
        """A number for a new session."""
        self._serial += 1
        return self._serial

    def token(self, size: int = 8) -> str:
        """An unpredictable tag, Call-ID part or the like."""
        return self.transactions.entropy(size).hex()

    def dice(self, low: float, high: float) -> float:
        """A random number between the two."""
        return low + (high - low) * int.from_bytes(self.transactions.entropy(2), "big") / 65535


class Farewell:
    """Ends a dialog that no session wants: the surplus 2xx of a fork, a call answered after it was given up."""

    __slots__ = ()

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        """Whatever the answer to the BYE is, the dialog is over."""

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        """The peer will find out by itself."""


FAREWELL = Farewell()


def add_headers(headers: Headers, extra: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> None:
    """Adds header fields that the endpoint's user asked for."""
    for name, value in extra:
        headers.add(name, value)


def set_body(message: Request | Response, body: bytes | None, content_type: str = SDP) -> None:
    """Gives a message its body and Content-Type; None or empty: none."""
    if body:
        message.headers.values["Content-Type"] = [content_type]
        message.body = body


def cause_of(message: Request | Response) -> int | None:
    """The Q.850 cause of a Reason header, or None."""
    if "Reason" not in message.headers.values:
        return None
    for reason in message.reasons:
        if reason.protocol == "Q.850" and reason.cause is not None:
            return reason.cause
    return None
