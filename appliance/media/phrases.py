"""What the product itself says, in Japanese and English: fixed phrases, "you are number N", single digits.

Japanese is the polite language of a company's telephone. Where the reading of kanji or figures is not certain the text
is written as it is to be spoken. `appliance.media.prompts` has each of them synthesised once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES = ("ja", "en")
NEAR_POSITION = 10
"""Positions up to here are made before calls are taken; beyond, "position-far" is said until their own are there."""
HIGHEST_POSITION = 99
"""Positions 1 to 99 are whole phrases; who stands further back hears "position-far"."""

_FIXED: dict[str, tuple[str, str]] = {
    # What a caller meets.
    "closed": (
        "お電話ありがとうございます。誠に申し訳ございませんが、ただいま電話での受付をおこなっておりません。"
        "恐れ入りますが、改めておかけ直しください。",
        "Thank you for calling. We are not able to take your call at this time. Please call again later.",
    ),
    "wrong-number": (
        "おかけになった番号は、現在使われておりません。番号をお確かめのうえ、おかけ直しください。",
        "The number you have dialled is not in use. Please check the number and call again.",
    ),
    "busy": (
        "おかけになったお相手は、ただいま通話中です。恐れ入りますが、しばらくたってからおかけ直しください。",
        "The person you are calling is on another call. Please try again later.",
    ),
    "no-answer": (
        "お呼び出しいたしましたが、おでになりません。恐れ入りますが、しばらくたってからおかけ直しください。",
        "There is no answer. Please try again later.",
    ),
    "not-registered": (
        "おかけになったお相手の電話機は、ただいま接続されていません。恐れ入りますが、しばらくたってからおかけ直しください。",
        "The phone you are calling is not connected at the moment. Please try again later.",
    ),
    "all-lines-busy": (
        "ただいま外線がすべて使用中です。しばらくたってからおかけ直しください。",
        "All outside lines are in use. Please try again in a moment.",
    ),
    "agents-busy": (
        "ただいまお電話が大変混み合っております。誠に申し訳ございませんが、しばらくたってからおかけ直しください。",
        "All our agents are busy at the moment. We are sorry. Please call again later.",
    ),
    "failed": (
        "申し訳ございません。お電話をおつなぎできませんでした。",
        "We are sorry. Your call could not be completed.",
    ),
    "not-allowed": (
        "この電話機からはおかけになれません。",
        "This phone may not call that number.",
    ),
    "not-built": (
        "申し訳ございません。この機能はまだご利用になれません。",
        "We are sorry. This service is not available yet.",
    ),
    # In a queue or a menu.
    "position-far": (
        "ただいま大変多くのお客様にお待ちいただいております。このまましばらくお待ちください。",
        "A great many callers are waiting before you. Please hold the line.",
    ),
    # What an agent meets at the phone.
    "enter-agent": (
        "オペレーター番号を入力し、シャープを押してください。",
        "Please enter your agent number, followed by the pound key.",
    ),
    "enter-pin": (
        "暗証番号を入力し、シャープを押してください。",
        "Please enter your PIN, followed by the pound key.",
    ),
    "wrong-pin": (
        "番号が違います。もう一度入力してください。",
        "That is not correct. Please try again.",
    ),
    "not-agent": (
        "この電話機には、ログインしているオペレーターがいません。",
        "No agent is logged in at this phone.",
    ),
    "logged-in": ("ログインしました。", "You are logged in."),
    "logged-out": ("ログアウトしました。", "You are logged out."),
    "on-break": ("休憩に入りました。", "You are on break."),
    "available": ("受付可能になりました。", "You are available for calls."),
    "wrap-up-done": ("後処理を終了しました。", "Wrap-up finished."),
    "unknown-break": ("その休憩理由は登録されていません。", "There is no such break reason."),
    "address": ("この装置の、アイピーアドレスは、", "The address of this box is"),
    "no-address": (
        "この装置は、ネットワークに接続されていません。ランケーブルをお確かめください。",
        "This box is not connected to a network. Please check the network cable.",
    ),
    "no-loudspeaker": (
        "ただいま、館内放送はご利用になれません。スピーカーの接続をお確かめください。",
        "The loudspeaker is not available. Please check that it is connected.",
    ),
    "listening": ("通話を、スピーカーで流します。", "The call is now on the loudspeaker."),
    "listening-ended": ("スピーカーでのモニターを終了しました。", "The loudspeaker is off."),
    "no-conversation": ("その電話機は、ただいま通話中ではありません。", "That phone is not in a conversation."),
    "echo": (
        "エコーテストです。お話しになった声がそのまま聞こえます。",
        "This is the echo test. You will hear everything that you say.",
    ),
}

FIXED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {name: MappingProxyType({"ja": ja, "en": en}) for name, (ja, en) in _FIXED.items()}
)
"""Name -> language -> text."""

_JA_DIGITS = ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー")
_EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_JA_SIGNS = {"*": "コメジルシ", "#": "シャープ", ".": "テン", ":": "コロン", "-": "ノ"}
_EN_SIGNS = {"*": "star", "#": "pound", ".": "dot", ":": "colon", "-": "dash"}
_LETTERS = {"a": ("エー", "A"), "b": ("ビー", "B"), "c": ("シー", "C"), "d": ("ディー", "D"), "e": ("イー", "E"),
            "f": ("エフ", "F")}  # fmt: skip

DIGITS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ja": MappingProxyType(
            {**{str(n): word for n, word in enumerate(_JA_DIGITS)}, **_JA_SIGNS}
            | {letter: ja for letter, (ja, _) in _LETTERS.items()}
        ),
        "en": MappingProxyType(
            {**{str(n): word for n, word in enumerate(_EN_DIGITS)}, **_EN_SIGNS}
            | {letter: en for letter, (_, en) in _LETTERS.items()}
        ),
    }
)
"""Language -> character -> what it is called. Enough for extensions, numbers and IP addresses."""


POSITION_HEAD: Mapping[str, str] = MappingProxyType({"ja": "お客様は、ただいま、", "en": ""})
"""What is said before every `position`, after which Japanese draws breath anyway; "" where it is one phrase."""


def position(number: int, language: str) -> str:
    """What a waiting caller at place `number` (1..99) is told, after `POSITION_HEAD`. Raises ValueError otherwise."""
    if not 1 <= number <= HIGHEST_POSITION:
        raise ValueError(f"{number} is not in 1..{HIGHEST_POSITION}")
    if language == "ja":
        return f"{number}番目にお待ちです。"
    return f"You are number {number} in line."
