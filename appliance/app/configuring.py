"""Changing the configuration of a running box, and what is said when it is damaged or lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from appliance.events import ConfigChanged
from appliance.events.base import Words
from appliance.site.model import Site
from appliance.site.numbers import normalise
from appliance.store.apply import Applied, apply_document, apply_text

if TYPE_CHECKING:
    from appliance.app.box import Box

CONFIG_LOST = "config-lost"
NEW_PROMPTS_SECONDS = 90.0
"""How long a change waits for its prompts before it is put in force all the same."""


class Configuring:
    """One change at a time, from whichever side it comes."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._changing = asyncio.Lock()

    async def apply_text(self, text: str, by: str) -> Applied:
        """Puts a site file in force. Raises ConfigError, CommandError, StoreError; then nothing has changed."""
        async with self._changing:
            return await self._put_in_force(await asyncio.to_thread(apply_text, self._box.store, text, by), by)

    async def apply_document(self, document: Mapping[str, Any], by: str, version: int) -> Applied:
        """The same for a document of the API that was made from `version`."""
        async with self._changing:
            applied = await asyncio.to_thread(apply_document, self._box.store, document, by, version)
            return await self._put_in_force(applied, by)

    async def undo(self, version: int, by: str) -> int:
        """Puts back what was before `version`, the present one. Raises CommandError."""
        async with self._changing:
            number = await asyncio.to_thread(self._box.store.undo, by, version)
            site, _ = await asyncio.to_thread(self._box.store.load)
            await self._put_in_force(Applied(site=site, version=number, changes=("undo",)), by)
        return number

    async def _put_in_force(self, applied: Applied, by: str) -> Applied:
        box = self._box
        if applied.changes:
            before = box.exchange.context.site
            # Nothing that is spoken depends on the sound card: whoever turns the volume shall not wait for speech.
            speaks = msgspec.structs.replace(applied.site, sound=before.sound) != before
            # First the prompts, so that the first caller of the new configuration hears them; the old ones stay known.
            if speaks:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(NEW_PROMPTS_SECONDS):
                        await box.library.ready(applied.site)
            await asyncio.to_thread(warm, applied.site)
            box.core.do(lambda exchange, now: exchange.configure(applied.site, now))
            box.mark_sip(applied.site)
            box.faults.clear(CONFIG_LOST)
            box.records.country = applied.site.site.country
            box.core.emit(ConfigChanged(version=applied.version, by=by, changes=applied.changes))
            await box.committed()
            box.sound.configure_soon()
            if speaks:
                box.prepare_prompts()
        return applied


def warm(site: Site) -> None:
    """Has what is read from files at first use (time zone, number formats) read now, and not while a call waits."""
    normalise("0312345678", site.site.country)
    with contextlib.suppress(KeyError, ValueError, OSError):
        ZoneInfo(site.site.timezone)


def damaged(text: Words) -> tuple[str, Words, Words]:
    """The fault of a configuration that was read from its last good copy: id, text, remedy."""
    remedy = {
        "ja": "設定が正しいか確認し、違っていればバックアップから復元してください。",
        "en": "Look whether the configuration is right; restore a backup if it is not.",
    }
    return "config-damaged", text, remedy


def lost(why: Words) -> tuple[str, Words, Words]:
    """The fault of a configuration that nothing is left of: id, text, remedy."""
    text = {
        "ja": f"設定が失われています。{why['ja']}電話機と外線は使えません。録音・通話記録はそのままです。",
        "en": f"The configuration is lost: {why['en']} No phone and no trunk can be used; "
        "records and recordings are untouched.",
    }
    remedy = {
        "ja": "停止して `hako restore` でバックアップを戻すか、`hako apply` で設定ファイルを適用してください。"
        "読めないファイルは名前を変えて残ります。",
        "en": "Stop the box and restore a backup with `hako restore`, or apply a site file with `hako apply`; "
        "what cannot be read is kept under another name.",
    }
    return CONFIG_LOST, text, remedy
