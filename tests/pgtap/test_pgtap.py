"""Runs every pgTAP file of this folder in a database of its own; a line that is not ok fails it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import tap
from support.database import Database

FILES = sorted(Path(__file__).parent.glob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(path: Path, tap_db: Database, subtests: pytest.Subtests) -> None:
    # pgTAP's own tables look large to the planner: each of its queries would be compiled.
    done = tap_db.psql("-qAt", "-v", "ON_ERROR_STOP=1", "-c", "SET jit = off", "-f", path)
    report = tap.read(done.stdout)
    if done.returncode != 0:
        report.problems.append(f"psql ended with {done.returncode}")
    for reason in report.skipped:
        with subtests.test(reason):
            pytest.skip(reason)
    if report.problems:
        pytest.fail("\n".join([*report.problems, done.stderr, done.stdout]), pytrace=False)


def test_there_are_files() -> None:
    assert FILES
