"""Other advisors of indexes, installed under .run/bench where they can be had."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench import tpch
from bench.rivals import HOME, command, url
from support import database
from support.cluster import LIB, MAJOR, Cluster, owned_directory
from support.database import Database

# It asks for a version of pglast that has gone; what it uses of it is the same.
MCP = "postgres-mcp==0.3.0"
MCP_NEEDS = ("pglast==7.22", "psycopg[binary]", "psycopg-pool", "attrs", "humanize")
SECONDS = 150


def newer_python() -> str:
    """Return a Python of 3.12 or later."""
    names = [sys.executable, *(f"python3.{minor}" for minor in (12, 13, 14))]
    names += map(str, sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python3")))
    for name in names:
        try:
            command(name, "-c", "import sys; sys.exit(sys.version_info < (3, 12))")
        except (OSError, RuntimeError):
            continue
        return name
    raise RuntimeError("it needs Python 3.12")


def postgres_mcp(db: Database, megabytes: int) -> list[str]:
    """Return what the tuning advisor of postgres-mcp advises within so many megabytes."""
    home = HOME / "postgres-mcp"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        command(newer_python(), "-m", "venv", home)
        pip = (home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check")
        command(*pip, "--no-deps", MCP)
        command(*pip, *MCP_NEEDS)
        (home / "ready").touch()
    columns: dict[str, list[str]] = dict(
        db.sql(
            "SELECT c.relname, array_agg(a.attname::text) FROM pg_attribute AS a"
            " JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'"
            " WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 GROUP BY 1"
        )
    )
    wanted = {
        "url": url(db),
        "statements": list(tpch.QUERIES.values()),
        "budget": megabytes,
        "columns": columns,
    }
    done = subprocess.run(
        [home / "bin" / "python", Path(__file__).parent / "postgres_mcp.py"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-300:])
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def qualstats_files() -> Path:
    """Return where Debian's package of pg_qualstats is unpacked."""
    home = HOME / "qualstats"
    if not list(home.glob("usr/lib/postgresql/*/lib/pg_qualstats.so")):
        home.mkdir(parents=True, exist_ok=True)
        name = f"postgresql-{MAJOR}-pg-qualstats"
        command("sh", "-c", f"cd '{home}' && apt-get -q download {name} && dpkg-deb -x {name}_*.deb .")
    return home


class Qualstats:
    """A server of its own with pg_qualstats, that runs the statements and is asked for indexes."""

    def __init__(self, data: Path) -> None:
        home = qualstats_files()
        self.files = owned_directory("asymm-qualstats-")
        self.files.chmod(0o755)
        library = self.files / "pg_qualstats.so"
        shutil.copy(home / str(LIB).lstrip("/") / "pg_qualstats.so", library)
        library.chmod(0o755)
        self.cluster = Cluster(
            {
                "shared_preload_libraries": str(library),
                "pg_qualstats.sample_rate": "1",
                "pg_qualstats.track_constants": "off",
                "max_wal_size": "4GB",
            }
        )
        try:
            self.cluster.start()
            self.db = database.create(self.cluster)
            folder = home / "usr" / "share" / "postgresql" / MAJOR / "extension"
            script = sorted(
                folder.glob("pg_qualstats--[0-9.]*.sql"), key=lambda path: "--" in path.stem[14:]
            )[0]
            text = script.read_text(encoding="utf-8").replace("MODULE_PATHNAME", str(library))
            self.db.own.execute(re.sub(r"^\\echo.*$", "", text, flags=re.MULTILINE).encode())
            tpch.load(self.db, data)
        except BaseException:
            self.remove()
            raise

    def advise(self) -> list[str]:
        for statement in tpch.QUERIES.values():
            self.db.sql(statement)
        found = self.db.value("SELECT pg_qualstats_index_advisor(min_filter => 50) -> 'indexes'")
        return list(dict.fromkeys(map(str, found)))

    def remove(self) -> None:
        self.cluster.remove()
        shutil.rmtree(self.files, ignore_errors=True)
