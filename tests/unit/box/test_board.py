"""Boards as data."""

from pathlib import Path

import pytest

from appliance.box.board import FOLDERS, NONE, SIGNALS, board_names, load_board
from appliance.errors import ConfigError


def test_every_board_of_the_product_loads() -> None:
    assert {"none", "pi4-panel"} <= set(board_names())
    for name in board_names():
        board = load_board(name)
        assert board.name == name
        assert set(board.title) == {"ja", "en"}


def test_the_panel_of_the_pi_is_complete() -> None:
    board = load_board("pi4-panel")
    assert set(board.lamps) == {*SIGNALS, *(f"agent{number}" for number in range(1, 9))}


def test_none_needs_no_file() -> None:
    assert load_board("none", ()) is NONE
    assert load_board("", ()) is NONE


@pytest.mark.parametrize("name", ["mars", "../secrets", "/etc/passwd", "a/b"])
def test_an_unknown_board_names_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match="pi4-panel"):
        load_board(name, FOLDERS)


def test_a_board_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[lamps]\nfault = { red = 17 }\n")
    board = load_board(str(path))
    assert (board.name, board.lamps) == ("mine", {"fault": {"red": 17}})
    with pytest.raises(ConfigError, match="No such file"):
        load_board(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("agents = 'many'", "agents: must be a number, is 'many'"),
        ("agents = true", "agents: must be a number"),
        ("agents = 65", "agents: 65 is not in 0..64"),
        ("lights = 1", "lights: unknown key"),
        ("[lamps]\ndisco = { red = 1 }", "lamps.disco: unknown lamp"),
        ("agents = 1\n[lamps]\nagent2 = { red = 1, green = 2 }", "lamps.agent2: unknown lamp"),
        ("[lamps]\nfault = 17", "lamps.fault: must be a table"),
        ("[lamps]\nfault = { blue = 17 }", 'lamps.fault.blue: unknown colour "blue"'),
        ("[lamps]\nfault = { red = 28 }", "lamps.fault.red: 28 is no BCM pin"),
        ("[lamps]\nfault = { red = '4' }", "lamps.fault.red: '4' is no BCM pin"),
        ("[lamps]\nfault = { red = 4 }\ncalls = { green = 4 }", "lamps.calls.green: pin 4 is already"),
        ("[lamps]\nagent1 = { red = 4 }", "lamps.agent1: an agent's lamp needs red and green"),
        ("[lamps", "Expected"),
    ],
)
def test_mistakes_are_told_with_key_and_remedy(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_board("bad", (tmp_path,))
    assert any(problem in line for line in caught.value.problems)
    assert all(line.startswith(str(path)) for line in caught.value.problems)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("agents = 99\nlights = 1\n[lamps]\nfault = { blue = 40 }")
    with pytest.raises(ConfigError) as caught:
        load_board("bad", (tmp_path,))
    assert len(caught.value.problems) == 4
