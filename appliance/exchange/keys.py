"""Keys that parties press: which way each party's come, each press taken once, and passed on to the other one.

Three ways: telephone-events (RFC 4733), tones in the audio (ITU-T Q.23), INFO (application/dtmf-relay). The engine
passes on what comes in the audio stream, as the listener's way needs it; what comes or goes by INFO is passed on here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.exchange.leg import Leg

KEYS = frozenset("0123456789*#ABCD")
MOST_KEYS = 32
"""Keys sent by one command: what the engine keeps waiting."""
INFO_SECONDS = 0.25
"""Between two INFOs: they may overtake each other on their way."""
SAME_PRESS_SECONDS = 3.0
"""The same key by another way within this time is the same press."""

RFC4733, INBAND, INFO = "rfc4733", "inband", "info"


def setting(leg: Leg) -> str:
    """What the site file says for this party: auto, rfc4733, inband or info."""
    site = leg.context.site
    if leg.trunk:
        return next((trunk.dtmf for trunk in site.trunks if trunk.id == leg.trunk), "auto")
    if leg.extension:
        extension = leg.context.phones.extensions.get(leg.extension)
        return extension.dtmf if extension is not None else "auto"
    return "auto"


def manner(leg: Leg) -> str:
    """How keys are sent to this party: rfc4733, inband or info."""
    wanted = leg.dtmf
    if wanted == "auto":
        return RFC4733 if leg.negotiated is not None and leg.negotiated.send_events is not None else INBAND
    return wanted


def hears_tones(leg: Leg) -> bool:
    """Whether tones in the audio are to be found: nothing else says what is pressed, and somebody wants to know it."""
    if manner(leg) != INBAND:
        return False
    if leg.activity is not None or (leg.extension and leg.context.site.site.record_key):
        return True
    return any(manner(other) != INBAND for other in leg.call.bridge if other is not leg)


def heard(leg: Leg, key: str, way: str) -> None:
    """The party pressed a key: it reaches what the leg is doing, or the party it talks to."""
    if leg.dtmf not in ("auto", way) or _again(leg, key, way):
        return
    if leg.activity is not None:
        leg.activity.digit(key)
        return
    if leg.extension:
        leg.call.recorder.key(key, f"phone:{leg.extension}")
    for other in leg.call.bridge if leg in leg.call.bridge else ():
        if other is not leg and (way == INFO or manner(other) == INFO):
            press(other, key)


def _again(leg: Leg, key: str, way: str) -> bool:
    """Whether this is a press that was heard already, by another way."""
    now = leg.context.now.mono
    last, last_way, at = leg.key_heard
    if last == key and last_way != way and now - at < SAME_PRESS_SECONDS:
        return True
    leg.key_heard = (key, way, now)
    return False


def press(leg: Leg, keys: str) -> None:
    """Sends keys to the party, in its way, one after the other."""
    if manner(leg) != INFO:
        leg.press_keys(keys)
        return
    for place, key in enumerate(keys):
        if place:
            leg.context.after(place * INFO_SECONDS, leg.call, partial(_inform, leg, key))
        else:
            _inform(leg, key)


def reachable(leg: Leg) -> bool:
    """Whether keys can be sent to the party now: by INFO only once it has answered."""
    return manner(leg) != INFO or (
        leg.state == "answered" and leg.session is not None and leg.session.state in ("answered", "confirmed")
    )


def _inform(leg: Leg, key: str) -> None:
    session = leg.session
    if session is None or not reachable(leg):
        return
    session.info("application/dtmf-relay", f"Signal={key}\r\nDuration=160\r\n".encode(), leg.context.now)
