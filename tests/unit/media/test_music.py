"""The music on hold: length, level, band, seam."""

from array import array

import pytest

from appliance.media import levels, music
from tests.unit.media.sound import peak_db


@pytest.fixture(scope="module")
def piece() -> array:
    return music.render()


def test_length_and_level(piece: array) -> None:
    assert len(piece) / 8000 == pytest.approx(76.8)
    assert levels.level(piece) == pytest.approx(-20.0, abs=0.01)
    assert peak_db(piece) < -3


def test_no_stretch_is_silent_or_loud(piece: array) -> None:
    for start in range(0, len(piece), 16000):
        assert -25 < levels.level(piece[start : start + 16000]) < -16


def test_the_band_of_a_telephone(piece: array) -> None:
    low = levels.low_pass(levels.low_pass(piece, 150), 150)
    high = levels.high_pass(levels.high_pass(piece, 3500), 3500)
    assert levels.level(low) < -40
    assert levels.level(high) < -55


def test_the_loop_has_no_seam(piece: array) -> None:
    bends = [abs(a - 2 * b + c) for a, b, c in zip(piece, piece[1:], piece[2:], strict=False)]
    wrapped = piece[-3:] + piece[:3]
    seam = max(abs(a - 2 * b + c) for a, b, c in zip(wrapped, wrapped[1:], wrapped[2:], strict=False))
    assert seam < max(bends) / 2


def test_phrases_differ(piece: array) -> None:
    eighth = len(piece) // 4
    phrases = [piece[start : start + eighth] for start in range(0, len(piece), eighth)]
    for first in range(4):
        for second in range(first):
            difference = array("d", (a - b for a, b in zip(phrases[first], phrases[second], strict=True)))
            assert levels.level(difference) > -26


def test_every_note_lies_in_the_piece_and_can_be_heard() -> None:
    for note in music.score():
        assert 0 <= note.start < music.BARS * 4
        assert 330 < 440 * 2 ** ((note.pitch - 69) / 12) * 4 < 4200
        assert 0 < note.gain < 0.5
