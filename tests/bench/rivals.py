"""Other tools that make one schema like another, installed under .run/bench where they can be had."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from support.cluster import BIN, ROOT
from support.database import Database

HOME = ROOT / ".run" / "bench"
PYPI = ("results==2.0.1789346060", "migra==3.0.1663481299", "psycopg2-binary", "setuptools<81")
NPM = "@supabase/pg-delta@1.0.0-alpha.34"
SECONDS = 120


def command(*words: str | Path, check: tuple[int, ...] = (0,)) -> str:
    """Run a program and return what it printed."""
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode not in check:
        raise RuntimeError((done.stderr or done.stdout).strip()[-600:])
    return done.stdout


def url(db: Database) -> str:
    return f"postgresql://postgres@127.0.0.1:{db.server.port}/{db.name}"


class Rival:
    """A tool that prints the SQL from one database to another; psql runs it, on after errors."""

    live = True

    def __init__(self, name: str, plan: Callable[[str, str], str]) -> None:
        self.name = name
        self.plan = plan

    def prepare(self, old: Database) -> str:
        return url(old)

    def heal(self, prepared: object, new: Database, *, loss: bool) -> list[str]:  # noqa: ARG002
        script = self.plan(url(new), str(prepared))
        with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
            file.write(script)
            file.flush()
            done = new.psql("-q", "-f", file.name)
        return [line for line in done.stderr.splitlines() if "ERROR:" in line]

    def again(self, prepared: object, new: Database) -> list[str]:
        return self.plan(url(new), str(prepared)).strip().splitlines()


def python_tools() -> list[Rival]:
    """Results and migra from PyPI, in a virtual environment of their own."""
    home = HOME / "venv"
    if not (home / "bin" / "migra").exists():
        command(sys.executable, "-m", "venv", home)
        command(home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *PYPI)

    def results(new: str, old: str) -> str:
        return command(home / "bin" / "results", "dbdiff", "--with-privileges", new, old, check=(0, 2, 3))

    def migra(new: str, old: str) -> str:
        tool = home / "bin" / "migra"
        return command(tool, "--unsafe", "--with-privileges", new, old, check=(0, 2))

    return [Rival("results", results), Rival("migra", migra)]


class PgDelta(Rival):
    """pg-delta makes a plan and applies it itself."""

    def __init__(self, tool: Path) -> None:
        super().__init__(
            "pg-delta", lambda new, old: command(tool, "diff", "--source", new, "--desired", old)
        )
        self.tool = tool

    def heal(self, prepared: object, new: Database, *, loss: bool) -> list[str]:  # noqa: ARG002
        with tempfile.TemporaryDirectory() as folder:
            plan = Path(folder) / "plan.json"
            words = ("--source", url(new), "--desired", str(prepared), "--out", plan, "--renames", "off")
            command(self.tool, "plan", *words)
            command(self.tool, "apply", "--plan", plan, "--target", url(new), "--force", "--allow-data-loss")
        return []


def npm_tools() -> list[Rival]:
    tool = HOME / "npm" / "node_modules" / ".bin" / "pgdelta"
    if not tool.exists():
        (HOME / "npm").mkdir(parents=True, exist_ok=True)
        command("npm", "install", "--no-audit", "--no-fund", "--prefix", HOME / "npm", NPM)
    return [PgDelta(tool)]


def debian_tools() -> list[Rival]:
    """Apgdiff, unpacked from Debian's package, compares two dumps."""
    jars = HOME / "apgdiff"
    if not list(jars.glob("usr/share/java/apgdiff*.jar")):
        jars.mkdir(parents=True, exist_ok=True)
        words = f"cd '{jars}' && apt-get -q download apgdiff && dpkg-deb -x apgdiff_*.deb ."
        command("sh", "-c", words)
    java = shutil.which("java")
    if java is None:
        raise RuntimeError("no Java")
    jar = sorted(jars.glob("usr/share/java/apgdiff*.jar"))[0]

    def apgdiff(new: str, old: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for number, source in enumerate((new, old)):
                text = command(BIN / "pg_dump", "--schema-only", source)
                # It can't read psql's own commands, which dumps have since 2025.
                lines = [line for line in text.splitlines(keepends=True) if not line.startswith("\\")]
                files.append(Path(folder) / f"{number}.sql")
                files[-1].write_text("".join(lines), encoding="utf-8")
            return command(java, "-jar", jar, "--ignore-start-with", *files)

    return [Rival("apgdiff", apgdiff)]


def installed() -> tuple[list[Rival], list[str]]:
    """Return the tools that could be had, and why others could not."""
    found: list[Rival] = []
    missing: list[str] = []
    for make in (python_tools, npm_tools, debian_tools):
        try:
            found += make()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            missing.append(f"{make.__name__}: {error}")
    return found, missing
