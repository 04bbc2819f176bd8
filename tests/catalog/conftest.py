"""The scene of the attacks, and a database with an object of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import documents
from support.cluster import Cluster
from support.database import Database
from support.scene import Scene


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)


@pytest.fixture(scope="module")
def full(server: Cluster, template: str) -> Iterator[Database]:
    made = documents.with_every_kind(server, template)
    yield made
    made.drop()
