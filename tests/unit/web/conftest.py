from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from appliance.web.app import make_app
from tests.unit.web.fakebox import FakeBox
from tests.unit.web.helpers import Client


@pytest.fixture
def box(tmp_path: Path) -> FakeBox:
    return FakeBox(tmp_path)


@pytest.fixture
async def client(box: FakeBox) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(box.context))) as made:
        yield made
