"""Pairs of schemas: how a database should be (old), and how it was found (new).

A file of property/pairs holds scenes. A scene is a schema and some changes of it:

    === title            the schema all its cases begin with
    --- title            a case: the statements that change it
    --- title            or two ways on from there,
    -- old
    -- new

Each case gives two pairs: what was changed is to be put back, and what was put back is to be changed.

Marks of a case, each a line of its own
    -- needs 17          the server must be that new
    -- one way           only the first of the two pairs
    -- remade: t, t.c    tables and columns that can't be kept
    -- commit            what follows runs in a transaction of its own
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "property" / "pairs"
COMMIT = "\n-- commit\n"
ROLES = (
    "app_owner",
    "app_user",
    "app_reader",
    "app_admin",
    "anon",
    "authenticated",
    "service_role",
    "Odd Role",
)


@dataclass(frozen=True)
class Case:
    """Two schemas, and where there is one the script that makes the second of the first."""

    name: str
    old: str
    new: str
    change: str | None = None
    major: int = 0
    one_way: bool = False
    remade: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]


@dataclass(frozen=True)
class Pair:
    """One direction of a case: the database is as `new` says and should be as `old` says."""

    case: Case
    back: bool = False

    @property
    def name(self) -> str:
        return f"{self.case.name} (back)" if self.back else self.case.name

    @property
    def kind(self) -> str:
        return self.case.kind


def parts(text: str, mark: str) -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each part that begins with a line `mark title`."""
    for part in re.split(rf"^{re.escape(mark)} ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield title.strip(), body


def read_case(name: str, base: str, text: str) -> Case:
    remade = re.search(r"^-- remade: (.*)$", text, re.MULTILINE)
    needs = re.search(r"^-- needs (\d+)$", base + text, re.MULTILINE)
    two = re.search(r"^-- old$(.*)^-- new$(.*)", text, re.MULTILINE | re.DOTALL)
    return Case(
        name,
        base + (COMMIT + two[1] if two else ""),
        base + COMMIT + (two[2] if two else text),
        None if two else text,
        int(needs[1]) if needs else 0,
        re.search(r"^-- one way$", text, re.MULTILINE) is not None,
        frozenset(re.split(r", *", remade[1])) if remade else frozenset(),
    )


def read(folder: Path = FOLDER) -> list[Case]:
    """Return the cases of the files."""
    cases = []
    for path in sorted(folder.glob("*.sql")):
        for scene, body in parts(path.read_text(encoding="utf-8"), "==="):
            base = re.split(r"^--- ", body, maxsplit=1, flags=re.MULTILINE)[0]
            for title, text in parts(body, "---"):
                cases.append(read_case(f"{path.stem}: {scene} / {title}", base, text))
    return cases


def statements(script: str) -> list[str]:
    """Return the transactions of a script."""
    return [text for text in re.split(r"^-- commit$", script, flags=re.MULTILINE) if text.strip()]


def directions(cases: Iterable[Case]) -> list[Pair]:
    return [Pair(case, back) for case in cases for back in ((False,) if case.one_way else (False, True))]


def sample(cases: Iterable[Case], count: int) -> list[Case]:
    """Return about so many cases, of every kind its share, always the same."""
    kinds = defaultdict(list)
    for case in cases:
        kinds[case.kind].append(case)
    share = count / max(1, sum(map(len, kinds.values())))
    chosen = []
    for found in kinds.values():
        found.sort(key=lambda case: zlib.crc32(case.name.encode()))
        chosen += found[: max(1, round(len(found) * share))]
    return chosen
