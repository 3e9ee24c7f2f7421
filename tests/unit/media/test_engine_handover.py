"""From packets to a mix and back while somebody speaks: what can be heard of the change."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.unit.media.rtp import Samples
from tests.unit.media.still import CLOCK, G722, MS, OPUS, PCMU, RATE, Sent, Still, stream

ONE, MIX = 1, 2


def tone(kind: int, seconds: float, pause: float = 0.0) -> Samples:
    """440 Hz; `pause`: seconds of silence at the end of each second."""
    at = np.arange(round(seconds * RATE[kind]))
    sound = 8000 * np.sin(2 * np.pi * 440 * at / RATE[kind])
    return np.where(at % RATE[kind] < (1 - pause) * RATE[kind], sound, 0).astype(np.int16)


class Three:
    """a hears b; c, who is silent, joins and leaves."""

    def __init__(self, still: Still, kind: int, said: Samples, phase: int = 3, jitter: float = 0.0) -> None:
        self.still, self.kind = still, kind
        self.a, self.b, self.c = (still.port(kind) for _ in range(3))
        quiet = np.zeros(len(said), dtype=np.int16)
        self.sent = stream(still, self.b, kind, said, start=phase * MS) + stream(still, self.c, kind, quiet)
        dice = np.random.default_rng(7)
        for packet in self.sent:
            packet.at += int(dice.uniform(0, jitter) * MS)
        self.leave()

    def join(self) -> None:
        self.still.bridge(self.a, self.b, self.c)

    def leave(self) -> None:
        self.still.bridge(self.a, self.b)

    def run(self, until: int) -> None:
        now = self.still.now
        packets: list[Sent] = [one for one in self.sent if now <= one.at < until * MS]
        self.still.run(until * MS, packets)

    def hearing(self) -> int:
        return self.still.playout(self.a)["hearing"]

    def quiet_parts(self, start: float, end: float) -> int:
        """How many of the 20 ms that a heard in this time are much softer than the tone."""
        rate = RATE[self.kind]
        sound = self.still.audio(self.a, self.kind)[int(start * rate) : int(end * rate)].astype(float)
        return sum(float(np.sqrt(np.mean(part**2))) < 4000 for part in np.array_split(sound, round((end - start) * 50)))

    def timeline(self) -> set[int]:
        """Milliseconds from packet to packet as the timestamps say."""
        pairs = itertools.pairwise(self.still.heard[self.a])
        return {(after.timestamp - before.timestamp) * 1000 // CLOCK[self.kind] for before, after in pairs}


@pytest.mark.parametrize("kind", [PCMU, G722])
@pytest.mark.parametrize("join", [1000, 1005, 1013, 1018])
def test_somebody_joins_and_nothing_is_missed(still: Still, kind: int, join: int) -> None:
    three = Three(still, kind, tone(kind, 3.0))
    three.run(join)
    three.join()
    three.run(2500)
    assert three.hearing() == MIX
    assert three.quiet_parts(0.1, 2.3) == 0
    assert three.timeline() == {20}
    assert still.playout(three.b)["concealed"] <= 2, "20 ms are made up, and the tone goes on"


def test_opus_goes_on_with_a_dip_of_its_coder_at_most(still: Still) -> None:
    three = Three(still, OPUS, tone(OPUS, 3.0))
    three.run(1000)
    three.join()
    three.run(2500)
    assert three.quiet_parts(0.1, 2.3) <= 3
    assert three.timeline() == {20}


def test_packets_that_come_unevenly_are_followed(still: Still) -> None:
    three = Three(still, PCMU, tone(PCMU, 3.0), jitter=15.0)
    three.run(1000)
    three.join()
    three.run(2500)
    assert three.quiet_parts(0.2, 2.3) <= 1


def test_the_one_who_joins_is_heard_at_once(still: Still) -> None:
    a, b, c = (still.port(PCMU) for _ in range(3))
    still.bridge(a, b)
    said = stream(still, b, PCMU, np.zeros(24000, dtype=np.int16)) + stream(
        still, c, PCMU, tone(PCMU, 3.0), start=5 * MS
    )
    still.run(1000 * MS, [one for one in said if one.at < 1000 * MS])
    still.bridge(a, b, c)
    still.run(2000 * MS, [one for one in said if 1000 * MS <= one.at < 2000 * MS])
    sound = np.abs(still.audio(a, PCMU)[8000:])
    assert int(np.argmax(sound > 3000)) < 0.16 * 8000


def test_who_remain_are_forwarded_again_in_a_pause(still: Still) -> None:
    three = Three(still, PCMU, tone(PCMU, 5.0, pause=0.2))
    three.run(500)
    three.join()
    three.run(1100)
    three.leave()
    three.run(1700)
    assert three.hearing() == MIX, "in the middle of a word nothing changes"
    three.run(2000)
    assert three.hearing() == ONE
    three.run(4500)
    words = 0.8 * 50
    loud = 50 - three.quiet_parts(3.0, 4.0)
    assert abs(loud - words) <= 1
    for second in range(2):
        assert abs(50 - three.quiet_parts(second + 1.05, second + 2.05) - words) <= 2, "no word lost a part"


def test_who_makes_no_pause_is_forwarded_after_two_seconds(still: Still) -> None:
    three = Three(still, PCMU, tone(PCMU, 5.0))
    three.join()
    three.run(1000)
    three.leave()
    three.run(2900)
    assert three.hearing() == MIX
    three.run(3100)
    assert three.hearing() == ONE


def test_who_comes_back_before_the_pause_is_in_the_same_mix(still: Still) -> None:
    three = Three(still, PCMU, tone(PCMU, 5.0))
    three.join()
    three.run(1000)
    three.leave()
    three.run(1500)
    three.join()
    three.run(4500)
    assert three.hearing() == MIX
    assert three.quiet_parts(0.2, 4.3) == 0
    assert three.timeline() == {20}


def test_who_is_silent_while_somebody_joins_holds_nothing_up(still: Still) -> None:
    a, b, c = (still.port(PCMU) for _ in range(3))
    still.bridge(a, b)
    still.run(500 * MS, stream(still, b, PCMU, tone(PCMU, 0.5)))
    still.bridge(a, b, c)
    still.run(1500 * MS, stream(still, c, PCMU, tone(PCMU, 0.9), start=520 * MS))
    assert np.abs(still.audio(a, PCMU)[7000:]).max() > 7000


def test_who_is_gone_in_the_middle_of_the_change_leaves_no_trace(still: Still) -> None:
    three = Three(still, PCMU, tone(PCMU, 3.0))
    three.run(1000)
    three.join()
    three.run(1010)
    still.drop(three.b)
    still.run(2000 * MS, [one for one in three.sent if one.port == three.c and 1010 * MS <= one.at < 2000 * MS])
    assert still.heard[three.a][-1].at > 1.9


@pytest.mark.parametrize(("before", "after"), [(PCMU, G722), (G722, PCMU)])
def test_a_party_that_changes_its_codec_is_no_noise(still: Still, before: int, after: int) -> None:
    a, b = still.port(before), still.port(before)
    still.bridge(a, b)
    first, then = (
        stream(still, b, before, tone(before, 1.0)),
        stream(still, b, after, tone(after, 1.0), start=1000 * MS, sequence=150, timestamp=7000 + 8000),
    )
    still.run(2000 * MS, first + then)
    assert still.playout(a)["hearing"] == MIX
    sound = np.abs(still.audio(a, before).astype(int))
    assert 7000 < sound[len(sound) // 2 :].max() < 9500, "what it says now, and nothing louder"
    assert sound.max() < 9500


@pytest.mark.parametrize(("before", "after"), [(PCMU, G722), (G722, PCMU)])
def test_a_listener_that_changes_its_codec_hears_no_noise(still: Still, before: int, after: int) -> None:
    a, b = still.port(before), still.port(before)
    still.bridge(a, b)
    said = stream(still, b, before, tone(before, 2.0))
    still.run(1000 * MS, [one for one in said if one.at < 1000 * MS])
    still.change(a, after)
    still.run(2000 * MS, [one for one in said if one.at >= 1000 * MS])
    assert still.playout(a)["hearing"] == MIX
    sound = np.abs(still.audio(a, after).astype(int))
    assert 7000 < sound[len(sound) // 2 :].max() < 9500
    assert sound.max() < 9500


def test_our_coder_goes_on_where_the_listeners_decoder_is(still: Still) -> None:
    """G.722 adapts: a coder that starts afresh is heard three times too loud by a decoder that is used to another."""
    a, b, quiet = still.port(G722), still.port(G722), still.port(PCMU)
    still.bridge(a, b)
    said = stream(still, b, G722, tone(G722, 1.0)) + stream(still, quiet, PCMU, tone(PCMU, 2.0) // 8)
    still.run(1000 * MS, [one for one in said if one.at < 1000 * MS])
    still.mix([(a, quiet, 1.0)])
    still.run(2000 * MS, [one for one in said if one.at >= 1000 * MS])
    sound = np.abs(still.audio(a, G722)[int(1.02 * 16000) :].astype(int))
    assert 900 < sound.max() < 1300
