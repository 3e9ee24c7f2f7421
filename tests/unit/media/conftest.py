"""Fixtures of the media tests."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from tests.unit.media.engine_box import EngineBox
from tests.unit.media.still import Still, library


@pytest.fixture
def box() -> Iterator[EngineBox]:
    """An engine in this process; closed with everything around it."""
    made = EngineBox()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The engine without its threads, compiled once."""
    return library(tmp_path_factory.mktemp("still"))


@pytest.fixture
def still(loaded: ctypes.CDLL) -> Iterator[Still]:
    """An engine on the test's own clock."""
    made = Still(loaded)
    yield made
    made.close()
