"""Sites for the simulator: one that uses everything a site file can say, and what may change in it."""

from __future__ import annotations

import random

import msgspec

from appliance.site.model import (
    Agent,
    Announcement,
    Break,
    Destination,
    Extension,
    Group,
    Hours,
    Menu,
    Queue,
    Route,
    Site,
    SiteInfo,
    Sound,
    Trunk,
)
from tests.sim.box import PIN
from tests.sim.phones import secret_of
from tests.sim.voices import NOT_READY

EXTENSIONS = tuple(str(number) for number in range(201, 225))
AGENTS = ("aiko", "ben", "chie", "dai", "emi", "fumi", "goro", "hana", "iku", "jun")
NUMBERS = {
    "0312345601": "queue:support",
    "0312345602": "menu:main",
    "0312345603": "hours:office",
    "0312345604": "group:sales",
    "0312345605": "extension:215",
    "0312345606": "number:0398765432",
    "0312345607": "announcement:busy",
    "0312345608": "music",
    "0312345609": "hangup",
    "0312345610": "voicemail:201",
    "0312345611": "queue:vip",
    "0312345612": "queue:night",
    "0312345613": "menu:deep",
    "0312345614": "number:201",
    "0312345615": "queue:support",
}
INTERNAL = ("600", "601", "602", "603", "610", "611", "700", "790", "791", "795")
STRATEGIES = ("longest-idle", "ring-all", "round-robin", "least-calls", "least-talk", "random", "linear", "skills")


def destination(text: str) -> Destination:
    """`queue:support` as the site file writes it."""
    kind, _, target = text.partition(":")
    return Destination(kind=kind, target=target)


def trunk(name: str, host: str, **options: object) -> Trunk:
    """A trunk with the numbers of the site."""
    numbers = {number: destination(text) for number, text in NUMBERS.items()}
    fields: dict[str, object] = {"numbers": numbers, "default": destination("menu:main"), **options}
    return Trunk(id=name, host=host, **fields)  # type: ignore[arg-type]


def build(dice: random.Random) -> Site:
    """A busy small call centre; what does not matter for the rules is thrown."""
    queues = (
        Queue(
            id="support",
            number="600",
            strategy=dice.choice(STRATEGIES),
            ring_seconds=dice.choice((5, 12, 20)),
            wrap_up_seconds=dice.choice((0, 3, 10)),
            max_wait_seconds=dice.choice((30, 120)),
            announce_seconds=dice.choice((0, 5, 30)),
            record="always",
            loudspeaker_seconds=8,
            loudspeaker_hours="office",
        ),
        Queue(
            id="sales",
            number="601",
            strategy="ring-all",
            ring_seconds=8,
            wrap_up_seconds=2,
            max_wait_seconds=40,
            overflow=destination("queue:support"),
            loudspeaker_seconds=3,
        ),
        Queue(
            id="vip",
            number="602",
            strategy=dice.choice(STRATEGIES),
            ring_seconds=6,
            wrap_up_seconds=0,
            max_wait_seconds=20,
            overflow=destination("extension:216"),
            record="never",
        ),
        Queue(id="night", number="603", overflow=destination("menu:deep"), max_wait_seconds=25, ring_seconds=10),
    )
    members = {"support": 7, "sales": 5, "vip": 4, "night": 2}
    agents = tuple(
        Agent(
            id=name,
            number=str(index + 1),
            name=name.title(),
            pin_hash=f"{PIN}{1000 + index}" if index % 3 else "",
            extension=EXTENSIONS[index],
            queues=tuple(queue for queue, wanted in members.items() if dice.random() < wanted / len(AGENTS)),
            skills={"support": dice.randrange(1, 5)},
        )
        for index, name in enumerate(AGENTS)
    )
    return Site(
        site=SiteInfo(name="Sim", language="ja", timezone="Asia/Tokyo", record=dice.choice(("always", "never"))),
        extensions=tuple(
            Extension(
                number=number,
                name=f"Desk {number}",
                password=secret_of(number),
                record=dice.choice(("", "", "always", "never")),
                srtp=dice.choice(("off", "optional", "optional", "optional", "required")),
            )
            for number in EXTENSIONS
        ),
        agents=agents,
        queues=queues,
        menus=(
            Menu(
                id="main",
                number="790",
                prompt="Press 1.",
                timeout_seconds=3,
                retries=1,
                default=destination("queue:support"),
                keys={
                    "1": destination("queue:support"),
                    "2": destination("queue:sales"),
                    "3": destination("extension:217"),
                    "4": destination("menu:deep"),
                    "5": destination("hours:office"),
                    "9": destination("menu:main"),
                    "0": destination("number:0398765432"),
                },
            ),
            Menu(
                id="deep",
                number="791",
                prompt=NOT_READY,
                timeout_seconds=2,
                retries=0,
                default=destination("menu:main"),
                keys={"1": destination("group:all"), "10": destination("queue:vip"), "11": destination("hangup")},
            ),
        ),
        announcements=(Announcement(id="busy", text="Busy."), Announcement(id="hello", file="hello.wav", number="700")),
        hours=(
            Hours(
                id="office",
                number="795",
                open=("mon-fri 09:00-18:00",),
                inside=destination("menu:main"),
                outside=destination("announcement:closed"),
            ),
        ),
        groups=(
            Group(id="sales", number="610", members=("218", "219", "220"), ring_seconds=15),
            Group(id="all", number="611", members=EXTENSIONS[10:20], ring_seconds=10),
        ),
        trunks=(
            trunk("alpha", "10.2.0.1", channels=6, caller_id="0312345601"),
            trunk("beta", "beta.example", channels=4, register=True, username="boxb", password="pw", srtp="required"),
            trunk("gamma", "10.2.0.3", channels=3, transport="tcp", sources=("10.2.0.0/24",)),
        ),
        routes=(
            Route(pattern="0XXXXXXXXX", trunks=("alpha", "beta", "gamma")),
            Route(pattern="0X0XXXXXXXX", trunks=("gamma", "alpha")),
            Route(pattern="00.", trunks=("beta",)),
        ),
        breaks=(Break(key="1", name="Lunch"), Break(key="2", name="Training")),
        sound=Sound(music="line-in", input="auto", page_seconds=20, listen_extensions=EXTENSIONS[:12]),
    )


def changed(site: Site, dice: random.Random) -> Site:
    """The site as an administrator may change it while calls go on."""
    replace = msgspec.structs.replace
    kind = dice.randrange(7)
    if kind == 0:
        return replace(site, queues=tuple(queue for queue in site.queues if dice.random() < 0.7))
    if kind == 1:
        names = [queue.id for queue in site.queues]
        return replace(
            site,
            agents=tuple(
                replace(agent, queues=tuple(name for name in names if dice.random() < 0.5)) for agent in site.agents
            ),
        )
    if kind == 2:
        return replace(site, agents=tuple(agent for agent in site.agents if dice.random() < 0.8))
    if kind == 3:
        return replace(site, extensions=tuple(one for one in site.extensions if dice.random() < 0.9))
    if kind == 4:
        return replace(site, trunks=tuple(one for one in site.trunks if dice.random() < 0.7))
    if kind == 5:
        return replace(site, trunks=tuple(replace(one, channels=dice.randrange(1, 9)) for one in site.trunks))
    return replace(site, menus=(), groups=(), announcements=())
