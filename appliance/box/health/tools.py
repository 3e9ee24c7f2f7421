"""Programs of others that the box uses where they are installed."""

from __future__ import annotations

import shutil
from typing import Final

from appliance.box.health.finding import Finding

OPUS: Final = ("opusenc", "opusdec")


def opus_missing() -> bool:
    """Whether the programs that code and decode Opus files are not there."""
    return any(shutil.which(tool) is None for tool in OPUS)


def check() -> Finding | None:
    """What is missing; None: nothing."""
    if not opus_missing():
        return None
    return Finding(
        id="opus-tools",
        severity="warning",
        text={
            "ja": "opus-tools がないため、録音は圧縮されず WAV のまま残ります（約 8 倍の容量）。",
            "en": "Recordings stay WAV files, which take eight times the room: opus-tools is missing.",
        },
        remedy={"ja": "apt-get install opus-tools", "en": "apt-get install opus-tools"},
    )
