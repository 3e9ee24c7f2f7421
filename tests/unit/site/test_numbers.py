"""Telephone numbers: compared, dialled and shown."""

from __future__ import annotations

import pytest

from appliance.site import numbers
from appliance.site.emergency import emergency_numbers


@pytest.mark.parametrize(
    ("number", "country", "full"),
    [
        ("0312345678", "JP", "+81312345678"),
        ("03-1234-5678", "JP", "+81312345678"),
        ("０３－１２３４－５６７８", "JP", "+81312345678"),
        ("+81 3 1234 5678", "JP", "+81312345678"),
        ("050-1234-5678", "JP", "+815012345678"),
        ("0120-123-456", "JP", "+81120123456"),
        ("18409012345678", "JP", "+819012345678"),
        ("1860312345678", "JP", "+81312345678"),
        ("01016502530000", "JP", "+16502530000"),
        ("(650) 253-0000", "US", "+16502530000"),
        ("201", "JP", ""),
        ("110", "JP", ""),
        ("anonymous", "JP", ""),
        ("", "JP", ""),
        ("9" * 500, "JP", ""),
        ("*31201", "JP", ""),
        ("03123456" + "٧٨", "JP", ""),
    ],
)
def test_normalise(number: str, country: str, full: str) -> None:
    assert numbers.normalise(number, country) == full


def test_the_same_number_in_two_writings() -> None:
    assert numbers.same("0312345678", "+81312345678", "JP")
    assert numbers.same("201", "201", "JP")
    assert not numbers.same("201", "202", "JP")
    assert not numbers.same("anonymous", "unknown", "JP")


@pytest.mark.parametrize(
    ("number", "country", "shown"),
    [
        ("+81312345678", "JP", "03-1234-5678"),
        ("09012345678", "JP", "090-1234-5678"),
        ("0120123456", "JP", "0120-123-456"),
        ("+16502530000", "JP", "+1 650-253-0000"),
        ("201", "JP", "201"),
        ("anonymous", "JP", "anonymous"),
    ],
)
def test_display(number: str, country: str, shown: str) -> None:
    assert numbers.display(number, country) == shown


@pytest.mark.parametrize(
    ("number", "country", "dialled"),
    [
        ("+81312345678", "JP", "0312345678"),
        ("+16502530000", "JP", "01016502530000"),
        ("+81312345678", "US", "01181312345678"),
        ("0312345678", "JP", "0312345678"),
        ("+", "JP", ""),
    ],
)
def test_dialable(number: str, country: str, dialled: str) -> None:
    assert numbers.dialable(number, country) == dialled


def test_emergency_numbers_of_a_country() -> None:
    assert emergency_numbers("JP") == ("110", "118", "119")
    assert emergency_numbers("us") == ("911",)
    assert emergency_numbers("XX") == ("112",)
