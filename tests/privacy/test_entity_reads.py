"""Reads of entities in the audit, where an operator wants them."""

from __future__ import annotations

import psycopg
import pytest

import asymmetrica
from asymmetrica.errors import AsymmetricaError
from support.database import Database

ENTRIES = (
    "SELECT action, object, detail FROM asymm.audit_log WHERE action LIKE 'read %%' AND role = %s ORDER BY id"
)


@pytest.fixture
def store(db: Database) -> Database:
    db.sql("SELECT asymm.create_entity('c:1', '{\"n\": 1}'), asymm.create_entity('c:2', '{\"n\": 2}')")
    return db


def test_who_read_what(store: Database) -> None:
    role = store.role("desk", "LOGIN", ("asymm_writer",))
    session = store.connect(user=role)
    session.execute(b"SELECT asymm.get_entity('c:1'), asymm.query_entities(), asymm.entity_history('c:1')")
    assert store.sql(ENTRIES, role) == []
    store.sql("SELECT asymm.configure_entities(audit_reads => true)")
    assert store.value("SELECT object FROM asymm.audit_log WHERE action = 'audit_reads'") == "entities"
    with asymmetrica.connect(session) as db:
        assert [e and e.value for e in (db.get_entity("c:1"), db.get_entity("none"))] == [{"n": 1}, None]
        assert [e and e.id for e in db.get_entities(["c:2", "none", "c:1"])] == ["c:2", None, "c:1"]
        assert [entity.id for entity in db.query_entities(path="$.n > 1")] == ["c:2"]
        assert len(db.entity_history("c:1")) == 1
    assert store.sql(ENTRIES, role) == [
        ("read entity", "c:1", {"found": 1}),
        ("read entity", "none", {"found": 0}),
        ("read entity", "c:2", {"found": 1}),
        ("read entity", "none", {"found": 0}),
        ("read entity", "c:1", {"found": 1}),
        ("read entities", "entities", {"found": ["c:2"]}),
        ("read entity history", "c:1", {"found": 1}),
    ]
    assert store.value("SELECT intact FROM asymm.verify_audit()") is True
    # Exports and changes, which are told otherwise, are no reads.
    store.sql("SELECT asymm.register_entities('customer', 'c:')")
    store.sql("SELECT asymm.export_subject('1', kind => 'customer')")
    assert store.value("SELECT count(*) FROM asymm.audit_log WHERE action LIKE 'read %'") == 7
    seen = store.value("SELECT seen FROM asymm.doctor() WHERE check_name = 'audit'")
    assert seen.endswith("; reads of entities by functions are in it")


def test_what_cannot_be_recorded_is_not_read(store: Database) -> None:
    store.sql("SELECT asymm.configure_entities(audit_reads => true)")
    session = store.connect(autocommit=False)
    session.read_only = True
    for call in ("get_entity('c:1')", "query_entities()", "entity_history('c:1')"):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="cannot be recorded here"):
            session.execute(f"SELECT * FROM asymm.{call}".encode())
        session.rollback()
    # Who asks Redis is seen by nobody: one or the other.
    with pytest.raises(psycopg.Error, match="Reads of entities are recorded") as refused:
        store.sql("SELECT asymm.mirror('asymm.data_entity')")
    assert refused.value.sqlstate == "42809"
    store.sql("SELECT asymm.configure_entities(audit_reads => false)")
    assert len(session.execute(b"SELECT asymm.query_entities()").fetchall()) == 2
    store.sql("SELECT asymm.create_mirror_login(%s)", store.role("mirror", "LOGIN REPLICATION"))
    store.sql("SELECT asymm.mirror('asymm.data_entity')")
    with asymmetrica.connect(store.dsn) as db, pytest.raises(AsymmetricaError) as again:
        db.configure_entities(audit_reads=True)
    assert again.value.sqlstate == "55000"
