"""Commands between databases: what they print, how they end, that they ask, and that they keep secrets."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import asymmetrica
from asymmetrica.cli import main
from support.database import Database

from .conftest import DAMAGE


def test_diff(
    shop: Database,
    production: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["diff", shop.dsn, shop.dsn]) == 0
    assert capsys.readouterr().out.startswith("no difference: ")
    assert main(["diff", shop.dsn, production.dsn]) == 1
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    head, body = shown.splitlines()[:2], "\n".join(shown.splitlines()[2:])
    assert head[0].startswith(f"--- {shop.name} at ")
    assert "its present state" in head[0]
    assert head[1].startswith(f"+++ {production.name} at ")
    assert (
        body
        == """\
- table shop."Odd ""name"
~ table shop.orders
  - column due: date
  + column gate: text
  ~ column note not_null
    - true
+ view shop.extra
1 missing, 1 extra, 1 different"""
    )
    shop.sql("SELECT count(*) FROM asymm.watch_schema('shop')")
    assert main(["diff", shop.dsn, "--dsn", production.dsn, "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {row["object"] for row in rows} == {
        "shop.orders",
        'shop."Odd ""name"',
        "shop.extra",
    }

    document = tmp_path / "shop.json"
    assert main(["baseline", "--dsn", shop.dsn]) == 0
    document.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["diff", str(document), production.dsn]) == 1
    assert capsys.readouterr().out.startswith(f"--- {document}\n")
    assert main(["diff", str(document), shop.dsn]) == 0


def test_baseline_says_what_it_is(shop: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "--dsn", shop.dsn]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["scope"] == {"database": True, "schemas": []}
    assert "present state" in err


def test_heal_to(
    shop: Database,
    production: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: Any,
) -> None:
    production.sql("INSERT INTO shop.orders VALUES (1, '', 'B 12')")
    heal = ["heal", "--to", shop.dsn, "--dsn", production.dsn]
    assert main([*heal, "--dry-run"]) == 1
    assert "ADD COLUMN due date" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(heal) == 2
    assert "nobody is there to ask" in capsys.readouterr().err
    assert production.value("SELECT count(*) FROM asymm.imported") == 0

    answer = io.StringIO("n\n")
    monkeypatch.setattr(answer, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", answer)
    assert main(heal) == 1
    out, err = capsys.readouterr()
    assert "[y/N]" in err
    assert "DROP VIEW shop.extra" in out
    assert production.value("SELECT count(*) FROM asymm.baseline") == 0

    # The gate has data: it stays, and the exit code says that not all was done.
    assert main([*heal, "--yes", "--json"]) == 4
    out, _ = capsys.readouterr()
    assert {step["state"] for step in json.loads(out)} == {
        "verified",
        "withheld",
    }
    assert main(["diff", shop.dsn, production.dsn]) == 1
    assert "+ column gate: text" in capsys.readouterr().out
    assert main([*heal, "--yes", "--allow-data-loss"]) == 0
    assert main(["diff", shop.dsn, production.dsn]) == 0
    assert main([*heal, "--yes"]) == 0
    assert "nothing to repair" in capsys.readouterr().out


def test_what_fails_leaves_nothing(
    shop: Database, production: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sql("ALTER TABLE shop.orders ADD CONSTRAINT noted CHECK (note <> '')")
    production.sql("INSERT INTO shop.orders VALUES (1, '', NULL)")
    before = production.value("SELECT asymm.fingerprint_database()")
    assert main(["heal", "--to", shop.dsn, "--dsn", production.dsn, "--yes"]) == 4
    assert "warning: " in capsys.readouterr().err
    assert production.value("SELECT asymm.fingerprint_database()") == before
    assert production.value("SELECT count(*) FROM asymm.baseline") == 0


def test_changed_while_asked(
    shop: Database,
    production: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: Any,
) -> None:
    def answer(*_: object) -> bool:
        production.sql("CREATE VIEW shop.later AS SELECT 2 AS two")
        return True

    monkeypatch.setattr("asymmetrica.cli.exchange.agreed", answer)
    assert main(["heal", "--to", shop.dsn, "--dsn", production.dsn]) == 4
    assert "changed while the plan was shown" in capsys.readouterr().err
    assert production.value("SELECT count(*) FROM asymm.baseline") == 0


def test_everything(shop: Database, capsys: pytest.CaptureFixture[str]) -> None:
    dsn = ["--dsn", shop.dsn]
    assert main(["watch", "--database", *dsn]) == 0
    for statement in DAMAGE[1:3]:
        shop.sql(statement)
    assert main(["heal", "--all", "--dry-run", *dsn]) == 1
    assert main(["heal", "--all", *dsn]) == 0
    assert main(["heal", "--all", *dsn]) == 0
    assert "nothing to repair" in capsys.readouterr().out
    assert main(["unwatch", "--database", *dsn]) == 0


def test_documents_keep_their_numbers(shop: Database) -> None:
    """Python's numbers are not those of Postgres: the text is passed on as it came."""
    shop.sql("CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql COST 1e-7 AS 'SELECT 1'")
    with asymmetrica.connect(shop.dsn) as db:
        assert db.diff(db.present_state()) == []
        assert db.import_baseline(db.present_state()).objects > 0
