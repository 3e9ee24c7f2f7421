"""What detectors find in received audio, and that they are no burden to those who talk."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media import music, speech_worker
from tests.unit.media import tones
from tests.unit.media.rtp import RATE, Samples, header
from tests.unit.media.still import EVENTS, G722, MS, NEITHER, NONE, OPUS, PCMA, PCMU, Still, stream
from tests.unit.media.still import RATE as RATES


def heard(still: Still, samples: Samples, *, events: int = NEITHER, **wishes: bool) -> list[str]:
    """What a party who says this is found to have said."""
    party = still.port(events=events)
    still.detector(party, **wishes)
    still.run(len(samples) * 125_000 + 200 * MS, stream(still, party, PCMU, samples))
    return [one.what for one in still.found() if one.port == party]


# --- keys ----------------------------------------------------------------------------------------------------------
ALL = "1234567890*#ABCD"


def test_every_key_is_heard_once(still: Still) -> None:
    assert "".join(heard(still, tones.keys(ALL + "11"), keys=True)) == ALL + "11"


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("faint", {"dbm0": -28.0}),
        ("loud", {"dbm0": -3.0}),
        ("high one louder", {"twist": 3.5}),
        ("low one louder", {"twist": -6.0}),
        ("high pitched", {"off": 0.012}),
        ("low pitched", {"off": -0.012}),
        ("short", {"seconds": 0.045, "pause": 0.045}),
        ("long", {"seconds": 0.8}),
    ],
)
def test_keys_of_all_sorts_of_telephones_are_heard(still: Still, what: str, how: dict[str, float]) -> None:
    assert "".join(heard(still, tones.keys(ALL, **how), keys=True)) == ALL, what


def test_keys_are_heard_through_noise(still: Still) -> None:
    said = tones.noisy(tones.keys(ALL, 0.1, dbm0=-12.0), -32.0)
    assert "".join(heard(still, said, keys=True)) == ALL


def test_a_lost_packet_makes_no_second_key(still: Still) -> None:
    party = still.port(events=NEITHER)
    still.detector(party, keys=True)
    sent = stream(still, party, PCMU, tones.keys("5", 0.2))
    del sent[14]
    still.run(1000 * MS, sent)
    assert [one.what for one in still.found()] == ["5"]


@pytest.mark.parametrize("kind", [PCMA, G722, OPUS])
def test_keys_are_heard_in_every_codec(still: Still, kind: int) -> None:
    party = still.port(kind, events=NEITHER)
    still.detector(party, keys=True)
    narrow = tones.keys("159D", 0.1)
    said = np.repeat(narrow, RATES[kind] // RATE)  # the images above 4 kHz are of no concern
    still.run(2000 * MS, stream(still, party, kind, said))
    assert "".join(one.what for one in still.found()) == "159D"


def talk(seconds: float) -> Samples:
    """Several voices at telephone level, one after the other, without a repetition."""
    text = (
        "Thank you for calling Acme, this is {name} speaking, your order number is {a} {b}, and it leaves on the "
        "{c}th. Could you spell your surname? Certainly: W, double E, B, S, T, E, R. We will ring you back at {b} "
        "past {a}. No, the blue one, please. Oh, I see! Who knows whether Louise will be away in June?"
    )
    parts, length, number = [], 0, 0
    while length < seconds * RATE:
        words = text.format(name=("Anna", "Boris", "Chloe", "Dev")[number % 4], a=number, b=37 + number, c=number + 4)
        samples, rate = speech_worker._english(words)
        said = np.frombuffer(samples, dtype=samples.typecode).astype(np.float64)
        # Another talker: the same words, higher or lower.
        pitch = (1.0, 1.18, 0.87, 1.3)[number % 4]
        at = np.arange(0, len(said) - 1, rate / RATE * pitch)
        said = np.interp(at, np.arange(len(said)), said)
        said *= tones.amplitude(-8.0 - 4 * (number % 3)) / max(1e-9, np.abs(said).max())
        parts.append(said)
        length += len(said)
        number += 1
    return np.concatenate(parts).astype(np.int16)


@pytest.fixture(scope="module")
def speech() -> Samples:
    return talk(180.0)


def test_minutes_of_speech_are_no_keys_no_fax_and_no_beep(still: Still, speech: Samples) -> None:
    assert heard(still, speech, keys=True, tones=True) == []


def voices(seconds: float) -> Samples:
    """The same in Japanese, the pitch of each sentence another."""
    parts, length, number = [], 0, 0
    while length < seconds * RATE:
        words = (
            f"お電話ありがとうございます。ご注文番号{number * 37}番の商品は、{number + 3}日に発送いたします。"
            "はい、もしもし。ええ、そうです、青いほうをお願いします。少々お待ちください、担当の者に代わります。"
        )
        said = np.array(speech_worker.speak([("ja", words)], 0.1))
        pitch = (1.0, 1.2, 0.82, 0.9)[number % 4]
        said = np.interp(np.arange(0, len(said) - 1, pitch), np.arange(len(said)), said)
        parts.append(said * tones.amplitude(-5.0 - 5 * (number % 3)) / np.abs(said).max())
        length += len(said)
        number += 1
    return np.concatenate(parts).astype(np.int16)


def test_minutes_of_japanese_are_no_keys_no_fax_and_no_beep(still: Still) -> None:
    assert heard(still, voices(60.0), keys=True, tones=True) == []


@pytest.mark.parametrize("speed", [1.0, 0.8, 1.3])
def test_music_is_no_keys_and_no_fax(still: Still, speed: float) -> None:
    """What the box plays to whom it holds, as loud as music may be; slower and lower, faster and higher."""
    played = np.array(music.render())
    played = np.interp(np.arange(0, len(played) - 1, speed), np.arange(len(played)), played)
    loud = (played * tones.amplitude(-3.0) / np.abs(played).max()).astype(np.int16)
    assert set(heard(still, loud, keys=True, tones=True)) <= {"beep"}


def test_a_key_beside_its_telephone_event_is_one(still: Still) -> None:
    party = still.port(events=EVENTS)
    still.detector(party, keys=True)
    sent = stream(still, party, PCMU, tones.keys("7", 0.2))
    for number in range(12):
        # The party's gateway needs 40 ms to know the key, and does not mute the tone.
        end = number > 8
        payload = bytes((7, (0x80 if end else 0) | 10, *(160 * (min(number, 9) + 1)).to_bytes(2)))
        packet = header(EVENTS, 1000 + number, 7000 + 240 * 8, 77) + payload
        at = (240 + 20 * number) * MS
        sent.append(type(sent[0])(at + 1, party, packet))
    sent.sort(key=lambda one: one.at)
    for number, one in enumerate(sent):
        one.data = one.data[:2] + (100 + number).to_bytes(2) + one.data[4:]
    still.run(1500 * MS, sent)
    assert [(one.what, one.inband) for one in still.found()] == [("7", False)]


def test_a_tone_of_a_party_that_could_send_events_and_does_not_is_a_key(still: Still) -> None:
    assert heard(still, tones.keys("42"), events=EVENTS, keys=True) == ["4", "2"]


def test_a_detector_that_listens_for_more_goes_on(still: Still) -> None:
    party = still.port(events=NEITHER)
    still.detector(party, keys=True)
    sent = stream(still, party, PCMU, np.concatenate([tones.keys("12"), tones.keys("3")]))
    still.run(260 * MS, [one for one in sent if one.at < 260 * MS])
    still.detector(party, keys=True, tones=True)
    still.run(2000 * MS, [one for one in sent if one.at >= 260 * MS])
    assert [one.what for one in still.found()] == ["1", "2", "3"]


def test_who_hears_a_tone_by_telephone_events_gets_it_so(still: Still) -> None:
    a, b = still.port(events=NEITHER), still.port(events=EVENTS)
    still.bridge(a, b)
    still.detector(a, keys=True)
    still.run(1000 * MS, stream(still, a, PCMU, tones.keys("9", 0.2)))
    events = [packet for packet in still.heard[b] if packet.type == EVENTS]
    assert {packet.payload[0] for packet in events} == {9}
    assert sum(bool(packet.payload[1] & 0x80) for packet in events) == 3
    length = max(int.from_bytes(packet.payload[2:]) for packet in events)
    assert 960 <= length <= 1920, "about as long as the tone"


def test_forwarding_goes_on_packet_by_packet(still: Still) -> None:
    a, b = still.port(events=NEITHER), still.port(events=NEITHER)
    still.bridge(a, b)
    still.detector(a, keys=True, tones=True, speech=True)
    sent = stream(still, a, PCMU, talk(2.0))
    still.run(3000 * MS, sent)
    assert [packet.payload for packet in still.heard[b]] == [one.data[12:] for one in sent]
    assert [round(packet.at * 1000) for packet in still.heard[b]] == [round(one.at / MS) for one in sent]


# --- keys sent as tones ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [PCMU, G722, OPUS])
def test_keys_for_a_party_without_telephone_events_are_tones(still: Still, kind: int) -> None:
    a, b = still.port(kind, events=NEITHER), still.port(kind, events=NEITHER)
    still.bridge(a, b)
    said = np.zeros(RATES[kind] * 3, dtype=np.int16)
    sent = stream(still, a, kind, said)
    still.run(500 * MS, [one for one in sent if one.at < 500 * MS])
    still.change(b, kind, events=NEITHER, press="5#", generation=2)
    still.run(3000 * MS, [one for one in sent if one.at >= 500 * MS])
    audio = still.audio(b, kind)
    # What b heard, played to a detector.
    c = still.port(kind, events=NEITHER)
    still.detector(c, keys=True)
    still.run(6500 * MS, stream(still, c, kind, audio, start=3200 * MS))
    assert [one.what for one in still.found() if one.port == c] == ["5", "#"]


def test_a_telephone_event_becomes_a_tone_for_who_has_none(still: Still) -> None:
    a, b = still.port(events=EVENTS), still.port(events=NEITHER)
    still.bridge(a, b)
    sent = stream(still, a, PCMU, tones.silence(0.2))
    for number in range(8):
        payload = bytes((3, (0x80 if number > 5 else 0) | 10, *(160 * (min(number, 6) + 1)).to_bytes(2)))
        sent.append(type(sent[0])((200 + 20 * number) * MS, a, header(EVENTS, 110 + number, 8600, 77) + payload))
    still.run(600 * MS, sent)
    audio = still.audio(b, PCMU)
    c = still.port(events=NEITHER)
    still.detector(c, keys=True)
    still.run(1600 * MS, stream(still, c, PCMU, audio, start=700 * MS))
    assert [one.what for one in still.found() if one.port == c] == ["3"]


def test_keys_of_a_party_without_either_are_not_sent(still: Still) -> None:
    a, b = still.port(events=NONE), still.port(events=NONE)
    still.bridge(a, b)
    still.change(b, events=NONE, press="5", generation=1)
    still.run(500 * MS, stream(still, a, PCMU, tones.silence(0.4)))
    assert np.abs(still.audio(b, PCMU)).max() < 10


# --- fax -------------------------------------------------------------------------------------------------------------
def fax(hertz: float = 1100.0, on: float = 0.5, level: float = -14.0) -> Samples:
    return np.concatenate([tones.silence(0.7), tones.sine(hertz, on, level), tones.silence(1.0)])


@pytest.mark.parametrize(("hertz", "on"), [(1100, 0.5), (1062, 0.425), (1138, 0.575)])
@pytest.mark.parametrize("level", [-8.0, -32.0])
def test_a_calling_fax_is_known(still: Still, hertz: float, on: float, level: float) -> None:
    assert heard(still, fax(hertz, on, level), tones=True) == ["cng"]


def test_a_calling_fax_is_known_through_noise(still: Still) -> None:
    assert heard(still, tones.noisy(fax(), -32.0), tones=True) == ["cng"]


@pytest.mark.parametrize("modem", [False, True])
def test_an_answering_fax_is_known_while_it_sounds(still: Still, modem: bool) -> None:
    said = np.concatenate([tones.silence(0.5), tones.answer_tone(3.0, modem=modem), tones.silence(0.5)])
    assert [one for one in heard(still, said, tones=True) if one != "beep"] == ["ced"]


@pytest.mark.parametrize("hertz", [440, 1000, 1400])
def test_a_beep_is_a_beep(still: Still, hertz: float) -> None:
    assert heard(still, fax(hertz, 0.4, -16.0), tones=True) == ["beep"]


@pytest.mark.parametrize(
    "said", [tones.sine(1100, 3.0), tones.sine(400, 0.5), tones.keys("1470"), tones.sine(1000, 0.08)]
)
def test_other_tones_mean_nothing(still: Still, said: Samples) -> None:
    assert heard(still, np.concatenate([said, tones.silence(0.5)]), tones=True) == []


# --- speech ----------------------------------------------------------------------------------------------------------
def bursts(*lengths: float, level: float = -20.0, between: float = 0.4) -> Samples:
    parts = [tones.silence(1.0)]
    for number, length in enumerate(lengths):
        spread = tones.amplitude(level)
        noise = np.random.default_rng(number).normal(0, spread, round(length * RATE))
        parts += [np.clip(noise, -30000, 30000).astype(np.int16), tones.silence(between)]
    return np.concatenate([*parts, tones.silence(0.6)])


def edges(still: Still, said: Samples, **how: bool) -> list[tuple[str, float]]:
    party = still.port(events=NEITHER)
    still.detector(party, speech=True)
    sent = stream(still, party, PCMU, said)
    if how.get("pauses"):  # DTX: quiet packets are not sent
        sent = [one for number, one in enumerate(sent) if np.abs(said[number * 160 : number * 160 + 160]).max() > 100]
    still.run(len(said) * 125_000 + 500 * MS, sent)
    return [(one.what, one.at) for one in still.found()]


@pytest.mark.parametrize("pauses", [False, True])
@pytest.mark.parametrize("level", [-10.0, -30.0])
def test_bursts_are_told_with_when_they_were(still: Still, level: float, pauses: bool) -> None:
    found = edges(still, bursts(0.3, 0.2, 0.5, level=level), pauses=pauses)
    assert [what for what, _ in found] == ["began", "ended"] * 3
    wanted = [1.0, 1.3, 1.7, 1.9, 2.3, 2.8]
    assert [at for _, at in found] == pytest.approx(wanted, abs=0.13 if pauses else 0.035)


def test_noise_that_stays_is_no_speech_and_speech_above_it_is(still: Still) -> None:
    said = tones.noisy(np.concatenate([tones.silence(3.0), bursts(0.4, level=-15.0)]), -42.0)
    found = edges(still, said)
    late = [what for what, at in found if at > 2.5]
    assert late == ["began", "ended"]


def test_real_speech_comes_in_bursts_with_pauses(still: Still) -> None:
    found = edges(still, np.concatenate([tones.silence(0.5), talk(5.0), tones.silence(1.0)]))
    assert found[0][0] == "began" and found[-1][0] == "ended"
    spoken = sum(b[1] - a[1] for a, b in zip(found[::2], found[1::2], strict=True))
    assert 2.5 < spoken < found[-1][1]
    assert len(found) < 120, "bounded: not each syllable's every edge"
