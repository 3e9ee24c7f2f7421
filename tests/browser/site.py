"""The site of the browser tests: an English site in Japan, one queue, four agents, a carrier on this machine."""

from __future__ import annotations

from typing import Final

PASSWORD: Final = "Correct-Horse-9"
AGENTS: Final = ("aiko", "ken", "yui", "sora")
PHONES: Final = {str(number): f"secret-of-{number}" for number in range(201, 207)}
NUMBER: Final = "0312345678"
_NAMES: Final = ("Aiko Sato", "Ken Suzuki", "Yui Tanaka", "Sora Ito")
_DESKS: Final = ("Desk 1", "Desk 2", "Desk 3", "Desk 4", "Reception", "Warehouse")


def site_file(carrier_port: int) -> str:
    """The site file's text."""
    users = (("admin", "admin"), ("sv", "supervisor"), ("wall", "wallboard"), ("aiko", "agent"))
    parts = [
        '[site]\nname = "Mirai Support"\nlanguage = "en"\ntimezone = "Asia/Tokyo"\ncountry = "JP"\nrecord = "always"\n',
        *(f'[[users]]\nname = "{name}"\npassword = "{PASSWORD}"\nrole = "{role}"\n' for name, role in users),
        *(
            f'[[extensions]]\nnumber = "{number}"\nname = "{desk}"\npassword = "{secret}"\n'
            for (number, secret), desk in zip(PHONES.items(), _DESKS, strict=True)
        ),
        *(
            f'[[agents]]\nid = "{agent}"\nnumber = "{place}"\nname = "{name}"\npin = "482{place}"\n'
            f'extension = "{200 + place}"\nqueues = ["support"]\n' + ('user = "aiko"\n' if agent == "aiko" else "")
            for place, (agent, name) in enumerate(zip(AGENTS, _NAMES, strict=True), 1)
        ),
        '[[queues]]\nid = "support"\nnumber = "600"\nname = "Support"\nring_seconds = 20\nwrap_up_seconds = 4\n'
        'overflow = "announcement:busy"\n',
        '[[menus]]\nid = "main"\nnumber = "790"\nprompt = "Thank you for calling. For support, press 1."\n'
        'timeout_seconds = 20\ndefault = "queue:support"\n[menus.keys]\n"1" = "queue:support"\n',
        '[[announcements]]\nid = "busy"\ntext = "All our agents are busy. Please call again."\n',
        '[[breaks]]\nkey = "1"\nname = "Lunch"\n',
        f'[[trunks]]\nid = "carrier"\nhost = "127.0.0.1"\nport = {carrier_port}\nregister = false\nchannels = 8\n'
        f'numbers = {{ "{NUMBER}" = "menu:main" }}\ndefault = "menu:main"\n',
    ]
    return "\n".join(parts)
