"""Emergency numbers by country: dialled from any phone, in any state, they need no route and go before everything else.

Numbers that reach police, fire, ambulance or coast guard, as each country's regulator publishes them. A country that is
not listed gets 112, which networks of most countries take.
"""

from __future__ import annotations

from typing import Final

NUMBERS: Final[dict[str, tuple[str, ...]]] = {
    "JP": ("110", "118", "119"),
    "US": ("911",),
    "CA": ("911",),
    "MX": ("911",),
    "GB": ("999", "112"),
    "IE": ("999", "112"),
    "AU": ("000", "112"),
    "NZ": ("111",),
    "IN": ("112", "100", "101", "102"),
    "SG": ("999", "995"),
    "HK": ("999", "112"),
    "TW": ("110", "119", "112"),
    "CN": ("110", "119", "120", "122"),
    "KR": ("112", "119"),
    "TH": ("191", "199", "1669"),
    "VN": ("112", "113", "114", "115"),
    "PH": ("911",),
    "MY": ("999", "112"),
    "ID": ("112", "110", "113", "118", "119"),
    "DE": ("112", "110"),
    "FR": ("112", "15", "17", "18", "114"),
    "IT": ("112", "113", "115", "118"),
    "ES": ("112",),
    "PT": ("112",),
    "NL": ("112",),
    "BE": ("112", "100", "101"),
    "LU": ("112", "113"),
    "AT": ("112", "122", "133", "144"),
    "CH": ("112", "117", "118", "144"),
    "DK": ("112",),
    "SE": ("112",),
    "NO": ("112", "110", "113"),
    "FI": ("112",),
    "PL": ("112", "997", "998", "999"),
    "CZ": ("112", "150", "155", "158"),
    "HU": ("112", "104", "105", "107"),
    "GR": ("112", "100", "166", "199"),
    "TR": ("112",),
    "BR": ("190", "192", "193"),
    "AR": ("911", "100", "101", "107"),
    "CL": ("131", "132", "133"),
    "ZA": ("112", "10111", "10177"),
    "IL": ("112", "100", "101", "102"),
    "AE": ("999", "998", "997"),
}

DEFAULT: Final = ("112",)


def emergency_numbers(country: str) -> tuple[str, ...]:
    """The emergency numbers of a country (ISO 3166 two-letter code)."""
    return NUMBERS.get(country.upper(), DEFAULT)
