"""Reaches the box that runs on a data folder, or finds that none does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from appliance.cli.words import speaker
from appliance.errors import CommandError, ConfigError, HakoError, reason
from appliance.store.lock import DataFolder, FolderError, FolderInUse

TIMEOUT_SECONDS = 120.0
"""A site file with many new passwords takes a while on a small board."""


class Running:
    """The running box, asked over its control socket."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._say = speaker(folder.path)

    def ask(self, command: str, arguments: dict[str, Any]) -> Any:
        """Sends one command and returns its result. Raises HakoError with the box's own words."""
        from appliance.net.control import reachable

        folder = self._folder.path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(TIMEOUT_SECONDS)
                connection.connect(reachable(self._folder.control))
                request = {"command": command, "arguments": arguments}
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as stream:
                    line = stream.readline()
        except TimeoutError:
            raise HakoError(self._say("no-answer", folder=folder)) from None
        except OSError as error:
            who = self._say("process", pid=self._folder.holder()) if self._folder.holder() else ""
            raise HakoError(
                self._say("unreachable", folder=folder, who=who, why=reason(error, self._say.language))
            ) from None
        if not line:
            raise HakoError(self._say("hung-up", folder=folder))
        return _result(json.loads(line))


def _result(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    if "problems" in error:
        raise ConfigError(list(error["problems"]))
    code, message, ja = (str(error.get(key, "")) for key in ("code", "message", "ja"))
    raise CommandError(code or "failed", message or "it failed", None, ja)


@contextmanager
def box(folder: DataFolder, create: bool = False) -> Iterator[Running | None]:
    """The running box of this folder; None, with the folder locked meanwhile, when none runs.

    `create`: an empty or missing folder becomes one. Raises FolderError when there is no such data folder.
    """
    if create:
        folder.create()
    elif not folder.config.exists() and not folder.lock_file.exists():
        raise FolderError(speaker(folder.path)("no-data-folder", folder=folder.path, file=folder.config.name))
    try:
        folder.lock()
    except FolderInUse:
        yield Running(folder)
        return
    try:
        yield None
    finally:
        folder.unlock()
