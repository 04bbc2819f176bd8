"""What Grafana is provisioned with fits together: files, mounts, variables, login."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from asymmetrica.cli import main
from asymmetrica.grafana import DATASOURCE, HERE, PLUGIN
from support.cluster import BIN
from support.database import Database

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
GRAFANA = COMPOSE["services"]["grafana"]


def provisioned(part: str) -> dict[str, Any]:
    text = (HERE / "provisioning" / part / "asymmetrica.yaml").read_text()
    # Only by $NAME: with ${NAME}, Grafana would expand a $ within a password once more.
    assert not re.search(r"\$\{", text)
    made: dict[str, Any] = yaml.safe_load(text)
    assert made["apiVersion"] == 1
    return made


def test_provisioning_names_what_there_is() -> None:
    (source,) = provisioned("datasources")["datasources"]
    (provider,) = provisioned("dashboards")["providers"]
    assert source["uid"] == DATASOURCE
    assert source["secureJsonData"] == {"password": "$ASYMMETRICA_DB_PASSWORD"}
    environment = GRAFANA["environment"]
    said = (HERE / "provisioning").rglob("*.yaml")
    names = {name for path in said for name in re.findall(r": \$(\w+)$", path.read_text(), re.MULTILINE)}
    assert names == {name for name in environment if name.startswith("ASYMMETRICA_")}
    assert environment["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"] == PLUGIN
    mounts = {inside: outside for outside, inside in map(split, GRAFANA["volumes"])}
    assert mounts[environment["ASYMMETRICA_DASHBOARDS"]] == "./python/src/asymmetrica/grafana/dashboards"
    assert provider["options"]["path"] == "$ASYMMETRICA_DASHBOARDS"
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / mounts[str(home.parent)] / home.name).is_file()


def split(volume: str) -> tuple[str, str]:
    outside, inside = volume.removesuffix(":ro").split(":")
    return outside, inside


def test_compose_mounts_what_exists_and_asks_for_pages_only_with_their_profiles() -> None:
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", ()):
            outside, inside = split(volume)
            assert inside.startswith("/")
            if outside.startswith("."):
                assert (ROOT / outside).exists(), volume
                assert volume.endswith(":ro"), volume
            else:
                assert outside in COMPOSE["volumes"]
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network"
        for other in service.get("depends_on", {}):
            assert other in COMPOSE["services"]
        # Compose fails for a missing variable of any service, also of one it doesn't start.
        required = set(re.findall(r"(?<!\$)\$\{(\w+):\?", yaml.safe_dump(service)))
        assert required <= {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}
        profile = name.partition("-")[0]
        assert service.get("profiles") == ([profile] if profile in ("grafana", "dashboard") else None)
    assert "GF_SECURITY_ADMIN_PASSWORD:?" in GRAFANA["entrypoint"][2]


def login(db: Database, password: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", db.dsn, "-f", HERE / "login.sql"]
    environment = os.environ | {"GRAFANA_DB_PASSWORD": password}
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_the_login_may_look_and_nothing_else(db: Database) -> None:
    db.forget_role("grafana")
    for bad in ("", "short"):
        refused = login(db, bad)
        assert refused.returncode == 3
        assert "GRAFANA_DB_PASSWORD" in refused.stderr
    assert db.value("SELECT count(*) FROM pg_roles WHERE rolname = 'grafana'") == 0
    for password in ("it's one", "\\kaleidoscope $1"):
        done = login(db, password)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert db.sql(
        "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit"
        " FROM pg_roles WHERE rolname = 'grafana'"
    ) == [(True, False, False, False, False, False, 20)]
    groups = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'grafana'::regrole"
    assert db.sql(groups) == [("asymm_reader",)]
    assert db.value("SELECT rolpassword LIKE 'SCRAM-SHA-256$%%' FROM pg_authid WHERE rolname = %s", "grafana")
    assert "kaleidoscope" not in db.server.log_text(0)
    with db.connect(user="grafana") as reader:
        assert reader.execute("SELECT count(*) FROM asymm.vitals").fetchone() == (1,)
        assert reader.execute("SHOW statement_timeout").fetchone() == ("30s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT asymm.watch_database()")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("CREATE TEMP TABLE t ()")


def test_export_writes_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grafana", "export", str(tmp_path / "new")]) == 0
    said = capsys.readouterr().out.split("\n")[:-1]
    written = {
        path.relative_to(tmp_path / "new").as_posix()
        for path in (tmp_path / "new").rglob("*")
        if path.is_file()
    }
    assert set(said) == written
    assert written >= {"login.sql", "dashboards/1-health.json", "provisioning/datasources/asymmetrica.yaml"}
    for name in written:
        assert (tmp_path / "new" / name).read_bytes() == (HERE / name).read_bytes()
    (tmp_path / "file").write_text("")
    assert main(["grafana", "export", str(tmp_path / "file")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_the_wheel_brings_all_of_it() -> None:
    package = HERE.parent
    said = tomllib.loads((ROOT / "python" / "pyproject.toml").read_text())
    patterns = said["tool"]["setuptools"]["package-data"]["asymmetrica"]
    brought = {path for pattern in patterns for path in package.glob(pattern)}
    files = {path for path in HERE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert files
    assert files <= brought
