"""A day of everything at once: calls of every kind, people of every temper, all that can go wrong, from one seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from appliance.exchange.sound import CardLink
from appliance.sip import events as sip
from tests.sim import people
from tests.sim.network import AWFUL, PERFECT, ROUGH, Faults
from tests.sim.party import Party, Reaction, TalkingCall
from tests.sim.site import AGENTS, EXTENSIONS, build, changed
from tests.sim.world import World

BETWEEN_CALLS = (0.2, 0.6, 1.0, 1.0, 2.0)
"""Seconds between two calls, on average; one of these a day."""
NETWORKS = (ROUGH, ROUGH, ROUGH, AWFUL, PERFECT)
PORTS = (range(10_000, 12_000), range(10_000, 12_000), range(10_000, 10_041))
"""RTP ports of the box: enough, or twenty."""


SRTP = ("off", "off", "off", "off", "optional", "optional", "required")
"""How phones are set; not all of them as their extension is."""


class Day:
    """Fills a world with life."""

    def __init__(
        self,
        seed: int,
        calls: int = 1000,
        faults: Faults | None = None,
        trace: Callable[[str], None] | None = None,
        calm: bool = False,
        kills: bool = False,
    ) -> None:
        """`calm`: nothing goes wrong but what people do. `kills`: the box is killed again and again."""
        self.calls = calls
        self.calm, self.kills = calm, kills
        self.made = 0
        kinds = random.Random(seed)
        self.pace = kinds.choice(BETWEEN_CALLS)
        ports = PORTS[0] if calm else kinds.choice(PORTS)
        self.world = World(seed, build, faults or kinds.choice(NETWORKS), trace, ports)
        self.dice = self.world.dice
        self.over = False

    def run(self) -> World:
        """The whole day, checked all along and at its end."""
        world, dice = self.world, self.dice
        self._staff()
        world.run(5.0)
        self._plan(self.pace, self._call)
        self._plan(4.0, self._agent)
        self._plan(15.0, self._hang_up_one)
        if not self.calm:
            world.engine.port_failures = dice.choice((0.0, 0.01, 0.1))
            world.engine.disk_full = dice.choice((0.0, 0.05))
            self._plan(20.0, self._sound_card)
            for seconds, act in (
                (60.0, self._configure),
                (120.0, lambda: world.engine.die() if world.box.dead else world.engine.restart()),
                (90.0, lambda: world.clock.step_wall(dice.choice((-90_000.0, -5.0, 3.0, 30_000.0)))),
                (40.0, self._phone_trouble),
                (100.0, self._carrier_trouble),
            ):
                self._plan(seconds, act)
        if self.kills:
            self._plan(30.0, self._kill)
        shut_down = dice.random() < 0.3
        world.until(lambda: self.made >= self.calls, self.calls * self.pace * 20)
        self.over = True
        world.box.fuse = None
        if world.box.dead:
            self._restart()
        for way in ("output", "input"):
            if not world.box.dead:
                world.box.do(lambda box, now, way=way: box.sound_linked(way, None, now))  # type: ignore[misc]
        if shut_down:
            world.run(dice.uniform(0.0, 20.0))
            world.box.do(lambda box, now: box.shut_down(now))
        for phones in world.phones.values():
            for phone in phones:
                phone.come_back()
        for carrier in world.carriers.values():
            world.network.deaf.discard(carrier.address)
        world.close()
        return world

    def _plan(self, seconds: float, act: Callable[[], object]) -> None:
        """Does it again and again, `seconds` apart on average, while the day lasts."""

        def again() -> None:
            if not self.over:
                act()
                self.world.clock.after(self.dice.expovariate(1 / seconds), again)

        self.world.clock.after(self.dice.expovariate(1 / seconds), again)

    # --- who is there ------------------------------------------------------------------------------------------------
    def _staff(self) -> None:
        world, dice = self.world, self.dice
        for name in ("alpha", "beta", "gamma"):
            carrier = world.carrier(name, transport="tcp" if name == "gamma" else "udp")
            carrier.react = self._at_carrier
            carrier.srtp = "optional" if name == "beta" else dice.choice(("off", "off", "required"))
        for extension in EXTENSIONS[:-1]:
            for _ in range(dice.choice((1, 1, 1, 2, 3))):
                phone = world.phone(extension, transport="tcp" if dice.random() < 0.15 else "udp")
                phone.expires = dice.choice((60, 120, 300))
                phone.srtp = dice.choice(SRTP)
                phone.react = self._at_phone
        for agent in AGENTS:
            if dice.random() < 0.8:
                world.command(lambda box, now, agent=agent: box.set_agent_status(agent, "available", "", "sim", now))  # type: ignore[misc]

    def _at_phone(self, call: TalkingCall, event: sip.IncomingSession) -> Reaction:
        if len(call.party.calls) > 1 and self.dice.random() < 0.7:
            return Reaction(kind="status", status=486, after=0.05, ring=None)
        return people.at_phone(self.dice, self.dice.choice((5.0, 6.0, 8.0, 12.0, 20.0)))

    def _at_carrier(self, call: TalkingCall, event: sip.IncomingSession) -> Reaction:
        request = event.session.request
        emergency = request is not None and request.uri.split("@")[0] in ("sip:110", "sip:118", "sip:119")
        return people.at_carrier(self.dice, emergency)

    # --- what happens ------------------------------------------------------------------------------------------------
    def _call(self) -> None:
        if self.made >= self.calls:
            return
        self.made += 1
        world, dice = self.world, self.dice
        throw = dice.random()
        if throw < 0.5:
            carrier = dice.choice(list(world.carriers.values()))
            caller = dice.choice((f"09{dice.randrange(10**8):08d}", "anonymous", "0612340000"))
            plan = people.caller(dice)
            if dice.random() < 0.8:
                plan.vanish = None
            carrier.dial_in(people.number_in(dice), caller, plan)
            return
        phone = dice.choice([one for phones in world.phones.values() for one in phones])
        if not phone.alive:
            phone.come_back()
        if throw < 0.92:
            number = people.wanted(dice)
            plan = people.log_in(dice) if number == "*60" else people.caller(dice)
            phone.dial(number, plan)
        elif throw < 0.97:
            number = people.wanted(dice)
            world.command(lambda box, now: box.originate(phone.extension, number, now))
        else:
            phone.call(dice.choice(EXTENSIONS), phone.extension, people.caller(dice), secret="wrong")

    def _agent(self) -> None:
        dice, world = self.dice, self.world
        agent = dice.choice(AGENTS)
        throw = dice.random()
        if throw < 0.25:
            world.command(lambda box, now: box.wrap_up_done(agent, "sim", now))
        elif throw < 0.75:
            world.command(lambda box, now: box.set_agent_status(agent, "available", "", "sim", now))
        elif throw < 0.9:
            world.command(lambda box, now: box.set_agent_status(agent, "break", "Lunch", "sim", now))
        else:
            world.command(lambda box, now: box.set_agent_status(agent, "logged-out", "", "sim", now))

    def _hang_up_one(self) -> None:
        calls = list(self.world.exchange.context.calls)
        if calls:
            chosen = self.dice.choice(calls)
            self.world.command(lambda box, now: box.hangup(chosen, now))
        self.world.exchange.calls()
        self.world.exchange.queues()
        self.world.exchange.registrations()

    def _kill(self) -> None:
        """At once, or between two outputs of what happens next; back after a moment, or nearly too late."""
        dice, box = self.dice, self.world.box
        if box.dead or box.fuse is not None:
            return
        if dice.random() < 0.5:
            box.kill()
        else:
            box.fuse = dice.randrange(1, 40)
        self.world.clock.after(dice.choice((0.5, 2.0, 10.0, 60.0)) * dice.uniform(0.5, 1.5), self._restart)

    def _restart(self) -> None:
        box = self.world.box
        if box.dead:
            box.restart(box.exchange.context.site)
        box.fuse = None

    def _configure(self) -> None:
        world = self.world
        if world.box.dead:
            return
        site = changed(world.site, self.dice) if self.dice.random() < 0.6 else world.site
        world.box.do(lambda box, now: box.configure(site, now))

    def _sound_card(self) -> None:
        """Somebody plugs it in or out, or has a call heard."""
        dice, world = self.dice, self.world
        if world.box.dead:
            return
        throw, way = dice.random(), dice.choice(("output", "input"))
        if throw < 0.5:
            world.box.do(lambda box, now: box.sound_linked(way, CardLink(dice.randrange(40_000, 60_000), 16_000), now))
        elif throw < 0.6:
            world.box.do(lambda box, now: box.sound_linked(way, None, now))
        elif throw < 0.9 and (calls := list(world.exchange.context.calls)):
            world.command(lambda box, now: box.listen(dice.choice(calls), "web:sv", now))
        elif throw < 0.95:
            world.command(lambda box, now: box.sound_test(now))
        else:
            world.command(lambda box, now: box.stop_listening("web:sv", now))
        world.exchange.sound()

    def _phone_trouble(self) -> None:
        dice, world = self.dice, self.world
        phone = dice.choice([one for phones in world.phones.values() for one in phones])
        throw = dice.random()
        if not phone.alive:
            phone.come_back()
        elif throw < 0.3:
            phone.vanish()
            world.clock.after(dice.uniform(1.0, 200.0), phone.come_back)
        elif throw < 0.6:
            phone.move()
        elif throw < 0.8:
            phone.lose_connection()
        else:
            phone.unregister()
            world.clock.after(dice.uniform(0.1, 30.0), lambda: phone.log_on() if phone.registration is None else None)

    def _carrier_trouble(self) -> None:
        dice, world = self.dice, self.world
        carrier: Party = dice.choice(list(world.carriers.values()))
        throw = dice.random()
        if throw < 0.5:
            world.network.deaf.add(carrier.address)
            world.clock.after(dice.uniform(1.0, 90.0), lambda: world.network.deaf.discard(carrier.address))
        elif throw < 0.8:
            world.carriers["beta"].register_status = dice.choice((503, 403))
            world.clock.after(dice.uniform(1.0, 90.0), lambda: setattr(world.carriers["beta"], "register_status", 200))
        else:
            for connection in list(world.network.connections):
                if dice.random() < 0.5:
                    world.network.close(connection)
