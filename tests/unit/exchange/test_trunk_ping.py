"""A trunk without registration is asked every minute whether it is there."""

from __future__ import annotations

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
