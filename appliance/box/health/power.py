"""Power supply of a Raspberry Pi, as its firmware saw it (bits of `get_throttled`, Raspberry Pi documentation)."""

from __future__ import annotations

from pathlib import Path

from appliance.box.health.finding import Finding

_UNDER_VOLTAGE_NOW, _UNDER_VOLTAGE_BEFORE = 1 << 0, 1 << 16


def check(reading: Path = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")) -> Finding | None:
    """None on other machines."""
    try:
        bits = int(reading.read_text().strip(), 16)
    except (OSError, ValueError):
        return None
    return judge(bits)


def judge(bits: int) -> Finding:
    """What the firmware's bits mean."""
    if not bits & (_UNDER_VOLTAGE_NOW | _UNDER_VOLTAGE_BEFORE):
        words = {"ja": "電源電圧は正常です。", "en": "The supply voltage is good."}
        return Finding(id="power", severity="ok", text=words)
    now = bool(bits & _UNDER_VOLTAGE_NOW)
    return Finding(
        id="power",
        severity="fault" if now else "warning",
        text={
            "ja": "電源電圧が不足しています。" if now else "起動後に電源電圧が不足したことがあります。",
            "en": "The supply voltage is too low." if now else "The supply voltage was too low since the box started.",
        },
        remedy={
            "ja": "5V 3A以上の純正電源と短いケーブルを使ってください。",
            "en": "Use the maker's power supply (5 V, 3 A or more) and a short cable.",
        },
    )
