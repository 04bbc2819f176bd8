"""Fixtures of the driver's tests."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

import asymmetrica
from support import database
from support.cluster import Cluster
from support.database import Database


class Caller:
    """Calls a method of either flavour, so that one test covers both."""

    def __init__(self, database: asymmetrica.Database | asymmetrica.AsyncDatabase) -> None:
        self.database = database

    async def __call__(self, method: str, /, *arguments: Any, **options: Any) -> Any:
        result = getattr(self.database, method)(*arguments, **options)
        return await result if inspect.isawaitable(result) else result


@pytest.fixture(params=["sync", "async"])
async def call(request: pytest.FixtureRequest, db: Database) -> AsyncIterator[Caller]:
    """Methods of an own connection to a fresh database, sync and async."""
    if request.param == "sync":
        with asymmetrica.connect(db.dsn) as ours:
            yield Caller(ours)
    else:
        async with await asymmetrica.connect_async(db.dsn) as theirs:
            yield Caller(theirs)


@pytest.fixture(scope="module")
def still(server: Cluster, template: str) -> Iterator[Database]:
    """One database for the tests of a module that leave nothing behind."""
    made = database.create(server, template)
    yield made
    made.drop()


@pytest.fixture(params=["sync", "async"])
async def look(request: pytest.FixtureRequest, still: Database) -> AsyncIterator[Caller]:
    """Methods on the database `still`, sync and async."""
    if request.param == "sync":
        with asymmetrica.connect(still.dsn) as ours:
            yield Caller(ours)
    else:
        async with await asymmetrica.connect_async(still.dsn) as theirs:
            yield Caller(theirs)


@pytest.fixture
def shop(db: Database) -> Database:
    """A database with a few tables of its own owner."""
    owner = db.role("owner", "NOLOGIN")
    db.sql(f"CREATE SCHEMA shop AUTHORIZATION {owner}")
    db.sql(f"SET ROLE {owner}")
    db.sql("CREATE TABLE shop.orders (id bigint PRIMARY KEY, due date DEFAULT now(), note text NOT NULL)")
    db.sql('CREATE TABLE shop."Odd ""name" (id int)')
    db.sql("RESET ROLE")
    return db


DAMAGE = (
    "ALTER TABLE shop.orders DROP COLUMN due, ADD COLUMN gate text",
    "ALTER TABLE shop.orders ALTER note DROP NOT NULL",
    "CREATE VIEW shop.extra AS SELECT 1 AS one",
    'DROP TABLE shop."Odd ""name"',
)


@pytest.fixture
def production(server: Cluster, template: str, shop: Database) -> Iterator[Database]:
    """Another database, once a copy of the shop."""
    made = database.create(server, template)
    owner = shop.value("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'shop'")
    made.sql(f"CREATE SCHEMA shop AUTHORIZATION {owner}")
    made.sql(f"SET ROLE {owner}")
    made.sql("CREATE TABLE shop.orders (id bigint PRIMARY KEY, due date DEFAULT now(), note text NOT NULL)")
    made.sql('CREATE TABLE shop."Odd ""name" (id int)')
    for statement in DAMAGE:
        made.sql(statement)
    made.sql("RESET ROLE")
    yield made
    made.drop()


@pytest.fixture
def server_database_with_blanks(server: Cluster) -> Iterator[str]:
    """The connection string of a database with an awkward name."""
    name = "my 'own' database"
    with server.admin() as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield server.dsn(name)
    with server.admin() as admin:
        admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
