"""Where calls go: dialled strings and destinations become activities of the calling leg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.center.hours import is_open
from appliance.exchange.activities import Announce, Echo, Farewell, LegActivity, Music
from appliance.exchange.attempt import Target
from appliance.exchange.causes import (
    ANSWERED,
    BUSY,
    CLOSED,
    LOOP,
    NOT_ALLOWED,
    NOT_REGISTERED,
    TRUNK_DOWN,
    WRONG_NUMBER,
    Ending,
)
from appliance.exchange.desk_codes import AgentCode, BreakCode, LogInDialogue
from appliance.exchange.dialling import Dialling
from appliance.exchange.menus import InMenu
from appliance.exchange.paging import ListenCode, page
from appliance.exchange.waiting import Waiting
from appliance.site.dialplan import CodeDialled, Emergency, External, Internal, Meaning, ParkSlot
from appliance.site.model import Announcement, Destination, Group, Hours, Menu, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.call import Call
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg


class Router:
    """The parts of the present site by id, and what each kind of destination does with a caller."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._queues: dict[str, Queue] = {}
        self._menus: dict[str, Menu] = {}
        self._announcements: dict[str, Announcement] = {}
        self._hours: dict[str, Hours] = {}
        self._groups: dict[str, Group] = {}
        self._senders: dict[str, Callable[[Leg, str], None]] = {
            "extension": self._to_extension,
            "group": self._to_group,
            "hours": self._to_hours,
            "queue": self._to_queue,
            "menu": self._to_menu,
            "announcement": self._to_announcement,
            "number": self._to_number,
            "music": self._to_music,
            "hangup": self._to_hangup,
        }

    def configure(self) -> None:
        """Takes over the present site."""
        site = self.context.site
        self._queues = {one.id: one for one in site.queues}
        self._menus = {one.id: one for one in site.menus}
        self._announcements = {one.id: one for one in site.announcements}
        self._hours = {one.id: one for one in site.hours}
        self._groups = {one.id: one for one in site.groups}

    # --- dialled strings ---------------------------------------------------------------------------------------------
    def kind_of(self, meaning: Meaning) -> str:
        """The record's kind for a call that an extension makes."""
        if isinstance(meaning, Internal):
            return "internal"
        if isinstance(meaning, CodeDialled | ParkSlot):
            return "service"
        return "outbound" if isinstance(meaning, External | Emergency) else "internal"

    def follow(self, leg: Leg, meaning: Meaning, dialled: str) -> None:
        """Does what a dialled string means."""
        if isinstance(meaning, Internal):
            self.send(leg, meaning.destination)
        elif isinstance(meaning, Emergency):
            self._emergency(leg, meaning.number)
        elif isinstance(meaning, External):
            number = meaning.privacy + meaning.number
            if not meaning.trunks:
                self.fail(leg, TRUNK_DOWN)
                return
            leg.call.destination = f"number:{number}"
            Dialling(leg, (Target(number=number, trunks=meaning.trunks),)).begin()
        elif isinstance(meaning, CodeDialled):
            self._code(leg, meaning)
        elif isinstance(meaning, ParkSlot):
            self._not_built(leg)
        else:
            leg.call.routed(f"number:{dialled}")
            self.fail(leg, WRONG_NUMBER)

    def target_of(self, number: str) -> Target | None:
        """Whom a number rings, where that is one phone or a number outside that is no emergency number."""
        meaning = self.context.plan.lookup(number)
        if isinstance(meaning, Internal) and meaning.destination.kind == "extension":
            return Target(extension=meaning.destination.target)
        if isinstance(meaning, External) and meaning.trunks:
            return Target(number=meaning.privacy + meaning.number, trunks=meaning.trunks)
        return None

    def _emergency(self, leg: Leg, number: str) -> None:
        call = leg.call
        call.emergency = True
        call.routed(f"number:{number}")
        trunks = self.context.trunks.all_ids()
        if not trunks:
            self.fail(leg, TRUNK_DOWN)
            return
        Dialling(leg, (Target(number=number, trunks=trunks, emergency=True),)).begin()

    def _code(self, leg: Leg, code: CodeDialled) -> None:
        leg.call.routed(f"code:{code.code}")
        context = self.context
        activity: LegActivity
        if code.code == "echo":
            activity = Echo(leg)
        elif code.code == "music":
            activity = Music(leg)
        elif code.code == "address":
            host = leg.session.flow.local[0] if leg.session is not None and leg.session.flow is not None else ""
            call = leg.call
            said = (
                call.phrase("address") + context.voice.digits(host, call.language)
                if host
                else call.phrase("no-address")
            )
            activity = Announce(leg, said)
        elif code.code == "page":
            activity = page(leg)
        elif code.code == "listen":
            activity = ListenCode(leg, code.argument)
        elif code.code == "agent":
            activity = LogInDialogue(leg)
        elif code.code == "agent_break":
            activity = BreakCode(leg, code.argument)
        elif code.code in ("available", "wrap_up_done"):
            activity = AgentCode(leg, code.code)
        else:
            self._not_built(leg)
            return
        activity.begin()

    def _not_built(self, leg: Leg) -> None:
        Announce(leg, leg.call.phrase("not-built"), CLOSED).begin()

    # --- destinations ------------------------------------------------------------------------------------------------
    def send(self, leg: Leg, destination: Destination) -> None:
        """The caller `leg` goes to a destination of the site file."""
        call = leg.call
        if not call.routed(str(destination)):
            self.fail(leg, LOOP)
            return
        # voicemail, conference: accepted in a site file, not part of this version; and parts that a change removed.
        self._senders.get(destination.kind, self._to_nothing)(leg, destination.target)

    def fail(self, leg: Leg, ending: Ending) -> None:
        """The call cannot go on; the caller hears why."""
        Farewell(leg, ending).begin()

    def _to_nothing(self, leg: Leg, _target: str) -> None:
        Announce(leg, self._announced(leg.call, "closed"), CLOSED).begin()

    def _to_extension(self, leg: Leg, target: str) -> None:
        if target not in self.context.phones.extensions:
            self.fail(leg, WRONG_NUMBER)
        elif leg.direction == "in" and leg.extension == target:
            # Whoever dials the own number is on that line.
            self.fail(leg, BUSY)
        else:
            Dialling(leg, (Target(extension=target),)).begin()

    def _to_group(self, leg: Leg, target: str) -> None:
        group = self._groups.get(target)
        if group is None:
            self._to_nothing(leg, target)
            return
        phones = self.context.phones
        members = tuple(
            Target(extension=one) for one in group.members if one != leg.extension and phones.registered(one)
        )
        if members:
            Dialling(leg, members, group.ring_seconds).begin()
        else:
            self.fail(leg, NOT_REGISTERED)

    def _to_hours(self, leg: Leg, target: str) -> None:
        hours = self._hours.get(target)
        if hours is None:
            self._to_nothing(leg, target)
            return
        inside = is_open(hours, self.context.now.wall, self.context.site.site.timezone)
        self.send(leg, hours.inside if inside else hours.outside)

    def _to_queue(self, leg: Leg, target: str) -> None:
        queue = self._queues.get(target)
        if queue is None:
            self._to_nothing(leg, target)
        else:
            Waiting(leg, queue).begin()

    def _to_menu(self, leg: Leg, target: str) -> None:
        menu = self._menus.get(target)
        if menu is None:
            self._to_nothing(leg, target)
        else:
            InMenu(leg, menu).begin()

    def _to_announcement(self, leg: Leg, target: str) -> None:
        Announce(leg, self._announced(leg.call, target)).begin()

    def _announced(self, call: Call, target: str) -> tuple[str, ...]:
        """The files of an announcement; for a site without it the box has words of its own."""
        one = self._announcements.get(target)
        files: tuple[str, ...] = ()
        if one is not None:
            files = self.context.voice.file(one.file) if one.file else call.text(one.text)
        return files or call.phrase("agents-busy" if target == "busy" else "closed")

    def _to_number(self, leg: Leg, target: str) -> None:
        meaning = self.context.plan.lookup(target)
        if isinstance(meaning, CodeDialled | ParkSlot):
            self.fail(leg, NOT_ALLOWED)
        else:
            self.follow(leg, meaning, target)

    def _to_music(self, leg: Leg, _target: str) -> None:
        Music(leg).begin()

    def _to_hangup(self, leg: Leg, _target: str) -> None:
        leg.call.end(ANSWERED if leg.state == "answered" else CLOSED)
