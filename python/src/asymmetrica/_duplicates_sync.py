# Generated from _duplicates_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for duplicates: found, counted, merged."""

from __future__ import annotations

from collections.abc import Sequence

from . import _sql_duplicates as _sql
from ._session_sync import Session
from .rows import DuplicateCount, DuplicateGroup, Merge, NearDuplicate


class Duplicates:
    """Rows are compared by columns named, or by all but generated ones and keys that are made up."""

    _session: Session

    def find_duplicates(
        self,
        relation: str,
        *,
        columns: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        nfc: bool = False,
        most: int = 100,
    ) -> list[DuplicateGroup]:
        """Return groups of rows with equal content, the largest first.

        Raises `UnknownTable`, `UnknownColumn`, `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        values = {
            "relation": relation,
            "columns": _names(columns),
            "ignore": _names(ignore),
            "nfc": nfc,
            "most": most,
        }
        return self._session.rows(DuplicateGroup, _sql.FIND_DUPLICATES, values)

    def find_near_duplicates(
        self,
        relation: str,
        columns: Sequence[str],
        *,
        threshold: float = 0.6,
        neighbours: int = 4,
        most: int = 100,
    ) -> list[NearDuplicate]:
        """Return pairs of rows whose texts are nearly the same, the most alike first.

        Raises `UnknownTable`, `UnknownColumn`, `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        values = {
            "relation": relation,
            "columns": _names(columns),
            "threshold": threshold,
            "neighbours": neighbours,
            "most": most,
        }
        return self._session.rows(NearDuplicate, _sql.FIND_NEAR_DUPLICATES, values)

    def duplicate_report(
        self, *, schema: str | None = None, most_rows: int = 1_000_000
    ) -> list[DuplicateCount]:
        """Return the duplicates of all tables that may be read; large ones are named, not counted."""
        values = {"schema": schema, "most_rows": most_rows}
        return self._session.rows(DuplicateCount, _sql.DUPLICATE_REPORT, values)

    def merge_duplicates(
        self,
        relation: str,
        *,
        keep: str = "oldest",
        columns: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        dry_run: bool = False,
        most_groups: int | None = None,
        unique_index: bool = False,
    ) -> Merge:
        """Keep one row of each group (oldest, newest, or an expression of t); `revert` takes it back.

        `unique_index`: once no duplicates are left a builder makes a unique index, the action `index_action`.

        Raises `UnknownTable`, `UnknownColumn`, `WrongKind`, `InvalidArgument`, `NotAllowed`, `HealingPaused`;
        `AsymmetricaError` (55000) with the reason for what can't be merged, (SY020) for a protected column.
        """
        values = {
            "relation": relation,
            "keep": keep,
            "columns": _names(columns),
            "ignore": _names(ignore),
            "dry_run": dry_run,
            "most_groups": most_groups,
            "unique_index": unique_index,
        }
        return (self._session.rows(Merge, _sql.MERGE_DUPLICATES, values))[0]

    def watch_duplicates(
        self, relation: str, *, columns: Sequence[str] | None = None, ignore: Sequence[str] | None = None
    ) -> list[str]:
        """Have new duplicates of a table noticed as findings; return the columns that are compared.

        Raises `UnknownTable`, `UnknownColumn`, `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        values = {"relation": relation, "columns": _names(columns), "ignore": _names(ignore)}
        return list(self._session.value(_sql.WATCH_DUPLICATES, values))

    def unwatch_duplicates(self, target: str) -> bool:
        """End that for schema.table; False when it was not watched. Raises `NotAllowed`."""
        return bool(self._session.value(_sql.UNWATCH_DUPLICATES, {"target": target}))


def _names(columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else list(columns)
