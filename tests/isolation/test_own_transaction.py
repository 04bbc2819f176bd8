"""What a transaction did before and after watch() is told apart, whoever else commits meanwhile."""

from __future__ import annotations

from support.database import Database


def test_a_slip_in_the_transaction_that_declared(db: Database) -> None:
    db.sql("CREATE TABLE public.t (a int)")
    one, other = db.connect(autocommit=False), db.connect()
    one.execute("ALTER TABLE public.t ADD COLUMN meant int")
    # A later transaction ends first: from now on a snapshot of `one` lies beyond its own number.
    other.execute("CREATE TABLE public.u (a int)")
    one.execute("SELECT asymm.watch('public.t')")
    one.execute("ALTER TABLE public.t ADD COLUMN slip int")
    one.commit()
    db.sql("SELECT asymm._process_ddl()")
    assert db.sql("SELECT name, found_by, command_tag FROM asymm.drift") == [
        ("slip", "ddl_log", "ALTER TABLE")
    ]
