"""Trunks: who calls from outside, how numbers outside are reached, how many channels are in use."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from appliance.events import FaultCleared, FaultRaised, TrunkDown, TrunkUp
from appliance.events.base import Words
from appliance.exchange.causes import PREEMPTED
from appliance.exchange.parties import party
from appliance.sip.events import Resolve
from appliance.sip.transaction import fits

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context, Deferred
    from appliance.exchange.leg import Leg
    from appliance.sip.flow import Flow
    from appliance.sip.registration import Registration
    from appliance.site.model import Trunk

RESOLVE_SECONDS = 300.0
"""How often a trunk's name is looked up again."""
RESOLVE_AGAIN_SECONDS = 15.0
"""The same while there is no answer."""
PING_SECONDS = 60.0
"""How often a trunk without registration is asked whether it is there (OPTIONS)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SILENT: Words = {"ja": "応答がありません", "en": "it does not answer"}
_CHECK_LINE: Words = {"ja": "インターネット回線を確認してください。", "en": "Check the internet line."}
_CHECK_HOST: Words = {
    "ja": "インターネット回線と、外線のホスト（host）の設定を確認してください。",
    "en": "Check the internet line and the trunk's host.",
}
_CHECK_NAME: Words = {
    "ja": "外線のホスト（host）の設定と DNS サーバーを確認してください。",
    "en": "Check the trunk's host and the DNS server.",
}
_CHECK_PASSWORD: Words = {
    "ja": "外線のユーザー名とパスワードを確認してください。",
    "en": "Check the trunk's user name and password.",
}


def _no_name(host: str) -> Words:
    return {"ja": f"{host} のアドレスが見つかりません", "en": f"the name {host} cannot be found"}


def _refused(status: int, reason: str) -> Words:
    return {
        "ja": f"登録が拒否されました: {status} {reason}",
        "en": f"the registration was refused: {status} {reason}",
    }


def _failed(reason: str) -> Words:
    return {"ja": f"登録できません: {reason}", "en": f"it cannot be registered at: {reason}"}


class TrunkLine:
    """One trunk and how it stands."""

    def __init__(self, config: Trunk) -> None:
        self.config = config
        self.flows: list[Flow] = []
        self.registration: Registration | None = None
        self.legs: list[Leg] = []
        self.state = "registering" if config.register else "up" if config.watch else "unchecked"
        self.reason: Words = {}
        """Why it is down, by language."""
        self.unnamed = False
        """Down because its host's name is not found."""
        self.networks: list[Network] = []
        self.addresses: set[str] = set()
        self.faulty = False
        self.watched = False
        """Whether it is asked regularly whether it is there."""
        self.next_look: Deferred | None = None
        """When its name is looked up again."""
        for source in config.sources:
            try:
                self.networks.append(ipaddress.ip_network(source, strict=False))
            except ValueError:
                continue
        self.credentials = (config.username, config.password) if config.username and config.password else None
        self.domain = config.host

    @property
    def flow(self) -> Flow:
        """The path to call by."""
        return self.flows[0]

    def uri(self, number: str) -> str:
        """Request-URI for a number outside; without a number, of the carrier's server itself."""
        port = "" if self.config.port == 5060 else f":{self.config.port}"
        transport = "" if self.config.transport == "udp" else f";transport={self.config.transport}"
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        user = f"{number}@" if number else ""
        return f"sip:{user}{host}{port}{transport}"

    def caller_number(self, call: Call) -> str:
        """What the called side is shown."""
        return self.config.caller_id or call.caller

    def is_peer(self, host: str, port: int) -> bool:
        """Whether this is exactly the trunk's host and port."""
        return port == self.config.port and (host in self.addresses or host == self.config.host)

    def is_source(self, host: str) -> bool:
        """Whether calls of the trunk may come from this address."""
        if host in self.addresses or host == self.config.host:
            return True
        if not self.networks:
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


class Trunks:
    """All trunks of the site, in file order."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.lines: dict[str, TrunkLine] = {}
        self._queries: dict[int, TrunkLine] = {}
        self._pings: dict[int, TrunkLine] = {}
        self._query = 0

    def configure(self) -> None:
        """Takes over the trunks of the present site: unchanged ones go on as they are."""
        before, self.lines = self.lines, {}
        for config in self.context.site.trunks:
            line = before.pop(config.id, None)
            if line is None or line.config != config:
                legs = line.legs if line is not None else []
                if line is not None:
                    self._retire(line)
                line = TrunkLine(config)
                line.legs = legs
                self._resolve(line)
            self.lines[config.id] = line
        for line in before.values():
            self._retire(line)

    def _retire(self, line: TrunkLine) -> None:
        if line.registration is not None:
            line.registration.remove(self.context.now)
            line.registration = None
        self._clear(line)

    # --- where they are ----------------------------------------------------------------------------------------------
    def _resolve(self, line: TrunkLine) -> None:
        if self.lines.get(line.config.id, line) is not line:
            return
        self._query -= 1
        self._queries[self._query] = line
        config = line.config
        self.context.outputs.append(Resolve(self._query, config.host, config.port, config.transport))

    def resolved(self, query: int, flows: list[Flow]) -> None:
        """The answer to a look-up of ours (negative numbers; the endpoint's are positive)."""
        line = self._queries.pop(query, None)
        if line is None or self.lines.get(line.config.id) is not line:
            return
        config = line.config
        if line.next_look is not None:
            line.next_look.cancel()
            line.next_look = None
        if not flows or not flows[0].reliable:
            # A connection is kept until it breaks (`flow_failed`): another look would open one more.
            again = RESOLVE_SECONDS if flows else RESOLVE_AGAIN_SECONDS
            line.next_look = self.context.after(again, None, lambda: self._resolve(line))
        if not flows:
            if not line.flows:
                line.unnamed = True
                self._down(line, _no_name(config.host), _CHECK_NAME)
            return
        if line.flows and line.flows[0] not in flows:
            line.flows = []
            if line.registration is not None:
                # The carrier or we ourselves are at another address: that is another registration.
                line.registration.remove(self.context.now)
                line.registration = None
        line.flows = line.flows or flows
        line.addresses = {flow.remote[0] for flow in flows}
        if config.register and line.registration is None:
            line.registration = self.context.endpoint.register(
                line.flow,
                aor=f"sip:{config.username}@{config.host}",
                uri=line.uri(""),
                credentials=(config.username, config.password),
                advertise=config.advertise,
                now=self.context.now,
            )
        elif not config.register:
            if line.state == "down" and line.unnamed:
                self._up(line)
            if config.watch and not line.watched:
                line.watched = True
                self._ping_later(line)

    def flow_failed(self, flow: Flow) -> None:
        """A path to a trunk broke: look it up (and connect) again."""
        for line in self.lines.values():
            if flow.reliable and flow in line.flows:
                line.flows = []
                self._resolve(line)

    def look_again(self) -> None:
        """Our addresses changed: every path is found anew; connections tell by themselves that they broke."""
        for line in self.lines.values():
            if not line.flows or not line.flows[0].reliable:
                self._resolve(line)

    def _ping_later(self, line: TrunkLine) -> None:
        self.context.after(PING_SECONDS, None, lambda: self._ping(line))

    def _ping(self, line: TrunkLine) -> None:
        if self.lines.get(line.config.id) is not line:
            return
        config = line.config
        if not line.flows or (line.legs and line.state == "up"):
            self._ping_later(line)
            return
        ping = self.context.endpoint.request(
            line.flow,
            "OPTIONS",
            line.uri(""),
            from_=party("", line.flow.local[0]),
            to=party("", config.host),
            now=self.context.now,
        )
        self._pings[ping] = line

    def request_done(self, request_id: int, status: int) -> None:
        """An OPTIONS was answered (any answer means: it is there) or was not (408, 503)."""
        line = self._pings.pop(request_id, None)
        if line is None or self.lines.get(line.config.id) is not line:
            return
        self._ping_later(line)
        if status in (408, 503):
            self._down(line, _SILENT, _CHECK_HOST)
        else:
            self._up(line)

    def registration_changed(self, registration: Registration, state: str, status: int, reason: str) -> None:
        """Our registration at the carrier came up or went down."""
        line = next((one for one in self.lines.values() if one.registration is registration), None)
        if line is None:
            return
        if state == "up":
            self._up(line)
            return
        remedy = _CHECK_PASSWORD if status in (401, 403, 407) else _CHECK_LINE
        self._down(line, _refused(status, reason) if status else _failed(reason), remedy)

    def _up(self, line: TrunkLine) -> None:
        if line.state != "up":
            line.state, line.reason, line.unnamed = "up", {}, False
            self.context.emit(TrunkUp(trunk=line.config.id))
        self._clear(line)

    def _down(self, line: TrunkLine, reason: Words, remedy: Words, fault: bool = True) -> None:
        if line.state != "down" or line.reason != reason:
            line.state, line.reason = "down", reason
            self.context.emit(TrunkDown(trunk=line.config.id, reason=reason))
        if fault and not line.faulty:
            line.faulty = True
            name = line.config.id
            text = {
                "ja": f"外線 {name} が使えません（{reason['ja']}）。",
                "en": f"Trunk {name} cannot be used: {reason['en']}.",
            }
            self.context.emit(FaultRaised(fault=f"trunk:{name}", text=text, remedy=remedy))

    def _clear(self, line: TrunkLine) -> None:
        if line.faulty:
            line.faulty = False
            self.context.emit(FaultCleared(fault=f"trunk:{line.config.id}"))

    # --- calls -------------------------------------------------------------------------------------------------------
    def recognise(self, flow: Flow, caller: str, called: str) -> TrunkLine | None:
        """The trunk of a call: by its registered flow, its host:port, or a source if the caller is no extension."""
        host, port = flow.remote
        candidates = [
            line
            for line in self.lines.values()
            if line.is_peer(host, port) or (line.registration is not None and flow == line.registration.flow)
        ]
        if not candidates and caller not in self.context.phones.extensions:
            candidates = [line for line in self.lines.values() if line.is_source(host)]
        if len(candidates) > 1:
            named = [
                one for one in candidates if self.context.plan.inbound(one.config.id, called) is not one.config.default
            ]
            return (named or candidates)[0]
        return candidates[0] if candidates else None

    def advertised(self, trunk: str) -> str:
        """Our address as the trunk's side must see it; empty: the local one."""
        line = self.lines.get(trunk)
        return (line.config.advertise if line is not None else "") or self.context.advertise

    def shown_address(self, trunk: str, local: str) -> str:
        """The address for SDP towards the trunk (""; none: a phone), where our own is `local`: as set, else as the
        trunk said that it sees us, else our own."""
        shown = self.advertised(trunk)
        if shown and fits(shown, local):
            return shown
        line = self.lines.get(trunk)
        learned = self.context.endpoint.learned_host(line.flow) if not shown and line and line.flows else ""
        return learned or local

    def in_order(self, trunks: tuple[str, ...], *, emergency: bool = False) -> tuple[str, ...]:
        """The same trunks, those that are known to be down last; for an emergency only those that are full last."""

        def late(trunk: str) -> bool:
            line = self.lines.get(trunk)
            if line is None:
                return False
            return len(line.legs) >= line.config.channels if emergency else line.state == "down"

        return tuple(sorted(trunks, key=late))

    def usable(self, trunk: str, *, emergency: bool = False) -> TrunkLine | None:
        """The trunk when a call can be made on it now; for an emergency a channel is made free if need be."""
        line = self.lines.get(trunk)
        if line is None or not line.flows or not (emergency or self.there(trunk)):
            return None
        if len(line.legs) < line.config.channels:
            return line
        if not emergency:
            return None
        victim = next((leg for leg in reversed(line.legs) if not leg.call.emergency), None)
        if victim is None:
            return None
        victim.call.end(PREEMPTED)
        return line

    def there(self, trunk: str) -> bool:
        """Whether the trunk has an address and, where it wants a registration, is registered."""
        line = self.lines.get(trunk)
        return line is not None and bool(line.flows) and (line.state == "up" or not line.config.register)

    def seen(self, trunk: str) -> None:
        """The other side has said something in a call: a trunk without a registration is known to be there."""
        line = self.lines.get(trunk)
        if line is not None and line.state != "up" and not line.config.register:
            self._up(line)

    def missing(self, trunk: str) -> None:
        """A call found nobody at the other end. It is tried again with each call, last of those that could take it.
        Where nobody wants it watched that is no fault."""
        line = self.lines.get(trunk)
        if line is not None and not line.config.register:
            self._down(line, _SILENT, _CHECK_HOST, fault=line.config.watch)

    def all_ids(self) -> tuple[str, ...]:
        """Every trunk in file order."""
        return tuple(self.lines)

    def occupy(self, trunk: str, leg: Leg) -> None:
        """A leg uses a channel."""
        line = self.lines.get(trunk)
        if line is not None:
            line.legs.append(leg)

    def vacate(self, trunk: str, leg: Leg) -> None:
        """The leg's channel is free."""
        line = self.lines.get(trunk)
        if line is not None and leg in line.legs:
            line.legs.remove(leg)

    def shut_down(self) -> None:
        """Takes back our registrations."""
        for line in self.lines.values():
            if line.registration is not None:
                line.registration.remove(self.context.now)
