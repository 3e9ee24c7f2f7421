"""Memory that is left."""

from __future__ import annotations

from pathlib import Path

from appliance.box.health.finding import Finding, size

WARN, SCARCE = 100_000_000, 40_000_000
"""Bytes available."""


def check(meminfo: Path = Path("/proc/meminfo")) -> Finding | None:
    """None where the machine does not say."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return judge(int(line.split()[1]) * 1024)
    return None


def judge(available: int) -> Finding:
    """What so many bytes mean."""
    words = {
        "ja": f"使えるメモリーは {size(available)} です。",
        "en": f"{size(available)} of memory are available.",
    }
    if available >= WARN:
        return Finding(id="memory", severity="ok", text=words)
    remedy = {
        "ja": "ほかのプログラムを止めるか、再起動してください。",
        "en": "Stop other programs on this machine, or restart it.",
    }
    return Finding(id="memory", severity="fault" if available < SCARCE else "warning", text=words, remedy=remedy)
