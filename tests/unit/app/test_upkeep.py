"""What the box does about itself: it follows its own addresses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.app import upkeep
from appliance.app.box import Box
from appliance.app.upkeep import Upkeep
from appliance.box.addresses import Address


async def test_other_addresses_of_the_machine_mean_to_find_every_path_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    exchange = SimpleNamespace(addresses_changed=lambda now: told.append("exchange"))

    def do(act: Any) -> None:
        act(exchange, None)

    udp = SimpleNamespace(forget_routes=lambda: told.append("udp"))
    https = SimpleNamespace(look_soon=lambda: told.append("https"))
    work = Upkeep(cast(Box, SimpleNamespace(core=SimpleNamespace(udp=udp, do=do), https=https)))
    now: list[Address] = []
    monkeypatch.setattr(upkeep, "lan_addresses", lambda: list(now))
    await work.follow_addresses()
    await work.follow_addresses()
    assert told == ["udp", "exchange", "https"]
    now.append(Address("eth0", "192.168.1.20"))
    await work.follow_addresses()
    await work.follow_addresses()
    assert told == ["udp", "exchange", "https"] * 2
