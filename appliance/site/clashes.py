"""Finds numbers, codes and park slots that equal or hide another, an emergency number above all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from appliance.site.codes import CODES, PARK_SLOTS, Code, dialled, may_follow
from appliance.site.emergency import emergency_numbers
from appliance.site.fields import Problems, shown
from appliance.site.model import Site
from appliance.site.numbers import PRIVACY_PREFIXES


class Taken(NamedTuple):
    """One string that a phone can dial, and whose it is."""

    digits: str
    path: str
    what: str
    code: Code | None = None


def _numbers(site: Site) -> Iterator[Taken]:
    for index, extension in enumerate(site.extensions):
        if extension.number:
            yield Taken(extension.number, f"extensions[{index}].number", f"extension {extension.number}")
    for kind, word in (
        ("queues", "queue"),
        ("menus", "menu"),
        ("groups", "group"),
        ("hours", "hours"),
        ("announcements", "announcement"),
    ):
        for index, part in enumerate(getattr(site, kind)):
            if part.number:
                yield Taken(part.number, f"{kind}[{index}].number", f'{word} "{part.id}"')


def check_numbers(site: Site, problems: Problems) -> None:
    """Adds an error for every clash; a number that begins with another one is a warning."""
    numbers = list(_numbers(site))
    codes = [Taken(dialled(site.codes, code), f"codes.{code.name}", f"code {code.name}", code) for code in CODES]
    _check_emergency(site, [*numbers, *codes], problems)
    _check_slots([*numbers, *codes], problems)
    _check_equal([*numbers, *codes], problems)
    _check_hidden(numbers, codes, problems)
    _check_prefixes(numbers, problems)
    _check_routes(site, [*numbers, *codes], problems)


def _check_emergency(site: Site, taken: list[Taken], problems: Problems) -> None:
    country = site.site.country
    for number in emergency_numbers(country):
        with_privacy = tuple(prefix + number for prefix in PRIVACY_PREFIXES.get(country, ()))
        for one in taken:
            if one.digits == number or one.digits in with_privacy:
                problems.error(one.path, f"{shown(one.digits)} is an emergency number of {country}; take another one")
            elif one.digits.startswith(number):
                problems.error(
                    one.path, f"{shown(one.digits)} begins with the emergency number {number}; take another one"
                )
            elif number.startswith(one.digits):
                problems.error(one.path, f"{shown(one.digits)} hides the emergency number {number}; take another one")


def _check_slots(taken: list[Taken], problems: Problems) -> None:
    for one in taken:
        for slot in PARK_SLOTS:
            if one.digits.startswith(slot):
                same = "is" if one.digits == slot else "begins with"
                problems.error(
                    one.path, f"{shown(one.digits)} {same} the park slot {slot}; numbers from 701 to 709 are taken"
                )


def _check_equal(taken: list[Taken], problems: Problems) -> None:
    seen: dict[str, Taken] = {}
    for one in taken:
        other = seen.setdefault(one.digits, one)
        if other is not one:
            problems.error(one.path, f"{shown(one.digits)} is already the number of {other.what} ({other.path})")


def _check_hidden(numbers: list[Taken], codes: list[Taken], problems: Problems) -> None:
    for code in codes:
        if code.code is None or not code.code.takes:
            continue
        for one in [*numbers, *codes]:
            rest = one.digits[len(code.digits) :]
            if one is not code and rest and one.digits.startswith(code.digits) and may_follow(code.code, rest):
                problems.error(
                    code.path, f"{shown(code.digits)} hides {one.what}, which is dialled {shown(one.digits)}"
                )


def _check_prefixes(numbers: list[Taken], problems: Problems) -> None:
    digits = {one.digits for one in numbers}
    for one in numbers:
        for length in range(1, len(one.digits)):
            if one.digits[:length] in digits:
                problems.warn(
                    one.path,
                    f"{shown(one.digits)} begins with the number {one.digits[:length]}; "
                    "phones that dial digit by digit may not reach it",
                )


def _check_routes(site: Site, taken: list[Taken], problems: Problems) -> None:
    used = {slot: f"park slot {slot}" for slot in PARK_SLOTS} | {one.digits: one.what for one in taken}
    emergency = emergency_numbers(site.site.country)
    for index, route in enumerate(site.routes):
        path, pattern = f"routes[{index}].pattern", shown(route.pattern)
        hidden_by = used.get(route.pattern)
        if hidden_by is not None:
            problems.error(path, f"{pattern} is never used: it is {hidden_by} of this site")
        if route.pattern in emergency:
            problems.warn(path, f"{pattern} is an emergency number and needs no route; every trunk is tried")
