"""The four transaction machines, their timers one by one, and what they must never do."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from appliance.clock import Instant
from appliance.errors import UndefinedTransition
from appliance.sip import tables
from appliance.sip.client_transaction import ClientTransaction
from appliance.sip.events import Send
from appliance.sip.flow import Flow
from appliance.sip.limits import Limits
from appliance.sip.message import Request, Response
from appliance.sip.parser import parse_message
from appliance.sip.server_transaction import ServerTransaction
from appliance.sip.timers import Timers
from appliance.sip.transaction import Hop, TransactionLayer
from tests.unit.sip.net import entropy

UDP = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.2", 5060))
TCP = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.2", 5060), 7)
UDP2 = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.3", 5060))


class User:
    """Keeps what transactions say."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_response(self, transaction: ClientTransaction, response: Response, now: Instant) -> None:
        self.heard.append(response.status)

    def on_failure(self, transaction: ClientTransaction, status: int, now: Instant) -> None:
        self.heard.append(f"failed {status}")

    def on_ack(self, transaction: ServerTransaction, request: Request, now: Instant) -> None:
        self.heard.append("ACK")

    def on_unacknowledged(self, transaction: ServerTransaction, status: int, now: Instant) -> None:
        self.heard.append(f"gone {status}")


class Bench:
    """A layer, a clock and what was sent when."""

    def __init__(self) -> None:
        self.layer = TransactionLayer(entropy(5), Timers(), Limits(), deque())
        self.now = Instant(0.0, 0.0)
        self.user = User()
        self.sent: list[tuple[float, Any]] = []

    def client(self, method: str, target: Flow | Hop = UDP) -> ClientTransaction:
        request = Request(method, "sip:bob@192.0.2.2")
        for name, value in (
            ("Max-Forwards", "70"),
            ("Route", "<sip:192.0.2.2;lr>"),
            ("From", "<sip:a@192.0.2.1>;tag=1"),
            ("To", "<sip:bob@192.0.2.2>"),
            ("Call-ID", "c1"),
            ("CSeq", f"7 {method}"),
        ):
            request.headers.set(name, value)
        transaction = self.layer.send(request, target, self.user, "test", self.now)
        self.collect()
        return transaction

    def server(self, method: str, flow: Flow = UDP, branch: str = "z9hG4bKs") -> ServerTransaction:
        request = self.request(method, branch)
        transaction = self.layer.serve(request, self.layer.server_key(request), flow)
        transaction.user = self.user
        return transaction

    def request(self, method: str, branch: str = "z9hG4bKs", number: int = 1, host: str = "192.0.2.2") -> Request:
        request = Request(method, "sip:me@192.0.2.1")
        for name, value in (
            ("Via", f"SIP/2.0/UDP {host};rport;branch={branch}"),
            ("From", "<sip:b@192.0.2.2>;tag=2"),
            ("To", "<sip:me@192.0.2.1>" + (";tag=x" if method == "ACK" else "")),
            ("Call-ID", "c2"),
            ("CSeq", f"{number} {method}"),
        ):
            request.headers.set(name, value)
        return request

    def respond(self, transaction: ClientTransaction, status: int, tag: str = "t") -> None:
        sent = next(m for _, m in reversed(self.sent) if isinstance(m, Request) and m.method == transaction.method)
        assert transaction.flow is not None
        self.layer.receive_response(sent.reply(status, to_tag=tag), transaction.flow, self.now)
        self.collect()

    def answer(self, transaction: ServerTransaction, status: int) -> None:
        transaction.respond(self.request(transaction.method).reply(status, to_tag="x"), self.now)
        self.collect()

    def run(self, seconds: float) -> list[float]:
        """Lets time pass; when something was sent meanwhile, relative to the start."""
        start, count = self.now.mono, len(self.sent)
        end = start + seconds
        while (when := self.layer.timers.deadline()) is not None and when <= end:
            self.now = Instant(when, when)
            while (due := self.layer.timers.pop_due(when)) is not None:
                due[0].fire(due[1], self.now)
            self.collect()
        self.now = Instant(end, end)
        return [round(when - start, 3) for when, _ in self.sent[count:]]

    def fail(self, flow: Flow) -> None:
        for transaction in self.layer.waiting_on(flow):
            transaction.transport_failed(self.now)

    def collect(self) -> None:
        while self.layer.out:
            event = self.layer.out.popleft()
            if isinstance(event, Send):
                self.sent.append((self.now.mono, parse_message(event.data)))

    def clean(self) -> bool:
        return not self.layer.clients and not self.layer.servers and not self.layer.open and not self.layer.merges


# -- INVITE client


def test_invite_is_repeated_at_doubling_intervals_and_gives_up_after_64_t1() -> None:
    bench = Bench()
    bench.client("INVITE")
    assert bench.run(40) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5], "timer A doubles without the bound of T2"
    assert bench.user.heard == ["failed 408"]
    assert bench.clean()


def test_invite_over_tcp_is_sent_once() -> None:
    bench = Bench()
    bench.client("INVITE", TCP)
    assert bench.run(40) == []
    assert bench.user.heard == ["failed 408"]


def test_a_provisional_response_stops_repetition_and_time_out_of_invite() -> None:
    bench = Bench()
    call = bench.client("INVITE")
    bench.respond(call, 100)
    assert bench.run(300) == []
    assert bench.user.heard == [100]
    assert call.state == "proceeding"


def test_a_refusal_is_acknowledged_each_time_and_told_once() -> None:
    bench = Bench()
    call = bench.client("INVITE")
    bench.respond(call, 486)
    bench.respond(call, 486)
    acks = [message for _, message in bench.sent if message.method == "ACK"]
    assert len(acks) == 2
    invite = bench.sent[0][1]
    ack = acks[0]
    assert ack.headers.get("Via") == invite.headers.get("Via"), "hop by hop: the branch of the INVITE"
    assert (ack.uri, str(ack.cseq), ack.to.tag) == (invite.uri, "7 ACK", "t")
    assert ack.headers.get_all("Route") == invite.headers.get_all("Route")
    assert bench.user.heard == [486]
    bench.run(31.9)
    assert not bench.clean(), "timer D keeps it for 32 s"
    bench.run(0.2)
    assert bench.clean()


def test_a_2xx_leads_to_accepted_where_each_2xx_is_passed_up_until_timer_m() -> None:
    bench = Bench()
    call = bench.client("INVITE")
    bench.respond(call, 180)
    bench.respond(call, 200)
    assert call.state == "accepted"
    bench.respond(call, 200, tag="fork")
    bench.respond(call, 486)
    assert bench.user.heard == [180, 200, 200], "the ACK of a 2xx belongs to the UA core, not to the transaction"
    assert not [m for _, m in bench.sent if m.method == "ACK"]
    bench.run(31.9)
    bench.respond(call, 200)
    assert bench.user.heard[-1] == 200
    assert len(bench.user.heard) == 4
    bench.run(0.2)
    assert bench.clean()


def test_timer_m_runs_over_tcp_too_but_d_is_zero_there() -> None:
    bench = Bench()
    bench.respond(bench.client("INVITE", TCP), 200)
    bench.run(31)
    assert not bench.clean()
    bench.run(2)
    assert bench.clean()
    bench.respond(bench.client("INVITE", TCP), 404)
    bench.run(0)
    assert bench.clean()


# -- non-INVITE client


def test_a_request_is_repeated_up_to_t2_and_gives_up_with_timer_f() -> None:
    bench = Bench()
    bench.client("OPTIONS")
    assert bench.run(40) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5], "timer E is bound by T2"
    assert bench.user.heard == ["failed 408"]
    assert bench.clean()


def test_in_proceeding_a_request_goes_on_being_repeated_at_t2() -> None:
    bench = Bench()
    asked = bench.client("OPTIONS")
    bench.run(0.2)
    bench.respond(asked, 100)
    assert bench.run(13) == [0.3, 4.3, 8.3, 12.3], "a provisional response does not stop timer E"
    bench.run(40)
    assert bench.user.heard == [100, "failed 408"], "nor timer F"


def test_a_final_response_is_told_once_and_repetitions_absorbed_until_timer_k() -> None:
    bench = Bench()
    asked = bench.client("OPTIONS")
    bench.respond(asked, 200)
    bench.respond(asked, 200)
    assert bench.user.heard == [200]
    bench.run(4.9)
    assert not bench.clean()
    bench.run(0.2)
    assert bench.clean()


def test_timer_k_is_zero_over_tcp() -> None:
    bench = Bench()
    bench.respond(bench.client("OPTIONS", TCP), 200)
    bench.run(0)
    assert bench.clean()


# -- INVITE server


def test_a_refusal_is_repeated_until_ack() -> None:
    bench = Bench()
    call = bench.server("INVITE")
    bench.answer(call, 100)
    bench.answer(call, 486)
    assert bench.run(12) == [0.5, 1.5, 3.5, 7.5, 11.5], "timer G is bound by T2"
    call.acknowledged(bench.request("ACK"), bench.now)
    assert bench.run(4.9) == []
    assert call.state == "confirmed"
    call.acknowledged(bench.request("ACK"), bench.now)
    call.repeated(bench.now)
    assert bench.run(0.2) == []
    assert bench.clean(), "timer I"


def test_a_refusal_without_ack_ends_with_timer_h() -> None:
    bench = Bench()
    bench.answer(bench.server("INVITE"), 486)
    bench.run(33)
    assert bench.user.heard == ["gone 408"]
    assert bench.clean()


def test_a_refusal_over_tcp_is_sent_once() -> None:
    bench = Bench()
    call = bench.server("INVITE", TCP)
    bench.answer(call, 486)
    assert bench.run(12) == []
    call.acknowledged(bench.request("ACK"), bench.now)
    bench.run(0)
    assert bench.clean(), "timer I is zero over TCP"


def test_a_repeated_invite_gets_the_last_provisional_response() -> None:
    bench = Bench()
    call = bench.server("INVITE")
    call.repeated(bench.now)
    bench.collect()
    assert bench.sent == [], "nothing was said yet"
    bench.answer(call, 100)
    bench.answer(call, 180)
    call.repeated(bench.now)
    bench.collect()
    assert [message.status for _, message in bench.sent] == [100, 180, 180]


def test_after_2xx_a_repeated_invite_is_absorbed_until_timer_l() -> None:
    bench = Bench()
    call = bench.server("INVITE")
    bench.answer(call, 200)
    assert call.state == "accepted"
    call.repeated(bench.now)
    bench.collect()
    assert len(bench.sent) == 1, "the UA core repeats the 2xx, the transaction does not"
    bench.answer(call, 200)
    assert len(bench.sent) == 2
    assert bench.run(31.9) == []
    assert not bench.clean()
    bench.run(0.2)
    assert bench.clean()


def test_an_ack_with_the_branch_of_its_invite_is_passed_up_after_2xx() -> None:
    bench = Bench()
    call = bench.server("INVITE")
    bench.answer(call, 200)
    call.acknowledged(bench.request("ACK"), bench.now)
    assert bench.user.heard == ["ACK"]


# -- non-INVITE server


def test_a_repeated_request_gets_its_answer_again_until_timer_j() -> None:
    bench = Bench()
    asked = bench.server("REGISTER")
    asked.repeated(bench.now)
    bench.collect()
    assert bench.sent == []
    bench.answer(asked, 100)
    asked.repeated(bench.now)
    bench.answer(asked, 200)
    asked.repeated(bench.now)
    bench.collect()
    assert [message.status for _, message in bench.sent] == [100, 100, 200, 200]
    bench.answer(asked, 500)
    assert len(bench.sent) == 4, "nothing follows a final response"
    bench.run(31.9)
    assert not bench.clean()
    bench.run(0.2)
    assert bench.clean()


def test_timer_j_is_zero_over_tcp() -> None:
    bench = Bench()
    bench.answer(bench.server("REGISTER", TCP), 200)
    bench.run(0)
    assert bench.clean()


def test_a_request_that_nobody_answers_is_forgotten() -> None:
    bench = Bench()
    bench.server("REGISTER").guard(bench.now)
    bench.run(33)
    assert bench.clean()


# -- transport


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_transport_error_ends_what_waits_on_that_flow(method: str) -> None:
    bench = Bench()
    bench.client(method)
    other = bench.client(method, UDP2)
    bench.fail(UDP)
    assert bench.user.heard == ["failed 503"]
    assert list(bench.layer.clients.values()) == [other]


def test_after_an_answer_a_transport_error_concerns_nobody() -> None:
    bench = Bench()
    call = bench.client("INVITE")
    bench.respond(call, 200)
    bench.fail(UDP)
    assert bench.user.heard == [200]
    assert call.state == "accepted"


def test_a_request_waits_for_its_look_up_and_moves_on_to_the_next_address() -> None:
    bench = Bench()
    call = bench.client("INVITE", Hop("carrier.example", None, None))
    assert call.state == "resolving"
    assert bench.sent == []
    call.on_resolved([UDP, UDP2], bench.now)
    bench.collect()
    first = bench.sent[0][1].via.branch
    bench.fail(UDP)
    bench.collect()
    assert call.flow == UDP2
    assert bench.sent[1][1].via.branch != first
    assert len(bench.sent[1][1].vias) == 1
    bench.fail(UDP2)
    assert bench.user.heard == ["failed 503"]
    assert bench.clean()


def test_a_look_up_that_finds_nothing_or_never_ends_fails() -> None:
    bench = Bench()
    bench.client("INVITE", Hop("nowhere.example", None, None)).on_resolved([], bench.now)
    assert bench.user.heard == ["failed 503"]
    bench.client("OPTIONS", Hop("slow.example", None, None))
    bench.client("INVITE", Hop("slow.example", None, None))
    bench.run(33)
    assert bench.user.heard == ["failed 503", "failed 408", "failed 408"]
    assert bench.clean()


# -- matching


def test_a_response_matches_by_branch_and_method() -> None:
    bench = Bench()
    call = bench.client("INVITE")
    invite = bench.sent[0][1]
    stranger = invite.reply(200, to_tag="t")
    stranger.headers.set("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={call.branch}x")
    assert not bench.layer.receive_response(stranger, UDP, bench.now)
    cancelled = invite.reply(200)
    cancelled.headers.set("CSeq", "7 CANCEL")
    assert not bench.layer.receive_response(cancelled, UDP, bench.now)
    assert bench.user.heard == []


def test_requests_match_by_branch_sent_by_and_method() -> None:
    layer, request = Bench().layer, Bench().request
    key = layer.server_key(request("INVITE"))
    assert layer.server_key(request("INVITE")) == key
    assert layer.server_key(request("ACK")) == key
    assert layer.server_key(request("CANCEL")) != key
    assert layer.server_key(request("INVITE", branch="z9hG4bKother")) != key
    assert layer.server_key(request("INVITE", host="192.0.2.9")) != key


def test_requests_of_rfc_2543_match_without_a_branch() -> None:
    layer, request = Bench().layer, Bench().request
    key = layer.server_key(request("INVITE", branch="1"))
    assert layer.server_key(request("INVITE", branch="1")) == key
    assert layer.server_key(request("ACK", branch="1")) == key
    assert layer.server_key(request("INVITE", branch="1", number=2)) != key


def test_our_address_is_learned_from_received_and_rport() -> None:
    bench = Bench()
    bench.client("OPTIONS")
    response = bench.sent[0][1].reply(200, to_tag="t")
    via = response.headers.get("Via").replace(";rport", ";received=203.0.113.9;rport=1024")
    response.headers.set("Via", via)
    bench.layer.receive_response(response, UDP, bench.now)
    assert bench.layer.address(UDP) == "203.0.113.9:1024"
    assert bench.layer.address(UDP2) == "192.0.2.1:5060"
    assert bench.layer.address(UDP, "198.51.100.1") == "198.51.100.1:5060", "what was configured goes before"
    bench.client("OPTIONS")
    assert bench.sent[-1][1].via.host == "203.0.113.9"


# -- the tables themselves


@pytest.mark.parametrize(
    ("table", "owner"),
    [
        (tables.INVITE_CLIENT, ClientTransaction),
        (tables.NON_INVITE_CLIENT, ClientTransaction),
        (tables.INVITE_SERVER, ServerTransaction),
        (tables.NON_INVITE_SERVER, ServerTransaction),
    ],
)
def test_every_state_of_a_table_can_be_reached_and_left(table: tables.Table, owner: type) -> None:
    starts = {"new", "trying", "proceeding"}
    left = {state for state, _ in table}
    reached = {state for state, _ in table.values()}
    assert left - reached <= starts
    assert reached - left == {"terminated"}
    for _, actions in table.values():
        assert all(hasattr(owner, f"_{action}") for action in actions)


def test_timers_of_invite_are_not_those_of_other_requests() -> None:
    def timers(table: tables.Table) -> set[str]:
        return {event for _, event in table if event.startswith("timer")}

    assert timers(tables.INVITE_CLIENT) == {"timer A", "timer B", "timer D", "timer M"}
    assert timers(tables.NON_INVITE_CLIENT) == {"timer E", "timer F", "timer K"}
    assert timers(tables.INVITE_SERVER) == {"timer G", "timer H", "timer I", "timer L"}
    assert timers(tables.NON_INVITE_SERVER) == {"timer J"}


def test_an_undefined_input_is_a_typed_error() -> None:
    bench = Bench()
    call = bench.server("INVITE")
    bench.answer(call, 200)
    with pytest.raises(UndefinedTransition, match="send 3xx"):
        bench.answer(call, 486)
    asked = bench.client("OPTIONS")
    with pytest.raises(UndefinedTransition, match="timer D"):
        asked.fire("timer D", bench.now)
