"""Checks of the machine: each judges well, speaks both languages and never raises."""

from pathlib import Path

import pytest

from appliance.box.health import clock, disk, memory, power, temperature, zone
from appliance.box.health.finding import Finding, size
from appliance.box.health.survey import missing, survey
from appliance.clock import Instant
from appliance.media.speech import OFF
from appliance.site.model import SiteInfo

GB = 10**9
NOW = 1_795_250_000.0


def judged(finding: Finding | None) -> str:
    assert finding is not None
    assert set(finding.text) == set(finding.remedy) == {"ja", "en"}
    assert all(finding.text.values())
    assert all(finding.remedy.values()) == (finding.severity != "ok")
    return finding.severity


@pytest.mark.parametrize(
    ("free", "total", "more", "severity"),
    [
        (20 * GB, 32 * GB, {}, "ok"),
        (GB // 2, 32 * GB, {}, "fault"),
        (GB // 2, 2 * GB, {}, "ok"),
        (GB // 20, 32 * GB, {}, "fault"),
        (20 * GB, 32 * GB, {"read_only": True}, "fault"),
        (20 * GB, 32 * GB, {"no_inodes": True}, "fault"),
    ],
)
def test_disk(free: int, total: int, more: dict[str, bool], severity: str) -> None:
    assert judged(disk.judge(free, total, **more)) == severity


def test_disk_of_a_folder(tmp_path: Path) -> None:
    assert judged(disk.check(tmp_path)) in ("ok", "warning", "fault")
    assert judged(disk.check(tmp_path / "none")) == "fault"


@pytest.mark.parametrize(
    ("wall", "newest", "severity"),
    [
        (NOW, 0.0, "ok"),
        (NOW, NOW + 30, "ok"),
        (NOW, NOW + 90_000, "fault"),
        (0.0, 0.0, "fault"),
        (1e18, 0.0, "fault"),
        (float("nan"), 0.0, "fault"),
    ],
)
def test_clock(wall: float, newest: float, severity: str) -> None:
    assert judged(clock.check(wall, newest)) == severity


def test_a_step_of_the_clock_is_noticed_once() -> None:
    watch, now = clock.StepWatch(), Instant(100.0, NOW)
    assert watch.feed(now) == 0
    assert watch.feed(now.later(60)) == 0
    assert watch.feed(Instant(220.0, NOW + 121)) == 0  # steered by NTP
    assert watch.feed(Instant(230.0, NOW + 3731)) == pytest.approx(3600)
    assert watch.feed(Instant(240.0, NOW + 3741)) == 0
    assert watch.feed(Instant(250.0, NOW + 151)) == pytest.approx(-3600)


@pytest.mark.parametrize(
    ("timezone", "country", "severity"),
    [
        ("Asia/Tokyo", "JP", "ok"),
        ("UTC", "JP", "warning"),
        ("America/New_York", "US", "ok"),
        ("Mars/Olympus", "JP", "fault"),
        ("../../etc/passwd", "", "fault"),
        ("", "", "fault"),
    ],
)
def test_zone(timezone: str, country: str, severity: str) -> None:
    assert judged(zone.check(timezone, country)) == severity


@pytest.mark.parametrize(("available", "severity"), [(500_000, "ok"), (80_000, "warning"), (20_000, "fault")])
def test_memory(tmp_path: Path, available: int, severity: str) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 900000 kB\nMemAvailable: {available} kB\n")
    assert judged(memory.check(meminfo)) == severity
    assert memory.check(tmp_path / "none") is None


def test_temperature(tmp_path: Path) -> None:
    assert temperature.check(tmp_path) is None
    for number, reading in enumerate(("45000", "broken", "81000")):
        zone_folder = tmp_path / f"thermal_zone{number}"
        zone_folder.mkdir()
        (zone_folder / "temp").write_text(reading)
    assert judged(temperature.check(tmp_path)) == "fault"
    assert judged(temperature.judge(76)) == "warning"
    assert judged(temperature.judge(45)) == "ok"


def test_power(tmp_path: Path) -> None:
    reading = tmp_path / "get_throttled"
    assert power.check(reading) is None
    for text, severity in (("0\n", "ok"), ("50005\n", "fault"), ("50000\n", "warning")):
        reading.write_text(text)
        assert judged(power.check(reading)) == severity


def test_the_survey_of_this_machine(tmp_path: Path) -> None:
    found = survey(tmp_path, NOW, SiteInfo(timezone="Asia/Tokyo"))
    assert [finding.id for finding in found][:3] == ["disk", "clock", "timezone"]
    for finding in found:
        judged(finding)


def test_a_finding_becomes_a_line() -> None:
    finding = missing(OFF["ja"])
    judged(finding)
    assert finding.line("en") == f"warning speech-ja: {finding.text['en']} -> {finding.remedy['en']}"
    assert finding.line("fr") == finding.line("en")


def test_sizes_for_people() -> None:
    assert (size(12.34e9), size(480e6)) == ("12.3 GB", "480 MB")
