"""The site file: every problem with its path, its value and what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import ConfigError
from appliance.site.dialplan import DialPlan
from appliance.site.model import Destination
from appliance.site.reader import load, read, read_document, read_toml
from appliance.site.writer import write

GOOD = """
[site]
name = "Acme"
language = "ja"
timezone = "Asia/Tokyo"
country = "JP"
record = "always"
[[users]]
name = "admin"
password = "correct horse"
role = "admin"
[[users]]
name = "aiko"
password = "battery staple"
role = "agent"
[[extensions]]
number = "201"
name = "Desk 1"
password = "k3m9x7q2w8"
[[extensions]]
number = "202"
password = "p4v8c6z1n5"
[[agents]]
id = "aiko"
number = "1"
pin = "4711"
extension = "201"
user = "aiko"
queues = ["support"]
skills = { complaints = 5 }
[[queues]]
id = "support"
number = "600"
overflow = "announcement:busy"
[[menus]]
id = "main"
number = "790"
prompt = "For support, press 1."
default = "queue:support"
[menus.keys]
"1" = "queue:support"
"2" = "extension:201"
[[announcements]]
id = "busy"
text = "Busy."
[[hours]]
id = "office"
open = ["mon-fri 09:00-18:00"]
holidays = ["2026-12-31"]
inside = "menu:main"
outside = "announcement:busy"
[[groups]]
id = "sales"
number = "610"
members = ["201", "202"]
[[trunks]]
id = "carrier"
host = "203.0.113.5"
numbers = { "0312345678" = "hours:office" }
default = "menu:main"
[[routes]]
pattern = "0XXXXXXXXX"
trunks = ["carrier"]
[[breaks]]
key = "1"
name = "Lunch"
[codes]
echo = "*44"
music = "*43"
"""


def errors(text: str) -> tuple[str, ...]:
    reading = read(text)
    assert (reading.site is None) == bool(reading.errors)
    return reading.errors


def one(text: str) -> str:
    found = errors(text)
    assert len(found) == 1, found
    return found[0]


def test_a_good_file_has_neither_errors_nor_warnings() -> None:
    reading = read(GOOD)
    assert reading.errors == () and reading.warnings == ()
    site = reading.site
    assert site is not None
    assert site.menus[0].keys["2"] == Destination(kind="extension", target="201")
    assert site.agents[0].skills == {"complaints": 5}
    assert site.codes.echo == "*44" and site.codes.agent == "*60"
    assert site.queues[0].ring_seconds == 20


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            'number = "600"',
            'number = "600"\nstrategy = "foo"',
            'queues[0].strategy: unknown strategy "foo"; one of longest-idle, ring-all',
        ),
        ('language = "ja"', 'language = "jp"', 'site.language: unknown language "jp"; one of ja, en'),
        ('timezone = "Asia/Tokyo"', 'timezone = "Asia/Tokio"', 'site.timezone: unknown time zone "Asia/Tokio"'),
        ('country = "JP"', 'country = "Japan"', 'site.country: unknown country "Japan"'),
        ('name = "Desk 1"', "nmae = 'x'", "extensions[0].nmae: unknown key; one of number, name"),
        ('number = "201"', "number = 201", 'extensions[0].number: 201 is a number without quotes; write "201"'),
        ('overflow = "announcement:busy"', 'overflow = "anouncement:busy"', "queues[0].overflow: unknown destination"),
        (
            'overflow = "announcement:busy"',
            'overflow = "menu:gone"',
            'queues[0].overflow: unknown menu "gone"; one of main',
        ),
        ('overflow = "announcement:busy"', 'overflow = "queue:support"', "queues[0].overflow: goes round in a circle"),
        ('"2" = "extension:201"', '"2" = "extension:299"', 'menus[0].keys.2: unknown extension "299"; one of 201, 202'),
        ('queues = ["support"]', 'queues = ["suport"]', 'agents[0].queues[0]: unknown queue "suport"; one of support'),
        ('extension = "201"', 'extension = "209"', 'agents[0].extension: unknown extension "209"'),
        ('members = ["201", "202"]', 'members = ["299"]', 'groups[0].members[0]: unknown extension "299"'),
        ('trunks = ["carrier"]', 'trunks = ["nobody"]', 'routes[0].trunks[0]: unknown trunk "nobody"; one of carrier'),
        ('pattern = "0XXXXXXXXX"', 'pattern = "0-XX"', 'routes[0].pattern: "0-XX" is not a pattern'),
        ('open = ["mon-fri 09:00-18:00"]', 'open = ["mon-fry 09:00-18:00"]', "hours[0].open[0]: "),
        ('holidays = ["2026-12-31"]', 'holidays = ["2026-02-30"]', "hours[0].holidays[0]: "),
        (
            'host = "203.0.113.5"',
            'host = "203.0.113.5"\nport = 0',
            "trunks[0].port: 0 is not right; a whole number from 1",
        ),
        ('host = "203.0.113.5"', 'host = "203.0.113.5"\nsources = ["x"]', 'trunks[0].sources[0]: "x" is no address'),
        ('host = "203.0.113.5"', 'host = "203.0.113.5"\nregister = true', "trunks[0].username: is missing"),
        ('password = "correct horse"\n', "", "users[0]: password (or password_hash) is missing"),
        ('id = "busy"', 'id = "bu sy"', 'announcements[0].id: "bu sy" is not an id'),
        ('key = "1"\n', "", "breaks[0]: key is missing"),
        ('key = "1"', 'key = "12"', 'breaks[0].key: "12" is not the digit that follows the break code'),
        ('key = "1"', 'key = "1"\ncolour = "red"', "breaks[0].colour: unknown key"),
        ('role = "admin"', 'role = "boss"', 'users[0].role: unknown role "boss"; one of admin, supervisor'),
    ],
)
def test_each_mistake_is_named_with_what_would_be_right(before: str, after: str, problem: str) -> None:
    assert before in GOOD
    found = errors(GOOD.replace(before, after, 1))
    assert any(error.startswith(problem) for error in found), found


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('number = "610"', 'number = "600"', 'groups[0].number: "600" is already the number of queue "support"'),
        ('number = "202"', 'number = "110"', 'extensions[1].number: "110" is an emergency number of JP'),
        ('number = "202"', 'number = "1190"', 'extensions[1].number: "1190" begins with the emergency number 119'),
        ('number = "610"', 'number = "11"', 'groups[0].number: "11" hides the emergency number 110'),
        ('number = "610"', 'number = "184119"', 'groups[0].number: "184119" is an emergency number of JP'),
        ('number = "610"', 'number = "703"', 'groups[0].number: "703" is the park slot 703'),
        ('number = "610"', 'number = "7031"', 'groups[0].number: "7031" begins with the park slot 703'),
        ('echo = "*44"', 'echo = "*60"', 'codes.echo: "*60" is already the number of code agent'),
        ('echo = "*44"', 'echo = "118"', 'codes.echo: "118" is an emergency number'),
        ('echo = "*44"', 'echo = "600"', 'codes.echo: "600" is already the number of queue "support"'),
        ('echo = "*44"', 'monitor = "*3"\necho = "*44"', 'codes.monitor: "*3" hides code whisper'),
        ('echo = "*44"', 'pickup = "6"\necho = "*44"', 'codes.pickup: "6" hides queue "support"'),
        ('pattern = "0XXXXXXXXX"', 'pattern = "701"', 'routes[0].pattern: "701" is never used: it is park slot 701'),
        ('pattern = "0XXXXXXXXX"', 'pattern = "*60"', 'routes[0].pattern: "*60" is never used: it is code agent'),
        ('pattern = "0XXXXXXXXX"', 'pattern = "600"', 'routes[0].pattern: "600" is never used: it is queue "support"'),
    ],
)
def test_numbers_that_equal_or_hide_another_are_refused(before: str, after: str, problem: str) -> None:
    text = GOOD.replace('members = ["201", "202"]', 'members = ["201"]').replace(before, after, 1)
    assert any(error.startswith(problem) for error in errors(text)), errors(text)


def test_emergency_numbers_are_those_of_the_country() -> None:
    american = GOOD.replace('country = "JP"', 'country = "US"').replace('number = "202"', 'number = "911"')
    assert any('"911" is an emergency number of US' in error for error in errors(american))
    assert not errors(GOOD.replace('country = "JP"', 'country = "US"').replace('"202"', '"118"'))


def test_the_default_codes_do_not_clash_among_themselves() -> None:
    assert read("[site]").errors == ()


def test_all_problems_come_at_once() -> None:
    text = (
        GOOD.replace('role = "admin"', 'role = "boss"')
        .replace('number = "610"', 'number = "600"')
        .replace('"2" = "extension:201"', '"2" = "extension:9"')
        .replace('host = "203.0.113.5"\n', "")
    )
    found = errors(text)
    assert {error.split(": ")[0] for error in found} == {
        "users[0].role",
        "groups[0].number",
        "menus[0].keys.2",
        "trunks[0]",
    }


def test_a_wrong_value_is_not_reported_twice() -> None:
    assert one(GOOD.replace('prompt = "For support, press 1."', "prompt = 5")).startswith(
        "menus[0].prompt: 5 is not a text"
    )
    assert one(GOOD.replace('members = ["201", "202"]', "members = 3")).startswith("groups[0].members: 3 is not a list")


@pytest.mark.parametrize(
    ("before", "after", "warning"),
    [
        ('"2" = "extension:201"', '"2" = "voicemail:201"', "menus[0].keys.2: voicemail is not built yet"),
        ('"2" = "extension:201"', '"2" = "conference:1"', "menus[0].keys.2: conference is not built yet"),
        ('echo = "*44"', 'monitor = "*35"\necho = "*44"', "codes.monitor: is not built yet"),
        ('password = "correct horse"', 'password = "horse"', "users[0].password: is too short"),
        ('password = "correct horse"', 'password = "administrator1"', "users[0].password: is easy to guess"),
        ('password = "k3m9x7q2w8"', 'password = "20120120"', "extensions[0].password: is easy to guess"),
        ('pin = "4711"', 'pin = "1111"', "agents[0].pin: is easy to guess"),
        ('pin = "4711"\n', "", "agents[0].pin: is missing"),
        ('user = "aiko"', 'user = "ayko"', 'agents[0].user: there is no user "ayko"'),
        ('members = ["201", "202"]', 'members = ["201", "299"]', 'groups[0].members[1]: there is no extension "299"'),
        ('number = "610"', 'number = "610"\nstrategy = "linear"', "groups[0].strategy: linear is not built yet"),
        ('number = "610"', 'number = "2010"', 'groups[0].number: "2010" begins with the number 201'),
    ],
)
def test_what_is_doubtful_is_warned_of_and_accepted(before: str, after: str, warning: str) -> None:
    reading = read(GOOD.replace(before, after, 1))
    assert reading.errors == ()
    assert any(one.startswith(warning) for one in reading.warnings), reading.warnings


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[site", "not a site file (TOML): "),
        ("a = 1\na = 2", "not a site file (TOML): "),
        (b"\xff\xfe", "byte 0: the file is not UTF-8 text"),
        ("users = 5", "users: 5 is not a list of tables; write [[users]]"),
        ("users = [1]", "users[0]: 1 is not a table"),
        ("site = 5", "site: 5 is not a table"),
        ("[quues]", "quues: unknown key; one of site, codes"),
    ],
)
def test_what_is_no_site_file_is_said_in_words(text: str | bytes, problem: str) -> None:
    assert read(text).errors[0].startswith(problem)


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert read(b"\xef\xbb\xbf" + GOOD.encode()).errors == ()


def test_passwords_never_appear_in_a_message() -> None:
    reading = read(GOOD.replace('password = "correct horse"', 'password = "hunter2"').replace("4711", "12x4"))
    assert not any(
        secret in message for secret in ("hunter2", "12x4") for message in (*reading.errors, *reading.warnings)
    )


def test_plain_secrets_become_hashes_only_when_all_is_well() -> None:
    asked: list[tuple[str, str]] = []

    def hash_secret(plain: str, present: str) -> str:
        asked.append((plain, present))
        return f"$argon2:{plain}"

    assert read(GOOD.replace('"600"', '"110"'), None, hash_secret).site is None
    assert asked == []
    site = load(GOOD, None, hash_secret)
    assert [user.password_hash for user in site.users] == ["$argon2:correct horse", "$argon2:battery staple"]
    assert site.agents[0].pin_hash == "$argon2:4711"
    load(GOOD, site, hash_secret)
    assert ("correct horse", "$argon2:correct horse") in asked


def test_secrets_that_the_file_leaves_out_keep_their_present_value() -> None:
    present = load(GOOD, None, lambda plain, _present: f"$argon2:{plain}")
    bare = "\n".join(line for line in GOOD.splitlines() if not line.startswith(("password", "pin")))
    reading = read(bare, present)
    assert reading.errors == () and reading.site == present


def test_an_api_document_is_read_like_a_file() -> None:
    assert read_document({"queues": [{"id": "q", "strategy": "foo"}]}).errors[0].startswith("queues[0].strategy: ")
    with pytest.raises(ConfigError):
        load("x = 1")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["201", "queue:support"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_document_makes_it_raise(data: st.DataObject) -> None:
    document: Any = read_toml(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = document
        while True:
            key = data.draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
            inner = place[key]
            if not inner or not isinstance(inner, dict | list) or data.draw(st.booleans()):
                break
            place = inner
        place[key] = data.draw(VALUES)
        if not document:
            break
    reading = read_document(document)
    assert (reading.site is None) == bool(reading.errors)
    if reading.site is not None:
        DialPlan(reading.site)
        assert read(write(reading.site, secrets=True)).site == reading.site


def test_a_large_site_is_checked_in_a_moment() -> None:
    extensions = [{"number": str(number), "password": "k3m9x7q2w8"} for number in range(2000, 4000)]
    groups = [{"id": "all", "number": "610", "members": [one["number"] for one in extensions[:1000]]}]
    reading = read_document({"extensions": extensions, "groups": groups})
    assert reading.errors == () and reading.site is not None and len(reading.site.extensions) == 2000


def test_what_is_no_table_at_all() -> None:
    assert read_document([]).errors == ("the configuration is not a table",)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n"])
def test_a_file_without_anything_is_no_site(text: str) -> None:
    reading = read(text)
    assert reading.site is None and "empty" in reading.errors[0]
