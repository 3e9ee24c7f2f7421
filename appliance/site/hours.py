"""Opening hours and holidays as the site file writes them.

`mon-fri 09:00-18:00`, `sat,sun 10:00-12:00,13:00-17:00`, `daily 22:00-06:00` (over midnight: it belongs to the day on
which it begins), `mon 00:00-24:00`. Holidays: `2026-12-31` once, `12-31` every year. Local time of the site.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from appliance.errors import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `datetime.weekday`."""
MINUTES_A_DAY = 24 * 60

_OPEN_FORM = 'write days and times like "mon-fri 09:00-18:00" or "sat,sun 10:00-12:00,13:00-17:00"'
_DATE_FORM = 'write "2026-12-31", or "12-31" for every year'


class Opening(NamedTuple):
    """One line of `open`: on these weekdays, from each start to each end."""

    days: frozenset[int]
    """0 Monday … 6 Sunday."""
    times: tuple[tuple[int, int], ...]
    """Minutes of the local day; an end beyond 1440 is on the day after."""


class Holiday(NamedTuple):
    """A day on which it stays closed."""

    month: int
    day: int
    year: int | None = None
    """None: every year."""


def parse_open(text: str) -> Opening:
    """Reads one line of `open`; raises `ConfigError` that says what would be right."""
    days_text, _, times_text = text.strip().lower().partition(" ")
    times_text = times_text.replace(" ", "")
    if not days_text or not times_text:
        raise _problem(text, "is not a line of opening hours", _OPEN_FORM)
    days: set[int] = set()
    for part in days_text.split(","):
        days |= _days(text, part)
    return Opening(frozenset(days), tuple(_span(text, part) for part in times_text.split(",")))


def _days(text: str, part: str) -> set[int]:
    if part == "daily":
        return set(range(7))
    first, dash, last = part.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise _problem(text, f'names the day "{part}"', f"one of {', '.join(DAYS)}, a range like mon-fri, or daily")
    begin = DAYS.index(first)
    length = (DAYS.index(last) - begin) % 7 + 1 if dash else 1
    return {(begin + step) % 7 for step in range(length)}


def _span(text: str, part: str) -> tuple[int, int]:
    start_text, dash, end_text = part.partition("-")
    if not dash:
        raise _problem(text, f'has no end for "{part}"', _OPEN_FORM)
    start, end = _minutes(text, start_text), _minutes(text, end_text)
    if start in (end, MINUTES_A_DAY):
        raise _problem(text, f'is open for no time from "{start_text}"', "the whole day is 00:00-24:00")
    return (start, end) if end > start else (start, end + MINUTES_A_DAY)


def _minutes(text: str, clock: str) -> int:
    hours, colon, minutes = clock.partition(":")
    if colon and _digits(hours, 1, 2) and _digits(minutes, 2, 2):
        value = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and value <= MINUTES_A_DAY:
            return value
    raise _problem(text, f'has the time "{clock}"', "a time from 00:00 to 24:00")


def parse_holiday(text: str) -> Holiday:
    """Reads one entry of `holidays`; raises `ConfigError` that says what would be right."""
    parts = text.strip().split("-")
    widths = (4, 2, 2) if len(parts) == 3 else (2, 2)
    if len(parts) != len(widths) or not all(_digits(p, 1, w) for p, w in zip(parts, widths, strict=True)):
        raise _problem(text, "is not a date", _DATE_FORM)
    numbers = [int(part) for part in parts]
    year = numbers[0] if len(parts) == 3 else None
    month, day = numbers[-2:]
    try:
        date(2000 if year is None else year, month, day)
    except ValueError:
        raise _problem(text, "is no day of the calendar", _DATE_FORM) from None
    return Holiday(month, day, year)


def _digits(text: str, least: int, most: int) -> bool:
    return least <= len(text) <= most and text.isascii() and text.isdigit()


def _problem(text: str, what: str, right: str) -> ConfigError:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return ConfigError([f'"{shown}" {what}; {right}'])
