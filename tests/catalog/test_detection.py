"""Every way a table can change is noticed and told truly; also where no event fires or one names nothing."""

from __future__ import annotations

from typing import Any

import pytest

from support.cluster import MAJOR
from support.database import Database

BEAT = "SELECT asymm._process_ddl()"
HEADERS = "SELECT asymm._scan_headers()"
FULL = "SELECT asymm._scan_all()"
SETUP = (
    "CREATE SCHEMA s",
    "CREATE TYPE s.mood AS ENUM ('sad')",
    "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION s.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE s.other (id int PRIMARY KEY)",
    "CREATE TABLE s.t (id int PRIMARY KEY, a text DEFAULT 'x', b text, n int DEFAULT s.f(), m s.mood,"
    " other int CONSTRAINT fk REFERENCES s.other)",
    "CREATE INDEX i ON s.t (a)",
    "CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.g()",
    "CREATE TABLE s.parted (d int, e int) PARTITION BY RANGE (d)",
    "CREATE TABLE s.part PARTITION OF s.parted FOR VALUES FROM (0) TO (9)",
    "SELECT asymm.watch('s.t')",
    "SELECT asymm.watch('s.part')",
    "SELECT asymm._process_ddl()",
)

MOVED = {("table", "", "name"), ("index", "i", "def"), ("trigger", "g", "def")}
# slip, how it is found, what differs (part, name, attribute)
SLIPS: dict[str, tuple[str, str, set[tuple[str, str, str | None]]]] = {
    "column dropped": ("ALTER TABLE s.t DROP COLUMN b", BEAT, {("column", "b", None)}),
    "column renamed": ("ALTER TABLE s.t RENAME b TO c", BEAT, {("column", "b", "name")}),
    "columns swapped": (
        "ALTER TABLE s.t RENAME b TO tmp; ALTER TABLE s.t RENAME a TO b; ALTER TABLE s.t RENAME tmp TO a",
        BEAT,
        {("column", "a", "name"), ("column", "b", "name"), ("index", "i", "def")},
    ),
    # Definitions that name the table say its new name; from 18 on NOT NULL has a name, of the table's.
    "table renamed": (
        "ALTER TABLE s.t RENAME TO u",
        BEAT,
        MOVED | ({("column", "id", "not_null_as")} if int(MAJOR) >= 18 else set()),
    ),
    "table moved": ("ALTER TABLE s.t SET SCHEMA public", BEAT, MOVED),
    "schema renamed": (
        "SELECT asymm.unwatch('s.part'); ALTER SCHEMA s RENAME TO z",
        BEAT,
        MOVED | {("column", "n", "default"), ("constraint", "fk", "def"), ("column", "m", "type")},
    ),
    "table dropped": ("DROP TABLE s.t", BEAT, {("table", "", None)}),
    "type dropped with cascade": ("DROP TYPE s.mood CASCADE", BEAT, {("column", "m", None)}),
    "function dropped with cascade": ("DROP FUNCTION s.f() CASCADE", BEAT, {("column", "n", "default")}),
    "trigger function dropped with cascade": ("DROP FUNCTION s.g() CASCADE", BEAT, {("trigger", "g", None)}),
    "referenced table dropped with cascade": (
        "DROP TABLE s.other CASCADE",
        BEAT,
        {("constraint", "fk", None)},
    ),
    "granted": ("GRANT SELECT ON s.t TO PUBLIC", BEAT, {("table", "", "acl")}),
    "granted on a column": ("GRANT SELECT (a) ON s.t TO PUBLIC", BEAT, {("column", "a", "acl")}),
    # Its rows carry the number of that part, not of the transaction the log names.
    "granted in a part of a transaction": (
        "DO 'BEGIN PERFORM pg_current_xact_id(); BEGIN GRANT SELECT (a) ON s.t TO PUBLIC;"
        " EXCEPTION WHEN undefined_table THEN NULL; END; END'",
        BEAT,
        {("column", "a", "acl")},
    ),
    "granted on all tables": (
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO PUBLIC",
        BEAT,
        {("table", "", "acl")},
    ),
    "partition through its parent": ("ALTER TABLE s.parted ADD COLUMN f int", BEAT, {("column", "f", None)}),
    "index through its constraint": (
        "ALTER TABLE s.t ADD UNIQUE (b)",
        BEAT,
        {("constraint", "t_b_key", None)},
    ),
    "in a DO block": ("DO 'BEGIN ALTER TABLE s.t DROP COLUMN b; END'", BEAT, {("column", "b", None)}),
    "as a replica": (
        "SET session_replication_role = replica; ALTER TABLE s.t DROP COLUMN b;"
        " RESET session_replication_role",
        BEAT,
        {("column", "b", None)},
    ),
    "direct update of a catalog": (
        "UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 's.t'::regclass AND attname = 'b'",
        HEADERS,
        {("column", "b", "not_null")},
    ),
    "event trigger disabled": (
        "ALTER EVENT TRIGGER asymm_ddl_end DISABLE; ALTER TABLE s.t ALTER a SET DEFAULT 'z';"
        " ALTER EVENT TRIGGER asymm_ddl_end ENABLE ALWAYS",
        HEADERS,
        {("column", "a", "default")},
    ),
    "reassigned": ("REASSIGN OWNED BY {role} TO postgres", HEADERS, {("table", "", "owner")}),
    "type renamed": ("ALTER TYPE s.mood RENAME TO moods", FULL, {("column", "m", "type")}),
}


def found(db: Database) -> set[tuple[str, str, str | None]]:
    return set(db.sql("SELECT part, name, attribute FROM asymm.drift WHERE resolved_at IS NULL"))


def check_slip(db: Database, command: str, look: str, expected: set[tuple[str, str, str | None]]) -> None:
    db.own.execute(command.encode())
    db.sql(look)
    assert found(db) == expected
    # Who did it, unless no event fired; and the ledger holds a way back, or says why there is none.
    tag = db.sql("SELECT DISTINCT command_tag IS NOT NULL, role FROM asymm.drift")
    assert tag == ([(True, "postgres")] if look == BEAT else [(False, None)])
    assert db.sql("SELECT DISTINCT state FROM asymm.drift") == [("proposed",)]
    count = db.value("SELECT count(*) FROM asymm.drift")
    # Nothing is found twice, by any other way of looking.
    for again in (BEAT, HEADERS, FULL):
        db.sql(again)
    assert found(db) == expected
    assert db.value("SELECT count(*) FROM asymm.drift") == count
    for (target,) in db.sql("SELECT DISTINCT object FROM asymm.drift"):
        db.sql("SELECT asymm.adopt(%s)", target)
    for again in (BEAT, HEADERS, FULL):
        db.sql(again)
    assert found(db) == set()


def test_every_slip_is_found_and_can_be_adopted(db: Database, subtests: pytest.Subtests) -> None:
    """Each in a transaction of its own that is rolled back."""
    role = db.role("former")
    for statement in SETUP:
        db.sql(statement)
    for slip, (command, look, expected) in SLIPS.items():
        with subtests.test(slip), db.own.transaction(force_rollback=True):
            if "{role}" in command:
                db.sql(f'ALTER TABLE s.t OWNER TO "{role}"')
                db.sql(BEAT)
                db.sql("SELECT asymm.adopt('s.t')")
                db.sql("DELETE FROM asymm.drift_record")
            check_slip(db, command.format(role=f'"{role}"'), look, expected)


def settle(db: Database, *statements: str) -> None:
    for statement in statements:
        db.sql(statement)
    db.sql(BEAT)


def intend(db: Database, reason: str, *statements: str) -> None:
    with db.own.transaction():
        db.own.execute(f"SET LOCAL asymm.intent = '{reason}'".encode())
        for statement in statements:
            db.own.execute(statement.encode())


@pytest.fixture
def watched(db: Database) -> Database:
    for statement in SETUP:
        db.sql(statement)
    return db


def test_a_migration_with_intent_is_adopted_with_its_reason(watched: Database) -> None:
    intend(watched, "add due date", "ALTER TABLE s.t ADD COLUMN due date")
    settle(watched)
    assert watched.sql("SELECT in_step, reason FROM asymm.watched WHERE object = 's.t'") == [
        (True, "add due date")
    ]
    assert watched.sql("SELECT * FROM asymm.drift") == []
    assert watched.sql("SELECT kind, state, reason FROM asymm.actions") == [
        ("adopt", "verified", "add due date")
    ]
    # It can be taken back, which makes a drift of it.
    watched.sql("SELECT asymm.revert((SELECT max(id) FROM asymm.actions))")
    assert found(watched) == {("column", "due", None)}


def test_an_intent_ends_with_its_transaction_or_when_it_is_blank(watched: Database) -> None:
    intend(watched, "x", "SELECT 1")
    settle(watched, "ALTER TABLE s.t ADD COLUMN slip int")
    watched.own.execute(b"SET asymm.intent = '  '")
    settle(watched, "ALTER TABLE s.t ADD COLUMN blank int")
    watched.own.execute(b"RESET asymm.intent")
    settle(watched, "ALTER TABLE s.t ADD COLUMN reset int")
    assert found(watched) == {("column", name, None) for name in ("slip", "blank", "reset")}


def test_migrators_need_no_intent(watched: Database) -> None:
    role = watched.role("migrator", "LOGIN SUPERUSER")
    watched.sql(
        f"SELECT asymm.configure(migrator_roles => ARRAY['{role}'], migrator_applications => '{{deploy}}')"
    )
    with watched.connect(user=role) as connection:
        connection.execute("ALTER TABLE s.t ADD COLUMN by_role int")
    settle(watched)
    with watched.connect(application_name="deploy") as connection:
        connection.execute("ALTER TABLE s.t ADD COLUMN by_application int")
    settle(watched)
    assert found(watched) == set()
    assert (
        watched.value("SELECT facts #>> '{column,by_role,type}' FROM asymm.baseline WHERE object_name = 't'")
        == "integer"
    )
    assert watched.sql("SELECT in_step FROM asymm.watched") == [(True,), (True,)]


def test_a_migration_adopts_its_own_changes_and_no_older_ones(watched: Database) -> None:
    settle(watched, "ALTER TABLE s.t DROP COLUMN b", "ALTER TABLE s.t RENAME a TO aa")
    older = found(watched)
    intend(watched, "m", "ALTER TABLE s.t ADD COLUMN due date", "GRANT SELECT ON s.t TO PUBLIC")
    settle(watched)
    assert found(watched) == older
    assert watched.value("SELECT facts #> '{column,due}' FROM asymm.baseline WHERE object_name = 't'") == {
        "type": "date"
    }
    assert watched.sql("SELECT state FROM asymm.heal('s.t')") == [("verified",)] * 2
    assert [
        row[0]
        for row in watched.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = 's.t'::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY 1"
        )
    ] == ["a", "b", "due", "id", "m", "n", "other"]


def test_a_migration_and_a_slip_in_one_beat_are_left_to_a_person(watched: Database) -> None:
    watched.sql("SELECT asymm.watch('s.t', 'heal')")
    intend(watched, "m", "ALTER TABLE s.t ADD COLUMN due date")
    settle(watched, "ALTER TABLE s.t DROP COLUMN b")
    assert found(watched) == {("column", "due", None), ("column", "b", None)}
    states: Any = watched.sql("SELECT DISTINCT state, reason FROM asymm.drift")
    assert [state for state, reason in states if "migration" in reason] == ["proposed"]


def test_tables_that_appear_in_a_watched_schema(watched: Database) -> None:
    watched.sql("SELECT asymm.watch_schema('s', 'propose')")
    settle(watched, "CREATE TABLE s.stray (a int)")
    assert watched.sql("SELECT object, part, state FROM asymm.drift") == [("s.stray", "table", "proposed")]
    intend(watched, "new table", "CREATE TABLE s.wanted (a int)")
    settle(watched)
    assert watched.sql("SELECT reason FROM asymm.watched WHERE object = 's.wanted'") == [("new table",)]
    assert len(watched.sql("SELECT * FROM asymm.adopt('s.stray')")) == 1
    settle(watched, "CREATE TABLE s.brief (a int)", "DROP TABLE s.brief")
    assert watched.sql("SELECT object FROM asymm.drift WHERE resolved_at IS NULL") == []
    settle(watched, "CREATE TABLE s.second (a int)")
    assert watched.sql("SELECT state FROM asymm.heal('s.second')") == [("verified",)]
    assert watched.value("SELECT to_regclass('s.second')") is None
    watched.sql("SELECT asymm.unwatch_schema('s')")
    settle(watched, "CREATE TABLE s.free (a int)")
    assert watched.sql("SELECT object FROM asymm.drift WHERE resolved_at IS NULL") == []


def test_who_repairs_again_and_again_is_held_back(db: Database) -> None:
    owner = db.role("owner", member_of=("asymm_pulse",))
    db.sql(f'CREATE SCHEMA mine AUTHORIZATION "{owner}"')
    db.sql("CREATE TABLE mine.t (a int DEFAULT 1)")
    db.sql(f'ALTER TABLE mine.t OWNER TO "{owner}"')
    db.sql("SELECT asymm.configure(relapse_limit => 2)")
    db.sql("SELECT asymm.watch('mine.t', 'heal')")
    actor = db.connect(user=owner)

    def beat() -> str | None:
        settle(db, "ALTER TABLE mine.t ALTER a DROP DEFAULT")
        action = actor.execute("SELECT asymm._claim_action()").fetchall()[0][0]
        if action is None:
            return None
        done: dict[str, str] = actor.execute("SELECT asymm._apply_action(%s)", [action]).fetchall()[0][0]
        return done["state"]

    assert [beat(), beat(), beat()] == ["verified", "verified", None]
    assert "repaired 2 times" in db.value("SELECT held FROM asymm.watched")
    # A person decides; then it goes on.
    assert db.sql("SELECT state FROM asymm.heal('mine.t')") == [("verified",)]


def test_what_was_taken_back_is_not_repaired_by_itself(watched: Database) -> None:
    settle(watched, "SELECT asymm.watch('s.t', 'heal')", "ALTER TABLE s.t ALTER a DROP DEFAULT")
    assert watched.sql("SELECT state FROM asymm.heal('s.t')") == [("verified",)]
    assert watched.sql("SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))") == [
        ("reverted",)
    ]
    for look in (BEAT, HEADERS, FULL):
        watched.sql(look)
    assert watched.sql("SELECT state FROM asymm.drift WHERE resolved_at IS NULL") == [("reverted",)]
    assert "taken back" in watched.value("SELECT held FROM asymm.watched WHERE object = 's.t'")
    watched.sql("SELECT asymm.adopt('s.t', 'fine')")
    assert watched.sql("SELECT state FROM asymm.revert((SELECT max(id) FROM asymm.actions))") == [
        ("reverted",)
    ]
    assert found(watched) == {("column", "a", "default")}
