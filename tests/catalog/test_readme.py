"""The SQL that README shows runs, word for word and in its order."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from support.database import Database

README = Path(__file__).resolve().parents[2] / "README.md"


def statements() -> list[str]:
    """Return every statement of README's SQL blocks, without comments."""
    blocks = re.findall(r"^```sql\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    text = re.sub(r"--.*", "", "\n".join(blocks))
    return [statement.strip() for statement in text.split(";") if statement.strip()]


@pytest.mark.timeout(60)
def test_every_statement_runs(cron_db: Database) -> None:
    owner = "shop_owner"
    for statement in (
        f"CREATE ROLE {owner}",
        "CREATE ROLE flyway",
        f"CREATE SCHEMA shop AUTHORIZATION {owner}",
        f"SET ROLE {owner}",
        "CREATE TABLE shop.invoices (id bigint PRIMARY KEY, due_date date)",
        "CREATE TABLE shop.payments (id bigint PRIMARY KEY, status text, customer bigint, iban text)",
        "RESET ROLE",
    ):
        cron_db.sql(statement)
    ran = []
    for statement in statements():
        try:
            cron_db.sql(statement)
        except psycopg.errors.DuplicateObject:
            assert statement.startswith("CREATE EXTENSION")
        except psycopg.errors.UndefinedObject:
            # The page decides about actions by number, which this database has not.
            assert re.search(r"(approve|reject|revert)\(\d+", statement)
        ran.append(statement)
    cron_db.sql("SELECT * FROM asymm.stop()")
    assert len(ran) >= 20
    assert cron_db.value("SELECT 'flyway' = ANY (migrator_roles) FROM asymm.settings")
