"""Checks a site as a whole: that what is named exists, that ids are given once, and what deserves a warning."""

from __future__ import annotations

import ipaddress
import zoneinfo
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from appliance.errors import ConfigError
from appliance.site.clashes import check_numbers
from appliance.site.codes import CODES, dialled
from appliance.site.dialplan import PATTERN_DIGITS
from appliance.site.fields import Problems, meant, shown
from appliance.site.model import NOWHERE, Codes, Destination, Site
from appliance.site.numbers import countries, known_country, normalise

Plain = Mapping[tuple[str, int], str]
"""Plain secrets of the file by (kind, index)."""

NOT_BUILT_DESTINATIONS = ("voicemail", "conference")
COMMON_PASSWORDS = frozenset(
    ("password", "passw0rd", "12345678", "123456789", "qwertyui", "abcd1234", "admin123", "changeme", "letmein1")
)


def check(site: Site, problems: Problems, plain: Plain, on_box: bool = False) -> None:
    """Adds every error and warning of a site whose single values are right.

    `on_box`: what the file leaves out of secrets has been taken from the box it is for, where that has them.
    """
    _check_site(site, problems)
    _check_unique(site, problems)
    _check_people(site, problems, plain, on_box)
    _check_destinations(site, problems)
    _check_parts(site, problems)
    _check_trunks(site, problems)
    _check_hours(site, problems)
    _check_loops(site, problems)
    _check_codes(site.codes, problems)
    _check_sound(site, problems)
    check_numbers(site, problems)


def _check_site(site: Site, problems: Problems) -> None:
    info = site.site
    if not known_country(info.country):
        problems.error(
            "site.country",
            f"unknown country {shown(info.country)}; a code of two capitals such as JP or US"
            + meant(info.country.upper(), countries()),
        )
    try:
        zoneinfo.ZoneInfo(info.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = meant(info.timezone, zoneinfo.available_timezones())
        problems.error("site.timezone", f'unknown time zone {shown(info.timezone)}; such as "Asia/Tokyo"{near}')


def _check_unique(site: Site, problems: Problems) -> None:
    keys = {
        "users": "name",
        "agents": "id",
        "queues": "id",
        "menus": "id",
        "announcements": "id",
        "hours": "id",
        "groups": "id",
        "trunks": "id",
        "breaks": "key",
        "routes": "pattern",
    }
    for kind, key in keys.items():
        _once(problems, kind, key, (getattr(part, key) for part in getattr(site, kind)))
    _once(problems, "agents", "number", (agent.number for agent in site.agents))
    _once(problems, "agents", "user", (agent.user for agent in site.agents))


def _once(problems: Problems, kind: str, key: str, values: Iterable[str]) -> None:
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        if value and value in seen:
            problems.error(f"{kind}[{index}].{key}", f"{shown(value)} is already that of {kind}[{seen[value]}]")
        seen.setdefault(value, index)


def _check_people(site: Site, problems: Problems, plain: Plain, on_box: bool) -> None:
    for index, user in enumerate(site.users):
        path = f"users[{index}]"
        if ("users", index) in plain:
            _warn_weak(problems, f"{path}.password", plain["users", index], user.name)
        elif not user.password_hash:
            problems.error(
                path,
                f"password is missing, here and on the box: give {shown(user.name)} one"
                if on_box
                else "password (or password_hash) is missing",
            )
        elif not user.password_hash.startswith("$argon2"):
            problems.error(f"{path}.password_hash", "is not an Argon2 hash; give password instead")
    users = {user.name for user in site.users}
    for index, extension in enumerate(site.extensions):
        path = f"extensions[{index}]"
        if extension.password:
            _warn_weak(problems, f"{path}.password", extension.password, extension.number)
        else:
            problems.warn(
                f"{path}.password",
                f"is missing, here and on the box: no phone can register as {extension.number}"
                if on_box
                else "is missing; a box that has one keeps it, else no phone can register",
            )
        _warn_bare_keys(problems, f"extensions[{index}].srtp", extension.srtp)
        if extension.user and extension.user not in users:
            near = meant(extension.user, users)
            problems.warn(f"{path}.user", f"there is no user {shown(extension.user)}; nobody can use it{near}")
    extensions = {extension.number for extension in site.extensions}
    queues = {queue.id for queue in site.queues}
    for index, agent in enumerate(site.agents):
        path = f"agents[{index}]"
        pin = plain.get(("agents", index), "")
        if pin and (len(pin) < 4 or len(set(pin)) == 1):
            problems.warn(f"{path}.pin", "is easy to guess; take at least 4 different digits")
        if not pin and agent.pin_hash and not agent.pin_hash.startswith(("$argon2", "scrypt$")):
            problems.error(f"{path}.pin_hash", "is not a hash that this box makes; give pin instead")
        if not pin and not agent.pin_hash:
            problems.warn(f"{path}.pin", "is missing; anyone can log this agent in")
        _known(problems, f"{path}.extension", "extension", agent.extension, extensions)
        if agent.user and agent.user not in users:
            near = meant(agent.user, users)
            problems.warn(f"{path}.user", f"there is no user {shown(agent.user)}; the agent has no web log-in{near}")
        for place, queue in enumerate(agent.queues):
            _known(problems, f"{path}.queues[{place}]", "queue", queue, queues)


def _warn_bare_keys(problems: Problems, path: str, rule: str) -> None:
    if rule == "required":
        text = "keys travel in SIP messages, which are not encrypted while tls is not built: who reads them can listen"
        problems.warn(path, text)


def _warn_weak(problems: Problems, path: str, password: str, name: str) -> None:
    if len(password) < 8:
        problems.warn(path, "is too short to be safe; take at least 8 characters")
    elif password.lower() in COMMON_PASSWORDS or name.lower() in password.lower() or len(set(password)) < 4:
        problems.warn(path, "is easy to guess; take another one")


def _known(problems: Problems, path: str, what: str, name: str, names: Collection[str]) -> None:
    if name and name not in names:
        names = sorted(names)
        there = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        problems.error(
            path, f"unknown {what} {shown(name)}; " + (f"one of {there}" if names else f"this site has no {what}")
        )


def destinations(site: Site) -> Iterator[tuple[str, Destination]]:
    """Every destination of the site with its path in the site file."""
    for index, queue in enumerate(site.queues):
        yield f"queues[{index}].overflow", queue.overflow
    for index, menu in enumerate(site.menus):
        yield f"menus[{index}].default", menu.default
        for key, destination in menu.keys.items():
            yield f"menus[{index}].keys.{key}", destination
    for index, hours in enumerate(site.hours):
        yield f"hours[{index}].inside", hours.inside
        yield f"hours[{index}].outside", hours.outside
    for index, trunk in enumerate(site.trunks):
        for number, destination in trunk.numbers.items():
            yield f"trunks[{index}].numbers.{number}", destination
        yield f"trunks[{index}].default", trunk.default
        if trunk.fax != NOWHERE:
            yield f"trunks[{index}].fax", trunk.fax


DEFAULTS = {Destination(kind="announcement", target="busy"), Destination(kind="announcement", target="closed")}
"""Destinations that stand where a file gives none: the box has a prompt of its own for them."""


def _check_destinations(site: Site, problems: Problems) -> None:
    targets: dict[str, set[str]] = {
        "extension": {extension.number for extension in site.extensions},
        "voicemail": {extension.number for extension in site.extensions},
        "queue": {queue.id for queue in site.queues},
        "menu": {menu.id for menu in site.menus},
        "group": {group.id for group in site.groups},
        "hours": {hours.id for hours in site.hours},
        "announcement": {announcement.id for announcement in site.announcements},
    }
    for path, destination in destinations(site):
        if destination.kind in targets and destination not in DEFAULTS:
            what = "extension" if destination.kind == "voicemail" else destination.kind
            _known(problems, path, what, destination.target, targets[destination.kind])
        if destination.kind == "number" and not destination.target.lstrip("+").isdigit():
            problems.error(path, f"{shown(destination.target)} is not a telephone number; digits, a + if international")
        if destination.kind in NOT_BUILT_DESTINATIONS:
            problems.warn(path, f"{destination.kind} is not built yet; the caller hears the closed announcement")


def _check_parts(site: Site, problems: Problems) -> None:
    extensions = {extension.number for extension in site.extensions}
    for index, menu in enumerate(site.menus):
        if not menu.prompt.strip() and not menu.prompt_file:
            problems.error(f"menus[{index}]", "prompt (or prompt_file) is missing")
        if menu.prompt and menu.prompt_file:
            problems.warn(f"menus[{index}].prompt", "is not spoken: prompt_file goes before it")
        _check_file(problems, f"menus[{index}].prompt_file", menu.prompt_file)
    for index, announcement in enumerate(site.announcements):
        if not announcement.text.strip() and not announcement.file:
            problems.error(f"announcements[{index}]", "text (or file) is missing")
        _check_file(problems, f"announcements[{index}].file", announcement.file)
    for index, group in enumerate(site.groups):
        path = f"groups[{index}]"
        if not group.members:
            problems.error(f"{path}.members", "is empty; a group needs at least one extension")
        for place, member in enumerate(group.members):
            if not extensions.intersection(group.members):
                _known(problems, f"{path}.members[{place}]", "extension", member, extensions)
            elif member not in extensions:
                problems.warn(f"{path}.members[{place}]", f"there is no extension {shown(member)}; the others ring")
        if group.strategy != "ring-all":
            problems.warn(f"{path}.strategy", f"{group.strategy} is not built yet for groups; all members ring at once")
    served = {queue for agent in site.agents for queue in agent.queues}
    for index, queue in enumerate(site.queues):
        if queue.id not in served:
            problems.warn(f"queues[{index}]", f"no agent serves the queue {shown(queue.id)}; callers go to overflow")


def _check_file(problems: Problems, path: str, name: str) -> None:
    if name and (name.startswith(("/", ".")) or "/" in name or "\\" in name):
        problems.error(path, f"{shown(name)} is not a file name; put the file into prompts/ and give its name alone")


def _check_trunks(site: Site, problems: Problems) -> None:
    country = site.site.country
    for index, trunk in enumerate(site.trunks):
        path = f"trunks[{index}]"
        if trunk.register and not trunk.username:
            problems.error(f"{path}.username", "is missing; registration needs it")
        if trunk.register and not trunk.password:
            problems.warn(f"{path}.password", "is missing; the carrier will most likely refuse the registration")
        if trunk.transport == "tls":
            problems.warn(f"{path}.transport", "tls is not built yet; calls over this trunk fail")
        _warn_bare_keys(problems, f"{path}.srtp", trunk.srtp)
        for place, source in enumerate(trunk.sources):
            try:
                ipaddress.ip_network(source, strict=False)
            except ValueError:
                problems.error(
                    f"{path}.sources[{place}]",
                    f'{shown(source)} is no address or network, such as "203.0.113.0/29"',
                )
        numbers: dict[str, str] = {}
        for number in trunk.numbers:
            full = normalise(number, country) or number
            if full in numbers:
                problems.error(f"{path}.numbers.{number}", f"is the same number as {shown(numbers[full])}")
            numbers.setdefault(full, number)
    trunks = [trunk.id for trunk in site.trunks]
    for index, route in enumerate(site.routes):
        path = f"routes[{index}]"
        if not route.trunks:
            problems.error(f"{path}.trunks", "is empty; name at least one trunk")
        for place, name in enumerate(route.trunks):
            _known(problems, f"{path}.trunks[{place}]", "trunk", name, trunks)
        body = route.pattern.removesuffix(".")
        if any(letter not in "0123456789*#" and letter not in PATTERN_DIGITS for letter in body):
            right = "digits, X (0-9), Z (1-9), N (2-9), a . at the end for one or more"
            problems.error(f"{path}.pattern", f"{shown(route.pattern)} is not a pattern; {right}")
    if site.extensions and not site.trunks:
        problems.warn("trunks", "there is none; emergency numbers cannot be reached from this site")


def _check_hours(site: Site, problems: Problems) -> None:
    from appliance.site.hours import parse_holiday, parse_open

    def try_each(path: str, values: tuple[str, ...], parse: Callable[[str], Any]) -> None:
        for place, value in enumerate(values):
            try:
                parse(value)
            except ConfigError as error:
                for problem in error.problems:
                    problems.error(f"{path}[{place}]", problem)

    for index, hours in enumerate(site.hours):
        try_each(f"hours[{index}].open", hours.open, parse_open)
        try_each(f"hours[{index}].holidays", hours.holidays, parse_holiday)
        if not hours.open:
            problems.warn(f"hours[{index}].open", "is empty; every call goes to outside")


def _check_loops(site: Site, problems: Problems) -> None:
    """A chain of hours and overflows that comes back to itself would send a call round for ever."""
    steps: dict[str, list[tuple[str, str]]] = {}
    for index, queue in enumerate(site.queues):
        steps[f"queue:{queue.id}"] = [(f"queues[{index}].overflow", str(queue.overflow))]
    for index, hours in enumerate(site.hours):
        steps[f"hours:{hours.id}"] = [
            (f"hours[{index}].inside", str(hours.inside)),
            (f"hours[{index}].outside", str(hours.outside)),
        ]
    done: set[str] = set()

    def follow(name: str, trail: tuple[str, ...]) -> None:
        for path, target in steps.get(name, ()):
            if target in trail:
                circle = " → ".join((*trail[trail.index(target) :], target))
                problems.error(path, f"goes round in a circle: {circle}")
            elif target not in done:
                follow(target, (*trail, target))
        done.add(name)

    for name in steps:
        if name not in done:
            follow(name, (name,))


def _check_sound(site: Site, problems: Problems) -> None:
    sound, extensions = site.sound, {extension.number for extension in site.extensions}
    for key in ("page_extensions", "listen_extensions"):
        for place, number in enumerate(getattr(sound, key)):
            _known(problems, f"sound.{key}[{place}]", "extension", number, extensions)
    if sound.music == "line-in" and sound.input == "off":
        problems.warn("sound.music", "is line-in, but input is off; callers hear the built-in music")
    for index, queue in enumerate(site.queues):
        path = f"queues[{index}].loudspeaker_hours"
        _known(problems, path, "hours", queue.loudspeaker_hours, {hours.id for hours in site.hours})
        if queue.loudspeaker_hours and not queue.loudspeaker_seconds:
            problems.warn(path, "means nothing while loudspeaker_seconds is 0; the loudspeaker never rings")
        if queue.loudspeaker_seconds and sound.output == "off":
            problems.warn(f"queues[{index}].loudspeaker_seconds", "is set, but sound.output is off; nothing rings")


def _check_codes(codes: Codes, problems: Problems) -> None:
    for code in CODES:
        if not code.built and dialled(codes, code) != getattr(Codes(), code.name):
            problems.warn(f"codes.{code.name}", "is not built yet; whoever dials it is told so")
