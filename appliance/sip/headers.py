"""Header fields of a message: raw values in order, under one spelling of each name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from appliance.errors import RemoteProtocolError
from appliance.sip.abnf import split_list
from appliance.sip.names import LIST_HEADERS, canonical

_line_end = re.compile(r"[\r\n]")


class Headers:
    """Header fields in order. Values of one name keep their order; names keep the order of their first value.

    Names may be given in any case or compact. Values must not contain line ends (ValueError: that would be our bug).
    """

    __slots__ = ("typed", "values")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.values: dict[str, list[str]] = {}
        """Canonical name to raw values; for the parser and the encoder."""
        self.typed: dict[str, object] = {}
        """Parsed values by property, dropped when their header changes."""
        for name, value in fields:
            self.add(name, value)

    def get(self, name: str) -> str | None:
        """The first field's raw value (of a list header possibly several, with commas), or None."""
        found = self.values.get(name) or self.values.get(canonical(name))
        return found[0] if found else None

    def get_all(self, name: str) -> list[str]:
        """One string a value; comma-separated lists of list headers are split (malformed ones are left whole)."""
        name = canonical(name)
        found = self.values.get(name)
        if not found:
            return []
        if name not in LIST_HEADERS:
            return list(found)
        if len(found) == 1 and "," not in found[0]:
            return [found[0]] if found[0] else []
        return [piece for value in found for piece in _split_or_whole(value)]

    def set(self, name: str, value: str) -> None:
        """Replaces all fields of this name by one."""
        self._field(name)[:] = [_checked(value)]

    def add(self, name: str, value: str) -> None:
        """Adds a field after the present ones of this name."""
        self._field(name).append(_checked(value))

    def prepend(self, name: str, value: str) -> None:
        """Adds a field before the present ones of this name (Via, Record-Route)."""
        self._field(name).insert(0, _checked(value))

    def remove(self, name: str) -> None:
        """Removes all fields of this name."""
        name = canonical(name)
        self.values.pop(name, None)
        self.typed.pop(name, None)

    def remove_first(self, name: str) -> None:
        """Removes the first value of this name (the top Via of a response that is passed on, a popped Route)."""
        rest = self.get_all(name)[1:]
        if rest:
            self._field(name)[:] = rest
        else:
            self.remove(name)

    def copy(self) -> Headers:
        """Headers that can be changed without changing these."""
        other = Headers()
        other.values = {name: list(values) for name, values in self.values.items()}
        return other

    def __contains__(self, name: str) -> bool:
        return name in self.values or canonical(name) in self.values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, values in self.values.items() for value in values)

    def __len__(self) -> int:
        return sum(len(values) for values in self.values.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.values == other.values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"

    def _field(self, name: str) -> list[str]:
        name = canonical(name)
        self.typed.pop(name, None)
        return self.values.setdefault(name, [])


def _split_or_whole(value: str) -> list[str]:
    try:
        return split_list(value)
    except RemoteProtocolError:
        return [value]


def _checked(value: str) -> str:
    if _line_end.search(value):
        raise ValueError("a header value must not contain line ends")
    return value
