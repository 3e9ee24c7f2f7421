"""What the exchange asks of the world outside besides audio: `poll` gives these, SIP's outputs and events."""

from __future__ import annotations

import msgspec

from appliance.sip.registrar import BindingChange


class Output(msgspec.Struct, frozen=True, gc=False):
    """Base of the exchange's own outputs."""


class SaveDialog(Output, frozen=True):
    """Keep this confirmed dialog across a restart of the process (no fsync asked for)."""

    key: str
    snapshot: bytes


class DropDialog(Output, frozen=True):
    """The dialog is over."""

    key: str


class SaveCall(Output, frozen=True):
    """Keep this plain bridged call across a restart of the process (no fsync asked for)."""

    key: str
    kept: bytes


class DropCall(Output, frozen=True):
    """The call is over, or no longer a plain bridged one."""

    key: str


class BindingsChanged(Output, frozen=True):
    """Registrations to store, so that they survive a restart."""

    changes: tuple[BindingChange, ...]


class RestartSound(Output, frozen=True):
    """The engine could not bind the port of this direction ("output", "input"): link its process anew, on another."""

    direction: str


class VerifyPin(Output, frozen=True):
    """Check a PIN against its hash outside the loop; answer with `Exchange.pin_verified(token, ok, now)`."""

    token: int
    pin_hash: str
    pin: str
