"""Telephones in browsers as the web server sees them: who may have which extension, and the way to their process."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from appliance.box.health.finding import Finding
from appliance.store.state import BOX, StateStore
from appliance.web.context import BrowserPhone
from appliance.webphone.keeper import Keeper, installed
from appliance.webphone.messages import Open

if TYPE_CHECKING:
    from appliance.app.box import Box

SECRET, SECRET_BYTES = "browsers", 24
"""Of the box's state."""

NO_WEB_PHONES = Finding(
    id="webphone",
    severity="warning",
    text={
        "ja": "ブラウザーの電話は使えません（aiortc がインストールされていません）。",
        "en": "There are no telephones in browsers: aiortc is not installed.",
    },
    remedy={"ja": "`make setup` を実行してください。", "en": "Run `make setup`."},
)
NO_OPUS = Finding(
    id="webphone",
    severity="warning",
    text={
        "ja": "ブラウザーの電話は使えません（音声エンジンに Opus がありません）。",
        "en": "There are no telephones in browsers: the media engine was built without Opus.",
    },
    remedy=NO_WEB_PHONES.remedy,
)
_NO_EXTENSION = {
    "ja": "このユーザーには内線が割り当てられていません。",
    "en": "No extension belongs to this user.",
}
_ASSIGN = {
    "ja": "サイトファイルで、オペレーターの `user`、または内線の `user` にこのユーザー名を書いてください。",
    "en": "Name the user in the site file as `user` of an agent or of an extension.",
}


def browser_secret(state: StateStore) -> str:
    """Digest secret of the telephones in browsers: that of the run before, whose telephones may go on. Blocks."""
    kept = state.load(BOX).get(SECRET, b"").decode("ascii", "replace")
    if len(kept) == 2 * SECRET_BYTES:
        return kept
    made = os.urandom(SECRET_BYTES).hex()
    state.put(BOX, SECRET, made.encode())
    return made


class WebPhones:
    """`appliance.web.context.BrowserPhones` of a box."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.keeper = Keeper(box.folder.path, self._lost)
        self.installed = installed()

    def of(self, user: str) -> BrowserPhone:
        """The telephone of a web log-in: that of an extension given to it, else of the agent it is."""
        site = self._box.exchange.context.site
        number = next((one.number for one in site.extensions if user and one.user == user), "") or next(
            (one.extension for one in site.agents if user and one.user == user), ""
        )
        extension = next((one for one in site.extensions if one.number == number), None)
        if extension is None:
            return BrowserPhone(why=_NO_EXTENSION, remedy=_ASSIGN)
        off = None if self.installed else NO_WEB_PHONES
        if off is None and "opus" not in self._box.table.abilities:
            off = NO_OPUS
        return BrowserPhone(
            extension=extension.number,
            name=extension.name,
            available=off is None,
            why=off.text if off is not None else {},
            remedy=off.remedy if off is not None else {},
        )

    async def open(self, phone: BrowserPhone, resume: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Starts the process where need be. Raises WebPhonesUnavailable."""
        host, port = self._box.sip_address
        own = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
        credentials = self._box.exchange.context.phones.browser_credentials(phone.extension)
        opened = Open(
            extension=phone.extension, name=phone.name, sip=(own, port), credentials=credentials, resume=resume
        )
        return await self.keeper.open(opened)

    async def adopt(self) -> None:
        """What the run before has left: its telephones go on, or are known to be gone."""
        if not await self.keeper.adopt():
            self._lost()

    async def stop(self, *, keep_calls: bool = False) -> None:
        """Ends every telephone, or (`keep_calls`) leaves them to the next start."""
        await (self.keeper.leave() if keep_calls else self.keeper.stop())

    def _lost(self) -> None:
        self._box.core.do(lambda exchange, now: exchange.browsers_lost(now))
