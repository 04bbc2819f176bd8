"""The command line: what it prints, for people and as JSON, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from asymmetrica.cli import main
from support.cluster import Cluster
from support.database import Database

ORDERS = "shop.orders"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(shop: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ASYMMETRICA_DSN", shop.dsn)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return call


def as_json(run: Run, *arguments: str) -> tuple[int, Any]:
    code, out, err = run(*arguments, "--json")
    assert err == ""
    return code, json.loads(out)


def test_a_day_with_it(run: Run, shop: Database) -> None:
    assert as_json(run, "watched") == (0, [])
    code, [row] = as_json(run, "watch", ORDERS, "--policy", "propose")
    assert (code, row["object"], row["policy"]) == (0, ORDERS, "propose")
    assert as_json(run, "drift") == (0, [])
    assert run("drift")[1] == "no drift\n"

    shop.connect(application_name="a tool").execute("ALTER TABLE shop.orders ALTER COLUMN due DROP DEFAULT")
    shop.sql("SELECT asymm.beat()")
    code, [row] = as_json(run, "drift")
    assert (code, row["name"], row["application"], row["state"]) == (1, "due", "a tool", "proposed")
    code, out, _ = run("drift", ORDERS)
    assert code == 1
    assert "a tool" in out
    assert as_json(run, "ddl", "--minutes", "5")[1][-1]["application"] == "a tool"

    code, steps = as_json(run, "heal", ORDERS, "--dry-run")
    assert code == 1
    assert len(steps) == 1
    assert as_json(run, "heal", ORDERS)[0] == 0
    assert as_json(run, "drift")[0] == 0
    assert as_json(run, "drift", "--all")[0] == 0
    code, [action] = as_json(run, "actions", "--state", "verified")
    assert code == 0
    number = str(action["id"])
    assert as_json(run, "history", number)[1][-1]["to_state"] == "verified"
    assert [row["event"] for row in as_json(run, "history", ORDERS)[1]][:2] == ["declared", "drift"]
    assert as_json(run, "revert", number, "--dry-run")[0] == 0
    assert as_json(run, "revert", number)[0] == 0
    assert as_json(run, "adopt", ORDERS, "--reason", "no default")[1][0]["name"] == "due"
    assert as_json(run, "unwatch", ORDERS)[0] == 0


def test_schema_and_decisions(run: Run, shop: Database) -> None:
    assert len(as_json(run, "watch", "--schema", "shop")[1]) == 3
    shop.sql("ALTER TABLE shop.orders ALTER COLUMN due DROP DEFAULT")
    shop.sql('ALTER TABLE shop."Odd ""name" ADD COLUMN b int')
    shop.sql("SELECT asymm.beat()")
    first, second = (str(row["id"]) for row in as_json(run, "actions", "--state", "proposed")[1])
    assert as_json(run, "approve", first)[1][0]["state"] == "verified"
    assert as_json(run, "reject", second, "--reason", "wanted")[1][0]["state"] == "rejected"
    assert run("reject", second)[0] == 4
    assert len(as_json(run, "unwatch", "--schema", "shop")[1]) == 3


def test_decisions_about_indexes(run: Run, shop: Database) -> None:
    """What is approved is queued, since no transaction can build it: that is no failure."""
    for column in ("due", "id"):
        shop.sql(
            "SELECT asymm._propose_index('create index', jsonb_build_object("
            "'schema', 'shop', 'table', 'orders', 'keys', jsonb_build_array(%s::text), 'method', 'hash'))",
            column,
        )
    first, second = (str(row["action"]) for row in as_json(run, "advise", "--state", "proposed")[1])
    code, [approved] = as_json(run, "approve", first)
    assert (code, approved["state"]) == (0, "approved")
    assert "CREATE INDEX CONCURRENTLY" in approved["note"]
    assert run("approve", first)[0] == 0
    assert as_json(run, "reject", second)[1][0]["state"] == "rejected"
    assert run("revert", first)[0] == 4, "there is nothing to take back yet"
    states = {str(row["action"]): row["state"] for row in as_json(run, "advise")[1]}
    assert states == {first: "approved", second: "rejected"}


def test_data_is_not_lost(run: Run, shop: Database) -> None:
    run("watch", ORDERS)
    shop.sql("ALTER TABLE shop.orders ADD COLUMN gate text")
    shop.sql("INSERT INTO shop.orders VALUES (1, now(), '', 'B 12')")
    code, out, err = run("heal", ORDERS, "--json")
    assert code == 4
    assert json.loads(out)[0]["state"] == "proposed"
    assert [json.loads(line)["warning"]["sqlstate"] for line in err.splitlines()] == ["SY009"]
    assert "warning: " in run("heal", ORDERS)[2]
    assert run("heal", ORDERS, "--allow-data-loss")[0] == 0


def test_switches(run: Run) -> None:
    assert as_json(run, "pause", "night")[1][0]["cause"] == "night"
    assert run("heal", ORDERS)[0] == 4
    assert as_json(run, "resume")[1][0]["healing"] == "on"
    code, checks = as_json(run, "doctor")
    assert code == int(any(check["status"] == "error" for check in checks))
    assert as_json(run, "heartbeat") == (1, [])
    assert "asymmetrica start" in run("heartbeat")[1]


def test_refusals(run: Run) -> None:
    code, out, err = run("watch", "shop.nothing")
    assert (code, out) == (4, "")
    assert 'relation "shop.nothing" does not exist' in err
    code, out, err = run("heal", ORDERS, "--json")
    assert (code, out) == (4, "")
    assert json.loads(err)["error"]["sqlstate"] == "SY001"
    code, _, err = run("approve", "42")
    assert code == 4
    assert "hint:" in err


def test_usage(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        (),
        ("no-such-command",),
        ("watch",),
        ("approve", "x"),
        ("watch", "t", "--policy", "fix"),
    ):
        with pytest.raises(SystemExit) as raised:
            run(*arguments)
        assert raised.value.code == 2
    with pytest.raises(SystemExit) as raised:
        run("--help")
    assert raised.value.code == 0
    assert "exit codes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "dsn",
    [
        "host=127.0.0.1 port=1",
        "postgresql://no-such-host.invalid/x",
        "no such database",
        "=",
        "postgresql://[oops",
    ],
)
def test_no_connection(
    dsn: str, server: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setenv("PGHOST", str(server.directory))
    monkeypatch.setenv("PGPORT", str(server.port))
    monkeypatch.setenv("PGUSER", "postgres")
    assert main(["drift", "--dsn", dsn]) == 3
    assert capsys.readouterr().err.startswith("asymmetrica: ")


def test_name_of_a_database(server: Cluster, shop: Database, monkeypatch: Any) -> None:
    monkeypatch.delenv("ASYMMETRICA_DSN", raising=False)
    monkeypatch.setenv("PGHOST", str(server.directory))
    monkeypatch.setenv("PGPORT", str(server.port))
    monkeypatch.setenv("PGUSER", "postgres")
    assert main(["drift", "--dsn", shop.name]) == 0
    monkeypatch.setenv("PGDATABASE", shop.name)
    assert main(["drift"]) == 0


def test_init(empty_db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", "--dsn", empty_db.dsn]) == 4
    assert "asymmetrica init" in capsys.readouterr().err
    assert main(["init", "--dsn", empty_db.dsn, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["before"] is None
    assert main(["init", "--dsn", empty_db.dsn]) == 0
    assert capsys.readouterr().out == f"extension asymmetrica {made['now']}\n"
    assert main(["drift", "--dsn", empty_db.dsn]) == 0


def test_init_in_a_database_with_an_awkward_name(server_database_with_blanks: str) -> None:
    assert main(["init", "--dsn", server_database_with_blanks]) == 0


def test_as_a_program(shop: Database) -> None:
    """It ends quietly when its reader goes away, and writes no colour into a pipe."""
    command = [sys.executable, "-m", "asymmetrica", "actions", "--json"]
    environment = {**os.environ, "ASYMMETRICA_DSN": shop.dsn}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(20)
    shop.sql("SELECT asymm.watch('shop.orders')")
    command[3:] = ["watched"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert ORDERS in done.stdout
