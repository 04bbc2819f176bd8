"""The audit: what is in it, that nobody waits for it, and that whoever changes it is found out."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.database import Database


@pytest.fixture
def audited(db: Database) -> Database:
    for number in range(6):
        db.sql("SELECT asymm.audit('looked at', %s)", f"customer {number}")
    db.sql("SELECT asymm.seal_audit()")
    return db


def verdict(db: Database, anchor: str | None = None) -> tuple[bool, list[str]]:
    ((intact, faults),) = db.sql("SELECT intact, faults FROM asymm.verify_audit(%s)", anchor)
    return intact, faults


def test_who_did_what_is_in_it(db: Database) -> None:
    db.sql("CREATE TABLE t (id int PRIMARY KEY, email text)")
    role = db.role("operator", "LOGIN", ("asymm_operator",))
    db.sql(f"ALTER TABLE t OWNER TO {role}")
    operator = db.connect(user=role, application_name="desk")
    operator.execute(b"SELECT asymm.protect('public.t', 'email')")
    operator.execute(b"SELECT asymm.unprotect('public.t', 'email')")
    operator.execute(b"SELECT asymm.audit('looked at', 'customer 1', '{\"reason\": \"ticket 4711\"}')")
    db.sql("SELECT asymm.watch('public.t', 'heal')")
    db.sql("ALTER TABLE t DROP COLUMN email")
    db.sql("SELECT asymm.heal('public.t')")
    db.sql("SELECT asymm.pause('lunch')")
    found = db.sql("SELECT action, object, role = login, application FROM asymm.audit_log ORDER BY id")
    assert [(action, thing) for action, thing, *_ in found[:3]] == [
        ("protect", "public.t"),
        ("unprotect", "public.t"),
        ("told: looked at", "customer 1"),
    ]
    assert [row[2:] for row in found[:3]] == [(True, "desk")] * 3
    assert {("action applying", "public.t"), ("action verified", "public.t"), ("pause", "healing")} <= {
        row[:2] for row in found
    }
    assert db.value("SELECT role FROM asymm.audit_log ORDER BY id LIMIT 1") == role.strip('"')
    # What was rolled back did not happen.
    with db.connect(autocommit=False) as other:
        other.execute(b"SELECT asymm.audit('a', 'b')")
        other.rollback()
    assert db.value("SELECT count(*) FROM asymm.audit_log WHERE object = 'b'") == 0
    for call in ("NULL, 'x'", "'', 'x'", "'x', 'y', '[]'", f"'{'x' * 91}', 'y'"):
        with pytest.raises(psycopg.DataError):
            db.sql(f"SELECT asymm.audit({call})")


def test_it_is_only_added_to(audited: Database) -> None:
    db = audited
    operator = db.connect(user=db.role("operator", "LOGIN", ("asymm_operator",)))
    for statement in (
        "UPDATE asymm.audit_entry SET object = 'x'",
        "DELETE FROM asymm.audit_entry",
        "TRUNCATE asymm.audit_entry CASCADE",
        "DELETE FROM asymm.audit_seal",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            operator.execute(statement.encode())
        with pytest.raises(psycopg.Error) as refused:
            db.sql(statement)
        assert refused.value.sqlstate == "SY021"
        # Neither does it help to be a replica, or what owns the rest of the extension.
        for setting, error in {
            "session_replication_role = replica": psycopg.Error,
            "ROLE asymm_owner": psycopg.errors.InsufficientPrivilege,
        }.items():
            with db.own.transaction(force_rollback=True):
                db.sql(f"SET LOCAL {setting}")
                with pytest.raises(error):
                    db.sql(statement)
    assert verdict(db) == (True, [])


# What a superuser does who has the triggers off, and what is said of it.
TAMPERED: dict[str, list[str]] = {
    "UPDATE asymm.audit_entry SET object = 'customer 9' WHERE id = 3": ["entry 3 was changed"],
    "UPDATE asymm.audit_entry SET role = 'somebody' WHERE id = 6": ["entry 6 was changed"],
    "DELETE FROM asymm.audit_entry WHERE id = 2": ["entry 2 is missing"],
    "DELETE FROM asymm.audit_seal WHERE seq = 2": [
        "places 2 to 2 of the chain are missing",
        "entry 2 was never sealed",
    ],
    "DELETE FROM asymm.audit_seal WHERE seq > 4; DELETE FROM asymm.audit_entry WHERE id > 4": [
        "the chain ends at place 4, and went on to 6",
        "the anchor's place 6",
    ],
    "UPDATE asymm.audit_seal SET digest = repeat('a', 64) WHERE seq = 3": [
        "place 3 of the chain was changed"
    ],
    "UPDATE asymm.audit_seal SET sealed_at = sealed_at - interval '1 h' WHERE seq = 3": [
        "place 3 of the chain was changed"
    ],
    # The next entry would have hung on it, and been the one that seems changed.
    "UPDATE asymm.audit_head SET hash = repeat('a', 64)": ["what the chain ends with at place 6 was changed"],
    "DELETE FROM asymm.audit_head": ["what the chain ends with is gone"],
    # With care: only the anchor tells.
    """DELETE FROM asymm.audit_seal WHERE seq > 4; DELETE FROM asymm.audit_entry WHERE id > 4;
       UPDATE asymm.audit_head SET seq = 4, hash = (SELECT hash FROM asymm.audit_seal WHERE seq = 4)""": [
        "the anchor's place 6"
    ],
    """DELETE FROM asymm.audit_seal; DELETE FROM asymm.audit_head; DELETE FROM asymm.audit_entry WHERE id = 3;
       SELECT asymm.seal_audit()""": ["the anchor's place 6"],
}


def test_tampering_is_found_out(audited: Database) -> None:
    db = audited
    anchor = db.value("SELECT present_anchor FROM asymm.verify_audit()")
    assert verdict(db, anchor) == (True, [])
    for statement, expected in TAMPERED.items():
        with db.own.transaction(force_rollback=True):
            for table in ("audit_entry", "audit_seal"):
                db.sql(f"ALTER TABLE asymm.{table} DISABLE TRIGGER USER")
            for part in statement.split(";"):
                db.sql(part)
            db.sql("UPDATE asymm.audit_head SET floor = 3")
            intact, faults = verdict(db, anchor)
            assert not intact, statement
            for wanted in expected:
                start, _, end = wanted.partition(" was never ")
                assert any(f.startswith(start) and end in f for f in faults), faults
            if all(wanted.startswith("the anchor") for wanted in expected):
                assert verdict(db) == (True, [])
    assert verdict(db, anchor) == (True, [])


def test_commits_do_not_wait_for_each_other(audited: Database) -> None:
    db = audited
    first, second = db.connect(autocommit=False), db.connect(options="-c lock_timeout=2s")
    first.execute(b"SELECT asymm.audit('slow', 'x')")
    second.execute(b"SELECT asymm.audit('quick', 'x')")
    anchor = db.value("SELECT asymm.seal_audit()")
    assert anchor.startswith("7:")
    first.commit()
    assert verdict(db, anchor) == (True, [])
    # The pulse does it, and nothing when there is nothing.
    db.sql("SELECT asymm._tend_audit()")
    assert db.sql("SELECT entries, sealed FROM asymm.verify_audit()") == [(8, 8)]
    rows: Any = db.value("SELECT xmin::text || ctid::text FROM asymm.audit_head")
    db.sql("SELECT asymm._tend_audit()")
    assert db.value("SELECT xmin::text || ctid::text FROM asymm.audit_head") == rows
    assert db.value("SELECT faults FROM asymm.verify_audit(%s)", "1:" + "0" * 64) != []
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        verdict(db, "7")
    assert f"audit anchor {anchor}" in db.server.log_text(0)


def test_doctor_says_what_is_recorded(audited: Database) -> None:
    checks = "SELECT check_name, status, seen, remedy FROM asymm.doctor() WHERE check_name LIKE 'audit%'"
    state, direct = audited.sql(checks)
    assert state[:3] == ("audit", "ok", "6 entries, 6 sealed")
    assert direct[1:3] == (
        "ok",
        "pgaudit is not loaded: only what goes through functions of asymm is recorded",
    )
    audited.sql("CREATE TABLE t (id int, email text)")
    audited.sql("SELECT asymm.protect('public.t', 'email')")
    direct = audited.sql(checks)[1]
    assert direct[1] == "warning"
    assert "pgaudit; add pgaudit to shared_preload_libraries" in direct[3]
