# Generated from _sonars_async.py by tools/async_to_sync.py: change that, not this.
"""Methods for the sonars: health, what is wrong, and promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from . import _sql
from ._session_sync import Session
from .rows import Balance, Health, Promise, Reading, Smoothness, TrackedState

HOUR = timedelta(hours=1)


class Sonars:
    """The functions of schema asymm that measure health. A `span` lies between 10 seconds and 7 days."""

    _session: Session

    def health(self, *, span: timedelta = HOUR) -> Health:
        """Return 0.5 UX + 0.25 Semantic + 0.25 State over a span. Raises `InvalidArgument`."""
        return (self._session.rows(Health, _sql.HEALTH, {"span": span}))[0]

    def balance(self, *, span: timedelta = HOUR) -> Balance:
        """Return how even health is over a span. Raises `InvalidArgument`."""
        return (self._session.rows(Balance, _sql.BALANCE, {"span": span}))[0]

    def sonar(self, *, span: timedelta = HOUR) -> list[Reading]:
        """Return the scores over a span, then what is wrong now, worst first. Raises `InvalidArgument`."""
        return self._session.rows(Reading, _sql.SONAR, {"span": span})

    def ux_sonar(self, *, span: timedelta = HOUR, by: str = "all") -> list[Smoothness]:
        """Return how smoothly queries answer, summed up by all, query, entity or role.

        Raises `InvalidArgument`.
        """
        return self._session.rows(Smoothness, _sql.UX_SONAR, {"span": span, "by": by})

    def validate(self, *, span: timedelta = HOUR) -> list[Promise]:
        """Return every promise with what is measured on this database. Raises `InvalidArgument`."""
        return self._session.rows(Promise, _sql.VALIDATE, {"span": span})

    def track_state(self, target: str, *, columns: Sequence[str] | None = None) -> TrackedState:
        """Have the states of a table's rows observed; by default of the columns that look like it.

        Raises `UnknownTable`, `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        values = {"target": target, "columns": None if columns is None else list(columns)}
        return (self._session.rows(TrackedState, _sql.TRACK_STATE, values))[0]

    def untrack_state(self, target: str) -> bool:
        """End that; False when it was not observed. Raises `NotAllowed`."""
        return bool(self._session.value(_sql.UNTRACK_STATE, {"target": target}))
