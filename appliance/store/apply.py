"""Brings a site file into the configuration, and gives a fresh box its first one. Blocks (Argon2, disk)."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.clock import Entropy
from appliance.errors import ConfigError
from appliance.events.base import Words
from appliance.site.diff import diff
from appliance.site.model import Site, SiteInfo, User
from appliance.site.reader import Reading, read, read_document
from appliance.site.sample import Sample, sample, word
from appliance.store.config import ConfigStore
from appliance.store.lock import DataFolder
from appliance.store.safe import write_file
from appliance.store.secrets import hash_secret, keep_or_hash


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a site file did."""

    site: Site
    version: int
    changes: tuple[str, ...] = ()
    """Empty: the box was like this already."""
    warnings: tuple[str, ...] = ()


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration a box starts with."""

    site: Site
    version: int
    seeded: bool = False
    """It was made just now."""
    notes: tuple[str, ...] = ()
    """For the person who started it: warnings, or how the site file differs."""
    lost: Words | None = None
    """The box has run before and its configuration cannot be read: why. `site` is then a box without phones."""
    log_in: tuple[str, ...] = ()
    """The first log-ins in words, when they were made just now; also in `first-login.txt`."""


def apply_text(store: ConfigStore, text: str | bytes, by: str, expected_version: int | None = None) -> Applied:
    """Makes the configuration match a site file. What the file leaves out of secrets keeps its present value.

    Raises ConfigError (nothing changed), CommandError("version-conflict"), StoreError.
    """
    present, version = store.load()
    return _apply(
        store, read(text, present, keep_or_hash), present, by, version if expected_version is None else expected_version
    )


def apply_document(
    store: ConfigStore, document: Mapping[str, Any], by: str, expected_version: int | None = None
) -> Applied:
    """The same for the site file's data as the API sends it."""
    present, version = store.load()
    return _apply(
        store,
        read_document(document, present, keep_or_hash),
        present,
        by,
        version if expected_version is None else expected_version,
    )


def _apply(store: ConfigStore, reading: Reading, present: Site, by: str, expected: int) -> Applied:
    if reading.site is None:
        raise ConfigError(list(reading.errors))
    if _administrators(present) and not _administrators(reading.site):
        raise ConfigError(
            ["users: no user with the role admin would be left, and nobody could log in to change it back"]
        )
    changes = diff(present, reading.site)
    version = store.save(reading.site, by, expected)
    return Applied(site=reading.site, version=version, changes=changes, warnings=reading.warnings)


def _administrators(site: Site) -> bool:
    return any(user.role == "admin" for user in site.users)


def open_configuration(
    store: ConfigStore,
    folder: DataFolder,
    site_file: Path | None,
    entropy: Entropy,
    use_sample: bool = False,
    language: str = "ja",
) -> Opened:
    """The configuration in force; a fresh box gets one: from the site file, the sample, or an administrator only.

    On a box in use a site file changes nothing: the notes say how it differs. Where its configuration cannot be read
    (`Opened.lost`) nothing is seeded and nothing written either: phones and trunks stay unknown until a backup is
    restored or a site file applied, and somebody can log in to the pages meanwhile.

    Raises ConfigError, StoreError, OSError.
    """
    site, version = store.load()
    if version:
        notes = _differences(site, site_file) if site_file is not None else ()
        return Opened(site=site, version=version, notes=notes)
    lost = store.lost(folder.records.exists())
    if lost is not None:
        return _without(lost, entropy, language)
    if site_file is not None:
        applied = apply_text(store, site_file.read_bytes(), f"site file {site_file.name}")
        return Opened(site=applied.site, version=applied.version, seeded=True, notes=applied.warnings)
    if use_sample:
        made = sample(entropy, language)
        log_in = _sample_log_in(made, language)
        # Before the configuration: a crash between the two makes new secrets, never a box nobody can log in to.
        write_file(folder.first_login, "\n".join((*log_in, "")).encode())
        applied = apply_document(store, made.document, "first start")
        return Opened(site=applied.site, version=applied.version, seeded=True, log_in=log_in)
    password = word(entropy)
    log_in = (_HEADS[language][0], f"  admin       {password}")
    write_file(folder.first_login, "\n".join((*log_in, "")).encode())
    admin = User(name="admin", password_hash=hash_secret(password), role="admin")
    site = Site(site=SiteInfo(language=language, timezone=local_timezone(language)), users=(admin,))
    return Opened(site=site, version=store.save(site, "first start"), seeded=True, log_in=log_in)


def local_timezone(language: str, localtime: Path = Path("/etc/localtime")) -> str:
    """The machine's time zone by its name; where it has none or only UTC, that of the country of the language."""
    _, _, name = str(localtime.resolve()).partition("/zoneinfo/")
    if name in zoneinfo.available_timezones() and not name.endswith(("UTC", "UCT", "Universal", "Zulu")):
        return name
    return "Asia/Tokyo" if language == "ja" else "UTC"


def _without(lost: Words, entropy: Entropy, language: str) -> Opened:
    password = word(entropy)
    admin = User(name="admin", password_hash=hash_secret(password), role="admin")
    log_in = (_THIS_RUN[language], f"  admin       {password}")
    return Opened(
        site=Site(site=SiteInfo(language=language, timezone=local_timezone(language)), users=(admin,)),
        version=0,
        notes=(lost[language], *log_in),
        lost=lost,
    )


def _differences(site: Site, site_file: Path) -> tuple[str, ...]:
    reading = read(site_file.read_bytes(), site, keep_or_hash)
    if reading.site is None:
        return (f"{site_file} is not used (this box has a configuration) and has problems:", *reading.errors)
    changes = diff(site, reading.site)
    if not changes:
        return ()
    return (f"{site_file} is not used (this box has a configuration); `hako apply` would change:", *changes)


_HEADS = {
    "ja": ("Web 画面のログイン:", "電話機（SIP のユーザー名とパスワード）:", "オペレーター（*60 の暗証番号）:"),
    "en": ("web log-ins:", "phones (SIP user and password):", "agents (PIN for *60):"),
}
_THIS_RUN = {"ja": "Web 画面のログイン（今回の起動中のみ有効）:", "en": "web log-in, for this run only:"}


def _sample_log_in(made: Sample, language: str) -> tuple[str, ...]:
    lines: list[str] = []
    for head, secrets in zip(_HEADS[language], (made.users, made.phones, made.pins), strict=True):
        lines += [head, *(f"  {name:<11} {secret}" for name, secret in secrets.items())]
    return tuple(lines)
