"""One box for all browser tests, people around it and a Chromium, new for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.centre import Centre
from tests.browser.screen import ARGUMENTS
from tests.browser.site import site_file
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


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()
