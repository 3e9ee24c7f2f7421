"""Business hours through holidays, midnights and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.center.hours import Schedule, is_open, next_change, schedule
from appliance.errors import ConfigError
from appliance.site.hours import Holiday, parse_holiday, parse_open
from appliance.site.model import Hours

TOKYO, BERLIN, NEW_YORK = "Asia/Tokyo", "Europe/Berlin", "America/New_York"


def at(text: str, zone: str = TOKYO, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


OFFICE = Hours(
    id="office", open=("mon-fri 09:00-12:00,13:00-18:00", "sat 10:00-12:00"), holidays=("2026-12-31", "01-01")
)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-20 08:59:59", False),
        ("2026-11-20 09:00:00", True),
        ("2026-11-20 11:59:59", True),
        ("2026-11-20 12:00:00", False),
        ("2026-11-20 13:00:00", True),
        ("2026-11-20 18:00:00", False),
        ("2026-11-21 10:30:00", True),
        ("2026-11-22 10:30:00", False),
        ("2026-12-31 10:30:00", False),
        ("2025-12-31 10:30:00", True),
        ("2027-01-01 10:30:00", False),
        ("2029-01-01 10:30:00", False),
    ],
)
def test_office_hours(when: str, expected: bool) -> None:
    assert is_open(OFFICE, at(when), TOKYO) is expected


def test_next_change_steps_through_the_week_and_over_a_holiday() -> None:
    wall = at("2026-12-30 17:00")
    steps = []
    for _ in range(4):
        change = next_change(OFFICE, wall, TOKYO)
        assert change is not None
        steps.append(datetime.fromtimestamp(change, ZoneInfo(TOKYO)).strftime("%m-%d %H:%M"))
        wall = change
    assert steps == ["12-30 18:00", "01-02 10:00", "01-02 12:00", "01-04 09:00"]


def test_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Hours(id="night", open=("fri 22:00-06:00",), holidays=("2026-11-27",))
    assert is_open(night, at("2026-11-20 23:00"), TOKYO)
    assert is_open(night, at("2026-11-21 05:59"), TOKYO)
    assert not is_open(night, at("2026-11-21 06:00"), TOKYO)
    assert not is_open(night, at("2026-11-20 05:00"), TOKYO)
    assert not is_open(night, at("2026-11-28 01:00"), TOKYO), "Friday was a holiday"


def test_always_open_never_changes_and_never_open_neither() -> None:
    always = Hours(id="always", open=("daily 00:00-24:00",))
    assert is_open(always, at("2026-11-21 00:00"), TOKYO)
    assert next_change(always, at("2026-11-21 00:00"), TOKYO) is None
    never = Hours(id="never")
    assert not is_open(never, at("2026-11-21 00:00"), TOKYO)
    assert next_change(never, at("2026-11-21 00:00"), TOKYO) is None


def test_always_open_but_for_one_holiday() -> None:
    mostly = Hours(id="mostly", open=("daily 00:00-24:00",), holidays=("2026-12-25",))
    assert next_change(mostly, at("2026-11-21 12:00"), TOKYO) == at("2026-12-25 00:00")
    assert next_change(mostly, at("2026-12-25 12:00"), TOKYO) == at("2026-12-26 00:00")


def test_the_night_when_clocks_go_forward() -> None:
    """Berlin, 2026-03-29: 02:00 becomes 03:00."""
    shop = Hours(id="shop", open=("sun 01:00-04:00",))
    assert is_open(shop, at("2026-03-29 01:30", BERLIN), BERLIN)
    assert is_open(shop, at("2026-03-29 03:30", BERLIN), BERLIN)
    assert next_change(shop, at("2026-03-29 00:30", BERLIN), BERLIN) == at("2026-03-29 01:00", BERLIN)
    closing = next_change(shop, at("2026-03-29 01:30", BERLIN), BERLIN)
    assert closing == at("2026-03-29 04:00", BERLIN)
    assert closing - at("2026-03-29 01:00", BERLIN) == 2 * 3600


def test_an_opening_inside_the_hour_that_does_not_exist() -> None:
    shop = Hours(id="shop", open=("sun 02:30-05:00",))
    opening = next_change(shop, at("2026-03-29 00:30", BERLIN), BERLIN)
    assert opening == datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp(), "03:30 of the summer clock"
    gone = Hours(id="gone", open=("sun 02:15-02:45",))
    for minute in range(0, 300, 5):
        wall = at("2026-03-29 00:00", BERLIN) + minute * 60
        assert is_open(gone, wall, BERLIN) == (
            datetime.fromtimestamp(wall, UTC).strftime("%H:%M")
            in ("01:15", "01:20", "01:25", "01:30", "01:35", "01:40")
        )


def test_the_night_when_clocks_go_back_opens_and_closes_once() -> None:
    """New York, 2026-11-01: 02:00 becomes 01:00 again."""
    shop = Hours(id="shop", open=("sun 01:30-05:00",))
    opening = at("2026-11-01 01:30", NEW_YORK)
    assert next_change(shop, opening - 3600, NEW_YORK) == opening
    assert next_change(shop, opening, NEW_YORK) == at("2026-11-01 05:00", NEW_YORK)
    assert is_open(shop, at("2026-11-01 01:10", NEW_YORK, fold=1), NEW_YORK), "open since the first 01:30"


@pytest.mark.parametrize(
    ("text", "days", "times"),
    [
        ("mon-fri 09:00-18:00", {0, 1, 2, 3, 4}, ((540, 1080),)),
        ("sat,sun 10:00-12:00", {5, 6}, ((600, 720),)),
        ("  Mon,Wed-Thu   9:00-12:00, 13:00-17:30 ", {0, 2, 3}, ((540, 720), (780, 1050))),
        ("sat-mon 22:00-06:00", {5, 6, 0}, ((1320, 1800),)),
        ("daily 00:00-24:00", set(range(7)), ((0, 1440),)),
        ("fri 18:00-00:00", {4}, ((1080, 1440),)),
    ],
)
def test_lines_of_opening_hours(text: str, days: set[int], times: tuple[tuple[int, int], ...]) -> None:
    assert parse_open(text) == (frozenset(days), times)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a line"),
        ("mon-fri", "not a line"),
        ("09:00-18:00", "not a line"),
        ("monday 09:00-18:00", 'the day "monday"'),
        ("mon-fry 09:00-18:00", 'the day "mon-fry"'),
        ("mon 9-18", 'the time "9"'),
        ("mon 09:00", "no end"),
        ("mon 09:00-25:00", 'the time "25:00"'),
        ("mon 09:60-10:00", 'the time "09:60"'),
        ("mon 09:00-09:00", "no time"),
        ("mon 24:00-06:00", "no time"),
        ("mon ٠٩:00-18:00", "the time"),
        ("mon 09:00-18:00 x", "the time"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        parse_open(text)
    assert says in wrong.value.problems[0]


@pytest.mark.parametrize(
    "text", ["2026-02-29", "13-01", "00-10", "31-12", "2026-12", "2026-1-1-1", "tomorrow", "", "12-"]
)
def test_what_is_no_date_is_said(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_holiday(text)


def test_dates() -> None:
    assert parse_holiday("2026-12-31") == Holiday(12, 31, 2026)
    assert parse_holiday(" 12-31 ") == Holiday(12, 31)
    assert parse_holiday("02-29") == Holiday(2, 29)


@given(st.text(max_size=80))
def test_no_text_does_anything_else_than_parse_or_be_refused(text: str) -> None:
    for parse in (parse_open, parse_holiday):
        try:
            parse(text)
        except ConfigError as error:
            assert error.problems


def test_a_schedule_names_every_problem() -> None:
    with pytest.raises(ConfigError) as wrong:
        Schedule(Hours(id="x", open=("mon",), holidays=("soon",)), "Mars/Olympus")
    assert len(wrong.value.problems) == 3


@given(
    st.integers(min_value=0, max_value=2_000_000_000),
    st.sampled_from([TOKYO, BERLIN, NEW_YORK, "Australia/Lord_Howe", "UTC"]),
)
def test_next_change_is_where_open_and_closed_meet(wall: int, zone: str) -> None:
    plan = schedule(OFFICE, zone)
    change = plan.next_change(wall)
    assert change is not None
    assert change > wall
    before = plan.is_open(wall)
    assert plan.is_open(change) is not before
    assert plan.is_open(change - 1) is before
    assert plan.is_open((wall + change) / 2) is before
