"""Rows of the desired table put into the engine, and the engine's events as the exchange knows them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from appliance.exchange.audio import (
    AnyMediaEvent,
    AnyRow,
    Detector,
    Digit,
    Mix,
    Payload,
    Player,
    PlayerFinished,
    PortFailed,
    PortHeard,
    PortReached,
    PortSilent,
    PortStats,
    PortUnheard,
    PortUnreached,
    Recorder,
    RecorderStarted,
    RecorderStopped,
    RtpPort,
    Speech,
    SrtpKeys,
    Tone,
)
from appliance.media.engine._engine import ffi, lib
from appliance.media.protocol import Figures, Frame

_CODECS = {
    "PCMU": lib.HK_PCMU,
    "PCMA": lib.HK_PCMA,
    "G722": lib.HK_G722,
    "opus": lib.HK_OPUS,
    "L16": lib.HK_L16,
    "CN": lib.HK_CN,
    "telephone-event": lib.HK_EVENTS,
}
_NAMES = {number: name for name, number in _CODECS.items()}
_CODECS |= {name.lower(): number for name, number in _CODECS.items()}
_SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (lib.HK_AES_CM_128_HMAC_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (lib.HK_AES_CM_128_HMAC_SHA1_32, 30),
    "AEAD_AES_128_GCM": (lib.HK_AEAD_AES_128_GCM, 28),
}
_NO_SUITE = 255
"""What the engine refuses."""
_REASONS = {lib.HK_ENDED: "ended", lib.HK_DISK_FULL: "disk-full", lib.HK_FAILED: "failed"}
_TONES = {lib.HK_CNG: "cng", lib.HK_CED: "ced", lib.HK_BEEP: "beep"}
_UNHEARD = {
    lib.HK_NO_PACKETS: "no-packets",
    lib.HK_OTHER_SOURCE: "other-source",
    lib.HK_OTHER_PAYLOAD: "other-payload",
    lib.HK_NO_RTP: "no-rtp",
    lib.HK_UNAUTHENTIC: "unauthentic",
    lib.HK_DIGITAL_SILENCE: "digital-silence",
}
_UNREACHED = {lib.HK_REFUSED: "refused", lib.HK_NOT_RECEIVED: "not-received"}
_AT_ONCE = 256


def abilities() -> frozenset[str]:
    """What the engine was built with, of `exchange.audio.ABILITIES`."""
    bits = lib.hk_abilities()
    return frozenset(name for name, bit in (("opus", lib.HK_CAN_OPUS), ("srtp", lib.HK_CAN_SRTP)) if bits & bit)


class EngineRows:
    """The engine and the rows it holds. All methods belong to one thread."""

    def __init__(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Starts the engine; raises OSError when the machine refuses. `say`: a line for the log."""
        self._say = say
        self._engine = lib.hk_start()
        if self._engine == ffi.NULL:
            raise OSError(ffi.errno, os.strerror(ffi.errno))
        self._rows: dict[int, AnyRow] = {}
        self._events = ffi.new("struct hk_event[]", _AT_ONCE)
        self.event_fd: int = lib.hk_event_fd(self._engine)
        """Readable when `take_events` has something to give."""

    def held(self) -> tuple[AnyRow, ...]:
        """The rows as they are; what failed is not among them."""
        return tuple(self._rows.values())

    def figures(self) -> Figures:
        """The engine's own figures (`struct hk_figures`)."""
        figures = ffi.new("struct hk_figures *")
        lib.hk_read_figures(self._engine, figures)
        return Figures(**{name: getattr(figures, name) for name, _ in ffi.typeof(figures[0]).fields})

    def stop(self) -> None:
        """Drops every row, completes the recordings, and leaves only the events to be taken."""
        self._rows.clear()
        lib.hk_stop(self._engine)

    def close(self) -> None:
        """Frees the stopped engine; nothing may be called afterwards."""
        lib.hk_free(self._engine)

    # --- rows -----------------------------------------------------------------------------------------------------
    def apply(self, frame: Frame) -> list[PortFailed]:
        """Brings the engine to what the frame says; gives the ports that could not be had."""
        drops: tuple[int, ...] = frame.drop
        if frame.full:
            wanted = {row.id for row in frame.put}
            drops = tuple(row_id for row_id in self._rows if row_id not in wanted)
        for row_id in drops:
            self._drop(row_id)
        failures = []
        for row in frame.put:
            held = self._rows.get(row.id)
            if held == row:
                continue
            if held is not None and type(held) is not type(row):
                self._drop(row.id)
            error = self._put(row)
            if error >= 0:
                self._rows[row.id] = row
            elif isinstance(row, RtpPort):
                failures.append(PortFailed(id=row.id, error=f"{row.local[0]}:{row.local[1]}: {os.strerror(-error)}"))
            else:
                self._say(f"{type(row).__name__} {row.id} was refused: {os.strerror(-error)}")
        lib.hk_commit(self._engine)
        return failures

    def _drop(self, row_id: int) -> None:
        if self._rows.pop(row_id, None) is not None:
            lib.hk_drop(self._engine, row_id)

    def _put(self, row: AnyRow) -> int:
        """0 or more, or -errno. A number that no field of the engine holds costs this row, not everybody's audio."""
        put: Callable[[Any], int] = _PUT[type(row)].__get__(self)
        try:
            return put(row)
        except (OverflowError, ValueError) as error:
            self._say(f"{type(row).__name__} {row.id}: {error}")
            return -errno.EINVAL

    def _put_port(self, row: RtpPort) -> int:
        port = ffi.new("struct hk_port *")
        port.id = row.id
        port.local_host, port.local_port = row.local[0].encode()[:47], row.local[1]
        if row.remote is not None:
            port.remote_host, port.remote_port = row.remote[0].encode()[:47], row.remote[1]
        if row.remote_rtcp is not None:
            port.remote_rtcp_host, port.remote_rtcp_port = row.remote_rtcp[0].encode()[:47], row.remote_rtcp[1]
        port.rtcp_mux, port.send_metrics, port.dscp = row.rtcp_mux, row.send_metrics, row.dscp & 63
        port.receive_count = min(len(row.receive), 16)
        for number, payload in enumerate(row.receive[:16]):
            _fill(port.receive[number], payload)
        _fill(port.send, row.send)
        _fill(port.send_events, row.send_events)
        _fill(port.send_noise, row.send_noise)
        port.press, port.press_generation = row.press.encode()[:32], row.press_generation
        port.press_tones = row.press_tones
        port.ptime, port.sending, port.receiving = row.ptime, row.sending, row.receiving
        port.timeout, port.ssrc, port.generation = row.timeout, row.ssrc, row.generation
        _fill_keys(port.protect, row.protect)
        _fill_keys(port.unprotect, row.unprotect)
        return int(lib.hk_put_port(self._engine, port))

    def _put_player(self, row: Player) -> int:
        paths = [ffi.new("char[]", os.fsencode(path)) for path in row.files]
        files = ffi.new("const char *[]", paths)
        return int(lib.hk_put_player(self._engine, row.id, row.generation, row.loop_from, files, len(paths)))

    def _put_mix(self, row: Mix) -> int:
        links = ffi.new("struct hk_link[]", [(link.listener, link.source, link.gain) for link in row.links])
        return int(lib.hk_put_mix(self._engine, row.id, links, len(row.links)))

    def _put_recorder(self, row: Recorder) -> int:
        path = ffi.new("char[]", os.fsencode(row.path))
        comment = ffi.new("char[]", f"call={row.call} leg={row.leg} recorder={row.id}".encode())
        right = ffi.new("int64_t[]", list(row.right))
        fields = (row.id, path, comment, row.left, right, len(row.right), row.running, row.silent, row.rate)
        recorder = ffi.new("struct hk_recorder *", fields)
        return int(lib.hk_put_recorder(self._engine, recorder))

    def _put_detector(self, row: Detector) -> int:
        detector = ffi.new("struct hk_detector *", (row.id, row.port, row.keys, row.tones, row.speech))
        detector.hangover = max(10, min(row.hangover, 2000))
        return int(lib.hk_put_detector(self._engine, detector))

    # --- events ---------------------------------------------------------------------------------------------------
    def take_events(self) -> list[AnyMediaEvent]:
        """What happened since the last time."""
        events: list[AnyMediaEvent] = []
        while True:
            count = lib.hk_take_events(self._engine, self._events, _AT_ONCE)
            events += [_READ[event.kind](event) for event in self._events[0:count]]
            if count < _AT_ONCE:
                return events


def _fill(place: Any, payload: Payload | None) -> None:
    if payload is not None:
        place.number, place.clock = payload.number & 127, payload.clock
        place.codec = _CODECS.get(payload.codec, _CODECS.get(payload.codec.lower(), lib.HK_NONE))


def _fill_keys(place: Any, keys: SrtpKeys | None) -> None:
    if keys is not None:
        place.suite, size = _SUITES.get(keys.suite, (_NO_SUITE, 0))
        if len(keys.key) == size:
            ffi.memmove(place.key, keys.key, size)
        else:
            place.suite = _NO_SUITE


_PUT: dict[type, Any] = {
    RtpPort: EngineRows._put_port,
    Player: EngineRows._put_player,
    Mix: EngineRows._put_mix,
    Recorder: EngineRows._put_recorder,
    Detector: EngineRows._put_detector,
}


def _source(event: Any) -> str:
    host = ffi.string(event.source_host).decode()
    return (f"[{host}]:{event.source_port}" if ":" in host else f"{host}:{event.source_port}") if host else ""


def _stats(event: Any) -> PortStats:
    return PortStats(
        id=event.id,
        packets=event.packets,
        bytes=event.bytes,
        lost=event.lost,
        jitter_ms=event.jitter_ms,
        level=round(event.level, 1),
        strangers=event.strangers,
        unauthentic=event.unauthentic,
        repeated=event.repeated,
        sent=event.sent,
        last_heard=event.last_heard,
        source=_source(event),
        final=event.final,
        expected=event.expected,
        late=event.late,
        decided=event.decided,
        gone=event.gone,
        runs=event.runs,
        playout_ms=event.playout_ms,
        codec=_NAMES.get(event.codec, ""),
        round_trip_ms=event.round_trip_ms,
        reports=event.reports,
        sent_fraction=event.sent_fraction,
        sent_lost=event.sent_lost,
        sent_jitter_ms=event.sent_jitter_ms,
        sent_discarded=event.sent_discarded,
        sent_delay_ms=event.sent_delay_ms,
        sent_mos=event.sent_mos,
    )


def _unheard(event: Any) -> PortUnheard:
    return PortUnheard(
        id=event.id,
        reason=_UNHEARD[event.unheard],
        seconds=event.seconds,
        source=_source(event),
        payload_type=event.payload_type,
    )


def _stopped(event: Any) -> RecorderStopped:
    return RecorderStopped(
        id=event.id,
        seconds=event.seconds,
        reason=_REASONS[event.reason],
        error=os.strerror(event.error) if event.error else "",
        missing=event.missing,
    )


_READ: dict[int, Callable[[Any], AnyMediaEvent]] = {
    lib.HK_PLAYER_FINISHED: lambda event: PlayerFinished(id=event.id, generation=event.generation),
    lib.HK_DIGIT: lambda event: Digit(
        id=event.id, digit=event.digit.decode(), milliseconds=event.milliseconds, inband=event.inband
    ),
    lib.HK_TONE: lambda event: Tone(
        id=event.id,
        tone=_TONES[event.tone],
        hertz=round(event.hertz, 1),
        milliseconds=event.milliseconds,
        at=round(event.seconds, 3),
    ),
    lib.HK_SPEECH: lambda event: Speech(
        id=event.id, speaking=event.speaking, at=round(event.seconds, 3), level=round(event.level, 1)
    ),
    lib.HK_PORT_SILENT: lambda event: PortSilent(id=event.id, seconds=event.seconds),
    lib.HK_PORT_UNHEARD: _unheard,
    lib.HK_PORT_HEARD: lambda event: PortHeard(id=event.id),
    lib.HK_PORT_UNREACHED: lambda event: PortUnreached(
        id=event.id, reason=_UNREACHED[event.unreached], to=_source(event)
    ),
    lib.HK_PORT_REACHED: lambda event: PortReached(id=event.id),
    lib.HK_PORT_STATS: _stats,
    lib.HK_RECORDER_STARTED: lambda event: RecorderStarted(id=event.id),
    lib.HK_RECORDER_STOPPED: _stopped,
}
