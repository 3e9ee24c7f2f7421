"""What every part of the exchange shares: the present moment, the configuration, the cores it drives, the way out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.center.decisions import Decision
from appliance.clock import Entropy, Instant
from appliance.events import Event, Stamped
from appliance.exchange.audio import Media, Voice
from appliance.exchange.outputs import Output
from appliance.sip.events import Resolve
from appliance.sip.timers import Alarm, TimerHeap

if TYPE_CHECKING:
    from appliance.center.center import CallCenter
    from appliance.exchange.call import Call
    from appliance.exchange.desk_codes import Pins
    from appliance.exchange.keeping import Keeping
    from appliance.exchange.leg import Leg
    from appliance.exchange.phones import Phones
    from appliance.exchange.ports import AudioPorts
    from appliance.exchange.quality import Departed
    from appliance.exchange.recording import CallRecorder
    from appliance.exchange.routing import Router
    from appliance.exchange.sound import SoundCard
    from appliance.exchange.trunks import Trunks
    from appliance.sip.endpoint import Endpoint
    from appliance.site.dialplan import DialPlan
    from appliance.site.model import Site


def _nothing() -> None:
    """What a cancelled deferral does."""


class Deferred:
    """Something to be done later, unless it is cancelled."""

    __slots__ = ("_action", "_alarm", "_call", "_context")

    def __init__(self, context: Context, seconds: float, call: Call | None, action: Callable[[], None]) -> None:
        self._context = context
        self._call = call
        self._action = action
        self._alarm: Alarm = context.timers.set(context.now.mono + seconds, "", self)

    def fire(self, _name: str, _now: Instant) -> None:
        """Its time has come."""
        self._context.contain(self._call, self._action)

    def cancel(self) -> None:
        """It will not be done; may be called any time."""
        self._context.timers.cancel(self._alarm)
        # Whoever holds this is often held by the action: let go, so that nobody has to search for the circle.
        self._call, self._action = None, _nothing


class Context:
    """Held by every leg, call and activity. `now` is the instant of the input being worked on."""

    endpoint: Endpoint
    center: CallCenter
    media: Media
    voice: Voice
    phones: Phones
    pins: Pins
    trunks: Trunks
    keeping: Keeping
    router: Router
    sound: SoundCard
    site: Site
    plan: DialPlan
    ports: AudioPorts

    def __init__(self, entropy: Entropy, now: Instant, recordings: str, advertise: str) -> None:
        """`recordings`: absolute folder of recordings; `advertise`: the address to show in SDP ("": the local one)."""
        self.entropy = entropy
        self.now = now
        self.recordings = recordings
        self.advertise = advertise
        self.own_address = "127.0.0.1"
        """The address that a phone reached us at last, for one whose connection must be made anew."""
        self.outputs: deque[Stamped | Output | Resolve] = deque()
        self.decisions: deque[Decision] = deque()
        """What the call centre decided and nobody has carried out yet."""
        self.timers = TimerHeap()
        self.calls: dict[str, Call] = {}
        self.stirred: set[str] = set()
        """Calls that something happened to since the last drain: their state may be another one."""
        self.rows: dict[int, Leg] = {}
        """Port and player rows of living legs."""
        self.recorders: dict[int, CallRecorder] = {}
        """Recorder rows -> whose they are, until their file is complete: some time longer than their call."""
        self.departed: dict[int, Departed] = {}
        """Port rows just dropped: their final figures are still to come."""
        # Above the rows of the run before, which a media process that outlived us may still hold.
        self._row = int(now.wall) % 2000 * 1_000_000
        self.contain: Callable[[Call | None, Callable[[], None]], None] = lambda _call, action: action()
        """Runs something for a call so that an exception ends only that call; set by the exchange."""

    def next_row(self) -> int:
        """A row id that was never used."""
        self._row += 1
        return self._row

    def reserve_rows(self, last: int) -> None:
        """Rows up to this id were used by a run before."""
        self._row = max(self._row, last)

    def call_id(self) -> str:
        """A new call id: sorts by time, unique across restarts."""
        return f"{int(self.now.wall * 1000):011x}{self.entropy(3).hex()}"

    def emit(self, event: Event) -> None:
        """Puts an event on its way to the ledger, behind all that the call centre said before."""
        self.collect()
        self.outputs.append(Stamped(self.now, event))
        if (call := getattr(event, "call", "")) in self.calls:
            self.stirred.add(call)

    def collect(self) -> None:
        """Takes over what the call centre says: events to the ledger, decisions to be carried out in the drain.

        Before each event of our own, so that the ledger tells things in the order in which they happened: a caller
        leaves the queue before he talks, and before his call ends.
        """
        poll = self.center.poll
        while (said := poll()) is not None:
            if isinstance(said, Decision):
                self.decisions.append(said)
            else:
                self.outputs.append(Stamped(self.now, said))

    def after(self, seconds: float, call: Call | None, action: Callable[[], None]) -> Deferred:
        """Calls `action` in `seconds`; what it raises is contained to `call`."""
        return Deferred(self, seconds, call, action)

    def tone(self, name: str) -> tuple[str, ...]:
        """A call-progress tone of the site's country, one period to loop."""
        return self.voice.tone(name, self.site.site.country)
