"""More of the commands between databases: the fleet, wrong usage, the lines of a diff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asymmetrica.cli import difference, main
from asymmetrica.rows import Deviation
from support.database import Database


def test_fleet(shop: Database, production: Database, capsys: pytest.CaptureFixture[str]) -> None:
    dsn = ["--dsn", shop.dsn]
    assert main(["fleet", *dsn]) == 0
    assert "nothing was reported yet" in capsys.readouterr().out
    assert main(["fleet", f"one={shop.dsn}", f"two={shop.dsn}", *dsn]) == 0
    assert main(["fleet", f"two={production.dsn}", f"one={shop.dsn}", "--json", *dsn]) == 1
    rows = json.loads(capsys.readouterr().out.partition("[")[2].join(["[", ""]))
    assert [(row["name"], row["agrees_with"]) for row in rows] == [
        ("one", []),
        ("two", []),
    ]
    assert main(["fleet", "gone=host=127.0.0.1 port=1 password=sesame", *dsn]) == 3
    out, err = capsys.readouterr()
    assert "gone: " in err
    assert "sesame" not in out + err
    assert main(["fleet", "--forget", "one", "--json", *dsn]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["two"]


def test_usage(shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken, odd = tmp_path / "broken.json", tmp_path / "odd.json"
    broken.write_text("{")
    odd.write_bytes(b"\xff")
    for arguments in (
        ["diff", str(tmp_path / "missing.json")],
        ["diff", str(broken)],
        ["heal", "--to", str(odd)],
        ["fleet", "production"],
        ["fleet", "=dbname=x"],
    ):
        assert main([*arguments, "--dsn", shop.dsn]) == 2, arguments
    for wrong in (
        ["diff"],
        ["heal"],
        ["heal", "t", "--all"],
        ["watch"],
        ["watch", "t", "--database"],
    ):
        with pytest.raises(SystemExit) as raised:
            main(wrong)
        assert raised.value.code == 2
    capsys.readouterr()
    secret = "postgresql://u:sesame-street@127.0.0.1:1/x"
    for told in (
        ["diff", secret, secret, secret],
        ["fleet", f"a={secret}", "--json", "--nothing", secret],
    ):
        with pytest.raises(SystemExit):
            main(told)
    assert main(["diff", secret, shop.dsn]) == 3
    assert main(["heal", "--to", secret, "--dsn", shop.dsn]) == 3
    assert "sesame" not in "".join(capsys.readouterr())


def test_no_document(shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    assert main(["diff", str(wrong), shop.dsn]) == 4
    assert "detail: It is not a document" in capsys.readouterr().err


def test_lines_of_a_diff() -> None:
    rows = [
        Deviation(
            "function",
            "shop.f()",
            "function",
            "",
            "def",
            "BEGIN\n  a;\nEND",
            "BEGIN\n  b;\nEND",
        ),
        Deviation(
            "table",
            "shop.t",
            "table",
            "",
            "acl",
            {"bob": ["SELECT"], "": ["INSERT", "SELECT"]},
            None,
        ),
        Deviation(
            "table",
            "shop.t",
            "constraint",
            "positive",
            None,
            None,
            {"def": "CHECK (a > 0)", "type": "check"},
        ),
        Deviation(
            "type",
            "shop.mood",
            "type",
            "",
            "labels",
            ["sad", "ok"],
            ["sad", "glad", "ok"],
        ),
        Deviation("table", "shop.t", "column", "a", "statistics", 100, None),
    ]
    lines = [text for _, text in difference.render(rows, "one", "two")]
    assert (
        "\n".join(lines)
        == """\
--- one
+++ two
~ function shop.f()
  ~ def
      BEGIN
    -   a;
    +   b;
      END
~ table shop.t
  ~ acl
    - PUBLIC: INSERT, SELECT
    - bob: SELECT
  + constraint positive: CHECK (a > 0)
  ~ column a statistics
    - 100
~ type shop.mood
  ~ labels
      sad
    + glad
      ok
3 different"""
    )
