"""Keeps what must survive the process: every dialog, from its first ring on, and every plain bridged call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exchange.kept import dialog_key, keep, plain
from appliance.exchange.outputs import DropCall, DropDialog, SaveCall, SaveDialog

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.sip.session import Session


class Keeping:
    """Says what to store, each thing once for each change. A call that came and went between two writes costs none."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._encoder = msgspec.msgpack.Encoder()
        self._dialogs: set[str] = set()
        """Keys of the dialogs that are stored."""
        self._ringing: set[str] = set()
        """Those among them that nobody had answered."""
        self._calls: dict[str, bytes] = {}
        """What is stored of each call."""

    def ringing(self, session: Session) -> None:
        """It rings: a restart would have to end it."""
        if session.state == "early" and session.dialog is not None and dialog_key(session) not in self._dialogs:
            self.session(session)

    def session(self, session: Session) -> None:
        """The session is answered, or changed."""
        if session.ended or session.dialog is None:
            return
        key = dialog_key(session)
        self._dialogs.add(key)
        (self._ringing.add if session.state == "early" else self._ringing.discard)(key)
        self.context.outputs.append(SaveDialog(key, self._encoder.encode(session.snapshot())))

    def session_gone(self, session: Session) -> None:
        """The session has ended."""
        key = dialog_key(session)
        if key in self._dialogs:
            self._dialogs.discard(key)
            self._ringing.discard(key)
            self.context.outputs.append(DropDialog(key))

    def call(self, call: Call) -> None:
        """Something happened to the call, and all that follows from it is done."""
        if not plain(call):
            self.call_gone(call.id)
            return
        data = self._encoder.encode(keep(call))
        if data == self._calls.get(call.id):
            return
        self._calls[call.id] = data
        for leg in call.legs:
            session = leg.session
            if session is not None and (
                dialog_key(session) not in self._dialogs or dialog_key(session) in self._ringing
            ):
                self.session(session)
        self.context.outputs.append(SaveCall(call.id, data))

    def call_gone(self, number: str) -> None:
        """The call has ended, or is no longer one that could be taken over."""
        if self._calls.pop(number, None) is not None:
            self.context.outputs.append(DropCall(number))
