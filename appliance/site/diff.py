"""Says in lines how one site differs from another, in the words of the site file. Secrets are never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.site.fields import shown
from appliance.site.model import Part, Site

NAMES: Final = {
    "users": ("user", "name"),
    "extensions": ("extension", "number"),
    "agents": ("agent", "id"),
    "queues": ("queue", "id"),
    "menus": ("menu", "id"),
    "announcements": ("announcement", "id"),
    "hours": ("hours", "id"),
    "groups": ("group", "id"),
    "trunks": ("trunk", "id"),
    "routes": ("route", "pattern"),
    "breaks": ("break", "key"),
}
"""List of the site file -> (word for one of it, key that names it)."""

SECRET: Final = frozenset({"password", "password_hash", "pin_hash"})
ORDERED: Final = ("trunks", "routes")
"""Lists whose order means something."""


def diff(before: Site, after: Site) -> tuple[str, ...]:
    """One line a difference; none when both are the same."""
    lines = [f"site: {line}" for line in _fields(before.site, after.site)]
    for kind, (word, key) in NAMES.items():
        lines += _list(kind, word, key, getattr(before, kind), getattr(after, kind))
    lines += [f"codes: {line}" for line in _fields(before.codes, after.codes)]
    lines += [f"sound: {line}" for line in _fields(before.sound, after.sound)]
    lines += [f"answering machine: {line}" for line in _fields(before.answering_machine, after.answering_machine)]
    return tuple(lines)


def _list(kind: str, word: str, key: str, before: tuple[Part, ...], after: tuple[Part, ...]) -> list[str]:
    old = {getattr(part, key): part for part in before}
    new = {getattr(part, key): part for part in after}
    lines = [f"{word} {name}: removed{_called(old[name])}" for name in old if name not in new]
    for name, part in new.items():
        if name not in old:
            lines.append(f"{word} {name}: added{_called(part)}")
        else:
            lines += [f"{word} {name}: {line}" for line in _fields(old[name], part)]
    stayed = [name for name in old if name in new]
    if kind in ORDERED and stayed != [name for name in new if name in old]:
        lines.append(f"{kind}: order is now {', '.join(new)}")
    return lines


def _called(part: Part) -> str:
    name = getattr(part, "name", "")
    return f" ({name})" if name and part.__struct_fields__[0] != "name" else ""


def _fields(before: Part, after: Part) -> list[str]:
    lines = []
    for field in before.__struct_fields__:
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        if field in SECRET:
            lines.append(f"{field.removesuffix('_hash')} changed")
        elif isinstance(old, Mapping):
            lines += _tables(field, old, new)
        else:
            lines.append(f"{field} {_text(old)} → {_text(new)}")
    return lines


def _tables(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = [f"{field}.{key} {_text(old[key])} → none" for key in old if key not in new]
    for key, value in new.items():
        if key not in old:
            lines.append(f"{field}.{key} none → {_text(value)}")
        elif old[key] != value:
            lines.append(f"{field}.{key} {_text(old[key])} → {_text(value)}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(member) for member in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return shown(str(value)) if isinstance(value, Part | str) else shown(value)
