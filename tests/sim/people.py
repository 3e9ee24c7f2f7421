"""What people do, thrown from the dice: how long they wait, whom they call, which keys they press."""

from __future__ import annotations

import random

from tests.sim.party import Plan, Reaction
from tests.sim.site import EXTENSIONS, INTERNAL, NUMBERS

HOLDS = ("sendonly", "inactive")
OUTSIDE = ("0398765432", "0612345678", "09012345678", "0011234567", "1840312340000")
CODES = (
    "*60",
    "*60",
    "*61",
    "*611",
    "*62",
    "*62",
    "*63",
    "*43",
    "*44",
    "*99",
    "*97",
    "*31201",
    "701",
    "*88",
    "*88",
    "*89",
    "*89203",
    "*89210",
)


def plan(dice: random.Random) -> Plan:
    """A person's way with a call."""
    one = Plan(patience=dice.choice((0.05, 0.5, 3.0, 15.0, 45.0, 70.0)) * dice.uniform(0.6, 1.4))
    one.talk = dice.choice((0.01, 1.0, 5.0, 15.0, 40.0)) * dice.uniform(0.5, 1.5)
    one.by_info = dice.random() < 0.3
    if dice.random() < 0.15:
        at = dice.uniform(0.0, one.talk)
        one.holds = [(at, dice.uniform(0.05, 10.0), dice.choice(HOLDS))]
        if dice.random() < 0.3:
            one.holds.append((at + dice.uniform(0.0, 8.0), dice.uniform(0.1, 3.0), dice.choice(HOLDS)))
    if dice.random() < 0.01:
        one.vanish = dice.uniform(0.0, one.talk)
    elif dice.random() < 0.02:
        one.mute = dice.uniform(0.0, one.talk)
    elif dice.random() < 0.03:
        one.rebind = dice.uniform(0.0, one.talk)
    return one


def menu_keys(dice: random.Random) -> list[tuple[float, str]]:
    """Keys for menus, some of them wrong."""
    at, keys = 0.0, []
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        at += dice.uniform(0.2, 4.0)
        keys.append((at, dice.choice("1123450901#*7")))
    return keys


def caller(dice: random.Random) -> Plan:
    """Somebody who calls in from outside: presses keys, waits in queues."""
    one = plan(dice)
    one.patience = max(one.patience, 0.3)
    one.talk = dice.choice((2.0, 8.0, 25.0, 60.0)) * dice.uniform(0.5, 1.5)
    one.keys = menu_keys(dice)
    return one


def log_in(dice: random.Random) -> Plan:
    """An agent at the log-in dialogue: number, PIN, now and then a wrong one."""
    index = dice.randrange(10)
    pin = str(1000 + index) if dice.random() < 0.8 else "9999"
    one = Plan(patience=20.0, talk=dice.choice((6.0, 30.0)))
    at = dice.uniform(0.1, 2.0)
    for key in f"{index + 1}#{pin}#":
        one.keys.append((at, key))
        at += dice.uniform(0.1, 0.6)
    one.by_info = dice.random() < 0.3
    return one


def wanted(dice: random.Random) -> str:
    """What somebody of the house dials."""
    throw = dice.random()
    if throw < 0.40:
        return dice.choice(EXTENSIONS)
    if throw < 0.60:
        return dice.choice(INTERNAL)
    if throw < 0.75:
        return dice.choice(OUTSIDE)
    if throw < 0.80:
        return dice.choice(("110", "119", "118", "184110"))
    if throw < 0.95:
        return dice.choice(CODES)
    return dice.choice(("999", "12", "", "*1", "2201", "x%20y", "0" * 70))


def number_in(dice: random.Random) -> str:
    """A number of the site as a caller outside dials it, now and then one it does not have."""
    number = dice.choice(tuple(NUMBERS))
    return number if dice.random() < 0.9 else dice.choice(("+81312345601", "0399999999", "201", "*60"))


def at_phone(dice: random.Random, ring_seconds: float) -> Reaction:
    """What a phone of the house does with a call."""
    throw = dice.random()
    one = Reaction(plan=plan(dice), ring=dice.choice((0.02, 0.1, 1.0, None)), after=dice.uniform(0.0, 8.0))
    one.plan.keys = menu_keys(dice) if dice.random() < 0.1 else []
    if throw < 0.62:
        if dice.random() < 0.1:
            # About when the offer is withdrawn.
            one.after = max(0.0, ring_seconds + dice.uniform(-0.15, 0.15))
        elif dice.random() < 0.1:
            one.ring, one.after = None, 0.0
        one.early = dice.random() < 0.05
    elif throw < 0.76:
        one.kind, one.status = "status", dice.choice((486, 486, 603, 480, 500, 404, 488, 408, 600))
    elif throw < 0.82:
        one.kind, one.target = (
            "redirect",
            dice.choice((*EXTENSIONS[:6], "600", "0398765432", "999", "610", "*60", "110")),
        )
    elif throw < 0.94:
        one.kind = "forever"
    elif throw < 0.96:
        one.kind = "vanish"
    elif throw < 0.98:
        one.kind, one.ring = "forever", None
    else:
        one.kind = "refuse-sdp"
    return one


def at_carrier(dice: random.Random, emergency: bool) -> Reaction:
    """What happens to a call that goes out."""
    throw = dice.random()
    one = Reaction(plan=plan(dice), ring=dice.uniform(0.05, 1.5), after=dice.uniform(0.2, 10.0))
    if dice.random() < 0.9:
        one.plan.vanish = None
    one.early = dice.random() < 0.5
    if emergency or throw < 0.7:
        return one
    if throw < 0.92:
        one.kind, one.status = "status", dice.choice((486, 404, 503, 503, 500, 403, 480, 603, 484))
    elif throw < 0.96:
        one.kind = "forever"
    else:
        one.kind, one.ring = "forever", None
    return one
