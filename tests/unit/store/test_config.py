"""The configuration: versions, history, undo, tokens, and a file that survives what happens to files."""

from __future__ import annotations

import os
import random
import stat
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.errors import CommandError, ConfigError
from appliance.events.base import Words
from appliance.site.model import Extension, Site
from appliance.site.reader import read_document
from appliance.site.sample import sample
from appliance.store import apply as applying
from appliance.store import safe
from appliance.store.apply import apply_text, local_timezone, open_configuration
from appliance.store.config import KEEP, ConfigStore
from appliance.store.lock import DataFolder
from appliance.store.safe import SafeStorage, StoreError
from appliance.store.secrets import hash_secret, keep_or_hash, verify
from appliance.store.tokens import Tokens


def clock() -> float:
    return 1_795_255_200.0


def site(*numbers: str) -> Site:
    return Site(extensions=tuple(Extension(number=number) for number in numbers))


def store(folder: Path) -> ConfigStore:
    return ConfigStore(folder / "config.json", clock)


def test_a_site_is_kept_whole(tmp_path: Path) -> None:
    rich = read_document(sample(random.Random(1).randbytes).document).site
    assert rich is not None
    assert store(tmp_path).load() == (Site(), 0)
    assert store(tmp_path).save(rich, "test") == 1
    assert store(tmp_path).load() == (rich, 1)
    assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_writer_must_know_the_version(tmp_path: Path) -> None:
    config = store(tmp_path)
    config.save(site("201"), "a", 0)
    with pytest.raises(CommandError) as failure:
        config.save(site("202"), "b", 0)
    assert failure.value.code == "version-conflict"
    assert config.load() == (site("201"), 1)
    assert config.save(site("201", "202"), "b", 1) == 2
    assert config.save(site("201", "202"), "b", 2) == 2, "no change, no version"


def test_history_and_undo(tmp_path: Path) -> None:
    config = store(tmp_path)
    with pytest.raises(CommandError):
        config.undo("x")
    config.save(site("201"), "ann")
    config.save(site("201", "202"), "ben")
    assert [(one.version, one.by, one.changes) for one in config.history()] == [
        (2, "ben", ("extension 202: added",)),
        (1, "ann", ("extension 201: added",)),
    ]
    with pytest.raises(CommandError):
        config.undo("cat", 1)
    assert config.undo("cat", 2) == 3
    assert config.load() == (site("201"), 3)
    assert config.undo("cat") == 4
    assert config.load() == (site("201", "202"), 4)
    assert config.get(1) == site("201")
    with pytest.raises(CommandError):
        config.get(99)


def test_only_the_latest_versions_are_kept(tmp_path: Path) -> None:
    config = store(tmp_path)
    for number in range(KEEP + 5):
        config.save(site(str(200 + number)), "x")
    assert [one.version for one in config.history()] == list(range(KEEP + 5, 5, -1))
    assert store(tmp_path).save(site("999"), "x") == KEEP + 6


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00" * 500, b"[]", b'{"versions": 5}', b"[" * 100_000])
def test_a_damaged_file_gives_way_to_the_good_copy(tmp_path: Path, damage: bytes) -> None:
    store(tmp_path).save(site("201"), "x")
    (tmp_path / "config.json").write_bytes(damage)
    told: list[Words] = []
    assert ConfigStore(tmp_path / "config.json", clock, told.append).load() == (site("201"), 1)
    assert len(told) == 1 and "the last good copy is used" in told[0]["en"] and "控え" in told[0]["ja"]
    assert store(tmp_path).load() == (site("201"), 1)
    assert (tmp_path / "config.json.damaged").read_bytes() == damage


def test_with_both_copies_damaged_it_is_lost_and_says_why(tmp_path: Path) -> None:
    store(tmp_path).save(site("201"), "x")
    for name in ("config.json", "config.json.good"):
        (tmp_path / name).write_bytes(b"gone")
    config = store(tmp_path)
    assert config.load() == (Site(), 0)
    lost = config.lost(in_use=False)
    assert lost is not None and "neither config.json nor its copy" in lost["en"]
    assert store(tmp_path / "fresh").lost(in_use=False) is None


def test_a_save_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = store(tmp_path)
    config.save(site("201"), "x")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        config.save(site("202"), "x")
    monkeypatch.undo()
    assert config.load() == (site("201"), 1)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.json", "config.json.good"]


def test_power_may_fail_at_any_step_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCut(BaseException):
        pass

    steps = 0
    for stop in range(1, 40):
        folder = tmp_path / str(stop)
        folder.mkdir()
        config = store(folder)
        config.save(site("201"), "x")
        count = 0

        def cut(*_args: object, stop: int = stop, **_more: object) -> None:
            nonlocal count
            count += 1
            if count == stop:
                raise PowerCut

        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "fchmod"):
                real = getattr(os, name)
                patch.setattr(safe.os, name, lambda *a, real=real, **k: (cut(), real(*a, **k))[1])
            try:
                config.save(site("202"), "x")
            except PowerCut:
                steps += 1
        assert store(folder).load()[0] in (site("201"), site("202"))
        if count < stop:
            break
    assert steps >= 6


def test_an_unreadable_version_is_passed_over(tmp_path: Path) -> None:
    config = store(tmp_path)
    config.save(site("201"), "x")
    config.database.table("versions").insert({"site": {"extensions": "?"}})
    assert store(tmp_path).load() == (site("201"), 1)
    assert store(tmp_path).save(site("202"), "x") == 3


def test_passwords_are_checked_not_kept() -> None:
    kept = hash_secret("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and "horse" not in kept
    assert verify(kept, "correct horse")
    assert not verify(kept, "correct house")
    assert not verify("", "correct horse") and not verify("", "") and not verify("plain", "plain")
    assert keep_or_hash("correct horse", kept) == kept
    assert keep_or_hash("another", kept) != kept


def test_an_unknown_name_costs_as_much_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    asked: list[str] = []
    real = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda self, kept, plain: (asked.append(kept), real(self, kept, plain))[1]
    )
    assert not verify("", "x")
    assert asked and asked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_tokens_are_shown_once_and_kept_as_digests(tmp_path: Path) -> None:
    config = store(tmp_path)
    tokens = Tokens(config, random.Random(2).randbytes, clock)
    secret = tokens.create("shop", "supervisor")
    found = tokens.check(secret)
    assert found is not None and (found.name, found.role) == ("shop", "supervisor")
    assert tokens.check(secret[:-1]) is None and tokens.check("") is None and tokens.check("\ud800") is None
    assert secret not in (tmp_path / "config.json").read_text()
    again = Tokens(store(tmp_path), os.urandom, clock)
    assert again.check(secret) is not None
    with pytest.raises(CommandError):
        again.create("shop", "admin")
    with pytest.raises(CommandError):
        again.create("other", "boss")
    again.revoke("shop")
    assert again.check(secret) is None and Tokens(store(tmp_path), os.urandom, clock).list() == ()
    with pytest.raises(CommandError):
        again.revoke("shop")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that takes no time."""
    monkeypatch.setattr(applying, "keep_or_hash", lambda plain, present: f"$argon2:{plain}")
    monkeypatch.setattr(applying, "hash_secret", lambda plain: f"$argon2:{plain}")


def open_box(folder: DataFolder, site_file: Path | None = None, use_sample: bool = False) -> applying.Opened:
    folder.create()
    return open_configuration(store(folder.path), folder, site_file, random.Random(3).randbytes, use_sample)


@pytest.mark.usefixtures("quick")
def test_a_fresh_box_takes_the_sample_and_tells_its_secrets_once(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "var")
    opened = open_box(folder, use_sample=True)
    assert opened.seeded and opened.version == 1 and len(opened.site.extensions) == 6
    text = folder.first_login.read_text()
    assert stat.S_IMODE(folder.first_login.stat().st_mode) == 0o600
    assert all(line in text for line in opened.log_in)
    assert opened.site.extensions[0].password in text
    again = open_box(folder, use_sample=True)
    assert not again.seeded and again.log_in == () and again.site == opened.site


@pytest.mark.usefixtures("quick")
def test_a_fresh_box_without_a_site_file_has_an_administrator(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "var")
    opened = open_box(folder)
    assert [user.role for user in opened.site.users] == ["admin"]
    assert opened.site.users[0].password_hash.removeprefix("$argon2:") in folder.first_login.read_text()


@pytest.mark.usefixtures("quick")
def test_a_site_file_seeds_a_fresh_box_and_is_only_compared_with_one_in_use(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "var")
    file = tmp_path / "site.toml"
    file.write_text('[[extensions]]\nnumber = "201"\npassword = "secret12345"\n')
    opened = open_box(folder, file)
    assert opened.seeded and opened.site.extensions[0].number == "201"
    assert not folder.first_login.exists()
    file.write_text('[[extensions]]\nnumber = "202"\n')
    again = open_box(folder, file)
    assert again.site == opened.site and again.version == 1
    assert "extension 202: added" in again.notes and "extension 201: removed" in again.notes
    file.write_text("x")
    assert open_box(folder, file).site == opened.site


@pytest.mark.usefixtures("quick")
def test_a_bad_site_file_changes_nothing(tmp_path: Path) -> None:
    config = store(tmp_path)
    applied = apply_text(config, '[[extensions]]\nnumber = "201"\n', "x")
    assert applied.changes == ("extension 201: added",) and applied.version == 1
    with pytest.raises(ConfigError):
        apply_text(config, '[[extensions]]\nnumber = "110"\n', "x")
    with pytest.raises(CommandError):
        apply_text(config, '[[extensions]]\nnumber = "202"\n', "x", 7)
    with pytest.raises(CommandError):
        apply_text(config, "[site]", "x", 0)
    assert config.load() == (applied.site, 1)
    assert apply_text(config, '[[extensions]]\nnumber = "201"\n', "x").changes == ()


def test_a_stored_site_of_older_software_gets_the_new_defaults(tmp_path: Path) -> None:
    config = store(tmp_path)
    config.save(site("201"), "x")
    old = msgspec.to_builtins(site("201"))
    del old["codes"]
    old["extensions"][0]["forgotten"] = 1
    config.database.table("versions").insert({"site": old})
    assert config.load() == (site("201"), 2)


def test_a_token_made_while_a_configuration_is_kept_loses_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = SafeStorage.write

    def slowly(self: SafeStorage, data: dict[str, dict[str, Any]]) -> None:
        time.sleep(0.005)
        write(self, data)

    monkeypatch.setattr(SafeStorage, "write", slowly)
    config = store(tmp_path)
    tokens = Tokens(config, os.urandom, clock)

    def save() -> None:
        for number in range(10):
            config.save(site(str(200 + number)), "test")

    saver = threading.Thread(target=save)
    saver.start()
    for number in range(10):
        tokens.create(f"token {number}", "admin")
    saver.join()
    again = store(tmp_path)
    assert again.load()[1] == 10
    assert len(Tokens(again, os.urandom, clock).list()) == 10


def test_a_site_file_that_would_leave_no_administrator_changes_nothing(tmp_path: Path) -> None:
    config = store(tmp_path)
    applied = apply_text(config, '[[users]]\nname = "root"\npassword = "correct horse"\nrole = "admin"\n', "x")
    for text in ("", "[site]\n", '[[extensions]]\nnumber = "201"\n'):
        with pytest.raises(ConfigError):
            apply_text(config, text, "x")
    assert config.load() == (applied.site, 1)


def used(folder: Path) -> DataFolder:
    """The folder of a box that has run: a configuration and records."""
    data = DataFolder(folder)
    ConfigStore(data.config, clock).save(site("201"), "x")
    data.records.write_bytes(b"records")
    return data


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


@pytest.mark.parametrize("how", ["damaged", "gone", "other version"])
def test_a_box_in_use_whose_configuration_is_lost_is_not_seeded(tmp_path: Path, how: str) -> None:
    data = used(tmp_path)
    for path in (data.config, data.config.with_name("config.json.good")):
        if how == "damaged":
            path.write_bytes(b"{")
        elif how == "gone":
            path.unlink()
        else:
            path.write_bytes(b'{"versions": {"1": {"site": {"extensions": 5}}}}')
    before = contents(tmp_path)
    file = tmp_path.with_suffix(".toml")
    file.write_text('[[extensions]]\nnumber = "202"\npassword = "k3m9x7q2w8"\n')
    for _ in range(2):
        for sample_wanted, site_file in ((True, None), (False, file), (False, None)):
            config = ConfigStore(data.config, clock)
            opened = open_configuration(config, data, site_file, os.urandom, sample_wanted)
            assert opened.lost is not None and not opened.seeded and opened.version == 0
            assert not opened.site.extensions and [user.role for user in opened.site.users] == ["admin"]
    assert contents(tmp_path) == before, "nothing is overwritten"
    applied = apply_text(ConfigStore(data.config, clock), file.read_text(), "test")
    assert [one.number for one in applied.site.extensions] == ["202"]
    assert ConfigStore(data.config, clock).load()[0] == applied.site
    if how == "damaged":
        kept = {name: text for name, text in contents(tmp_path).items() if ".damaged" in name}
        assert kept == {"config.json.damaged": b"{", "config.json.good.damaged": b"{"}


def test_damaged_files_are_kept_each_under_its_own_name(tmp_path: Path) -> None:
    for damage in (b"one", b"two", b"three"):
        store(tmp_path).save(site("201"), "x")
        (tmp_path / "config.json").write_bytes(damage)
        assert store(tmp_path).load()[1] == 1
    names = ("config.json.damaged", "config.json.damaged-2", "config.json.damaged-3")
    assert [(tmp_path / name).read_bytes() for name in names] == [b"one", b"two", b"three"]


def test_a_file_that_cannot_be_read_is_told_in_both_languages(tmp_path: Path) -> None:
    store(tmp_path).save(site("201"), "x")
    (tmp_path / "config.json").write_bytes(b"{")
    told: list[Words] = []
    ConfigStore(tmp_path / "config.json", clock, told.append).load()
    assert "it is not JSON" in told[0]["en"] and "it is" not in told[0]["ja"]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_an_empty_box_begins_in_the_language_it_was_asked_for(tmp_path: Path, language: str) -> None:
    data = DataFolder(tmp_path / "box")
    data.create()
    opened = open_configuration(store(data.path), data, None, os.urandom, False, language)
    assert opened.seeded and opened.site.site.language == language
    assert store(data.path).load()[0].site.language == language


def test_an_empty_box_has_the_time_of_its_machine_or_of_japan(tmp_path: Path) -> None:
    zones = tmp_path / "zoneinfo"
    for name in ("Europe/Paris", "Etc/UTC"):
        (zones / name).parent.mkdir(parents=True, exist_ok=True)
        (zones / name).touch()
    local = tmp_path / "localtime"
    assert local_timezone("ja", local) == "Asia/Tokyo" and local_timezone("en", local) == "UTC"
    for name, ja, en in (("Europe/Paris", "Europe/Paris", "Europe/Paris"), ("Etc/UTC", "Asia/Tokyo", "UTC")):
        local.unlink(missing_ok=True)
        local.symlink_to(zones / name)
        assert (local_timezone("ja", local), local_timezone("en", local)) == (ja, en)
