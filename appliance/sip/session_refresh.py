"""Session timers (RFC 4028): an interval is agreed on, one side refreshes at its half, both end the call without it."""

from __future__ import annotations

from abc import abstractmethod

from appliance.clock import Instant
from appliance.sip.message import Request, Response
from appliance.sip.session_base import SessionBase

_GRACE = 40.0
"""Seconds before its end in which a resumed session timer counts as overdue: a refresh takes up to 32 s to fail."""
_SOON = 2.0


class RefreshedSession(SessionBase):
    """A session with a session timer."""

    __slots__ = ()

    def _ask_for_timer(self, request: Request) -> None:
        """Adds Session-Expires and Min-SE to an INVITE, re-INVITE or UPDATE of ours (RFC 4028 7.1).

        The first request leaves it to the callee who refreshes; later ones keep the roles, in terms of that request.
        """
        policy = self.layer.policy
        values = request.headers.values
        if self.state in ("calling", "early", "incoming"):
            interval, role = max(policy.expires, self._min_se), ""
        elif self.interval:
            interval, role = self.interval, ";refresher=uac" if self.refresher == "us" else ";refresher=uas"
        else:
            return
        values["Session-Expires"] = [f"{max(interval, self._min_se)}{role}"]
        values["Min-SE"] = [str(max(policy.minimum, self._min_se))]

    def _too_brief(self, request: Request) -> bool:
        """Whether an interval below our minimum is asked for, by one who understands 422 (RFC 4028 8.1)."""
        asked = request.session_expires
        return asked is not None and asked.seconds < self.layer.policy.minimum and "timer" in request.supported

    def _agree_timer(self, request: Request, response: Response, now: Instant) -> None:
        """Fills in our 2xx to an INVITE or UPDATE and sets the timer (RFC 4028 9)."""
        asked = request.session_expires
        supported = "timer" in request.supported
        values = response.headers.values
        if asked is None:
            if not supported:
                self._stop_timer()
                return
            interval, refresher = self.interval or self.layer.policy.expires, "uas"
        else:
            interval = asked.seconds
            # A caller that knows no session timers cannot refresh: the header came from a proxy (RFC 4028 table 2).
            refresher = (asked.refresher or "uac") if supported else "uas"
        interval = max(interval, request.min_se or 0)
        values["Session-Expires"] = [f"{interval};refresher={refresher}"]
        if refresher == "uac":
            values["Require"] = ["timer"]
        self._set_timer(interval, "us" if refresher == "uas" else "them", now)

    def _learn_timer(self, response: Response, now: Instant) -> None:
        """Takes what the peer's 2xx says (RFC 4028 7.2); without Session-Expires there is no session timer."""
        agreed = response.session_expires
        if agreed is None or agreed.seconds == 0:
            self._stop_timer()
            return
        self._set_timer(max(agreed.seconds, 30), "them" if agreed.refresher == "uas" else "us", now)

    def _stop_timer(self) -> None:
        self.interval = 0
        self.layer.timers.cancel(self._refresh_alarm)
        self.layer.timers.cancel(self._expires_alarm)
        self._refresh_alarm = self._expires_alarm = None

    def _set_timer(self, interval: int, refresher: str, now: Instant) -> None:
        timers = self.layer.timers
        timers.cancel(self._refresh_alarm)
        timers.cancel(self._expires_alarm)
        self.interval = interval
        self.timer_set = now.mono
        self.refresher = "us" if refresher == "us" else "them"
        # RFC 4028 10: BYE comes a little before the expiry, so that it is not crossed by it.
        margin = 0.0 if refresher == "us" else min(32.0, interval / 3)
        self._expires_alarm = timers.set(now.mono + interval - margin, "session_expired", self)
        self._refresh_alarm = (
            timers.set(now.mono + interval / 2, "session_refresh", self) if refresher == "us" else None
        )

    def resume_timer(self, interval: int, refresher: str, since: float, now: Instant) -> None:
        """Goes on with a timer that was set at `since`, when the box may have been away for a while.

        What fell due meanwhile is made up for by a refresh of ours, whoever's turn it was: a refresh of the peer may
        have come to nobody. A peer whose connection is gone is given time to come back first.
        """
        self._set_timer(interval, refresher, Instant(since, now.wall))
        timers, alarm, expires = self.layer.timers, self._refresh_alarm, self._expires_alarm
        overdue = expires is None or expires.when < now.mono + _GRACE
        due = now.mono if overdue else alarm.when if alarm is not None else None
        if overdue:
            timers.cancel(expires)
            self._expires_alarm = timers.set(now.mono + 2 * _GRACE, "session_expired", self)
        if due is not None:
            timers.cancel(alarm)
            pause = _SOON if self.flow is not None else _GRACE / 2
            self._refresh_alarm = timers.set(max(due, now.mono + pause), "session_refresh", self)

    def session_refresh(self, now: Instant) -> None:
        """Our half of the interval is over."""
        self._refresh_alarm = None
        if not self._refresh(now):
            self._refresh_alarm = self.layer.timers.set(now.mono + 5.0, "session_refresh", self)

    def session_expired(self, now: Instant) -> None:
        """Nobody refreshed in time: the peer or the path is gone."""
        self._expires_alarm = None
        self.hang_up(now)
        self._end(408, "Session timer expired", 102, "them", now)

    @abstractmethod
    def _refresh(self, now: Instant) -> bool:
        """Sends the refresh; False while another exchange is under way."""
