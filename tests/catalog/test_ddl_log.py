"""What the event triggers write, and what they call with everybody's DDL."""

from __future__ import annotations

import threading

import pytest

from support.cluster import MAJOR, wait_until
from support.database import Database

CALLS = "SELECT funcname, calls FROM pg_stat_xact_user_functions WHERE schemaname = 'asymm' ORDER BY 1"
LOGGED = "SELECT command_tag, identities FROM asymm.ddl_log ORDER BY id"


@pytest.mark.parametrize(
    ("statement", "calls"),
    [
        ("CREATE INDEX i ON public.t (a)", 1),
        ("DROP INDEX public.old", 2),
        ("ALTER TABLE public.t ADD c int", 1),
        ("ALTER TABLE public.t DROP b", 2),
        ("GRANT SELECT ON public.t TO PUBLIC", 1),
        ("CREATE TEMP TABLE passing (a int)", 1),
    ],
)
def test_a_ddl_calls_one_function_of_ours(db: Database, statement: str, calls: int) -> None:
    """Once per event, and nothing else where nothing is guarded: a call costs more than the row."""
    db.sql("CREATE TABLE public.t (a int, b int)")
    db.sql("CREATE INDEX old ON public.t (a)")
    db.sql("SELECT asymm.watch('public.t', 'observe')")
    with db.own.transaction():
        db.sql("SET LOCAL track_functions = 'all'")
        db.sql(statement)
        assert db.sql(CALLS) == [("_on_ddl", calls)]


def test_a_row_per_command_and_one_per_drop(db: Database) -> None:
    role = db.role()
    for statement in (
        "CREATE SCHEMA made CREATE TABLE z (a int PRIMARY KEY) CREATE TABLE b (a int)",
        f'GRANT SELECT ON made.b TO "{role}"',
        "CREATE TEMP TABLE passing (a int)",
        "DROP TABLE passing",
        "ALTER TABLE made.z DROP a",
        "DROP INDEX IF EXISTS made.nothing",
        "DROP TABLE made.z",
        "DROP SCHEMA made CASCADE",
    ):
        db.sql(statement)
    not_null = ["z_a_not_null on made.z"] if int(MAJOR) >= 18 else []
    assert db.sql(LOGGED) == [
        ("CREATE SCHEMA", ["made", "made.b", "made.z", "made.z_pkey"]),
        ("GRANT", [None]),
        # Event trigger sql_drop comes before ddl_command_end; what was asked for comes first.
        ("ALTER TABLE", ["made.z.a", *not_null, "z_pkey on made.z", "made.z_pkey"]),
        ("ALTER TABLE", ["made.z"]),
        ("DROP TABLE", ["made.z"]),
        ("DROP SCHEMA", ["made", "made.b"]),
    ]
    grant = "SELECT class_ids::regclass[]::text, object_ids FROM asymm.ddl_log WHERE command_tag = 'GRANT'"
    assert db.sql(grant) == [("{pg_class}", [])]
    parents = (
        "SELECT DISTINCT s, n FROM asymm.ddl_log, unnest(parent_schemas, parent_names) AS p (s, n)"
        " WHERE command_tag = 'ALTER TABLE'"
    )
    assert db.sql(parents) == [("made", "z")]


def test_drop_owned_tells_what_it_revoked(db: Database) -> None:
    role = db.role()
    db.sql("CREATE TABLE public.t (a int)")
    db.sql(f'GRANT SELECT ON public.t TO "{role}"')
    db.sql(f'DROP OWNED BY "{role}"')
    assert db.sql(LOGGED)[-1][0] == "DROP OWNED"
    db.sql(f'GRANT SELECT ON public.t TO "{role}"')
    db.sql("SELECT asymm.watch('public.t', 'guard')")
    done = db.psql("-v", "VERBOSITY=sqlstate", "-c", f'DROP OWNED BY "{role}"')
    assert "SY002" in done.stderr


def test_a_guard_is_asked_even_if_the_log_is_not_written(db: Database) -> None:
    db.sql("CREATE TABLE public.t (a int)")
    db.sql("SELECT asymm.watch('public.t', 'guard')")
    for broken in (
        "ALTER TABLE asymm.ddl_log ADD CONSTRAINT broken CHECK (role = 'nobody') NOT VALID",
        "ALTER TABLE asymm.setting RENAME COLUMN statement_chars TO elsewhere",
    ):
        db.sql(broken)
        logged = db.value("SELECT count(*) FROM asymm.ddl_log")
        for statement in (
            "ALTER TABLE public.t ADD b int",
            "DROP TABLE public.t",
            "CREATE INDEX ON public.t (a)",
        ):
            done = db.psql("-v", "VERBOSITY=sqlstate", "-c", statement)
            assert "SY002" in done.stderr
        db.sql("CREATE TABLE IF NOT EXISTS public.u (a int)")
        assert db.value("SELECT count(*) FROM asymm.ddl_log") == logged


def test_planning_that_takes_its_time_loses_no_row(db: Database) -> None:
    """While a text is looked through and planned DDL waits: not logged it would be taken for a slip."""
    planner, ddl = db.connect(autocommit=False), db.connect()
    planner.execute("SELECT asymm._hold_ddl()")
    thread = threading.Thread(target=lambda: ddl.execute("CREATE TABLE public.wanted (a int)"))
    thread.start()
    waits = (
        "SELECT count(*) > 0 FROM pg_locks WHERE pid = %s AND NOT granted"
        " AND clock_timestamp() > waitstart + interval '150 ms'"
    )
    wait_until(lambda: db.value(waits, ddl.info.backend_pid) or not thread.is_alive(), 10, "a wait")
    planner.rollback()
    thread.join(10)
    assert ("CREATE TABLE", ["public.wanted"]) in db.sql(LOGGED)
