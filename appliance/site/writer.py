"""Writes a `Site` as a site file. What is at its default is left out; secrets only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import tomli_w

from appliance.site.model import Destination, Part, Site

PLAIN_SECRETS: Final = {"extensions": ("password",), "trunks": ("password",)}
"""Fields that are written only with `secrets`; hashes are always written."""

_ORDER: Final = (
    "site users extensions agents queues menus announcements hours groups trunks routes breaks codes sound "  # noqa: SIM905
    "answering_machine".split()
)


def document(site: Site, secrets: bool = False) -> dict[str, Any]:
    """The site with the site file's keys, as plain data."""
    written: dict[str, Any] = {}
    for kind in _ORDER:
        value = getattr(site, kind)
        hidden = () if secrets else PLAIN_SECRETS.get(kind, ())
        if isinstance(value, tuple):
            if value:
                written[kind] = [_part(part, hidden) for part in value]
        else:
            fields = _part(value, hidden)
            if fields:
                written[kind] = fields
    return written


def write(site: Site, secrets: bool = False) -> str:
    """The site as TOML text."""
    blocks: list[str] = []
    for kind, value in document(site, secrets).items():
        if isinstance(value, list):
            blocks += [_block(kind, f"[[{kind}]]", part) for part in value]
        else:
            blocks.append(_block(kind, f"[{kind}]", value))
    return "\n".join(blocks)


def _block(kind: str, header: str, fields: Mapping[str, Any]) -> str:
    lines = [header]
    lines += [_line(key, value) for key, value in fields.items() if not isinstance(value, Mapping)]
    for key, value in fields.items():
        if isinstance(value, Mapping):
            lines.append(f"[{kind}.{key}]")
            lines += [_line(name, member) for name, member in value.items()]
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any) -> str:
    if isinstance(value, list):
        members = (_line("v", member).removeprefix("v = ") for member in value)
        return tomli_w.dumps({key: 0}).removesuffix("0\n") + "[" + ", ".join(members) + "]"
    return tomli_w.dumps({key: value}).removesuffix("\n")


def _part(part: Part, hidden: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if field.name in hidden:
            continue
        if field.required or value != _default(field):
            fields[field.name] = _value(value)
    return fields


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _value(value: Any) -> Any:
    if isinstance(value, Destination):
        return str(value)
    if isinstance(value, tuple):
        return [_value(member) for member in value]
    if isinstance(value, Mapping):
        return {key: _value(member) for key, member in value.items()}
    return value
