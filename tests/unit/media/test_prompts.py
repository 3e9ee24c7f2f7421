"""The library of sounds: what a site needs is found or made, and what cannot be made is a beep."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.exchange import audio
from appliance.media import phrases, wav
from appliance.media.prompts import PromptLibrary
from appliance.media.speech import SpeechHelper
from appliance.media.spoken import SpeechError
from appliance.site.model import Announcement, Menu, Site, SiteInfo
from tests.unit.media.sound import load, sine


class Helper(SpeechHelper):
    """Makes short files at once; fails what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Mapping[str, Any]] = []
        self.mute: set[str] = set()
        self.full = False

    async def make(self, job: Mapping[str, Any]) -> float:
        self.jobs.append(job)
        if self.full:
            raise SpeechError("failed", "No space left on device")
        if self.mute & {language for language, _ in job.get("segments", ())}:
            raise SpeechError("no-voice", "not installed")
        with open(job["path"], "wb") as file:  # noqa: ASYNC230 (a test)
            file.write(wav.header(800) + bytes(800))
        return 0.05


def site(language: str = "en", **parts: Any) -> Site:
    return Site(site=SiteInfo(language=language, country="JP"), **parts)


MENU = Menu(id="main", prompt="For support, press 1.")


@pytest.fixture
def helper() -> Helper:
    return Helper()


@pytest.fixture
def library(tmp_path: Path, helper: Helper) -> PromptLibrary:
    return PromptLibrary(tmp_path / "prompts", helper)


def exist(files: tuple[str, ...]) -> bool:
    return all(os.path.isabs(path) and os.path.isfile(path) for path in files)


def test_is_a_voice(library: PromptLibrary) -> None:
    voice: audio.Voice = library
    assert voice.music() == ()


async def test_everything_a_site_needs_is_there_after_ready(library: PromptLibrary) -> None:
    assert library.text(MENU.prompt, "en") == ()
    result = await library.ready(site(menus=(MENU,)))
    assert result.problems == () and result.off == ()
    found = [library.text(MENU.prompt, "en"), library.music()]
    found += [library.fixed(name, language) for name in phrases.FIXED for language in ("ja", "en")]
    found += [library.position(number, "en") for number in (1, 2, 50, 99, 100, 12345)]
    found += [library.tone(name, "JP") for name in ("dial", "ringback", "busy", "congestion", "beep")]
    found += [library.digits("192.168.0.1*#", language) for language in ("ja", "en")]
    for files in found:
        assert files and exist(files)


def test_every_phrase_that_the_exchange_names_exists() -> None:
    named = re.findall(r'"([a-z-]+)"', audio.Voice.fixed.__doc__ or "")
    assert len(named) > 10
    assert set(named) <= phrases.FIXED.keys()


async def test_a_second_time_nothing_is_made(library: PromptLibrary, helper: Helper, tmp_path: Path) -> None:
    first = await library.ready(site(menus=(MENU,)))
    count = len(helper.jobs)
    again = await PromptLibrary(tmp_path / "prompts", helper).ready(site(menus=(MENU,)))
    assert (again.made, len(helper.jobs)) == (0, count)
    assert again.reused >= first.made == count


async def test_callers_first_needs_come_first(library: PromptLibrary, helper: Helper) -> None:
    await library.ready(site("ja", menus=(MENU,)), essential_only=True)
    kinds = [job["kind"] for job in helper.jobs]
    assert helper.jobs[0]["name"] == "beep"
    assert kinds.index("speech") < kinds.index("music")
    assert library.position(10, "ja") != library.position(11, "ja") == library.fixed("position-far", "ja")
    assert library.digits("192.0.2.1", "ja"), "the box can say its address"
    assert library.fixed("closed", "ja") and not library.fixed("closed", "en")
    await library.ready(site("ja", menus=(MENU,)))
    assert library.position(99, "ja") not in ((), library.fixed("position-far", "ja"))
    assert library.fixed("closed", "en")


async def test_a_japanese_position_is_head_and_place(library: PromptLibrary) -> None:
    await library.ready(site("ja"))
    third, fourth = library.position(3, "ja"), library.position(4, "ja")
    assert len(third) == len(fourth) == 2
    assert third[0] == fourth[0] and third[1] != fourth[1]


async def test_digits_one_by_one(library: PromptLibrary) -> None:
    await library.ready(site())
    zero, one = library.digits("0", "en"), library.digits("1", "en")
    assert library.digits("010 ", "en") == zero + one + zero
    assert library.digits("", "en") == ()


async def test_other_tones_by_country(library: PromptLibrary) -> None:
    await library.ready(site())
    assert library.tone("ringback", "JP") != library.tone("ringback", "US") == library.tone("ringback", "DE")
    assert library.tone("whistle", "JP") == ()


async def test_without_a_voice_a_prompt_is_a_beep_and_told(library: PromptLibrary, helper: Helper) -> None:
    helper.mute = {"ja"}
    result = await library.ready(site("ja", menus=(MENU,)))
    beep = library.tone("beep", "JP")
    assert beep
    assert library.fixed("closed", "ja") == library.position(5, "ja") == beep
    assert library.fixed("closed", "en") not in ((), beep)
    assert [off.id for off in result.off] == ["speech-ja"]
    assert {"ja", "en"} <= result.off[0].text.keys()
    assert any(problem.label == "phrase closed (ja)" for problem in library.problems)
    asked = sum(1 for job in helper.jobs if job["kind"] == "speech" and job["segments"][0][0] == "ja")
    assert asked == 1


async def test_a_voice_that_comes_back_is_used(library: PromptLibrary, helper: Helper) -> None:
    helper.mute = {"en"}
    await library.ready(site())
    helper.mute = set()
    result = await library.ready(site())
    assert result.off == () and result.problems == ()
    assert library.fixed("closed", "en") != library.tone("beep", "US")


@pytest.mark.parametrize("text", ["🎉", "x" * 2000])
async def test_an_impossible_text_is_a_beep_and_told(library: PromptLibrary, text: str) -> None:
    result = await library.ready(site(announcements=(Announcement(id="a", text=text),)))
    assert library.text(text, "en") == library.tone("beep", "US")
    assert [problem.label for problem in result.problems] == ["announcement a"]


async def test_a_full_disk_raises_nothing(library: PromptLibrary, helper: Helper) -> None:
    helper.full = True
    result = await library.ready(site(menus=(MENU,)))
    assert result.made == 0
    assert library.text(MENU.prompt, "en") == ()
    assert any("No space" in problem.reason for problem in result.problems)


async def test_a_folder_that_cannot_be_made_raises_nothing(tmp_path: Path, helper: Helper) -> None:
    (tmp_path / "prompts").write_text("a file in the way")
    result = await PromptLibrary(tmp_path / "prompts", helper).ready(site())
    assert [problem.label for problem in result.problems] == ["prompts/"]


async def test_the_site_s_own_files_are_converted(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    wav.write_mono(folder / "main.wav", sine(700, 0.5, 0.02))
    library = PromptLibrary(folder)
    own = site(menus=(Menu(id="main", prompt_file="main.wav"),))
    jobs = [job for job in library.prepare(own) if job.key == ("file", "main.wav")]
    assert len(jobs) == 1
    try:
        await library._helper.make({**jobs[0].request, "path": str(jobs[0].path)})
    finally:
        await library.close()
    library.prepare(own)
    assert max(load(library.file("main.wav")[0])) == pytest.approx(0.141, abs=0.01)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.wav", "No such file"),
        ("song.mp3", "not a WAV file"),
        ("../outside.wav", "must lie"),
        ("/etc/passwd", "must lie"),
    ],
)
async def test_unusable_files_are_told(tmp_path: Path, helper: Helper, name: str, reason: str) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "song.mp3").write_bytes(b"ID3")
    (tmp_path / "outside.wav").write_bytes(wav.header(0))
    library = PromptLibrary(folder, helper)
    result = await library.ready(site(announcements=(Announcement(id="a", file=name),)))
    assert [reason in problem.reason for problem in result.problems] == [True]
    assert library.file(name) == library.tone("beep", "JP")


async def test_a_changed_file_is_converted_anew(tmp_path: Path, helper: Helper) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    own = site(announcements=(Announcement(id="a", file="a.wav"),))
    library = PromptLibrary(folder, helper)
    found = []
    for size in (10, 20):
        wav.write_mono(folder / "a.wav", sine(700, size / 8000))
        await library.ready(own)
        found.append(library.file("a.wav"))
    assert found[0] != found[1]


async def test_texts_of_the_configuration_before_stay_for_calls_in_progress(library: PromptLibrary) -> None:
    old, new, newer = (site(menus=(Menu(id="m", prompt=text),)) for text in ("Old.", "New.", "Newer."))
    await library.ready(old)
    await library.ready(new)
    assert library.text("Old.", "en") and library.text("New.", "en")
    await library.ready(new)
    assert library.text("Old.", "en")
    await library.ready(newer)
    assert not library.text("Old.", "en") and library.text("New.", "en")


async def test_the_cache_forgets_what_nobody_used_for_a_month(library: PromptLibrary, tmp_path: Path) -> None:
    await library.ready(site())
    cache = tmp_path / "prompts" / "cache"
    stale, fresh, scratch = cache / "stale.wav", cache / "fresh.wav", cache / ".half.wav.77"
    for path in (stale, fresh, scratch):
        path.write_bytes(wav.header(0))
    used = Path(library.music()[0])
    long_ago = time.time() - 40 * 86400
    for path in (stale, used):
        os.utime(path, (long_ago, long_ago))
    await library.ready(site())
    assert [path.exists() for path in (stale, fresh, scratch, used)] == [False, True, False, True]


async def test_progress_is_told(library: PromptLibrary) -> None:
    told: list[tuple[int, int, str]] = []
    await library.ready(site(), lambda done, total, what: told.append((done, total, what)))
    assert [done for done, _, _ in told] == list(range(1, len(told) + 1))
    assert {total for _, total, _ in told} == {len(told)}
    assert told[0][2] == "tone beep (US)"
