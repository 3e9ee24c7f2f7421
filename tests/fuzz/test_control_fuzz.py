"""What `hako` and the media process tell each other, broken in every way: understood or refused, however it comes.

The media process is a real one. Whatever a controller said, the next one is told what is held, and audio flows.
"""

from __future__ import annotations

import contextlib
import math
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.exchange.audio import Detector, Link, Mix, Payload, Player, PortStats, Recorder, RtpPort, SrtpKeys
from appliance.media.protocol import (
    MAX_MESSAGE,
    Dump,
    Frame,
    Held,
    ProtocolError,
    Reports,
    Unpacker,
    decode_control,
    decode_engine,
    encode,
    packed,
)
from tests.unit.media.rtp import Party, free_ports, heard, run

PCMU = Payload(0, "PCMU")
HOST = "127.28.0.1"
"""Where nobody else listens."""
PORT = RtpPort(
    id=1,
    local=(HOST, 28_100),
    remote=(HOST, 9),
    receive=(PCMU, Payload(96, "opus", 48000), Payload(101, "telephone-event")),
    send=PCMU,
    press="12#",
    protect=SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(30)),
)
ORIGINALS = [
    encode(Frame(rev=1, full=True, put=(PORT, Mix(id=3, links=(Link(1, 2), Link(2, 1, 0.5)))))),
    encode(Frame(rev=2, put=(Player(id=4, files=("/nowhere",), loop_from=0), Detector(id=5, port=1, keys=True)))),
    encode(Frame(rev=3, put=(msgspec.structs.replace(PORT, generation=2),), drop=(3, 4, 99))),
    encode(Dump()),
]
ANSWERS = [
    encode(Held(pid=1, rev=2, rows=(PORT,))),
    encode(Reports(events=(PortStats(id=1, packets=5, source="192.0.2.1:9"),))),
]

# Integers at the edges of the engine's fields, and beyond.
integers = st.one_of(
    st.sampled_from([0, 1, 2, 3, -1, 127, 255, 256, 65_535, 65_536, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64 - 1]),
    st.integers(-(2**63), 2**64 - 1),
)
numbers = st.one_of(st.floats(), st.sampled_from([0.0, 1.0, math.inf, math.nan, 1e300]))
texts = st.one_of(st.sampled_from(["", HOST, "::1", "x" * 300, "PCMU", "AEAD_AES_128_GCM"]), st.text(max_size=8))
addresses = st.one_of(st.none(), st.tuples(st.sampled_from([HOST, "::1", "", "box", "9" * 99]), integers))
payloads = st.one_of(st.none(), st.tuples(integers, st.sampled_from(["PCMU", "opus", "L16", "CN", ""]), integers))
ids = st.one_of(st.integers(0, 6), integers)


def row(tag: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A row of the kind `tag`, as it lies in a message."""
    return st.fixed_dictionaries({"row": st.just(tag), "id": ids}, optional=fields)


rows = st.one_of(
    row(
        "rtp",
        remote=addresses,
        remote_rtcp=addresses,
        receive=st.lists(payloads.filter(bool), max_size=20),
        send=payloads,
        send_events=payloads,
        send_noise=payloads,
        press=texts,
        press_generation=integers,
        ptime=integers,
        timeout=numbers,
        ssrc=integers,
        generation=integers,
        dscp=integers,
        protect=st.one_of(st.none(), st.tuples(texts, st.binary(max_size=40))),
    ).flatmap(
        lambda made: st.tuples(st.just(HOST), st.one_of(st.integers(28_100, 28_110), integers)).map(
            lambda local: made | {"local": local}
        )
    ),
    row("player", loop_from=integers, generation=integers).map(lambda made: made | {"files": ["/nowhere", "/"]}),
    row("mix").flatmap(
        lambda made: st.lists(st.tuples(ids, ids, numbers), max_size=6).map(lambda links: made | {"links": links})
    ),
    row("recorder", right=st.lists(ids, max_size=4), running=st.booleans(), rate=integers, call=texts, leg=texts).map(
        lambda made: made | {"path": "recordings/one.wav", "left": made["id"]}
    ),
    row("detector", keys=st.booleans(), speech=st.booleans(), hangover=integers).map(
        lambda made: made | {"port": made["id"]}
    ),
)
frames = st.fixed_dictionaries(
    {"type": st.just("frame"), "rev": integers, "put": st.lists(rows, max_size=5)},
    optional={"full": st.booleans(), "drop": st.lists(ids, max_size=4)},
).map(msgspec.msgpack.encode)


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A message with octets changed, cut out, put in or repeated."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["set", "cut", "insert", "repeat"])):
            case "set" if place < len(data):
                data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[place : place + draw(st.integers(1, 20))]
            case "insert":
                data[place:place] = draw(st.binary(min_size=1, max_size=6))
            case _:
                data[place:place] = data[max(0, place - draw(st.integers(1, 30))) : place]
    return bytes(data)


streams = st.one_of(
    st.binary(max_size=64),
    st.lists(st.one_of(frames, mutated(ORIGINALS)), min_size=1, max_size=4).map(
        lambda many: b"".join(map(packed, many))
    ),
    mutated([packed(ORIGINALS[0]) + packed(ORIGINALS[3])]),
)


@given(st.one_of(mutated(ORIGINALS + ANSWERS), frames, st.binary(max_size=64)))
@settings(max_examples=400, deadline=None)
def test_a_message_is_understood_or_refused(data: bytes) -> None:
    for decode in (decode_control, decode_engine):
        with contextlib.suppress(ProtocolError):
            decode(data)


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(0, 300), max_size=12))
@settings(max_examples=200, deadline=None)
def test_pieces_of_any_length_are_the_same_messages(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(packed, messages))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    unpacker, found = Unpacker(), []
    for start, end in pairwise(places):
        found += unpacker.feed(stream[start:end])
    assert found == messages
    unpacker, found = Unpacker(), []
    for at in range(len(stream)):
        found += unpacker.feed(stream[at : at + 1])
    assert found == messages


@pytest.mark.parametrize(
    "data",
    [b"\x81\xa4type\xa5\xff\xfe\xfd\xfc\xfb", b"\x82\xa4type\xa4dump\xa1x" + b"\x91" * 5000 + b"\xc0"],
    ids=["no-utf-8", "nested"],
)
def test_what_the_decoder_refuses_in_its_own_way_is_refused_like_the_rest(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_control(data)


def test_a_length_beyond_all_tables_is_refused_at_once() -> None:
    with pytest.raises(ProtocolError):
        Unpacker().feed((MAX_MESSAGE + 1).to_bytes(4, "big"))


class Media:
    """A media process and whoever talks to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "media.sock"
        command = [
            sys.executable,
            "-m",
            "appliance.media.engine.process",
            "--socket",
            str(self.path),
            "--data",
            str(folder),
        ]
        environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
        self.log = (folder / "log").open("w+b")
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stderr=self.log)

    def connect(self) -> socket.socket:
        end = time.monotonic() + 20
        while True:
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(20)
            try:
                one.connect(str(self.path))
                return one
            except OSError:
                one.close()
                assert self.process.poll() is None and time.monotonic() < end, self.said()
                time.sleep(0.01)

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def held(self, frame: Frame | None = None) -> Held:
        """What it says that it holds, to a new controller; after this frame."""
        with self.connect() as one:
            if frame is not None:
                one.sendall(packed(encode(frame)))
            one.sendall(packed(encode(Dump())))
            unpacker, held, wanted = Unpacker(), None, 2  # one by itself, one for the question
            while wanted:
                data = one.recv(65536)
                assert data, self.said()
                for message in map(decode_engine, unpacker.feed(data)):
                    if isinstance(message, Held):
                        held, wanted = message, wanted - 1
        assert held is not None
        return held


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Media]:
    """One process for all that is said to it."""
    made = Media(tmp_path_factory.mktemp("media"))
    yield made
    made.process.send_signal(signal.SIGTERM)
    assert made.process.wait(20) == 0, made.said()
    assert "Traceback" not in made.said()
    made.log.close()


@given(streams, st.sampled_from(["whole", "by byte", "and gone"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_controller_ends_the_media_process(media: Media, stream: bytes, how: str) -> None:
    with media.connect() as one, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if how == "by byte":
            for at in range(min(len(stream), 400)):
                one.sendall(stream[at : at + 1])
        else:
            one.sendall(stream)
        if how == "whole":
            one.shutdown(socket.SHUT_WR)
            while one.recv(65536):
                pass
    assert media.held().pid == media.process.pid


def test_a_row_that_no_field_can_hold_costs_that_row_alone(media: Media) -> None:
    broken = [
        RtpPort(id=2**64 - 1, local=(HOST, 28_120)),
        RtpPort(id=10, local=(HOST, 70_000)),
        RtpPort(id=11, local=(HOST, 28_122), ptime=-1),
        RtpPort(id=12, local=(HOST, 28_122), ssrc=2**40),
        Mix(id=13, links=(Link(1, 2**64 - 1),)),
        Player(id=14, files=(), loop_from=2**40),
        Recorder(id=15, path="recordings/two.wav", left=2**63),
    ]
    good = RtpPort(id=16, local=(HOST, 28_124), send=Payload(101, "telephone-event"), timeout=math.inf)
    held = media.held(Frame(rev=9, full=True, put=(*broken, good)))
    assert held.rows == (good,)
    assert held.rev == 9


def test_audio_flows_after_all_of_it(media: Media) -> None:
    parties = [Party(440), Party(850, ssrc=2)]
    try:
        ports = free_ports(2)
        put: list[Any] = [
            RtpPort(id=n + 1, local=("127.0.0.1", port), remote=party.address, receive=(PCMU,), send=PCMU)
            for n, (party, port) in enumerate(zip(parties, ports, strict=True))
        ]
        for party, port in zip(parties, ports, strict=True):
            party.to = ("127.0.0.1", port)
        assert len(media.held(Frame(rev=1, full=True, put=(*put, Mix(id=3, links=(Link(1, 2), Link(2, 1)))))).rows) == 3
        run(0.5, parties)
        assert heard(parties[0].audio(0.2)) == {850} and heard(parties[1].audio(0.2)) == {440}
    finally:
        for party in parties:
            party.close()
