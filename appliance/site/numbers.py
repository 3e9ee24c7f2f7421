"""Telephone numbers of a country: one form to compare, one to dial, one to show.

Everything takes what people and carriers write (`03-1234-5678`, `+81312345678`, `0312345678`) and a country. Results
are cached: the same few numbers come again and again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import phonenumbers

_SEPARATORS: Final = str.maketrans("", "", " -().\u2010\u2011\u2012\u2013\u2212\u3000")
_WIDE: Final = str.maketrans("０１２３４５６７８９＋＊＃－（）", "0123456789+*#-()")

PRIVACY_PREFIXES: Final[dict[str, tuple[str, ...]]] = {"JP": ("184", "186")}
"""Dialled before a number: 184 withholds, 186 sends the caller's number for that call."""

INTERNATIONAL_PREFIX: Final[dict[str, str]] = {
    "JP": "010",
    "US": "011",
    "CA": "011",
    "AU": "0011",
    "HK": "001",
    "KR": "00",
}
"""What is dialled for the + of an international number; 00 elsewhere."""

LONGEST: Final = 40
"""Characters of a number at most; what is longer is none (and must not fill the caches)."""

UNKNOWN_CALLERS: Final = frozenset({"", "anonymous", "unknown", "unavailable", "restricted", "private"})


def clean(dialled: str) -> str:
    """What was dialled without what people write for the eye: spaces, dashes, brackets, dots, full-width digits."""
    return dialled.translate(_WIDE).translate(_SEPARATORS)


def split_privacy(digits: str, country: str) -> tuple[str, str]:
    """(privacy prefix, the number after it): `("184", "0312345678")`; the prefix is "" where there is none."""
    for prefix in PRIVACY_PREFIXES.get(country, ()):
        if digits.startswith(prefix) and len(digits) > len(prefix) + 2:
            return prefix, digits[len(prefix) :]
    return "", digits


def normalise(number: str, country: str) -> str:
    """The number in E.164 (`+81312345678`); "" when it is none (an extension, a short code, anonymous)."""
    return _normalise(number, country) if len(number) <= LONGEST else ""


@lru_cache(maxsize=4096)
def _normalise(number: str, country: str) -> str:
    digits = split_privacy(clean(number), country)[1]
    if not digits.lstrip("+").isdigit() or not digits.isascii():
        return ""
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def same(one: str, other: str, country: str) -> bool:
    """Whether two writings mean the same number; what is no telephone number must be equal as written."""
    if one == other:
        return True
    left = normalise(one, country)
    return left != "" and left == normalise(other, country)


def dialable(number: str, country: str) -> str:
    """The number as dialled from that country: national with its trunk prefix (`0312345678`), or international."""
    return _dialable(number, country) if len(number) <= LONGEST else number


@lru_cache(maxsize=1024)
def _dialable(number: str, country: str) -> str:
    digits = clean(number)
    if not digits.startswith("+"):
        return digits
    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return digits.lstrip("+")
    if parsed.country_code == phonenumbers.country_code_for_region(country):
        return clean(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL))
    return INTERNATIONAL_PREFIX.get(country, "00") + digits[1:]


def display(number: str, country: str) -> str:
    """The number for a person of that country: `03-1234-5678`, `+1 650-253-0000`; what is no number stays as it is."""
    return _display(number, country) if len(number) <= LONGEST else number


@lru_cache(maxsize=4096)
def _display(number: str, country: str) -> str:
    full = normalise(number, country)
    if not full:
        return number
    parsed = phonenumbers.parse(full, country)
    at_home = parsed.country_code == phonenumbers.country_code_for_region(country)
    form = phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)


def significant(number: str, country: str) -> str:
    """The digits that every writing of the number shares (`312345678`), for a search; short ones stay as they are."""
    full = normalise(number, country)
    if not full:
        return clean(number).lstrip("+")
    parsed = phonenumbers.parse(full, country)
    return phonenumbers.national_significant_number(parsed)


def anonymous(caller: str) -> bool:
    """Whether a calling number or user part stands for "withheld" (RFC 3323 and what carriers send)."""
    return caller.lower() in UNKNOWN_CALLERS


def known_country(country: str) -> bool:
    """Whether this is a country (ISO 3166 two-letter code) with telephone numbers."""
    return country in phonenumbers.SUPPORTED_REGIONS


def countries() -> tuple[str, ...]:
    """All country codes, sorted."""
    return tuple(sorted(phonenumbers.SUPPORTED_REGIONS))
