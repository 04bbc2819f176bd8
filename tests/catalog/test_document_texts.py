"""No text of a document from elsewhere comes into a statement as more than it stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from support.database import Database
from support.documents import changed, objects, places

# Ends a string, a name, a parenthesis and a statement.
EVIL = "x'\"\\'); DROP TABLE rich.canary; --"


def unquoted(statement: str) -> str:
    """Return a statement without its strings and quoted names."""
    pattern = r"""\$(\w*)\$.*?\$\1\$|E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*\""""
    return re.sub(pattern, " ", statement, flags=re.DOTALL)


@pytest.mark.timeout(300)
def test_no_text_gets_out_of_its_place(full: Database) -> None:
    """Each text and each name in a document is either refused, or printed within quotes."""
    seen: set[tuple[Any, ...]] = set()
    let_in = 0
    for item in objects(full):
        for path in places(item):
            # One of each sort: the same attribute of another object is handled the same way.
            sort = (
                item["kind"],
                *(step if not isinstance(step, int) else 0 for step in path),
            )
            sort = sort if path[:1] != ("facts",) or len(path) < 4 else (*sort[:3], *sort[4:])
            if sort in seen or path == ("facts", None):
                continue
            seen.add(sort)
            bad = changed(item, path, EVIL)
            if full.value("SELECT public.fault(%s)", Jsonb(bad)) is not None:
                continue
            let_in += 1
            for (printed,) in full.sql("SELECT public.printed(%s, %s)", Jsonb(bad), Jsonb(item)):
                assert "DROP TABLE rich.canary" not in unquoted(printed), (
                    sort,
                    printed,
                )
    assert len(seen) > 300
    assert let_in > 60


def injections() -> Iterator[tuple[str, str, tuple[Any, ...], Any]]:
    for line in (Path(__file__).parent / "injections.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, name, path, value = json.loads(line)
            yield kind, name, tuple(path), value


def test_what_is_no_baseline_is_refused(full: Database) -> None:
    found = {(item["kind"], item["name"]): item for item in objects(full)}
    let_in = []
    for kind, name, path, value in injections():
        bad = changed(found[kind, name], path, value)
        if full.value("SELECT public.fault(%s)", Jsonb(bad)) is None:
            let_in.append((kind, path, value))
    assert let_in == []
    assert [item for item in found.values() if full.value("SELECT public.fault(%s)", Jsonb(item))] == []
