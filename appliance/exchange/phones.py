"""The phones of the house: who is registered where, and what each phone is doing, as the call centre must know it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from appliance.events import PhoneRegistered, PhoneUnregistered
from appliance.exchange.guesses import Guesses
from appliance.exchange.outputs import BindingsChanged
from appliance.exchange.parties import number_of
from appliance.sip.digest import WRONG_SECRET, DigestAuthenticator
from appliance.sip.registrar import Binding, BindingChange, Registrar
from appliance.sip.transaction import host_port

REFUSALS_KEPT = 50
BROWSER = "Hako web phone"
"""User-Agent of a telephone in a browser (`appliance.webphone`)."""
BROWSER_USER = "browser-"
"""Before the extension: the digest user of such a telephone, whose secret is made anew with each start of the box."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg
    from appliance.sip.flow import Flow
    from appliance.sip.message import Request, Response
    from appliance.sip.transaction import ServerTransaction
    from appliance.site.model import Extension


class Refusal(NamedTuple):
    """A request that was refused before it became a call or a registration."""

    at: float
    address: str
    method: str
    caller: str
    why: str


def address_of(binding: Binding) -> str:
    """Where a phone is, as host:port; empty while its connection is gone."""
    return host_port(*binding.flow.remote) if binding.flow is not None else ""


def in_browser(user_agent: str, flow: Flow | None) -> bool:
    """Whether this is a telephone in a browser: it says so, and it is on this machine."""
    return user_agent == BROWSER and flow is not None and flow.remote[0] == flow.local[0]


class Phones:
    """Directory of extensions, their bindings and their legs."""

    def __init__(self, context: Context, realm: str, browser_secret: str = "") -> None:
        self.context = context
        self.registrar = Registrar()
        self.authenticator = DigestAuthenticator(context.entropy, realm)
        self.extensions: dict[str, Extension] = {}
        self.legs: dict[str, set[Leg]] = {}
        self._activity: dict[str, str] = {}
        self.guesses = Guesses(context)
        self._browser_secret = browser_secret
        self.refused = 0
        """Requests that did not prove who they are, the first try of every phone (it is challenged) not counted."""
        self.refusals: deque[Refusal] = deque(maxlen=REFUSALS_KEPT)
        """The newest of them."""

    def configure(self) -> None:
        """Takes over the extensions of the present site; registrations of removed ones end."""
        self.extensions = {one.number: one for one in self.context.site.extensions}
        gone = {b.extension for b in self.registrar.bindings()} - set(self.extensions)
        for extension in gone:
            self._changed(self.registrar.remove(extension), "removed")

    # --- who they are ------------------------------------------------------------------------------------------------
    def secret_of(self, extension: str) -> str | None:
        """The digest secret of an extension; None when there is no such extension or it takes no phone."""
        if extension.startswith(BROWSER_USER):
            known = extension.removeprefix(BROWSER_USER) in self.extensions
            return (self._browser_secret or None) if known else None
        one = self.extensions.get(extension)
        return one.password if one is not None and one.password else None

    def name(self, extension: str) -> str:
        """Display name; empty when there is none."""
        one = self.extensions.get(extension)
        return one.name if one is not None else ""

    def authenticate(self, request: Request, flow: Flow) -> tuple[str, list[tuple[str, str]], str]:
        """(extension, [], "") for a request that proves it, else ("", headers, name) for `refuse`.

        `name`: the name for which a wrong password was given; empty where none was.
        """
        host = flow.remote[0]

        def secret_of(name: str) -> str | None:
            if name.startswith(BROWSER_USER):
                return self.secret_of(name)  # random, 192 bits: nobody guesses it
            # An unknown user costs and tells as much as a known one, so a try that is not judged is made one.
            return self.secret_of(name) if self._at_home(name, flow) or self.guesses.judges(host, name) else None

        verdict = self.authenticator.check(request, secret_of, self.context.now)
        if verdict.kind == "ok":
            self.guesses.right(host, verdict.username)
            return verdict.username.removeprefix(BROWSER_USER), [], ""
        wrong = ""
        if verdict.kind == "wrong":
            self.note_refusal(request, flow, verdict.reason)
            browser = verdict.username.startswith(BROWSER_USER)
            if verdict.username and verdict.reason == WRONG_SECRET and not browser:
                wrong = verdict.username
                self.guesses.wrong(host, wrong, wrong in self.extensions)
        stale = verdict.kind == "stale"
        agent = request.headers.get("User-Agent") or ""
        return "", self.authenticator.challenge(self.context.now, stale=stale, user_agent=agent), wrong

    def refuse(self, flow: Flow, name: str, send: Callable[[], None]) -> None:
        """Sends the 401 that `authenticate` asks for: late, where this source gave too many wrong passwords."""
        if name:
            self.guesses.answer(flow.remote[0], name, send)
        else:
            send()

    def _at_home(self, name: str, flow: Flow) -> bool:
        """Whether the extension is registered by this very flow: such a phone is never slowed down."""
        return any(binding.flow == flow for binding in self.registrar.lookup(name))

    def note_refusal(self, request: Request, flow: Flow, why: str) -> None:
        """Counts a request that becomes neither a call nor a registration, and keeps it for a while."""
        self.refused += 1
        shown = number_of(request.from_.uri)[:64]
        self.refusals.append(Refusal(self.context.now.wall, flow.remote[0], request.method, shown, why))

    # --- telephones in browsers --------------------------------------------------------------------------------------
    def browser_credentials(self, extension: str) -> tuple[str, str]:
        """Digest user and secret for a telephone of this extension in a browser."""
        if not self._browser_secret:
            self._browser_secret = self.context.entropy(24).hex()
        return BROWSER_USER + extension, self._browser_secret

    def browser_at(self, flow: Flow | None) -> bool:
        """Whether a telephone in a browser is registered over this flow."""
        return flow is not None and any(
            one.flow == flow and in_browser(one.user_agent, one.flow) for one in self.registrar.bindings()
        )

    def browsers_lost(self) -> None:
        """The process of the telephones in browsers is gone: nobody is at their contacts."""
        gone = [one for one in self.registrar.bindings() if in_browser(one.user_agent, one.flow)]
        flows = {one.flow for one in gone}
        for leg in [leg for legs in self.legs.values() for leg in legs]:
            for session in (leg.session, *leg.branches):
                if session is not None and session.flow in flows:
                    session.end_for_transport(self.context.now)
        self._changed([change for one in gone for change in self.registrar.drop(one)], "expired")

    # --- registration ------------------------------------------------------------------------------------------------
    def bindings(self, extension: str) -> list[Binding]:
        """Where the extension can be rung now."""
        return self.registrar.lookup(extension)

    def registered(self, extension: str) -> bool:
        """Whether at least one phone is there."""
        return self.registrar.registered(extension)

    def register(self, transaction: ServerTransaction, request: Request, flow: Flow) -> None:
        """Answers a REGISTER (RFC 3261 section 10.3)."""
        context = self.context
        context.own_address = flow.local[0]
        extension, headers, wrong = self.authenticate(request, flow)
        response: Response
        if not extension:
            response = request.reply(401)
            for name, value in headers:
                response.headers.add(name, value)
            self.refuse(flow, wrong, lambda: context.endpoint.respond(transaction, response, context.now))
            return
        if number_of(request.to.uri) != extension:
            why = "The address of record is not the authenticated extension"
            self.note_refusal(request, flow, why)
            response = request.reply(403, why)
        else:
            response, changes = self.registrar.handle(request, flow, context.now, extension)
            self._changed(changes, "removed")
            self._find_again(extension, changes)
        context.endpoint.respond(transaction, response, context.now)

    def _find_again(self, extension: str, changes: list[BindingChange]) -> None:
        """A phone whose connection broke during a call has made another one: its dialogs go on over that."""
        for leg in self.legs.get(extension, ()):
            session = leg.session
            if session is None or session.dialog is None or session.reachable:
                continue
            for change in changes:
                flow = change.binding.flow
                if change.kind == "removed" or flow is None:
                    continue
                if change.binding.uri == session.dialog.target or len(self.bindings(extension)) == 1:
                    session.found_again(flow)
                    self.context.keeping.session(session)
                    break

    def expire(self) -> None:
        """Bindings whose time is up go."""
        self._changed(self.registrar.expire(self.context.now), "expired")

    def flow_failed(self, flow: Flow) -> None:
        """A stream connection is gone: the phones behind it are called over a new one."""
        if flow.reliable:
            self._changed(self.registrar.lose_flow(flow), "removed")

    def restore(self, bindings: list[Binding]) -> None:
        """Registrations of the run before."""
        known = [one for one in bindings if one.extension in self.extensions]
        for one in self.registrar.restore(known, self.context.now):
            self.context.center.phone_registered(one.extension, True, self.context.now)

    def _changed(self, changes: list[BindingChange], why: str) -> None:
        if not changes:
            return
        context = self.context
        context.outputs.append(BindingsChanged(tuple(changes)))
        for change in changes:
            binding = change.binding
            if change.kind == "added":
                context.emit(
                    PhoneRegistered(
                        extension=binding.extension,
                        contact=binding.uri,
                        address=address_of(binding),
                        user_agent=binding.user_agent,
                    )
                )
            elif change.kind == "removed":
                remaining = len(self.registrar.lookup(binding.extension))
                context.emit(
                    PhoneUnregistered(extension=binding.extension, contact=binding.uri, reason=why, remaining=remaining)
                )
            context.center.phone_registered(binding.extension, self.registered(binding.extension), context.now)

    # --- what the phones are doing -----------------------------------------------------------------------------------
    def leg_started(self, leg: Leg) -> None:
        """A leg of this phone exists."""
        self.legs.setdefault(leg.extension, set()).add(leg)
        self.leg_changed(leg)

    def leg_ended(self, leg: Leg) -> None:
        """A leg of this phone is gone."""
        legs = self.legs.get(leg.extension)
        if legs is not None:
            legs.discard(leg)
            if not legs:
                del self.legs[leg.extension]
        self.leg_changed(leg)

    def leg_changed(self, leg: Leg) -> None:
        """Tells the call centre when the sum of all legs of the phone became something else."""
        extension = leg.extension
        activity = self.activity(extension)
        if activity != self._activity.get(extension, "idle"):
            if activity == "idle":
                self._activity.pop(extension, None)
            else:
                self._activity[extension] = activity
            self.context.center.phone_activity(extension, activity, self.context.now)

    def activity(self, extension: str) -> str:
        """idle, busy (rings or dials), talking or hold.

        The leg of a queue's offer does not count before the centre took it.
        """
        summary = "idle"
        for leg in self.legs.get(extension, ()):
            if leg.queue_offer:
                continue
            if leg.state == "answered" and leg.call.kind != "service":
                if not leg.held:
                    return "talking"
                summary = "hold"
            elif summary == "idle":
                summary = "busy"
        return summary

    def call_at(self, extension: str) -> str:
        """Id of the call this phone is in, one of them; empty: none."""
        return next((leg.call.id for leg in self.legs.get(extension, ())), "")
