"""Temperature of the processor. A Raspberry Pi 4 slows itself down from 80 °C on."""

from __future__ import annotations

from pathlib import Path

from appliance.box.health.finding import Finding

WARN, HOT = 75.0, 80.0
"""Degrees Celsius."""


def check(thermal: Path = Path("/sys/class/thermal")) -> Finding | None:
    """The hottest zone; None where there is no sensor."""
    readings = []
    for sensor in sorted(thermal.glob("thermal_zone*/temp")):
        try:
            readings.append(int(sensor.read_text()) / 1000)
        except (OSError, ValueError):
            continue
    return judge(max(readings)) if readings else None


def judge(celsius: float) -> Finding:
    """What this temperature means."""
    words = {"ja": f"本体の温度は {celsius:.0f} ℃ です。", "en": f"The processor has {celsius:.0f} °C."}
    if celsius < WARN:
        return Finding(id="temperature", severity="ok", text=words)
    remedy = {
        "ja": "通気をよくし、直射日光やほかの機器の熱を避けてください。",
        "en": "Give the box air; keep it away from the sun and from warm devices.",
    }
    return Finding(id="temperature", severity="fault" if celsius >= HOT else "warning", text=words, remedy=remedy)
