"""The endpoint: what it answers by itself, what it hands on, what it never lets in."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from appliance.sip.endpoint import Endpoint
from appliance.sip.events import IncomingRequest, IncomingSession, RequestDone, Send, SessionEnded
from appliance.sip.flow import Flow
from appliance.sip.limits import Limits
from appliance.sip.message import Request, Response
from appliance.sip.registrar import Registrar
from tests.unit.sip.net import ANSWER, OFFER, Net, Peer, Wire, assert_clean, entropy


def ask(net: Net, box: Peer, wire: Wire, method: str, **fields: str | None) -> Response:
    """The answer to a request."""
    wire.send(box, wire.request(box, method, **fields))
    net.run(0.01)
    answer = wire.received[-1]
    assert isinstance(answer, Response)
    assert answer.cseq.method == method
    return answer


def test_options_is_answered_with_what_we_can_do() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    answer = ask(net, box, wire, "OPTIONS")
    assert answer.status == 200
    assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK"} <= set(answer.allow)
    assert not {"REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE"} & set(answer.allow)
    assert answer.accept is not None
    assert answer.accept[0].name == "application/sdp"
    assert set(answer.supported) == {"100rel", "timer"}
    assert answer.to.tag
    assert answer.user_agent == "Hako"
    assert not box.events


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("SUBSCRIBE", {"Event": "presence"}, 489),
        ("NOTIFY", {"Event": "presence"}, 481),
        ("REFER", {"Refer_To": "<sip:x@example.com>"}, 405),
        ("MESSAGE", {}, 405),
        ("PUBLISH", {}, 405),
        ("DANCE", {}, 501),
        ("BYE", {}, 481),
        ("BYE", {"to_tag": "gone"}, 481),
        ("UPDATE", {"to_tag": "gone"}, 481),
        ("INVITE", {"to_tag": "gone"}, 481),
        ("OPTIONS", {"to_tag": "gone"}, 481),
        ("INFO", {}, 481),
        ("PRACK", {}, 481),
        ("CANCEL", {}, 481),
        ("INVITE", {"Max_Forwards": "0"}, 483),
        ("OPTIONS", {"Max_Forwards": "0"}, 200),
        ("INVITE", {"Require": "100rel, rocket"}, 420),
        ("REGISTER", {"Require": "gruu"}, 420),
        ("OPTIONS", {"Require": "rocket"}, 420),
        ("INVITE", {"uri": "mailto:x@example.com"}, 416),
        ("INVITE", {"body": b"x", "Content_Type": "text/plain"}, 415),
        ("INVITE", {"body": b"x", "Content_Type": None}, 400),
        ("INVITE", {"body": OFFER, "Content_Encoding": "gzip"}, 415),
        ("INVITE", {"Accept": "text/plain"}, 406),
        ("INVITE", {"Contact": "<mailto:x@example.com>"}, 416),
    ],
)
def test_what_is_answered_without_asking_anybody(method: str, fields: dict[str, str], status: int) -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    answer = ask(net, box, wire, method, **fields)
    assert answer.status == status
    assert not box.events
    if status in (405, 501):
        assert answer.allow
    if status == 415:
        assert answer.accept is not None
    if method == "INVITE":
        assert answer.to.tag
        wire.send(box, wire.request(box, "ACK", to_tag=answer.to.tag, branch=answer.via.branch, cseq=1))
    net.run(40)
    assert_clean(box)


def test_register_is_handed_on_and_answered_once() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    request = wire.request(box, "REGISTER", Require="path", Supported="path")
    wire.send(box, request)
    wire.send(box, request)
    came = box.take(IncomingRequest)
    assert not box.events, "the repetition is absorbed"
    assert came.flow.remote == wire.address
    response, _ = Registrar().handle(came.request, came.flow, net.now, "201")
    box.endpoint.respond(came.transaction, response, net.now)
    box.endpoint.respond(came.transaction, response, net.now)
    wire.send(box, request)
    net.run(0.01)
    assert wire.count(200) == 2
    net.run(40)
    assert_clean(box)


def test_a_register_that_nobody_answers_is_forgotten() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    wire.send(box, wire.request(box, "REGISTER"))
    net.run(40)
    came = box.take(IncomingRequest)
    box.endpoint.respond(came.transaction, came.request.reply(200), net.now)
    net.run(40)
    assert_clean(box)


def test_a_merged_request_is_refused() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    wire.send(box, wire.request(box, "INVITE", cseq=1, branch="z9hG4bKone"))
    box.take(IncomingSession)
    assert ask(net, box, wire, "INVITE", cseq=1, branch="z9hG4bKtwo").status == 482
    assert not box.events


def test_the_same_call_again_after_a_challenge_is_no_merged_request() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    wire.send(box, wire.request(box, "INVITE"))
    box.take(IncomingSession).session.reject(401, net.now)
    net.settle()
    box.take(SessionEnded)
    wire.send(box, wire.request(box, "INVITE"))
    box.take(IncomingSession)


def test_stray_acks_and_responses_are_dropped() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    wire.send(box, wire.request(box, "ACK", to_tag="x"))
    wire.send(box, wire.reply(wire.request(box, "INVITE"), 200))
    wire.send(box, wire.reply(wire.request(box, "OPTIONS"), 200))
    net.run(1)
    assert not wire.received
    assert not box.events
    assert box.endpoint.seen == {"stray": 3}
    assert_clean(box)


def test_received_and_rport_are_filled_in_and_answers_go_back_there() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire(address=("198.51.100.7", 40000))
    via = "SIP/2.0/UDP 10.0.0.5:5070;rport;branch=z9hG4bKnat"
    answer = ask(net, box, wire, "OPTIONS", Via=via)
    assert (answer.via.received, answer.via.rport) == ("198.51.100.7", 40000)


def test_without_rport_the_answer_goes_to_the_port_of_the_via() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire(address=("198.51.100.7", 40000))
    listener = net.wire("listener", ("198.51.100.7", 5070))
    request = wire.request(box, "OPTIONS", Via="SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKold")
    wire.send(box, request)
    net.run(0.01)
    assert listener.count(200) == 1
    assert listener.last(200).via.received is None
    assert not wire.received


def test_keep_alives() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    for filler in (b"\r\n\r\n", b"\0", b"", b"\r\n"):
        wire.send(box, filler)
    flow = Flow("tcp", box.address, wire.address, 1)
    box.endpoint.receive(flow, b"\r\n\r\n", net.now)
    assert box.endpoint.poll() == Send(flow, b"\r\n")
    assert box.endpoint.poll() is None
    assert box.endpoint.seen == {}


def test_a_stream_is_cut_into_messages_and_closed_when_that_is_lost() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    data = wire.request(box, "OPTIONS").encode() + wire.request(box, "OPTIONS").encode()
    for index in range(0, len(data), 7):
        wire.send(box, data[index : index + 7], "tcp")
    net.run(0.01)
    assert wire.count(200) == 2
    wire.send(box, b"OPTIONS sip:x SIP/2.0\r\nContent-Length: x\r\nContent-Length: 5\r\nl: 6\r\n\r\n", "tcp")
    assert len(net.closed) == 1
    assert box.endpoint._framers == {}


def test_a_closed_connection_leaves_no_framer_and_ends_what_waits() -> None:
    net = Net()
    box, wire = net.peer("box"), net.wire()
    wire.send(box, wire.request(box, "INVITE", body=OFFER).encode()[:40], "tcp")
    assert len(box.endpoint._framers) == 1
    box.endpoint.flow_failed(Flow("tcp", box.address, wire.address, 1), "closed", net.now)
    assert box.endpoint._framers == {}


def test_a_confirmed_call_outlives_its_connection() -> None:
    net = Net()
    alice, bob = net.peer("alice"), net.peer("bob")
    call = alice.call(bob, transport="tcp")
    net.run()
    bob.take(IncomingSession).session.answer(ANSWER, net.now)
    net.run()
    alice.endpoint.flow_failed(alice.flow(bob, "tcp"), "closed", net.now)
    net.connection = 2
    assert call.state == "confirmed"
    call.bye(net.now)
    net.run()
    assert isinstance(bob.events[-1], SessionEnded)
    assert {flow.connection for flow in bob.endpoint._framers} == {1, 2}


def test_requests_outside_a_dialog_are_answered_refused_or_time_out() -> None:
    net = Net()
    alice, bob, wire = net.peer("alice"), net.peer("bob"), net.wire()
    numbers = [
        alice.endpoint.request(alice.flow(peer), "OPTIONS", "sip:x@y", from_=alice.addr, to=peer.addr, now=net.now)
        for peer in (bob, wire)
    ]
    net.run(0.1)
    done = alice.take(RequestDone)
    assert (done.id, done.status) == (numbers[0], 200)
    assert done.response is not None
    net.run(33)
    done = alice.take(RequestDone)
    assert (done.id, done.status, done.response) == (numbers[1], 408, None)
    alice.endpoint.request(("nowhere", None, None), "OPTIONS", "sip:x@y", from_=alice.addr, to=bob.addr, now=net.now)
    net.settle()
    assert alice.take(RequestDone).status == 503
    net.run(40)
    assert_clean(alice, bob)


def test_a_request_outside_a_dialog_logs_in_once() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.endpoint.request(
        alice.flow(wire), "OPTIONS", "sip:c", from_=alice.addr, to=wire.addr, now=net.now, credentials=("u", "p")
    )
    for _ in range(2):
        net.run(0.01)
        wire.send(alice, wire.reply(wire.last("OPTIONS"), 401, WWW_Authenticate='Digest realm="r", nonce="n"'))
    assert wire.count("OPTIONS") == 2
    assert "Authorization" in wire.last("OPTIONS").headers
    assert alice.take(RequestDone).status == 401


# -- bounds


def test_one_source_cannot_take_all_places() -> None:
    net = Net()
    box = net.peer("box", limits=Limits(early_per_source=3))
    wire, other = net.wire(), net.wire("other")
    for number in range(3):
        wire.send(box, wire.request(box, "INVITE", call_id=str(number)))
    refused = ask(net, box, wire, "INVITE", call_id="x")
    assert (refused.status, refused.retry_after) == (503, 5)
    other.send(box, other.request(box, "INVITE", call_id="y"))
    assert len(box.events) == 4
    box.events[0].session.answer(ANSWER, net.now)
    wire.send(box, wire.request(box, "INVITE", call_id="z"))
    assert len(box.events) == 5, "an answered call is no early one"
    for event in box.events[1:5]:
        event.session.reject(486, net.now)
    net.run(100)
    assert box.endpoint.counts().early == 0
    assert box.endpoint._early == {}


def test_sessions_and_transactions_are_bounded() -> None:
    net = Net()
    box = net.peer("box", limits=Limits(sessions=2, transactions=5))
    wire = net.wire()
    for number in range(3):
        wire.send(box, wire.request(box, "INVITE", call_id=str(number)))
    net.run(0.01)
    assert wire.count(503) == 1
    for _ in range(5):
        wire.send(box, wire.request(box, "OPTIONS"))
    net.run(0.01)
    assert wire.count(200) == 2
    assert wire.count(503) == 4
    assert box.endpoint.counts().transactions == 5


def test_answered_requests_are_kept_for_repetitions_as_long_as_there_is_room() -> None:
    net = Net()
    net.keep_log = False
    box, wire = net.peer("box", limits=Limits(absorbing=50)), net.wire()
    first, last = wire.request(box, "OPTIONS"), wire.request(box, "OPTIONS")
    wire.send(box, first)
    for _ in range(60):
        wire.send(box, wire.request(box, "OPTIONS"))
    wire.send(box, last)
    net.run(0.01)
    assert box.endpoint.counts().transactions == 50
    tags = {message.cseq.number: message.to.tag for message in wire.received}
    for request, same in ((first, False), (last, True)):
        wire.send(box, request)
        net.run(0.01)
        assert (wire.received[-1].to.tag == tags[request.cseq.number]) is same
    net.run(33)
    assert not box.endpoint.transactions.absorbing
    assert_clean(box)


# -- what must never escape


def test_any_datagram_is_survived() -> None:
    dice = random.Random(11)
    vectors = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "vectors/rfc4475").glob("*.dat"))]
    net = Net()
    net.keep_log = False
    box, wire = net.peer("box"), net.wire()
    calls = [box.call(wire) for _ in range(3)]
    net.run(0.01)
    vectors += [wire.reply(wire.last("INVITE"), 200, body=ANSWER).encode() for _ in range(9)]
    vectors += [wire.request(box, "CANCEL").encode(), wire.request(box, "BYE").encode()]
    flow = box.flow(wire)
    for _ in range(3_000):
        data = bytearray(dice.choice(vectors))
        for _ in range(dice.randrange(6)):
            place = dice.randrange(len(data))
            if dice.random() < 0.5:
                data[place] = dice.randrange(256)
            else:
                del data[place : place + dice.randrange(20)]
        box.endpoint.receive(flow, bytes(data), net.now)
    net.settle()
    assert not box.endpoint.faults, box.endpoint.faults[0]
    assert "undefined" not in box.endpoint.seen
    for event in box.events:
        if isinstance(event, IncomingSession):
            event.session.terminate(net.now, 404)
    for call in calls:
        call.terminate(net.now)
    box.events.clear()
    net.run(200)
    counts = box.endpoint.counts()
    assert (counts.transactions, counts.sessions, counts.dialogs, counts.timers) == (0, 0, 0, 0)


def test_an_error_of_ours_ends_its_call_and_no_other() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE", call_id="good"))
    good = alice.take(IncomingSession).session
    wire.send(alice, wire.request(alice, "INVITE", call_id="bad"))
    bad = alice.take(IncomingSession).session
    bad.answer(ANSWER, net.now)
    net.run(0.01)
    tag = wire.last(200).to.tag

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    type(bad)._info_came, kept = broken, type(bad)._info_came  # type: ignore[method-assign, assignment]
    try:
        wire.send(alice, wire.request(alice, "INFO", call_id="bad", to_tag=tag))
    finally:
        type(bad)._info_came = kept  # type: ignore[method-assign]
    net.run(0.01)
    assert wire.count(500) == 1
    ended = alice.take(SessionEnded)
    assert (ended.session, ended.status, ended.by) == (bad, 500, "us")
    assert wire.count("BYE") == 1, "the other side is told"
    assert good.state == "incoming"
    assert "ZeroDivisionError" in alice.endpoint.faults[0]


def test_an_undefined_transition_is_contained_and_counted() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    wire.send(alice, wire.request(alice, "INVITE"))
    session = alice.take(IncomingSession).session
    session.state = "confirmed"
    session._transaction.respond(session._reply(session.request, 200), net.now)
    alice.endpoint.layer.timers.set(net.now.mono, "timer Q", next(iter(alice.endpoint.transactions.servers.values())))
    alice.endpoint.timeout(net.now)
    assert alice.endpoint.seen["undefined"] == 1


def test_two_endpoints_with_the_same_dice_say_the_same() -> None:
    def run() -> list[bytes]:
        net = Net()
        endpoint = Endpoint(entropy(4))
        peer = net.peer("x")
        endpoint.invite(
            Flow("udp", ("192.0.2.1", 5060), ("192.0.2.2", 5060)),
            uri="sip:y@192.0.2.2",
            from_=peer.addr,
            to=peer.addr,
            body=OFFER,
            now=net.now,
        )
        sent = []
        while (event := endpoint.poll()) is not None:
            assert isinstance(event, Send)
            sent.append(event.data)
        return sent

    assert run() == run()


def test_a_request_carries_no_contact_unless_asked_for() -> None:
    net = Net()
    alice, wire = net.peer("alice"), net.wire()
    alice.endpoint.request(alice.flow(wire), "OPTIONS", "sip:c", from_=alice.addr, to=wire.addr, now=net.now)
    alice.endpoint.request(
        alice.flow(wire), "OPTIONS", "sip:c", from_=alice.addr, to=wire.addr, now=net.now, contact_user="x"
    )
    net.run(0.01)
    first, second = wire.received
    assert isinstance(first, Request)
    assert "Contact" not in first.headers
    assert second.headers.get("Contact") == "<sip:x@192.0.2.1:5060>"
