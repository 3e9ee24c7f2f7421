"""Texts of every sort on their way to a synthesiser."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.media import phrases
from appliance.media.spoken import LONGEST, Segment, SpeechError, clean, segments


@pytest.mark.parametrize("text", ["", " \t\n", "😀🎉", "\x00\x07", "…!?", "👩‍👩‍👧", "\ufeff\u200b"])
def test_nothing_to_say_is_an_error(text: str) -> None:
    with pytest.raises(SpeechError) as caught:
        segments(text, "ja")
    assert caught.value.code == "empty"


@pytest.mark.parametrize("text", ["a" * (LONGEST + 1), "あ" * (LONGEST + 1), "x" * 100_000, "\x00" * 100_000])
def test_too_long_is_an_error_that_names_the_limit(text: str) -> None:
    with pytest.raises(SpeechError, match=str(LONGEST)) as caught:
        segments(text, "en")
    assert caught.value.code == "too-long"


def test_the_longest_text_is_spoken() -> None:
    assert segments("a" * LONGEST, "en") == [Segment("en", "a" * LONGEST)]


def test_emoji_and_control_characters_are_left_out() -> None:
    assert clean("Hello\x00 😀 there\x1b[1m!") == "Hello there[1m!"
    assert clean("ﾃｽﾄ　です") == "テスト です"


def test_lines_become_pauses() -> None:
    assert clean("Hello\nWorld\r\n\r\nAgain.\nEnd") == "Hello. World. Again. End"
    assert clean("こんにちは\nはい") == "こんにちは。 はい"


def test_one_language_stays_whole() -> None:
    for name, texts in phrases.FIXED.items():
        for language, text in texts.items():
            assert [part.language for part in segments(text, language)] == [language], name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("お電話ありがとうございます。Thank you for calling.", ["ja", "en"]),
        ("For English, press 2. 日本語は1を押してください。", ["en", "ja"]),
        ("Acme Supportです。", ["ja"]),
        ("IT SUPPORT DESK です", ["ja"]),
        ("1を押してください。", ["ja"]),
    ],
)
def test_english_sentences_in_a_japanese_text(text: str, expected: list[str]) -> None:
    assert [part.language for part in segments(text, "ja")] == expected


def test_japanese_words_in_an_english_text() -> None:
    assert segments("Welcome to 東京 branch, press 1.", "en") == [
        Segment("en", "Welcome to"),
        Segment("ja", "東京"),
        Segment("en", "branch, press 1."),
    ]


@given(st.text(max_size=300), st.sampled_from(["ja", "en"]))
def test_any_text_is_cut_or_refused(text: str, language: str) -> None:
    try:
        parts = segments(text, language)
    except SpeechError as error:
        assert error.code in ("empty", "too-long")
        return
    for part in parts:
        assert part.text
        assert not any(unicodedata.category(character) == "Cc" for character in part.text)


@pytest.mark.parametrize("language", phrases.LANGUAGES)
def test_positions_say_their_number(language: str) -> None:
    said = [phrases.position(number, language) for number in range(1, 100)]
    assert len(set(said)) == 99
    assert all(str(number) in text for number, text in enumerate(said, 1))
    for number in (0, 100, -1):
        with pytest.raises(ValueError, match="not in"):
            phrases.position(number, language)
