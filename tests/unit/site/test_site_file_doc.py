"""docs/site-file.md names every key of the reader, with the default that the model has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from appliance.site.model import Destination
from appliance.site.reader import SINGLES, TABLES

DOCUMENT = Path(__file__).parents[3] / "docs" / "site-file.md"
KINDS = {**SINGLES, **TABLES}


def sections() -> dict[str, dict[str, str]]:
    """Kind of part -> key -> what the column "default" says."""
    found: dict[str, dict[str, str]] = {}
    for text in re.split(r"^## ", DOCUMENT.read_text(), flags=re.M)[1:]:
        name = re.match(r"`\[+(\w+)\]+`", text)
        assert name is not None, text.splitlines()[0]
        rows = [(key, cell.strip()) for key, cell in re.findall(r"^\| `(\w+)` \|([^|]*)\|", text, flags=re.M)]
        assert len(rows) == len(dict(rows)), f"{name[1]} has a key twice"
        found[name[1]] = dict(rows)
    return found


def test_every_part_of_a_site_has_its_section() -> None:
    assert sections().keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_and_defaults_are_those_of_the_reader(kind: str) -> None:
    table, said = KINDS[kind], sections()[kind]
    assert said.keys() == table.keys.keys()
    defaults = {field.name: field for field in msgspec.structs.fields(table.part)}
    for key, cell in said.items():
        if key in table.required:
            assert cell == "required", key
        elif key in table.secrets or key in table.secrets.values():
            assert cell == "", key
        else:
            field = defaults[key]
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            if isinstance(default, Destination):
                default = str(default)
            if isinstance(default, tuple):
                default = list(default)
            assert tomllib.loads(f"value = {cell.strip('`')}")["value"] == default, key
