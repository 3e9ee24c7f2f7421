"""What a dialled string means at a site. Compiled once from a `Site`; a look-up is a dictionary access for most calls.

Order of meaning: emergency numbers, numbers of the site and park slots and codes that equal the string, codes with
something after them (the longest first), then routes, the most specific pattern first.
"""

from __future__ import annotations

from appliance.site.codes import CODES, PARK_SLOTS, Code, dialled, may_follow
from appliance.site.emergency import emergency_numbers
from appliance.site.model import Destination, Part, Route, Site, Trunk
from appliance.site.numbers import clean, dialable, normalise, split_privacy

PATTERN_DIGITS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
"""Letters of a route pattern; `.` at the end is one or more digits, everything else stands for itself."""

_OPEN = 100
"""Weight of `.`, above that of any single place."""


class Emergency(Part, frozen=True):
    """An emergency number: every trunk in file order, a channel made free if need be."""

    number: str


class Internal(Part, frozen=True):
    """A number of the site."""

    number: str
    destination: Destination


class ParkSlot(Part, frozen=True):
    """Fetch the call parked here."""

    slot: str


class CodeDialled(Part, frozen=True):
    """A dial code; `argument` is what followed it."""

    code: str
    """Field of `Codes`: agent, agent_break, echo, …"""
    argument: str = ""
    built: bool = True
    """False: answer with the "not built" announcement."""


class External(Part, frozen=True):
    """A number outside, and the trunks to try in this order."""

    number: str
    """As dialled from the country, without a privacy prefix."""
    trunks: tuple[str, ...]
    pattern: str
    privacy: str = ""
    """Dialled before the number (184, 186); goes to the carrier in front of it."""


class Unknown(Part, frozen=True):
    """Nothing answers to this."""

    number: str


Meaning = Emergency | Internal | ParkSlot | CodeDialled | External | Unknown


class Pattern:
    """One route pattern, compiled."""

    __slots__ = ("open", "places", "route", "weight")

    def __init__(self, route: Route) -> None:
        body = route.pattern
        self.open = body.endswith(".")
        if self.open:
            body = body[:-1]
        self.route = route
        self.places = tuple(frozenset(PATTERN_DIGITS.get(letter, letter)) for letter in body)
        self.weight = tuple(len(place) for place in self.places) + ((_OPEN,) if self.open else ())
        """Choices at each place: of two patterns that match, the smaller tuple is the more specific one."""

    def matches(self, digits: str) -> bool:
        """Whether these digits fit, all of them."""
        length = len(self.places)
        if len(digits) <= length if self.open else len(digits) != length:
            return False
        for digit, place in zip(digits, self.places, strict=False):
            if digit not in place:
                return False
        return not self.open or digits[length:].isdigit()


class DialPlan:
    """The compiled dial plan of a site. Immutable; make a new one when the site changes."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.country = site.site.country
        self.emergency = frozenset(emergency_numbers(self.country))
        self._exact: dict[str, Meaning] = {}
        self._prefixes: list[tuple[str, Code]] = []
        self._compile_numbers(site)
        patterns = sorted((Pattern(route) for route in site.routes), key=lambda pattern: pattern.weight)
        self._patterns = {
            first: tuple(one for one in patterns if not one.places or first in one.places[0])
            for first in "0123456789*#"
        }
        """By the first digit they match, the most specific one first."""
        self._inbound = {trunk.id: self._compile_trunk(trunk) for trunk in site.trunks}
        self._trunks = {trunk.id: trunk for trunk in site.trunks}

    def _compile_numbers(self, site: Site) -> None:
        for code in CODES:
            digits = dialled(site.codes, code)
            if code.takes in ("", "digit?", "extension?"):
                self._exact[digits] = CodeDialled(code=code.name, built=code.built)
            if code.takes:
                self._prefixes.append((digits, code))
        self._prefixes.sort(key=lambda pair: -len(pair[0]))
        for slot in PARK_SLOTS:
            self._exact[slot] = ParkSlot(slot=slot)
        for number, destination in internal_numbers(site):
            self._exact[number] = Internal(number=number, destination=destination)
        for number in self.emergency:
            self._exact[number] = Emergency(number=number)

    def _compile_trunk(self, trunk: Trunk) -> dict[str, Destination]:
        table: dict[str, Destination] = {}
        for number, destination in trunk.numbers.items():
            table[number] = table[clean(number)] = destination
            full = normalise(number, self.country)
            if full:
                table[full] = destination
        return table

    def lookup(self, dialled_string: str) -> Meaning:
        """What a phone of the site means by this string (user part of the Request-URI or `tel:`). Never raises."""
        found = self._exact.get(dialled_string)
        if found is not None:
            return found
        if len(dialled_string) > 64:
            return Unknown(number=dialled_string[:64])
        digits = clean(dialled_string)
        if digits.startswith("+"):
            digits = dialable(digits, self.country)
        meaning = self._exact.get(digits) or self._code(digits) or self._route(digits)
        if isinstance(meaning, Unknown) and digits.endswith("#"):
            # Many people end a number with # to have it dialled at once, and some phones send it along.
            return self.lookup(digits[:-1])
        return meaning

    def _code(self, digits: str) -> CodeDialled | None:
        for prefix, code in self._prefixes:
            if digits.startswith(prefix) and len(digits) > len(prefix):
                rest = digits[len(prefix) :]
                if may_follow(code, rest):
                    return CodeDialled(code=code.name, argument=rest, built=code.built)
        return None

    def _route(self, digits: str) -> Meaning:
        privacy, number = split_privacy(digits, self.country)
        if privacy and number in self.emergency:
            return Emergency(number=number)
        pattern = self._match(number)
        if pattern is None and privacy:
            privacy, number = "", digits
            pattern = self._match(number)
        if pattern is None:
            return Unknown(number=digits)
        route = pattern.route
        return External(number=number, trunks=route.trunks, pattern=route.pattern, privacy=privacy)

    def _match(self, number: str) -> Pattern | None:
        for pattern in self._patterns.get(number[:1], ()):
            if pattern.matches(number):
                return pattern
        return None

    def inbound(self, trunk: str, called: str) -> Destination:
        """Where a call from this trunk for this called number goes; the trunk's default for any other number.

        Raises KeyError when there is no such trunk.
        """
        table = self._inbound[trunk]
        found = table.get(called)
        if found is None and table:
            found = table.get(normalise(called, self.country))
        return found if found is not None else self._trunks[trunk].default


def internal_numbers(site: Site) -> list[tuple[str, Destination]]:
    """Every number of the site with what it reaches, in file order by kind."""
    found = [
        (extension.number, Destination(kind="extension", target=extension.number)) for extension in site.extensions
    ]
    for kind, parts in (
        ("queue", site.queues),
        ("menu", site.menus),
        ("group", site.groups),
        ("hours", site.hours),
        ("announcement", site.announcements),
    ):
        found += [(part.number, Destination(kind=kind, target=part.id)) for part in parts if part.number]
    return found
