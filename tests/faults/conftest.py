"""Servers of their own for tests that mistreat them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest

from support import database
from support.cluster import Cluster
from support.database import Database


class MakeServer(Protocol):
    def __call__(
        self, settings: Mapping[str, str] | None = None, *, durable: bool = False, faketime: bool = False
    ) -> Cluster: ...


class MakeDatabase(Protocol):
    """Start a server of its own and return the database its pg_cron serves, with the extension."""

    def __call__(
        self, settings: Mapping[str, str] | None = None, *, durable: bool = False, faketime: bool = False
    ) -> Database: ...


@pytest.fixture
def own_db(own_server: MakeServer) -> Iterator[MakeDatabase]:
    made: list[Database] = []

    def make(
        settings: Mapping[str, str] | None = None, *, durable: bool = False, faketime: bool = False
    ) -> Database:
        server = own_server(settings, durable=durable, faketime=faketime)
        made.append(database.create_cron(server))
        return made[-1]

    yield make
    for db in made:
        db.close()
