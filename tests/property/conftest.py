"""Fixtures of the property tests: a database whose statements are counted."""

from __future__ import annotations

import pytest

from support.database import Database


@pytest.fixture
def workload(db: Database) -> Database:
    """Return a database whose statements are counted, with a table w."""
    db.sql("CREATE EXTENSION pg_stat_statements")
    db.sql("CREATE TABLE w (a int, b int)")
    return db
