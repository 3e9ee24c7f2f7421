"""Events survive the ledger, those of older and newer software included."""

from __future__ import annotations

from typing import ClassVar

import pytest

from appliance.events import CallStarted, Entry, FaultRaised, LegBridged, TrunkDown, codec


def test_every_event_has_its_own_word() -> None:
    assert codec.TYPES["call-started"] is CallStarted
    assert len(codec.TYPES) == len(codec.WORDS) >= 35
    assert all(word == word.lower() and " " not in word for word in codec.TYPES)


def test_what_is_written_is_read_back() -> None:
    event = LegBridged(call="c1", legs=("a", "b"), agent="aiko")
    assert codec.decode(codec.word(event), 1, codec.encode(event)) == event


def test_an_event_of_newer_software_is_kept_as_it_was() -> None:
    event = codec.decode("call-teleported", 3, b'{"call":"c1","to":"mars"}')
    assert codec.word(event) == "call-teleported"
    assert codec.document(Entry(7, 0.0, 0.0, "b", event)) == {
        "type": "call-teleported",
        "at": "1970-01-01T00:00:00.000Z",
        "seq": 7,
        "call": "c1",
        "to": "mars",
    }


def test_the_api_sees_every_field_defaults_included() -> None:
    entry = Entry(5, 1.25, 9.0, "b", CallStarted(call="c", journey="j", kind="inbound", caller="1", called="2"))
    shown = codec.document(entry)
    assert shown["type"] == "call-started" and shown["seq"] == 5 and shown["at"] == "1970-01-01T00:00:01.250Z"
    assert shown["trunk"] == "" and shown["caller_name"] == ""


def test_an_older_schema_number_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parcel(codec.Event, frozen=True):
        SCHEMA: ClassVar[int] = 3
        grams: int

    monkeypatch.setitem(codec.TYPES, "parcel", Parcel)
    monkeypatch.setitem(codec.UPGRADES, ("parcel", 1), lambda old: {"kilos": old["pounds"] // 2})
    monkeypatch.setitem(codec.UPGRADES, ("parcel", 2), lambda old: {"grams": old["kilos"] * 1000})
    assert codec.decode("parcel", 1, b'{"pounds":8}') == Parcel(grams=4000)


def test_what_was_said_in_one_language_stands_for_both() -> None:
    words = {"ja": "Disk full.", "en": "Disk full."}
    old = codec.decode("fault-raised", 1, b'{"fault":"disk-full","text":"Disk full."}')
    assert old == FaultRaised(fault="disk-full", text=words)
    with_remedy = codec.decode("fault-raised", 1, b'{"fault":"f","text":"Disk full.","remedy":"Disk full."}')
    assert with_remedy == FaultRaised(fault="f", text=words, remedy=words)
    assert codec.decode("trunk-down", 1, b'{"trunk":"t","reason":"Disk full."}') == TrunkDown(trunk="t", reason=words)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"call":1}', b"\xff"])
def test_damaged_data_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        codec.decode("call-started", 1, data)
