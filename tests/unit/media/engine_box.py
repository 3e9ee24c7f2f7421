"""The engine in this very process, driven by rows, for tests of what it does with packets."""

from __future__ import annotations

import itertools
import select
import time
import wave
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from appliance.exchange.audio import AnyMediaEvent, AnyRow, Link, Mix, Payload, PortFailed, RtpPort
from appliance.media.engine.rows import EngineRows
from appliance.media.protocol import Figures, Frame
from tests.unit.media.rtp import Party, Samples, free_ports, run

PCMU, PCMA = Payload(0, "PCMU"), Payload(8, "PCMA")
EVENTS = Payload(101, "telephone-event")
Event = TypeVar("Event", bound=AnyMediaEvent)


class EngineBox:
    """Rows in, events out, parties around."""

    def __init__(self) -> None:
        self.rows = EngineRows()
        self.events: list[AnyMediaEvent] = []
        self.ports: dict[int, RtpPort] = {}
        self.parties: list[Party] = []
        self._of: dict[int, int] = {}
        self._ids = itertools.count(1)

    def close(self) -> None:
        self.rows.stop()
        self.take()
        self.rows.close()
        for party in self.parties:
            party.close()

    # --- rows
    def new_id(self) -> int:
        return next(self._ids)

    def put(self, *rows: AnyRow, drop: Iterable[int] = ()) -> list[PortFailed]:
        self.ports |= {row.id: row for row in rows if isinstance(row, RtpPort)}
        return self.rows.apply(Frame(rev=1, put=rows, drop=tuple(drop)))

    def party(
        self,
        hertz: int = 0,
        payload: Payload = PCMU,
        events: Payload | None = EVENTS,
        amplitude: int = 8000,
        **changes: object,
    ) -> Party:
        """A telephone with a port of the engine for it."""
        party = Party(hertz, payload.number, ssrc=0x1000 + len(self.parties), amplitude=amplitude)
        self.parties.append(party)
        self._of[id(party)] = port_id = self.new_id()
        receive = (PCMU, PCMA, events) if events else (PCMU, PCMA)
        while not self._put_port(party, port_id, receive, payload, events, changes):
            pass  # somebody else was faster
        return party

    def _put_port(
        self,
        party: Party,
        port_id: int,
        receive: tuple[Payload, ...],
        payload: Payload,
        events: Payload | None,
        changes: dict[str, object],
    ) -> bool:
        (number,) = free_ports(1)
        row = RtpPort(
            id=port_id,
            local=("127.0.0.1", number),
            remote=party.address,
            receive=receive,
            send=payload,
            send_events=events,
        )
        party.to = row.local
        return not self.put(_changed(row, **changes))

    def change(self, party: Party, **changes: object) -> None:
        self.put(_changed(self.row(party), **changes))

    def id(self, party: Party) -> int:
        return self._of[id(party)]

    def row(self, party: Party) -> RtpPort:
        return self.ports[self.id(party)]

    def bridge(self, *parties: Party, mix: int = 0) -> int:
        """Everyone hears everyone else."""
        ids = [self.id(party) for party in parties]
        mix = mix or self.new_id()
        self.put(Mix(id=mix, links=tuple(Link(a, b) for a in ids for b in ids if a != b)))
        return mix

    # --- events
    def take(self) -> list[AnyMediaEvent]:
        fresh = self.rows.take_events()
        self.events += fresh
        return fresh

    def of(self, kind: type[Event]) -> list[Event]:
        self.take()
        return [event for event in self.events if isinstance(event, kind)]

    def wait(self, kind: type[Event], seconds: float = 3.0, where: Callable[[Event], bool] = lambda _: True) -> Event:
        """The first event of this kind, waited for."""
        end = time.monotonic() + seconds
        while True:
            for event in self.of(kind):
                if where(event):
                    return event
            left = end - time.monotonic()
            assert left > 0, f"no {kind.__name__} within {seconds} s"
            select.select([self.rows.event_fd], [], [], left)

    def talk(self, seconds: float, *parties: Party) -> None:
        run(seconds, parties or self.parties)

    def settle(self) -> None:
        """Returns when the engine has dealt with everything sent and put before: two ticks later."""
        start, end = self.rows.figures().ticks, time.monotonic() + 5
        while self.rows.figures().ticks < start + 2:
            assert time.monotonic() < end, "the engine stands still"
            time.sleep(0.002)

    def figures(self) -> Figures:
        """The engine's own figures, up to date."""
        self.settle()
        return self.rows.figures()


def _changed(row: RtpPort, **changes: object) -> RtpPort:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return RtpPort(**(fields | changes))


def write_wav(path: Path, samples: Samples) -> str:
    """A sound file as the engine plays it."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.astype("<i2").tobytes())
    return str(path)


def read_wav(path: Path) -> tuple[Samples, Samples]:
    """Left and right of a recording, as far as its header says."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        both = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()
