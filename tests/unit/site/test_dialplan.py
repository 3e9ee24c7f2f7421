"""What a dialled string means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.site.dialplan import CodeDialled, DialPlan, Emergency, External, Internal, ParkSlot, Unknown
from appliance.site.model import (
    Codes,
    Destination,
    Extension,
    Group,
    Menu,
    Queue,
    Route,
    Site,
    SiteInfo,
    Trunk,
)

SITE = Site(
    site=SiteInfo(country="JP"),
    extensions=(Extension(number="201"), Extension(number="202")),
    queues=(Queue(id="support", number="600"),),
    menus=(Menu(id="main", number="790"),),
    groups=(Group(id="sales", number="610"),),
    trunks=(
        Trunk(
            id="carrier",
            host="203.0.113.5",
            numbers={"0312345678": Destination(kind="hours", target="office"), "201": Destination(kind="music")},
            default=Destination(kind="menu", target="main"),
        ),
        Trunk(id="spare", host="203.0.113.6"),
    ),
    routes=(
        Route(pattern="0XXXXXXXXX", trunks=("carrier", "spare")),
        Route(pattern="0X0XXXXXXXX", trunks=("carrier",)),
        Route(pattern="0120XXXXXX", trunks=("spare",)),
        Route(pattern="010.", trunks=("spare",)),
        Route(pattern="9N.", trunks=("carrier",)),
    ),
)
PLAN = DialPlan(SITE)


def internal(kind: str, target: str) -> Destination:
    return Destination(kind=kind, target=target)


@pytest.mark.parametrize(
    ("dialled", "meaning"),
    [
        ("110", Emergency(number="110")),
        ("118", Emergency(number="118")),
        ("119", Emergency(number="119")),
        ("184110", Emergency(number="110")),
        ("1-1-0", Emergency(number="110")),
        ("201", Internal(number="201", destination=internal("extension", "201"))),
        ("600", Internal(number="600", destination=internal("queue", "support"))),
        ("790", Internal(number="790", destination=internal("menu", "main"))),
        ("610", Internal(number="610", destination=internal("group", "sales"))),
        ("705", ParkSlot(slot="705")),
        ("*60", CodeDialled(code="agent")),
        ("*61", CodeDialled(code="agent_break")),
        ("*612", CodeDialled(code="agent_break", argument="2")),
        ("*31201", CodeDialled(code="monitor", argument="201", built=False)),
        ("**202", CodeDialled(code="pickup", argument="202", built=False)),
        ("*8", CodeDialled(code="pickup_group", built=False)),
        ("*88", CodeDialled(code="page")),
        ("*89", CodeDialled(code="listen")),
        ("*89201", CodeDialled(code="listen", argument="201")),
        ("*720312345678", CodeDialled(code="forward_on", argument="0312345678", built=False)),
        ("*43", CodeDialled(code="echo")),
        ("0398765432", External(number="0398765432", trunks=("carrier", "spare"), pattern="0XXXXXXXXX")),
        ("03-9876-5432", External(number="0398765432", trunks=("carrier", "spare"), pattern="0XXXXXXXXX")),
        ("+81398765432", External(number="0398765432", trunks=("carrier", "spare"), pattern="0XXXXXXXXX")),
        ("09012345678", External(number="09012345678", trunks=("carrier",), pattern="0X0XXXXXXXX")),
        ("0120123456", External(number="0120123456", trunks=("spare",), pattern="0120XXXXXX")),
        ("+16502530000", External(number="01016502530000", trunks=("spare",), pattern="010.")),
        (
            "1840398765432",
            External(number="0398765432", trunks=("carrier", "spare"), pattern="0XXXXXXXXX", privacy="184"),
        ),
        ("9212", External(number="9212", trunks=("carrier",), pattern="9N.")),
        ("9112", Unknown(number="9112")),
        ("92", Unknown(number="92")),
        ("299", Unknown(number="299")),
        ("", Unknown(number="")),
        ("*", Unknown(number="*")),
        ("*31abc", Unknown(number="*31abc")),
        ("010", Unknown(number="010")),
        ("aiko", Unknown(number="aiko")),
    ],
)
def test_meaning(dialled: str, meaning: object) -> None:
    assert PLAN.lookup(dialled) == meaning


def test_any_string_is_answered() -> None:
    for odd in ("x" * 10_000, "+", "++81", "*72", "١١٠", "\x00", "184", "+8" * 40):
        assert isinstance(PLAN.lookup(odd), Unknown | CodeDialled | External)


@given(st.text(max_size=80) | st.text("0123456789*#+-XZN.", max_size=30))
def test_any_string_has_one_meaning_and_may_come_from_a_carrier(dialled: str) -> None:
    assert PLAN.lookup(dialled) == PLAN.lookup(dialled)
    assert PLAN.inbound("carrier", dialled) is not None


def test_the_more_specific_pattern_wins_wherever_it_stands() -> None:
    routes = (
        Route(pattern=".", trunks=("a",)),
        Route(pattern="0X.", trunks=("b",)),
        Route(pattern="03.", trunks=("c",)),
    )
    plan = DialPlan(Site(site=SiteInfo(country="US"), routes=routes))
    assert [plan.lookup(number).trunks for number in ("5551", "0551", "0355")] == [("a",), ("b",), ("c",)]  # type: ignore[union-attr]


def test_an_emergency_number_goes_before_a_number_of_the_site() -> None:
    plan = DialPlan(Site(extensions=(Extension(number="110"),), codes=Codes(echo="119")))
    assert plan.lookup("110") == Emergency(number="110")
    assert plan.lookup("119") == Emergency(number="119")


@pytest.mark.parametrize(
    ("called", "destination"),
    [
        ("0312345678", "hours:office"),
        ("+81312345678", "hours:office"),
        ("03-1234-5678", "hours:office"),
        ("81312345678", "hours:office"),
        ("0398765432", "menu:main"),
        ("201", "music"),
        ("anonymous", "menu:main"),
    ],
)
def test_called_numbers_of_a_trunk_are_compared_after_normalisation(called: str, destination: str) -> None:
    assert str(PLAN.inbound("carrier", called)) == destination


def test_a_trunk_without_numbers_uses_its_default() -> None:
    assert str(PLAN.inbound("spare", "0312345678")) == "announcement:closed"


def test_a_thousand_routes() -> None:
    routes = tuple(Route(pattern=f"0{number:04}XXXXX", trunks=("carrier",)) for number in range(1000))
    found = DialPlan(Site(routes=routes)).lookup("0099912345")
    assert isinstance(found, External) and found.pattern == "00999XXXXX"


@pytest.mark.parametrize(
    ("dialled", "same"), [("110#", "110"), ("201#", "201"), ("0312345678#", "0312345678"), ("*43#", "*43")]
)
def test_a_hash_that_ends_the_number_is_not_part_of_it(dialled: str, same: str) -> None:
    plan = DialPlan(SITE)
    assert plan.lookup(dialled) == plan.lookup(same)
