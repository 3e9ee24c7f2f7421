"""A media engine made of rows: it obeys the frames of the real desired table, checks them, and reports what an engine
would report from the table alone."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from appliance.exchange import audio
from appliance.media.protocol import Frame, decode_control
from appliance.media.table import DesiredTable
from tests.sim.clock import Clock

MediaAddress = tuple[str, int]


def _keys_forgotten(before: audio.AnyRow | None, now: audio.AnyRow) -> bool:
    """Whether they differ in nothing but in keys that were sent long ago: the engine sends none of them again."""
    return (
        isinstance(before, audio.RtpPort)
        and isinstance(now, audio.RtpPort)
        and not now.press
        and msgspec.structs.replace(before, press="") == now
    )


class Engine:
    """What `hako-media` does, without a sample of audio."""

    def __init__(
        self,
        clock: Clock,
        dice: random.Random,
        table: DesiredTable,
        report: Callable[[audio.AnyMediaEvent], None],
        sending: Callable[[MediaAddress], bool],
        problem: Callable[[str], None],
    ) -> None:
        """`sending(address)`: whether somebody sends RTP from there now."""
        self.clock, self.dice, self.table, self.problem = clock, dice, table, problem
        self._report = report
        self._sending = sending
        self.rows: dict[int, audio.AnyRow] = {}
        self.kinds: dict[int, type] = {}
        """Of every row there ever was: an id is never used again."""
        self.dropped: set[int] = set()
        self.bound: dict[tuple[str, int], int] = {}
        self.listeners: dict[int, int] = {}
        """Port row -> the mix in which it listens."""
        self.used: dict[int, set[int]] = {}
        """Source or port row -> mixes and recorders that name it."""
        self.failed_ports: set[int] = set()
        self.port_failures = 0.0
        """Probability that a port cannot be bound."""
        self.disk_full = 0.0
        """Probability that a recorder stops because the disk is full."""
        self.written: dict[int, tuple[float, float | None]] = {}
        """Recorder -> seconds in its file, and since when more are added."""
        self.rev = 0
        self.restarts = 0
        self.changes: dict[int, audio.AnyRow] | None = None
        """Rows that were there and are now another way since `forget_controller`; None: nobody asks."""
        self._needs_full = False
        self.played: list[tuple[str, ...]] = []
        """Everything that players were given, in order (for tests that ask what a caller hears)."""

    # --- the table ---------------------------------------------------------------------------------------------------
    def flush(self) -> None:
        """Takes the frame of this drain."""
        if self._needs_full:
            self._needs_full = False
            self._take(self.table.full())
            return
        data = self.table.frame()
        if data is not None:
            self._take(data)

    def adopt(self, table: DesiredTable) -> None:
        """Another controller has connected: its table counts from its first frame on."""
        self.table, self.rev, self._needs_full = table, 0, True
        self.dropped.clear()
        self.kinds = {row_id: type(row) for row_id, row in self.rows.items()}
        self.changes = {}

    def die(self) -> None:
        """The process was killed: everything it had is gone."""
        self.restarts += 1
        for row_id in list(self.rows):
            self._forget(row_id)
        self.failed_ports.clear()

    def restart(self) -> None:
        """The process was killed and is back: it is given the whole table."""
        self.die()
        self._take(self.table.full())
        self.report(audio.EngineRestarted(id=0, reason="killed"))

    def _take(self, data: bytes) -> None:
        frame = decode_control(data)
        assert isinstance(frame, Frame)
        if frame.rev <= self.rev:
            self.problem(f"frame {frame.rev} after {self.rev}")
        self.rev = frame.rev
        kept = {row.id for row in frame.put} if frame.full else set()
        drop = [row_id for row_id in self.rows if row_id not in kept] if frame.full else frame.drop
        gone = [self.rows[row_id] for row_id in drop if row_id in self.rows]
        for row in gone:
            self._forget(row.id)
            self.dropped.add(row.id)
        before = {row.id: self.rows.get(row.id) for row in frame.put}
        for row in frame.put:
            if before[row.id] != row:
                self._put(row)
                if frame.full and self.changes is not None and not _keys_forgotten(before[row.id], row):
                    self.changes[row.id] = row
        self._check(frame, gone)
        for row in gone:
            self._finish(row)
        for row in frame.put:
            if before[row.id] != row:
                self._begin(row, before[row.id])

    def _forget(self, row_id: int) -> None:
        row = self.rows.pop(row_id, None)
        if isinstance(row, audio.RtpPort):
            self.bound.pop(row.local, None)
        elif isinstance(row, audio.Mix):
            for link in row.links:
                if self.listeners.get(link.listener) == row_id:
                    del self.listeners[link.listener]
        for named in _names(row):
            users = self.used.get(named)
            if users is not None:
                users.discard(row_id)
                if not users:
                    del self.used[named]

    def _put(self, row: audio.AnyRow) -> None:
        if row.id in self.dropped:
            self.problem(f"row {row.id} is used again")
        kind = self.kinds.setdefault(row.id, type(row))
        if kind is not type(row):
            self.problem(f"row {row.id} was {kind.__name__} and is {type(row).__name__}")
        self._forget(row.id)
        self.rows[row.id] = row
        if isinstance(row, audio.RtpPort):
            other = self.bound.setdefault(row.local, row.id)
            if other != row.id:
                self.problem(f"rows {other} and {row.id} bind {row.local}")
            if row.local[1] % 2:
                self.problem(f"odd RTP port {row.local}")
        elif isinstance(row, audio.Mix):
            for listener in {link.listener for link in row.links}:
                other = self.listeners.setdefault(listener, row.id)
                if other != row.id and other in self.rows:
                    self.problem(f"port {listener} listens in mixes {other} and {row.id}")
        elif isinstance(row, audio.Player) and not row.files:
            self.problem(f"player {row.id} without files")
        for named in _names(row):
            self.used.setdefault(named, set()).add(row.id)

    def _check(self, frame: Frame, gone: list[audio.AnyRow]) -> None:
        for row in gone:
            if self.used.get(row.id) and row.id not in self.rows:
                self.problem(f"row {row.id} is gone and still named by {sorted(self.used[row.id])}")
        for row in frame.put:
            for named in _names(row):
                other = self.rows.get(named)
                if other is None:
                    self.problem(f"{type(row).__name__} {row.id} names row {named}, which does not exist")
            if isinstance(row, audio.Mix):
                for link in row.links:
                    if not isinstance(self.rows.get(link.listener), audio.RtpPort):
                        self.problem(f"mix {row.id}: listener {link.listener} is no port")

    # --- what the engine reports -------------------------------------------------------------------------------------
    def report(self, event: audio.AnyMediaEvent) -> None:
        """Says it after the time that the socket takes; what a killed process had to say is lost."""
        run = self.restarts
        self.clock.after(0.001, lambda: self._report(event) if run == self.restarts else None)

    def _begin(self, row: audio.AnyRow, before: audio.AnyRow | None) -> None:
        if isinstance(row, audio.RtpPort):
            local = before.local if isinstance(before, audio.RtpPort) else None
            if local != row.local and self.dice.random() < self.port_failures:
                self.failed_ports.add(row.id)
                self.report(audio.PortFailed(id=row.id, error="address in use"))
            else:
                self.failed_ports.discard(row.id)
                self._watch(row)
        elif isinstance(row, audio.Player):
            if not isinstance(before, audio.Player) or before.generation != row.generation:
                self.played.append(row.files)
                if row.loop_from < 0:
                    seconds = len(row.files) * self.dice.uniform(0.4, 2.5)
                    self.clock.after(seconds, lambda: self._played(row))
        elif isinstance(row, audio.Mix):
            self.clock.after(2.5, lambda: self._listen(row))
        elif isinstance(row, audio.Recorder):
            self._pass_time(row)
        if isinstance(row, audio.Recorder) and before is None:
            self.report(audio.RecorderStarted(id=row.id))
            if self.dice.random() < self.disk_full:
                self.clock.after(self.dice.uniform(0.0, 10.0), lambda: self._stop_recorder(row.id))

    def _played(self, row: audio.Player) -> None:
        present = self.rows.get(row.id)
        if isinstance(present, audio.Player) and present.generation == row.generation:
            self.report(audio.PlayerFinished(id=row.id, generation=row.generation))

    def _stop_recorder(self, row_id: int) -> None:
        if row_id in self.rows:
            self.report(audio.RecorderStopped(id=row_id, seconds=1.0, reason="disk-full", error="no space left"))

    def _pass_time(self, row: audio.Recorder, gone: bool = False) -> float:
        """Seconds in the recorder's file until now; from now on they go on as the row says."""
        written, since = self.written.get(row.id, (0.0, None))
        if since is not None:
            written += self.clock.mono - since
        self.written[row.id] = written, self.clock.mono if (row.running or row.silent) and not gone else None
        return written

    def _finish(self, row: audio.AnyRow) -> None:
        if isinstance(row, audio.RtpPort):
            lost = self.dice.randrange(20)
            self.report(
                audio.PortStats(
                    id=row.id,
                    packets=100 - lost,
                    lost=lost,
                    expected=100,
                    sent=100,
                    reports=self.dice.randrange(2),
                    sent_fraction=self.dice.random() / 4,
                    round_trip_ms=self.dice.choice((-1.0, 12.0, 250.0)),
                    codec="PCMU",
                    last_heard=0.0,
                    final=True,
                )
            )
        elif isinstance(row, audio.Recorder):
            self.report(audio.RecorderStopped(id=row.id, seconds=self._pass_time(row, True), reason="ended"))

    def _listen(self, mix: audio.Mix) -> None:
        """Tells of who is in a conversation and sends nothing, once for each form of the mix."""
        if self.rows.get(mix.id) != mix:
            return
        pairs = {(link.listener, link.source) for link in mix.links}
        for source in {source for listener, source in pairs if (source, listener) in pairs and source != listener}:
            port = self.rows.get(source)
            if isinstance(port, audio.RtpPort) and port.receiving and port.remote and not self._sending(port.remote):
                self.report(audio.PortUnheard(id=source, reason="no-packets", seconds=2.5))

    # --- what phones do ----------------------------------------------------------------------------------------------
    def _watch(self, row: audio.RtpPort) -> None:
        if row.timeout > 0 and row.remote is not None and not self._sending(row.remote):
            self.clock.after(row.timeout, lambda: self._silent(row))

    def _silent(self, row: audio.RtpPort) -> None:
        if self.rows.get(row.id) == row and row.remote is not None and not self._sending(row.remote):
            self.report(audio.PortSilent(id=row.id, seconds=row.timeout))
            # RTCP of a phone that came back would end the silence; told once more if it goes on, as after a restart.

    def fell_silent(self, address: MediaAddress) -> None:
        """Nobody sends RTP from there any more."""
        for row in list(self.rows.values()):
            if isinstance(row, audio.RtpPort) and row.remote == address:
                self._watch(row)

    def key(self, address: MediaAddress, digit: str) -> None:
        """Somebody who sends from there pressed a key: a telephone-event where that is agreed, else a tone."""
        row = self.port(address)
        if row is None or row.id in self.failed_ports:
            return
        if any(payload.codec == "telephone-event" for payload in row.receive):
            self.report(audio.Digit(id=row.id, digit=digit, milliseconds=100))
        elif any(one.keys for one in self.detectors(row)):
            self.report(audio.Digit(id=row.id, digit=digit, milliseconds=0, inband=True))

    def port(self, address: MediaAddress) -> audio.RtpPort | None:
        """The port for what is sent from there, while it takes anything."""
        for row in self.rows.values():
            if isinstance(row, audio.RtpPort) and row.remote == address and row.receiving:
                return row
        return None

    def detectors(self, port: audio.RtpPort) -> list[audio.Detector]:
        """What listens on a port."""
        return [row for row in self.rows.values() if isinstance(row, audio.Detector) and row.port == port.id]

    def stats(self, address: MediaAddress) -> None:
        """The figures of the port for what is sent from there are due."""
        row = self.port(address)
        if row is not None:
            self.report(audio.PortStats(id=row.id, packets=100, sent=100, last_heard=0.0))

    def tone(self, address: MediaAddress, tone: str) -> bool:
        """Somebody who sends from there sends a single tone; whether anything listens for it."""
        row = self.port(address)
        if row is None or not any(one.tones for one in self.detectors(row)):
            return False
        self.report(audio.Tone(id=row.id, tone=tone, hertz=1100.0, milliseconds=500))
        return True

    def speech(self, address: MediaAddress, speaking: bool, at: float) -> bool:
        """Somebody who sends from there begins or ceases to speak; whether anything listens for it."""
        row = self.port(address)
        if row is None or not any(one.speech for one in self.detectors(row)):
            return False
        self.report(audio.Speech(id=row.id, speaking=speaking, at=at))
        return True


def _names(row: audio.AnyRow | None) -> set[int]:
    """The rows that a row names."""
    if isinstance(row, audio.Mix):
        return {row_id for link in row.links for row_id in (link.listener, link.source)}
    if isinstance(row, audio.Recorder):
        return {row.left, *row.right}
    if isinstance(row, audio.Detector):
        return {row.port}
    return set()
