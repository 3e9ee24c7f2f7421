"""Both outside ends of calls through the box: who calls, and the carrier that answers, with the kernel's time stamps.

Deliberately simple (one thread, two sockets, messages by template): it sets up calls one by one or many at an even
pace, holds them for a media load, and notes when an INVITE left, was answered 100, and came out again at the other end.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from tests.bench.box import BARE, CALLER, CARRIER, HOST, NUMBER, SIP, STREAMS
from tests.bench.meter import MESSAGE

SO_TIMESTAMPNS = 35
_port = re.compile(rb"m=audio (\d+)")
_to_tag = re.compile(rb"\r\nTo:[^\r]*?;tag=([^;\r]+)")
_contact = re.compile(rb"\r\nContact: *<([^>]+)>")
_cseq = re.compile(rb"\r\nCSeq: *(\d+) +([A-Z]+)")
_call_id = re.compile(rb"\r\nCall-ID: *([^\r]+)")
_copied = re.compile(rb"\r\n((?:Via|From|Call-ID|CSeq|Record-Route):[^\r]*)")
_to = re.compile(rb"\r\nTo:[^\r]*")
_mark = re.compile(rb"\r\nFrom: *\"?call-(\d+)")
"""The box shows the caller's display name to the carrier, which is what tells the calls apart there."""


class Times(NamedTuple):
    """Milliseconds after an INVITE left the caller."""

    trying: float
    out: float
    """When the box's own INVITE reached the carrier."""


class Held(NamedTuple):
    """One established call: where each end sends its audio."""

    caller_sends: int
    called_sends: int


class _Call:
    __slots__ = ("answered", "box", "contact", "ended", "number", "out", "place", "sent", "tag", "trying")

    def __init__(self, number: int, place: int) -> None:
        self.number, self.place = number, place % 500
        self.sent = self.trying = self.out = 0.0
        self.answered = self.ended = False
        self.box = [0, 0]
        self.tag = self.contact = b""


def _open(port: int) -> socket.socket:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    own.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    own.bind((HOST, port))
    own.setblocking(False)
    return own


class Peers:
    """`with Peers() as peers:` opens both ends."""

    def __init__(self) -> None:
        self._caller, self._carrier = _open(CALLER), _open(CARRIER)
        self._calls: dict[int, _Call] = {}
        self._next = 0
        self._run = f"{time.time_ns():x}".encode()
        self.bare: list[float] = []
        """Milliseconds in which the bare responder gave each INVITE back, where it runs."""
        self.refused: list[str] = []
        """Status lines of calls that failed."""

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *_: object) -> None:
        self._caller.close()
        self._carrier.close()

    # --- what a benchmark asks for ---------------------------------------------------------------------------------
    def measure(self, count: int, per_second: float, hold: float = 0.05) -> list[Times]:
        """Makes so many calls at an even pace, each ended after `hold` seconds; the times of those that came about."""
        first, due = self._next, time.monotonic()
        byes: deque[tuple[float, int]] = deque()
        end = due + count / per_second + 5
        while (now := time.monotonic()) < end:
            if self._next < first + count and now >= due:
                byes.append((now + hold, self._next))
                self._invite()
                due += 1 / per_second
            while byes and byes[0][0] <= now:
                self._bye(byes.popleft()[1])
            if self._next == first + count and not byes and all(call.ended for call in self._calls.values()):
                break
            self._serve(min(max(0.0, due - now), 0.005))
        calls, self._calls = self._calls, {}
        return [
            Times((call.trying - call.sent) * 1e3, (call.out - call.sent) * 1e3)
            for call in calls.values()
            if call.trying and call.out
        ]

    def take_bare(self) -> list[float]:
        """What the bare responder took since the last time, in milliseconds."""
        taken, self.bare = self.bare, []
        return taken

    def establish(self, count: int, per_second: float = 80.0) -> list[Held]:
        """Sets up so many calls that stay; raises RuntimeError when not all of them come about."""
        self._calls.clear()
        first, due = self._next, time.monotonic()
        end = due + count / per_second + 5
        while time.monotonic() < end:
            if self._next < first + count and time.monotonic() >= due:
                self._invite()
                due += 1 / per_second
            if self._next == first + count and all(call.answered for call in self._calls.values()):
                return [Held(call.box[0], call.box[1]) for call in self._calls.values()]
            self._serve(0.002)
        answered = sum(call.answered for call in self._calls.values())
        raise RuntimeError(f"only {answered} of {count} calls were answered ({self.refused[:3]})")

    def hang_up(self, per_second: float = 200.0) -> None:
        """Ends what was established."""
        for number in list(self._calls):
            self._bye(number)
            end = time.monotonic() + 1 / per_second
            while (left := end - time.monotonic()) > 0:
                self._serve(left)
        self._until(lambda: all(call.ended for call in self._calls.values()), 3.0)
        self._calls.clear()

    @staticmethod
    def streams(held: list[Held]) -> str:
        """Lines for `rtp_load`: own port, box, box's port; the two ends of a call follow each other."""
        lines = []
        for place, call in enumerate(held):
            lines.append(f"{_rtp(place, 0)} {HOST} {call.caller_sends}\n{_rtp(place, 1)} {HOST} {call.called_sends}\n")
        return "".join(lines)

    # --- sockets ---------------------------------------------------------------------------------------------------
    def _until(self, done: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            self._serve(0.01)

    def _serve(self, seconds: float) -> None:
        readable, _, _ = select.select([self._caller, self._carrier], [], [], seconds)
        for own in readable:
            handle = self._at_caller if own is self._caller else self._at_carrier
            while True:
                try:
                    data, control, _, _ = own.recvmsg(65535, 64)
                except BlockingIOError:
                    break
                second, nano = struct.unpack("qq", control[0][2]) if control else (0, 0)
                handle(data, second + nano / 1e9)

    def _send(self, own: socket.socket, text: bytes) -> None:
        own.sendto(text, (HOST, SIP))

    # --- the caller ------------------------------------------------------------------------------------------------
    def _head(self, call: _Call, method: bytes, cseq: int, uri: bytes) -> bytes:
        return (
            b"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s%s%d\r\n"
            b'From: "call-%d" <sip:caller@%s:%d>;tag=f%d\r\nTo: <sip:%s@%s:%d>%s\r\nCall-ID: %s-%d\r\n'
            b"CSeq: %d %s\r\nMax-Forwards: 70\r\nContact: <sip:caller@%s:%d>\r\n"
            % (
                *(method, uri, HOST.encode(), CALLER, self._run, method, call.number),
                *(call.number, HOST.encode(), CALLER, call.number),
                *(NUMBER.encode(), HOST.encode(), SIP, b";tag=" + call.tag if call.tag else b""),
                *(self._run, call.number, cseq, method, HOST.encode(), CALLER),
            )
        )

    def _invite(self) -> None:
        call = self._calls[self._next] = _Call(self._next, len(self._calls))
        self._next += 1
        body = _sdp(_rtp(call.place, 0))
        uri = f"sip:{NUMBER}@{HOST}:{SIP}".encode()
        text = self._head(call, b"INVITE", 1, uri) + b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s"
        text = text % (len(body), body)
        call.sent = time.time()
        self._send(self._caller, text)
        self._caller.sendto(b"%d %s" % (time.time_ns(), MESSAGE), (HOST, BARE))

    def _bye(self, number: int) -> None:
        call = self._calls[number]
        if call.answered:
            self._send(self._caller, self._head(call, b"BYE", 2, call.contact) + b"Content-Length: 0\r\n\r\n")
        else:
            call.ended = True

    def _at_caller(self, data: bytes, at: float) -> None:
        if data.endswith(MESSAGE):
            self.bare.append((at - int(data.partition(b" ")[0]) / 1e9) * 1e3)
            return
        found, cseq = _call_id.search(data), _cseq.search(data)
        if found is None or cseq is None or not data.startswith(b"SIP/2.0 ") or not found[1].startswith(self._run):
            return
        call = self._calls.get(int(found[1].rpartition(b"-")[2]))
        if call is None:
            return
        status = int(data[8:11])
        if cseq[2] == b"BYE":
            call.ended = True
        elif status == 100:
            call.trying = call.trying or at
        elif status >= 200:
            self._final(call, status, data)

    def _final(self, call: _Call, status: int, data: bytes) -> None:
        tag, contact, port = _to_tag.search(data), _contact.search(data), _port.search(data)
        call.tag = tag[1] if tag else b""
        if status >= 300 or contact is None or port is None:
            self.refused.append(data.partition(b"\r\n")[0].decode())
            call.ended = True
            uri = f"sip:{NUMBER}@{HOST}:{SIP}".encode()
            ack = self._head(call, b"ACK", 1, uri).replace(self._run + b"ACK", self._run + b"INVITE", 1)
        else:
            call.answered, call.contact, call.box[0] = True, contact[1], int(port[1])
            ack = self._head(call, b"ACK", 1, call.contact)
        self._send(self._caller, ack + b"Content-Length: 0\r\n\r\n")

    # --- the carrier -----------------------------------------------------------------------------------------------
    def _at_carrier(self, data: bytes, at: float) -> None:
        method = data.partition(b" ")[0]
        if method == b"INVITE":
            mark, port = _mark.search(data), _port.search(data)
            call = self._calls.get(int(mark[1])) if mark else None
            if call is None or port is None:
                return
            call.out, call.box[1] = call.out or at, int(port[1])
            self._answer(data, _sdp(_rtp(call.place, 1)))
        elif method in (b"BYE", b"OPTIONS", b"CANCEL"):
            self._answer(data, b"")

    def _answer(self, data: bytes, body: bytes) -> None:
        to = _to.search(data)
        to_line = to[0] if to else b""
        if b";tag=" not in to_line:
            to_line += b";tag=carrier"
        lines = b"\r\n".join(_copied.findall(data))
        kind = b"Content-Type: application/sdp\r\n" if body else b""
        text = b"SIP/2.0 200 OK\r\n%s%s\r\nContact: <sip:carrier@%s:%d>\r\n%sContent-Length: %d\r\n\r\n%s" % (
            *(lines, to_line, HOST.encode(), CARRIER, kind, len(body), body),
        )
        self._send(self._carrier, text)


def _rtp(place: int, end: int) -> int:
    return STREAMS + 4 * place + 2 * end


def _sdp(port: int) -> bytes:
    text = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    return (text + "a=rtpmap:0 PCMU/8000\r\n").encode()
