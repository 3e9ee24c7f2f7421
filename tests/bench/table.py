"""The table: what was measured beside what is wanted, and the same table in README.md."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- table begin: python -m tests.bench --write -->", "<!-- table end -->"


class Row(NamedTuple):
    """One figure."""

    what: str
    value: float
    unit: str
    least: float | None = None
    """What is required; None: nothing is."""
    aim: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        """How the figure stands to what is wanted."""
        if self.least is None:
            return ""
        for wanted, word in ((self.aim, "aim"), (self.least, "yes")):
            if wanted is not None and (self.value >= wanted if self.more_is_better else self.value <= wanted):
                return word
        return "NO"


def number(value: float) -> str:
    """Three figures that mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def wanted(row: Row) -> str:
    """Required / aim, in one cell."""
    if row.least is None:
        return ""
    sign = "≥" if row.more_is_better else "≤"
    return f"{sign} {row.least:g}" + (f" / {row.aim:g}" if row.aim is not None else "")


def text(rows: list[Row]) -> str:
    """The table as Markdown, readable as it is."""
    cells = [("what", "measured", "required / aim", "met", "")]
    cells += [(row.what, f"{number(row.value)} {row.unit}", wanted(row), row.verdict, row.note) for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> str:
    """What it was measured on."""
    cpu = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load average before {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d')}"
    )


def write(table: str, conditions: list[str]) -> None:
    """Puts the table into README.md."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    inside = "\n".join([BEGIN, "", *(f"- {line}" for line in conditions), "", table, "", END])
    README.write_text(before + inside + after)
