"""One box for all browser tests, people around it and a Chromium, new for each test."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.centre import Centre
from tests.browser.network import Network, office
from tests.browser.screen import ARGUMENTS
from tests.browser.site import site_file
from tests.peers.conftest import share_prompts
from tests.peers.kit.box import Box
from tests.peers.kit.ports import free_port


class Place(NamedTuple):
    """A running box and the port where it expects its carrier."""

    box: Box
    carrier_port: int


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    port = free_port()
    box = Box(tmp_path_factory.mktemp("browser"), site_file(port))
    try:
        asyncio.run(box.start())
        yield Place(box, port)
    finally:
        asyncio.run(box.close())


@pytest_asyncio.fixture
async def centre(place: Place) -> AsyncIterator[Centre]:
    async with Centre(*place) as centre:
        yield centre


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """The office network, for browsers on another computer than the box."""
    try:
        with office() as made:
            yield made
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a network namespace needs root: {error}")


@pytest.fixture(scope="session")
def office_box(place: Place, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box that the office network reaches."""
    box = Box(tmp_path_factory.mktemp("office"), site_file(place.carrier_port), bind="0.0.0.0")
    share_prompts(place.box, box)
    try:
        asyncio.run(box.start())
        yield box
    finally:
        asyncio.run(box.close())


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()
