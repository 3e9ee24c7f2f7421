"""A machine without spandsp says that keys in the audio are off; one that has it is believed by the engine too."""

from __future__ import annotations

from pathlib import Path

from appliance.media.engine._engine import lib

from appliance.media.hearing import KEYS_OFF, hearing_off


def test_what_is_missing_is_said_with_the_remedy(tmp_path: Path) -> None:
    assert hearing_off([str(tmp_path)]) == (KEYS_OFF,)
    assert "libspandsp2" in KEYS_OFF.remedy["ja"]
    place = tmp_path / "aarch64-linux-gnu"
    place.mkdir()
    (place / "libspandsp.so.2").touch()
    assert hearing_off([str(tmp_path)]) == ()


def test_the_engine_agrees() -> None:
    assert lib.hk_hears_keys() == (not hearing_off())
