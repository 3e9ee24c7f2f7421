"""A trunk without registration is asked every minute whether it is there."""

from __future__ import annotations

from appliance import events as ev
from tests.unit.exchange.office import Office


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
