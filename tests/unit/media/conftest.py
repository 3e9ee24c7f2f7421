"""Fixtures of the media tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.media.engine_box import EngineBox


@pytest.fixture
def box() -> Iterator[EngineBox]:
    """An engine in this process; closed with everything around it."""
    made = EngineBox()
    try:
        yield made
    finally:
        made.close()
