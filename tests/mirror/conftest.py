"""Fixtures of the mirror's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.database import Database
from support.mirror import Mirror
from support.redis import RedisServer


@pytest.fixture
def mirror(db: Database, redis_server: RedisServer, tmp_path: Path) -> Iterator[Mirror]:
    """A database to be mirrored; workers are started by the test."""
    made = Mirror(db, redis_server, tmp_path)
    yield made
    made.close()
