"""The live picture for web and lamps: the exchange's views with the day's figures, and the front panel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from appliance.app.figures import Figures
from appliance.box.board import Board
from appliance.box.gpio import LampDriver
from appliance.box.lamps import panel
from appliance.clock import Instant
from appliance.exchange.exchange import Exchange
from appliance.exchange.view import (
    AgentView,
    CallView,
    FaultView,
    LampView,
    QueueView,
    RegistrationView,
    TrunkView,
)

LAMP_PAUSE_SECONDS = 0.2
"""Changes within this time are one change of the panel."""


class Live:
    """Views and commands as `appliance.web.context.Exchange` wants them, and the lamps made from them."""

    def __init__(
        self,
        exchange: Exchange,
        figures: Figures,
        board: Board,
        lamps: LampDriver,
        faults: Callable[[], Sequence[FaultView]],
        ready: Callable[[], bool],
    ) -> None:
        self._exchange, self._figures = exchange, figures
        self._board, self._lamps = board, lamps
        self._faults, self._ready = faults, ready
        self._panel: list[LampView] = []
        self._lamps_due = False
        self._loop = asyncio.get_running_loop()

    # --- views -------------------------------------------------------------------------------------------------------
    def calls(self) -> Sequence[CallView]:
        return self._exchange.calls()

    def agents(self) -> Sequence[AgentView]:
        return self._exchange.agents()

    def queues(self) -> Sequence[QueueView]:
        views = self._exchange.queues()
        return [
            msgspec.structs.replace(
                view,
                offered_today=day.offered,
                answered_today=day.answered,
                abandoned_today=day.abandoned,
                answered_in_level_today=day.answered_in_level,
            )
            for view in views
            for day in (self._figures.of(view.id),)
        ]

    def registrations(self) -> Sequence[RegistrationView]:
        return self._exchange.registrations()

    def trunks(self) -> Sequence[TrunkView]:
        return self._exchange.trunks()

    # --- commands ----------------------------------------------------------------------------------------------------
    def hangup(self, call: str, now: Instant) -> None:
        self._exchange.hangup(call, now)

    def record(self, call: str, action: str, by: str, limited: bool, now: Instant) -> None:
        self._exchange.record(call, action, by, limited, now)

    def set_agent_status(self, agent: str, status: str, reason: str, by: str, now: Instant) -> None:
        self._exchange.set_agent_status(agent, status, reason, by, now)

    def wrap_up_done(self, agent: str, by: str, now: Instant) -> None:
        self._exchange.wrap_up_done(agent, by, now)

    def press_keys(self, call: str, keys: str, leg: str, by: str, now: Instant) -> None:
        self._exchange.press_keys(call, keys, leg, by, now)

    def originate(self, extension: str, number: str, now: Instant, *, answering_machine: bool = False) -> str:
        return self._exchange.originate(extension, number, now, answering_machine=answering_machine)

    def listen(self, call_id: str, by: str, now: Instant) -> None:
        self._exchange.listen(call_id, by, now)

    def stop_listening(self, by: str, now: Instant) -> None:
        self._exchange.stop_listening(by, now)

    def sound_test(self, now: Instant) -> None:
        self._exchange.sound_test(now)

    # --- lamps -------------------------------------------------------------------------------------------------------
    def panel(self) -> Sequence[LampView]:
        """The front panel as last shown."""
        if not self._panel:
            self._show()
        return self._panel

    def changed(self) -> None:
        """Something happened: the lamps are worked out anew in a moment."""
        if not self._lamps_due:
            self._lamps_due = True
            self._loop.call_later(LAMP_PAUSE_SECONDS, self._show)

    def _show(self) -> None:
        self._lamps_due = False
        exchange = self._exchange
        lamps = panel(
            self._board,
            exchange.glances(),
            exchange.agents(),
            exchange.queues(),
            exchange.registrations(),
            exchange.trunks(),
            self._faults(),
            self._ready(),
        )
        if lamps != self._panel:
            self._panel = lamps
            self._lamps.show(lamps)

    async def keep_lamps(self) -> None:
        """Works the lamps out again each 5 s, as some follow time; until cancelled."""
        while True:
            self._show()
            await asyncio.sleep(5.0)
