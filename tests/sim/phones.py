"""Telephones that register, move, lose power and come back; carriers that take and send calls."""

from __future__ import annotations

from appliance.sip import events as sip
from tests.sim.network import Address
from tests.sim.party import Party, Plan, Site, TalkingCall


class Phone(Party):
    """A desk phone of one extension (an extension may have several)."""

    def __init__(self, world: Site, extension: str, address: Address, box: Address, transport: str = "udp") -> None:
        super().__init__(world, extension, address, box, transport)
        self.extension = extension
        self.secret = secret_of(extension)
        self.expires = 120

    def log_on(self) -> None:
        """Registers."""
        if self.alive:
            self.register(self.secret, self.expires)

    def dial(self, number: str, plan: Plan) -> TalkingCall:
        """Calls as its extension."""
        return self.call(number, self.extension, plan, self.secret)

    def come_back(self) -> None:
        """Power again; it registers at once."""
        if not self.alive:
            super().come_back()
            self.log_on()

    def move(self) -> None:
        """Another port from now on: registers anew, without taking back the old contact in half of the cases."""
        if self.transport != "udp" or not self.alive:
            return
        network, old, dice = self.world.network, self.address, self.world.dice
        if self.trace is not None:
            self.trace(f"moves from {old}")
        if dice.random() < 0.5:
            self.unregister()
        self.address = (old[0], self.world.next_port())
        network.attach(self.address, self)
        self.world.clock.after(dice.choice((0.0, 5.0, 120.0)), lambda: network.detach(old))
        self.log_on()

    def lose_connection(self) -> None:
        """Its TCP connection breaks; it registers anew."""
        if self._connection is not None:
            self.world.network.close(self._connection.connection)


def secret_of(extension: str) -> str:
    """The digest secret of an extension in simulated sites."""
    return f"secret-{extension}"


class Carrier(Party):
    """A trunk's other side: accepts registrations, takes calls by its reaction, sends calls in."""

    def __init__(self, world: Site, name: str, address: Address, box: Address, transport: str = "udp") -> None:
        super().__init__(world, name, address, box, transport)
        self.register_status = 200
        self.expires = 300

    def dial_in(self, number: str, caller: str, plan: Plan) -> TalkingCall:
        """Somebody outside calls one of the site's numbers."""
        return self.call(number, caller, plan)

    def vanish(self) -> None:
        """The line is dead for a while; what the carrier knows it keeps."""
        deaf = self.world.network.deaf
        deaf.add(self.address)
        for call in self.calls.values():
            call.fall_silent()
        self.world.clock.after(self.world.dice.uniform(1.0, 90.0), lambda: deaf.discard(self.address))

    def asked(self, event: sip.IncomingRequest) -> None:
        """REGISTER: accepted, or refused while `register_status` says so."""
        request = event.request
        if request.method != "REGISTER":
            super().asked(event)
            return
        response = request.reply(self.register_status, to_tag="carrier")
        if self.register_status == 200:
            contact = request.headers.get("Contact") or ""
            response.headers.set("Contact", f"{contact};expires={self.expires}")
        self.endpoint.respond(event.transaction, response, self.now())
