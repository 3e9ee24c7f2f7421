"""Boards as data: which lamps a machine has and at which pins. Read from `hw/boards/NAME.toml`.

name = "pi4-panel"
title = { ja = "…", en = "…" }
agents = 8                      # lamps for agents
active_low = false              # true: a pin at 0 V lights its lamp
[lamps]
ready = { green = 23 }          # BCM number of the pin for each colour of the lamp
agent1 = { red = 5, green = 6 } # amber is both
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from appliance.errors import ConfigError

FOLDERS = (
    Path(__file__).parents[2] / "hw" / "boards",
    Path(sys.prefix) / "share" / "hako" / "boards",
    Path("/usr/share/hako/boards"),
)
"""Where boards are looked for: the source tree, what pip installed, the image."""
SIGNALS = ("ready", "trunk", "calls", "waiting", "recording", "fault")
"""Lamps of every panel, beside `agent1`, `agent2`, …"""
COLORS = ("green", "amber", "red")
_DRAWN_AGENTS = 8
_HIGHEST_PIN = 27


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A machine's front panel."""

    name: str
    title: Mapping[str, str]
    agents: int = _DRAWN_AGENTS
    active_low: bool = False
    lamps: Mapping[str, Mapping[str, int]] = {}
    """Lamp id -> colour -> BCM pin number; empty: the panel is only drawn on the pages."""


NONE = Board(name="none", title={"ja": "画面上のみ", "en": "on the pages only"})
"""No lamps to drive. Always there, whatever the folders hold."""


def load_board(name: str, folders: Sequence[Path] = FOLDERS) -> Board:
    """The board of this name, or of this path when it ends in `.toml`. Raises ConfigError with every problem."""
    if name == NONE.name or not name:
        return NONE
    path = Path(name) if name.endswith(".toml") else _find(name, folders)
    if path is None:
        raise ConfigError([f'unknown board "{name}"; one of {", ".join(board_names(folders))}'])
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from None
    problems = [f"{path}: {problem}" for problem in _problems(document)]
    if problems:
        raise ConfigError(problems)
    return msgspec.convert({"name": path.stem, "title": {"ja": path.stem, "en": path.stem}, **document}, Board)


def board_names(folders: Sequence[Path] = FOLDERS) -> list[str]:
    """Names that `load_board` knows."""
    return sorted({NONE.name, *(path.stem for folder in folders for path in folder.glob("*.toml"))})


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    # A name is no path: nothing outside of the folders is read.
    if not name.replace("-", "").replace("_", "").isalnum():
        return None
    return next((path for folder in folders if (path := folder / f"{name}.toml").is_file()), None)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    kinds = {"name": str, "title": dict, "agents": int, "active_low": bool, "lamps": dict}
    for key, value in document.items():
        if key not in kinds:
            yield f"{key}: unknown key; one of {', '.join(kinds)}"
        elif type(value) is not kinds[key]:
            yield f"{key}: must be {_KIND_WORDS[kinds[key]]}, is {value!r}"
    agents = document.get("agents", _DRAWN_AGENTS)
    if type(agents) is int and not 0 <= agents <= 64:
        yield f"agents: {agents} is not in 0..64"
    lamps = document.get("lamps", {})
    if isinstance(lamps, dict):
        yield from _lamp_problems(lamps, agents if type(agents) is int else 0)


_KIND_WORDS = {str: "a text", dict: "a table", int: "a number", bool: "true or false"}


def _lamp_problems(lamps: Mapping[str, Any], agents: int) -> Iterator[str]:
    known = [*SIGNALS, *(f"agent{number}" for number in range(1, agents + 1))]
    taken: dict[int, str] = {}
    for lamp, pins in lamps.items():
        if lamp not in known:
            yield f"lamps.{lamp}: unknown lamp; one of {', '.join(SIGNALS)}, agent1..agent{agents}"
        if not isinstance(pins, dict) or not pins:
            yield f"lamps.{lamp}: must be a table of colours and pins such as {{ green = 17 }}"
            continue
        for color, pin in pins.items():
            where = f"lamps.{lamp}.{color}"
            if color not in COLORS:
                yield f'{where}: unknown colour "{color}"; one of {", ".join(COLORS)}'
            if type(pin) is not int or not 0 <= pin <= _HIGHEST_PIN:
                yield f"{where}: {pin!r} is no BCM pin (0..{_HIGHEST_PIN})"
            elif pin in taken:
                yield f"{where}: pin {pin} is already that of {taken[pin]}"
            else:
                taken[pin] = where
        if lamp.startswith("agent") and not {"red", "green"} <= set(pins):
            yield f"lamps.{lamp}: an agent's lamp needs red and green (idle and talking differ by colour)"
