"""ALTER EXTENSION UPDATE from the first frozen version: the same members, the same rights, nothing lost."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import tomllib

import psycopg
import pytest

from support import catalog
from support.cluster import ROOT, wait_until
from support.database import Database

CURRENT = "0.1.0"
FIRST = "0.0.1"


def test_upgraded_equals_fresh(db: Database, empty_db: Database) -> None:
    empty_db.sql(f"CREATE EXTENSION asymmetrica VERSION '{FIRST}'")
    empty_db.sql("ALTER EXTENSION asymmetrica UPDATE")
    assert empty_db.value("SELECT extversion FROM pg_extension WHERE extname = 'asymmetrica'") == CURRENT
    fresh, upgraded = catalog.members(db), catalog.members(empty_db)
    assert [row for row in upgraded if row not in fresh] == []
    assert [row for row in fresh if row not in upgraded] == []
    assert catalog.problems(empty_db) == []


def test_data_is_kept(empty_db: Database) -> None:
    empty_db.sql(f"CREATE EXTENSION asymmetrica VERSION '{FIRST}'")
    empty_db.sql("CREATE TABLE public.t (a int PRIMARY KEY, b text)")
    empty_db.sql("SELECT asymm.configure(relapse_limit => 7)")
    empty_db.sql("SELECT asymm.watch('public.t')")
    empty_db.sql("ALTER TABLE public.t DROP COLUMN b")
    empty_db.sql("SELECT asymm._process_ddl()")
    tables = (
        "setting",
        "baseline",
        "baseline_state",
        "member",
        "ddl_log",
        "drift_record",
        "action",
        "control",
    )

    def content() -> dict[str, list[str]]:
        # Columns that came with the upgrade are not counted; those there were keep their values.
        return {
            table: sorted(row[0] for row in empty_db.sql(f"SELECT to_jsonb(t)::text FROM asymm.{table} t"))
            for table in tables
        }

    before = content()
    assert all(before.values())
    empty_db.sql("ALTER EXTENSION asymmetrica UPDATE")
    after = content()
    for table in tables:
        now = [json.loads(row).items() for row in after[table]]
        was = [json.loads(row.replace('"relid":', '"object_id":')).items() for row in before[table]]
        assert [row for row in was if not any(row <= new for new in now)] == []
    assert [row[0] for row in empty_db.sql("SELECT state FROM asymm.heal('public.t')")] == ["verified"]


def test_a_ddl_under_way_outlives_the_update(empty_db: Database) -> None:
    """It calls, at its end, the functions of the event triggers that there were at its start."""
    empty_db.sql(f"CREATE EXTENSION asymmetrica VERSION '{FIRST}'")
    empty_db.sql("CREATE TABLE public.t (a int)")
    # A trigger between our two that takes its time.
    empty_db.sql(
        "CREATE FUNCTION public.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF current_setting('application_name') = 'slow' THEN PERFORM pg_advisory_xact_lock(1); END IF;"
        " END $$"
    )
    empty_db.sql("CREATE EVENT TRIGGER asymm_e ON ddl_command_end EXECUTE FUNCTION public.wait()")
    lock = empty_db.connect()
    session = empty_db.connect(application_name="slow")
    waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
    errors: list[str] = []

    def ddl() -> None:
        try:
            session.execute("ALTER TABLE public.t ADD b int")
        except psycopg.Error as error:
            errors.append(str(error))

    lock.execute("SELECT pg_advisory_lock(1)")
    under_way = threading.Thread(target=ddl)
    under_way.start()
    empty_db.wait_for(waits, session.info.backend_pid)
    empty_db.sql("ALTER EXTENSION asymmetrica UPDATE")
    lock.execute("SELECT pg_advisory_unlock(1)")
    under_way.join()
    assert errors == []


def test_update_under_load(empty_db: Database) -> None:
    """F7: DDL, beats and readers go on while the extension is updated; none of them fails.

    Organs run as the loop runs them: a call that is just under way when its function is replaced by one of
        another
    language may fail inside of the server; it is undone and made again with the next beat.
    """
    empty_db.sql(f"CREATE EXTENSION asymmetrica VERSION '{FIRST}'")
    for name in ("a", "b"):
        empty_db.sql(f"CREATE TABLE public.{name} (id int, n int DEFAULT 0)")
        empty_db.sql(f"SELECT asymm.watch('public.{name}', 'observe')")
    errors: list[str] = []
    rounds = {"a": 0, "b": 0, "beat": 0, "read": 0}
    stop = threading.Event()

    def work(name: str, *queries: str) -> None:
        try:
            with psycopg.connect(empty_db.dsn, autocommit=True) as connection:
                while not stop.is_set():
                    for query in queries:
                        connection.execute(query.encode())
                    rounds[name] += 1
                    stop.wait(0.02 if name == "read" else 0.2)
        except psycopg.Error as error:
            errors.append(f"{name}: {error.sqlstate} {error}")

    threads = [
        threading.Thread(target=work, args=arguments)
        for arguments in (
            ("a", "ALTER TABLE public.a ALTER n SET DEFAULT 1", "ALTER TABLE public.a ALTER n SET DEFAULT 0"),
            ("b", "ALTER TABLE public.b ADD COLUMN x int", "ALTER TABLE public.b DROP COLUMN x"),
            ("beat", "SELECT asymm._run_organ('sense')", "SELECT asymm._run_organ('header_scan')"),
            ("read", "SELECT count(*) FROM asymm.drift", "SELECT count(*) FROM asymm.watched"),
        )
    ]
    for thread in threads:
        thread.start()
    try:
        empty_db.wait_for("SELECT count(*) > 5 FROM asymm.ddl_log WHERE seen", timeout=40)
        empty_db.sql("ALTER EXTENSION asymmetrica UPDATE")
        logged = empty_db.value("SELECT max(id) FROM asymm.ddl_log")
        wait_until(
            lambda: (
                bool(errors)
                or empty_db.value("SELECT count(*) > 5 FROM asymm.ddl_log WHERE seen AND id > %s", logged)
            ),
            40,
            "beats go on",
        )
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert all(rounds.values())
    assert empty_db.sql("SELECT error FROM asymm._run_organ('sense')") == [(None,)]
    assert empty_db.value("SELECT count(*) FROM asymm.ddl WHERE NOT seen") == 0
    assert catalog.problems(empty_db) == []


def test_frozen_scripts_are_as_released() -> None:
    lines = (ROOT / "extension" / "released.sha256").read_text(encoding="utf-8").splitlines()
    frozen = {name: value for value, name in (line.split() for line in lines)}
    assert f"asymmetrica--{FIRST}.sql" in frozen
    for name, value in frozen.items():
        assert hashlib.sha256((ROOT / "extension" / name).read_bytes()).hexdigest() == value


def test_versions_agree(db: Database) -> None:
    control = (ROOT / "extension" / "asymmetrica.control").read_text(encoding="utf-8")
    assert re.findall(r"^default_version = '(.+)'$", control, re.MULTILINE) == [CURRENT]
    meta = json.loads((ROOT / "extension" / "META.json").read_text(encoding="utf-8"))
    assert meta["version"] == CURRENT
    assert {provided["version"] for provided in meta["provides"].values()} == {CURRENT}
    project = tomllib.loads((ROOT / "python" / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == CURRENT
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)[0] == CURRENT
    assert db.value("SELECT extversion FROM pg_extension WHERE extname = 'asymmetrica'") == CURRENT


@pytest.mark.parametrize("version", [FIRST])
def test_every_frozen_version_has_a_way_up(empty_db: Database, version: str) -> None:
    paths = "SELECT path FROM pg_extension_update_paths('asymmetrica') WHERE source = %s AND target = %s"
    assert empty_db.value(paths, version, CURRENT) is not None
