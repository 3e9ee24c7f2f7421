"""Calls from and to the world outside: who is let in, which trunk is taken, emergency numbers above all."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.sip.flow import Flow
from tests.sim.party import Plan
from tests.sim.phones import Carrier
from tests.sim.site import trunk
from tests.unit.exchange.office import LONG, Office, destination, inbound, site


@pytest.mark.parametrize("number", ["0312345605", "+81312345605"])
def test_a_called_number_finds_its_destination_however_it_is_written(number: str) -> None:
    plain = site()
    numbers = {"0312345605": destination("extension:203")}
    office = Office(
        msgspec.structs.replace(
            plain, trunks=(msgspec.structs.replace(plain.trunks[0], numbers=numbers), *plain.trunks[1:])
        )
    )
    office.desk("203")
    call = office.comes_in(number)
    office.run(2.0)
    assert office.hears(call) == {"203"}
    started = office.told(ev.CallStarted)[0]
    assert (started.kind, started.trunk, started.caller, started.called) == ("inbound", "alpha", "0901111222", number)
    office.close()


def test_any_other_number_goes_to_the_trunks_default() -> None:
    office = Office(inbound("extension:203"))
    office.desk("203")
    call = office.comes_in("0399999999")
    office.run(2.0)
    assert office.hears(call) == {"203"}
    office.close()


def test_a_stranger_reaches_nothing() -> None:
    office = Office()
    office.desk("203")
    stranger = Carrier(office, "stranger", ("192.0.2.66", 5060), office.box.address)
    call = stranger.call("203", "0901111222", LONG)
    office.run(2.0)
    assert call.status == 401
    assert not office.told(ev.CallStarted)
    office.close()


def test_an_unanswered_caller_from_outside_gets_the_status_at_once() -> None:
    office = Office(inbound("extension:203"))
    call = office.comes_in()
    assert (call.status, call.reason) == (480, 20)
    assert not office.played(), "his own exchange tells him in his own language"
    office.close()


def test_a_call_out_shows_the_trunks_number_and_is_heard_before_the_answer() -> None:
    office = Office()
    office.reacts(office.alpha, early=True, ring=0.5, after=4.0)
    call = office.dials(office.desk("201"), "0398765432")
    office.run(1.0)
    assert not call.up
    assert call.progress[-1] == 183
    assert office.hears(call) == {"alpha"}
    taken = next(iter(office.alpha.calls.values()))
    assert taken.session is not None
    assert taken.session.remote_party.uri.user == "0312345601"  # type: ignore[union-attr]
    office.run(4.0)
    assert call.up
    assert office.hears(taken) == {"201"}
    office.close()


@pytest.mark.parametrize("status", [503, 500, 403, 408])
def test_a_trunk_that_cannot_is_followed_by_the_next(status: int) -> None:
    office = Office()
    office.reacts(office.alpha, "status", status=status, ring=None, after=0.1)
    office.reacts(office.gamma)
    call = office.dials(office.desk("201"), "0398765432")
    office.run(3.0)
    assert call.up
    assert office.hears(call) == {"gamma"}
    office.close()


@pytest.mark.parametrize(("status", "reason"), [(404, "wrong-number"), (486, "busy"), (603, "rejected")])
def test_a_callees_own_no_is_not_asked_for_twice(status: int, reason: str) -> None:
    office = Office()
    office.reacts(office.alpha, "status", status=status, ring=None, after=0.1)
    call = office.dials(office.desk("201"), "0398765432")
    assert office.until(lambda: call.over, 30)
    assert office.gamma.incoming == 0
    assert office.ending()[0] == reason
    office.close()


def test_a_silent_trunk_is_left_after_five_seconds() -> None:
    office = Office()
    office.network.deaf.add(office.alpha.address)
    office.reacts(office.gamma)
    call = office.dials(office.desk("201"), "0398765432")
    office.run(4.0)
    assert office.gamma.incoming == 0
    office.run(3.0)
    assert office.hears(call) == {"gamma"}
    office.network.deaf.clear()
    office.close()


def test_early_media_of_a_trunk_that_fails_gives_way_to_ringback() -> None:
    office = Office(inbound("menu:main"))
    plain = office.site
    menu = msgspec.structs.replace(plain.menus[0], keys={"3": destination("number:0398765432")})
    office.box.do(lambda box, now: box.configure(msgspec.structs.replace(plain, menus=(menu,)), now))
    office.reacts(office.alpha, "status", status=503, early=True, ring=0.2, after=3.0)
    office.reacts(office.gamma, ring=0.1, after=4.0)
    call = office.comes_in(plan=Plan(talk=60.0, keys=[(1.0, "3")]))
    office.run(2.0)
    assert office.hears(call) == {"alpha"}
    office.run(3.0)
    assert office.hears(call) == {"ringback"}
    office.run(4.0)
    assert office.hears(call) == {"gamma"}
    office.close()


def test_channels_are_counted_and_freed() -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", channels=1),)))
    office.reacts(office.alpha)
    first = office.dials(office.desk("201"), "0398765432")
    second = office.dials(office.desk("202"), "0398765432")
    assert office.hears(second) == {"all-lines-busy"}
    first.hang_up()
    assert office.until(lambda: second.over, 30)
    third = office.dials(office.desk("203"), "0398765432")
    office.run(2.0)
    assert third.up
    office.close()


def test_an_emergency_call_makes_a_channel_free() -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", channels=1),), routes=()))
    office.reacts(office.alpha)
    talker = office.comes_in("0312345608")
    assert talker.up
    call = office.dials(office.desk("201"), "119")
    office.run(2.0)
    assert call.up
    assert office.hears(call) == {"alpha"}
    assert talker.over
    assert ("preempted", 9) in [(one.reason, one.cause) for one in office.told(ev.CallEnded)]
    office.close()


def test_an_emergency_call_ends_no_other_while_a_later_trunk_has_a_free_channel() -> None:
    office = Office(
        site(trunks=(trunk("alpha", "10.2.0.1", channels=1), trunk("gamma", "10.2.0.3", channels=1)), routes=())
    )
    office.reacts(office.alpha)
    office.reacts(office.gamma)
    talker = office.comes_in("0312345608")
    call = office.dials(office.desk("201"), "119")
    office.run(2.0)
    assert office.hears(call) == {"gamma"}
    assert talker.up and not talker.over
    office.close()


def test_an_emergency_call_never_takes_the_channel_of_another() -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", channels=1),), routes=()))
    office.reacts(office.alpha)
    first = office.dials(office.desk("201"), "119")
    office.run(2.0)
    second = office.dials(office.desk("202"), "110")
    office.run(2.0)
    assert first.up
    assert not first.over
    assert not second.up
    office.close()


def test_an_emergency_call_tries_every_trunk() -> None:
    office = Office(site(routes=()))
    office.reacts(office.alpha, "status", status=503, after=0.1)
    office.reacts(office.gamma)
    call = office.dials(office.desk("201"), "184110")
    office.run(3.0)
    assert office.hears(call) == {"gamma"}
    office.close()


@pytest.mark.parametrize("status", [404, 486, 488, 600, 603])
def test_an_emergency_call_that_a_carrier_refuses_goes_to_the_next(status: int) -> None:
    office = Office(site(routes=()))
    office.reacts(office.alpha, "status", status=status, after=0.1)
    office.reacts(office.gamma)
    call = office.dials(office.desk("201"), "110")
    office.run(3.0)
    assert office.hears(call) == {"gamma"}
    office.close()


def test_a_caller_may_be_sent_out_again() -> None:
    office = Office(inbound("number:0398765432"))
    office.reacts(office.gamma)
    office.reacts(office.alpha, "status", status=503, after=0.1)
    call = office.comes_in()
    office.run(3.0)
    assert office.hears(call) == {"gamma"}
    assert office.ending is not None
    call.hang_up()
    office.run(1.0)
    assert office.ending() == ("answered", 16)
    office.close()


def test_a_registered_trunk_is_used_once_it_is_up() -> None:
    office = Office(
        site(
            trunks=(trunk("beta", "beta.example", register=True, username="box", password="x"),),
        )
    )
    beta = office.carrier("beta")
    beta.register_status = 403
    call = office.dials(office.desk("201"), "0398765432")
    assert office.until(lambda: call.over, 30)
    assert office.told(ev.TrunkDown)
    assert office.ending() == ("trunk-down", 38)
    beta.register_status = 200
    assert office.until(lambda: bool(office.told(ev.TrunkUp)), 120)
    office.reacts(beta)
    plain = office.site
    routed = msgspec.structs.replace(plain, routes=(msgspec.structs.replace(plain.routes[0], trunks=("beta",)),))
    office.box.do(lambda box, now: box.configure(routed, now))
    again = office.dials(office.desk("202"), "0398765432")
    office.run(2.0)
    assert office.hears(again) == {"beta"}
    office.close()


def test_a_trunk_follows_our_own_address_when_it_changes() -> None:
    office = Office(site(trunks=(trunk("beta", "beta.example", register=True, username="box", password="x"),)))
    office.carrier("beta")
    trunks = office.exchange.context.trunks
    line = trunks.lines["beta"]
    assert office.until(lambda: line.state == "up", 30)
    before, registration = line.flow, line.registration
    office.exchange.resolved(_look_up(office), [before], office.exchange.context.now)
    assert (line.flow, line.registration) == (before, registration)
    moved = msgspec.structs.replace(before, local=("10.0.0.9", 5060))
    office.exchange.resolved(_look_up(office), [moved], office.exchange.context.now)
    assert line.flow == moved
    assert line.registration is not registration


def test_a_stream_to_a_trunk_is_used_for_as_long_as_it_lasts() -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", transport="tcp"),)))
    trunks, context = office.exchange.context.trunks, office.exchange.context
    line = trunks.lines["alpha"]
    flow = Flow("tcp", ("10.0.0.1", 40000), ("10.2.0.1", 5060), 77)
    line.flows = []
    office.exchange.resolved(_look_up(office), [flow], context.now)
    office.run(1000.0)
    assert line.flows == [flow], "no other connection was made meanwhile"


def _look_up(office: Office) -> int:
    """Has every trunk looked up anew; the number of the last query, whose answer is left to the test."""
    office.exchange.addresses_changed(office.exchange.context.now)
    trunks = office.exchange.context.trunks
    office.exchange.context.outputs.clear()
    return min(trunks._queries)


def test_an_emergency_call_finds_an_audio_port_kept_for_it() -> None:
    office = Office(site(routes=()), ports=range(10_000, 10_040))
    office.reacts(office.alpha)
    others = [office.dials(office.desk("202"), "*43") for _ in range(19)]
    assert [other.up for other in others] == [True] * 18 + [False]
    call = office.dials(office.desk("201"), "119")
    office.run(2.0)
    assert office.hears(call) == {"alpha"}
    assert not any(other.over for other in others[:18])
    office.close()


def test_an_emergency_call_ends_another_call_when_no_audio_port_is_left() -> None:
    office = Office(ports=range(10_000, 10_008))
    office.reacts(office.alpha)
    desks = [office.desk(number) for number in ("201", "202", "203", "204")]
    older, newer = office.dials(desks[0], "202"), office.dials(desks[2], "204")
    office.run(3.0)
    assert older.up and newer.up
    assert office.dials(office.desk("205"), "*43").status == 503
    assert [one.fault for one in office.told(ev.FaultRaised)] == ["rtp-ports"]
    call = office.dials(office.desk("206"), "110")
    office.run(2.0)
    assert call.up
    assert office.hears(call) == {"alpha"}
    assert newer.over and not older.over
    assert ("preempted", 9) in [(one.reason, one.cause) for one in office.told(ev.CallEnded)]
    office.run(3700.0)
    assert [one.fault for one in office.told(ev.FaultCleared)] == ["rtp-ports"]
    office.close()


def test_a_trunk_that_does_not_answer_is_told_from_one_without_a_free_channel() -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", channels=1),)))
    office.network.deaf.add(office.alpha.address)
    call = office.dials(office.desk("201"), "0398765432")
    assert office.until(lambda: call.over, 60)
    assert office.ending() == ("trunk-down", 38)
    office.network.deaf.clear()
    office.reacts(office.alpha)
    office.dials(office.desk("202"), "0398765432")
    second = office.dials(office.desk("203"), "0398765432")
    assert office.until(lambda: second.over, 60)
    assert office.ending() == ("no-channel", 34)
    office.close()


@pytest.mark.parametrize(
    ("from_", "headers", "caller"),
    [
        ("anonymous", (("P-Asserted-Identity", "<sip:0901111222@carrier>"),), "0901111222"),
        ("0399999999", (("P-Asserted-Identity", "<tel:+81901111222>"),), "+81901111222"),
        ("anonymous", (("P-Asserted-Identity", "<sip:0901111222@carrier>"), ("Privacy", "user;id")), "anonymous"),
        ("0399999999", (("P-Asserted-Identity", "<sip:carrier>"),), "0399999999"),
    ],
)
def test_the_carriers_network_is_believed_about_who_calls(
    from_: str, headers: tuple[tuple[str, str], ...], caller: str
) -> None:
    office = Office()
    office.alpha.call("0312345600", from_, LONG, headers=headers)
    office.run(0.5)
    assert office.told(ev.CallStarted)[0].caller == caller
    office.close()
