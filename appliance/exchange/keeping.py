"""Keeps what must survive the process: every dialog, from its first ring on, and every plain bridged call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from appliance.exchange.kept import dialog_key, keep, plain
from appliance.exchange.outputs import DropCall, DropDialog, SaveCall, SaveDialog

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context, Deferred
    from appliance.sip.session import Session

PAUSE_SECONDS: Final = 0.04
"""What changes within this time is kept once: a call that is set up changes several times in a few milliseconds."""
_KEPT_STATES: Final = frozenset(("early", "answered", "confirmed"))


class Keeping:
    """Says what to store, a moment after it changed. A call that came and went within that moment costs nothing."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._encoder = msgspec.msgpack.Encoder()
        self._dialogs: dict[str, bool] = {}
        """Keys of the dialogs that are stored; whether somebody had answered them."""
        self._calls: dict[str, bytes] = {}
        """What is stored of each call."""
        self._changed: dict[str, Session] = {}
        """Sessions to be stored, by their dialogs' keys."""
        self._stirred: dict[str, Call] = {}
        """Calls to be stored, by id."""
        self._soon: Deferred | None = None

    def ringing(self, session: Session) -> None:
        """It rings: a restart would have to end it."""
        if session.state == "early" and session.dialog is not None and dialog_key(session) not in self._dialogs:
            self.session(session)

    def session(self, session: Session) -> None:
        """The session is answered, or changed."""
        if not session.ended and session.dialog is not None:
            self._changed[dialog_key(session)] = session
            self._wait()

    def session_gone(self, session: Session) -> None:
        """The session has ended."""
        key = dialog_key(session)
        self._changed.pop(key, None)
        if self._dialogs.pop(key, None) is not None:
            self.context.outputs.append(DropDialog(key))

    def call(self, call: Call) -> None:
        """Something happened to the call, and all that follows from it is done."""
        if plain(call):
            self._stirred[call.id] = call
            self._wait()
        else:
            self.call_gone(call.id)

    def call_gone(self, number: str) -> None:
        """The call has ended, or is no longer one that could be taken over."""
        self._stirred.pop(number, None)
        if self._calls.pop(number, None) is not None:
            self.context.outputs.append(DropCall(number))

    def write(self) -> None:
        """Stores what has changed now, without waiting for more."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        stirred, self._stirred = self._stirred, {}
        for call in stirred.values():
            self.context.contain(call, lambda: self._write_call(call))  # noqa: B023
        changed, self._changed = self._changed, {}
        for key, session in changed.items():
            self._write_session(key, session)

    def _wait(self) -> None:
        if self._soon is None:
            self._soon = self.context.after(PAUSE_SECONDS, None, self.write)

    def _write_session(self, key: str, session: Session) -> None:
        if session.dialog is not None and session.state in _KEPT_STATES:
            self._dialogs[key] = session.state != "early"
            self.context.outputs.append(SaveDialog(key, self._encoder.encode(session.snapshot())))

    def _write_call(self, call: Call) -> None:
        if not plain(call):
            return
        data = self._encoder.encode(keep(call))
        if data == self._calls.get(call.id):
            return
        self._calls[call.id] = data
        # Its dialogs go before it: who reads the call must find them.
        for leg in call.legs:
            if leg.session is not None:
                key = dialog_key(leg.session)
                if self._changed.pop(key, None) is not None or not self._dialogs.get(key):
                    self._write_session(key, leg.session)
        self.context.outputs.append(SaveCall(call.id, data))
