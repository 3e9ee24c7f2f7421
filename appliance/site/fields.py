"""Reads single values of a site file: each function gives the typed value, or says what would be right.

Every reader of a value takes the `Problems` to report to, the path of the value as a person would write it
(`queues[0].strategy`) and the raw value; it returns `BAD` after reporting.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from appliance.site.model import NOWHERE, Destination

BAD: Final = object()
"""What a reader returns for a value it has reported."""

Reader = Callable[["Problems", str, object], Any]

TARGETS = ("extension", "queue", "menu", "group", "hours", "announcement", "voicemail", "conference", "number")
"""Destination kinds with a target."""
PLAIN_TARGETS = ("music", "hangup")
"""Destination kinds without one."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_INTERNAL = re.compile(r"[0-9]{1,10}")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ().-]{0,30}")
_CODE = re.compile(r"[0-9*#]{1,8}")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}|\[[0-9A-Fa-f:.]+\]")


class Problems:
    """Collects what is wrong (the file is refused) and what deserves a word (it is accepted)."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.bad: set[str] = set()
        """Paths of keys that could not be read or are not there."""
        self.warnings: list[str] = []

    def error(self, path: str, message: str) -> None:
        """The file cannot be used because of this."""
        self.bad.add(path)
        self.errors.append(f"{path}: {message}" if path else message)

    def warn(self, path: str, message: str) -> None:
        """The file can be used; a person should know this."""
        self.warnings.append(f"{path}: {message}" if path else message)


def shown(value: object) -> str:
    """A value as the site file would write it, cut to a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "..."
        return '"' + text.replace("\n", "\\n") + '"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return str(value)


def listed(words: Iterable[str]) -> str:
    """`a, b, c` in the order given."""
    return ", ".join(words)


def meant(word: str, known: Iterable[str]) -> str:
    """` (did you mean "x"?)` when a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' (did you mean "{close[0]}"?)' if close else ""


def text(problems: Problems, path: str, value: object, longest: int = 80) -> Any:
    """One line of text."""
    if not isinstance(value, str):
        problems.error(path, f"{shown(value)} is not a text; write it in quotes")
        return BAD
    if len(value) > longest:
        problems.error(path, f"{len(value)} characters are too many; at most {longest}")
        return BAD
    if any(ord(character) < 32 and character not in "\t\n" for character in value):
        problems.error(path, "holds a control character")
        return BAD
    return value


def long_text(problems: Problems, path: str, value: object) -> Any:
    """What the box speaks: a few sentences."""
    return text(problems, path, value, 1000)


def named(problems: Problems, path: str, value: object) -> Any:
    """A text that may not be empty."""
    found = text(problems, path, value)
    if found is not BAD and not found.strip():
        problems.error(path, "is empty; give it a name")
        return BAD
    return found


def secret(problems: Problems, path: str, value: object) -> Any:
    """A password or PIN: never repeated in a message."""
    if not isinstance(value, str):
        problems.error(path, "is not a text; write it in quotes")
        return BAD
    if not value:
        problems.error(path, "is empty; leave the key out to keep the present one")
        return BAD
    if len(value) > 256 or any(ord(character) < 32 for character in value):
        problems.error(path, "is longer than 256 characters or holds a control character")
        return BAD
    return value


def pin(problems: Problems, path: str, value: object) -> Any:
    """A PIN to key at a phone: never repeated in a message."""
    if secret(problems, path, value) is BAD:
        return BAD
    if _INTERNAL.fullmatch(str(value)) is None:
        problems.error(path, "is not 1 to 10 digits")
        return BAD
    return value


def _matching(pattern: re.Pattern[str], right: str) -> Reader:
    def read(problems: Problems, path: str, value: object) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            problems.error(path, f'{value} is a number without quotes; write "{value}"')
            return BAD
        if not isinstance(value, str) or not pattern.fullmatch(value):
            problems.error(path, f"{shown(value)} is not {right}")
            return BAD
        return value

    return read


identifier: Reader = _matching(_ID, "an id; letters, digits, - and _, at most 40")
internal_number: Reader = _matching(_INTERNAL, "a number of this site; 1 to 10 digits")
telephone: Reader = _matching(
    _TELEPHONE, 'a telephone number; digits, a + in front if international, such as "0312345678"'
)
dial_code: Reader = _matching(_CODE, "a dial code; digits, * and #, at most 8")
call_key: Reader = _matching(
    re.compile(r"[*#][0-9*#]{1,3}"), 'keys for use during a call; * or # and one to three more, such as "*1"'
)
break_key: Reader = _matching(re.compile(r"[0-9]"), "the digit that follows the break code; 0 to 9")
host: Reader = _matching(_HOST, 'a host name or address, such as "203.0.113.5"')


def optional(reader: Reader) -> Reader:
    """Lets the empty text through beside what the reader takes."""

    def read(problems: Problems, path: str, value: object) -> Any:
        return "" if value == "" else reader(problems, path, value)

    return read


def boolean(problems: Problems, path: str, value: object) -> Any:
    """true or false."""
    if not isinstance(value, bool):
        problems.error(path, f"{shown(value)} is neither true nor false; write it without quotes")
        return BAD
    return value


def whole(low: int, high: int) -> Reader:
    """A whole number within bounds."""

    def read(problems: Problems, path: str, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            problems.error(path, f"{shown(value)} is not right; a whole number from {low} to {high}")
            return BAD
        return value

    return read


def seconds(low: float, high: float) -> Reader:
    """A duration in seconds within bounds."""

    def read(problems: Problems, path: str, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            problems.error(path, f"{shown(value)} is not right; a number of seconds from {low:g} to {high:g}")
            return BAD
        return value

    return read


def choice(what: str, words: tuple[str, ...]) -> Reader:
    """One of a few words."""

    def read(problems: Problems, path: str, value: object) -> Any:
        if not isinstance(value, str) or value not in words:
            near = meant(value, words) if isinstance(value, str) else ""
            problems.error(path, f"unknown {what} {shown(value)}; one of {listed(words)}{near}")
            return BAD
        return value

    return read


def list_of(reader: Reader, longest: int = 1000) -> Reader:
    """A list whose members the reader takes."""

    def read(problems: Problems, path: str, value: object) -> Any:
        if not isinstance(value, list):
            problems.error(path, f'{shown(value)} is not a list; write ["…", "…"]')
            return BAD
        if len(value) > longest:
            problems.error(path, f"{len(value)} members are too many; at most {longest}")
            return BAD
        found = [reader(problems, f"{path}[{index}]", member) for index, member in enumerate(value)]
        return BAD if BAD in found else tuple(found)

    return read


def table_of(key_reader: Reader, reader: Reader) -> Reader:
    """A table whose keys and values the readers take."""

    def read(problems: Problems, path: str, value: object) -> Any:
        if not isinstance(value, dict):
            problems.error(path, f"{shown(value)} is not a table; write {{ key = value }}")
            return BAD
        found: dict[str, Any] = {}
        good = True
        for key, member in value.items():
            read_key = key_reader(problems, f"{path}.{key}", key)
            read_value = reader(problems, f"{path}.{key}", member)
            good = good and read_key is not BAD and read_value is not BAD
            found[key] = read_value
        return found if good else BAD

    return read


def destination(problems: Problems, path: str, value: object) -> Any:
    """Where a call goes next; that the target exists is checked once everything is read."""
    right = "one of " + listed([f"{kind}:…" for kind in TARGETS] + list(PLAIN_TARGETS))
    if not isinstance(value, str):
        problems.error(path, f"{shown(value)} is not a destination; {right}")
        return BAD
    kind, colon, target = value.partition(":")
    if kind in PLAIN_TARGETS and not colon:
        return Destination(kind=kind)
    if kind not in TARGETS or not colon:
        near = meant(kind, TARGETS + PLAIN_TARGETS) if kind not in TARGETS else ""
        problems.error(path, f"unknown destination {shown(value)}; {right}{near}")
        return BAD
    if not target:
        problems.error(path, f"{shown(value)} lacks what comes after the colon")
        return BAD
    return Destination(kind=kind, target=target)


def optional_destination(problems: Problems, path: str, value: object) -> Any:
    """Where a call goes next, or the empty text: nowhere."""
    return NOWHERE if value == "" else destination(problems, path, value)
