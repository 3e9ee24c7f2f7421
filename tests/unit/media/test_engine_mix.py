"""Sums of several sources, gains, players of sound files, packets of other lengths, the playout buffer."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.exchange.audio import Link, Mix, Player, PlayerFinished
from tests.unit.media.engine_box import PCMA, EngineBox, write_wav
from tests.unit.media.rtp import continuous, encode, header, heard, level, run, tone


def test_three_parties_each_hear_the_two_others(box: EngineBox) -> None:
    a, b, c = box.party(440), box.party(850, PCMA), box.party(1400)
    box.bridge(a, b, c)
    run(0.8, [a, b, c])
    assert heard(a.audio(0.2)) == {850, 1400}
    assert heard(b.audio(0.2)) == {440, 1400}
    assert heard(c.audio(0.2)) == {440, 850}
    for party in (a, b, c):
        continuous(party.received)
        assert len(party.received) >= 36
        steps = {y.timestamp - x.timestamp for x, y in zip(party.received, party.received[1:], strict=False)}
        assert steps == {160}
    assert {p.type for p in b.received} == {8}


def test_two_that_remain_of_three_are_forwarded_again_on_the_same_timeline(box: EngineBox) -> None:
    a, b, c = box.party(440), box.party(850), box.party(1400)
    mix = box.bridge(a, b, c)
    run(0.3, [a, b, c])
    box.bridge(a, b, mix=mix)
    run(2.1, [a, b, c])  # they make no pause
    before = box.figures().mixed
    start = time.monotonic()
    run(0.3, [a, b, c])
    assert box.figures().mixed == before
    assert heard(a.audio(packets=[p for p in a.received if p.at > start])) == {850}
    continuous(a.received)
    continuous(b.received)


def test_gain_per_pair(box: EngineBox) -> None:
    agent, supervisor, caller = box.party(440), box.party(850), box.party(1400, amplitude=4000)
    a, s, c = box.id(agent), box.id(supervisor), box.id(caller)
    links = (Link(a, c), Link(a, s, 0.5), Link(c, a), Link(s, a, 2.0), Link(s, c))
    box.put(Mix(id=box.new_id(), links=links))
    run(0.8, [agent, supervisor, caller])
    assert level(agent.audio(0.2), 850) == pytest.approx(4000, rel=0.1), "whisper at half the loudness"
    assert level(agent.audio(0.2), 1400) == pytest.approx(4000, rel=0.1)
    assert heard(caller.audio(0.2)) == {440}, "the caller hears no whisper"
    assert level(supervisor.audio(0.2), 440) == pytest.approx(16000, rel=0.1)


def test_a_sum_too_loud_is_cut_not_wrapped(box: EngineBox) -> None:
    parties = [box.party(400, amplitude=30000), box.party(400, amplitude=30000), box.party()]
    box.put(Mix(id=box.new_id(), links=tuple(Link(box.id(parties[2]), box.id(p)) for p in parties[:2])))
    run(0.4, parties)
    samples = parties[2].audio(0.15)
    assert np.abs(np.diff(samples.astype(int))).max() < 25000 and samples.max() > 30000


def test_a_player_and_a_party_at_once(box: EngineBox, tmp_path: Path) -> None:
    a, b = box.party(440), box.party()
    player = box.new_id()
    box.put(
        Player(id=player, files=(write_wav(tmp_path / "beep.wav", tone(1100, 0.2)),), loop_from=0),
        Mix(id=box.new_id(), links=(Link(box.id(b), box.id(a)), Link(box.id(b), player, 0.5))),
    )
    run(0.6, [a, b])
    assert heard(b.audio(0.2)) == {440, 1100}
    assert level(b.audio(0.2), 1100) == pytest.approx(4000, rel=0.1)


def test_files_follow_each_other_without_a_gap_and_end_once(box: EngineBox, tmp_path: Path) -> None:
    a = box.party()
    whole = tone(440, 0.33)
    parts = [write_wav(tmp_path / f"{n}.wav", part) for n, part in enumerate(np.split(whole, [1, 700, 1111]))]
    player = box.new_id()
    box.put(Player(id=player, files=tuple(parts), generation=5), Mix(id=box.new_id(), links=(Link(box.id(a), player),)))
    run(0.5, [a])
    finished = box.of(PlayerFinished)
    assert [(f.id, f.generation) for f in finished] == [(player, 5)]
    played = a.audio()[: len(whole)].astype(int)
    assert np.abs(played - whole).max() < 400, "the samples of all files, in order"
    assert not heard(a.audio(0.36), least=100)
    continuous(a.received)


def test_a_loop_from_a_later_file(box: EngineBox, tmp_path: Path) -> None:
    a, player = box.party(), box.new_id()
    files = tuple(write_wav(tmp_path / f"{hz}.wav", tone(hz, 0.1)) for hz in (440, 850))
    box.put(Player(id=player, files=files, loop_from=1), Mix(id=box.new_id(), links=(Link(box.id(a), player),)))
    run(0.7, [a])
    assert heard(a.audio()[:800]) == {440}
    assert heard(a.audio(0.12)) == {850}
    assert box.of(PlayerFinished) == []


def test_the_same_generation_plays_on_and_another_begins_anew(box: EngineBox, tmp_path: Path) -> None:
    a, player, mix = box.party(), box.new_id(), box.new_id()
    files = tuple(write_wav(tmp_path / f"{hz}.wav", tone(hz, 0.2)) for hz in (440, 850))
    box.put(Player(id=player, files=files), Mix(id=mix, links=(Link(box.id(a), player),)))
    run(0.3, [a])
    box.put(Player(id=player, files=files, loop_from=0))
    mark = time.monotonic()
    run(0.1, [a])
    assert heard(a.audio(packets=[p for p in a.received if p.at > mark + 0.02])) == {850}
    box.put(Player(id=player, files=files, generation=1))
    mark = time.monotonic()
    run(0.15, [a])
    assert heard(a.audio(packets=[p for p in a.received if p.at > mark + 0.03])) == {440}
    box.wait(PlayerFinished, where=lambda f: f.generation == 1)


def test_files_that_cannot_be_played_are_left_out(box: EngineBox, tmp_path: Path) -> None:
    a, player, empty = box.party(), box.new_id(), box.new_id()
    (tmp_path / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEjunk")
    good = write_wav(tmp_path / "good.wav", tone(440, 0.1))
    bad = (str(tmp_path / "bad.wav"), str(tmp_path / "none.wav"), str(tmp_path))
    box.put(
        Player(id=player, files=(*bad, good), loop_from=3),
        Player(id=empty, files=bad, loop_from=0),
        Mix(id=box.new_id(), links=(Link(box.id(a), player),)),
    )
    run(0.25, [a])
    assert heard(a.audio(0.02)) == {440}
    assert [f.id for f in box.of(PlayerFinished)] == [empty], "nothing to play is finished at once, loop or not"


@pytest.mark.parametrize("ptime", [10, 30, 40, 60])
def test_packets_of_other_lengths(box: EngineBox, tmp_path: Path, ptime: int) -> None:
    a, player = box.party(ptime=ptime), box.new_id()
    box.put(
        Player(id=player, files=(write_wav(tmp_path / "t.wav", tone(440, 0.1)),), loop_from=0),
        Mix(id=box.new_id(), links=(Link(box.id(a), player),)),
    )
    run(0.5, [a])
    assert {len(p.payload) for p in a.received} == {ptime * 8}
    assert len(a.received) >= 0.4 / (ptime / 1000)
    continuous(a.received)
    assert heard(a.audio()) == {440}


def test_links_wait_for_ports_that_come_later(box: EngineBox) -> None:
    a = box.party(440)
    later = box.party()
    row = box.row(later)
    box.put(drop=[row.id])
    box.put(Mix(id=box.new_id(), links=(Link(row.id, box.id(a)), Link(box.id(a), row.id))))
    run(0.1, [a])
    box.put(row)
    run(0.3, [a, later])
    assert heard(later.audio(0.05)) == {440}
    box.put(drop=[box.id(a)])
    count = len(later.received)
    run(0.2, [a, later])
    assert len(later.received) <= count + 1


def test_mixed_speech_survives_jitter(box: EngineBox) -> None:
    """30 ms of jitter: after the buffer has grown, what is heard has no holes."""
    a, c = box.party(), box.party()
    box.put(Mix(id=box.new_id(), links=(Link(box.id(c), box.id(a), 0.5),)))
    seed, start, whole = random.Random(1), time.monotonic(), tone(440, 2.0)
    waiting = []
    for number in range(75):
        data = header(0, number, number * 160, 5) + encode(0, whole[number * 160 : number * 160 + 160])
        waiting.append((start + number * 0.02 + seed.uniform(0, 0.03), data))
    waiting.sort(reverse=True)
    assert a.to
    while waiting:
        while waiting and waiting[-1][0] <= time.monotonic():
            a.socket.sendto(waiting.pop()[1], a.to)
        c.read()
        time.sleep(0.002)
    samples = c.audio(0.7)[:5600]
    holes = [part for part in np.array_split(samples, 35) if level(part, 440) < 2000]
    assert len(holes) <= 1, "at most one hole in 0.7 s once the buffer has grown"
