"""The desired table: deltas, idempotence, the port pool; and the protocol's framing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.audio import Digit, Link, Mix, Payload, Player, PortStats, Recorder, RtpPort
from appliance.media import protocol
from appliance.media.table import DesiredTable

PORT = RtpPort(id=1, local=("127.0.0.1", 10000), receive=(Payload(0, "PCMU"),), send=Payload(0, "PCMU"))
PLAYER = Player(id=2, files=("/a.wav",))
MIX = Mix(id=3, links=(Link(1, 2),))


def taken(data: bytes | None) -> protocol.Frame:
    assert data is not None
    frame = protocol.decode_control(data)
    assert isinstance(frame, protocol.Frame)
    return frame


def table() -> DesiredTable:
    return DesiredTable(range(10000, 10010))


def test_a_frame_holds_what_changed_since_the_last_one() -> None:
    t = table()
    assert t.frame() is None
    t.put(PORT)
    t.put(PLAYER)
    first = taken(t.frame())
    assert (first.put, first.drop, first.full) == ((PORT, PLAYER), (), False)
    assert t.frame() is None
    t.drop(2)
    t.put(MIX)
    second = taken(t.frame())
    assert (second.put, second.drop) == ((MIX,), (2,))
    assert second.rev == first.rev + 1


def test_the_same_row_again_and_unknown_drops_cost_nothing() -> None:
    t = table()
    t.put(PORT)
    t.frame()
    t.put(PORT)
    t.drop(99)
    assert t.frame() is None


def test_put_and_drop_within_one_drain() -> None:
    t = table()
    t.put(PORT)
    t.drop(1)
    frame = taken(t.frame())
    assert (frame.put, frame.drop) == ((), (1,))
    t.put(PLAYER)
    t.frame()
    t.drop(2)
    t.put(PLAYER)
    frame = taken(t.frame())
    assert (frame.put, frame.drop) == ((PLAYER,), (2,)), "dropped first, then made anew"


def test_full_holds_everything_and_leaves_nothing_to_tell() -> None:
    t = table()
    for row in (PORT, PLAYER, MIX):
        t.put(row)
    t.drop(2)
    full = taken(t.full())
    assert full.full and full.put == (PORT, MIX)
    assert t.frame() is None


def test_ports_are_even_unique_and_rested_before_they_are_given_again() -> None:
    t = table()
    ports = [t.allocate_port() for _ in range(5)]
    assert ports == [10000, 10002, 10004, 10006, 10008]
    assert t.allocate_port() is None
    t.release_port(10004)
    t.release_port(10000)
    t.release_port(10000)
    t.release_port(4711)
    assert [t.allocate_port(), t.allocate_port(), t.allocate_port()] == [10004, 10000, None]


def test_a_range_that_ends_on_an_even_port_does_not_give_it() -> None:
    assert DesiredTable(range(10001, 10003)).allocate_port() is None
    assert DesiredTable(range(10001, 10004)).allocate_port() == 10002


def test_a_port_of_the_run_before_is_claimed_and_given_back_where_it_belongs() -> None:
    t = table()
    t.claim_port(10000)
    t.claim_port(20000)
    assert t.ports_used == 2
    assert t.allocate_port() == 10002
    t.release_port(20000)
    t.release_port(10000)
    assert [t.allocate_port() for _ in range(5)] == [10004, 10006, 10008, 10000, None]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(0, 2)), max_size=40), st.integers(1, 7))
def test_frames_bring_any_peer_to_the_same_table(steps: list[tuple[bool, int, int]], every: int) -> None:
    t, peer = table(), dict[int, object]()
    for number, (put, row_id, generation) in enumerate(steps):
        if put:
            t.put(Player(id=row_id, files=("/x.wav",), generation=generation))
        else:
            t.drop(row_id)
        if number % every == 0 and (data := t.frame()):
            frame = taken(data)
            for _ in range(2):
                for dropped in frame.drop:
                    peer.pop(dropped, None)
                peer |= {row.id: row for row in frame.put}
    if data := t.frame():
        frame = taken(data)
        for dropped in frame.drop:
            peer.pop(dropped, None)
        peer |= {row.id: row for row in frame.put}
    assert peer == {row.id: row for row in t.rows()}


def test_messages_survive_the_wire_whatever_way_they_are_cut() -> None:
    rows = (PORT, PLAYER, MIX, Recorder(id=4, path="/r.wav", left=1, right=(5, 6), call="c", leg="l"))
    held = protocol.Held(pid=7, rev=3, rows=rows)
    reports = protocol.Reports(events=(Digit(id=1, digit="5", milliseconds=80), PortStats(id=1, packets=3, final=True)))
    stream = protocol.packed(protocol.encode(held)) + protocol.packed(protocol.encode(reports))
    for size in (1, 3, 64, len(stream)):
        unpacker, got = protocol.Unpacker(), list[bytes]()
        for start in range(0, len(stream), size):
            got += unpacker.feed(stream[start : start + size])
        assert [protocol.decode_engine(data) for data in got] == [held, reports]


def test_what_is_too_long_or_not_understood_is_a_protocol_error() -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.Unpacker().feed(b"\xff\xff\xff\xff")
    for decode in (protocol.decode_control, protocol.decode_engine):
        with pytest.raises(protocol.ProtocolError):
            decode(b"\x81\xa4type\xa5bogus")
