"""The site that `hako run` and `hako demo` begin with: six phones, three agents, two ways to be called.

Every secret is made from the entropy given, so no two boxes share one. The carrier is a SIP peer on this machine
(127.0.0.1:5070, from any source port), which SIPp or baresip can play.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from appliance.clock import Entropy

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what looks alike: i l o 0 1."""

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "site": "Hako sample site",
        "support": "Support",
        "sales": "Sales",
        "menu": "Thank you for calling. For support, press 1. For sales, press 2.",
        "busy": "All our agents are busy. Please call again later.",
        "closed": "We are closed now. Please call again during office hours.",
        "lunch": "Lunch",
        "meeting": "Meeting",
        "desk": "Desk",
    },
    "ja": {
        "site": "箱サンプル",
        "support": "サポート",
        "sales": "営業",
        "menu": "お電話ありがとうございます。サポートは1を、営業は2を押してください。",
        "busy": "ただいま電話が大変混み合っております。しばらくしてからおかけ直しください。",
        "closed": "本日の営業は終了いたしました。営業時間内におかけ直しください。",
        "lunch": "昼休み",
        "meeting": "会議",
        "desk": "席",
    },
}

AGENTS: Final = (("aiko", "1", "201"), ("ken", "2", "202"), ("yui", "3", "203"))
"""(id, number, extension) of the sample's agents; each has a web log-in of the same name."""

NUMBER: Final = "0312345678"
"""The number that the sample carrier calls."""


class Sample(msgspec.Struct, frozen=True):
    """The sample as a site file's data, with plain secrets, and those secrets for a person to read once."""

    document: dict[str, Any]
    users: dict[str, str]
    """Web log-in -> password."""
    phones: dict[str, str]
    """Extension -> SIP password."""
    pins: dict[str, str]
    """Agent id -> PIN."""


def word(entropy: Entropy, length: int = 12) -> str:
    """A random word that a person can read and type; 4.95 bits a letter."""
    letters: list[str] = []
    while len(letters) < length:
        letters += [_LETTERS[byte % 31] for byte in entropy(length * 2) if byte < 248]
    return "".join(letters[:length])


def pin(entropy: Entropy) -> str:
    """Four digits that are not all the same."""
    while True:
        digits = "".join(str(byte % 10) for byte in entropy(8) if byte < 250)[:4]
        if len(digits) == 4 and len(set(digits)) > 1:
            return digits


def sample(entropy: Entropy, language: str = "en") -> Sample:
    """The sample site in one language ("en" or "ja")."""
    texts = _TEXTS[language]
    users = {name: word(entropy) for name in ("admin", "supervisor", *(agent[0] for agent in AGENTS))}
    phones = {str(number): word(entropy, 16) for number in range(201, 207)}
    pins = {agent: pin(entropy) for agent, _number, _extension in AGENTS}
    roles = {"admin": "admin", "supervisor": "supervisor"}
    data: dict[str, Any] = {
        "site": {
            "name": texts["site"],
            "language": language,
            "timezone": "Asia/Tokyo",
            "country": "JP",
            "record": "always",
        },
        "users": [{"name": n, "password": p, "role": roles.get(n, "agent")} for n, p in users.items()],
        "extensions": [
            {"number": number, "name": f"{texts['desk']} {index}", "password": password}
            for index, (number, password) in enumerate(phones.items(), 1)
        ],
        "agents": [
            {
                "id": agent,
                "number": number,
                "name": agent.capitalize(),
                "pin": pins[agent],
                "extension": extension,
                "user": agent,
                "queues": ["support"],
            }
            for agent, number, extension in AGENTS
        ],
        "queues": [
            {
                "id": "support",
                "number": "600",
                "name": texts["support"],
                "strategy": "longest-idle",
                "ring_seconds": 20,
                "wrap_up_seconds": 10,
                "overflow": "announcement:busy",
                "record": "always",
            }
        ],
    }
    data |= _ways_in(texts)
    return Sample(data, users, phones, pins)


def _ways_in(texts: dict[str, str]) -> dict[str, Any]:
    return {
        "menus": [
            {
                "id": "main",
                "number": "790",
                "prompt": texts["menu"],
                "default": "queue:support",
                "keys": {"1": "queue:support", "2": "group:sales"},
            }
        ],
        "announcements": [{"id": "busy", "text": texts["busy"]}, {"id": "closed", "text": texts["closed"]}],
        # Open day and night, so that the sample answers whenever it is tried.
        "hours": [
            {
                "id": "office",
                "open": ["mon-sun 00:00-24:00"],
                "inside": "menu:main",
                "outside": "announcement:closed",
            }
        ],
        "groups": [{"id": "sales", "number": "610", "name": texts["sales"], "members": ["204", "205", "206"]}],
        "trunks": [
            {
                "id": "carrier",
                "host": "127.0.0.1",
                "port": 5070,
                # A stand-in: nothing is there until somebody tries a call from outside, and that is no fault.
                "watch": False,
                "caller_id": NUMBER,
                "channels": 30,
                "numbers": {NUMBER: "hours:office"},
                "default": "menu:main",
            }
        ],
        "routes": [
            {"pattern": "0XXXXXXXXX", "trunks": ["carrier"]},
            {"pattern": "0X0XXXXXXXX", "trunks": ["carrier"]},
            {"pattern": "0120XXXXXX", "trunks": ["carrier"]},
        ],
        "breaks": [{"key": "1", "name": texts["lunch"]}, {"key": "2", "name": texts["meeting"]}],
    }
