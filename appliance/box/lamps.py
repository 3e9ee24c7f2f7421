"""What each lamp of the front panel says, worked out from the views. Pure: the same views give the same lamps.

Any blinking asks for somebody: a lamp with a single colour is understood by its mode alone. Only agents' lamps need two
colours. The same list feeds the pages (drawn panel) and `gpio` (real lamps).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.box.board import Board
from appliance.exchange.view import AgentView, FaultView, LampView, QueueView, RegistrationView, TrunkView

IMPATIENT, ANGRY = 20.0, 60.0
"""Seconds that somebody has waited from which on the waiting lamp blinks, and blinks fast."""

_AGENT: dict[str, tuple[str, str, str, str]] = {
    # state: colour, mode, ja, en
    "idle": ("green", "on", "待機中", "idle"),
    "offered": ("amber", "fast", "着信中", "is being called"),
    "talking": ("red", "on", "通話中", "talking"),
    "hold": ("red", "slow", "保留中", "has a call on hold"),
    "wrap-up": ("amber", "on", "後処理中", "wrap-up"),
    "break": ("amber", "slow", "休憩中", "on break"),
    "logged-out": ("off", "off", "ログアウト", "logged out"),
}
_NO_PHONE = ("green", "slow", "待機中ですが電話機が接続されていません", "idle, but the phone is not connected")


class AtAGlance(Protocol):
    """What lamps show of a call; a `CallView` has it, and so has what is far quicker to make."""

    @property
    def kind(self) -> str: ...
    @property
    def recording(self) -> bool: ...


def panel(
    board: Board,
    calls: Sequence[AtAGlance],
    agents: Sequence[AgentView],
    queues: Sequence[QueueView],
    registrations: Sequence[RegistrationView],
    trunks: Sequence[TrunkView],
    faults: Sequence[FaultView],
    ready: bool,
) -> list[LampView]:
    """The lamps in the order they stand on the panel. Agents take the agents' lamps in the order of the site file.

    Service calls (dial codes, echo) are in no figure, so no lamp counts them.
    """
    calls = [call for call in calls if call.kind != "service"]
    lamps = [
        _ready(ready, registrations),
        _trunk(trunks),
        _calls(calls),
        _waiting(queues),
        _recording(calls),
        _fault(faults),
    ]
    seated = zip(range(1, board.agents + 1), agents, strict=False)
    return lamps + [_agent(number, agent) for number, agent in seated]


def _lamp(lamp: str, label: tuple[str, str], color: str, mode: str, ja: str, en: str) -> LampView:
    return LampView(
        id=lamp, label={"ja": label[0], "en": label[1]}, color=color, mode=mode, meaning={"ja": ja, "en": en}
    )


def _ready(ready: bool, registrations: Sequence[RegistrationView]) -> LampView:
    label = ("電源", "Ready")
    if not ready:
        return _lamp("ready", label, "amber", "slow", "準備中です。まだ電話は使えません。", "Starting: no calls yet.")
    connected = sum(1 for registration in registrations if registration.contacts)
    return _lamp(
        "ready",
        label,
        "green",
        "on",
        f"使えます。電話機 {connected}/{len(registrations)} 台が接続中です。",
        f"Ready. {connected} of {len(registrations)} phones connected.",
    )


def _trunk(trunks: Sequence[TrunkView]) -> LampView:
    label = ("外線", "Trunk")
    if not trunks:
        return _lamp("trunk", label, "off", "off", "外線の設定がありません。", "No trunk is set up.")
    if all(trunk.state == "unchecked" for trunk in trunks):
        return _lamp(
            "trunk", label, "off", "off", "外線はまだ確認されていません。", "No trunk is known to be there yet."
        )
    # A trunk that does not register is there until a call or ping fails.
    down = [trunk.id for trunk in trunks if trunk.state not in ("up", "unchecked")]
    if not down:
        busy, channels = sum(trunk.busy for trunk in trunks), sum(trunk.channels for trunk in trunks)
        return _lamp(
            "trunk",
            label,
            "green",
            "on",
            f"外線は正常です（{busy}/{channels} 使用中）。",
            f"Outside lines work, {busy} of {channels} in use.",
        )
    names = ", ".join(down)
    if len(down) < len(trunks):
        ja, en = f"一部の外線が使えません: {names}", f"Some trunks are down: {names}"
        return _lamp("trunk", label, "amber", "slow", ja, en)
    return _lamp("trunk", label, "red", "fast", f"外線が使えません: {names}", f"No outside calls: {names} down")


def _calls(calls: Sequence[AtAGlance]) -> LampView:
    label = ("通話", "Calls")
    if not calls:
        return _lamp("calls", label, "off", "off", "通話はありません。", "No calls.")
    count = len(calls)
    return _lamp("calls", label, "green", "on", f"通話 {count} 件", "1 call" if count == 1 else f"{count} calls")


def _waiting(queues: Sequence[QueueView]) -> LampView:
    label = ("待ち呼", "Waiting")
    count = sum(queue.waiting for queue in queues)
    if not count:
        return _lamp("waiting", label, "off", "off", "待っている人はいません。", "Nobody is waiting.")
    longest = max(queue.longest_wait_seconds for queue in queues if queue.waiting)
    mode = "fast" if longest >= ANGRY else "slow" if longest >= IMPATIENT else "on"
    # In steps, so that the panel changes when something happened and not each second.
    shown = int(longest // 10 * 10)
    return _lamp(
        "waiting",
        label,
        "amber",
        mode,
        f"{count} 人待ち、最長 {shown} 秒以上" if shown else f"{count} 人待ち",
        f"{count} waiting, longest over {shown} s" if shown else f"{count} waiting",
    )


def _recording(calls: Sequence[AtAGlance]) -> LampView:
    label = ("録音", "Recording")
    count = sum(1 for call in calls if call.recording)
    if not count:
        return _lamp("recording", label, "off", "off", "録音していません。", "Nothing is being recorded.")
    ja, en = f"{count} 件を録音中", "1 call is being recorded" if count == 1 else f"{count} calls are being recorded"
    return _lamp("recording", label, "red", "on", ja, en)


def _fault(faults: Sequence[FaultView]) -> LampView:
    label = ("異常", "Fault")
    if not faults:
        return _lamp("fault", label, "off", "off", "異常はありません。", "No faults.")
    first, more = faults[0].text, len(faults) - 1
    ja, en = first.get("ja", first["en"]), first["en"]
    if more:
        ja, en = f"{ja} ほか {more} 件", f"{en} (and {more} more)"
    return _lamp("fault", label, "red", "slow", ja, en)


def _agent(number: int, agent: AgentView) -> LampView:
    state = agent.state
    if agent.status == "break" and state in ("idle", "logged-out"):
        state = "break"
    color, mode, ja, en = _AGENT.get(state, _AGENT["logged-out"])
    if state == "idle" and not agent.registered:
        color, mode, ja, en = _NO_PHONE
    if state == "break" and agent.reason:
        ja, en = f"{ja}（{agent.reason}）", f"{en} ({agent.reason})"
    name = agent.name or agent.id
    return _lamp(f"agent{number}", (name, name), color, mode, f"{name}: {ja}", f"{name}: {en}")
