"""The scene of the attacks."""

from __future__ import annotations

import pytest

from support.database import Database
from support.scene import Scene


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)
