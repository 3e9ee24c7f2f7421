"""Which address may be shown to a peer in place of the local one."""

from __future__ import annotations

import pytest

from appliance.sip.transaction import fits


@pytest.mark.parametrize(
    ("address", "local", "fitting"),
    [
        ("203.0.113.5", "10.0.0.1", True),
        ("203.0.113.5:5070", "10.0.0.1", True),
        ("203.0.113.5", "2001:db8::1", False),
        ("203.0.113.5:5070", "2001:db8::1", False),
        ("2001:db8::5", "2001:db8::1", True),
        ("[2001:db8::5]:5070", "2001:db8::1", True),
        ("[2001:db8::5]:5070", "10.0.0.1", False),
        ("pbx.example.com", "2001:db8::1", True),
        ("pbx.example.com:5070", "10.0.0.1", True),
    ],
)
def test_a_literal_address_stands_for_one_of_its_ip_version(address: str, local: str, fitting: bool) -> None:
    assert fits(address, local) is fitting
