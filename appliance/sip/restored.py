"""Sessions of before a restart, from their snapshots."""

from __future__ import annotations

from appliance.clock import Instant
from appliance.sip.dialog import Dialog
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.message import Request
from appliance.sip.parser import parse_message
from appliance.sip.session import Session, SessionSnapshot
from appliance.sip.session_base import HeaderList
from appliance.sip.session_layer import SessionLayer, add_headers
from appliance.sip.session_uac import OutboundSession


def restore_session(layer: SessionLayer, snapshot: SessionSnapshot, now: Instant) -> Session:
    """A confirmed session as it was. A connection is gone with the restart: its peer is looked up by its target.

    Raises RemoteProtocolError when the target cannot be used any more.
    """
    kept = snapshot.dialog
    flow: Flow | None = kept.flow
    dialog = Dialog.restored(kept)
    if flow is not None and flow.reliable:
        dialog.lose_flow(flow)
        flow = None
    session = Session(layer, snapshot.direction, kept.call_id, flow)
    session.state = "confirmed"
    session.dialog = dialog
    session.remote_party = NameAddr.parse(snapshot.remote_party)
    session.contact_user = snapshot.contact_user
    session.advertise = snapshot.advertise
    session.local_sdp = snapshot.local_sdp
    session.remote_sdp = snapshot.remote_sdp
    session.peer_allows = frozenset(snapshot.peer_allows)
    layer.dialogs[dialog.key] = session
    if flow is not None and snapshot.learned:
        layer.transactions.learned.setdefault(flow, snapshot.learned)
    if snapshot.interval:
        session.resume_timer(snapshot.interval, snapshot.refresher, snapshot.timer_set, now)
    if snapshot.unacknowledged is not None:
        session.resume_answer(snapshot.unacknowledged, now)
    return session


def end_unanswered(
    layer: SessionLayer, snapshot: SessionSnapshot, status: int, now: Instant, headers: HeaderList = ()
) -> bool:
    """Ends a call that rang: its caller gets `status`, a phone that rings a CANCEL (a 2xx that crosses it gets ACK and
    BYE). False: it came over a connection, which is gone, and with it the way to who rings.

    Raises RemoteProtocolError when the INVITE cannot be read any more.
    """
    kept = snapshot.dialog
    flow, invite = kept.flow, parse_message(snapshot.invite)
    if flow is None or flow.reliable or not isinstance(invite, Request):
        return False
    if snapshot.direction == "in":
        transaction = layer.transactions.serve(invite, layer.transactions.server_key(invite), flow)
        response = invite.reply(status, None, kept.local_tag)
        response.headers.values["Server"] = [layer.user_agent]
        add_headers(response.headers, list(headers))
        transaction.respond(response, now)
        return True
    session = OutboundSession(
        layer,
        uri=invite.uri,
        from_=invite.from_,
        to=invite.to,
        body=None,
        call_id=kept.call_id,
        headers=(),
        contact_user=snapshot.contact_user,
        advertise=snapshot.advertise,
    )
    session.resume_ringing(invite, flow)
    session.cancel(now, headers)
    return True
