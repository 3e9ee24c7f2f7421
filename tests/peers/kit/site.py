"""The site that the peer tests' boxes run: short prompts, short times, one carrier on any port of this machine."""

from __future__ import annotations

PHONES = ("201", "202", "203", "204", "205", "206")
AGENTS = (("aiko", "1", "201"), ("ken", "2", "202"), ("yui", "3", "203"))
NUMBER = "0312345678"
CALLER = "09012345678"
MENU = "For support, press one."
BUSY = "Please call again."
RING_SECONDS = 2
WRAP_UP_SECONDS = 1


def secret(phone: str) -> str:
    """SIP password of a phone."""
    return f"kettle-{phone}-Basalt"


def pin(number: str) -> str:
    """PIN of the agent with this number."""
    return f"48{number}7"


def site_file(carrier: int, guarded: int, single: int, host: str = "127.0.0.1", record: str = "always") -> str:
    """The site file. Ports of three carriers on `host`: one open, one that challenges, one with a single channel."""
    parts = [
        f"""
[site]
name = "Peers"
language = "en"
timezone = "Asia/Tokyo"
country = "JP"
record = "{record}"

[[users]]
name = "admin"
password = "Correct-Horse-9"
role = "admin"
"""
    ]
    parts += [f'[[extensions]]\nnumber = "{one}"\nname = "Desk {one}"\npassword = "{secret(one)}"\n' for one in PHONES]
    parts += [
        f'[[agents]]\nid = "{name}"\nnumber = "{number}"\nname = "{name.title()}"\npin = "{pin(number)}"\n'
        f'extension = "{extension}"\nqueues = ["support"]\n'
        for name, number, extension in AGENTS
    ]
    parts.append(
        f"""
[[queues]]
id = "support"
number = "600"
name = "Support"
strategy = "longest-idle"
ring_seconds = {RING_SECONDS}
wrap_up_seconds = {WRAP_UP_SECONDS}
overflow = "announcement:busy"
record = "always"

[[menus]]
id = "main"
number = "790"
prompt = "{MENU}"
timeout_seconds = 5
default = "queue:support"
[menus.keys]
"1" = "queue:support"
"2" = "extension:201"

[[announcements]]
id = "busy"
text = "{BUSY}"

[[groups]]
id = "sales"
number = "610"
members = ["204", "205"]
ring_seconds = {RING_SECONDS}

[[trunks]]
id = "carrier"
host = "{host}"
port = {carrier}
caller_id = "{NUMBER}"
channels = 20
numbers = {{ "{NUMBER}" = "menu:main", "0312345600" = "queue:support", "0312345601" = "extension:201", \
"0312345610" = "group:sales" }}
default = "announcement:busy"

[[trunks]]
id = "guarded"
host = "{host}"
port = {guarded}
username = "hako-line"
password = "Granite-7-line"
channels = 4

[[trunks]]
id = "single"
host = "{host}"
port = {single}
channels = 1

[[routes]]
pattern = "05XXXXXXXX"
trunks = ["guarded"]
[[routes]]
pattern = "06XXXXXXXX"
trunks = ["single"]
[[routes]]
pattern = "0XXXXXXXXX"
trunks = ["carrier"]
"""
    )
    return "\n".join(parts)
