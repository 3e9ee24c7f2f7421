"""Who is calling: a trunk of ours, an extension that proves it, or nobody we know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exchange.parties import called_number, number_of

if TYPE_CHECKING:
    from appliance.exchange.context import Context
    from appliance.sip.header import NameAddr
    from appliance.sip.message import Request
    from appliance.sip.session import Session


class Caller(msgspec.Struct, frozen=True, gc=False):
    """An identified caller; exactly one of trunk and extension is set."""

    number: str
    name: str
    called: str
    trunk: str = ""
    extension: str = ""


def identify(context: Context, session: Session) -> Caller | None:
    """Identifies the caller of a new INVITE, or answers it (challenge, refusal) and says None.

    A trunk: by its registered flow, its host:port, or an address of host or sources where the caller's name is no
    extension. Everybody else is challenged; the authenticated name must be the one in From, so that nobody calls with a
    colleague's number.
    """
    request, flow = session.request, session.flow
    if request is None or flow is None:
        return None
    shown = number_of(request.from_.uri)
    called = called_number(request)
    line = context.trunks.recognise(flow, shown, called)
    if line is not None:
        context.trunks.seen(line.config.id)
        if called in (line.config.username, line.config.id, ""):
            # Carriers that call the contact we registered put the number dialled into To.
            called = number_of(request.to.uri) or called
        who = _asserted(request) or request.from_
        return Caller(number_of(who.uri) or "anonymous", who.display or "", called, trunk=line.config.id)
    extension, headers, wrong = context.phones.authenticate(request, flow)
    if not extension:
        session.owner = context.phones.guesses
        context.phones.refuse(flow, wrong, lambda: session.reject(401, context.now, headers=tuple(headers)))
        return None
    if shown != extension:
        why = "The caller in From is not the authenticated extension"
        context.phones.note_refusal(request, flow, why)
        session.reject(403, context.now, why)
        return None
    return Caller(extension, context.phones.name(extension), called, extension=extension)


def _asserted(request: Request) -> NameAddr | None:
    """Who calls as the carrier's own network knows it (RFC 3325): what From says, the caller's side may have chosen.

    Not where the caller wants it withheld (Privacy: id); then From is all that people may see.
    """
    privacy = (request.headers.get("Privacy") or "").lower()
    if "id" in (part.strip() for part in privacy.split(";")):
        return None
    return next((one for one in request.asserted_identities if number_of(one.uri)), None)
