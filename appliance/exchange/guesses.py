"""Wrong SIP passwords: counted by source and name, told to people, and slowed down.

Only the pair of an address and a name is slowed: the same extension elsewhere, and other phones behind the same router,
notice nothing; nor does a phone whose registration stands. The first few tries are judged at once. From then on one try
in `PAUSE_SECONDS` is judged, what comes in between is taken for wrong unseen, and every refusal is late: a phone with a
mistyped password asks far more rarely, and somebody who guesses learns nothing faster.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from appliance.events import FaultCleared, FaultRaised
from appliance.events.base import Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.context import Context, Deferred

FREE = 5
"""Wrong tries of one pair that are judged and answered at once."""
PAUSE_SECONDS = 2.0
FORGET_SECONDS = 900.0
"""A pair without a wrong try for so long starts afresh."""
KEPT = 1024
"""Pairs that are remembered; the one that was quiet for longest goes first."""
LATE = 200
"""Refusals that wait at the same time; one more is sent at once."""
SAID_AT = (3, 10, 100, 1_000, 10_000, 100_000)
"""Counts at which people are told (again)."""
HINTS = 8
"""Pairs that people are told of at the same time."""

_REMEDY: Words = {
    "ja": "自社の電話機なら、ユーザー名とパスワードを入れ直してください。心当たりがなければ、外部から SIP "
    "ポートに届かないようルーターを設定してください。",
    "en": "If it is a phone of yours, enter its user name and password anew; if not, have the router keep strangers "
    "from the SIP port.",
}

Pair = tuple[str, str]


class _Tries:
    __slots__ = ("count", "forget", "judged", "said")

    def __init__(self) -> None:
        self.count = 0
        self.judged = 0.0
        """Monotonic time of the last try that was judged."""
        self.said = False
        self.forget: Deferred | None = None


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


class Guesses:
    """The table of one box."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tries: OrderedDict[Pair, _Tries] = OrderedDict()
        self._late = 0

    def judges(self, host: str, name: str) -> bool:
        """Whether this try's password is looked at; asked once for each try."""
        tries = self._tries.get((host, name[:64]))
        if tries is None or tries.count < FREE:
            return True
        now = self._context.now.mono
        if now - tries.judged < PAUSE_SECONDS:
            return False
        tries.judged = now
        return True

    def right(self, host: str, name: str) -> None:
        """The password was right after all."""
        self._drop((host, name))

    def wrong(self, host: str, name: str, known: bool) -> None:
        """One more wrong try. `known`: the name is an extension's."""
        pair = (host, name[:64])
        tries = self._tries.get(pair)
        if tries is None:
            tries = self._tries[pair] = _Tries()
            if len(self._tries) > KEPT:
                self._drop(next(iter(self._tries)))
        self._tries.move_to_end(pair)
        tries.count += 1
        if tries.forget is not None:
            tries.forget.cancel()
        tries.forget = self._context.after(FORGET_SECONDS, None, partial(self._drop, pair))
        if tries.count in SAID_AT and (known or _local(host)):
            self._say(pair, tries, known)

    def answer(self, host: str, name: str, send: Callable[[], None]) -> None:
        """Sends a refusal: at once, or late where that pair has been wrong too often."""
        tries = self._tries.get((host, name[:64]))
        if tries is None or tries.count <= FREE or self._late >= LATE:
            send()
            return
        self._late += 1
        self._context.after(PAUSE_SECONDS, None, partial(self._send_late, send))

    def _send_late(self, send: Callable[[], None]) -> None:
        self._late -= 1
        send()

    # --- for people --------------------------------------------------------------------------------------------------
    def _say(self, pair: Pair, tries: _Tries, known: bool) -> None:
        if not tries.said and sum(one.said for one in self._tries.values()) >= HINTS:
            return
        tries.said = True
        host, name = pair
        count = tries.count
        if known:
            text = {
                "ja": f"{host} の電話機が内線 {name} に間違ったパスワードで {count} 回ログインしようとしました。",
                "en": f"The phone at {host} gave a wrong password for extension {name} {count} times.",
            }
        else:
            text = {
                "ja": f"{host} の電話機が、内線にない名前「{name}」で {count} 回ログインしようとしました。",
                "en": f'The phone at {host} logged in as "{name}", which is no extension, {count} times.',
            }
        self._context.emit(FaultRaised(fault=_fault(pair), text=text, remedy=_REMEDY))

    def _drop(self, pair: Pair) -> None:
        tries = self._tries.pop(pair, None)
        if tries is None:
            return
        if tries.forget is not None:
            tries.forget.cancel()
        if tries.said:
            self._context.emit(FaultCleared(fault=_fault(pair)))


def _fault(pair: Pair) -> str:
    return f"sip-password:{pair[1]}@{pair[0]}"
