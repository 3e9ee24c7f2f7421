"""What a check found."""

from __future__ import annotations

import msgspec

from appliance.events.base import Words


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor."""

    id: str
    """Stable: disk, clock, timezone, memory, temperature, power, gpio, speech-ja, speech-en."""
    severity: str
    """ok, warning (tell the administrator) or fault (something the box does is impaired)"""
    text: Words
    remedy: Words = msgspec.field(default_factory=lambda: {"ja": "", "en": ""})

    def line(self, language: str) -> str:
        """One line for a terminal."""
        text, remedy = self.text.get(language, self.text["en"]), self.remedy.get(language, self.remedy["en"])
        arrow = f" -> {remedy}" if remedy else ""
        return f"{self.severity:8}{self.id}: {text}{arrow}"


def size(amount: float) -> str:
    """Bytes for people: 12.3 GB, 480 MB."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"
