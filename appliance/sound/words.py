"""What people are told about a sound card that is not there or does not work, in both languages."""

from __future__ import annotations

from appliance.events.base import Words
from appliance.sound.client import Trouble

NAMES: dict[str, Words] = {
    "output": {"ja": "スピーカー", "en": "The loudspeaker"},
    "input": {"ja": "ライン入力", "en": "The line-in"},
}
"""Direction -> what people call it."""

_WHY: dict[str, tuple[Words, Words]] = {
    "no-pyaudio": (
        {"ja": "PyAudio が入っていません", "en": "PyAudio is not installed"},
        {
            "ja": "`make setup` を実行してください（libportaudio2 と PyAudio が入ります）。",
            "en": "Run `make setup`; it installs libportaudio2 and PyAudio.",
        },
    ),
    "no-card": (
        {"ja": "サウンドカードがありません", "en": "this machine has no sound card"},
        {"ja": "USB のサウンドカードを差してください。", "en": "Plug in a sound card, for example one with USB."},
    ),
    "not-found": (
        {
            "ja": "設定された名前のサウンドカードが見つかりません",
            "en": "no device has the name in the configuration",
        },
        {
            "ja": "接続を確かめ、システム画面で装置を選んでください。",
            "en": "Check that it is plugged in, and choose it on the system page.",
        },
    ),
    "refused": (
        {"ja": "サウンドカードを開けません", "en": "the device cannot be opened"},
        {
            "ja": "別のプログラムが使っていないか確かめてください。",
            "en": "See whether another program uses it.",
        },
    ),
    "lost": (
        {"ja": "サウンドカードが応答しなくなりました", "en": "the device has gone away"},
        {
            "ja": "接続を確かめてください。戻れば自動的に使います。",
            "en": "Check that it is plugged in; it is used again as soon as it is back.",
        },
    ),
    "no-port": (
        {"ja": "空いている音声ポートがありません", "en": "no audio port is free"},
        {"ja": "`--rtp` の範囲を広げてください。", "en": "Give a wider range with `--rtp`."},
    ),
}
_OTHER: tuple[Words, Words] = (
    {"ja": "音声プロセスが止まりました", "en": "its process has stopped"},
    {
        "ja": "自動的に再開します。続く場合はログを確認してください。",
        "en": "It is started again; see the log if it stays so.",
    },
)


def explain(direction: str, trouble: Trouble) -> tuple[Words, Words]:
    """(what is wrong, what to do), by language."""
    why, remedy = _WHY.get(trouble.why, _OTHER)
    name = NAMES[direction]
    return {"ja": f"{name['ja']}が使えません（{why['ja']}）。", "en": f"{name['en']} is off: {why['en']}."}, remedy
