"""Call records from events: each figure by its definition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.clock import Instant
from appliance.events import (
    AnsweredBy,
    CallEnded,
    CallTakenOver,
    Event,
    FaxDetected,
    LegAudio,
    LegBridged,
    LegEnded,
    LegHeld,
    LegMoved,
    LegResumed,
    LegStarted,
    MenuKey,
    QueueEntered,
    QueueLeft,
    RecordingSegment,
    RecordingStarted,
    RecordingStopped,
    Stamped,
)
from appliance.store.figures import local_midnight, queue_days
from appliance.store.ledger import Ledger
from appliance.store.records import Filter, Record, Records
from tests.unit.store.helpers import WALL, at, conversation, started


class Box:
    """A ledger and its reader."""

    def __init__(self, path: Path) -> None:
        self.path = path / "records.db"
        self.ledger = Ledger(self.path, "boot-1")
        self.records = Records(self.path)

    def write(self, *stamped: list[Stamped]) -> None:
        for some in stamped:
            self.ledger.append(some)
        assert self.ledger.flush()

    def record(self, call: str) -> Record:
        found = self.records.get(call)
        assert found is not None
        return found

    def restart(self) -> None:
        self.ledger.close()
        self.ledger = Ledger(self.path, "boot-2")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    yield box
    box.records.close()
    box.ledger.close()


def ended(call: str, reason: str = "answered", cause: int = 16) -> Event:
    return CallEnded(call=call, cause=cause, reason=reason)


def gone(leg: str, call: str = "c") -> Event:
    return LegEnded(leg=leg, call=call, cause=16, reason="normal")


def test_a_plain_conversation(box: Box) -> None:
    box.write(conversation("c", 0, 63.5, caller_name="Sato", extension=""))
    record = box.record("c")
    assert record == Record(
        id="c",
        kind="inbound",
        journey="j-c",
        from_="0901112222",
        from_name="Sato",
        to="0312345678",
        trunk="carrier",
        started="2026-11-21T10:00:00.000Z",
        answered="2026-11-21T10:00:02.000Z",
        ended="2026-11-21T10:01:05.500Z",
        talk_seconds=63.5,
        cause="answered",
        cause_code=16,
    )


def test_a_record_is_there_from_the_start_and_listed_when_finished(box: Box) -> None:
    box.write(at(0, started("c")))
    assert box.record("c").ended is None and box.record("c").cause == ""
    assert box.records.list(Filter())[0] == []
    assert [record.id for record in box.records.list(Filter(live=True))[0]] == ["c"]
    box.write(at(30, ended("c", "busy", 17)))
    assert [record.id for record in box.records.list(Filter())[0]] == ["c"]
    assert box.record("c").answered is None and box.record("c").cause_code == 17


def test_talk_is_bridged_time_without_hold(box: Box) -> None:
    box.write(
        at(0, started("c")),
        at(5, LegBridged(call="c", legs=("a", "b"))),
        at(15, LegHeld(leg="a", call="c", by="b")),
        at(15.5, LegHeld(leg="a", call="c", by="b")),
        at(22, LegResumed(leg="a", call="c")),
        at(32, LegHeld(leg="a", call="c", by="b"), LegHeld(leg="b", call="c", by="a")),
        at(33, LegResumed(leg="a", call="c")),
        at(35, LegResumed(leg="b", call="c")),
        at(40, gone("b")),
        at(90, gone("a"), ended("c")),
    )
    record = box.record("c")
    assert (record.talk_seconds, record.hold_seconds) == (10 + 10 + 5, 7 + 3)


def test_a_leg_that_hangs_up_while_on_hold_ends_the_hold(box: Box) -> None:
    box.write(
        at(0, started("c"), LegBridged(call="c", legs=("a", "b"))),
        at(10, LegHeld(leg="a", call="c", by="b")),
        at(30, gone("a")),
        at(31, gone("b"), ended("c")),
    )
    assert (box.record("c").talk_seconds, box.record("c").hold_seconds) == (10, 20)


def test_a_leg_that_moves_away_is_no_longer_talked_to(box: Box) -> None:
    box.write(
        at(0, started("c"), LegBridged(call="c", legs=("a", "b"))),
        at(10, LegMoved(leg="b", call="c", to_call="d")),
        at(60, LegBridged(call="c", legs=("a", "x"), agent="ken")),
        at(75, ended("c")),
    )
    assert box.record("c").talk_seconds == 25 and box.record("c").agent == "ken"


def test_wait_runs_from_the_first_queue_to_the_answer(box: Box) -> None:
    box.write(
        at(0, started("c")),
        at(10, QueueEntered(call="c", queue="support", position=1)),
        at(40, QueueLeft(call="c", queue="support", outcome="timeout", waited=30)),
        at(40, QueueEntered(call="c", queue="sales", position=1)),
        at(52.25, QueueLeft(call="c", queue="sales", outcome="answered", waited=12.25, agent="aiko")),
        at(52.5, LegBridged(call="c", legs=("a", "b"), agent="aiko")),
        at(60, ended("c")),
    )
    record = box.record("c")
    assert (record.wait_seconds, record.queue, record.agent) == (42.25, "sales", "aiko")


def test_an_abandoned_caller(box: Box) -> None:
    box.write(
        at(0, started("c"), QueueEntered(call="c", queue="support", position=3)),
        at(9, QueueLeft(call="c", queue="support", outcome="abandoned", waited=9)),
        at(9, ended("c", "abandoned")),
    )
    record = box.record("c")
    assert (record.wait_seconds, record.talk_seconds, record.cause, record.answered) == (9, 0, "abandoned", None)


def test_a_caller_who_is_said_to_have_left_only_after_his_call_ended_is_abandoned_all_the_same(box: Box) -> None:
    box.write(
        at(0, started("c"), QueueEntered(call="c", queue="support", position=1)),
        at(9, ended("c", "abandoned"), QueueLeft(call="c", queue="support", outcome="abandoned", waited=9)),
    )
    day = queue_days(box.records, WALL - 60, {"support": 20})["support"]
    assert (day.offered, day.abandoned) == (1, 1)


def test_durations_do_not_follow_a_wall_clock_that_jumps(box: Box) -> None:
    box.write(
        at(0, started("c"), QueueEntered(call="c", queue="support", position=1)),
        at(5, QueueLeft(call="c", queue="support", outcome="answered", waited=5), wall=WALL - 86_400),
        at(5, LegBridged(call="c", legs=("a", "b")), wall=WALL - 86_400),
        at(15, ended("c"), wall=WALL + 9_000_000),
    )
    assert (box.record("c").wait_seconds, box.record("c").talk_seconds) == (5, 10)


def test_a_crash_in_mid_talk_and_in_mid_wait(box: Box) -> None:
    box.write(
        at(0, started("talks"), LegBridged(call="talks", legs=("a", "b"))),
        at(0, started("waits"), QueueEntered(call="waits", queue="support", position=1)),
        at(7, started("late")),
        at(15, QueueEntered(call="late", queue="support", position=2)),
        at(20, MenuKey(call="other", menu="m", key="1")),
    )
    box.restart()
    waited = {(call.call, call.queue): call.last_seen - call.queued for call in box.ledger.open_calls() if call.queue}
    assert waited == {("waits", "support"): 20.0, ("late", "support"): 5.0}
    box.write(at(899, ended("late", "restart", 41), wall=WALL + 4))
    box.write(at(900, ended("talks", "restart", 41), ended("waits", "restart", 41), wall=WALL + 5))
    assert box.record("talks").talk_seconds == 20
    assert box.record("waits").wait_seconds == 20
    assert box.record("waits").ended == "2026-11-21T10:00:20.000Z"
    days = queue_days(box.records, WALL - 60, {"support": 20})
    assert (days["support"].offered, days["support"].abandoned, days["support"].answered) == (2, 0, 0)


def test_a_call_that_the_media_process_went_on_with_ends_with_its_last_sound(box: Box) -> None:
    box.write(at(0, started("c"), LegBridged(call="c", legs=("a", "b"))))
    box.write(at(8, MenuKey(call="other", menu="m", key="1")))
    box.restart()
    told = CallEnded(call="c", cause=41, reason="restart", ended=WALL + 47)
    box.write([Stamped(Instant(3.0, WALL + 60), told)])
    assert box.record("c").talk_seconds == 47
    assert box.record("c").ended == "2026-11-21T10:00:47.000Z"


def test_a_wait_that_a_crash_cut_off_ends_with_the_last_sign_of_life(box: Box) -> None:
    box.write(at(0, started("c"), QueueEntered(call="c", queue="support", position=1)))
    box.write(at(8, MenuKey(call="other", menu="m", key="1")))
    box.restart()
    reboot = Instant(3.0, WALL + 500)
    box.write([Stamped(reboot, QueueLeft(call="c", queue="support", outcome="restart", waited=8))])
    box.write([Stamped(reboot, ended("c", "restart", 41))])
    assert box.record("c").wait_seconds == 8


def test_records_are_read_from_the_new_file_when_a_damaged_one_was_set_aside(box: Box) -> None:
    box.write(conversation("old", 0, 5))
    assert box.records.get("old") is not None
    box.ledger.close()
    box.path.rename(box.path.with_name("aside"))
    box.ledger = Ledger(box.path, "boot-2")
    box.write(conversation("new", 0, 5))
    assert box.records.get("old") is None and box.records.get("new") is not None


def test_a_recording_its_segments_and_its_record(box: Box) -> None:
    box.write(
        at(0, started("c")),
        at(1, RecordingStarted(recording="r", call="c", leg="a", path="2026/11/21/c.wav")),
        at(1, LegBridged(call="c", legs=("a", "b"), agent="aiko")),
        at(1, RecordingSegment(recording="r", offset=0.0, leg="b", agent="aiko")),
        at(9, RecordingSegment(recording="r", offset=8.0, leg="x", agent="ken")),
    )
    shown, path = box.records.recording("r") or (None, "")
    assert shown is not None and path == "2026/11/21/c.wav"
    assert not shown.complete and shown.seconds == 0
    box.write(at(20, ended("c")), at(21, RecordingStopped(recording="r", call="c", seconds=18.5, reason="ended")))
    shown, _ = box.records.recording("r") or (None, "")
    assert (
        shown is not None and shown.complete and (shown.seconds, shown.reason, shown.agent) == (18.5, "ended", "aiko")
    )
    assert [(one.offset, one.leg, one.agent) for one in shown.segments] == [(0.0, "b", "aiko"), (8.0, "x", "ken")]
    recording = box.record("c").recording
    assert recording is not None and (recording.id, recording.seconds) == ("r", 18.5)
    assert box.records.recording("none") is None


def test_filters(box: Box) -> None:
    box.write(
        conversation("c1", 0, 5, caller="+819011112222"),
        conversation("c2", 100, 5, kind="internal", caller="201", called="202", extension="201", trunk=""),
        conversation("c3", 200, 5, kind="service", caller="201", called="*43", trunk=""),
        conversation("c4", 300, 5, kind="outbound", caller="202", called="0398765432", caller_name="田中"),
        at(400, started("c5"), QueueEntered(call="c5", queue="support", position=1)),
        at(410, LegBridged(call="c5", legs=("a", "b"), agent="aiko"), ended("c5")),
    )

    def found(**wanted: object) -> list[str]:
        return [record.id for record in box.records.list(Filter(**wanted))[0]]  # type: ignore[arg-type]

    assert found() == ["c5", "c4", "c2", "c1"]
    assert found(service=True) == ["c5", "c4", "c3", "c2", "c1"]
    assert found(kind="service") == ["c3"]
    assert found(kind="internal") == ["c2"]
    assert found(agent="aiko") == ["c5"] == found(queue="support")
    assert found(since=WALL + 100, until=WALL + 400) == ["c4", "c2"]
    for writing in ("09011112222", "090-1111-2222", "+819011112222", "0901111", "1111222"):
        assert found(number=writing) == ["c1"], writing
    assert found(number="03-9876-5432") == ["c4"]
    assert found(number="202") == ["c4", "c2"]
    assert found(text="田中") == ["c4"]
    assert found(text="０３９８") == ["c4"], "as a Japanese keyboard types it"
    assert found(text='"; DROP TABLE records; --') == [] == found(number="100% _")
    box.restart()
    box.ledger.prune(0)
    box.write([])
    assert found(number="090-1111-2222") == ["c1"], "from the text index as well"
    assert found(text="987654") == ["c4"] == found(text="９８７６５４")


def test_a_name_is_found_however_wide_it_is_typed(box: Box) -> None:
    for number, name in enumerate(("Desk 7", "ｄｅｓｋ", "ﾀﾅｶ", "サトウ")):
        box.write(conversation(f"c{number}", number, 1, caller_name=name))

    def found(text: str) -> list[str]:
        return [record.id for record in box.records.list(Filter(text=text))[0]]

    for _ in ("not indexed yet", "indexed"):
        assert found("desk") == ["c1", "c0"] == found("ＤＥＳＫ")
        assert found("ﾀﾅｶ") == ["c2"] == found("タナカ") == found("ﾅｶ")
        assert found("ｻﾄｳ") == ["c3"] == found("サトウ")
        assert found("\u3000") == ["c0"], "a full-width space"
        box.restart()
        box.ledger.prune(0)
        box.write([])


def test_pages_hold_every_record_once_even_with_equal_times(box: Box) -> None:
    for number in range(25):
        box.write(conversation(f"c{number}", number // 10, 1))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = box.records.list(Filter(limit=7, cursor=cursor))
        seen += [record.id for record in page]
    assert len(seen) == 25 == len(set(seen))
    for wrong in ("x", "1:", "nonsense:1:2"):
        with pytest.raises(ValueError):
            box.records.list(Filter(cursor=wrong))


def test_journeys_and_events_of_a_call(box: Box) -> None:
    box.write(conversation("c1", 0, 5, journey="j"), conversation("c2", 50, 5, journey="j"), conversation("c3", 60, 5))
    assert [record.id for record in box.records.journey("j")] == ["c1", "c2"]
    assert len(box.records.events("c1")) == 6
    assert box.records.events("") == []


def test_figures_of_the_day(box: Box) -> None:
    def visit(call: str, begin: float, waited: float, outcome: str, queue: str = "support") -> None:
        box.write(
            at(begin, started(call), QueueEntered(call=call, queue=queue, position=1)),
            at(begin + waited, QueueLeft(call=call, queue=queue, outcome=outcome, waited=waited), ended(call)),
        )

    visit("yesterday", -70_000, 5, "answered")
    visit("c1", 0, 5, "answered")
    visit("c2", 10, 20, "answered")
    visit("c3", 20, 25, "answered")
    visit("c4", 30, 8, "abandoned")
    visit("c5", 40, 0, "overflow")
    visit("c6", 50, 600, "timeout")
    visit("c7", 60, 1, "answered", "sales")
    midnight = local_midnight(WALL, "Asia/Tokyo")
    days = queue_days(box.records, midnight, {"support": 20, "sales": 20, "empty": 20})
    day = days["support"]
    assert (day.offered, day.answered, day.abandoned, day.answered_in_level, day.redirected) == (6, 3, 1, 2, 2)
    assert day.waited_seconds == 50
    assert days["sales"].answered == 1 and days["empty"].offered == 0


def test_midnight_is_that_of_the_site() -> None:
    assert local_midnight(WALL, "Asia/Tokyo") == WALL - 19 * 3600
    assert local_midnight(WALL, "UTC") == WALL - 10 * 3600
    assert local_midnight(WALL, "Mars/Olympus") == WALL - 10 * 3600
    changed = 1_774_746_000.0  # 2026-03-29 01:00 UTC: clocks in Berlin go from 2:00 to 3:00
    assert local_midnight(changed + 7200, "Europe/Berlin") == changed - 2 * 3600


def test_records_of_a_folder_without_a_database_are_none(tmp_path: Path) -> None:
    records = Records(tmp_path / "none.db")
    assert records.list(Filter()) == ([], None) and records.get("c") is None
    assert queue_days(records, 0, {"support": 20}) == {}


def test_a_call_that_goes_out_has_the_trunk_it_was_tried_on_last(box: Box) -> None:
    def tried(call: str, trunk: str) -> LegStarted:
        return LegStarted(leg=f"{call}-{trunk}", call=call, direction="out", trunk=trunk)

    out = {"kind": "outbound", "caller": "201", "called": "0398765432", "extension": "201", "trunk": ""}
    box.write(
        at(0, started("c1", **out), tried("c1", "first"), tried("c1", "second")),
        at(1, started("c2"), tried("c2", "elsewhere")),
    )
    assert box.record("c1").trunk == "second"
    assert box.record("c2").trunk == "carrier", "a call that came in keeps its own"
    box.restart()
    box.write(at(2, CallEnded(call="c1", cause=16, reason="answered")))
    assert box.record("c1").trunk == "second"


def test_a_call_taken_over_is_one_record_whose_talk_goes_on(box: Box) -> None:
    box.write(
        at(0, started("c")),
        at(2, LegBridged(call="c", legs=("a", "b"), agent="aiko")),
        at(12, LegHeld(leg="a", call="c", by="a")),
    )
    box.restart()
    assert [one.call for one in box.ledger.open_calls()] == ["c"]
    box.write(
        at(30, CallTakenOver(call="c", legs=("a", "b"), held=("a",), agent="aiko", answered=WALL + 2, away=10.0)),
        at(32, LegResumed(leg="a", call="c")),
        at(42, gone("a"), gone("b"), ended("c")),
    )
    record = box.record("c")
    assert (record.talk_seconds, record.hold_seconds) == (20.0, 20.0)
    assert (record.cause, record.agent, record.answered) == ("answered", "aiko", "2026-11-21T10:00:02.000Z")
    assert record.ended == "2026-11-21T10:00:42.000Z", "not the last sign of life of the run before"


def test_what_the_run_before_had_no_time_to_commit_is_made_up_for(box: Box) -> None:
    box.write(at(0, started("c")), at(1, QueueEntered(call="c", queue="q", position=1)))
    box.restart()
    box.write(
        at(20, QueueLeft(call="c", queue="q", outcome="answered", waited=4.0, agent="aiko")),
        at(20, CallTakenOver(call="c", legs=("a", "b"), agent="aiko", answered=WALL + 5, away=10.0)),
        at(35, gone("a"), gone("b"), ended("c")),
    )
    record = box.record("c")
    assert (record.talk_seconds, record.agent, record.queue) == (30.0, "aiko", "q")
    assert record.answered == "2026-11-21T10:00:05.000Z"


def test_who_answered_and_a_fax_are_in_the_record(box: Box) -> None:
    heard = AnsweredBy(call="c1", leg="c1-2", result="machine", cause="greeting", seconds=2.5, words=3)
    box.write(at(0, started("c1"), started("c2")), at(3, heard, FaxDetected(call="c2", leg="c2-1", tone="cng")))
    box.write(at(4, CallEnded(call="c1", cause=16, reason="answered"), CallEnded(call="c2", cause=16, reason="closed")))
    assert (box.record("c1").answered_by, box.record("c1").fax) == ("machine", False)
    assert (box.record("c2").answered_by, box.record("c2").fax) == ("", True)


def test_a_record_has_the_score_of_its_worst_leg(tmp_path: Path) -> None:
    heard = {"c-1": (4.3, 4.1, ""), "c-2": (3.2, None, ""), "d-1": (None, None, "no-packets"), "e-1": (None, None, "")}
    ledger = Ledger(tmp_path / "records.db", "boot-1", lambda _entries: None)
    records = Records(tmp_path / "records.db")
    for call in "cdef":
        ledger.append(at(0, started(call)))
        ledger.append(at(1, CallEnded(call=call, cause=16, reason="answered")))
    for leg, (mos, sent, unheard) in heard.items():
        ledger.append(at(2, LegAudio(leg=leg, call=leg[0], mos=mos, sent_mos=sent, unheard=unheard)))
    ledger.append(at(2, LegAudio(leg="f-1", call="f", mos=4.3, sent_mos=4.3, unreached="not-received")))
    assert ledger.flush()
    found = {call: records.get(call) for call in "cdef"}
    assert {call: (one.mos, one.quality) for call, one in found.items() if one} == {
        "c": (3.2, "bad"), "d": (1.0, "bad"), "e": (None, ""), "f": (1.0, "bad"),
    }  # fmt: skip
    ledger.close()
