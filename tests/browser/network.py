"""A computer on the office network: a namespace behind a veth pair, whose address can become another one."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_PLACE = f"10.{200 + os.getpid() // 250 % 50}.{os.getpid() % 250}"
"""Another network for each run of the tests: two at a time must not take each other's packets."""
OURS, THEIRS, LATER = f"{_PLACE}.1", f"{_PLACE}.2", f"{_PLACE}.77"
SECOND = f"{_PLACE}.5"
"""An address that this machine may get beside OURS."""


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


class Network:
    """`name` is the namespace; it reaches us at OURS."""

    def __init__(self) -> None:
        self.name = f"hakow{os.getpid()}"
        self._near, self._far = f"hw{os.getpid()}a", f"hw{os.getpid()}b"

    def make(self) -> None:
        """Raises OSError or CalledProcessError without the rights."""
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
        run("ip", "addr", "add", f"{OURS}/24", "dev", self._near)
        run("ip", "link", "set", self._near, "up")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "set", self._far, "up")
        self.inside("ip", "addr", "add", f"{THEIRS}/24", "dev", self._far)

    def inside(self, *command: str) -> None:
        """Runs a command on that computer."""
        run("ip", "netns", "exec", self.name, *command)

    def change_address(self, before: str, after: str) -> None:
        """The computer goes to another place of the network."""
        self.inside("ip", "addr", "del", f"{before}/24", "dev", self._far)
        self.inside("ip", "addr", "add", f"{after}/24", "dev", self._far)

    def also_here(self, address: str, on: bool) -> None:
        """Gives this machine one more address on the office network, or takes it away."""
        run("ip", "addr", "add" if on else "del", f"{address}/24", "dev", self._near)

    def plug(self, on: bool) -> None:
        """Pulls the cable, or puts it back."""
        run("ip", "link", "set", self._near, "up" if on else "down")

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        subprocess.run(["ip", "link", "del", self._near], capture_output=True)

    def program(self, folder: Path, command: str) -> Path:
        """A program that runs the command there."""
        script = folder / f"{Path(command).name}-there"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {command} "$@"\n')
        script.chmod(0o755)
        return script


@contextlib.contextmanager
def office() -> Iterator[Network]:
    """A network of its own for the block."""
    network = Network()
    try:
        network.make()
        yield network
    finally:
        network.remove()
