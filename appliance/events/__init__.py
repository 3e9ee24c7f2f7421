"""Every event of the ledger, one file a subject: typed, frozen, each with a schema number.

Inside: plain data only; may import nothing of Hako but clock and errors. `Event` is the base, `Entry` an event as it
was committed, `codec` writes and reads them (older schema numbers included). Import events from here.
"""

from appliance.events.agent import AgentStateChanged, AgentStatusChanged
from appliance.events.base import Entry, Event, Stamped
from appliance.events.box import (
    BoxStarted,
    BoxStopped,
    ClockStepped,
    ConfigChanged,
    FaultCleared,
    FaultRaised,
    LogIn,
    MediaRestarted,
)
from appliance.events.call import (
    CallEnded,
    CallRouted,
    CallStarted,
    DecisionFailed,
    LegAnswered,
    LegAudio,
    LegBridged,
    LegEnded,
    LegHeld,
    LegMoved,
    LegResumed,
    LegRinging,
    LegStarted,
    OneWayAudio,
    OneWayAudioEnded,
)
from appliance.events.line import PhoneRegistered, PhoneUnregistered, TrunkDown, TrunkUp
from appliance.events.menu import MenuEntered, MenuKey, MenuLeft
from appliance.events.queue import QueueEntered, QueueLeft, QueueOffered, QueueOfferEnded, QueuePosition
from appliance.events.recording import (
    RecordingPaused,
    RecordingResumed,
    RecordingSegment,
    RecordingStarted,
    RecordingStopped,
)
from appliance.events.sound import (
    ListeningStarted,
    ListeningStopped,
    LoudspeakerQuiet,
    LoudspeakerRang,
    PageEnded,
    PageStarted,
)

__all__ = [
    "AgentStateChanged",
    "AgentStatusChanged",
    "BoxStarted",
    "BoxStopped",
    "CallEnded",
    "CallRouted",
    "CallStarted",
    "ClockStepped",
    "ConfigChanged",
    "DecisionFailed",
    "Entry",
    "Event",
    "FaultCleared",
    "FaultRaised",
    "LegAnswered",
    "LegAudio",
    "LegBridged",
    "LegEnded",
    "LegHeld",
    "LegMoved",
    "LegResumed",
    "LegRinging",
    "LegStarted",
    "ListeningStarted",
    "ListeningStopped",
    "LogIn",
    "LoudspeakerQuiet",
    "LoudspeakerRang",
    "MediaRestarted",
    "MenuEntered",
    "MenuKey",
    "MenuLeft",
    "OneWayAudio",
    "OneWayAudioEnded",
    "PageEnded",
    "PageStarted",
    "PhoneRegistered",
    "PhoneUnregistered",
    "QueueEntered",
    "QueueLeft",
    "QueueOfferEnded",
    "QueueOffered",
    "QueuePosition",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingSegment",
    "RecordingStarted",
    "RecordingStopped",
    "Stamped",
    "TrunkDown",
    "TrunkUp",
]
