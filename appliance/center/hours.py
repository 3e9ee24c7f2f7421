"""Business hours: is it open, and until when.

An opening is the time between two instants: from the local start to the local end of its line. On the night when
clocks go back an ambiguous time means its first occurrence; on the night when they go forward a time that does not
exist means the same distance after midnight as on other days (RFC 5545 section 3.3.5). So an hour that is skipped or
repeated never opens or closes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import inf
from zoneinfo import ZoneInfo

from appliance.errors import ConfigError
from appliance.site import model
from appliance.site.hours import MINUTES_A_DAY, Holiday, parse_holiday, parse_open

HORIZON_DAYS = 400
"""How far `next_change` looks: a year's holidays and some."""


class Schedule:
    """The hours of one `[[hours]]`, compiled. Immutable."""

    __slots__ = ("_by_day", "_holidays", "_zone")

    def __init__(self, hours: model.Hours, timezone: str) -> None:
        """Raises `ConfigError` with every problem found."""
        problems: list[str] = []
        self._by_day: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for text in hours.open:
            try:
                opening = parse_open(text)
            except ConfigError as error:
                problems += error.problems
                continue
            for day in opening.days:
                self._by_day[day] += opening.times
        holidays: set[Holiday] = set()
        for text in hours.holidays:
            try:
                holidays.add(parse_holiday(text))
            except ConfigError as error:
                problems += error.problems
        self._holidays = frozenset(holidays)
        try:
            self._zone = ZoneInfo(timezone)
        except (KeyError, OSError, ValueError):
            problems.append(f'"{timezone}" is not a time zone this box knows; one like "Asia/Tokyo" or "UTC"')
        if problems:
            raise ConfigError(problems)

    def is_open(self, wall: float) -> bool:
        """Whether it is open at this time (seconds since the epoch)."""
        today = datetime.fromtimestamp(wall, self._zone).date()
        return any(
            start <= wall < end
            for day in (today - _ONE_DAY, today, today + _ONE_DAY)
            for start, end in self._spans(day)
        )

    def next_change(self, wall: float) -> float | None:
        """When it next opens or closes; None when it does neither within the horizon."""
        today = datetime.fromtimestamp(wall, self._zone).date()
        spans = self._merged(today - _ONE_DAY, HORIZON_DAYS)
        for start, end in spans:
            if wall < start:
                return start
            if wall < end:
                return None if end == inf else end
        return None

    def _merged(self, first: date, days: int) -> Iterator[tuple[float, float]]:
        """Openings from this day on, in order, those that touch or overlap made one; the last may be without end."""
        begin = finish = 0.0
        for step in range(days):
            for start, end in sorted(self._spans(first + timedelta(days=step))):
                if start <= finish:
                    finish = max(finish, end)
                    continue
                if finish > begin:
                    yield begin, finish
                begin, finish = start, end
        if finish > begin:
            yield begin, finish if finish < self._instant(first, days * MINUTES_A_DAY) else inf

    def _spans(self, day: date) -> Iterator[tuple[float, float]]:
        """What this day's lines open, in seconds since the epoch."""
        if Holiday(day.month, day.day) in self._holidays or Holiday(day.month, day.day, day.year) in self._holidays:
            return
        for start, end in self._by_day[day.weekday()]:
            span = self._instant(day, start), self._instant(day, end)
            if span[0] < span[1]:
                yield span

    def _instant(self, day: date, minutes: int) -> float:
        after, minutes = divmod(minutes, MINUTES_A_DAY)
        day += timedelta(days=after)
        local = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=self._zone)
        return local.timestamp()


_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def _schedule(openings: tuple[str, ...], holidays: tuple[str, ...], timezone: str) -> Schedule:
    return Schedule(model.Hours(id="", open=openings, holidays=holidays), timezone)


def schedule(hours: model.Hours, timezone: str) -> Schedule:
    """The compiled hours, made once for the same lines. Raises `ConfigError`."""
    return _schedule(hours.open, hours.holidays, timezone)


def is_open(hours: model.Hours, wall: float, timezone: str) -> bool:
    """Whether these hours are open at this time (seconds since the epoch). Raises `ConfigError`."""
    return schedule(hours, timezone).is_open(wall)


def next_change(hours: model.Hours, wall: float, timezone: str) -> float | None:
    """When these hours next open or close; None: never within the horizon. Raises `ConfigError`."""
    return schedule(hours, timezone).next_change(wall)
