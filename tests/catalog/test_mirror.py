"""What DDL does to mirrored tables: epochs, and the messages in the WAL that tell of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support import database
from support.database import Database

TABLES = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'glad');
CREATE TYPE shop.pair AS (x int, m shop.mood);
CREATE TABLE shop.t (id int PRIMARY KEY, a int, b text, pairs shop.pair[]);
CREATE TABLE shop.narrow (id int PRIMARY KEY, a int, b text);
CREATE TABLE shop.p (k int PRIMARY KEY, v text) PARTITION BY RANGE (k);
CREATE TABLE shop.p1 PARTITION OF shop.p FOR VALUES FROM (1) TO (10);
CREATE TABLE shop.p2 PARTITION OF shop.p FOR VALUES FROM (10) TO (20);
CREATE TABLE shop.other (a int);
"""
LATEST = "SELECT DISTINCT ON (mirror_id) {} FROM asymm.mirror_shape ORDER BY mirror_id, id DESC"


@pytest.fixture
def mirrored(db: Database) -> Database:
    db.sql(TABLES)
    login = db.role("mirror", "LOGIN REPLICATION")
    db.sql("SELECT asymm.create_mirror_login(%s)", login)
    db.sql("SELECT asymm.mirror('shop.t')")
    db.sql("SELECT asymm.mirror('shop.narrow', columns => '{id,a}')")
    db.sql("SELECT asymm.mirror('shop.p')")
    db.sql("SELECT pg_create_logical_replication_slot('told', 'test_decoding')")
    return db


def told(db: Database, *, meanings: bool = False) -> list[dict[str, Any]]:
    """What was said in the WAL of tables; or of DDL that can change what queries mean."""
    rows = db.sql("SELECT data FROM pg_logical_slot_get_changes('told', NULL, NULL)")
    said = [json.loads(data.partition("content:")[2]) for (data,) in rows if data.startswith("message")]
    return [message for message in said if ("any" in message) == meanings]


# Whether what is kept of queries may be read after it.
MEANINGS: dict[str, bool] = {
    "CREATE TABLE shop.new (id serial PRIMARY KEY)": True,
    "ALTER TABLE shop.other ADD b int": True,
    "ALTER TABLE shop.other DROP b": True,
    "CREATE VIEW shop.v AS SELECT 1 AS a": True,
    "CREATE OR REPLACE VIEW shop.v AS SELECT 2 AS a": True,
    "CREATE OR REPLACE FUNCTION shop.f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'": True,
    "ALTER FUNCTION shop.f() VOLATILE": True,
    "GRANT SELECT ON shop.other TO PUBLIC": True,
    "REVOKE SELECT ON shop.other FROM PUBLIC": True,
    "CREATE POLICY p ON shop.other USING (true)": True,
    "ALTER TYPE shop.mood ADD VALUE 'calm'": True,
    "DROP VIEW shop.v": True,
    "DROP OWNED BY asymm_streamer": True,
    "CREATE EXTENSION hstore": True,
    "DROP EXTENSION hstore": True,
    "CREATE INDEX other_a ON shop.other (a)": False,
    "REINDEX INDEX shop.other_a": False,
    "DROP INDEX shop.other_a": False,
    "COMMENT ON TABLE shop.other IS 'x'": False,
    "ANALYZE shop.other": False,
    "CREATE TEMP TABLE other (a int)": False,
    "ALTER TABLE pg_temp.other ADD b int": False,
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'": False,
    "DROP TABLE pg_temp.other": False,
    "SELECT asymm.query_dependencies('SELECT 1')": False,
    "INSERT INTO shop.other VALUES (1)": False,
}


# One after the other, each with the tables it begins a new epoch of.
STEPS: list[tuple[str, list[str]]] = [
    ("ALTER TABLE shop.t ALTER a SET STATISTICS 7", []),
    ("ALTER TABLE shop.narrow ADD c int DEFAULT 5", []),
    ("ALTER TABLE shop.narrow DROP b", []),
    ("CREATE TABLE shop.p3 PARTITION OF shop.p FOR VALUES FROM (20) TO (30)", []),
    ("CREATE INDEX ON shop.t (a)", []),
    ("ALTER TABLE shop.other ADD b int", []),
    ("DROP TABLE shop.other", []),
    ("ALTER TABLE shop.t ADD c int DEFAULT 5", ["shop.t"]),
    ("ALTER TABLE shop.t ALTER a TYPE bigint", ["shop.t"]),
    ("ALTER TABLE shop.t DROP b", ["shop.t"]),
    ("ALTER TABLE shop.t RENAME a TO aa", ["shop.t"]),
    ("ALTER TYPE shop.mood RENAME VALUE 'sad' TO 'blue'", ["shop.t"]),
    ("ALTER TYPE shop.mood ADD VALUE 'calm'", []),
    ("ALTER TYPE shop.mood OWNER TO asymm_operator", []),
    ("ALTER TYPE shop.pair RENAME ATTRIBUTE x TO y", ["shop.t"]),
    ("ALTER TABLE shop.p DETACH PARTITION shop.p1", ["shop.p"]),
    ("ALTER TABLE shop.p ATTACH PARTITION shop.p1 FOR VALUES FROM (1) TO (10)", ["shop.p"]),
    ("DROP TABLE shop.p2", ["shop.p"]),
    ("ALTER TABLE shop.t RENAME TO tt", ["shop.tt"]),
    ("ALTER TABLE shop.tt SET SCHEMA public", ["public.tt"]),
    ("ALTER SCHEMA shop RENAME TO store", ["store.narrow", "store.p"]),
    ("ALTER TABLE store.narrow DROP a CASCADE", ["store.narrow"]),
    ("ALTER PUBLICATION asymm_mirror DROP TABLE public.tt", ["public.tt"]),
    ("DROP PUBLICATION asymm_mirror", ["store.p"]),
    ("DROP TABLE public.tt", ["public.tt"]),
    ("DROP SCHEMA store CASCADE", ["store.narrow", "store.p"]),
]


def test_what_ddl_says(mirrored: Database) -> None:
    for statement, tables in STEPS:
        mirrored.sql(statement)
        messages = told(mirrored)
        last = {message["id"]: message for message in messages}
        assert [last[number]["table"] for number in sorted(last)] == tables, statement
        epochs = dict(mirrored.sql(LATEST.format("mirror_id, epoch")))
        assert all(epochs[number] == message["epoch"] for number, message in last.items())
    states = mirrored.sql("SELECT DISTINCT state FROM asymm.mirror_status()")
    assert states == [("gone",)]


def test_what_can_change_the_meaning_of_queries_is_said(mirrored: Database) -> None:
    told(mirrored)
    for statement, changed in MEANINGS.items():
        mirrored.sql(statement)
        said = told(mirrored, meanings=True)
        assert bool(said) is changed, statement
    mirrored.sql("SELECT asymm._tend_mirror()")
    assert told(mirrored, meanings=True) == []
    mirrored.role("member", member_of=("asymm_reader",))
    for expected in ([{"any": "roles"}], []):
        mirrored.sql("SELECT asymm._tend_mirror()")
        assert told(mirrored, meanings=True) == expected


def test_a_rolled_back_ddl_says_nothing_and_gives_no_epoch_twice(mirrored: Database) -> None:
    with mirrored.own.transaction(force_rollback=True):
        mirrored.sql("ALTER TABLE shop.t ADD c int")
    assert told(mirrored) == []
    mirrored.sql("ALTER TABLE shop.t ADD c int")
    assert [message["epoch"] for message in told(mirrored)] == [5]


def test_names_are_taken_over(mirrored: Database) -> None:
    mirrored.sql("ALTER TABLE shop.narrow RENAME id TO nr")
    mirrored.sql("ALTER TABLE shop.narrow RENAME TO slim")
    row = mirrored.sql("SELECT table_name, key_columns, columns FROM asymm._mirror_registry() WHERE id = 2")
    assert row == [("slim", ["nr"], ["nr", "a"])]


def test_one_partition_truncated_is_noticed(mirrored: Database) -> None:
    """The stream does not tell of it when partitions are published through their root."""
    mirrored.sql("SELECT asymm._mirror_lead('one')")
    mirrored.sql("CREATE TABLE shop.p3 PARTITION OF shop.p FOR VALUES FROM (20) TO (30)")
    mirrored.sql('SELECT asymm._mirror_report(\'{"leader": "one"}\')')
    assert told(mirrored) == []
    mirrored.sql("TRUNCATE shop.p3")
    mirrored.sql('SELECT asymm._mirror_report(\'{"leader": "one"}\')')
    mirrored.sql('SELECT asymm._mirror_report(\'{"leader": "one"}\')')
    assert [(message["ddl"], message["table"]) for message in told(mirrored)] == [("TRUNCATE", "shop.p")]


def test_what_cannot_be_mirrored_any_more_is_said(mirrored: Database) -> None:
    for statement in (
        "ALTER TABLE shop.t DROP CONSTRAINT t_pkey",
        "ALTER TABLE shop.t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop.t REPLICA IDENTITY NOTHING",
        "ALTER PUBLICATION asymm_mirror DROP TABLE shop.t",
        "ALTER PUBLICATION asymm_mirror SET (publish = 'insert')",
        "CREATE TABLE shop.heir () INHERITS (shop.t)",
    ):
        with mirrored.own.transaction(force_rollback=True):
            mirrored.sql(statement)
            state, error = mirrored.sql("SELECT state, error FROM asymm.mirror_status() WHERE id = 1")[0]
            assert (state, bool(error)) == ("refused", True), statement


def test_a_key_that_is_unique_no_more(mirrored: Database) -> None:
    """Where the whole row is told, the key may hang on an index, whose end names no table."""
    mirrored.sql("CREATE TABLE shop.whole (k int NOT NULL, v int)")
    mirrored.sql("ALTER TABLE shop.whole REPLICA IDENTITY FULL")
    mirrored.sql("CREATE UNIQUE INDEX first ON shop.whole (k)")
    mirrored.sql("SELECT asymm.mirror('shop.whole', '{k}')")
    state = "SELECT state FROM asymm.mirror_status() WHERE object = 'shop.whole'"
    mirrored.sql("ALTER TABLE shop.whole ALTER k DROP NOT NULL")
    assert mirrored.value(state) == "refused"
    mirrored.sql("ALTER TABLE shop.whole ALTER k SET NOT NULL")
    assert mirrored.value(state) == "no worker"
    mirrored.sql("CREATE UNIQUE INDEX second ON shop.whole (k)")
    mirrored.sql("DROP INDEX shop.first")
    assert mirrored.value(state) == "no worker"
    mirrored.sql("DROP INDEX shop.second")
    assert mirrored.value(state) == "refused"


def test_mirroring_what_is_watched_is_no_drift(mirrored: Database) -> None:
    mirrored.sql("SELECT asymm.unmirror('shop.t')")
    mirrored.sql("SELECT asymm.watch_database('heal')")
    for call in ("mirror", "unmirror"):
        mirrored.sql(f"SELECT asymm.{call}('shop.t')")
        for look in ("_process_ddl", "_scan_headers", "_scan_all"):
            mirrored.sql(f"SELECT asymm.{look}()")
        assert mirrored.sql("SELECT object, part, name FROM asymm.drift WHERE resolved_at IS NULL") == []


def test_an_old_snapshot_is_not_believed(mirrored: Database) -> None:
    """What it compares with may be older than what another transaction has done since."""
    old = mirrored.connect(autocommit=False)
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    mirrored.sql("ALTER TABLE shop.t ADD c int DEFAULT 5")
    old.execute("ALTER TABLE shop.t DROP c")
    old.commit()
    assert len({message["epoch"] for message in told(mirrored)}) > 1


def test_what_cannot_be_judged_is_told_of_every_table(mirrored: Database) -> None:
    mirrored.sql("ALTER TABLE asymm.mirror_shape ADD CONSTRAINT broken CHECK (epoch < 0) NOT VALID")
    told(mirrored)
    mirrored.sql("ALTER TABLE shop.t ADD c int")
    assert told(mirrored) == [{"ddl": "ALTER TABLE", "error": "23514"}]
    mirrored.sql("ALTER TABLE asymm.mirror_shape DROP CONSTRAINT broken")


def test_the_heartbeat_beats_only_while_the_slot_lags(mirrored: Database) -> None:
    mirrored.sql("SELECT asymm._tend_mirror()")
    assert told(mirrored) == []
    slot = mirrored.value("SELECT asymm._mirror_slot()")
    mirrored.sql("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", slot)
    mirrored.sql("INSERT INTO shop.t SELECT i FROM generate_series(1, 1000) AS i")
    mirrored.sql("SELECT asymm._tend_mirror()")
    mirrored.sql("INSERT INTO shop.other VALUES (1)")  # its commit brings the message to disk
    assert [list(message) for message in told(mirrored)] == [["beat"]]


def test_a_declaration_is_dumped_and_sleeps_until_resume(mirrored: Database, tmp_path: Any) -> None:
    archive = tmp_path / "dump"
    database.tool("pg_dump", "-Fc", "-f", archive, "-d", mirrored.dsn)
    copy = database.create(mirrored.server, "template0")
    try:
        database.tool("pg_restore", "--exit-on-error", "-d", copy.dsn, archive)
        states = "SELECT object, state, key_columns::text FROM asymm.mirror_status()"
        names = [("shop.narrow", "{id}"), ("shop.p", "{k}"), ("shop.t", "{id}")]
        assert copy.sql(states) == [(name, "paused", key) for name, key in names]
        assert copy.sql("SELECT * FROM asymm._mirror_registry()") == []
        with pytest.raises(Exception, match="nothing is mirrored from here"):
            copy.sql("SELECT asymm._mirror_lead('one')")
        copy.sql("SELECT asymm.resume()")
        assert copy.sql(states) == [(name, "no worker", key) for name, key in names]
        assert copy.sql("SELECT min(epoch) FROM asymm._mirror_registry()") == [(4,)]
        copy.sql("SELECT asymm.mirror('shop.t', format => 'hash')")
    finally:
        copy.drop()


def test_drop_extension_leaves_tables_and_publication(mirrored: Database) -> None:
    mirrored.sql("DROP EXTENSION asymmetrica")
    mirrored.sql("ALTER TABLE shop.t ADD c int")
    mirrored.sql("UPDATE shop.t SET c = 1")
    assert mirrored.value("SELECT count(*) FROM pg_publication_tables WHERE pubname = 'asymm_mirror'") == 3
    assert told(mirrored) == []
