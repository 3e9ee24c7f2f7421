"""The sound card as the exchange sees it: a loudspeaker that may hear something, a line-in that callers may hear.

It is no leg: nobody is called, it never hangs up. It is two ports of the audio model, bridged to the sound processes by
RTP on loopback, and one mix that says what the loudspeaker hears. In the order of who goes first: a page; a test tone;
the call that is listened to, with the ringing for who waits too long laid over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.center.hours import is_open
from appliance.errors import CommandError
from appliance.events import (
    ListeningStarted,
    ListeningStopped,
    LoudspeakerQuiet,
    LoudspeakerRang,
    PageEnded,
    PageStarted,
)
from appliance.exchange.audio import AnyMediaEvent, Link, Mix, Payload, Player, PlayerFinished, PortFailed, RtpPort
from appliance.exchange.causes import FAILED
from appliance.exchange.outputs import RestartSound
from appliance.exchange.view import SoundView

if TYPE_CHECKING:
    from appliance.exchange.call import Call
    from appliance.exchange.context import Context, Deferred
    from appliance.exchange.paging import Page
    from appliance.site.model import Queue

LOOPBACK = "127.0.0.1"
HOURS_SECONDS = 20.0
"""How often it is looked whether the hours of a queue that wants to ring have begun or ended."""


class CardLink(msgspec.Struct, frozen=True):
    """A sound process that is ready."""

    port: int
    """UDP on loopback, where it takes and sends L16 with payload type 96."""
    clock: int
    """16000 or 48000"""


class SoundPort:
    """One direction of the card: a port row while the process is there."""

    def __init__(self, context: Context, direction: str) -> None:
        self.context = context
        self.output = direction == "output"
        self.row = 0
        self._port = 0

    def link(self, link: CardLink | None) -> int:
        """Makes the row, or drops it; the engine's UDP port, 0: none is free."""
        context = self.context
        if self.row:
            context.media.drop(self.row)
            context.media.release_port(self._port)
            self.row = self._port = 0
        port = context.media.allocate_port() if link is not None else None
        if link is None or port is None:
            return 0
        self._port, self.row = port, context.next_row()
        codec = Payload(96, "L16", link.clock)
        context.media.put(
            RtpPort(
                id=self.row,
                local=(LOOPBACK, port),
                remote=(LOOPBACK, link.port),
                receive=(codec,),
                send=codec,
                sending=self.output,
                receiving=not self.output,
                timeout=0.0,
            )
        )
        return port


class SoundCard:
    """Everything that is heard through it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._ports = {direction: SoundPort(context, direction) for direction in ("output", "input")}
        self.page: Page | None = None
        self.listening: Call | None = None
        self._listener = ""
        self._waiting: dict[Call, Queue] = {}
        """Whose caller has waited too long, in the order in which they began to."""
        self._rings: Call | None = None
        self._again: Deferred | None = None
        self._mix = 0
        self._mixed: tuple[Link, ...] = ()
        self._players: dict[str, Player] = {}
        """What the box itself plays on the loudspeaker: "chime", "ring", "test"."""
        self._line_in_heard = 0

    # --- the card ----------------------------------------------------------------------------------------------------
    @property
    def speaker(self) -> int:
        """Row of the loudspeaker; 0: there is none."""
        return self._ports["output"].row

    @property
    def line_in(self) -> int:
        """Row of what callers hear as music; 0: the box's own music."""
        return self._ports["input"].row if self.context.site.sound.music == "line-in" else 0

    def linked(self, direction: str, link: CardLink | None) -> int:
        """The sound process of this direction is there or gone; the engine's port for it."""
        if direction == "output":
            return self._speaker_linked(link)
        port = self._ports["input"]
        before = port.row
        if before:
            # Whoever hears the old row must hear something else before it goes.
            port.row = 0
            self._move_music()
            port.row = before
        number = port.link(link)
        self._move_music()
        return number

    def _speaker_linked(self, link: CardLink | None) -> int:
        self._unmix()
        self._drop_players()
        number = self._ports["output"].link(link)
        if not number:
            page = self.page
            if page is not None:
                self.end_page(page, "no-loudspeaker")
                self.context.contain(page.call, lambda: page.call.end(FAILED))
            self.stop_listening("box", "no-loudspeaker")
        self._ring()
        return number

    def configure(self) -> None:
        """Takes over volume and source of music of the present site."""
        self._move_music()
        self.settle()

    def _move_music(self) -> None:
        if self.line_in == self._line_in_heard:
            return
        self._line_in_heard = self.line_in
        for call in list(self.context.calls.values()):
            for leg in call.legs:
                if leg.musical and leg.state != "ended":
                    self.context.contain(call, leg.music)
                    self.context.stirred.add(call.id)

    def handle(self, event: AnyMediaEvent) -> bool:
        """Carries out what the media side says of our rows; False: it is about others'."""
        test = self._players.get("test")
        if test is not None and test.id == event.id and isinstance(event, PlayerFinished):
            self._drop_player("test")
            self.settle()
            return True
        for direction, port in self._ports.items():
            if port.row and port.row == event.id:
                if isinstance(event, PortFailed):
                    self.linked(direction, None)
                    self.context.outputs.append(RestartSound(direction))
                return True
        return False

    # --- what it plays -----------------------------------------------------------------------------------------------
    def settle(self) -> None:
        """Brings the loudspeaker's mix to what it shall hear now."""
        links: list[Link] = []
        if self.speaker:
            gain = round((self.context.site.sound.volume / 100) ** 2, 4)
            links = [Link(self.speaker, source, gain) for source in self._sources()]
        mixed = tuple(links)
        if mixed != self._mixed:
            self._mixed = mixed
            if mixed:
                self._mix = self._mix or self.context.next_row()
                self.context.media.put(Mix(id=self._mix, links=mixed))
            else:
                self._unmix()
        for name in [one for one, player in self._players.items() if all(player.id != link.source for link in mixed)]:
            self._drop_player(name)

    def _sources(self) -> list[int]:
        page = self.page
        if page is not None:
            return [self._playing("chime") if page.chiming else page.leg.port_row]
        if "test" in self._players:
            return [self._players["test"].id]
        sources = []
        if self.listening is not None:
            sources = [leg.port_row for leg in self.listening.bridge if leg.state == "answered" and not leg.held]
        return [*sources, self._playing("ring")] if self._rings is not None else sources

    def _playing(self, name: str) -> int:
        """Row of one of our own players; it begins now if it was not there."""
        present = self._players.get(name)
        if present is None:
            context = self.context
            beep = context.tone("beep")
            files = {
                "chime": context.voice.chime() or beep,
                "ring": context.tone("ring") or beep,
                "test": context.voice.chime() + beep * 3,
            }[name]
            loops = name == "ring"
            present = Player(id=context.next_row(), files=files, loop_from=0 if loops else -1)
            self._players[name] = present
            context.media.put(present)
        return present.id

    def _drop_player(self, name: str) -> None:
        self.context.media.drop(self._players.pop(name).id)

    def _drop_players(self) -> None:
        for name in list(self._players):
            self._drop_player(name)

    def _unmix(self) -> None:
        self._mixed = ()
        if self._mix:
            self.context.media.drop(self._mix)
            self._mix = 0

    def test(self) -> None:
        """Plays the test tone; CommandError no_loudspeaker, busy (a page goes first)."""
        self._need_speaker()
        if self.page is not None:
            caller = self.page.leg.extension
            raise CommandError("busy", f"Extension {caller} is paging.", ja=f"内線 {caller} が館内放送中です。")
        self._playing("test")
        self.settle()

    def _need_speaker(self) -> None:
        if not self.speaker:
            why = "This box has no loudspeaker now; the system page says why."
            raise CommandError("no_loudspeaker", why, ja="今はスピーカーが使えません。理由はシステム画面にあります。")

    # --- paging ------------------------------------------------------------------------------------------------------
    def begin_page(self, page: Page) -> None:
        """The loudspeaker is this page's until `end_page`."""
        self.page = page
        self.context.emit(PageStarted(call=page.call.id, extension=page.leg.extension))
        self.settle()

    def end_page(self, page: Page, reason: str) -> None:
        """The page is over (said twice it changes nothing)."""
        if self.page is page:
            self.page = None
            self.context.emit(PageEnded(call=page.call.id, extension=page.leg.extension, reason=reason))
            self.settle()

    # --- listening to a call -----------------------------------------------------------------------------------------
    def listen(self, call_id: str, by: str) -> None:
        """Has both parties of a conversation heard; see `Exchange.listen`."""
        call = self.context.calls.get(call_id)
        if call is None:
            raise CommandError("not_found", "That call is over, or there is none.", ja="その通話はもうありません。")
        if not call.bridge:
            raise CommandError(
                "not_talking", "Nobody talks in this call yet.", ja="この通話ではまだ誰も話していません。"
            )
        self._need_speaker()
        if self.listening is call:
            return
        self.stop_listening("box", "replaced")
        self.listening, self._listener = call, by
        self.context.emit(ListeningStarted(call=call.id, by=by))
        self.settle()

    def stop_listening(self, by: str, reason: str) -> None:
        """No call is heard any more."""
        call, self.listening, self._listener = self.listening, None, ""
        if call is not None:
            self.context.emit(ListeningStopped(call=call.id, by=by, reason=reason))
            self.settle()

    def concerns(self, call: Call) -> bool:
        """Whether this call's audio is heard on the loudspeaker."""
        return self.listening is call or (self.page is not None and self.page.call is call)

    def call_ended(self, call: Call) -> None:
        """Nothing of this call may be left here, whatever went wrong in its end."""
        if self.listening is call:
            self.stop_listening("box", "call-ended")
        if self.page is not None and self.page.call is call:
            self.end_page(self.page, "hung-up")
        self.waits_no_more(call)

    # --- callers who wait too long -----------------------------------------------------------------------------------
    def waits_too_long(self, call: Call, queue: Queue) -> None:
        """Rings for this caller until `waits_no_more`."""
        self._waiting[call] = queue
        self._ring()

    def waits_no_more(self, call: Call) -> None:
        """The caller was answered, gave up or went elsewhere."""
        if self._waiting.pop(call, None) is not None:
            self._ring()

    def _ring(self) -> None:
        """Begins or ends the ringing, and looks again while the hours of somebody's queue may change that."""
        context = self.context
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if any(queue.loudspeaker_hours for queue in self._waiting.values()):
            self._again = context.after(HOURS_SECONDS, None, self._ring)
        due = (call for call, queue in self._waiting.items() if self.speaker and self._may_ring(queue))
        first, before = next(due, None), self._rings
        self._rings = first
        if first is not None and before is None:
            waited = context.now.wall - first.queued if first.queued is not None else 0.0
            context.emit(LoudspeakerRang(call=first.id, queue=self._waiting[first].id, waited=round(waited, 1)))
        elif first is None and before is not None:
            context.emit(LoudspeakerQuiet())
        self.settle()

    def _may_ring(self, queue: Queue) -> bool:
        site = self.context.site
        hours = next((one for one in site.hours if one.id == queue.loudspeaker_hours), None)
        return hours is None or is_open(hours, self.context.now.wall, site.site.timezone)

    def rows(self) -> set[int]:
        """Every row of ours in the desired table."""
        own = {self._mix, *(port.row for port in self._ports.values()), *(one.id for one in self._players.values())}
        return own - {0}

    # --- for people --------------------------------------------------------------------------------------------------
    def view(self) -> SoundView:
        """How it stands."""
        return SoundView(
            loudspeaker=bool(self.speaker),
            line_in=bool(self._ports["input"].row),
            music="line-in" if self.line_in else "built-in",
            paging=self.page.leg.extension if self.page is not None else "",
            listening=self.listening.id if self.listening is not None else "",
            listening_by=self._listener,
            ringing=self._rings.id if self._rings is not None else "",
        )
