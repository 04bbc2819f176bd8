"""The image's entrypoint: first start, secrets, restart, refusals. Runs inside the image only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support.cluster import BIN, free_port, wait_until

ENTRYPOINT = Path("/usr/local/bin/docker-entrypoint.sh")
INITDB_FILES = Path("/docker-entrypoint-initdb.d")
pytestmark = pytest.mark.skipif(not ENTRYPOINT.exists(), reason="only inside the image: make image-test")


class Container:
    """The entrypoint as the image runs it, with a volume and a port of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PGDATA": str(directory / "data"),
            "PGPORT": str(self.port),
        }
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        with self.log.open("ab") as log:
            process = self.process = subprocess.Popen(
                [ENTRYPOINT, "postgres"],
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self.healthy() or process.poll() is not None, 60, "healthy or ended")
        assert process.poll() is None, self.log.read_text()

    def healthy(self) -> bool:
        return subprocess.run([ENTRYPOINT, "healthy"], env=self.environment, check=False).returncode == 0

    def fails(self, **environment: str) -> str:
        """Start it expecting that it ends by itself, and return what it said."""
        done = subprocess.run(
            [ENTRYPOINT, "postgres"],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        return done.stderr

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def connect(self, database: str, user: str, password: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=user, password=password, autocommit=True
        )


@pytest.fixture
def container() -> Iterator[Container]:
    made = Container(Path(tempfile.mkdtemp(prefix="asymm-image-")))
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()
    shutil.rmtree(made.directory)


def test_first_start_makes_everything_and_a_restart_keeps_it(container: Container) -> None:
    secret = container.directory / "secret"
    secret.write_text("pass'word \"1\n")
    file = INITDB_FILES / "10-test.sql"
    file.write_text("CREATE TABLE public.kept AS SELECT current_database() AS made_in;\n")
    try:
        container.start(
            POSTGRES_PASSWORD_FILE=str(secret),
            POSTGRES_USER="boss",
            POSTGRES_DB="shop's own",
            POSTGRES_INITDB_ARGS="--wal-segsize=32",
        )
    finally:
        file.unlink()
    with container.connect("shop's own", "boss", "pass'word \"1") as connection:
        found = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
        assert found >= {"asymmetrica", "pg_cron", "pg_stat_statements", "hypopg", "timescaledb"}
        assert connection.execute("SELECT made_in FROM public.kept").fetchall() == [("shop's own",)]
        settings = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
        assert settings["cron.database_name"] == "shop's own"
        assert settings["wal_level"] == "logical"
        assert settings["wal_segment_size"] == str(32 * 1024 * 1024)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        container.connect("shop's own", "boss", "wrong")
    assert container.stop() == 0
    container.start()
    with container.connect("shop's own", "boss", "pass'word \"1") as connection:
        assert connection.execute("SELECT count(*) FROM public.kept").fetchall() == [(1,)]
    assert "pass'word" not in container.log.read_text()


def test_password_reaches_no_server_process(container: Container) -> None:
    container.start(POSTGRES_PASSWORD="a-secret-word")
    assert container.process is not None
    environment = Path(f"/proc/{container.process.pid}/environ").read_bytes()
    assert b"PGDATA" in environment
    assert b"a-secret-word" not in environment
    assert b"a-secret-word" not in container.log.read_bytes()


def test_refusals(container: Container) -> None:
    assert "POSTGRES_PASSWORD" in container.fails()
    both = container.fails(POSTGRES_PASSWORD="a", POSTGRES_PASSWORD_FILE="/nonexistent")
    assert "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set" in both
    assert "can't be read" in container.fails(POSTGRES_PASSWORD_FILE="/nonexistent")
    assert not (container.directory / "data").exists()


def test_an_unfinished_first_start_is_not_taken_for_a_finished_one(container: Container) -> None:
    file = INITDB_FILES / "10-broken.sql"
    file.write_text("SELECT nothing;\n")
    try:
        assert 'column "nothing" does not exist' in container.fails(POSTGRES_PASSWORD="a")
    finally:
        file.unlink()
    running = subprocess.run(
        [BIN / "pg_ctl", "-D", container.environment["PGDATA"], "status"], check=False, capture_output=True
    )
    assert running.returncode == 3
    assert "did not finish" in container.fails(POSTGRES_PASSWORD="a")
    assert not container.healthy()
