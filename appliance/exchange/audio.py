"""What audio the exchange wants: rows of the desired table, and the Protocols of whoever keeps it and speaks for it.

*Ports* are places where audio enters and leaves; a *mix* says who hears whom and how loud; *sinks* get a copy. The
exchange only states which rows shall exist; `appliance.media` brings the engine to that state, again after a restart of
either process. Rows are absolute and idempotent: putting a row again replaces it.

Ids are chosen by the exchange and unique among all rows for the life of the box (a restarted box starts above the
highest of its stored dialogs).
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="row", omit_defaults=True):
    """Base of the desired table's rows."""

    id: int


class Payload(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One RTP payload type of a port, as negotiated."""

    number: int
    """Payload type 0..127."""
    codec: str
    """PCMU, PCMA, G722, opus, L16 (one channel), CN or telephone-event."""
    clock: int = 8000
    """Of the RTP timestamps: 8000 (G.722 too), 16000 or 48000."""
    fmtp: str = ""


class SrtpKeys(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A master key with its salt behind it (RFC 4568 section 6.1). Says nothing of them when it is printed."""

    suite: str
    """AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32 or AEAD_AES_128_GCM."""
    key: bytes
    """30 bytes, with GCM 28."""

    def __repr__(self) -> str:
        return f"SrtpKeys({self.suite})"


class RtpPort(Row, frozen=True, tag="rtp"):
    """An RTP stream with one remote party. The engine owns ssrc, sequence and timestamp of what it sends, for life."""

    local: tuple[str, int]
    """Address and even port to bind; RTCP is on the next port."""
    remote: tuple[str, int] | None = None
    """From the SDP; None: not known yet, nothing is sent, anything valid may be the source."""
    remote_rtcp: tuple[str, int] | None = None
    """From the SDP (RFC 3605): where RTCP goes until some came; None: beside `remote`."""
    rtcp_mux: bool = False
    """RTCP goes over the RTP port (RFC 5761); it may come there in any case."""
    send_metrics: bool = False
    """The party asked for VoIP metrics (RFC 3611); they are also sent to one that sends them."""
    dscp: int = 46
    """Differentiated services code point of what is sent, 0..63; counts when the port is bound."""
    receive: tuple[Payload, ...] = ()
    """What the other side may send, with the numbers that our SDP gave."""
    send: Payload | None = None
    """What we send, with the number that their SDP gave."""
    send_events: Payload | None = None
    """telephone-event as their SDP numbers it; None: they did not offer it."""
    send_noise: Payload | None = None
    """CN (RFC 3389) as their SDP numbers it: silence towards them is sent as comfort noise; None: as silence."""
    press: str = ""
    """The last keys (0-9 * # A-D, at most 32) that were to be sent as telephone-events or tones, 100 ms each."""
    press_generation: int = 0
    """How many there were in all: what it has grown by is sent, so none is lost between two frames. What the
    row of a new port says counts as sent: a restart of the engine presses nothing twice."""
    press_tones: bool = False
    """Keys for a party without telephone-event are sent as tones in the audio (ITU-T Q.23)."""
    ptime: int = 20
    sending: bool = True
    """False on hold by direction (`recvonly`/`inactive` towards them): the port sends nothing but keep-alive RTCP."""
    receiving: bool = True
    """False: what arrives is counted and dropped."""
    timeout: float = 30.0
    """Seconds without RTP or RTCP from the remote after which `PortSilent` is told (once per silence); 0: never."""
    ssrc: int = 0
    """SSRC that a new port sends with; 0, or with `protect`: the engine chooses. After a crash of the engine the stream
    has other sequence numbers: with another SSRC too the listener takes it for the new stream it is, instead of
    dropping it as late, and no SRTP key meets the same SSRC and number twice."""
    generation: int = 0
    """Raised with each new remote SDP: unlocks the source rule of the audio model."""
    protect: SrtpKeys | None = None
    """What we send goes as SRTP with these keys; None: as RTP. Keys that were replaced never come back to a port."""
    unprotect: SrtpKeys | None = None
    """What is received must be SRTP made with these keys; other keys hold for three more seconds after a change."""


class Player(Row, frozen=True, tag="player"):
    """Plays 8 kHz 16-bit mono WAV files, one after the other."""

    files: tuple[str, ...]
    """Absolute paths."""
    loop_from: int = -1
    """Index of the file to go on with after the last one; -1: play once, then `PlayerFinished`."""
    generation: int = 0
    """A row put with another generation starts from the beginning; with the same one it plays on."""


class Link(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`listener` (an RTP port) hears `source` (RTP port or player) with `gain` (linear; 1.0 unchanged)."""

    listener: int
    source: int
    gain: float = 1.0


class Mix(Row, frozen=True, tag="mix"):
    """Who hears whom. A port is listener in at most one mix; a source may be heard in many."""

    links: tuple[Link, ...]


class Recorder(Row, frozen=True, tag="recorder"):
    """A stereo WAV: left what `left` receives from its party, right the sum of what the ports `right` receive."""

    path: str
    """Absolute path; the folder exists or is made. Written so that it is playable after a kill at any moment."""
    left: int
    right: tuple[int, ...] = ()
    running: bool = True
    """False: the file stays open, no media time passes (paused with a cut, or not bridged)."""
    silent: bool = False
    """Not running, but media time passes: what is said now becomes silence of the same length."""
    rate: int = 8000
    """Samples a second of the file, 8000 or 16000; never changes."""
    call: str = ""
    leg: str = ""


class Detector(Row, frozen=True, tag="detector"):
    """Listens to what the port `port` receives, without delaying it. What it finds is reported with the port's id."""

    port: int
    keys: bool = False
    """DTMF in the audio: `Digit` with `inband`. Nothing where the media process has no spandsp."""
    tones: bool = False
    """`Tone`"""
    speech: bool = False
    """`Speech`"""
    hangover: int = 60
    """Milliseconds of silence that end a burst of speech."""


AnyRow = RtpPort | Player | Mix | Recorder | Detector


# --- what the media side reports ---------------------------------------------------------------------------------
class MediaEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="event", omit_defaults=True):
    """Base of what the engine reports."""

    id: int
    """Row id."""


class PortFailed(MediaEvent, frozen=True, tag="port-failed"):
    """The local address could not be bound; the exchange puts the row again with another port or ends the leg."""

    error: str


class PlayerFinished(MediaEvent, frozen=True, tag="player-finished"):
    generation: int = 0


class Digit(MediaEvent, frozen=True, tag="digit"):
    """A telephone-event (RFC 4733) ended, or was heard long enough: one per key press."""

    digit: str
    milliseconds: int
    inband: bool = False
    """Heard as a tone in the audio, and told when it began; who hears that port by telephone-events has got it so."""


class Tone(MediaEvent, frozen=True, tag="tone"):
    """A single tone that means something."""

    tone: str
    """cng (a fax machine calls), ced (a fax machine or modem answers; told while it lasts), beep"""
    hertz: float
    milliseconds: int
    at: float = 0.0
    """Seconds of media time since the detector began to listen for speech."""


class Speech(MediaEvent, frozen=True, tag="speech"):
    """Somebody began or ceased to speak."""

    speaking: bool
    at: float
    """When, in seconds of media time since the detector began."""
    level: float = 0.0
    """dBov of the loudest 10 ms."""


class PortSilent(MediaEvent, frozen=True, tag="port-silent"):
    """Neither RTP nor RTCP came from the remote for `seconds` although it was expected."""

    seconds: float


class PortUnheard(MediaEvent, frozen=True, tag="port-unheard"):
    """The port is in a conversation (it hears a port that hears it), and nothing to hear came for `seconds`."""

    reason: str
    """no-packets, other-source, other-payload, no-rtp, unauthentic, digital-silence"""
    seconds: float = 0.0
    source: str = ""
    """other-source: host:port that something came from."""
    payload_type: int = -1
    """other-payload: what came instead."""


class PortHeard(MediaEvent, frozen=True, tag="port-heard"):
    """There is something to hear after all, after a `PortUnheard`."""


class PortUnreached(MediaEvent, frozen=True, tag="port-unreached"):
    """The port is in a conversation, and what we send to it does not arrive."""

    reason: str
    """refused: its host or a network between refuses it (ICMP); not-received: the party's own reports say so"""
    to: str = ""
    """host:port that we send to."""


class PortReached(MediaEvent, frozen=True, tag="port-reached"):
    """It does arrive, after a `PortUnreached`."""


class PortStats(MediaEvent, frozen=True, tag="port-stats"):
    """Figures of one port: totals, every 5 s while they change, and once when its row is dropped (`final`)."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    """Of `expected`, by their numbers."""
    expected: int = 0
    late: int = 0
    """Packets too late to be played out."""
    decided: int = 0
    """Packets that are known to have come or not; `gone` of them did not, in `runs` runs."""
    gone: int = 0
    runs: int = 0
    playout_ms: float = -1.0
    """Delay of our jitter buffer; -1: packets are sent on as they come, and the listener's buffer counts."""
    codec: str = ""
    """Of the newest audio received; empty: none."""
    round_trip_ms: float = -1.0
    """By RTCP, between the party and us; -1: not known."""
    reports: int = 0
    """Reports of the party about what we send; the `sent_` figures hold when there are some."""
    sent_fraction: float = 0.0
    """Share lost, by the newest report."""
    sent_lost: int = 0
    sent_jitter_ms: float = 0.0
    sent_discarded: float = -1.0
    """Share that came too late for the party, by its VoIP metrics (RFC 3611); -1: not said."""
    sent_delay_ms: float = -1.0
    """Of the party's end, by its VoIP metrics; -1: not said."""
    sent_mos: float = 0.0
    """As the party judges it; 0: not said."""
    jitter_ms: float = 0.0
    level: float = -127.0
    """dBov of the loudest packet looked at since the report before; -127: nothing came, or no G.711."""
    strangers: int = 0
    """Packets from elsewhere than the locked source, dropped."""
    unauthentic: int = 0
    """Packets from the locked source that were not made with its SRTP key, dropped."""
    repeated: int = 0
    """Packets that came once more, by the network's doing or by somebody's who recorded them, dropped."""
    sent: int = 0
    last_heard: float = -1.0
    """Seconds before this report; -1: never."""
    source: str = ""
    """host:port that the stream comes from."""
    final: bool = False


class RecorderStarted(MediaEvent, frozen=True, tag="recorder-started"):
    pass


class RecorderStopped(MediaEvent, frozen=True, tag="recorder-stopped"):
    """The file is on the disk, complete as far as it goes. Told once: the row was dropped, or can go on no longer."""

    seconds: float
    reason: str
    """ended, disk-full, failed"""
    error: str = ""
    missing: float = 0.0
    """Seconds of the file that are silent because the disk could not keep up or the media process was away."""


class EngineRestarted(MediaEvent, frozen=True, tag="engine-restarted"):
    """The media process was gone and is back; the table was given to it again. `id` is 0."""

    reason: str = ""


AnyMediaEvent = (
    PortFailed
    | PlayerFinished
    | Digit
    | Tone
    | Speech
    | PortSilent
    | PortUnheard
    | PortHeard
    | PortUnreached
    | PortReached
    | PortStats
    | RecorderStarted
    | RecorderStopped
    | EngineRestarted
)


# --- what the exchange needs from outside --------------------------------------------------------------------------
ABILITIES = frozenset(("opus", "srtp"))
"""What an engine may have been built without."""


class Media(Protocol):
    """Keeps the desired table (`appliance.media.table.DesiredTable`)."""

    abilities: frozenset[str]
    """Of ABILITIES what the engine has."""

    def put(self, row: AnyRow) -> None:
        """States that this row shall exist, as it is."""

    def drop(self, row_id: int) -> None:
        """States that this row shall not exist; unknown ids are ignored."""

    def allocate_port(self, *, reserved: bool = False) -> int | None:
        """An even UDP port of the RTP range that no leg uses (the odd one after it goes along); None: all in use.

        `reserved`: one of the few that are kept for emergency calls may be given.
        """

    def claim_port(self, port: int) -> None:
        """Takes this very port, which a leg of the run before uses; also one outside the range of now."""

    def release_port(self, port: int) -> None:
        """Gives the port back; it is not given out again for a few seconds' worth of allocations."""


class Voice(Protocol):
    """Finds the sound files to play (`appliance.media.prompts.PromptLibrary`). Never blocks: what is not ready is ().

    Languages are "ja" or "en". All paths are absolute, 8 kHz 16-bit mono WAV at telephone level.
    """

    def text(self, text: str, language: str) -> tuple[str, ...]:
        """A text of the site file (menu, announcement), synthesised after `apply`; () when it is not ready."""

    def file(self, name: str) -> tuple[str, ...]:
        """A sound file of the site (`prompts/` in the data folder), converted; () when missing or unusable."""

    def fixed(self, name: str, language: str) -> tuple[str, ...]:
        """A prompt the product speaks: "closed", "wrong-number", "busy", "no-answer", "not-registered", "enter-agent",
        "enter-pin", "logged-in", "logged-out", "on-break", "available", "wrong-pin", "failed", "not-built", …"""

    def position(self, number: int, language: str) -> tuple[str, ...]:
        """ "You are number N" for a waiting caller."""

    def digits(self, digits: str, language: str) -> tuple[str, ...]:
        """Digits spoken one by one (addresses, extensions)."""

    def tone(self, name: str, country: str) -> tuple[str, ...]:
        """One period of a call-progress tone to loop: dial, ringback, busy, congestion, beep, ring."""

    def music(self) -> tuple[str, ...]:
        """Music on hold, to loop."""

    def chime(self) -> tuple[str, ...]:
        """What the loudspeaker plays before a page, once."""
