"""What is known of a session, a query and what it returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from .codec import Raw

__all__ = ["Dependencies", "Fetched", "Who", "fixed_moments"]


@dataclass(frozen=True, slots=True)
class Who:
    """Role, rights and settings of our session, which are equal for two with the same `token`.

    `why_not`: why it may use no copies; `plain`: it reads texts in the form the mirror keeps.
    """

    token: str
    database: bytes
    settings: tuple[str | None, ...]
    why_not: str | None
    plain: bool
    zone: tzinfo
    asked: float
    connection: Any


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Tables (as in keys) a query depends on, or why its result is not kept.

    `steady`: it gives the same on the same rows, mirrored or not.
    `clocks` are the parameters which as texts may stand for the time now.
    """

    tables: tuple[str, ...]
    why_not: str | None
    clocks: tuple[int, ...]
    steady: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows of a statement with names and types of the columns; `raw` has the texts."""

    columns: tuple[tuple[str, int], ...]
    rows: list[tuple[Any, ...]]
    raw: Raw


def fixed_moments(values: Sequence[Any], clocks: Sequence[int]) -> bool:
    """Whether no parameter is a text that may stand for the time now."""
    return all(
        number <= len(values) and type(values[number - 1]) in (date, datetime, type(None))
        for number in clocks
    )
