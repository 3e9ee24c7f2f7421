"""Calls and their legs. A call is everything from the first INVITE to the last BYE; a leg is one party's connection."""

from __future__ import annotations

from appliance.events.base import Event


class CallStarted(Event, frozen=True):
    """A call began: its INVITE was authenticated or matched to a trunk. Opens the call's one record."""

    call: str
    journey: str
    kind: str
    """inbound, outbound, internal or service"""
    caller: str
    """Calling number as shown (E.164 or national), or "anonymous"."""
    called: str
    """Number dialled."""
    caller_name: str = ""
    trunk: str = ""
    extension: str = ""
    """The calling extension, when the caller is one of ours."""


class CallRouted(Event, frozen=True):
    """A step of the dial plan: the call goes to a destination (`queue:support`, `menu:main`, …)."""

    call: str
    destination: str


class CallEnded(Event, frozen=True):
    """The call's last leg is gone. Closes the record."""

    call: str
    cause: int
    """Q.850 cause value (16 normal clearing, 17 busy, 19 no answer, …)."""
    reason: str
    """A stable word: answered, abandoned, busy, no-answer, unreachable, rejected, wrong-number, failed, restart, …"""
    ended: float = 0.0
    """Wall time of its last sound, where this is told after a crash; 0: not known better than by when it is told."""


class LegStarted(Event, frozen=True):
    """One party's connection began."""

    leg: str
    call: str
    direction: str
    """in: the party called us; out: we call the party"""
    extension: str = ""
    trunk: str = ""
    agent: str = ""
    number: str = ""
    sip_call_id: str = ""


class LegRinging(Event, frozen=True):
    leg: str
    call: str


class LegAnswered(Event, frozen=True):
    leg: str
    call: str
    codec: str = ""
    srtp: str = ""
    """Suite that its audio is encrypted with; empty: it is not."""


class LegBridged(Event, frozen=True):
    """Two or more legs of the call hear each other from now on. Talk time of the record counts from the first."""

    call: str
    legs: tuple[str, ...]
    agent: str = ""


class CallTakenOver(Event, frozen=True):
    """The box was away (crash, upgrade) while the parties went on talking, and has the call again. Talk and hold time
    of the record go on through it."""

    call: str
    legs: tuple[str, ...]
    """Who hear each other."""
    held: tuple[str, ...] = ()
    """Those of them whose party holds."""
    agent: str = ""
    answered: float = 0.0
    """When the first conversation of the call began (seconds since the epoch)."""
    away: float = 0.0
    """Seconds that nobody decided anything, reckoned from the last sign of life."""


class LegHeld(Event, frozen=True):
    leg: str
    call: str
    by: str = ""
    """The leg whose party pressed hold."""


class LegResumed(Event, frozen=True):
    leg: str
    call: str


class LegMoved(Event, frozen=True):
    """The leg belongs to another call from now on (transfer, park)."""

    leg: str
    call: str
    to_call: str


class LegEnded(Event, frozen=True):
    """One party's connection is gone."""

    leg: str
    call: str
    cause: int
    reason: str
    by: str = "us"
    """them: that party ended it; us: we did"""
    status: int = 0
    """SIP status of a leg that was never answered."""


class LegAudio(Event, frozen=True):
    """What a leg's audio was like as far as we received it; follows the end of the leg."""

    leg: str
    call: str
    packets: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    strangers: int = 0
    """Packets from elsewhere than the party's address, dropped."""
    unauthentic: int = 0
    """Packets from its address that were not made with its SRTP key, dropped."""
    repeated: int = 0
    """Packets that came once more, or far too late, dropped."""
    srtp: str = ""
    """Suite that it was encrypted with at its end."""
    sent: int = 0
    last_heard: float = -1.0
    """Seconds before the end; -1: never."""
    extension: str = ""
    trunk: str = ""
    codec: str = ""
    """That the party sent last."""
    late: int = 0
    """Packets too late to be played out."""
    mos: float | None = None
    """Mean opinion score of what came from the party over the whole call, by the E-model; None: too little came."""
    mos_min: float | None = None
    """Of the worst five seconds."""
    sent_mos: float | None = None
    """Of what the party got, by its own reports; None: it sent none."""
    sent_mos_min: float | None = None
    sent_loss: float = 0.0
    """Share of our packets that the party missed, 0..1."""
    round_trip_ms: float | None = None
    """To the party and back, by the newest report."""
    unheard: str = ""
    """Why the party was not heard at its end (`OneWayAudio.reason`); empty: it was."""
    unreached: str = ""
    """Why it heard nothing of us at its end; empty: it did, as far as we know."""


class OneWayAudio(Event, frozen=True):
    """Two parties are connected, and there is nothing to hear from this one, or it hears nothing."""

    leg: str
    """The party that is not heard, or does not hear."""
    call: str
    reason: str
    """no-packets: nothing came. other-source: audio came from `source` instead of the address that was taken.
    other-payload: only payload types that were not agreed. no-rtp: what came was no RTP. unauthentic: its SRTP
    authentication fails. digital-silence: packets come and carry silence, as of a muted microphone. And of what goes
    to it: not-received: its own reports (RTCP) say that nothing of ours arrives. refused: its host or a network between
    refuses it (ICMP)."""
    direction: str = "from"
    """from: what comes from the party; to: what we send to it"""
    extension: str = ""
    trunk: str = ""
    number: str = ""
    browser: bool = False
    """The party's telephone is in a browser."""
    expected: str = ""
    """host:port that the party's SDP named; of what we send: where it goes."""
    source: str = ""
    payload_type: int = -1
    seconds: float = 0.0
    """How long it has been so."""


class OneWayAudioEnded(Event, frozen=True):
    """There is something to hear from the party after all, or it hears us again."""

    leg: str
    call: str
    extension: str = ""
    trunk: str = ""
    direction: str = "from"


class FaxDetected(Event, frozen=True):
    """A fax machine was heard on a leg."""

    call: str
    leg: str
    tone: str
    """cng: it called (1100 Hz); ced: it answered (2100 Hz)"""
    to: str = ""
    """Destination that the call was sent to for it; empty: it goes on."""


class AnsweredBy(Event, frozen=True):
    """Who answered a call of ours, as far as how it speaks tells."""

    call: str
    leg: str
    result: str
    """human, machine or unknown (not sure)"""
    cause: str
    """after-greeting-silence, greeting, words, beep, fax, initial-silence, total"""
    seconds: float
    """After the answer."""
    words: int = 0


class GreetingEnded(Event, frozen=True):
    """The machine that answered has said its greeting: it records now."""

    call: str
    leg: str
    cause: str
    """beep, quiet or total (it went on for too long)"""


class KeysSent(Event, frozen=True):
    """Keys were sent to a party for somebody at a page or program. Which is not kept: they may be a card's number."""

    call: str
    leg: str
    count: int
    by: str


class DecisionFailed(Event, frozen=True):
    """An exception while deciding for a call ended that call; the others went on."""

    call: str
    error: str
    trace: str
