"""Drives the real lamps through gpiozero, when there are pins; else says in words why the panel is only drawn.

One thread does everything that could take time: importing gpiozero, opening the pins, blinking all lamps in step. The
event loop only hands it the newest list of lamps.
"""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from appliance.box.board import Board
from appliance.box.health.finding import Finding
from appliance.exchange.view import LampView

TICK = 0.125
"""Seconds; half a period of the fast blink (4 Hz). The slow one (1 Hz) takes four ticks on, four off."""


def lit(lamp: LampView, tick: int) -> bool:
    """Whether the lamp shines in this tick. All slow lamps blink together, and all fast ones."""
    if lamp.color == "off" or lamp.mode == "off":
        return False
    if lamp.mode == "fast":
        return tick % 2 == 0
    return lamp.mode != "slow" or tick // 4 % 2 == 0


def colors(color: str, pins: Mapping[str, int]) -> frozenset[str]:
    """Which of the lamp's pins make this colour: amber is red and green together; one with a single colour shines."""
    if color in pins:
        return frozenset((color,))
    if color == "amber" and {"red", "green"} <= set(pins):
        return frozenset(("red", "green"))
    return frozenset(list(pins)[:1])


class LampDriver:
    """The lamps of one board."""

    def __init__(self, board: Board, pin_factory: Any = None) -> None:
        """`pin_factory` is a gpiozero factory, for tests; by default gpiozero finds the machine's own."""
        self._board, self._factory = board, pin_factory
        self._changed = threading.Condition()
        self._lamps: tuple[LampView, ...] = ()
        self._shown = 0
        self._ending = False
        self._thread: threading.Thread | None = None
        self.finding: Finding | None = None
        """Why no lamp is driven, once that is known; None: all is well, or the board has no lamps."""

    def start(self) -> None:
        """Starts the thread; does nothing on a board without lamps."""
        if self._board.lamps and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lamps", daemon=True)
            self._thread.start()

    def show(self, lamps: Sequence[LampView]) -> None:
        """Shows these lamps from now on; lamps of the board that are not among them are dark. Never blocks."""
        with self._changed:
            self._lamps = tuple(lamps)
            self._shown += 1
            self._changed.notify()

    def close(self) -> None:
        """Puts all lamps out and gives the pins back."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=2)
            self._thread = None

    def _run(self) -> None:
        devices: dict[str, dict[str, Any]] = {}
        try:
            self._open(devices)
            self._blink(devices)
        except Exception as error:  # gpiozero and its back ends raise errors of many kinds
            self.finding = _off(self._board, error)
        finally:
            for device in [device for pins in devices.values() for device in pins.values()]:
                # Each by itself: a pin that fails must not leave the others shining.
                with contextlib.suppress(Exception):
                    device.off()
                    device.close()

    def _open(self, devices: dict[str, dict[str, Any]]) -> None:
        from gpiozero import DigitalOutputDevice, PinFactoryFallback

        # Each library that gpiozero tries in vain warns; the finding says it once.
        warnings.filterwarnings("ignore", category=PinFactoryFallback)
        for lamp, pins in self._board.lamps.items():
            opened = devices.setdefault(lamp, {})
            for color, pin in pins.items():
                opened[color] = DigitalOutputDevice(
                    pin, active_high=not self._board.active_low, initial_value=False, pin_factory=self._factory
                )

    def _blink(self, devices: Mapping[str, Mapping[str, Any]]) -> None:
        began = time.monotonic()
        values: dict[tuple[str, str], bool] = {}
        while True:
            tick, into = divmod(time.monotonic() - began, TICK)
            with self._changed:
                lamps, seen, ending = self._lamps, self._shown, self._ending
            if ending:
                return
            self._set(devices, {lamp.id: lamp for lamp in lamps}, int(tick), values)
            blinking = any(lamp.mode in ("slow", "fast") and lamp.id in devices for lamp in lamps)
            with self._changed:
                self._changed.wait_for(self._news(seen), timeout=TICK - into if blinking else None)

    def _news(self, seen: int) -> Callable[[], bool]:
        return lambda: self._ending or self._shown != seen

    def _set(
        self,
        devices: Mapping[str, Mapping[str, Any]],
        lamps: Mapping[str, LampView],
        tick: int,
        values: dict[tuple[str, str], bool],
    ) -> None:
        for lamp_id, pins in devices.items():
            lamp = lamps.get(lamp_id)
            wanted: frozenset[str] = frozenset()
            if lamp is not None and lit(lamp, tick):
                wanted = colors(lamp.color, self._board.lamps[lamp_id])
            for color, device in pins.items():
                on = color in wanted
                if values.get((lamp_id, color), False) != on:
                    values[lamp_id, color] = on
                    device.value = 1 if on else 0


def _off(board: Board, error: Exception) -> Finding:
    reason = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
    return Finding(
        id="gpio",
        severity="warning",
        text={
            "ja": f"ボード {board.name} のランプを点灯できません（{reason}）。画面上の表示は使えます。",
            "en": f"The lamps of board {board.name} cannot be driven ({reason}). The panel on the pages works.",
        },
        remedy={
            "ja": "Raspberry Pi では pip install 'hako-pbx[gpio]'、それ以外では --board none を使ってください。",
            "en": "On a Raspberry Pi run pip install 'hako-pbx[gpio]'; on other machines use --board none.",
        },
    )
