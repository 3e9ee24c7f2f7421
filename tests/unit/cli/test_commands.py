"""The `hako` command on files and stopped boxes: words, exit statuses, nothing half done."""

from __future__ import annotations

import errno
import socket
import sys
import types
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from appliance.app.addresses import port_problem
from appliance.cli import doctor, main
from appliance.cli.client import Running
from appliance.cli.words import TEXTS, Speaker
from appliance.options import Address, Options
from appliance.store.lock import DataFolder, FolderError

SITE = """
[site]
name = "Acme"
timezone = "Asia/Tokyo"
[[users]]
name = "admin"
password = "correct horse"
role = "admin"
[[extensions]]
number = "201"
password = "k3m9x7q2w8"
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    return file


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "var")


Output = pytest.CaptureFixture[str]


def test_check_prints_one_line_a_problem(site: Path, capsys: Output) -> None:
    site.write_text(SITE + '[[queues]]\nid = "q"\nstrategy = "foo"\n[[groups]]\nid = "g"\nmembers = ["9"]\n')
    assert main(["check", str(site)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f'{site}: queues[0].strategy: unknown strategy "foo"; one of longest-idle')
    assert any(line.startswith(f"{site}: groups[0].members[0]: ") for line in lines)


def test_check_speaks_japanese_to_a_japanese_terminal(
    site: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert main(["check", str(site)]) == 0
    said = capsys.readouterr()
    assert f"{site}: trunks: 注意: 外線がありません" in said.out and said.err == f"{site}: 問題ありません\n"
    site.write_text(SITE + '[[queues]]\nid = "q"\nstrategy = "foo"\n')
    assert main(["check", str(site)]) == 1
    assert f'{site}: queues[0].strategy: 呼び出し方式 "foo" はありません' in capsys.readouterr().out
    assert main(["check", str(site) + ".missing"]) == 1
    assert "ファイルまたはフォルダーがありません" in capsys.readouterr().err


def test_check_accepts_a_good_file_and_warns(site: Path, capsys: Output) -> None:
    assert main(["check", str(site)]) == 0
    said = capsys.readouterr()
    assert f"{site}: trunks: warning: there is none" in said.out
    assert said.err == f"{site}: ok\n", "what a script reads on standard output is problems and warnings"
    assert main(["check", str(site) + ".missing"]) == 1
    assert "No such file" in capsys.readouterr().err


def test_apply_and_export_on_a_stopped_box(site: Path, data: str, tmp_path: Path, capsys: Output) -> None:
    assert main(["apply", str(site), "--data", data]) == 0
    assert "extension 201: added" in capsys.readouterr().out
    assert main(["export", "--data", data]) == 0
    exported = capsys.readouterr().out
    assert "k3m9x7q2w8" not in exported and "correct horse" not in exported and "$argon2id$" in exported
    copy = tmp_path / "copy.toml"
    copy.write_text(exported)
    assert main(["apply", str(copy), "--data", data]) == 0
    assert "no change" in capsys.readouterr().out
    assert main(["apply", str(site), "--data", data]) == 0
    assert "no change" in capsys.readouterr().out, "the same plain password keeps its hash"
    assert main(["export", "--data", data, "--secrets"]) == 0
    assert "k3m9x7q2w8" in capsys.readouterr().out


def test_a_bad_file_changes_nothing(site: Path, data: str, capsys: Output) -> None:
    bad = site.with_name("bad.toml")
    bad.write_text(SITE.replace('"201"', '"110"'))
    assert main(["apply", str(bad), "--data", data]) == 1
    assert not Path(data).exists()
    assert main(["apply", str(site), "--data", data]) == 0
    before = DataFolder(data).config.read_bytes()
    capsys.readouterr()
    assert main(["apply", str(bad), "--data", data]) == 1
    output = capsys.readouterr()
    assert f'{bad}: extensions[0].number: "110" is an emergency number' in output.out
    assert "nothing was changed" in output.err
    assert DataFolder(data).config.read_bytes() == before
    assert not DataFolder(data).locked()


def test_tokens_backup_and_restore(site: Path, data: str, tmp_path: Path, capsys: Output) -> None:
    main(["apply", str(site), "--data", data])
    capsys.readouterr()
    assert main(["token", "create", "--data", data, "shop", "--role", "supervisor"]) == 0
    assert capsys.readouterr().out.startswith("hako_")
    assert main(["token", "create", "--data", data, "shop", "--role", "supervisor"]) == 1
    file = tmp_path / "box.hako"
    assert main(["backup", "--data", data, str(file)]) == 0
    other = str(tmp_path / "other")
    assert main(["restore", str(file), "--data", other]) == 0
    capsys.readouterr()
    assert main(["export", "--data", other]) == 0
    assert 'name = "Acme"' in capsys.readouterr().out
    file.write_bytes(b"spoiled")
    assert main(["restore", str(file), "--data", other]) == 1
    assert "damaged or no backup" in capsys.readouterr().err


def test_doctor_names_a_remedy_a_line(site: Path, data: str, capsys: Output) -> None:
    assert main(["doctor", "--data", data]) == 1
    assert "there is no data folder" in capsys.readouterr().out
    main(["apply", str(site), "--data", data])
    DataFolder(data).records.write_bytes(b"damage" * 1000)
    Path(data).chmod(0o755)
    capsys.readouterr()
    assert main(["doctor", "--data", data]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("problem: the call records are damaged") and " -> " in line for line in lines)
    assert any("can be read by other users" in line and f"-> chmod 700 {data}" in line for line in lines)
    assert lines.index(next(line for line in lines if line.startswith("ok: "))) > 0


def test_doctor_names_who_was_refused() -> None:
    refused = {"address": "192.0.2.7", "method": "REGISTER", "caller": "201", "why": "wrong password", "times": 3}

    class Asked(Running):
        def ask(self, command: str, arguments: dict[str, Any]) -> Any:
            return {"refused": [refused]}

    say = Speaker("en")
    said = [doctor.line(finding, say) for finding in doctor._running(Asked(DataFolder("/none")), say)]
    assert any("192.0.2.7 was refused (lately 3 times): REGISTER as 201: wrong password -> " in line for line in said)


@pytest.mark.parametrize("arguments", [["export"], ["token", "create", "x", "--role", "admin"], ["backup", "f"]])
def test_what_is_no_data_folder_is_said_in_words(arguments: list[str], tmp_path: Path, capsys: Output) -> None:
    assert main([*arguments, "--data", str(tmp_path / "none")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("hako: ") and "data folder" in error and "Traceback" not in error
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["serve"],
        ["serve", "--data", "d", "--sip", "nonsense"],
        ["serve", "--data", "d", "--sip", "host:99999"],
        ["serve", "--data", "d", "--sip", "::1:5060"],
        ["serve", "--data", "d", "--rtp", "5-1"],
        ["serve", "--data", "d", "--rtp", "20000"],
        ["token", "create", "x", "--data", "d", "--role", "boss"],
        ["token"],
        ["check"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_command_it_says_what_there_is(capsys: Output) -> None:
    assert main([]) == 2
    assert "serve" in capsys.readouterr().out


def replace_root(monkeypatch: pytest.MonkeyPatch, **begins: object) -> None:
    """Puts functions in the place of the composition root's own."""
    for name, begin in begins.items():
        module = types.ModuleType(f"appliance.app.{name}")
        setattr(module, name, begin)
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Options]]:
    """A composition root that only notes what it was asked for."""
    asked: list[tuple[str, Options]] = []

    def note(name: str, status: int) -> object:
        def begin(options: Options) -> int:
            asked.append((name, options))
            if options.on_ready is not None:
                log_in, https = ("web log-in:", "  admin  pw"), "https://0.0.0.0:8443/" if options.https else ""
                options.on_ready("0.0.0.0:5060", "http://0.0.0.0:8080/", log_in, https)
            return status

        return begin

    replace_root(monkeypatch, serve=note("serve", 0), demo=note("demo", 0))
    return asked


def test_serve_prints_the_ready_line(app: list[tuple[str, Options]], capsys: Output) -> None:
    command = (
        "serve --data d --site s.toml --sip 127.0.0.1:0 --web [::1]:0 --rtp 30000-30100 --advertise 1.2.3.4 --board pi4"
    )
    assert main(command.split()) == 0
    ((name, options),) = app
    assert name == "serve" and options.data == Path("d") and options.site == Path("s.toml") and not options.sample
    assert options.sip == Address("127.0.0.1", 0) and options.web == Address("::1", 0)
    assert (options.rtp, options.advertise, options.board) == ((30000, 30100), "1.2.3.4", "pi4")
    ready = "ready sip=0.0.0.0:5060 web=http://0.0.0.0:8080/\n"
    assert capsys.readouterr().out == ready + "https web=https://0.0.0.0:8443/\n"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", Address("", 8443)),
        ("--web 0.0.0.0:8080", Address("0.0.0.0", 8443)),
        ("--web 127.0.0.1:0", Address("127.0.0.1", 0)),
        ("--web [::1]:8081", Address("::1", 8443)),
        ("--https 10.0.0.1:443", Address("10.0.0.1", 443)),
        ("--https off", None),
    ],
)
def test_https_stands_beside_the_web_port_unless_told_otherwise(
    app: list[tuple[str, Options]], capsys: Output, given: str, address: Address | None
) -> None:
    assert main(["serve", "--data", "d", *given.split()]) == 0
    assert app[0][1].https == address
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ready ") and len(lines) == (2 if address else 1)


@pytest.mark.parametrize(
    ("spoken", "given", "language"),
    [
        ({}, "", "ja"),
        ({"LANG": "C.UTF-8"}, "", "ja"),
        ({"LANG": "ja_JP.UTF-8"}, "", "ja"),
        ({"LANG": "en_US.UTF-8"}, "", "en"),
        ({"LANG": "de_DE.UTF-8"}, "", "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "en_GB"}, "", "en"),
        ({"LANG": "en_US.UTF-8"}, " --language ja", "ja"),
    ],
)
@pytest.mark.parametrize("command", ["serve --data d", "run", "demo"])
def test_a_new_site_speaks_the_machines_language_japanese_where_it_has_none(
    app: list[tuple[str, Options]],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    spoken: dict[str, str],
    given: str,
    language: str,
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in spoken.items():
        monkeypatch.setenv(name, value)
    assert main((command + given).split()) == 0
    assert app[0][1].language == language


def test_run_is_for_newcomers(app: list[tuple[str, Options]], capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert main(["run"]) == 0
    ((_, options),) = app
    assert options.data == Path("var") and options.sample and options.language == "ja"
    assert options.sip == Address("", 5060) and options.web == Address("", 8080), "IPv4 and IPv6"
    output = capsys.readouterr().out
    assert "http://0.0.0.0:8080/" in output and "  admin  pw" in output and "ready sip=" in output


def test_demo_takes_free_ports_and_leaves_the_folder_to_the_demo(app: list[tuple[str, Options]]) -> None:
    assert main(["demo"]) == 0
    ((name, options),) = app
    assert name == "demo" and options.sample
    assert options.sip == Address("127.0.0.1", 0) and options.web == Address("127.0.0.1", 0)
    assert options.data == Path()


def test_a_bug_of_ours_is_not_shown_as_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def broken(_options: Options) -> int:
        raise ZeroDivisionError("by zero")

    replace_root(monkeypatch, serve=broken)
    assert main(["serve", "--data", "d"]) == 1
    error = capsys.readouterr().err
    assert "this should not happen" in error and "Traceback" not in error


def test_tokens_are_listed_and_taken_back(site: Path, data: str, capsys: Output) -> None:
    main(["apply", str(site), "--data", data])
    main(["token", "create", "--data", data, "shop", "--role", "supervisor"])
    main(["token", "create", "--data", data, "wall", "--role", "wallboard"])
    capsys.readouterr()
    assert main(["token", "list", "--data", data]) == 0
    assert [one.split()[:2] for one in capsys.readouterr().out.splitlines()] == [
        ["shop", "supervisor"],
        ["wall", "wallboard"],
    ]
    assert main(["token", "revoke", "--data", data, "shop"]) == 0
    assert main(["token", "revoke", "--data", data, "shop"]) == 1
    assert 'there is no token "shop"' in capsys.readouterr().err
    assert main(["token", "list", "--data", data]) == 0
    assert capsys.readouterr().out.split()[0] == "wall"


def test_the_command_speaks_the_language_of_the_site(site: Path, data: str, capsys: Output) -> None:
    site.write_text(SITE.replace('name = "Acme"', 'name = "Acme"\nlanguage = "ja"'))
    main(["apply", str(site), "--data", data])
    capsys.readouterr()
    main(["apply", str(site), "--data", data])
    assert "変更はありません" in capsys.readouterr().out
    main(["doctor", "--data", data])
    assert "正常: 装置は停止しています" in capsys.readouterr().out.splitlines()
    main(["token", "revoke", "--data", data, "shop"])
    assert capsys.readouterr().err == "hako: トークン「shop」はありません\n"


def test_every_text_is_there_in_both_languages_with_the_same_fields() -> None:
    for name, texts in TEXTS.items():
        ja, en = ({field for _, field, _, _ in Formatter().parse(text) if field} for text in texts)
        assert ja == en and all(texts), name


def test_a_lost_configuration_is_named_with_its_remedy(site: Path, data: str, capsys: Output) -> None:
    main(["apply", str(site), "--data", data])
    for name in ("config.json", "config.json.good"):
        (Path(data) / name).write_bytes(b"{")
    capsys.readouterr()
    assert main(["doctor", "--data", data]) == 1
    assert "neither config.json nor its copy can be used (it is not JSON). Restore a backup" in capsys.readouterr().out
    assert main(["export", "--data", data]) == 1
    assert "Restore a backup" in capsys.readouterr().err
    assert main(["apply", str(site), "--data", data]) == 0


def test_apply_says_what_is_missing_on_this_box(site: Path, data: str, capsys: Output) -> None:
    site.write_text(SITE.replace('password = "k3m9x7q2w8"', ""))
    assert main(["apply", str(site), "--data", data]) == 0
    assert "extensions[0].password: is missing, here and on the box: no phone can register" in capsys.readouterr().err


def test_a_file_is_no_data_folder(tmp_path: Path, capsys: Output) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert main(["apply", str(file), "--data", str(file)]) == 1
    with pytest.raises(FolderError, match="is a file; --data names the folder"):
        DataFolder(file).create()
    assert main(["doctor", "--data", str(file)]) == 1
    assert f"{file} is a file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EADDRNOTAVAIL, "x"), "--sip 203.0.113.9:5060: this machine has no address 203.0.113.9; it has "),
        (socket.gaierror(-2, "x"), "this machine has no address 203.0.113.9"),
        (OSError(errno.EADDRINUSE, "x"), "the port of --sip 203.0.113.9:5060 is in use by another program"),
        (OSError(errno.EACCES, "x"), "take a port from 1024 on"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_said_in_words(error: OSError, said: str) -> None:
    problem = port_problem(error, "--sip", Address("203.0.113.9", 5060))
    assert said in str(problem) and problem.said("ja") != str(problem)
