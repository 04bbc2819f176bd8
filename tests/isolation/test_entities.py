"""Two sessions on one entity: a version is changed once, a key works once, whoever is first."""

from __future__ import annotations

import pytest

from support.database import Database
from support.other import Other, transaction

CHANGE = "SELECT version FROM asymm.update_entity('e', '{}', {}{})"
MADE = "SELECT version FROM asymm.create_entity('{}', '{}'{})"


def made(db: Database) -> int:
    return int(db.value("SELECT version FROM asymm.create_entity('e', '0')"))


def values(db: Database) -> list[object]:
    return [row[0] for row in db.sql("SELECT value FROM asymm.entity_history('e')")]


def test_one_version_is_changed_once(db: Database) -> None:
    version = made(db)
    first = transaction(db, CHANGE.format(1, version, ""))
    second = Other(db, CHANGE.format(2, version, ""))
    third = Other(db, f"SELECT asymm.delete_entity('e', {version})")
    second.wait_until_blocked()
    third.wait_until_blocked()
    first.commit()
    for other in (second, third):
        other.done()
        assert other.error is not None
        assert other.error.sqlstate == "SY017"
        assert other.error.diag.message_hint
    assert values(db) == [0, 1]
    # What the first one took back, the second one may do.
    version = db.value("SELECT version FROM asymm.get_entity('e')")
    first = transaction(db, CHANGE.format(3, version, ""))
    second = Other(db, CHANGE.format(4, version, ""))
    second.wait_until_blocked()
    first.rollback()
    assert second.done()
    assert values(db) == [0, 1, 4]


@pytest.mark.parametrize("call", ["create", "update", "delete"])
def test_one_key_works_once(db: Database, call: str) -> None:
    version = 0 if call == "create" else made(db)
    calls = {
        "create": MADE.format("e", "{}", ", idempotency_key => 'k'"),
        "update": CHANGE.format("{}", version, ", NULL, 'k'"),
        "delete": f"SELECT tombstone FROM asymm.delete_entity('e', {version}, 'k')",
    }
    text = calls[call].format(1)
    first = transaction(db, text)
    again = Other(db, text)
    again.wait_until_blocked()
    first.commit()
    assert again.done() == db.sql(text)
    assert values(db) == {"create": [1], "update": [0, 1], "delete": [0, None]}[call]
    assert db.value("SELECT count(*) FROM asymm.data_entity_request") == 1


def test_a_key_is_taken_by_the_first(db: Database) -> None:
    first = transaction(db, MADE.format("e", 1, ", idempotency_key => 'k'"))
    second = Other(db, MADE.format("e", 2, ", idempotency_key => 'k'"))
    second.wait_until_blocked()
    first.commit()
    second.done()
    assert second.error is not None
    assert second.error.sqlstate == "SY018"
    # Nothing came of the first: the key is free.
    first = transaction(db, MADE.format("f", 1, ", idempotency_key => 'k'"))
    second = Other(db, MADE.format("f", 2, ", idempotency_key => 'k'"))
    second.wait_until_blocked()
    first.rollback()
    assert second.done()


def test_lists_that_overlap_do_not_wait_in_a_circle(db: Database) -> None:
    """Two make the same ids, each in an order of its own: one makes them all, the other is told."""

    def text(order: str) -> str:
        return (
            "SELECT count(*) FROM asymm.create_entities((SELECT jsonb_agg(jsonb_build_object('id', 'e' || g,"
            f" 'value', 1, 'idempotency_key', '{order}') ORDER BY g {order}) FROM generate_series(1, 300) g))"
        )

    first = transaction(db, text("ASC"))
    second = Other(db, text("DESC"))
    second.wait_until_blocked()
    first.commit()
    second.done()
    assert second.error is not None
    assert second.error.sqlstate == "23505"
    assert db.value("SELECT count(*) FROM asymm.data_entity") == 300


def test_made_while_it_is_deleted(db: Database) -> None:
    """Whoever makes it anew waits for the deletion, and gets a later version than the tombstone's."""
    version = made(db)
    db.sql("SELECT setval('asymm.data_entity_version_seq', 1000)")
    deleting = transaction(db, f"SELECT asymm.delete_entity('e', {version})")
    # As if it had taken its version before the deletion did.
    db.sql("SELECT setval('asymm.data_entity_version_seq', 900)")
    making = Other(db, MADE.format("e", 2, ""))
    making.wait_until_blocked()
    deleting.commit()
    assert making.done()[0][0] > 1001
    assert values(db) == [0, None, 2]
