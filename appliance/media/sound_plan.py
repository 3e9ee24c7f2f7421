"""Which sound files a site needs, where each lies in the cache and how it is made, in the order callers need them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from appliance.media import phrases, tones
from appliance.media.spoken import Segment, SpeechError, segments
from appliance.site.model import Site

FORMAT = 1
"""Raised when the same input would now be rendered in another way; part of every cache name."""
VOICES = {"ja": "openjtalk-mei-1", "en": "espeak-en-us-1"}
MUSIC = 1
"""Number of the composition in `music.py`."""
CHIME = 1
"""Number of the chime in `chime.py`."""
_DIGIT_SILENCE = 0.04
"""Seconds around a single digit: a number is several files in a row."""

Key = tuple[str, ...]


class Job(NamedTuple):
    """A file that the site needs."""

    key: Key
    label: str
    """What it is, for progress and problems."""
    path: Path
    request: dict[str, Any]
    """For the helper, without its id; empty when it cannot be made."""
    reason: str = ""
    """Why it cannot be made."""
    essential: bool = True
    """A caller may meet it in the first minute."""


def plan(site: Site, folder: Path) -> list[Job]:
    """Every file of a site; `folder` is `prompts/`. Looks at the state of the site's own files and blocks that long."""
    own = "ja" if site.site.language == "ja" else "en"
    other = "en" if own == "ja" else "ja"
    planner = _Planner(folder)
    # The beep first: it stands in for whatever fails.
    jobs = [planner.tone("beep", "US")]
    for country in sorted({"US", tones.country_of(site.site.country)}):
        jobs += [planner.tone(name, country) for name in tones.TONES[country] if (name, country) != ("beep", "US")]
    jobs += planner.own(site, own)
    jobs += [planner.fixed(name, own) for name in phrases.FIXED]
    jobs += [planner.music(), planner.chime()]
    if phrases.POSITION_HEAD[own]:
        jobs.append(planner.position_head(own))
    for number in range(1, phrases.HIGHEST_POSITION + 1):
        jobs.append(planner.position(number, own, essential=number <= phrases.NEAR_POSITION))
    jobs += [planner.digit(digit, own) for digit in phrases.DIGITS[own]]
    jobs += [planner.fixed(name, other)._replace(essential=False) for name in phrases.FIXED]
    jobs += [planner.digit(digit, other)._replace(essential=False) for digit in phrases.DIGITS[other]]
    return jobs


@lru_cache(maxsize=1024)
def _segments(text: str, language: str) -> tuple[Segment, ...]:
    """Remembered, since most texts of a site are those of the product and a site is planned at each change."""
    return tuple(segments(text, language))


class _Planner:
    def __init__(self, folder: Path) -> None:
        self._folder, self._cache = folder, folder / "cache"

    def own(self, site: Site, language: str) -> Iterator[Job]:
        """What the site file itself says or names."""
        for menu in site.menus:
            if menu.prompt:
                yield self._speech(("text", language, menu.prompt), f"menu {menu.id}", language, menu.prompt)
            if menu.prompt_file:
                yield self._file(menu.prompt_file, f"menu {menu.id}")
        for announcement in site.announcements:
            label = f"announcement {announcement.id}"
            if announcement.text:
                yield self._speech(("text", language, announcement.text), label, language, announcement.text)
            if announcement.file:
                yield self._file(announcement.file, label)

    def fixed(self, name: str, language: str) -> Job:
        label, text = f"phrase {name} ({language})", phrases.FIXED[name][language]
        return self._speech(("fixed", language, name), label, language, text)

    def position(self, number: int, language: str, essential: bool) -> Job:
        text = phrases.position(number, language)
        job = self._speech(("position", language, str(number)), f"position {number} ({language})", language, text)
        return job._replace(essential=essential)

    def position_head(self, language: str) -> Job:
        text = phrases.POSITION_HEAD[language]
        return self._speech(("position", language, ""), f"position ({language})", language, text)

    def digit(self, digit: str, language: str) -> Job:
        text = phrases.DIGITS[language][digit]
        key = ("digit", language, digit)
        return self._speech(key, f"digit {digit} ({language})", language, text, keep=_DIGIT_SILENCE)

    def tone(self, name: str, country: str) -> Job:
        request = {"kind": "tone", "name": name, "country": country}
        path = self._path(str(tones.TONES[country][name]))
        return Job(("tone", name, country), f"tone {name} ({country})", path, request)

    def music(self) -> Job:
        return Job(("music",), "music on hold", self._path("music", str(MUSIC)), {"kind": "music"})

    def chime(self) -> Job:
        return Job(("chime",), "chime before a page", self._path("chime", str(CHIME)), {"kind": "chime"})

    def _speech(self, key: Key, label: str, language: str, text: str, keep: float = 0.1) -> Job:
        try:
            parts = _segments(text, language)
        except SpeechError as error:
            return Job(key, label, self._path(*key), {}, str(error))
        spoken = [field for part in parts for field in (VOICES[part.language], part.text)]
        path = self._path("speech", str(keep), *spoken)
        return Job(key, label, path, {"kind": "speech", "segments": [list(part) for part in parts], "keep": keep})

    def _file(self, name: str, label: str) -> Job:
        key = ("file", name)
        source = (self._folder / name).resolve()
        nowhere = self._path(*key)
        if not source.is_relative_to(self._folder.resolve()):
            return Job(key, label, nowhere, {}, f"{name}: it must lie in the data folder's prompts/")
        try:
            state = source.stat()
        except OSError as error:
            return Job(key, label, nowhere, {}, f"{name}: {error.strerror or error} (looked for it in prompts/)")
        if source.suffix.lower() not in (".wav", ".wave"):
            return Job(key, label, nowhere, {}, f"{name}: not a WAV file; save it as WAV (16-bit PCM)")
        path = self._path("file", name, str(state.st_size), str(state.st_mtime_ns))
        return Job(key, label, path, {"kind": "convert", "source": str(source)})

    def _path(self, *parts: str) -> Path:
        named = "\0".join((str(FORMAT), *parts)).encode()
        return self._cache / f"{hashlib.sha256(named).hexdigest()[:32]}.wav"
