"""What the media engine was built without is said in both languages, with the package that is missing."""

from __future__ import annotations

from appliance.app.unbuilt import unbuilt
from appliance.exchange.audio import ABILITIES


def test_a_finding_for_each_ability_that_is_missing() -> None:
    assert unbuilt(ABILITIES) == []
    assert [one.id for one in unbuilt(frozenset({"opus"}))] == ["srtp"]
    found = unbuilt(frozenset())
    assert {one.id for one in found} == ABILITIES, "nothing is off in silence"
    for one in found:
        for words in (one.text, one.remedy):
            assert set(words) == {"en", "ja"} and words["en"] != words["ja"]
        assert f"lib{'opus' if one.id == 'opus' else 'srtp2'}-dev" in one.remedy["en"]
