"""What the media engine was built without, in words."""

from __future__ import annotations

from typing import Final

from appliance.box.health.finding import Finding
from appliance.events.base import Words


def _finding(ability: str, text: Words, package: str) -> Finding:
    remedy = {
        "en": f"Run `apt-get install {package}`, then `make setup`, and start the box again.",
        "ja": f"`apt-get install {package}` と `make setup` を実行し、本体を再起動してください。",
    }
    return Finding(id=ability, severity="warning", text=text, remedy=remedy)


_FINDINGS: Final = {
    "opus": _finding(
        "opus",
        {
            "en": "The codec Opus is off: libopus was not there when the media engine was built.",
            "ja": "Opus コーデックは使えません（音声エンジンの作成時に libopus がありませんでした）。",
        },
        "libopus-dev",
    ),
    "srtp": _finding(
        "srtp",
        {
            "en": "Encrypted audio (SRTP) is off: libsrtp2 was not there when the media engine was built. Phones and "
            'trunks with srtp = "required" cannot call, but for emergency calls.',
            "ja": "音声の暗号化（SRTP）は使えません（音声エンジンの作成時に libsrtp2 がありませんでした）。"
            'srtp = "required" の電話機と回線は、緊急通報以外の通話ができません。',
        },
        "libsrtp2-dev",
    ),
}


def unbuilt(abilities: frozenset[str]) -> list[Finding]:
    """A finding for each ability that an engine may have and this one has not."""
    return [finding for ability, finding in _FINDINGS.items() if ability not in abilities]
