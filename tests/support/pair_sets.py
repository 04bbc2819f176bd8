"""All pairs there are: those of the files, those of the histories, and random ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from support import pair_changes, pairs
from support.pairs import COMMIT, FOLDER, Case

RANDOM = 150
# How many migrations lie between the two schemas.
STRIDES = (1, 3, 5)


def history(path: Path) -> list[Case]:
    """Return pairs of the states an application's migrations went through."""
    steps = list(pairs.parts(path.read_text(encoding="utf-8"), "---"))
    cases = []
    for stride in STRIDES:
        for start in range(1, len(steps) - stride + 1, 1 if stride == 1 else 2):
            end = start + stride
            name = f"{path.stem}: {steps[start][0]}" + (f" and {stride - 1} more" if stride > 1 else "")
            old, change = (
                COMMIT.join(body for _, body in some) for some in (steps[:start], steps[start:end])
            )
            cases.append(Case(f"history: {name}", old, old + COMMIT + change, change))
    return cases


@cache
def every() -> tuple[Case, ...]:
    """Return all cases; each has two directions but for those marked one way."""
    cases = pairs.read()
    for path in sorted((FOLDER / "histories").glob("*.sql")):
        cases += history(path)
    cases += [case for number in range(RANDOM) if (case := pair_changes.case(number)).old != case.new]
    names = [case.name for case in cases]
    if len(set(names)) < len(names):
        raise ValueError(f"the same name twice: {sorted({name for name in names if names.count(name) > 1})}")
    return tuple(cases)
