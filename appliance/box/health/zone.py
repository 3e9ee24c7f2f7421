"""The site's time zone: known to the machine, and likely to be meant."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.box.health.finding import Finding


def check(timezone: str, country: str = "") -> Finding:
    """Looks up `timezone`; a Japanese site in another zone than Japan's is probably a forgotten setting."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Finding(
            id="timezone",
            severity="fault",
            text={
                "ja": f"タイムゾーン「{timezone}」が見つかりません。営業時間はUTCで判定されます。",
                "en": f'The time zone "{timezone}" is not known here: business hours are taken as UTC.',
            },
            remedy={
                "ja": "site.timezone を Asia/Tokyo などに直すか、パッケージ tzdata を入れてください。",
                "en": "Correct site.timezone (such as Asia/Tokyo) or install the package tzdata.",
            },
        )
    words = {"ja": f"タイムゾーンは {timezone} です。", "en": f"The time zone is {timezone}."}
    if country == "JP" and timezone not in ("Asia/Tokyo", "Japan"):
        return Finding(
            id="timezone",
            severity="warning",
            text=words,
            remedy={
                "ja": "日本のサイトなら site.timezone を Asia/Tokyo にしてください。",
                "en": "For a site in Japan set site.timezone to Asia/Tokyo.",
            },
        )
    return Finding(id="timezone", severity="ok", text=words)
