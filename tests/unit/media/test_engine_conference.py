"""Mixes whose members come, go and change loudness: no clicks, and no mix where two alike are left."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.media.rtp import Samples, continuous
from tests.unit.media.still import G722, MS, OPUS, PCMU, RATE, Sent, Still, amplitude, sine, stream

L8 = 99
MIX, ONE = 2, 1


def steps(samples: Samples) -> int:
    """The largest jump that is no part of a smooth wave."""
    wave = samples.astype(float)
    return int(np.abs(wave[2:] - 2 * wave[1:-1] + wave[:-2]).max())


SMOOTH = 1200
"""A 200 Hz tone of 8000 bends by 200 from sample to sample; a cut through its crest would jump by 8000."""


def at(packets: list[Sent], start: int, end: int) -> list[Sent]:
    return [packet for packet in packets if start * MS <= packet.at < end * MS]


def test_monitor_whisper_and_barge_change_without_a_click(still: Still) -> None:
    agent, caller, boss = still.port(L8), still.port(L8), still.port(L8)
    everybody = [
        (p, stream(still, p, L8, sine(hz, 5.0, 8000, 6000), ssrc=p))
        for p, hz in ((agent, 200), (caller, 270), (boss, 340))
    ]

    def run(start: int, end: int) -> None:
        still.run(end * MS, [one for _, packets in everybody for one in at(packets, start, end)])

    bridge = [(agent, caller, 1.0), (caller, agent, 1.0)]
    monitor = [(boss, agent, 1.0), (boss, caller, 1.0)]
    off = [(agent, boss, 0.0), (caller, boss, 0.0)]
    still.mix([*bridge, *monitor, *off])
    run(0, 600)
    assert still.playout(agent)["hearing"] == ONE, "to listen costs those who are listened to nothing"
    still.mix([*bridge, *monitor, (agent, boss, 1.0), (caller, boss, 0.0)])
    run(600, 1200)
    assert still.playout(caller)["hearing"] == ONE, "a whisper costs the caller nothing"
    still.mix([*bridge, *monitor, (agent, boss, 1.0), (caller, boss, 1.0)])
    run(1200, 1800)
    still.mix([*bridge, *monitor, (agent, boss, 0.3), (caller, boss, 0.3)])
    run(1800, 2400)
    still.mix([*bridge, *monitor, *off])
    run(2400, 4700)
    assert still.playout(agent)["hearing"] == still.playout(caller)["hearing"] == ONE
    heard = still.audio(boss, L8)[2400:23000]
    assert steps(heard) < SMOOTH, "the supervisor hears both throughout"
    agents = still.audio(agent, L8)
    assert steps(agents[10400:18900]) < SMOOTH, "barge and a change of gain on the way"
    assert amplitude(agents[11000:14000], 340, 8000) == pytest.approx(6000, rel=0.1)
    assert amplitude(agents[15000:18900], 340, 8000) == pytest.approx(1800, rel=0.1)
    assert amplitude(still.audio(caller, L8)[5000:9500], 340, 8000) < 100
    for party in (agent, caller, boss):
        continuous(still.heard[party])


def test_who_leaves_a_conference_fades_and_two_alike_are_forwarded(still: Still) -> None:
    a, b, c = still.port(L8), still.port(L8), still.port(L8)
    packets = {p: stream(still, p, L8, sine(200 + 70 * p, 3.5, 8000, 6000), ssrc=p) for p in (a, b, c)}
    still.bridge(a, b, c)
    still.run(600 * MS, sorted((x for p in packets.values() for x in at(p, 0, 600)), key=lambda x: x.at))
    still.mix([(a, b, 1.0), (a, c, 1.0), (b, a, 1.0)])
    still.run(1000 * MS, sorted((x for p in packets.values() for x in at(p, 600, 1000)), key=lambda x: x.at))
    assert steps(still.audio(a, L8)[2400:7900]) < SMOOTH
    last = still.heard[c][-1].at
    assert 0.6 <= last <= 0.66, "who hears nobody is sent nothing, once what it heard has faded"
    assert steps(still.audio(c, L8)[2400:]) < SMOOTH and abs(int(still.audio(c, L8)[-1])) < 300
    still.bridge(a, b)
    still.run(3400 * MS, sorted((x for p in packets.values() for x in at(p, 1000, 3400)), key=lambda x: x.at))
    assert still.playout(a)["hearing"] == still.playout(b)["hearing"] == ONE
    assert amplitude(still.audio(a, L8)[-2400:], 340, 8000) == pytest.approx(6000, rel=0.1)
    continuous(still.heard[a])


def test_a_bridge_of_two_codecs_becomes_plain_when_they_are_alike(still: Still) -> None:
    a, b = still.port(PCMU), still.port(G722)
    still.bridge(a, b)
    still.run(300 * MS, stream(still, a, PCMU, sine(440, 0.3, 8000)))
    assert still.playout(b)["hearing"] == MIX
    still.change(b, PCMU)
    still.run(
        2700 * MS, stream(still, a, PCMU, sine(440, 2.4, 8000), start=300 * MS, sequence=115, timestamp=7000 + 2400)
    )
    assert still.playout(b)["hearing"] == ONE
    continuous(still.heard[b])


def test_a_conference_of_32_of_all_codecs(still: Still) -> None:
    kinds = [PCMU, G722, OPUS, 8] * 8
    members = [still.port(kind) for kind in kinds]
    still.bridge(*members)
    speakers = {0: 440, 1: 620, 2: 850}
    packets = [
        p
        for index, hertz in speakers.items()
        for p in stream(still, members[index], kinds[index], sine(hertz, 1.2, RATE[kinds[index]], 5000), ssrc=index)
    ]
    still.run(1200 * MS, packets)
    for index, member in enumerate(members):
        rate = RATE[kinds[index]]
        sound = still.audio(member, kinds[index])[rate // 2 : rate]
        for speaker, hertz in speakers.items():
            level = amplitude(sound, hertz, rate)
            assert (level > 4000) == (speaker != index), f"member {index}, speaker {speaker}: {level}"
        continuous(still.heard[member])


def test_each_pair_of_32_has_a_gain_of_its_own(still: Still) -> None:
    """Everybody speaks at once, each on a tone of his own; who hears whom how loud is set for each pair."""
    members = [still.port(L8) for _ in range(32)]
    hertz = {member: 150 + 100 * place for place, member in enumerate(members)}
    gains = {
        (listener, source): (0.0, 0.25, 0.5, 1.0, 2.0)[(3 * listener + 7 * source) % 5]
        for listener in members
        for source in members
        if listener != source
    }
    still.mix((listener, source, gain) for (listener, source), gain in gains.items())
    packets = [p for member in members for p in stream(still, member, L8, sine(hertz[member], 1.2, 8000, 400))]
    still.run(1200 * MS, packets)
    for listener in members:
        sound = still.audio(listener, L8)[4000:8000]
        for source in members:
            level = amplitude(sound, hertz[source], 8000)
            assert level == pytest.approx(400 * gains.get((listener, source), 0.0), abs=12), (
                f"{listener} hears {source}"
            )
        continuous(still.heard[listener])
