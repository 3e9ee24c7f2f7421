"""The machine's own addresses."""

import ipaddress
import socket
from pathlib import Path

import pytest

from appliance.box import addresses

ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	010200C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
"""
IPV6 = """00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000001 02 40 20 80     eth0
fd000000000000000000000000000002 02 40 00 80     eth0
nonsense
"""


def test_the_default_route_with_the_lowest_metric(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(ROUTES)
    assert addresses._default_interface(table) == "eth0"
    assert addresses._default_interface(tmp_path / "none") == ""


def test_global_ipv6_addresses(tmp_path: Path) -> None:
    table = tmp_path / "if_inet6"
    table.write_text(IPV6)
    assert addresses._ipv6(table) == [("eth0", "fd00::2")]
    assert addresses._ipv6(tmp_path / "none") == []


def test_the_order_people_want(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["lo", "docker0", "wlan0", "eth0"]
    four = [("docker0", "172.17.0.1"), ("wlan0", "192.0.2.30"), ("eth0", "192.0.2.20"), ("eth0", "192.0.2.3")]
    monkeypatch.setattr(socket, "if_nameindex", lambda: list(enumerate(names)))
    monkeypatch.setattr(addresses, "_default_interface", lambda: "eth0")
    monkeypatch.setattr(addresses, "_ipv4", lambda probe: four)
    monkeypatch.setattr(addresses, "_ipv6", lambda: [("eth0", "fd00::2"), ("gone0", "fd00::3")])
    found = [address.address for address in addresses.lan_addresses()]
    assert found == ["192.0.2.20", "192.0.2.3", "fd00::2", "192.0.2.30", "172.17.0.1"]


def test_this_machine() -> None:
    for address in addresses.lan_addresses():
        assert not ipaddress.ip_address(address.address).is_loopback
