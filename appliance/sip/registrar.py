"""The registrar (RFC 3261 10.3): which contacts an extension has, and the flow by which each is reached.

It authenticates nobody: its user has done that and says which extension the request is for. Several contacts an
extension, each with q and expiry; a phone that comes back with another address replaces its old contact
(`+sip.instance` of RFC 5626, or the Call-ID that it uses all the time). Bindings survive a restart through `bindings`
and `restore`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from heapq import heappop, heappush
from typing import Literal, NamedTuple

import msgspec

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.message import Request, Response
from appliance.sip.uri import SipUri


class RegistrarLimits(msgspec.Struct, frozen=True, gc=False):
    """Seconds, and contacts of one extension."""

    min_expires: int = 60
    max_expires: int = 3_600
    default_expires: int = 300
    contacts: int = 10


class Binding(msgspec.Struct, frozen=True, gc=False):
    """One contact of one extension."""

    extension: str
    uri: str
    """The Contact as the phone wrote it: Request-URI of calls to it."""
    flow: Flow | None
    """The flow that the REGISTER came by: calls go back on it. None when its connection is gone."""
    expires: float
    """Wall clock, for the database; the running registrar goes by the monotonic clock."""
    call_id: str
    cseq: int
    q: float = 1.0
    instance: str = ""
    """`+sip.instance`: names the device whatever its address is."""
    path: tuple[str, ...] = ()
    """Path header values, nearest to us first (RFC 3327): Route of calls to it."""
    user_agent: str = ""


class BindingChange(NamedTuple):
    """What a REGISTER, a time-out or a lost connection did to a binding."""

    kind: Literal["added", "refreshed", "removed"]
    binding: Binding


class _Held:
    __slots__ = ("binding", "deadline", "uri")

    def __init__(self, binding: Binding, uri: SipUri, deadline: float) -> None:
        self.binding, self.uri, self.deadline = binding, uri, deadline


class _Wanted(NamedTuple):
    """One Contact of a REGISTER."""

    contact: NameAddr
    uri: SipUri
    expires: int
    q: float


class Registrar:
    """All bindings of all extensions."""

    def __init__(self, limits: RegistrarLimits | None = None) -> None:
        self.limits = limits or RegistrarLimits()
        self._held: dict[str, list[_Held]] = {}
        self._due: list[tuple[float, int, str]] = []
        self._serial = 0
        self._sweep_at = 64

    def __len__(self) -> int:
        return sum(len(held) for held in self._held.values())

    # -- REGISTER

    def handle(
        self, request: Request, flow: Flow, now: Instant, extension: str
    ) -> tuple[Response, list[BindingChange]]:
        """Carries out an authenticated REGISTER: all of it or nothing (RFC 3261 10.3, steps 6 to 8)."""
        try:
            changes = self._apply(request, flow, now, extension)
        except _TooBrief:
            response = request.reply(423, to_tag=_tag(request))
            response.headers.set("Min-Expires", str(self.limits.min_expires))
            return response, []
        except RemoteProtocolError as error:
            return request.reply(error.status, to_tag=_tag(request)), []
        return self._accepted(request, now, extension), changes

    def _accepted(self, request: Request, now: Instant, extension: str) -> Response:
        response = request.reply(200, to_tag=_tag(request))
        values = response.headers.values
        contacts = [
            f"<{held.binding.uri}>;expires={max(1, round(held.deadline - now.mono))}" + _instance(held.binding)
            for held in self._held.get(extension, ())
        ]
        if contacts:
            values["Contact"] = contacts
        if "path" in request.supported and "Path" in request.headers.values:
            values["Path"] = request.headers.get_all("Path")
        values["Date"] = [sip_date(now.wall)]
        return response

    def _apply(self, request: Request, flow: Flow, now: Instant, extension: str) -> list[BindingChange]:
        contacts = request.contacts
        if request.contact_star:
            return self._remove_all(request, extension)
        wanted = [self._wanted(contact, request) for contact in contacts]
        if len(wanted) > self.limits.contacts:
            raise RemoteProtocolError("too many contacts", 403)
        held = self._held.get(extension, [])
        matches = [next((each for each in held if each.uri == want.uri), None) for want in wanted]
        for want, match in zip(wanted, matches, strict=True):
            if match is not None:
                _check_order(match.binding, request)
            if 0 < want.expires < self.limits.min_expires:
                raise _TooBrief
        if any(match is not None and _repeated(match.binding, request) for match in matches):
            return []
        changes: list[BindingChange] = []
        for want, match in zip(wanted, matches, strict=True):
            others = [each for each in matches if each is not None and each is not match]
            changes += self._put(want, match, others, request, flow, now, extension)
        return changes

    def _wanted(self, contact: NameAddr, request: Request) -> _Wanted:
        limits = self.limits
        text = contact.params.get("expires")
        if text is not None and text.isascii() and text.isdigit():
            expires = min(int(text[:10]), limits.max_expires)
        elif request.expires is not None:
            expires = min(request.expires, limits.max_expires)
        else:
            expires = limits.default_expires
        q = contact.params.get("q")
        return _Wanted(contact, contact.sip, expires, 1.0 if q is None else _quality(q))

    def _put(
        self,
        want: _Wanted,
        match: _Held | None,
        others: list[_Held],
        request: Request,
        flow: Flow,
        now: Instant,
        extension: str,
    ) -> list[BindingChange]:
        held = self._held.setdefault(extension, [])
        changes: list[BindingChange] = []
        instance = want.contact.params.get("+sip.instance") or ""
        for old in list(held):
            if old is match or (old not in others and _replaced(old.binding, instance, request)):
                held.remove(old)
                if old is not match:
                    changes.append(BindingChange("removed", old.binding))
        if want.expires == 0:
            if match is not None:
                changes.append(BindingChange("removed", match.binding))
            if not held:
                del self._held[extension]
            return changes
        while len(held) >= self.limits.contacts:
            # A phone that boots with a new port each time must not lock itself out: the oldest goes.
            oldest = min(held, key=lambda each: each.deadline)
            held.remove(oldest)
            changes.append(BindingChange("removed", oldest.binding))
        binding = Binding(
            extension=extension,
            uri=str(want.uri),
            flow=flow,
            expires=now.wall + want.expires,
            call_id=request.call_id,
            cseq=request.cseq.number,
            q=want.q,
            instance=instance,
            path=tuple(request.headers.get_all("Path")) if "path" in request.supported else (),
            user_agent=request.user_agent,
        )
        self._hold(binding, want.uri, now.mono + want.expires)
        changes.append(BindingChange("refreshed" if match is not None else "added", binding))
        return changes

    def _remove_all(self, request: Request, extension: str) -> list[BindingChange]:
        if request.expires != 0:
            raise RemoteProtocolError("Contact: * needs Expires: 0")
        held = self._held.get(extension, [])
        for each in held:
            _check_order(each.binding, request)
        self._held.pop(extension, None)
        return [BindingChange("removed", each.binding) for each in held]

    # -- time, connections, restart

    def expire(self, now: Instant) -> list[BindingChange]:
        """Drops what was not refreshed in time."""
        changes: list[BindingChange] = []
        while self._due and self._due[0][0] <= now.mono:
            extension = heappop(self._due)[2]
            for each in list(self._held.get(extension, ())):
                if each.deadline <= now.mono:
                    self._drop(each)
                    changes.append(BindingChange("removed", each.binding))
        return changes

    def deadline(self) -> float | None:
        """When `expire` may have something to do (monotonic seconds)."""
        return self._due[0][0] if self._due else None

    def lose_flow(self, flow: Flow) -> list[BindingChange]:
        """A connection closed: its bindings stay, but calls have to open a new one to the contact."""
        changes: list[BindingChange] = []
        for held in self._held.values():
            for each in held:
                if each.binding.flow == flow:
                    each.binding = msgspec.structs.replace(each.binding, flow=None)
                    changes.append(BindingChange("refreshed", each.binding))
        return changes

    def remove(self, extension: str) -> list[BindingChange]:
        """Drops all contacts of an extension that is no more."""
        return [BindingChange("removed", each.binding) for each in self._held.pop(extension, [])]

    def drop(self, binding: Binding) -> list[BindingChange]:
        """Drops one contact whose phone is known to be gone."""
        for each in self._held.get(binding.extension, ()):
            if each.binding == binding:
                self._drop(each)
                return [BindingChange("removed", binding)]
        return []

    def restore(self, bindings: Iterable[Binding], now: Instant) -> list[Binding]:
        """Takes over kept bindings that have not expired; returns those. Connections did not survive."""
        kept: list[Binding] = []
        for binding in bindings:
            left = min(binding.expires - now.wall, float(self.limits.max_expires))
            if left <= 0:
                continue
            try:
                uri = SipUri.parse(binding.uri)
            except RemoteProtocolError:
                continue
            if binding.flow is not None and binding.flow.reliable:
                binding = msgspec.structs.replace(binding, flow=None)
            self._hold(binding, uri, now.mono + left)
            kept.append(binding)
        return kept

    # -- questions

    def lookup(self, extension: str) -> list[Binding]:
        """The contacts of an extension, the preferred ones first, then the latest."""
        held = self._held.get(extension)
        if not held:
            return []
        if len(held) == 1:
            return [held[0].binding]
        return [each.binding for each in sorted(held, key=lambda each: (-each.binding.q, -each.deadline))]

    def registered(self, extension: str) -> bool:
        """Whether the extension has a contact."""
        return extension in self._held

    def bindings(self) -> list[Binding]:
        """All of them."""
        return [each.binding for held in self._held.values() for each in held]

    # -- inside

    def _hold(self, binding: Binding, uri: SipUri, deadline: float) -> None:
        self._held.setdefault(binding.extension, []).append(_Held(binding, uri, deadline))
        self._serial += 1
        heappush(self._due, (deadline, self._serial, binding.extension))
        if len(self._due) > self._sweep_at:
            self._due = sorted(
                (each.deadline, number, extension)
                for number, (extension, each) in enumerate(
                    (extension, each) for extension, held in self._held.items() for each in held
                )
            )
            self._serial = len(self._due)
            self._sweep_at = max(64, 4 * len(self._due))

    def _drop(self, gone: _Held) -> None:
        held = self._held[gone.binding.extension]
        held.remove(gone)
        if not held:
            del self._held[gone.binding.extension]


class _TooBrief(Exception):
    """An interval below the minimum: 423."""


def _check_order(binding: Binding, request: Request) -> None:
    """RFC 3261 10.3 step 7: of one Call-ID, only a higher CSeq may change a binding."""
    if binding.call_id == request.call_id and request.cseq.number < binding.cseq:
        raise RemoteProtocolError("REGISTER out of order", 500)


def _repeated(binding: Binding, request: Request) -> bool:
    """A repetition that its transaction did not absorb: it changes nothing and is answered as before."""
    return binding.call_id == request.call_id and request.cseq.number == binding.cseq


def _replaced(old: Binding, instance: str, request: Request) -> bool:
    """Whether the same device registers again with another contact."""
    if instance:
        return old.instance == instance
    return not old.instance and old.call_id == request.call_id and old.cseq < request.cseq.number


def _quality(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 1.0
    return value if 0.0 <= value <= 1.0 else 1.0


def _instance(binding: Binding) -> str:
    quality = "" if binding.q == 1.0 else f";q={binding.q:g}"
    return f'{quality};+sip.instance="{binding.instance}"' if binding.instance else quality


def _tag(request: Request) -> str:
    """A To tag that is the same for each answer to the same request; REGISTER opens no dialog that it would name."""
    return f"r{request.cseq.number:x}{len(request.call_id):x}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def sip_date(wall: float) -> str:
    """Date of RFC 3261 20.17, whatever the locale; phones set their clock by it."""
    return _date(int(wall))


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    at = datetime.fromtimestamp(second, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} GMT"
