"""What is made of the ledger's words about voice: figures, faults, and what the doctor says."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from appliance.app.voice import VoiceWatch
from appliance.events import Entry, Event, LegAudio, OneWayAudio, OneWayAudioEnded
from appliance.web.metrics import exposition

_seq = itertools.count(1)


class Book:
    def __init__(self) -> None:
        self.present: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {}

    def raise_(self, fault: str, text: Mapping[str, str], remedy: Mapping[str, str] | None = None) -> None:
        self.present[fault] = (text, remedy or {})

    def clear(self, fault: str) -> None:
        del self.present[fault]


def watch() -> tuple[VoiceWatch, Book]:
    book = Book()
    return VoiceWatch(book, (16384, 17383)), book


def told(watch: VoiceWatch, *events: Event, at: float = 1000.0) -> None:
    watch.committed([Entry(next(_seq), at, at, "boot", event) for event in events])


def audio(extension: str = "201", **fields: object) -> LegAudio:
    return LegAudio(**({"leg": "c-1", "call": "c", "extension": extension, "packets": 500} | fields))  # type: ignore[arg-type]


def silent(reason: str = "no-packets", **fields: object) -> OneWayAudio:
    known = {"leg": "c-1", "call": "c", "extension": "201", "expected": "192.168.0.9:4000", "reason": reason}
    return OneWayAudio(**(known | fields))  # type: ignore[arg-type]


def test_a_phone_that_is_not_heard_is_a_fault_until_it_is_heard() -> None:
    voice, book = watch()
    told(voice, silent())
    text, remedy = book.present["one-way:201"]
    assert "Phone 201" in text["en"] and "192.168.0.9:4000" in text["en"] and "内線 201" in text["ja"]
    assert "16384–17383" in remedy["en"] and "16384–17383" in remedy["ja"]
    told(voice, audio(mos=None, unheard="no-packets", packets=0))
    assert book.present, "the call ended as silent as it was"
    told(voice, audio(mos=4.3))
    assert not book.present
    told(voice, silent(), OneWayAudioEnded(leg="c-1", call="c", extension="201"))
    assert not book.present


def test_each_reason_has_words_in_both_languages_and_a_remedy() -> None:
    for reason in ("no-packets", "other-source", "other-payload", "no-rtp", "unauthentic", "of-a-newer-version"):
        voice, book = watch()
        told(voice, silent(reason, extension="", trunk="carrier", source="10.0.0.1:9", payload_type=18))
        text, remedy = book.present["one-way:carrier"]
        assert "Trunk carrier" in text["en"] and "外線 carrier" in text["ja"] and remedy["ja"] and remedy["en"]


def test_of_a_telephone_in_a_browser_neither_router_nor_firewall_is_blamed() -> None:
    for direction, fault in (("from", "one-way:201"), ("to", "one-way-to:201")):
        voice, book = watch()
        told(voice, silent(browser=True, direction=direction, expected="127.0.0.1:40000"))
        for words in book.present[fault]:
            assert "ブラウザー" in words["ja"] and "browser" in words["en"]
            assert "127.0.0.1" not in words["en"] and "ALG" not in words["en"]


def test_a_phone_that_hears_nothing_is_a_fault_of_its_own_until_it_hears() -> None:
    for reason in ("not-received", "refused"):
        voice, book = watch()
        told(voice, silent(), silent(reason, direction="to"))
        assert set(book.present) == {"one-way:201", "one-way-to:201"}
        text, remedy = book.present["one-way-to:201"]
        assert "Phone 201 hears nothing" in text["en"] and "192.168.0.9:4000" in text["en"] and "内線 201" in text["ja"]
        assert remedy["en"] and remedy["ja"]
        told(voice, audio(mos=4.3, sent_mos=4.3, unreached=reason))
        assert set(book.present) == {"one-way-to:201"}, "heard, but hears nothing to the end"
        told(voice, OneWayAudioEnded(leg="c-1", call="c", extension="201", direction="to"))
        assert not book.present
        told(voice, silent(reason, direction="to"), audio(sent_mos=4.2))
        assert not book.present


def test_a_muted_microphone_is_no_fault() -> None:
    voice, book = watch()
    told(voice, silent("digital-silence"))
    assert not book.present


def test_a_fault_that_nobody_calls_about_again_goes_after_a_day() -> None:
    voice, book = watch()
    told(voice, silent())
    told(voice, audio("202", mos=4.4), at=1000.0 + 23 * 3600)
    assert book.present
    told(voice, audio("202", mos=4.4), at=1000.0 + 25 * 3600)
    assert not book.present


def test_scores_are_a_histogram_of_each_direction() -> None:
    voice, _ = watch()
    told(voice, audio(mos=4.41, sent_mos=3.0), audio(mos=4.2), audio(mos=1.0), silent())
    lines = exposition(voice.metrics()).splitlines()
    assert "# TYPE hako_leg_mos histogram" in lines
    assert 'hako_leg_mos_bucket{direction="received",le="1.0"} 1' in lines
    assert 'hako_leg_mos_bucket{direction="received",le="4.0"} 1' in lines
    assert 'hako_leg_mos_bucket{direction="received",le="4.3"} 2' in lines
    assert 'hako_leg_mos_bucket{direction="received",le="+Inf"} 3' in lines
    assert 'hako_leg_mos_sum{direction="received"} 9.61' in lines
    assert 'hako_leg_mos_count{direction="sent"} 1' in lines
    assert "hako_one_way_audio_total 1" in lines


def test_the_doctor_names_who_sounded_bad_lately_and_why() -> None:
    voice, _ = watch()
    told(voice, audio(mos=4.3, sent_mos=4.2), audio("203", mos=None))
    assert voice.bad_lately(1000.0) == []
    told(voice, audio(mos=3.2, lost=30, packets=470, jitter_ms=45.0), audio(mos=3.5))
    told(voice, audio("", trunk="carrier", mos=4.3, sent_mos=2.5, sent_loss=0.12, round_trip_ms=400.0))
    phone, trunk = (one["text"] for one in voice.bad_lately(1000.0))
    assert phone["en"].startswith("Phone 201") and "2 times" in phone["en"] and "3.2 of 5" in phone["en"]
    assert "6.0 % lost on the way here" in phone["en"] and "jitter 45 ms" in phone["en"]
    assert phone["ja"].startswith("内線 201") and "受信の損失 6.0 %" in phone["ja"] and "2 回" in phone["ja"]
    assert "12.0 % lost on the way there" in trunk["en"] and "round trip 400 ms" in trunk["en"]
    assert all(one["remedy"]["ja"] and one["remedy"]["en"] for one in voice.bad_lately(1000.0))
    assert voice.bad_lately(1000.0 + 25 * 3600) == []
