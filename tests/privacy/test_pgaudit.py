"""Direct SQL on protected tables is in the log, set up as doctor() says, and no values with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import database
from support.cluster import Cluster, wait_until
from support.database import Database

CANARY = "canary-5e1f"
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def recorded(own_server: Callable[..., Cluster]) -> Iterator[Database]:
    made = database.create_cron(
        own_server({"shared_preload_libraries": "pg_stat_statements,pg_cron,pgaudit"})
    )
    yield made
    made.close()


def test_what_doctor_recommends_records_it(recorded: Database) -> None:
    db, server = recorded, recorded.server
    check = "SELECT status, seen, remedy FROM asymm.doctor() WHERE check_name = 'audit of direct SQL'"
    db.sql("CREATE TABLE people (id int PRIMARY KEY, email text)")
    db.sql("CREATE TABLE other (id int)")
    assert db.sql(check)[0][0] == "ok"
    db.sql("SELECT asymm.protect('people', 'email')")
    status, seen, remedy = db.sql(check)[0]
    assert status == "warning"
    assert seen.startswith(
        "pgaudit is loaded and records none: not every read and write; it writes statements"
    )
    for statement in remedy.split("; "):
        db.sql(statement)
    wait_until(lambda: db.sql(check)[0][0] == "ok", 10, "the settings are in force")
    assert db.sql(check)[0][1:] == (
        "pgaudit records what role audited has privileges on, in the server's log",
        None,
    )
    role = db.role("clerk", "LOGIN")
    db.sql(f"GRANT SELECT, INSERT, UPDATE ON people, other TO {role}")
    db.sql("SELECT asymm.create_masked_view('people')")
    db.sql(f"GRANT SELECT ON people_masked TO {role}")
    clerk = db.connect(user=role)
    start = server.log_size()
    clerk.execute(f"INSERT INTO people VALUES (1, '{CANARY}')".encode())
    clerk.execute(b"UPDATE people SET email = %s WHERE id = 1", [CANARY + "2"])
    clerk.execute(b"SELECT id FROM people WHERE email = %s", [CANARY + "2"])
    clerk.execute(f"SELECT id FROM people WHERE email = '{CANARY}'".encode())
    clerk.execute(b"SELECT * FROM people_masked")
    clerk.execute(b"SELECT * FROM other")
    log = server.log_text(start)
    lines = re.findall(r"AUDIT: OBJECT,\d+,\d+,(\w+),(\w+),(\w+),([\w.]+),", log)
    people = [line for line in lines if line[3] == "public.people"]
    assert [line[1] for line in people] == ["INSERT", "UPDATE", "SELECT", "SELECT", "SELECT"]
    assert "public.other" not in {line[3] for line in lines}
    assert f"{role}@" in log
    assert CANARY not in log
    # A second table that is protected is missing there until it is granted too.
    db.sql("SELECT asymm.protect('other', 'id')")
    status, seen, remedy = db.sql(check)[0]
    assert (status, seen) == ("warning", "pgaudit does not record what is done to public.other")
    for statement in remedy.split("; "):
        db.sql(statement)
    assert db.sql(check)[0][0] == "ok"
    db.sql("ALTER SYSTEM SET pgaudit.log_parameter = on")
    db.sql("SELECT pg_reload_conf()")
    wait_until(lambda: db.sql(check)[0][0] == "warning", 10, "the setting is in force")
    assert db.sql(check)[0][1:] == (
        "pgaudit records what role audited has privileges on, in the server's log;"
        " it writes parameters there too",
        "ALTER SYSTEM SET pgaudit.log_parameter = off; SELECT pg_reload_conf()",
    )


def test_readme_says_what_doctor_says() -> None:
    text = README.read_text(encoding="utf-8")
    for setting in ("pgaudit.role = 'audited'", "pgaudit.log_statement = off", "pgaudit.log_parameter = off"):
        assert setting in text
