"""A trunk without registration is asked every minute whether it is there."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from tests.sim.site import trunk
from tests.unit.exchange.office import Office, site


def test_a_trunk_that_stops_answering_is_down_and_up_again_within_minutes() -> None:
    office = Office()
    for _ in range(2):
        office.network.deaf.add(office.alpha.address)
        office.run(100.0)
        assert office.told(ev.TrunkDown)[-1].trunk == "alpha"
        office.network.deaf.clear()
        office.run(70.0)
        assert office.told(ev.TrunkUp)[-1].trunk == "alpha"
    assert len([one for one in office.told(ev.TrunkDown) if one.trunk == "alpha"]) == 2
    office.close()


def test_a_trunk_in_use_is_not_asked_but_goes_on_being_watched() -> None:
    office = Office()
    talker = office.comes_in("0312345608")
    assert talker.up
    office.run(130.0)
    assert not office.told(ev.TrunkDown)
    talker.hang_up()
    office.run(2.0)
    office.network.deaf.add(office.alpha.address)
    office.run(100.0)
    assert [one.trunk for one in office.told(ev.TrunkDown)] == ["alpha"]
    office.network.deaf.clear()
    office.close()


def test_a_trunk_that_is_not_watched_is_unchecked_until_a_call_shows_it_is_there() -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", watch=False),)))
    office.network.deaf.add(office.alpha.address)
    office.run(200.0)
    assert office.exchange.trunks()[0].state == "unchecked"
    call = office.dials(office.desk("201"), "0398765432")
    assert office.until(lambda: call.over, 60)
    assert office.exchange.trunks()[0].state == "unchecked"
    assert not office.told(ev.FaultRaised), "that nobody is there is no fault"
    office.network.deaf.clear()
    office.reacts(office.alpha)
    office.dials(office.desk("202"), "0398765432")
    office.run(3.0)
    assert office.exchange.trunks()[0].state == "up"
    office.close()


@pytest.mark.parametrize("watch", [True, False])
def test_a_call_that_finds_nobody_at_the_carrier_says_so_and_the_next_shows_it_is_back(watch: bool) -> None:
    office = Office(site(trunks=(trunk("alpha", "10.2.0.1", watch=watch),)))
    office.network.faults = msgspec.structs.replace(office.network.faults, unreachable=1.0)
    gone = office.network.hosts.pop(office.alpha.address)
    call = office.dials(office.desk("201"), "0398765432")
    assert office.until(lambda: call.over, 10)
    assert office.ending() == ("trunk-down", 38), "not that every line is busy"
    (line,) = office.exchange.trunks()
    assert (line.state, line.reason["en"]) == ("down", "it does not answer")
    assert [one.fault for one in office.told(ev.FaultRaised)] == (["trunk:alpha"] if watch else [])
    office.network.hosts[office.alpha.address] = gone
    office.reacts(office.alpha)
    office.dials(office.desk("202"), "0398765432")
    office.run(3.0)
    assert office.exchange.trunks()[0].state == "up"
    assert [one.fault for one in office.told(ev.FaultCleared)] == (["trunk:alpha"] if watch else [])
    office.close()
