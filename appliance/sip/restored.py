"""A session of before a restart, from its snapshot."""

from __future__ import annotations

from appliance.clock import Instant
from appliance.sip.dialog import Dialog
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.session import Session, SessionSnapshot
from appliance.sip.session_layer import SessionLayer


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
