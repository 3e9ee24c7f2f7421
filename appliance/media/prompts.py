"""The box's sounds by name: `PromptLibrary` implements `appliance.exchange.audio.Voice`.

Look-ups are those of a dictionary. What a site needs is found in the cache or made by the helper process in `ready`, in
the order in which callers need it. What cannot be made (no synthesiser, an unusable file) is a beep, never silence, and
is told in words. The texts of the configuration before this one stay known, for the calls still in it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from appliance.media import phrases, tones
from appliance.media.sound_plan import Job, Key, plan
from appliance.media.speech import OFF, Off, SpeechHelper
from appliance.media.spoken import SpeechError
from appliance.site.model import Site

_KEEP_UNUSED = 30 * 86400.0
_SMALLEST = 45
"""Bytes of a WAV file that holds anything."""
_BEEP = ("tone", "beep", "US")

Progress = Callable[[int, int, str], None]
"""`progress(done, total, what)` after each file."""


class Problem(NamedTuple):
    """A prompt that became a beep."""

    label: str
    reason: str


class Readiness(NamedTuple):
    """What `ready` achieved."""

    made: int
    reused: int
    problems: tuple[Problem, ...]
    off: tuple[Off, ...]


class PromptLibrary:
    """All sounds of a site. Use it from one event loop only."""

    def __init__(self, folder: Path, helper: SpeechHelper | None = None) -> None:
        """`folder` is `prompts/` of the data folder: the site's own sound files, and `cache/` for what is made."""
        self._folder = folder.absolute()
        self._helper = helper or SpeechHelper()
        self._files: dict[Key, tuple[str, ...]] = {}
        self._problems: dict[Key, Problem] = {}
        self._present: frozenset[Key] = frozenset()
        self._previous: frozenset[Key] = frozenset()
        self._off: dict[str, Off] = {}
        self._lock = asyncio.Lock()

    # --- Voice ---
    def text(self, text: str, language: str) -> tuple[str, ...]:
        """See `Voice`."""
        return self._find(("text", _language(language), text))

    def file(self, name: str) -> tuple[str, ...]:
        """See `Voice`."""
        return self._find(("file", name))

    def fixed(self, name: str, language: str) -> tuple[str, ...]:
        """See `Voice`. The names are those of `phrases.FIXED`."""
        return self._find(("fixed", _language(language), name))

    def position(self, number: int, language: str) -> tuple[str, ...]:
        """See `Voice`. Beyond 99: "a great many callers are waiting"."""
        if number > phrases.HIGHEST_POSITION:
            return self.fixed("position-far", language)
        language = _language(language)
        place = self._find(("position", language, str(number)))
        if not place and number > phrases.NEAR_POSITION:
            # Not made yet: those places come last. What is said instead is true, too.
            return self.fixed("position-far", language)
        if not phrases.POSITION_HEAD[language] or not place:
            return place
        head = self._find(("position", language, ""))
        return head + place if head and head != place else place

    def digits(self, digits: str, language: str) -> tuple[str, ...]:
        """See `Voice`. Characters without a name are passed over; () while any other is not ready."""
        language = _language(language)
        named = [digit for digit in digits.lower() if digit in phrases.DIGITS[language]]
        found = [self._find(("digit", language, digit)) for digit in named]
        return tuple(path for files in found for path in files) if all(found) else ()

    def tone(self, name: str, country: str) -> tuple[str, ...]:
        """See `Voice`."""
        return self._find(("tone", name, tones.country_of(country)))

    def music(self) -> tuple[str, ...]:
        """See `Voice`."""
        return self._find(("music",))

    def chime(self) -> tuple[str, ...]:
        """See `Voice`."""
        return self._find(("chime",))

    def _find(self, key: Key) -> tuple[str, ...]:
        files = self._files.get(key)
        if files is None:
            return self._files.get(_BEEP, ()) if key in self._problems else ()
        return files

    # --- making what is missing ---
    @property
    def problems(self) -> tuple[Problem, ...]:
        """Prompts of the present site that are a beep, and why."""
        return tuple(self._problems.values())

    @property
    def off(self) -> tuple[Off, ...]:
        """What is off for want of a synthesiser; known once `ready` met a text of that language."""
        return tuple(self._off.values())

    def prepare(self, site: Site) -> list[Job]:
        """Takes up what the cache has for this site and returns the jobs for the rest, in the order of need.

        Reads the cache folder's listing and the state of the site's own files, some milliseconds. Raises OSError when
        the folder cannot be made or read.
        """
        return self._take_up(*self._survey(site))

    def _survey(self, site: Site) -> tuple[list[Job], set[str]]:
        """What the site needs, and the names of the files the cache has. Touches nothing of ours: runs in a thread."""
        cache = self._folder / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        with os.scandir(cache) as listing:
            # A name with a dot is being written, and may be gone by now.
            finished = [entry for entry in listing if not entry.name.startswith(".")]
            cached = {entry.name for entry in finished if entry.stat().st_size >= _SMALLEST}
        return plan(site, self._folder), cached

    def _take_up(self, wanted: list[Job], cached: set[str]) -> list[Job]:
        jobs = []
        self._problems = {job.key: Problem(job.label, job.reason) for job in wanted if job.reason}
        for job in wanted:
            if job.path.name in cached:
                self._files[job.key] = (str(job.path),)
            else:
                self._files.pop(job.key, None)
                if not job.reason:
                    jobs.append(job)
        keys = frozenset(job.key for job in wanted)
        if keys != self._present:
            self._previous, self._present = self._present, keys
        for key in self._files.keys() - self._present - self._previous:
            del self._files[key]
        return jobs

    async def ready(self, site: Site, progress: Progress | None = None, essential_only: bool = False) -> Readiness:
        """Makes what a site needs and returns when it is there, so that no caller waits for synthesis.

        With `essential_only` it leaves out what nobody meets in the first minute (places beyond the tenth,
        the other language); call it again without, later. Never raises: see `Readiness.problems`.
        """
        async with self._lock:
            try:
                jobs = self._take_up(*await asyncio.to_thread(self._survey, site))
            except OSError as error:
                problem = Problem("prompts/", error.strerror or str(error))
                return Readiness(0, 0, (problem, *self.problems), self.off)
            reused = len(self._present) - len(jobs) - len(self._problems)
            if essential_only:
                jobs = [job for job in jobs if job.essential]
            self._off = {}
            made: dict[Path, bool] = {}
            for done, job in enumerate(jobs, 1):
                if job.path not in made:
                    made[job.path] = await self._make(job)
                elif made[job.path]:
                    self._files[job.key] = (str(job.path),)
                if progress:
                    progress(done, len(jobs), job.label)
            await asyncio.to_thread(self._prune, {files[0] for files in self._files.values()})
            return Readiness(sum(made.values()), reused, self.problems, self.off)

    async def close(self) -> None:
        """Ends the helper process."""
        await self._helper.close()

    async def _make(self, job: Job) -> bool:
        languages = {language for language, _ in job.request.get("segments", ())}
        missing = languages & self._off.keys()
        if missing:
            self._problems[job.key] = Problem(job.label, self._off[missing.pop()].text["en"])
            return False
        try:
            await self._helper.make({**job.request, "path": str(job.path)})
        except SpeechError as error:
            self._problems[job.key] = Problem(job.label, str(error))
            if error.code == "no-voice":
                for language in languages:
                    self._off[language] = OFF[language]
            return False
        self._files[job.key] = (str(job.path),)
        return True

    def _prune(self, used: set[str]) -> None:
        """Removes cache files that no site has used for a month, and what a killed helper left half written."""
        before = time.time() - _KEEP_UNUSED
        with os.scandir(self._folder / "cache") as listing:
            for entry in listing:
                try:
                    if entry.name.startswith(".") or (entry.path not in used and entry.stat().st_mtime < before):
                        os.unlink(entry.path)
                    elif entry.path in used and entry.stat().st_mtime < before + _KEEP_UNUSED / 2:
                        os.utime(entry.path)
                except OSError:
                    continue


def _language(language: str) -> str:
    return "ja" if language == "ja" else "en"
