"""Parsing what others wrote runs nothing of theirs either."""

from __future__ import annotations

from support.database import Database


def test_parsing_runs_no_code_of_others(db: Database) -> None:
    """Reading a literal checks the domains in it. What ran is seen by a sequence: nothing takes that back."""
    mallory, actor = db.role("mallory"), db.role("actor", member_of=("asymm_pulse",))
    db.sql(f"""
        CREATE SCHEMA r AUTHORIZATION "{mallory}";
        GRANT USAGE ON SCHEMA r TO PUBLIC;
        SET ROLE "{mallory}";
        CREATE SEQUENCE r.ran;
        GRANT USAGE ON SEQUENCE r.ran TO PUBLIC;
        CREATE FUNCTION r.evil(int) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('r.ran') > 0 $$;
        CREATE DOMAIN r.d AS int CHECK (r.evil(value));
        CREATE TYPE r.c AS (a r.d);
        RESET ROLE""")
    session = db.connect(user=actor)
    plan = "SELECT asymm._plan_statement(%s, 'public') ->> %s"
    for statement in (
        "SELECT '{3}'::r.d[]",
        "SELECT '(3)'::r.c",
        "SELECT $x$(3)$x$::r.c",
        "SELECT r.c '(3)'",
    ):
        found = session.execute(plan, [statement, "reason"]).fetchone()
        assert found == ("not planned: untrusted function r.evil(integer)",), statement
        assert db.value("SELECT is_called FROM r.ran") is False, statement
    found = session.execute(plan, ["SELECT 1 + $1", "plan"]).fetchone()
    assert found is not None
    assert found[0] is not None
    # So it would have been.
    db.sql("SELECT '(3)'::r.c")
    assert db.value("SELECT is_called FROM r.ran") is True
