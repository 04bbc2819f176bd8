# Generated from _indexes_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for indexes."""

from __future__ import annotations

from datetime import timedelta

from . import _sql
from ._session_sync import Session
from .rows import Autopilot, IndexAdvice, IndexSettings


class Indexes:
    """The functions and views of schema asymm for indexes: advice, autopilot, settings."""

    _session: Session

    def advice(self, *, target: str | None = None, state: str | None = None) -> list[IndexAdvice]:
        """Return indexes to create, drop or rebuild and what became of them (view asymm.advice).

        Approve, reject and revert them as other actions. States: proposed, approved, building, validating,
        kept, reverting, reverted, rejected, failed, expired.
        """
        return self._session.rows(IndexAdvice, _sql.ADVICE, {"target": target, "state": state})

    def autopilot(self, mode: str) -> Autopilot:
        """Switch autopilot on, off, or to propose only. Raises `InvalidArgument`."""
        return (self._session.rows(Autopilot, _sql.AUTOPILOT, {"mode": mode}))[0]

    def index_settings(self) -> IndexSettings:
        """Return the settings of indexes in force (view asymm.index_settings)."""
        return (self._session.rows(IndexSettings, _sql.INDEX_SETTINGS))[0]

    def configure_indexes(
        self,
        *,
        autopilot: str | None = None,
        index_budget: str | None = None,
        max_index_build_bytes: int | None = None,
        max_database_bytes: int | None = None,
        quiet_hours: str | None = None,
        max_active_sessions: int | None = None,
        build_wait: timedelta | None = None,
        validation_min: timedelta | None = None,
        validation_max: timedelta | None = None,
        validation_confidence: float | None = None,
        max_regression: float | None = None,
        advice_expires: timedelta | None = None,
        unused_after: timedelta | None = None,
        search_every: timedelta | None = None,
        workload_window: timedelta | None = None,
        workload_step: timedelta | None = None,
        build_unproved: bool | None = None,
    ) -> IndexSettings:
        """Change settings of indexes and return those in force; None leaves one as it is.

        `index_budget` is a share of all tables (50%) or a size (10 GB), `quiet_hours` as 22:00-06:00.
        Raises `InvalidArgument`.
        """
        values = {name: value for name, value in locals().items() if name != "self"}
        return (self._session.rows(IndexSettings, _sql.CONFIGURE_INDEXES, values))[0]
