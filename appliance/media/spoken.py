"""Texts as a synthesiser can speak them: cleaned, bounded, cut where the language changes. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from appliance.errors import HakoError

LONGEST = 1000
"""Characters of one prompt; about two minutes of speech."""


class SpeechError(HakoError):
    """A text that cannot be spoken, or a synthesiser that cannot speak. `code` is a stable word for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """empty, too-long, no-voice, failed"""


class Segment(NamedTuple):
    """A stretch of one language."""

    language: str
    text: str


def clean(text: str) -> str:
    """The text without what nobody can pronounce (emoji, control characters), spaces collapsed, kana full-width.

    Line ends become pauses. Raises SpeechError when nothing is left or the text is longer than `LONGEST`.
    """
    if len(text) > LONGEST * 4:
        raise SpeechError("too-long", f"{len(text)} characters; at most {LONGEST} can be spoken")
    kept = []
    for character in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(character)
        if character in "\r\n":
            kept.append("\n")
        elif category[0] == "Z" or character == "\t":
            kept.append(" ")
        elif category[0] != "C" and category not in ("So", "Sk", "Me") and not 0xFE00 <= ord(character) <= 0xFE0F:
            kept.append(character)
    lines = [" ".join(line.split()) for line in "".join(kept).split("\n")]
    joined = ""
    for line in filter(None, lines):
        if joined and joined[-1] not in "。、．，.!?！？,;:":
            joined += "。" if _is_japanese(joined[-1]) else "."
        joined += (" " if joined else "") + line
    if not any(character.isalnum() for character in joined):
        raise SpeechError("empty", "the text holds nothing that can be spoken")
    if len(joined) > LONGEST:
        raise SpeechError("too-long", f"{len(joined)} characters; at most {LONGEST} can be spoken")
    return joined


def segments(text: str, language: str) -> list[Segment]:
    """The text in stretches of one language each. Raises SpeechError as `clean`.

    In a Japanese text Latin words stay with the Japanese voice (it knows how Japanese say them), but three words in a
    row are English. In an English text whatever is written in kana or kanji is Japanese. Punctuation and figures go
    with what stands before them.
    """
    cleaned = clean(text)
    if language == "ja":
        return _split_japanese(cleaned)
    return _split_english(cleaned)


_ENGLISH = re.compile(r"[A-Za-z][A-Za-z0-9'’,;:.!?&()-]*(?: +[A-Za-z0-9][A-Za-z0-9'’,;:.!?&()-]*){2,}")


def _split_japanese(text: str) -> list[Segment]:
    found: list[Segment] = []
    end = 0
    for match in _ENGLISH.finditer(text):
        words = [word for word in match.group().split() if word[0].isalpha()]
        if len(words) < 3 or not any(character.islower() for character in match.group()):
            continue
        _append(found, "ja", text[end : match.start()])
        _append(found, "en", match.group())
        end = match.end()
    _append(found, "ja", text[end:])
    return found


def _split_english(text: str) -> list[Segment]:
    found: list[Segment] = []
    start, present = 0, "en"
    for index, character in enumerate(text):
        if not character.isalpha() and not _is_japanese(character):
            continue
        language = "ja" if _is_japanese(character) else "en"
        if language != present:
            _append(found, present, text[start:index])
            start, present = index, language
    _append(found, present, text[start:])
    return found


def _append(found: list[Segment], language: str, text: str) -> None:
    text = text.strip()
    if any(character.isalnum() for character in text):
        found.append(Segment(language, text))


def _is_japanese(character: str) -> bool:
    """Kana, kanji and the punctuation that only Japanese has."""
    point = ord(character)
    return 0x3000 <= point <= 0x30FF or 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or point >= 0x20000
