"""The control socket: commands reach the box, and only those who may."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.client import box
from appliance.errors import CommandError, ConfigError, HakoError
from appliance.net import control
from appliance.net.control import ControlServer
from appliance.store.lock import DataFolder


async def echo(arguments: Mapping[str, Any]) -> Any:
    return {"said": arguments["say"]}


async def refuse(arguments: Mapping[str, Any]) -> Any:
    raise ConfigError(["one", "two"])


async def conflict(arguments: Mapping[str, Any]) -> Any:
    raise CommandError("version-conflict", "somebody was faster")


async def crash(arguments: Mapping[str, Any]) -> Any:
    raise ZeroDivisionError


HANDLERS = {"echo": echo, "refuse": refuse, "conflict": conflict, "crash": crash}


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[DataFolder]:
    folder = DataFolder(tmp_path)
    folder.create()
    folder.lock()
    server = ControlServer(folder.control, HANDLERS)
    await server.start()
    yield folder
    await server.stop()
    assert not folder.control.exists()


async def ask(folder: DataFolder, command: str, **arguments: Any) -> Any:
    def run() -> Any:
        with box(DataFolder(folder.path)) as running:
            assert running is not None
            return running.ask(command, arguments)

    return await asyncio.to_thread(run)


async def test_a_command_reaches_the_running_box(folder: DataFolder) -> None:
    assert await ask(folder, "echo", say="箱" * 100_000) == {"said": "箱" * 100_000}
    assert folder.control.stat().st_mode & 0o077 == 0


async def test_errors_come_back_in_words(folder: DataFolder) -> None:
    with pytest.raises(ConfigError) as refused:
        await ask(folder, "refuse")
    assert refused.value.problems == ["one", "two"]
    with pytest.raises(CommandError) as failure:
        await ask(folder, "conflict")
    assert failure.value.code == "version-conflict"
    for command in ("crash", "nonsense"):
        with pytest.raises(HakoError):
            await ask(folder, command)
    assert await ask(folder, "echo", say=1) == {"said": 1}


@pytest.mark.parametrize("line", [b"{", b"[]", b"5", b'{"command": []}', b"\xff", b'{"command": {}}'])
async def test_nonsense_is_answered(folder: DataFolder, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(folder.control))
    writer.write(line + b"\n" + json.dumps({"command": "echo", "arguments": {"say": 2}}).encode() + b"\n")
    assert "error" in json.loads(await reader.readline())
    assert json.loads(await reader.readline()) == {"result": {"said": 2}}
    writer.close()


async def test_another_user_is_not_heard(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_trusted", lambda writer: False)
    with pytest.raises(CommandError, match="only root"):
        await ask(folder, "echo", say=1)


async def test_a_socket_left_by_a_killed_box_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    server = ControlServer(path, HANDLERS)
    await server.start()
    _reader, writer = await asyncio.open_unix_connection(str(path))
    writer.close()
    await server.stop()


async def test_a_data_folder_with_a_very_long_name(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / ("long" * 20) / ("name" * 20))
    folder.create()
    folder.lock()
    assert len(os.fsencode(folder.control)) > 108
    server = ControlServer(folder.control, HANDLERS)
    await server.start()
    assert await ask(folder, "echo", say=3) == {"said": 3}
    await server.stop()
    folder.unlock()


def test_a_box_that_does_not_listen_yet_is_said_in_words(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.create()
    folder.lock()
    with box(DataFolder(tmp_path)) as running:
        assert running is not None
        with pytest.raises(HakoError, match=f"process {os.getpid()}.* cannot be reached"):
            running.ask("echo", {})
    folder.unlock()
