"""Endpoints joined by a seeded in-memory network with a hand-moved clock: always the earliest deadline comes next."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any, TypeVar

from appliance.clock import Instant
from appliance.errors import RemoteProtocolError
from appliance.sip.endpoint import Endpoint
from appliance.sip.events import CloseFlow, Event, Resolve, Send
from appliance.sip.flow import Flow
from appliance.sip.header import NameAddr
from appliance.sip.message import Message, Request, Response
from appliance.sip.parser import parse_message

E = TypeVar("E")
Address = tuple[str, int]

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
ANSWER = OFFER.replace(b"4000", b"5000")
OTHER = OFFER.replace(b"4000", b"6000")
ANOTHER = OFFER.replace(b"4000", b"7000")


def entropy(seed: int) -> Callable[[int], bytes]:
    """Seeded dice for an endpoint."""
    return random.Random(seed).randbytes


class Peer:
    """An endpoint on the network, with the events that its user would see."""

    def __init__(self, net: Net, name: str, address: Address, **options: Any) -> None:
        self.net, self.name, self.address = net, name, address
        self.endpoint = Endpoint(entropy(net.random.randrange(1 << 30)), **options)
        self.events: list[Any] = []
        self.react: Callable[[Peer, Any], None] | None = None
        """Called with each event while the network runs, instead of keeping it for the test."""
        self.silent = False
        """Nothing that it sends arrives."""
        self.connection = 0

    @property
    def addr(self) -> NameAddr:
        return NameAddr.parse(f"<sip:{self.name}@{self.address[0]}:{self.address[1]}>")

    def flow(self, other: Peer | Wire, transport: str = "udp") -> Flow:
        return Flow(transport, self.address, other.address, self.net.connection if transport != "udp" else 0)

    def call(self, other: Peer | Wire, body: bytes | None = OFFER, transport: str = "udp", **options: Any) -> Any:
        options.setdefault("target", self.flow(other, transport))
        target = options.pop("target")
        options.setdefault("uri", f"sip:{other.name}@{other.address[0]}:{other.address[1]}")
        return self.endpoint.invite(target, from_=self.addr, to=other.addr, body=body, now=self.net.now, **options)

    def take(self, kind: type[E]) -> E:
        """The next event, which must be of this kind."""
        assert self.events, f"{self.name}: no {kind.__name__}"
        event = self.events.pop(0)
        assert isinstance(event, kind), f"{self.name}: {event} is no {kind.__name__}"
        return event

    def drain(self) -> None:
        while (event := self.endpoint.poll()) is not None:
            self.net.handle(self, event)


class Wire:
    """A peer whose every message a test writes by hand."""

    def __init__(self, net: Net, name: str, address: Address) -> None:
        self.net, self.name, self.address = net, name, address
        self.received: list[Message] = []
        self.cseq = 0

    @property
    def addr(self) -> NameAddr:
        return NameAddr.parse(f"<sip:{self.name}@{self.address[0]}:{self.address[1]}>")

    def send(self, peer: Peer, message: Message | bytes, transport: str = "udp") -> None:
        """Delivers a message at once, and runs what follows at this instant."""
        data = message if isinstance(message, bytes) else message.encode()
        flow = Flow(transport, peer.address, self.address, self.net.connection if transport != "udp" else 0)
        peer.endpoint.receive(flow, data, self.net.now)
        self.net.settle()

    def request(self, peer: Peer, method: str, call_id: str = "w1", *, to_tag: str = "", **fields: Any) -> Request:
        """A request with all it needs; `fields` replace or add headers, `body` and `uri` are what they say."""
        self.cseq += 1
        body, uri = fields.pop("body", b""), fields.pop("uri", f"sip:{peer.name}@{peer.address[0]}:{peer.address[1]}")
        branch = fields.pop("branch", f"z9hG4bK{self.name}{self.cseq}{method}")
        number = fields.pop("cseq", self.cseq)
        request = Request(method, uri, body=body)
        host = f"{self.address[0]}:{self.address[1]}"
        for name, value in (
            ("Via", f"SIP/2.0/UDP {host};rport;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{self.name}@{host}>;tag={self.name}"),
            ("To", f"<sip:{peer.name}@{peer.address[0]}>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", f"<sip:{self.name}@{host}>"),
        ):
            request.headers.set(name, value)
        if body:
            request.headers.set("Content-Type", "application/sdp")
        for name, value in fields.items():
            header = name.rstrip("_").replace("_", "-")
            if value is None:
                request.headers.remove(header)
            else:
                request.headers.set(header, value)
        return request

    def reply(self, request: Message, status: int, tag: str = "wire", body: bytes = b"", **fields: str) -> Response:
        """A response to a request that came."""
        assert isinstance(request, Request)
        response = request.reply(status, to_tag=tag)
        response.headers.set("Contact", f"<sip:{self.name}@{self.address[0]}:{self.address[1]}>")
        if body:
            response.headers.set("Content-Type", "application/sdp")
            response.body = body
        for name, value in fields.items():
            response.headers.set(name.replace("_", "-"), value)
        return response

    def last(self, what: str | int) -> Any:
        """The latest message with this method or status."""
        for message in reversed(self.received):
            if what == (message.method if isinstance(message, Request) else message.status):
                return message
        raise AssertionError(f"{self.name} got no {what}: {self.received}")

    def count(self, what: str | int) -> int:
        """How many of this method or status came."""
        return sum(what == (each.method if isinstance(each, Request) else each.status) for each in self.received)


class Net:
    """The network and the clock."""

    def __init__(
        self, seed: int = 1, loss: float = 0.0, duplicate: float = 0.0, delay: tuple[float, float] = (0.001, 0.001)
    ) -> None:
        self.random = random.Random(seed)
        self.loss, self.duplicate, self.delay = loss, duplicate, delay
        self.now = Instant(1_000.0, 1_800_000_000.0)
        self.peers: dict[Address, Peer | Wire] = {}
        self.connection = 1
        self.log: list[tuple[float, str, Message]] = []
        """When, who and what was sent, whether it arrived or not."""
        self.broken: list[bytes] = []
        """What was sent and cannot be read: answers that echo a broken header."""
        self.drop: Callable[[str, Message], bool] = lambda sender, message: False
        """A test's own losses."""
        self.keep_log = True
        self.closed: list[Flow] = []
        self._wire: list[tuple[float, int, Peer | Wire, Flow, bytes]] = []
        self._serial = 0
        self._last: dict[tuple[Address, Address], float] = {}

    def peer(self, name: str, **options: Any) -> Peer:
        address = (f"192.0.2.{len(self.peers) + 1}", 5060)
        peer = Peer(self, name, address, **options)
        self.peers[address] = peer
        return peer

    def wire(self, name: str = "wire", address: Address | None = None) -> Wire:
        address = address or (f"192.0.2.{len(self.peers) + 1}", 5060)
        wire = Wire(self, name, address)
        self.peers[address] = wire
        return wire

    def handle(self, peer: Peer, event: Event) -> None:
        """What a driver does with the events that are its own."""
        if isinstance(event, Send):
            self._send(peer, event)
        elif isinstance(event, Resolve):
            found = self.peers.get((event.host, event.port or 5060))
            flows = [peer.flow(found, event.transport or "udp")] if found is not None else []
            peer.endpoint.resolved(event.query, flows, self.now)
        elif isinstance(event, CloseFlow):
            self.closed.append(event.flow)
        elif peer.react is not None:
            peer.react(peer, event)
        else:
            peer.events.append(event)

    def _send(self, peer: Peer, event: Send) -> None:
        reliable = event.flow.transport != "udp"
        dropped = peer.silent
        if self.keep_log:
            try:
                message = parse_message(event.data)
            except RemoteProtocolError:
                self.broken.append(event.data)
                return
            self.log.append((self.now.mono, peer.name, message))
            dropped = dropped or self.drop(peer.name, message)
        target = self.peers.get(event.flow.remote)
        if dropped or target is None:
            return
        copies = 1
        if not reliable:
            copies = 0 if self.random.random() < self.loss else 2 if self.random.random() < self.duplicate else 1
        flow = Flow(event.flow.transport, event.flow.remote, event.flow.local, event.flow.connection)
        for _ in range(copies):
            when = self.now.mono + self.random.uniform(*self.delay)
            if reliable:
                pair = (event.flow.local, event.flow.remote)
                when = self._last[pair] = max(when, self._last.get(pair, 0.0))
            self._serial += 1
            heapq.heappush(self._wire, (when, self._serial, target, flow, event.data))

    def settle(self) -> None:
        """Reads all output, until there is none."""
        busy = True
        while busy:
            busy = False
            for peer in list(self.peers.values()):
                if isinstance(peer, Peer) and peer.endpoint.events:
                    peer.drain()
                    busy = True

    def step(self, end: float) -> bool:
        """The earliest arrival or deadline; False when there is none up to `end`."""
        self.settle()
        deadlines = [
            (when, peer)
            for peer in self.peers.values()
            if isinstance(peer, Peer) and (when := peer.endpoint.deadline()) is not None
        ]
        arrival = self._wire[0][0] if self._wire else float("inf")
        due = min(deadlines, key=lambda pair: pair[0], default=None)
        when = min(arrival, due[0] if due else float("inf"))
        if when > end:
            return False
        self._move(when)
        if due is not None and due[0] <= arrival:
            due[1].endpoint.timeout(self.now)
        else:
            _, _, target, flow, data = heapq.heappop(self._wire)
            if isinstance(target, Peer):
                target.endpoint.receive(flow, data, self.now)
            else:
                try:
                    target.received.append(parse_message(data))
                except RemoteProtocolError:
                    self.broken.append(data)
        self.settle()
        return True

    def run(self, seconds: float = 0.1) -> None:
        """Lets time pass."""
        end = self.now.mono + seconds
        while self.step(end):
            pass
        self._move(end)

    def sent(self, name: str, what: str | int) -> list[tuple[float, Message]]:
        """What a peer sent of this method or status: when, and the message."""
        return [
            (when, message)
            for when, sender, message in self.log
            if sender == name and what == (message.method if isinstance(message, Request) else message.status)
        ]

    def _move(self, when: float) -> None:
        if when > self.now.mono:
            self.now = self.now.later(when - self.now.mono)


def assert_clean(*peers: Peer) -> None:
    """Nothing is left behind, and nothing went wrong inside."""
    for peer in peers:
        counts = peer.endpoint.counts()
        assert counts.transactions == counts.sessions == counts.dialogs == counts.early == 0, (peer.name, counts)
        assert counts.timers == 0 or counts.registrations, (peer.name, counts)
        assert not peer.endpoint.faults, "\n".join(peer.endpoint.faults)
        assert "undefined" not in peer.endpoint.seen, peer.endpoint.seen
