"""What a person would dial to reach a URI."""

from __future__ import annotations

import pytest

from appliance.exchange.parties import number_of
from appliance.sip.uri import parse_uri


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:201@box", "201"),
        ("sip:110;phone-context=+81@box;user=phone", "110"),
        ("sip:+81312345678;npdi;rn=+81312340000@carrier;user=phone", "+81312345678"),
        ("tel:110;phone-context=+81", "110"),
        ("sip:box", ""),
        ("mailto:nobody@box", ""),
    ],
)
def test_the_number_of_a_uri_is_without_its_parameters(uri: str, number: str) -> None:
    assert number_of(parse_uri(uri)) == number
