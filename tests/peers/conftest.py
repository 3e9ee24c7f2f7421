"""One box for the tests that need no box of their own; prompts are made once for all of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.peers.kit.box import Box
from tests.peers.kit.ports import free_port
from tests.peers.kit.site import site_file


class Lines:
    """Ports of the carriers that the shared box knows: open, challenging, with one channel."""

    def __init__(self) -> None:
        self.carrier, self.guarded, self.single = free_port(), free_port(), free_port()


@pytest.fixture(scope="session")
def lines() -> Lines:
    return Lines()


@pytest.fixture(scope="session")
def shared_box(tmp_path_factory: pytest.TempPathFactory, lines: Lines) -> Iterator[Box]:
    box = Box(tmp_path_factory.mktemp("box"), site_file(lines.carrier, lines.guarded, lines.single))
    try:
        asyncio.run(box.start())
        yield box
    finally:
        asyncio.run(box.close())


@pytest_asyncio.fixture
async def box(shared_box: Box) -> AsyncIterator[Box]:
    """The shared box, with nobody logged in and no call."""
    yield shared_box
    for agent in await shared_box.items("agents"):
        if agent["status"] != "logged-out":
            await shared_box.set_status(agent["id"], "logged-out")
    for call in await shared_box.items("calls"):
        await shared_box.call_api("POST", f"calls/{call['id']}/hangup")


def share_prompts(maker: Box, other: Box) -> None:
    """Spares a box the making of prompts that another one has."""
    cache = other.data / "prompts" / "cache"
    cache.mkdir(parents=True)
    for prompt in (maker.data / "prompts" / "cache").glob("[0-9a-f]*.wav"):
        os.link(prompt, cache / prompt.name)


MakeBox = Callable[..., Box]


@pytest_asyncio.fixture
async def make_box(tmp_path: Path, shared_box: Box, lines: Lines) -> AsyncIterator[MakeBox]:
    """Boxes of a test's own, which have the shared one's prompts; nothing of them is left at the end."""
    made: list[Box] = []

    def make(site: str = "", name: str = "own", **options: str) -> Box:
        folder = tmp_path / name
        folder.mkdir()
        box = Box(folder, site or site_file(lines.carrier, lines.guarded, lines.single), **options)
        share_prompts(shared_box, box)
        made.append(box)
        return box

    yield make
    for box in made:
        await box.close()
