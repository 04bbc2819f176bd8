"""Each SQLSTATE has its class, with the server's message, detail and hint."""

from __future__ import annotations

import re

import psycopg
import pytest

import asymmetrica
from asymmetrica import AsymmetricaError, ConnectionFailed, NotInstalled, errors
from support.cluster import ROOT, Cluster
from support.database import Database

# SY010 and SY011 never leave the extension; SY014 is for the mirror's worker. The rest: pulse(), CREATE
# EXTENSION or setup_telemetry() was run in a wrong way; content_hash() is asked in SQL.
INTERNAL = {"SY010", "SY011", "SY012", "SY014"}
UNMAPPED = {
    "duplicate_schema",
    "feature_not_supported",
    "invalid_role_specification",
    "invalid_transaction_termination",
    # Duplicates that can't be merged: the detail says why.
    "object_not_in_prerequisite_state",
    "read_only_sql_transaction",
}

RAISE = (
    """DO $$ BEGIN RAISE EXCEPTION 'no "x"' USING ERRCODE = '{}', DETAIL = 'seen', HINT = 'do that'; END $$"""
)


def test_codes_of_our_own() -> None:
    ours = {code for code in errors.SQLSTATES if code.startswith("SY")}
    others = {"SY013", "SY015", "SY016", "SY017", "SY018", "SY020", "SY021", "SY022"}
    assert ours == {*(f"SY00{n}" for n in range(1, 10)), *others}


def test_every_code_the_extension_raises_has_a_class() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "sql").glob("*/*.sql"))
    raised = set(re.findall(r"'(SY\d{3})'", sources)) - INTERNAL
    names = set(re.findall(r"ERRCODE = '([a-z_]+)'", sources)) - UNMAPPED
    found = {
        getattr(psycopg.errors, "".join(map(str.capitalize, name.split("_")))).sqlstate for name in names
    }
    ours = {code for code in errors.SQLSTATES if code.startswith("SY")}
    assert raised == ours
    assert found == set(errors.SQLSTATES) - ours


def test_class_of_a_code(server: Cluster) -> None:
    with asymmetrica.connect(server.dsn("postgres")) as ours:
        for code in (*errors.SQLSTATES, "22012"):
            with pytest.raises(AsymmetricaError) as raised:
                ours._session.run(RAISE.format(code))
            assert type(raised.value) is errors.SQLSTATES.get(code, AsymmetricaError)
            assert raised.value.sqlstate == code
            assert (raised.value.message, raised.value.detail, raised.value.hint) == (
                'no "x"',
                "seen",
                "do that",
            )
            assert str(raised.value) == 'no "x"\nDETAIL: seen\nHINT: do that'


def test_not_installed(empty_db: Database) -> None:
    with asymmetrica.connect(empty_db.dsn) as ours:
        assert ours.version() is None
        for call in (ours.drift, ours.doctor, ours.settings, lambda: ours.watch("pg_class")):
            with pytest.raises(NotInstalled) as raised:
                call()
            assert "CREATE EXTENSION" in (raised.value.hint or "")


def test_older_extension_lacks_a_function(db: Database) -> None:
    db.sql("ALTER EXTENSION asymmetrica DROP FUNCTION asymm.fingerprint_database()")
    db.sql("DROP FUNCTION asymm.fingerprint_database()")
    with asymmetrica.connect(db.dsn) as ours, pytest.raises(NotInstalled):
        ours.fingerprint_database()


@pytest.mark.parametrize(
    "options",
    [
        {"host": "127.0.0.1", "port": "1"},
        {"host": "no-such-host.invalid"},
        {"user": "no such role"},
        {"dbname": "no such database"},
        {"sslmode": "require", "host": "127.0.0.1"},
    ],
)
def test_no_connection(server: Cluster, options: dict[str, str]) -> None:
    with pytest.raises(ConnectionFailed):
        asymmetrica.connect(server.dsn("postgres"), **options)


def test_connection_lost(db: Database) -> None:
    with asymmetrica.connect(db.dsn, application_name="to be ended") as ours:
        db.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be ended'"
        )
        with pytest.raises(ConnectionFailed) as raised:
            ours.settings()
        assert raised.value.sqlstate in ("57P01", None)
        assert ours.settings().notify == "change", "the next call connects again"


def test_options_need_a_connection_string(db: Database) -> None:
    with pytest.raises(TypeError):
        asymmetrica.connect(db.connect(), user="bob")
