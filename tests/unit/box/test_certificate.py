"""The box's authority and certificate: what is in them, and when they are made anew."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import msgspec
import pytest

from appliance.box.authority import look, main, make
from appliance.box.certificate import DAY, Folder, Issued, must_renew, wanted_names

NOW = 1_800_000_000.0
NAMES = ("hako", "hako.local", "localhost", "127.0.0.1", "::1", "192.0.2.7")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_certificate_names_every_way_to_the_box_and_ends_before_browsers_object(folder: Folder) -> None:
    issued = make(folder, NOW, NAMES)
    assert set(issued.names) == set(NAMES)
    assert issued.ends - issued.begins <= 397 * DAY
    assert 9.9 * 365 * DAY < issued.authority_ends - issued.authority_begins < 10.1 * 365 * DAY
    assert look(folder.box).names == issued.names
    trusting = ssl.create_default_context(cafile=str(folder.authority))
    assert [one["subject"] for one in trusting.get_ca_certs()]


def test_keys_are_for_the_owner_only(folder: Folder) -> None:
    make(folder, NOW, NAMES)
    for key in (folder.box_key, folder.authority_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_renewal_keeps_the_authority_that_people_have_installed(folder: Folder) -> None:
    first = make(folder, NOW, NAMES)
    authority = folder.authority.read_bytes()
    second = make(folder, NOW + 380 * DAY, (*NAMES, "192.0.2.8"))
    assert folder.authority.read_bytes() == authority and first.authority == second.authority
    assert "192.0.2.8" in second.names and second.ends > first.ends


def test_an_authority_of_a_wrong_clock_or_near_its_end_is_replaced(folder: Folder) -> None:
    old = make(folder, 0.0, NAMES)
    assert must_renew(folder.issued(), NAMES, NOW)
    new = make(folder, NOW, NAMES)
    assert old.authority != new.authority and new.authority_ends > NOW
    future = make(folder, NOW - 400 * DAY, NAMES)
    assert future.authority != new.authority, "an authority that has not begun yet is no good either"


def issued(**changes: object) -> Issued:
    whole = Issued(
        names=NAMES,
        begins=NOW - DAY,
        ends=NOW + 300 * DAY,
        authority_begins=NOW - DAY,
        authority_ends=NOW + 3000 * DAY,
    )
    return msgspec.structs.replace(whole, **changes)


@pytest.mark.parametrize(
    ("there", "wanted", "anew"),
    [
        (None, NAMES, True),
        (issued(), NAMES, False),
        (issued(), NAMES[:-1], False),
        (issued(), (*NAMES, "10.0.0.5"), True),
        (issued(ends=NOW + 31 * DAY), NAMES, False),
        (issued(ends=NOW + 29 * DAY), NAMES, True),
        (issued(begins=NOW + 1), NAMES, True),
        (issued(authority_ends=NOW + 29 * DAY), NAMES, True),
    ],
)
def test_it_is_made_anew_when_a_name_is_missing_or_its_time_is_not_now(
    there: Issued | None, wanted: tuple[str, ...], anew: bool
) -> None:
    assert must_renew(there, wanted, NOW) is anew


def test_half_a_folder_counts_as_none(folder: Folder) -> None:
    make(folder, NOW, NAMES)
    folder.box_key.unlink()
    assert folder.issued() is None
    make(folder, NOW, NAMES)
    folder.notes.write_text("{")
    assert folder.issued() is None


def test_the_machine_has_names_to_be_reached_by() -> None:
    names = wanted_names()
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert all("_" not in name and " " not in name for name in names)


def test_the_program_says_in_a_sentence_what_it_cannot(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.crt").write_text("no certificate")
    assert main(["look", str(tmp_path / "own.crt")]) == 1
    assert capfd.readouterr().err
    assert main(["make", str(tmp_path), str(NOW), *NAMES]) == 0
    answer = msgspec.json.decode(capfd.readouterr().out, type=Issued)
    assert set(answer.names) == set(NAMES)
