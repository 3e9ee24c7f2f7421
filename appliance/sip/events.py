"""What an endpoint says through `poll()`: everything it wants done, and everything that happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.sip.flow import Flow

if TYPE_CHECKING:
    from appliance.sip.header import NameAddr
    from appliance.sip.message import Request, Response
    from appliance.sip.registration import Registration
    from appliance.sip.session import Session
    from appliance.sip.transaction import ServerTransaction


class Send(msgspec.Struct, frozen=True, gc=False):
    """Put these bytes on that flow. Report what fails with `flow_failed`."""

    flow: Flow
    data: bytes


class Resolve(msgspec.Struct, frozen=True, gc=False):
    """Find the flows that reach this host (RFC 3263), best first, and give them to `resolved`; none: unreachable."""

    query: int
    host: str
    port: int | None
    transport: str | None


class CloseFlow(msgspec.Struct, frozen=True, gc=False):
    """The peer on this connection has lost the framing: close it."""

    flow: Flow


class IncomingSession(msgspec.Struct, frozen=True, gc=False):
    """A new INVITE outside a dialog; 100 is sent. Authenticate it, then ring, answer or reject."""

    session: Session


class IncomingRequest(msgspec.Struct, frozen=True, gc=False):
    """A request outside a dialog that the endpoint leaves to its user (REGISTER): answer it with `Endpoint.respond`."""

    transaction: ServerTransaction
    request: Request
    flow: Flow


class RequestDone(msgspec.Struct, frozen=True, gc=False):
    """A request sent with `Endpoint.request` has its final answer; 408 and 503 without a response are our own."""

    id: int
    status: int
    response: Response | None


class SessionProgress(msgspec.Struct, frozen=True, gc=False):
    """A provisional response above 100. `dialog_tag` tells the branches of a forked call apart."""

    session: Session
    status: int
    body: bytes | None
    dialog_tag: str
    reliable: bool


class SessionAnswered(msgspec.Struct, frozen=True, gc=False):
    """The callee answered. `body` is the answer to our offer (also when it came earlier, in a provisional response), or
    the callee's offer when the INVITE carried none: then call `session.acknowledge`."""

    session: Session
    body: bytes | None


class SessionConfirmed(msgspec.Struct, frozen=True, gc=False):
    """The caller has our 2xx (its ACK came). `body` is its answer when our 2xx carried the offer."""

    session: Session
    body: bytes | None


class SessionOffer(msgspec.Struct, frozen=True, gc=False):
    """The other side changes the media: `accept_offer` or `refuse_offer`. Without a body we are asked to offer."""

    session: Session
    body: bytes | None


class SessionOfferAnswered(msgspec.Struct, frozen=True, gc=False):
    """The answer to an offer of ours made with `offer`, or to one asked for by `SessionOffer(body=None)`."""

    session: Session
    body: bytes | None


class SessionOfferRefused(msgspec.Struct, frozen=True, gc=False):
    """Our offer was refused: the media stay as they were."""

    session: Session
    status: int


class SessionOfferWithdrawn(msgspec.Struct, frozen=True, gc=False):
    """The other side took back an offer that we had not answered (CANCEL of its re-INVITE)."""

    session: Session


class SessionRefreshed(msgspec.Struct, frozen=True, gc=False):
    """Nothing changed but what a restart would have to know: session timer, target, CSeq."""

    session: Session


class SessionInfo(msgspec.Struct, frozen=True, gc=False):
    """An INFO that a telephone may send (DTMF); it is answered already."""

    session: Session
    content_type: str
    body: bytes


class SessionRecordAsked(msgspec.Struct, frozen=True, gc=False):
    """The record key of a desk phone: an INFO without a body whose header `Record` says on or off. To be answered by
    `Session.answer_record`, so that the phone shows its user what became of it."""

    session: Session
    on: bool
    transaction: ServerTransaction


class SessionRedirected(msgspec.Struct, frozen=True, gc=False):
    """The callee answered 3xx with these contacts, best first. `SessionEnded` follows."""

    session: Session
    contacts: list[NameAddr]


class SessionEnded(msgspec.Struct, frozen=True, gc=False):
    """The session is over: exactly one for each session, and the last event of it.

    It comes at once when we cancel, reject or hang up, whatever the network still has to be told.
    """

    session: Session
    status: int
    """The final status; 200 for a call that was up and hung up, 487 for one that was given up before."""
    reason: str
    cause: int | None
    """Q.850 cause of a Reason header (RFC 3326), if there was one."""
    by: Literal["us", "them"]


class RegistrationChanged(msgspec.Struct, frozen=True, gc=False):
    """A registration of ours at a carrier became usable or unusable."""

    registration: Registration
    state: Literal["up", "down"]
    status: int
    reason: str


Event = (
    Send
    | Resolve
    | CloseFlow
    | IncomingSession
    | IncomingRequest
    | RequestDone
    | SessionProgress
    | SessionAnswered
    | SessionConfirmed
    | SessionOffer
    | SessionOfferAnswered
    | SessionOfferRefused
    | SessionOfferWithdrawn
    | SessionRefreshed
    | SessionInfo
    | SessionRecordAsked
    | SessionRedirected
    | SessionEnded
    | RegistrationChanged
)
