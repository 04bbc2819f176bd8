"""As an owner without powers: what can be repaired is, what needs more rights is proposed and says why."""

from __future__ import annotations

import psycopg

from support.database import Database
from support.scene import rows

OPEN = "SELECT DISTINCT object, state, reason FROM asymm.drift WHERE resolved_at IS NULL ORDER BY 1"


def test_what_needs_more_rights_is_left_to_those_who_have_them(db: Database) -> None:
    owner = db.role("owner", member_of=("asymm_operator", "asymm_pulse"))
    db.sql(f'CREATE SCHEMA s AUTHORIZATION "{owner}"')
    db.own.execute(b"""
        CREATE VIEW s.v AS SELECT 1 AS a;
        CREATE FUNCTION s.f(int) RETURNS int LANGUAGE internal AS 'int4abs';
        CREATE OPERATOR CLASS s.o FOR TYPE int USING btree AS FUNCTION 1 btint4cmp(int, int);
        CREATE FUNCTION s.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER e ON ddl_command_start WHEN TAG IN ('DROP OWNED') EXECUTE FUNCTION s.e();
        CREATE EXTENSION pg_trgm
    """)
    for thing in ("VIEW s.v", "FUNCTION s.f(int)", "OPERATOR CLASS s.o USING btree"):
        db.sql(f'ALTER {thing} OWNER TO "{owner}"')
    db.sql("SELECT asymm.watch_database('heal')")
    declared = db.value("SELECT asymm.fingerprint_database()")
    mine = db.connect(user=owner)
    said: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity == "WARNING":
            said.append(f"{diagnostic.message_primary} ({diagnostic.message_detail})")

    mine.add_notice_handler(hear)
    slips = (
        "DROP FUNCTION s.f(int)",
        "DROP OPERATOR CLASS s.o USING btree",
        "DROP VIEW s.v",
        "DROP EXTENSION pg_trgm",
        "COMMENT ON EVENT TRIGGER e IS 'slip'",
    )
    for slip in slips:
        db.sql(slip)
    rows(mine, "SELECT asymm.beat()")
    db.sql("SELECT asymm._scan_all()")
    for _ in range(3):
        rows(mine, "SELECT asymm.beat()")
    lacking = f'"{owner}" lacks the rights: '
    held = [
        (
            "event trigger e",
            "proposed",
            'owner "postgres" is a superuser, whom no actor may serve: call asymm.heal() yourself',
        ),
        (
            "extension pg_trgm",
            "proposed",
            "it has no owner whom an actor may serve: call asymm.heal() yourself",
        ),
        (
            "operator class s.o USING btree",
            "proposed",
            lacking + "must be superuser to create an operator class",
        ),
        ("s.f(integer)", "proposed", lacking + "permission denied for language internal"),
    ]
    assert db.sql(OPEN) == held
    # Everything at once: the same, and the rest all the same.
    db.sql("DROP VIEW s.v")
    said.clear()
    done = rows(mine, "SELECT object, state FROM asymm.heal_all()")
    assert set(done) == {("view s.v", "verified")}
    assert sorted(text.split("(")[0].strip() for text in said[1:]) == [
        "not healed for lack of rights: function s.f",
        "not healed for lack of rights: operator class s.o USING btree",
    ]
    assert "extension pg_trgm" in said[0]
    assert "event trigger e" in said[0]
    assert [row[:2] for row in db.sql(OPEN)] == [row[:2] for row in held]
    action = db.value("SELECT max(id) FROM asymm.actions WHERE target = '*'")
    assert set(rows(mine, "SELECT state FROM asymm.revert(%s)", action)) == {("reverted",)}
    # Nothing but what is denied.
    db.sql("SELECT asymm.heal('s.v')")
    assert {row[1] for row in rows(mine, "SELECT object, state FROM asymm.heal_all()")} == {"failed"}
    assert db.sql("SELECT DISTINCT state FROM asymm.heal_all()") == [("verified",)]
    assert db.value("SELECT asymm.fingerprint_database()") == declared
